#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/episode/episode.h"
#include "core/seam/simulator.h"

namespace understudy {

struct PictureSize {
  int width = 0, height = 0;
  bool operator==(const PictureSize&) const = default;
};

// Describes a whole dataset, alongside its episodes.
struct DatasetHeader {
  SimulatorInfo simulator;  // names and rates that the columns refer to
  std::string stage;        // "teleop", "mimic", "augment", …
  std::string model_text;   // MJCF of the nominal scene
  // What the scene is compiled from, where it has meshes or pictures (Simulator::SceneFiles).
  std::vector<SceneFile> scene_files;
  Json task = Json::object();             // the task.yaml, resolved
  Json settings = Json::object();         // options of the stage, resolved
  std::vector<std::string> cameras;       // rendered ones: obs/<camera>_image
  int image_width = 0, image_height = 0;  // of the first camera
  // Of every camera; empty: all are as large as the first. Not stored by our own format.
  std::vector<PictureSize> picture_sizes;
  std::vector<std::string> parents;  // content hashes of the input datasets
  // Not stored: the key of the `foreign` sections of task.yaml and robot.yaml that translate this
  // dataset's names and frames into ours; empty for datasets of this program.
  std::string family;

  PictureSize size_of(size_t camera) const {
    return picture_sizes.empty() ? PictureSize{image_width, image_height}
                                 : picture_sizes.at(camera);
  }

  // Whether rows hold full states of this simulator. Datasets of other programs, and imported ones,
  // hold none that fit.
  bool has_states() const { return family.empty() && simulator.state_size > 0; }
};

// Numbers of the states of an episode, which may be of a world of its own; 0: not known.
inline EpisodeMeta::StateSizes StateSizesOf(const EpisodeMeta& meta, const DatasetHeader& header) {
  if (meta.state_sizes.whole > 0) return meta.state_sizes;
  return {header.simulator.state_size, header.simulator.flat_state_size};
}
// Its model, likewise; empty: not known.
inline const std::string& ModelTextOf(const EpisodeMeta& meta, const DatasetHeader& header) {
  return meta.model_text.empty() ? header.model_text : meta.model_text;
}

// Key of DatasetHeader::settings: robot.yaml and gripper.yaml that drove a generated dataset. It
// stays in what is put together of such datasets.
inline constexpr const char* kRobotSpec = "robot_spec";
// Null if the dataset stores no robot.
inline Json RobotSpecOf(const DatasetHeader& header) {
  return header.settings.is_object() ? header.settings.value(kRobotSpec, Json()) : Json();
}
// `settings` must be a mapping or null; a null `robot` leaves them as they are.
inline void SetRobotSpec(const Json& robot, DatasetHeader& header) {
  if (!robot.is_null()) header.settings[kRobotSpec] = robot;
}

}  // namespace understudy
