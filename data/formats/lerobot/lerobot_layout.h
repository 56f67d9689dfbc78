#pragma once

// Where the parts of a LeRobot dataset go: one layout per version of the format.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/formats/lerobot/feature_statistics.h"
#include "data/formats/lerobot/frame_table.h"
#include "data/formats/lerobot/lerobot.h"
#include "data/formats/lerobot/stored_table.h"
#include "data/formats/parquet/parquet_writer.h"

namespace understudy {

// What the whole dataset has in common.
struct LayoutSetup {
  std::filesystem::path folder;  // exists, empty
  LerobotOptions options;
  std::vector<std::string> cameras;
  std::vector<ArmShape> arms;             // of a dataset that is written by its arms
  std::vector<StoredPart> state, action;  // of one that is taken as it is
  std::string robot;
  int fps = 0;
};

// One episode as the lists in meta/ know it.
struct EpisodeEntry {
  int64_t number = 0, first_index = 0, length = 0;
  std::vector<std::string> tasks;  // of its rows, each once
  struct Statistics {
    std::string feature;
    FeatureStatistics values;
    std::vector<int> dims;  // of one row
  };
  std::vector<Statistics> statistics;
};

struct LayoutTotals {
  int64_t episodes = 0, frames = 0;
  std::vector<std::string> tasks;
  Json features = Json::object();  // of info.json: those that are numbers
};

// One thread. Throws Error(kFailed) where something cannot be written.
class LerobotLayout {
 public:
  virtual ~LerobotLayout() = default;
  // Per episode: Begin, AddRows once, AddFrame for every picture of camera 0, then 1, …, End.
  virtual void BeginEpisode(int64_t number) = 0;
  virtual void AddRows(const std::vector<ParquetColumn>& columns) = 0;
  virtual void AddFrame(size_t camera, const Image& image) = 0;
  virtual void EndEpisode(const EpisodeEntry& entry) = 0;
  // Writes what is known at the end only. Fills in files and encoder.
  virtual void Finish(const LayoutTotals& totals, LerobotReport& report) = 0;
};

std::unique_ptr<LerobotLayout> MakeLayoutV30(const LayoutSetup& setup);
std::unique_ptr<LerobotLayout> MakeLayoutV21(const LayoutSetup& setup);

// GR00T's modality.json: which numbers of which feature are what, per arm or stored column.
Json ModalityJson(const LayoutSetup& setup);

}  // namespace understudy
