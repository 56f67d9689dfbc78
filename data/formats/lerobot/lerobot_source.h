#pragma once

#include <filesystem>
#include <memory>

#include "core/seam/episode_source.h"
#include "data/formats/lerobot/lerobot_folder.h"
#include "data/store/read_options.h"

namespace understudy {

// A LeRobot dataset v2.0, v2.1 or v3.0 where it lies. Episodes are named demo_<i> in the order of
// their numbers, as ReadLerobot names them. Columns are the features that are numbers, by their own
// names; cameras are named as ReadLerobot names them. Rows have arms where observation.state and
// action are named as WriteLerobot names them, else no arms. Memory: an episode, the row groups of
// some Parquet files. Throws Error(kBadInput) as OpenLerobot does.
std::unique_ptr<EpisodeSource> OpenLerobotSource(const std::filesystem::path& folder,
                                                 const ReadOptions& options = {});
// The same of OpenLerobotToMend.
std::unique_ptr<EpisodeSource> OpenLerobotSourceToMend(const std::filesystem::path& folder,
                                                       const ReadOptions& options = {});

// Null for datasets of other formats. Lives as long as the source.
const LerobotFolder* FolderOf(const EpisodeSource& source);

// Names of the cameras of a folder: of its films first, then of its pictures.
std::vector<std::string> CamerasOf(const LerobotFolder& folder);

// Which task the dataset is named by, where it is that of another program's: the robot's name.
std::string TaskNameOf(const LerobotFolder& folder);

}  // namespace understudy
