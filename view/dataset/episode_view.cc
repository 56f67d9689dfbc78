#include "view/dataset/episode_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "core/spec/drawn_values.h"
#include "data/formats/base/translate.h"

namespace understudy {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kRecent = 8;                       // views kept
constexpr size_t kRecentNumbers = size_t{1} << 24;  // and all their numbers together

// Collects columns; a value that an episode does not have at a row is NaN.
class Columns {
 public:
  explicit Columns(EpisodeView& view, size_t rows) : view_(view), rows_(rows) {}

  // `value(row, part)`
  template <class F>
  void Add(const std::string& name, const std::string& kind, const std::string& of,
           const std::string& unit, const std::vector<std::string>& parts, F value) {
    if (parts.empty()) return;
    view_.about["columns"].push_back({{"name", name},
                                      {"kind", kind},
                                      {"of", of},
                                      {"unit", unit},
                                      {"parts", parts},
                                      {"first", channels_}});
    for (size_t p = 0; p < parts.size(); ++p) {
      for (size_t k = 0; k < rows_; ++k) view_.numbers.push_back(value(k, p));
    }
    channels_ += parts.size();
  }

 private:
  EpisodeView& view_;
  size_t rows_, channels_ = 0;
};

const std::vector<std::string> kXyz{"x", "y", "z"};

std::vector<std::string> Numbered(const std::string& name, size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(fmt::format("{}{}", name, i + 1));
  return names;
}

std::string NameOf(const std::vector<std::string>& names, size_t i, const char* kind) {
  return i < names.size() ? names[i] : fmt::format("{}{}", kind, i);
}

// Rotation of `X` since `X_start`, as a rotation vector along the axes of the world.
double TurnOf(const Pose& X, const Pose& X_start, size_t axis) {
  const Eigen::AngleAxisd turn(X.rotation() * X_start.rotation().conjugate());
  // the shorter way round
  const double angle = turn.angle() > M_PI ? turn.angle() - 2 * M_PI : turn.angle();
  return angle * turn.axis()[static_cast<Eigen::Index>(axis)];
}

double Entry(const Eigen::VectorXd& v, size_t i) {
  return std::cmp_less(i, v.size()) ? v[static_cast<Eigen::Index>(i)] : kNone;
}

void AddArm(const Episode& episode, size_t a, const std::string& arm, Columns& columns) {
  const std::vector<Step>& steps = episode.steps;
  const auto measured = [&](size_t k) -> const ArmObservation* {
    const Observation& o = k < steps.size() ? steps[k].observation : episode.final_observation;
    return a < o.arms.size() ? &o.arms[a] : nullptr;
  };
  const auto action = [&](size_t k) -> const ArmAction* {
    return a < steps[k].action.arms.size() ? &steps[k].action.arms[a] : nullptr;
  };
  const auto position = [&](const Pose& X, size_t p) {
    return X.translation()[static_cast<Eigen::Index>(p)];
  };
  const bool has_target = action(0) != nullptr;
  const ArmObservation* first = measured(0);
  if (first != nullptr) {
    const Pose X_start = first->X_WE;
    columns.Add("position", "arm", arm, "m", kXyz,
                [&](size_t k, size_t p) { return position(measured(k)->X_WE, p); });
    columns.Add("turn", "arm", arm, "rad", kXyz,
                [&](size_t k, size_t p) { return TurnOf(measured(k)->X_WE, X_start, p); });
    if (has_target) {
      columns.Add("target_turn", "arm", arm, "rad", kXyz,
                  [&](size_t k, size_t p) { return TurnOf(action(k)->X_WE_cmd, X_start, p); });
    }
    const double hz = episode.meta.control_hz;
    columns.Add("speed", "arm", arm, "m/s", {"speed"}, [&](size_t k, size_t) {
      const ArmObservation* next = measured(k + 1);
      if (next == nullptr) return kNone;
      return hz * (next->X_WE.translation() - measured(k)->X_WE.translation()).norm();
    });
    columns.Add("joints", "arm", arm, "rad",
                Numbered("q", static_cast<size_t>(first->joint_q.size())),
                [&](size_t k, size_t p) { return Entry(measured(k)->joint_q, p); });
    columns.Add("joint_speeds", "arm", arm, "rad/s",
                Numbered("v", static_cast<size_t>(first->joint_v.size())),
                [&](size_t k, size_t p) { return Entry(measured(k)->joint_v, p); });
    columns.Add("fingers", "arm", arm, "m",
                Numbered("finger", static_cast<size_t>(first->gripper_q.size())),
                [&](size_t k, size_t p) { return Entry(measured(k)->gripper_q, p); });
  }
  if (has_target) {
    columns.Add("target", "arm", arm, "m", kXyz,
                [&](size_t k, size_t p) { return position(action(k)->X_WE_cmd, p); });
    columns.Add("gripper", "arm", arm, "", {"gripper"},
                [&](size_t k, size_t) { return action(k)->gripper; });
    // distance of the arm from its target when the step ends
    columns.Add("error", "arm", arm, "m", {"error"}, [&](size_t k, size_t) {
      const ArmObservation* next = measured(k + 1);
      if (next == nullptr) return kNone;
      return (next->X_WE.translation() - action(k)->X_WE_cmd.translation()).norm();
    });
    const auto noise = [&](size_t k, size_t) {
      const std::vector<ArmAction>& clean = steps[k].action_clean.arms;
      if (a >= clean.size()) return kNone;
      return (clean[a].X_WE_cmd.translation() - action(k)->X_WE_cmd.translation()).norm();
    };
    for (size_t k = 0; k < steps.size(); ++k) {
      if (!(noise(k, 0) > 0)) continue;
      columns.Add("noise", "arm", arm, "m", {"noise"}, noise);
      break;
    }
  }
  if (a < steps[0].delta.size()) {
    columns.Add(
        "delta", "arm", arm, "", {"dx", "dy", "dz", "rx", "ry", "rz", "gripper"},
        [&](size_t k, size_t p) { return steps[k].delta[a].value[static_cast<Eigen::Index>(p)]; });
    columns.Add("clipped", "arm", arm, "", {"clipped"},
                [&](size_t k, size_t) { return steps[k].delta[a].clipped ? 1 : 0; });
  }
  if (a < steps[0].teleop.arms.size()) {
    columns.Add("wanted", "arm", arm, "m", kXyz, [&](size_t k, size_t p) {
      return position(steps[k].teleop.arms[a].X_WE_wanted, p);
    });
    if (steps[0].teleop.arms[a].X_WE_filtered) {
      columns.Add("filtered", "arm", arm, "m", kXyz, [&](size_t k, size_t p) {
        return position(*steps[k].teleop.arms[a].X_WE_filtered, p);
      });
    }
    columns.Add("flags", "arm", arm, "bits", {"flags"}, [&](size_t k, size_t) {
      return static_cast<double>(steps[k].teleop.arms[a].flags);
    });
  }
}

void AddWorld(const Episode& episode, Columns& columns) {
  const std::vector<Step>& steps = episode.steps;
  const Observation& first = steps[0].observation;
  for (size_t o = 0; o < first.X_WO.size(); ++o) {
    const std::string object = NameOf(episode.meta.objects, o, "object");
    columns.Add("position", "object", object, "m", kXyz, [&](size_t k, size_t p) {
      return steps[k].observation.X_WO.at(o).translation()[static_cast<Eigen::Index>(p)];
    });
    columns.Add("yaw", "object", object, "rad", {"yaw"}, [&](size_t k, size_t) {
      const Eigen::Matrix3d R = steps[k].observation.X_WO.at(o).rotation().toRotationMatrix();
      return std::atan2(R(1, 0), R(0, 0));
    });
  }
  std::vector<std::string> signals;
  for (size_t s = 0; s < first.signals.size(); ++s) {
    signals.push_back(NameOf(episode.meta.signals, s, "signal"));
  }
  columns.Add("signals", "world", "", "", signals, [&](size_t k, size_t p) {
    return static_cast<double>(steps[k].observation.signals.at(p));
  });
  columns.Add("time", "world", "", "s", {"time"},
              [&](size_t k, size_t) { return steps[k].observation.sim_time_s; });
}

// Fields that only files of this program have.
void AddLabels(const Episode& episode, Columns& columns) {
  const std::vector<Step>& steps = episode.steps;
  const auto add = [&](const char* name, auto value) {
    columns.Add(name, "row", "", "", {name},
                [&](size_t k, size_t) { return static_cast<double>(value(steps[k])); });
  };
  add("success", [](const Step& step) { return step.observation.success; });
  add("label", [](const Step& step) { return static_cast<int>(step.label); });
  add("subtask", [](const Step& step) { return step.subtask; });
  add("source", [](const Step& step) { return step.source; });
  add("source_step", [](const Step& step) { return step.source_step; });
  if (!steps[0].parts.empty()) {
    std::vector<std::string> arms;
    for (size_t a = 0; a < steps[0].parts.size(); ++a) {
      arms.push_back(NameOf(episode.meta.arms, a, "arm"));
    }
    columns.Add("arm_subtask", "row", "", "", arms, [&](size_t k, size_t arm) {
      return static_cast<double>(steps[k].parts.at(arm).subtask);
    });
  }
  if (steps[0].teleop.arms.empty()) return;
  columns.Add("sample_age", "row", "", "ms", {"sample_age"}, [&](size_t k, size_t) {
    return 1e-6 * static_cast<double>(steps[k].teleop.sample_age_ns);
  });
}

// `of` is what the column is for.
void AddStored(const StoredColumns& stored, Columns& columns) {
  for (size_t c = 0; c < stored.specs.size(); ++c) {
    const ColumnSpec& column = stored.specs[c];
    const size_t size = column.size();
    std::vector<std::string> parts = column.parts;
    if (parts.size() != size) {
      parts = size == 1 ? std::vector<std::string>{"value"} : Numbered("", size);
    }
    const char* role = column.role == ColumnRole::kState    ? "state"
                       : column.role == ColumnRole::kAction ? "action"
                                                            : "other";
    columns.Add(column.name, "stored", role, "", parts,
                [&](size_t k, size_t p) { return stored.values[c][k * size + p]; });
  }
}

Json Draws(const EpisodeMeta& meta) {
  Json draws = Json::array();
  for (const DrawnValue& drawn : DrawnValues(meta.variation, meta.physics)) {
    const std::string what = drawn.part.empty() ? drawn.kind : drawn.kind + " " + drawn.part;
    draws.push_back({{"what", what}, {"field", drawn.field}, {"value", drawn.value}});
  }
  return draws;
}

}  // namespace

StoredColumns ReadStoredColumns(const EpisodeSource& reader, size_t episode) {
  StoredColumns stored;
  for (ColumnSpec& column : reader.ColumnsOf(episode)) {
    if (column.size() > StoredColumns::kWidest) {
      stored.wide.push_back(fmt::format("{} ({})", column.name, fmt::join(column.shape, " x ")));
    } else if (column.size() > 0) {
      stored.specs.push_back(std::move(column));
    }
  }
  stored.values = reader.ReadColumns(episode, stored.specs);
  return stored;
}

EpisodeView MakeEpisodeView(const Episode& episode, const StoredColumns* stored) {
  const EpisodeMeta& meta = episode.meta;
  EpisodeView view;
  view.about = {{"name", meta.name},
                {"uuid", meta.uuid},
                {"steps", episode.length()},
                {"success", meta.success},
                {"cause", meta.cause},
                {"task", meta.task},
                {"variant", meta.variant},
                {"variant_index", meta.variant_index},
                {"robot", meta.robot},
                {"instruction", meta.instruction},
                {"attempt", meta.attempt},
                {"seed", std::to_string(meta.seed)},
                {"control_hz", meta.control_hz},
                {"parents", meta.parents},
                {"sources", meta.sources},
                {"quality", meta.quality},
                {"program_version", meta.program_version},
                {"arms", Json::array()},
                {"objects", meta.objects},
                {"draws", Draws(meta)},
                {"columns", Json::array()}};
  if (episode.steps.empty()) return view;
  Columns columns(view, episode.length());
  const Step& first = episode.steps[0];
  const size_t arms =
      std::max({first.observation.arms.size(), first.action.arms.size(), first.delta.size()});
  for (size_t a = 0; a < arms; ++a) {
    const std::string arm = NameOf(meta.arms, a, "arm");
    view.about["arms"].push_back(arm);
    AddArm(episode, a, arm, columns);
  }
  AddWorld(episode, columns);
  if (stored == nullptr) {
    AddLabels(episode, columns);
  } else {
    AddStored(*stored, columns);
    view.about["wide_columns"] = stored->wide;
  }
  return view;
}

std::shared_ptr<const EpisodeView> EpisodeViews::Get(size_t episode) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::find_if(recent_.begin(), recent_.end(),
                                  [&](const auto& entry) { return entry.first == episode; });
  if (found != recent_.end()) {
    std::rotate(found, found + 1, recent_.end());
    return recent_.back().second;
  }
  std::optional<StoredColumns> stored;
  if (reader_.content_hash().empty()) stored = ReadStoredColumns(reader_, episode);
  auto view = std::make_shared<const EpisodeView>(
      MakeEpisodeView(reader_.ReadEpisode(episode), stored ? &*stored : nullptr));
  recent_.emplace_back(episode, view);
  const auto numbers = [&] {
    size_t sum = 0;
    for (const auto& entry : recent_) sum += entry.second->numbers.size();
    return sum;
  };
  while (recent_.size() > 1 && (recent_.size() > kRecent || numbers() > kRecentNumbers)) {
    recent_.erase(recent_.begin());
  }
  return view;
}

}  // namespace understudy
