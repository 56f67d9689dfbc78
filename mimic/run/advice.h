#pragma once

#include <string>
#include <vector>

#include "mimic/attempt/attempt.h"
#include "mimic/run/report.h"

namespace understudy {

// Sources whose segments are in successes less than half as often as the others', or in failures
// more than three times as often, the worst first; `enough`: segments of it, and of the others,
// before it is judged.
std::vector<SourceUse> SpoilingSources(const std::vector<SourceUse>& sources, int64_t enough);

// What to change, from the numbers of a run: a line for every cause and subtask that makes up a
// good part of the failures, most frequent first, then for sources that spoil attempts and for
// starts that no success covers. Every line names the numbers behind it and the setting to change.
// Empty where nothing stands out.
std::vector<std::string> Advise(const MimicReport& report, const TaskSpec& task,
                                const GenerateOptions& options);

}  // namespace understudy
