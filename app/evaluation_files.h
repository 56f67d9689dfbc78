#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "core/base/json.h"
#include "train/evaluate/evaluate.h"

namespace understudy {

// The films of an evaluation lie beside its report `out`, in a folder of its name:
// <out without .json>_videos/episode_<i>.mp4, and of a factor's failures
// factor_<f>_episode_<i>.mp4.
std::filesystem::path VideoFile(const std::string& out, int64_t episode);
std::filesystem::path FactorVideoFile(const std::string& out, size_t factor, int64_t episode);

// Films of rollouts; `begin` is called before that of an episode is written. Empty where none is
// wanted or libav is missing.
SinkFactory VideoSinks(const std::string& out, const EvalOptions& options,
                       const std::function<void(int64_t)>& begin);

// The report that `out` holds, and that a new one may replace; null if there is none. Throws
// Error(kUsage) for any other file.
Json OlderEvaluation(const std::string& out);
// The films of an older report go with it; other files in their folder stay.
void RemoveVideos(const Json& report, const std::string& out);

// What the record of a policy's training says of its numbers: the program's version, the precision
// and the device. Empty where there is none.
Json TrainingOf(const std::string& checkpoint);

}  // namespace understudy
