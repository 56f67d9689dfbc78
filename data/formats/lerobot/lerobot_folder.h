#pragma once

// What stands where in a LeRobot dataset: info.json, tasks and the list of episodes of v2.0, v2.1
// and v3.0, checked against each other. Rows and pictures are read elsewhere.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"

namespace understudy {

// Whether LeRobot's features know such numbers: "float32", "int8", "bool", …
bool IsDtype(const std::string& dtype);

// A column of numbers of the Parquet files.
struct LerobotFeature {
  std::string name, dtype;  // "float32", "float64", "int64", "bool", …
  std::vector<size_t> shape;
  std::vector<std::string> names;  // of its numbers; empty if unknown
  size_t width() const;            // numbers in a row
};

struct LerobotEpisode {
  int64_t number = 0, length = 0;
  int64_t first_index = 0;         // of its first row, counted over the dataset
  std::vector<std::string> tasks;  // texts, as the list of episodes has them, in any order
  std::filesystem::path data;      // Parquet file
  int64_t first_row = 0;           // in that file
  // Its rows, counted from first_row; empty: `length` of them as they stand.
  std::vector<int64_t> order = {};
  std::string fault = {};  // why it cannot be read, where the lists say so
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
  std::vector<std::string> texts;        // features that are a text per row
  std::vector<std::string> unread;       // features of other kinds, each with its kind
  std::set<std::string> depths;          // films and pictures of one number per pixel
  std::map<std::string, std::pair<int, int>> sizes;  // of films and pictures, as info.json says
  std::map<int64_t, std::string> tasks, subtasks;
  std::vector<LerobotEpisode> episodes;             // by number
  std::map<std::filesystem::path, int64_t> rows;    // of every Parquet file
  std::map<std::filesystem::path, int64_t> frames;  // of every film that rows use, or lie between
  std::set<std::filesystem::path> missing;  // files that meta/ names: faults of their episodes
  // Opened to be repaired: of films of another rate, the frame of every row (MatchFilms).
  std::map<std::filesystem::path, std::vector<int64_t>> matched;
  Json info;  // info.json
  // Opened to be repaired: lengths and order of rows are those of the data, timestamps and indices
  // those that they must be.
  bool mended = false;
  bool listed_by_data = false;  // since meta/ has no list of episodes that could be read
  // What is wrong in the lists and could be mended by the data, each with its place within the
  // folder; and what is odd but right.
  std::vector<std::pair<std::string, std::string>> faults;
  std::vector<std::string> notes;

  // The frame of a film that row `row` of the episode at that place has.
  int64_t FrameOf(const LerobotEpisode::Place& place, int64_t row) const {
    const int64_t frame = place.first_frame + row;
    const auto found = matched.find(place.file);
    return found == matched.end() ? frame : found->second.at(static_cast<size_t>(frame));
  }
  const LerobotFeature* Find(const std::string& name) const;  // null: none
  // LeRobot's names first, then openpi's ("state", "actions"). Null: none.
  const LerobotFeature* State() const;
  const LerobotFeature* Action() const;
  const std::vector<double>& Of(const LerobotFeature& feature,
                                const std::vector<std::vector<double>>& values) const {
    return values[static_cast<size_t>(&feature - features.data())];
  }
};

// Reads and checks everything in meta/. Throws Error(kBadInput) naming file and object: no LeRobot
// dataset, another version, paths that lead out of the folder, missing lists, contradictions. Rows
// and films that are missing are no error here (`missing`). Where meta/ and the data of v3.0 say
// different things of which rows are whose, the columns episode_index and index of the data count,
// if they hold all of it; numbers of episodes may have gaps. Both are faults of the result.
// `control_hz` is the rate where info.json says none; 0: that is an error.
LerobotFolder OpenLerobot(const std::filesystem::path& folder, double control_hz = 0);

// The same for folders whose lists contradict each other or the data: what the data says counts,
// and what is mended is a fault of the result. Episodes that cannot be found are listed with their
// fault.
LerobotFolder OpenLerobotToMend(const std::filesystem::path& folder);

// How many rows of its file an episode lies in.
inline int64_t SpanOf(const LerobotEpisode& episode) {
  if (episode.order.empty()) return episode.length;
  return *std::max_element(episode.order.begin(), episode.order.end()) + 1;
}
// The values of the rows of an episode, of `width` each, out of those of its span.
template <class T>
std::vector<T> InOrder(const LerobotEpisode& episode, std::vector<T> span, size_t width = 1) {
  if (episode.order.empty()) return span;
  std::vector<T> values;
  values.reserve(episode.order.size() * width);
  for (const int64_t row : episode.order) {
    for (size_t i = 0; i < width; ++i) values.push_back(span[static_cast<size_t>(row) * width + i]);
  }
  return values;
}

// What is said of a file that is not there.
std::string MissingFileText(const LerobotFolder& folder, const std::filesystem::path& file);
// Throws Error(kBadInput) where `file`, rows or a film of the folder, is missing.
void RequireThere(const LerobotFolder& folder, const std::filesystem::path& file);

// Which faults meta/modality.json has, if it is there: slices beyond the numbers that there are,
// cameras and annotations that are not there. Each with its place within the folder. `sound`, if
// given, becomes the file without what is wrong; it stays as it is where there is nothing to keep.
std::vector<std::pair<std::string, std::string>> ModalityFaults(const LerobotFolder& folder,
                                                                Json* sound = nullptr);

// Goes by episode_index and index of the data instead of by meta/, whose `contradictions` become
// faults of the folder, and so do files that are missing and whose rows lie elsewhere. Episodes of
// a missing file whose rows lie nowhere stay in that file. Throws Error(kBadInput) with the first
// of them where the data does not show it.
void GoByData(const std::vector<std::string>& contradictions, LerobotFolder& folder);

// A path template of info.json with its fields filled in: "{name}" and "{name:03d}". Throws
// Error(kBadInput) under `place` where the result leaves the folder or a field is not known.
std::filesystem::path FillTemplate(const std::string& text,
                                   const std::map<std::string, int64_t>& numbers,
                                   const std::string& video_key, const std::string& place);

}  // namespace understudy
