#pragma once

// Folders whose lists contradict their data, read to be repaired.

#include <filesystem>
#include <string>
#include <vector>

#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/lerobot/lerobot_tables.h"

namespace understudy {

// Every file of an extension below a folder, in order.
std::vector<std::filesystem::path> FilesBelow(const std::filesystem::path& folder,
                                              const std::string& extension);
// Every Parquet file below data/, in order.
std::vector<std::filesystem::path> DataFilesIn(const std::filesystem::path& folder);

// The rate by the times of the first file of rows, for a folder whose info.json has none: a fault
// of the folder. Throws Error(kBadInput) where no row has a time.
void FindRate(LerobotFolder& folder);

// The same where the times of the rows and those of the films agree on another rate than info.json.
void CorrectRate(LerobotFolder& folder);

// The episodes that the rows name, for a folder whose list of them is missing or no good (`why`):
// that, and files of rows that cannot be read, are faults of the folder. Films of v3.0 are taken to
// hold the episodes in the order of their numbers, each film whole ones. Throws Error(kBadInput)
// where no row names its episode or the films hold other numbers of frames.
std::vector<LerobotEpisode> EpisodesByData(const std::string& why, const LerobotPaths& paths,
                                           LerobotFolder& folder);

// Gives the episodes of a folder the rows that the data has of them: their lengths, their order by
// frame_index where it is only shuffled, their tasks from the list of episodes where the list of
// tasks is no good (`task_fault`: why). What differs from meta/ becomes a fault of the folder,
// episodes whose rows or films cannot be found get the reason. `list` names the list of episodes.
void MendByData(const std::string& list, const std::string& task_fault, LerobotFolder& folder);

}  // namespace understudy
