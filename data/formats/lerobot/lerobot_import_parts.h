#pragma once

// The two ways in which a LeRobot dataset becomes one of ours.

#include <filesystem>
#include <functional>

#include "core/base/progress.h"
#include "data/formats/lerobot/extras.h"
#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/lerobot/lerobot_import.h"

namespace understudy {

// Restores the original of the extras with pictures from the films. Writes `out`.part and renames
// it; on an error the caller removes what is left.
void ImportExactly(const LerobotFolder& folder, const Extras& extras,
                   const std::filesystem::path& out, const LerobotImportOptions& options,
                   Progress& progress, LerobotImportReport& report);

// Compares every number of the folder with the extras, as ImportExactly does before it writes:
// throws Error(kBadInput) where they are of different datasets, and hands the comparison of each
// episode, which throws likewise, to `each`.
void CompareWithExtras(const LerobotFolder& folder, const Extras& extras,
                       const LerobotImportOptions& options,
                       const std::function<void(const std::function<void()>& compare)>& each);

// Writes robomimic's layout. Whole or nothing.
void ImportBare(const LerobotFolder& folder, const std::filesystem::path& out,
                const LerobotImportOptions& options, Progress& progress,
                LerobotImportReport& report);

// What ImportBare cannot take from this dataset, in words.
std::vector<std::string> NotInBare(const LerobotFolder& folder);

// "agentview" for "observation.images.agentview".
std::string CameraOfKey(const std::string& key);

}  // namespace understudy
