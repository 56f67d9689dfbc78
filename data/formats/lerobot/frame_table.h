#pragma once

// The rows of an episode as columns of a LeRobot dataset, made of its arms. stored_table.h has
// those of datasets that are taken as they are.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/formats/lerobot/lerobot.h"
#include "data/formats/parquet/parquet_writer.h"

namespace understudy {

// "observation.images.agentview"
std::string PictureKey(const std::string& camera);

// Where a row stands.
struct FramePlace {
  bool last = false;  // of its episode
  int64_t frame = 0, episode = 0, index = 0, task = 0;
  double fps = 0;
};

// A feature that says where a row stands.
struct PlaceFeature {
  const char* name;
  const char* dtype;
  double (*get)(const FramePlace&);
};
// Those of every dataset; v2.1's hold the index of the task as GR00T's annotation too.
std::span<const PlaceFeature> PlaceFeatures(LerobotVersion version);

// One row of an Episode, and what it is a row of.
struct FrameRow : FramePlace {
  const Step& step;
  const Observation& next;  // after the action
};

// One feature of info.json that is a column of numbers.
struct Feature {
  std::string name, dtype;
  std::vector<std::string> names;   // of its numbers; empty: they have none
  std::vector<int> dims;            // of one row; empty: a scalar
  std::vector<double> values = {};  // of the rows of one episode, row after row
  int width() const;
};

// One feature of info.json that is a text per row.
struct TextFeature {
  std::string name;
  std::vector<std::string> values = {};  // of the rows of one episode
};

// The columns of an episode in the order of the file.
class FeatureTable {
 public:
  const std::vector<Feature>& features() const { return features_; }
  const std::vector<TextFeature>& texts() const { return texts_; }
  // The features of info.json that are no pictures.
  Json FeaturesJson() const;
  std::vector<ParquetColumn> Columns() const;

 protected:
  std::vector<Feature> features_;
  std::vector<TextFeature> texts_;
};

// An arm and how many numbers its joints and fingers have.
struct ArmShape {
  std::string name;
  size_t joints = 0, fingers = 0;
  std::vector<std::string> commanded;  // names of the joints where they are the command, else empty
  bool operator==(const ArmShape&) const = default;
};
// Those of the first row; joints are named as in `info`. Throws Error(kBadInput) under `place`
// where the episode has no arm with a target and a delta action, or its rows have several shapes.
std::vector<ArmShape> ArmsOf(const Episode& episode, const SimulatorInfo& info,
                             const std::string& place);

// Columns made of the arms.
class FrameTable : public FeatureTable {
 public:
  // v2.1 has GR00T's columns too: the index of the task as an annotation, and the rotations of
  // state and target with their real part first, as GR00T's transforms read quaternions.
  FrameTable(const std::vector<ArmShape>& arms, LerobotVersion version);

  // `first_index` counts rows over the whole dataset. Requires an episode of the arms named before.
  void Fill(const Episode& episode, int64_t number, int64_t first_index, int64_t task, double fps);

 private:
  std::vector<std::function<void(const FrameRow&, std::vector<double>&)>> append_;  // per feature
};

}  // namespace understudy
