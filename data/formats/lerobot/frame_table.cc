#include "data/formats/lerobot/frame_table.h"

#include <fmt/format.h>

#include <functional>
#include <numeric>
#include <utility>

#include "core/base/error.h"
#include "data/formats/lerobot/feature_names.h"

namespace understudy {
namespace {

using Numbers = std::vector<double>;
using Append = std::function<void(const FrameRow&, Numbers&)>;

void PutPose(const Pose& X, Numbers& to) {
  const Eigen::Quaterniond& q = X.rotation();
  for (int i = 0; i < 3; ++i) to.push_back(X.translation()[i]);
  for (const double v : {q.x(), q.y(), q.z(), q.w()}) to.push_back(v);
}

void PutRealFirst(const Pose& X, Numbers& to) {
  const Eigen::Quaterniond& q = X.rotation();
  for (const double v : {q.w(), q.x(), q.y(), q.z()}) to.push_back(v);
}

void PutState(const FrameRow& row, Numbers& to) {
  for (const ArmObservation& arm : row.step.observation.arms) {
    PutPose(arm.X_WE, to);
    to.insert(to.end(), arm.joint_q.begin(), arm.joint_q.end());
    to.insert(to.end(), arm.gripper_q.begin(), arm.gripper_q.end());
  }
}

void PutDelta(const FrameRow& row, Numbers& to) {
  for (const DeltaAction& action : row.step.delta) {
    to.insert(to.end(), action.value.begin(), action.value.end());
  }
}

// Joint targets and gripper.
void PutJoints(const FrameRow& row, Numbers& to) {
  for (const ArmAction& action : row.step.action.arms) {
    to.insert(to.end(), action.q_cmd.begin(), action.q_cmd.end());
    to.push_back(action.gripper);
  }
}

void PutTarget(const FrameRow& row, Numbers& to) {
  for (const ArmAction& action : row.step.action.arms) {
    PutPose(action.X_WE_cmd, to);
    to.push_back(action.gripper);
  }
}

double TaskOf(const FramePlace& row) { return static_cast<double>(row.task); }

// GR00T's annotation last.
constexpr PlaceFeature kPlaceFeatures[] = {
    {"timestamp", "float32",
     [](const FramePlace& row) { return static_cast<double>(row.frame) / row.fps; }},
    {"frame_index", "int64", [](const FramePlace& row) { return static_cast<double>(row.frame); }},
    {"episode_index", "int64",
     [](const FramePlace& row) { return static_cast<double>(row.episode); }},
    {"index", "int64", [](const FramePlace& row) { return static_cast<double>(row.index); }},
    {"task_index", "int64", TaskOf},
    {"annotation.human.task_description", "int64", TaskOf},
};

template <class T>
std::vector<T> As(const Numbers& numbers) {
  return std::vector<T>(numbers.begin(), numbers.end());
}

// Numbers as the type that `dtype` names.
decltype(ParquetColumn::values) ValuesOf(const std::string& dtype, const Numbers& numbers) {
  if (dtype == "float64") return numbers;
  if (dtype == "float16") return ParquetColumn::Halves{As<float>(numbers)};
  if (dtype == "bool") return ParquetColumn::Bools{As<uint8_t>(numbers)};
  if (dtype == "int8") return As<int8_t>(numbers);
  if (dtype == "int16") return As<int16_t>(numbers);
  if (dtype == "int32") return As<int32_t>(numbers);
  if (dtype == "int64") return As<int64_t>(numbers);
  if (dtype == "uint8") return As<uint8_t>(numbers);
  if (dtype == "uint16") return As<uint16_t>(numbers);
  if (dtype == "uint32") return As<uint32_t>(numbers);
  if (dtype == "uint64") return As<uint64_t>(numbers);
  Require(dtype == "float32", "a type of LeRobot's features");
  return As<float>(numbers);
}

int Product(const std::vector<int>& dims) {
  return std::accumulate(dims.begin(), dims.end(), 1, std::multiplies<>());
}

}  // namespace

int Feature::width() const { return Product(dims); }

std::span<const PlaceFeature> PlaceFeatures(LerobotVersion version) {
  const std::span<const PlaceFeature> all(kPlaceFeatures);
  return version == LerobotVersion::kV21 ? all : all.first(all.size() - 1);
}

std::string PictureKey(const std::string& camera) {
  const std::string name = NameOfMember(camera);
  return (name.starts_with("images/") ? "observation." : "observation.images.") + name;
}

std::vector<ArmShape> ArmsOf(const Episode& episode, const SimulatorInfo& info,
                             const std::string& place) {
  const auto shapes = [&](const Step& step) {
    std::vector<ArmShape> arms;
    for (size_t a = 0; a < step.observation.arms.size(); ++a) {
      const ArmObservation& arm = step.observation.arms[a];
      arms.push_back(
          {a < episode.meta.arms.size() ? episode.meta.arms[a] : fmt::format("robot{}", a),
           static_cast<size_t>(arm.joint_q.size()),
           static_cast<size_t>(arm.gripper_q.size()),
           {}});
      const size_t joints =
          a < step.action.arms.size() ? static_cast<size_t>(step.action.arms[a].q_cmd.size()) : 0;
      const bool named = a < info.joint_names.size() && info.joint_names[a].size() == joints;
      for (size_t j = 0; j < joints; ++j) {
        arms[a].commanded.push_back(named ? info.joint_names[a][j]
                                          : fmt::format("{}_joint{}", arms[a].name, j + 1));
      }
    }
    return arms;
  };
  const std::vector<ArmShape> arms = shapes(episode.steps[0]);
  for (size_t k = 0; k < episode.length(); ++k) {
    const Step& step = episode.steps[k];
    if (arms.empty() || step.delta.size() != arms.size() ||
        step.action.arms.size() != arms.size() || shapes(step) != arms) {
      ThrowBadInput(fmt::format(
          "{}: row {}: LeRobot's features are made of the pose, joints, delta action and target of "
          "every arm; this row has {} arms, {} deltas, {} targets or other joints than the first",
          place, k, step.observation.arms.size(), step.delta.size(), step.action.arms.size()));
    }
  }
  return arms;
}

Json FeatureTable::FeaturesJson() const {
  Json json = Json::object();
  for (const Feature& feature : features_) {
    json[feature.name] = {{"dtype", feature.dtype},
                          {"shape", feature.dims.empty() ? std::vector<int>{1} : feature.dims},
                          {"names", feature.names.empty() ? Json(nullptr) : Json(feature.names)}};
  }
  for (const TextFeature& feature : texts_) {
    json[feature.name] = {{"dtype", "string"}, {"shape", {1}}, {"names", nullptr}};
  }
  return json;
}

std::vector<ParquetColumn> FeatureTable::Columns() const {
  std::vector<ParquetColumn> columns;
  for (const Feature& feature : features_) {
    columns.push_back({.name = feature.name,
                       .values = ValuesOf(feature.dtype, feature.values),
                       .dims = feature.dims});
  }
  for (const TextFeature& feature : texts_) {
    columns.push_back({.name = feature.name, .values = feature.values});
  }
  return columns;
}

FrameTable::FrameTable(const std::vector<ArmShape>& arms, LerobotVersion version) {
  std::vector<std::string> state, action, target, rotation;
  for (const ArmShape& arm : arms) {
    const auto add = [&](std::vector<std::string>& to, std::initializer_list<const char*> parts) {
      for (const char* part : parts) to.push_back(arm.name + "_" + part);
    };
    add(state, {"x", "y", "z", "qx", "qy", "qz", "qw"});
    for (size_t j = 0; j < arm.joints; ++j) {
      state.push_back(arm.commanded.empty() ? fmt::format("{}_joint{}", arm.name, j + 1)
                                            : arm.commanded[j]);
    }
    for (size_t j = 0; j < arm.fingers; ++j) {
      state.push_back(fmt::format("{}_finger{}", arm.name, j + 1));
    }
    if (arm.commanded.empty()) {
      add(action, {"dx", "dy", "dz", "drx", "dry", "drz", "gripper"});
    } else {
      action.insert(action.end(), arm.commanded.begin(), arm.commanded.end());
      add(action, {"gripper"});
    }
    add(target, {"x", "y", "z", "qx", "qy", "qz", "qw", "gripper"});
    add(rotation, {"qw", "qx", "qy", "qz"});
  }
  const auto vector = [&](const char* name, const char* dtype, std::vector<std::string> names,
                          Append append) {
    const int width = static_cast<int>(names.size());
    features_.push_back({name, dtype, std::move(names), {width}});
    append_.push_back(std::move(append));
  };
  const auto scalar = [&](const char* name, const char* dtype, auto get) {
    features_.push_back({name, dtype, {}, {}});
    append_.push_back([get](const FrameRow& row, Numbers& to) { to.push_back(get(row)); });
  };
  vector("observation.state", "float32", state, PutState);
  // what the robot takes; deltas follow from target and state
  const bool joints = !arms.empty() && !arms[0].commanded.empty();
  vector("action", "float32", action, joints ? PutJoints : PutDelta);
  vector("action.target", "float64", target, PutTarget);
  scalar("next.reward", "float32", [](const FrameRow& r) { return r.next.success ? 1.0 : 0.0; });
  scalar("next.done", "bool", [](const FrameRow& r) { return r.last ? 1.0 : 0.0; });
  scalar("next.success", "bool", [](const FrameRow& r) { return r.next.success ? 1.0 : 0.0; });
  for (const PlaceFeature& feature : PlaceFeatures(version)) {
    scalar(feature.name, feature.dtype, feature.get);
  }
  if (version != LerobotVersion::kV21) return;
  vector("eef_rotation.state", "float32", rotation, [](const FrameRow& row, Numbers& to) {
    for (const ArmObservation& arm : row.step.observation.arms) PutRealFirst(arm.X_WE, to);
  });
  vector("eef_rotation.target", "float32", rotation, [](const FrameRow& row, Numbers& to) {
    for (const ArmAction& arm : row.step.action.arms) PutRealFirst(arm.X_WE_cmd, to);
  });
}

void FrameTable::Fill(const Episode& episode, int64_t number, int64_t first_index, int64_t task,
                      double fps) {
  const size_t length = episode.length();
  for (size_t f = 0; f < features_.size(); ++f) {
    Feature& feature = features_[f];
    feature.values.clear();
    feature.values.reserve(length * static_cast<size_t>(feature.width()));
    for (size_t k = 0; k < length; ++k) {
      const bool last = k + 1 == length;
      const auto frame = static_cast<int64_t>(k);
      append_[f]({{last, frame, number, first_index + frame, task, fps},
                  episode.steps[k],
                  last ? episode.final_observation : episode.steps[k + 1].observation},
                 feature.values);
    }
    Require(feature.values.size() == length * static_cast<size_t>(feature.width()),
            "every row has all numbers of a feature");
  }
}

}  // namespace understudy
