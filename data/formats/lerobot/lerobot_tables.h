#pragma once

// The lists in meta/ of a LeRobot dataset, as each version writes them; unchecked against each
// other: lerobot_folder.h does that.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/formats/base/python_json.h"
#include "data/formats/lerobot/lerobot_folder.h"

namespace understudy {

// Path templates of info.json.
struct LerobotPaths {
  std::string data, video;
  int64_t chunks_size = 1000;  // episodes per chunk of v2
  std::string place;           // of info.json, for errors
};

// Refuses a text file that is missing or has more than 1 GiB.
void RequireSmall(const std::filesystem::path& file);
std::string ReadSmallText(const std::filesystem::path& file);

// meta/episodes/chunk-000/file-000.parquet and its like, in order; none is an error.
std::vector<std::filesystem::path> EpisodeFilesV3(const std::filesystem::path& dataset);

std::map<int64_t, std::string> ReadTasksV2(const std::filesystem::path& folder);
// Texts of `kind` by `kind`_index: the text is the index of pandas' frame, or a column.
std::map<int64_t, std::string> ReadTasksV3(const std::filesystem::path& file,
                                           const std::string& kind);
// In the order of the files. v3.0's carry `first_index` as the file claims it, -1 where that is
// none.
std::vector<LerobotEpisode> ReadEpisodesV2(const LerobotFolder& folder, const LerobotPaths& paths);
std::vector<LerobotEpisode> ReadEpisodesV3(const LerobotFolder& folder, const LerobotPaths& paths);

}  // namespace understudy
