#pragma once

#include <filesystem>

#include "core/base/progress.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/store/edit/verify.h"

namespace understudy {

// Every fault of a LeRobot dataset v2.0, v2.1 or v3.0 with its place; empty: sound. Lists in meta/
// that contradict themselves or each other are one fault and end the check, as nothing shows then
// what stands where. Else: the first bad number, index, time or task of each episode; the first
// picture of each film that does not decode; statistics of every feature against its numbers (min,
// max, mean and deviation to what LeRobot's single precision leaves of them; quantiles by their
// order, as LeRobot estimates them; of pictures, which it samples, roughly); and, with
// `options.extras`, the numbers against extras/understudy.h5, whose own faults are reported too.
// Memory: an episode, a row group, a picture per camera. One thread. Throws Error(kFailed) on an
// interrupt.
VerifyReport VerifyLerobot(const std::filesystem::path& folder, const LerobotImportOptions& options,
                           Progress& progress);

}  // namespace understudy
