#pragma once

// Recordings that were never finished.

#include <filesystem>

#include "data/store/recorder.h"

namespace understudy {

// Attribute of /understudy: true while a recorder is at work on the file.
inline constexpr const char* kRecordingMark = "recording";

// Throws Error(kBadInput) where `part` cannot be read.
bool IsRecording(const std::filesystem::path& part);

// The whole rows of a recording as a dataset of one failed episode ("interrupted"); `part` stays.
// Rows 0: nothing was written. Throws Error where the recorder is still alive or the file damaged.
SalvageReport SalvageRecording(const std::filesystem::path& part,
                               const std::filesystem::path& output, bool overwrite);

}  // namespace understudy
