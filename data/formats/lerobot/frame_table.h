#pragma once

// The rows of an episode as columns of a LeRobot dataset.

#include <functional>
#include <string>
#include <vector>

#include "data/formats/lerobot/lerobot.h"
#include "data/formats/parquet/parquet_writer.h"

namespace understudy {

// "observation.images.agentview"
std::string PictureKey(const std::string& camera);

// One row, and what it is a row of.
struct FrameRow {
  const Step& step;
  const Observation& next;  // after the action
  bool last = false;
  int64_t frame = 0, episode = 0, index = 0, task = 0;
  double fps = 0;
};

// One feature of info.json that is a column of numbers.
struct Feature {
  std::string name, dtype;
  std::vector<std::string> names;  // of its numbers; empty: a scalar
  std::function<void(const FrameRow&, std::vector<double>&)> append;
  std::vector<double> values = {};  // of the rows of one episode, row after row
  int width() const { return names.empty() ? 1 : static_cast<int>(names.size()); }
};

// An arm and how many numbers its joints and fingers have.
struct ArmShape {
  std::string name;
  size_t joints = 0, fingers = 0;
  bool operator==(const ArmShape&) const = default;
};
// Those of the first row. Throws Error(kBadInput) under `place` where the episode has no arm with a
// target and a delta action, or its rows have several shapes.
std::vector<ArmShape> ArmsOf(const Episode& episode, const std::string& place);

// The columns of an episode in the order of the file.
class FrameTable {
 public:
  // v2.1 has GR00T's columns too: the index of the task as an annotation, and the rotations of
  // state and target with their real part first, as GR00T's transforms read quaternions.
  FrameTable(const std::vector<ArmShape>& arms, LerobotVersion version);

  const std::vector<Feature>& features() const { return features_; }
  // The features of info.json that are numbers.
  Json FeaturesJson() const;

  // `first_index` counts rows over the whole dataset. Requires an episode of the arms told before.
  void Fill(const Episode& episode, int64_t number, int64_t first_index, int64_t task, double fps);
  std::vector<ParquetColumn> Columns() const;

 private:
  std::vector<Feature> features_;
};

}  // namespace understudy
