#pragma once

// What stands where in a LeRobot dataset: info.json, tasks and the list of episodes of v2.0, v2.1
// and v3.0, checked against each other. Rows and pictures are read elsewhere.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace understudy {

// A column of numbers of the Parquet files.
struct LerobotFeature {
  std::string name, dtype;  // "float32", "float64", "int64", "bool", …
  std::vector<size_t> shape;
  std::vector<std::string> names;  // of its numbers; empty if unknown
  size_t width() const;            // numbers in a row
};

struct LerobotEpisode {
  int64_t number = 0, length = 0;
  int64_t first_index = 0;     // of its first row, counted over the dataset
  std::filesystem::path data;  // Parquet file
  int64_t first_row = 0;       // in that file
  struct Place {
    std::filesystem::path file;
    int64_t first_frame = 0;
  };
  std::vector<Place> films;  // one per film of the folder
};

struct LerobotFolder {
  std::filesystem::path path;
  std::string version;  // "v2.0", "v2.1", "v3.0"
  std::string robot;
  double fps = 0;
  std::vector<LerobotFeature> features;  // those that are numbers
  std::vector<std::string> films;        // keys of video features
  std::vector<std::string> pictures;     // keys of image features: files within the Parquet files
  std::vector<std::string> unread;       // features of other kinds, each with its kind
  std::map<int64_t, std::string> tasks;
  std::vector<LerobotEpisode> episodes;             // by number, without gaps
  std::map<std::filesystem::path, int64_t> rows;    // of every Parquet file
  std::map<std::filesystem::path, int64_t> frames;  // of every film

  const LerobotFeature* Find(const std::string& name) const;  // null: none
};

// Reads and checks everything in meta/, and that every file that it names is there. Throws
// Error(kBadInput) naming file and object: no LeRobot dataset, another version, paths that lead out
// of the folder, missing files, gaps and contradictions.
LerobotFolder OpenLerobot(const std::filesystem::path& folder);

// A path template of info.json with its fields filled in: "{name}" and "{name:03d}". Throws
// Error(kBadInput) under `place` where the result leaves the folder or a field is not known.
std::filesystem::path FillTemplate(const std::string& text,
                                   const std::map<std::string, int64_t>& numbers,
                                   const std::string& video_key, const std::string& place);

}  // namespace understudy
