// Columns back into episodes.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "core/base/error.h"
#include "data/store/episode_columns.h"
#include "data/store/hdf5/opened_groups.h"

namespace understudy {
namespace {

// Reads columns of one episode and checks their rows.
class ColumnReader {
 public:
  ColumnReader(const h5::Group& demo, size_t rows, bool cut, const ReadBefore& before)
      : demo_(demo), rows_(rows), cut_(cut), before_(before), groups_(demo) {}

  // Valid while this reader and what was read before it live.
  const Column& Get(const std::string& name, ColumnType type,
                    const std::vector<int64_t>& row_dims) const {
    const auto found = before_.find(name);
    const bool known = found != before_.end() && found->second.type == type &&
                       Fits(found->second.row_dims, row_dims);
    // what does not fit is read again for the sake of its error
    const Column& column = known ? found->second : read_.emplace_back(Read(name, type, row_dims));
    const bool right = cut_ ? column.rows >= rows_ : column.rows == rows_;
    if (!right) {
      h5::FailReading(demo_.Place(name),
                      fmt::format("has {} rows, must have {}", column.rows, rows_));
    }
    return column;
  }

  // The pose that starts at number `i` of row `k`: xyz, wxyz.
  Pose PoseAt(const Column& c, size_t k, size_t i) const {
    const auto v = [&](size_t j) { return c.At<double>(k, i + j); };
    const Eigen::Vector3d p(v(0), v(1), v(2));
    const Eigen::Quaterniond q(v(3), v(4), v(5), v(6));
    const double norm = q.norm();
    if (!p.allFinite() || !std::isfinite(norm) || norm < 1e-6) {
      h5::FailReading(fmt::format("{}[{}]", demo_.Place(c.path), k),
                      "is no pose: numbers must be finite and the quaternion not zero");
    }
    return Pose(q, p);
  }

 private:
  Column Read(const std::string& name, ColumnType type,
              const std::vector<int64_t>& row_dims) const {
    const auto [group, member] = groups_.Find(name);
    Column column = group.Read(member, type, row_dims);
    column.path = name;
    return column;
  }

  static bool Fits(const std::vector<size_t>& dims, const std::vector<int64_t>& wanted) {
    return std::equal(dims.begin(), dims.end(), wanted.begin(), wanted.end(),
                      [](size_t n, int64_t want) { return want < 0 || std::cmp_equal(n, want); });
  }

  const h5::Group& demo_;
  size_t rows_;
  bool cut_;
  const ReadBefore& before_;
  mutable std::deque<Column> read_;
  mutable h5::OpenedGroups groups_;
};

using enum ColumnType;

Eigen::VectorXd Vector(const Column& c, size_t k) {
  Eigen::VectorXd v(static_cast<Eigen::Index>(c.row_size()));
  for (Eigen::Index i = 0; i < v.size(); ++i) v[i] = c.At<double>(k, static_cast<size_t>(i));
  return v;
}

void ReadInstants(const h5::Group& demo, size_t length, bool cut, Episode& episode,
                  const ReadBefore& before) {
  const ColumnReader reader(demo, length + 1, cut, before);
  const Column& state = reader.Get("understudy/state", kF64, {-1});
  const Column& time = reader.Get("understudy/sim_time", kF64, {});
  const Column& eef = reader.Get("understudy/eef_pose", kF64, {-1, 7});
  const Column& object = reader.Get("understudy/object_pose", kF64, {-1, 7});
  const Column& signals = reader.Get("understudy/signals", kU8, {-1});
  const Column& success = reader.Get("understudy/success", kU8, {});
  const size_t arms = eef.row_dims[0];
  struct ArmColumns {
    const Column &q, &v, &gripper_q, &gripper_v;
  };
  std::vector<ArmColumns> arm_columns;
  for (size_t a = 0; a < arms; ++a) {
    const auto get = [&](const char* name) -> const Column& {
      return reader.Get(fmt::format("understudy/robot{}_{}", a, name), kF64, {-1});
    };
    arm_columns.push_back(
        {get("joint_pos"), get("joint_vel"), get("gripper_qpos"), get("gripper_qvel")});
  }
  for (size_t k = 0; k <= length; ++k) {
    const bool last = k == length;
    Observation& o = last ? episode.final_observation : episode.steps[k].observation;
    SimState& s = last ? episode.final_state : episode.steps[k].state;
    s.resize(state.row_size());
    for (size_t i = 0; i < s.size(); ++i) s[i] = state.At<double>(k, i);
    o.sim_time_s = time.At<double>(k);
    o.success = success.At<uint8_t>(k) != 0;
    o.signals.resize(signals.row_size());
    for (size_t i = 0; i < o.signals.size(); ++i) o.signals[i] = signals.At<uint8_t>(k, i);
    o.X_WO.clear();
    for (size_t i = 0; i < object.row_dims[0]; ++i) {
      o.X_WO.push_back(reader.PoseAt(object, k, 7 * i));
    }
    o.arms.resize(arms);
    for (size_t a = 0; a < arms; ++a) {
      o.arms[a].X_WE = reader.PoseAt(eef, k, 7 * a);
      o.arms[a].joint_q = Vector(arm_columns[a].q, k);
      o.arms[a].joint_v = Vector(arm_columns[a].v, k);
      o.arms[a].gripper_q = Vector(arm_columns[a].gripper_q, k);
      o.arms[a].gripper_v = Vector(arm_columns[a].gripper_v, k);
    }
  }
}

void ReadTeleop(const h5::Group& demo, const ColumnReader& reader, Episode& episode) {
  if (!demo.Has("understudy/teleop")) return;
  const Column& wanted = reader.Get("understudy/teleop/wanted_pose", kF64, {-1, 7});
  const int64_t arms = static_cast<int64_t>(wanted.row_dims[0]);
  const bool has_filtered = demo.Has("understudy/teleop/filtered_pose");
  const Column* filtered =
      has_filtered ? &reader.Get("understudy/teleop/filtered_pose", kF64, {arms, 7}) : nullptr;
  const Column& limited = reader.Get("understudy/teleop/limited_pose", kF64, {arms, 7});
  const Column& flags = reader.Get("understudy/teleop/flags", kU32, {arms});
  const Column& id = reader.Get("understudy/teleop/sample_id", kI64, {});
  const Column& xr_time = reader.Get("understudy/teleop/xr_time", kI64, {});
  const Column& monotonic = reader.Get("understudy/teleop/monotonic", kI64, {});
  const Column& age = reader.Get("understudy/teleop/sample_age", kI64, {});
  for (size_t k = 0; k < episode.length(); ++k) {
    TeleopStep& t = episode.steps[k].teleop;
    for (size_t a = 0; a < wanted.row_dims[0]; ++a) {
      t.arms.push_back({reader.PoseAt(wanted, k, 7 * a), std::nullopt,
                        reader.PoseAt(limited, k, 7 * a), flags.At<uint32_t>(k, a)});
      if (has_filtered) t.arms.back().X_WE_filtered = reader.PoseAt(*filtered, k, 7 * a);
    }
    t.sample_id = id.At<int64_t>(k);
    t.device_time_ns = xr_time.At<int64_t>(k);
    t.monotonic_ns = monotonic.At<int64_t>(k);
    t.sample_age_ns = age.At<int64_t>(k);
  }
}

}  // namespace

namespace {

// Targets of the joints, where they are the command; each arm has as many as it has joints.
void ReadJointTargets(const h5::Group& demo, const ColumnReader& reader, Episode& episode) {
  const std::vector<ArmObservation>& measured = episode.final_observation.arms;
  const size_t arms = episode.steps[0].action.arms.size();
  size_t joints = 0;
  for (const ArmObservation& arm : measured) joints += static_cast<size_t>(arm.joint_q.size());
  const Column& executed = reader.Get("actions_joints", kF64, {-1});
  if (measured.size() != arms || executed.row_size() != joints) {
    h5::FailReading(demo.Place("actions_joints"),
                    fmt::format("has {} numbers per row, must have one for each of the {} joints",
                                executed.row_size(), joints));
  }
  const Column& clean =
      reader.Get("understudy/actions_joints_clean", kF64, {static_cast<int64_t>(joints)});
  for (size_t k = 0; k < episode.length(); ++k) {
    const auto read = [&](const Column& column, Action& action) {
      size_t at = 0;
      for (size_t a = 0; a < arms; ++a) {
        action.arms[a].q_cmd.resize(measured[a].joint_q.size());
        for (double& q : action.arms[a].q_cmd) q = column.At<double>(k, at++);
      }
    };
    read(executed, episode.steps[k].action);
    read(clean, episode.steps[k].action_clean);
  }
}

}  // namespace

void ReadColumns(const h5::Group& demo, size_t length, bool cut, Episode& episode,
                 const ReadBefore& before) {
  const ColumnReader reader(demo, length, cut, before);
  const Column& absolute = reader.Get("actions_abs", kF64, {-1});
  if (absolute.row_size() % 8 != 0) {
    h5::FailReading(
        demo.Place("actions_abs"),
        fmt::format("has {} numbers per row, must have 8 per arm", absolute.row_size()));
  }
  const int64_t arms = static_cast<int64_t>(absolute.row_size() / 8);
  const Column& clean = reader.Get("understudy/actions_clean", kF64, {8 * arms});
  const Column& delta = reader.Get("actions", kF64, {7 * arms});
  const Column& clipped = reader.Get("understudy/clipped", kU8, {arms});
  const Column& label = reader.Get("understudy/label", kU8, {});
  const Column& subtask = reader.Get("understudy/subtask", kI32, {});
  const Column& source = reader.Get("understudy/source", kI32, {});
  const Column& source_step = reader.Get("understudy/source_step", kI32, {});
  const auto label_at = [&](const Column& c, size_t k, size_t i) {
    const uint8_t kind = c.At<uint8_t>(k, i);
    if (kind > static_cast<uint8_t>(kLastLabel)) {
      h5::FailReading(
          fmt::format("{}[{}]", demo.Place(c.path), k),
          fmt::format("= {}: known labels are 0 to {}", kind, static_cast<int>(kLastLabel)));
    }
    return static_cast<StepLabel>(kind);
  };
  episode.steps.assign(length, Step{});
  for (size_t k = 0; k < length; ++k) {
    Step& step = episode.steps[k];
    for (size_t a = 0; a < static_cast<size_t>(arms); ++a) {
      step.action.arms.push_back(
          {reader.PoseAt(absolute, k, 8 * a), absolute.At<double>(k, 8 * a + 7)});
      step.action_clean.arms.push_back(
          {reader.PoseAt(clean, k, 8 * a), clean.At<double>(k, 8 * a + 7)});
      DeltaAction d;
      for (size_t i = 0; i < 7; ++i) {
        d.value[static_cast<Eigen::Index>(i)] = delta.At<double>(k, 7 * a + i);
      }
      d.clipped = clipped.At<uint8_t>(k, a) != 0;
      step.delta.push_back(d);
    }
    step.label = label_at(label, k, 0);
    step.subtask = subtask.At<int32_t>(k);
    step.source = source.At<int32_t>(k);
    step.source_step = source_step.At<int32_t>(k);
  }
  if (demo.Has("understudy/arm_label")) {
    const Column& labels = reader.Get("understudy/arm_label", kU8, {arms});
    const Column& subtasks = reader.Get("understudy/arm_subtask", kI32, {arms});
    const Column& sources = reader.Get("understudy/arm_source", kI32, {arms});
    const Column& source_steps = reader.Get("understudy/arm_source_step", kI32, {arms});
    for (size_t k = 0; k < length; ++k) {
      for (size_t a = 0; a < static_cast<size_t>(arms); ++a) {
        episode.steps[k].parts.push_back({label_at(labels, k, a), subtasks.At<int32_t>(k, a),
                                          sources.At<int32_t>(k, a),
                                          source_steps.At<int32_t>(k, a)});
      }
    }
  }
  ReadTeleop(demo, reader, episode);
  ReadInstants(demo, length, cut, episode, before);
  if (demo.Has("actions_joints")) ReadJointTargets(demo, reader, episode);
}

WholeRows CountRows(const h5::Group& demo) {
  const auto rows = [&](const h5::Group& group, const std::string& name) -> size_t {
    const auto dims = group.Info(name).dims;
    return dims.empty() ? 0 : dims[0];
  };
  WholeRows whole;
  if (!demo.Has("understudy/state") || !demo.Has("actions_abs")) return whole;
  whole.instants = rows(demo, "understudy/state");
  whole.steps = rows(demo, "actions_abs");
  if (demo.Has("understudy/raw/id")) whole.raw = rows(demo, "understudy/raw/id");
  return whole;
}

void ReadRawInfo(const h5::Group& demo, RawStream& raw) {
  if (!demo.Has("understudy/raw")) return;
  const h5::Group group = demo.Open("understudy/raw");
  raw.device = group.Text("device", "");
  raw.profile = group.Text("profile", "");
  if (group.HasAttribute("xr_minus_monotonic_ns")) {
    raw.device_minus_monotonic_ns = group.Int("xr_minus_monotonic_ns");
  }
  if (group.HasAttribute("utc_at_start_ns")) raw.utc_at_start_ns = group.Int("utc_at_start_ns");
}

void ReadRaw(const h5::Group& demo, bool cut, RawStream& raw, const ReadBefore& before) {
  ReadRawInfo(demo, raw);
  if (!demo.Has("understudy/raw/id")) return;
  const auto ids = demo.Info("understudy/raw/id").dims;
  const size_t rows = ids.empty() ? 0 : ids[0];
  const ColumnReader reader(demo, rows, cut, before);
  const auto get = [&](const char* name, ColumnType type,
                       const std::vector<int64_t>& dims) -> const Column& {
    return reader.Get(std::string("understudy/raw/") + name, type, dims);
  };
  const Column &id = get("id", kI64, {}), &xr_time = get("xr_time", kI64, {}),
               &monotonic = get("monotonic", kI64, {}), &head_flags = get("head_flags", kU32, {}),
               &events = get("events", kU32, {}), &head = get("head_pose", kF64, {7}),
               &active = get("active", kU8, {2}), &flags = get("location_flags", kU32, {2}),
               &grip = get("grip_pose", kF64, {2, 7}), &aim = get("aim_pose", kF64, {2, 7}),
               &linear = get("linear_velocity", kF64, {2, 3}),
               &angular = get("angular_velocity", kF64, {2, 3}),
               &valid = get("velocity_valid", kU8, {2}), &analog = get("analog", kF32, {2, 4}),
               &buttons = get("buttons", kU32, {2});
  raw.samples.resize(rows);
  for (size_t k = 0; k < rows; ++k) {
    RawSample& s = raw.samples[k];
    s.id = id.At<int64_t>(k);
    s.device_time_ns = xr_time.At<int64_t>(k);
    s.monotonic_ns = monotonic.At<int64_t>(k);
    s.head_tracking = head_flags.At<uint32_t>(k);
    s.events = events.At<uint32_t>(k);
    s.X_THead = reader.PoseAt(head, k, 0);
    for (size_t h = 0; h < 2; ++h) {
      RawHand& hand = s.hands[h];
      hand.active = active.At<uint8_t>(k, h) != 0;
      hand.tracking = flags.At<uint32_t>(k, h);
      hand.X_TH = reader.PoseAt(grip, k, 7 * h);
      hand.X_TA = reader.PoseAt(aim, k, 7 * h);
      for (size_t i = 0; i < 3; ++i) {
        hand.v_TH[static_cast<Eigen::Index>(i)] = linear.At<double>(k, 3 * h + i);
        hand.w_TH[static_cast<Eigen::Index>(i)] = angular.At<double>(k, 3 * h + i);
      }
      hand.velocity_valid = valid.At<uint8_t>(k, h) != 0;
      hand.trigger = analog.At<float>(k, 4 * h);
      hand.squeeze = analog.At<float>(k, 4 * h + 1);
      hand.stick_x = analog.At<float>(k, 4 * h + 2);
      hand.stick_y = analog.At<float>(k, 4 * h + 3);
      hand.buttons = buttons.At<uint32_t>(k, h);
    }
  }
}

void WriteRawInfo(const h5::Group& demo, const RawStream& raw) {
  const h5::Group group = demo.OpenOrCreate("understudy/raw");
  group.SetText("device", raw.device);
  group.SetText("profile", raw.profile);
  group.SetInt("xr_minus_monotonic_ns", raw.device_minus_monotonic_ns);
  group.SetInt("utc_at_start_ns", raw.utc_at_start_ns);
}

}  // namespace understudy
