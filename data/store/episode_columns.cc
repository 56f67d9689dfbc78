#include "data/store/episode_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <numeric>

#include "core/base/error.h"

namespace understudy {
namespace {

void Put(Column& column, const Pose& X) {
  const auto& p = X.translation();
  const auto& q = X.rotation();
  const double v[] = {p.x(), p.y(), p.z(), q.w(), q.x(), q.y(), q.z()};
  column.Push(v, std::size(v));
}

void PutMatrix(Column& column, const Pose& X) {
  const Eigen::Matrix<double, 4, 4, Eigen::RowMajor> M = X.Matrix();
  column.Push(M.data(), 16);
}

template <class V>
void PutAll(Column& column, const V& values) {
  column.Push<double>(values.data(), static_cast<size_t>(values.size()));
}

// robosuite's order
void PutQuatXyzw(Column& column, const Pose& X) { PutAll(column, X.rotation().coeffs()); }

using Sizes = std::vector<size_t>;
using enum ColumnType;

// One number per row from each of `rows`.
template <class T, class Row, class F>
Column Numbers(const char* path, const Row* rows, size_t count, F get) {
  Column column(path, TypeOf<T>(), {});
  column.rows = count;
  for (size_t k = 0; k < count; ++k) column.Push(static_cast<T>(get(rows[k])));
  return column;
}

template <class Row, class F>
Column Rows(std::string path, ColumnType type, Sizes dims, const Row* rows, size_t count, F put) {
  Column column(std::move(path), type, std::move(dims));
  column.rows = count;
  column.bytes.reserve(count * column.row_size() * BytesOf(type));
  for (size_t k = 0; k < count; ++k) put(column, rows[k]);
  Require(column.bytes.size() == count * column.row_size() * BytesOf(type),
          "every row of an episode has the shape of its first");
  return column;
}

// A single arm's column keeps MimicGen's name; several arms make a group of it.
std::string PerArm(const std::string& name, size_t arm, size_t arms) {
  return arms == 1 ? name : fmt::format("{}/robot{}", name, arm);
}

std::vector<std::string> NamesOr(const std::vector<std::string>& names,
                                 const std::vector<std::string>& others, size_t count,
                                 const char* word) {
  if (names.size() == count) return names;
  if (others.size() == count) return others;
  std::vector<std::string> made;
  for (size_t i = 0; i < count; ++i) made.push_back(fmt::format("{}{}", word, i));
  return made;
}

bool HasTeleop(const TeleopStep& t) {
  return !t.arms.empty() || t.sample_id != -1 || t.device_time_ns != 0 || t.monotonic_ns != 0 ||
         t.sample_age_ns != 0;
}

bool HasFiltered(const TeleopStep& t) {
  return !t.arms.empty() && std::all_of(t.arms.begin(), t.arms.end(), [](const TeleopArmStep& arm) {
    return arm.X_WE_filtered.has_value();
  });
}

Column Clocked(Column column, const char* unit, const char* clock) {
  column.unit = unit;
  column.clock = clock;
  return column;
}

}  // namespace

RowShape RowShape::Of(const Step& step, const EpisodeMeta& meta, const DatasetHeader& header) {
  RowShape shape;
  shape.state = step.state.size();
  const size_t flat = StateSizesOf(meta, header).flat;
  shape.flat_state = flat > 0 ? std::min(flat, shape.state) : shape.state;
  for (const ArmObservation& arm : step.observation.arms) {
    shape.arms.push_back(
        {static_cast<size_t>(arm.joint_q.size()), static_cast<size_t>(arm.joint_v.size()),
         static_cast<size_t>(arm.gripper_q.size()), static_cast<size_t>(arm.gripper_v.size())});
  }
  shape.objects =
      NamesOr(meta.objects, header.simulator.objects, step.observation.X_WO.size(), "object");
  shape.signals =
      NamesOr(meta.signals, header.simulator.signals, step.observation.signals.size(), "signal");
  for (const auto* names : {&shape.objects, &shape.signals}) {
    for (const std::string& name : *names) {
      Require(!name.empty() && name != "." && name.find('/') == std::string::npos,
              "names of objects and signals are not empty and hold no '/'");
    }
  }
  shape.teleop = HasTeleop(step.teleop);
  shape.teleop_arms = step.teleop.arms.size();
  shape.filtered = HasFiltered(step.teleop);
  shape.parts = step.parts.size();
  return shape;
}

std::vector<Column> InstantColumns(const RowShape& shape, const std::vector<Instant>& instants) {
  const size_t n = instants.size();
  const Instant* rows = instants.data();
  const size_t arms = shape.arms.size();
  std::vector<Column> columns;
  for (const Instant& instant : instants) {
    const Observation& o = *instant.observation;
    bool same = o.arms.size() == arms && o.X_WO.size() == shape.objects.size() &&
                o.signals.size() == shape.signals.size() && instant.state->size() == shape.state;
    for (size_t a = 0; same && a < arms; ++a) {
      const ArmObservation& arm = o.arms[a];
      same = shape.arms[a] == RowShape::Arm{static_cast<size_t>(arm.joint_q.size()),
                                            static_cast<size_t>(arm.joint_v.size()),
                                            static_cast<size_t>(arm.gripper_q.size()),
                                            static_cast<size_t>(arm.gripper_v.size())};
    }
    Require(same,
            "every observation and state of an episode, the final ones included, has the "
            "shape of the first");
  }
  columns.push_back(
      Rows("understudy/state", kF64, Sizes{shape.state}, rows, n,
           [](Column& c, const Instant& i) { c.Push(i.state->data(), i.state->size()); }));
  columns.push_back(
      Clocked(Numbers<double>("understudy/sim_time", rows, n,
                              [](const Instant& i) { return i.observation->sim_time_s; }),
              "s", "simulation"));
  columns.push_back(
      Rows("understudy/eef_pose", kF64, Sizes{arms, 7}, rows, n, [](Column& c, const Instant& i) {
        for (const auto& arm : i.observation->arms) Put(c, arm.X_WE);
      }));
  columns.push_back(Rows("understudy/object_pose", kF64, Sizes{shape.objects.size(), 7}, rows, n,
                         [](Column& c, const Instant& i) {
                           for (const Pose& X : i.observation->X_WO) Put(c, X);
                         }));
  columns.push_back(Rows("understudy/signals", kU8, Sizes{shape.signals.size()}, rows, n,
                         [](Column& c, const Instant& i) {
                           const auto& signals = i.observation->signals;
                           c.Push(signals.data(), signals.size());
                         }));
  columns.push_back(Numbers<uint8_t>("understudy/success", rows, n, [](const Instant& i) {
    return i.observation->success ? 1 : 0;
  }));
  for (size_t a = 0; a < arms; ++a) {
    const auto joints = [&](const char* name, size_t size, auto member) {
      columns.push_back(Rows(
          fmt::format("understudy/robot{}_{}", a, name), kF64, Sizes{size}, rows, n,
          [a, member](Column& c, const Instant& i) { PutAll(c, i.observation->arms[a].*member); }));
    };
    joints("joint_pos", shape.arms[a].joint_q, &ArmObservation::joint_q);
    joints("joint_vel", shape.arms[a].joint_v, &ArmObservation::joint_v);
    joints("gripper_qpos", shape.arms[a].gripper_q, &ArmObservation::gripper_q);
    joints("gripper_qvel", shape.arms[a].gripper_v, &ArmObservation::gripper_v);
  }
  return columns;
}

namespace {

// What robomimic, robosuite and MimicGen call things.
void AddViews(const RowShape& shape, const Step* steps, size_t n, std::vector<Column>& columns) {
  const size_t arms = shape.arms.size();
  columns.push_back(
      Rows("states", kF64, Sizes{shape.flat_state}, steps, n, [&](Column& c, const Step& s) {
        c.Push(s.state.data(), std::min(shape.flat_state, s.state.size()));
      }));
  for (size_t a = 0; a < arms; ++a) {
    const auto view = [&](const char* name, size_t size, auto put) {
      columns.push_back(
          Rows(fmt::format("obs/robot{}_{}", a, name), kF64, Sizes{size}, steps, n,
               [a, put](Column& c, const Step& s) { put(c, s.observation.arms[a]); }));
    };
    view("eef_pos", 3, [](Column& c, const ArmObservation& o) { PutAll(c, o.X_WE.translation()); });
    view("eef_quat", 4, [](Column& c, const ArmObservation& o) { PutQuatXyzw(c, o.X_WE); });
    view("joint_pos", shape.arms[a].joint_q,
         [](Column& c, const ArmObservation& o) { PutAll(c, o.joint_q); });
    view("joint_vel", shape.arms[a].joint_v,
         [](Column& c, const ArmObservation& o) { PutAll(c, o.joint_v); });
    view("gripper_qpos", shape.arms[a].gripper_q,
         [](Column& c, const ArmObservation& o) { PutAll(c, o.gripper_q); });
    view("gripper_qvel", shape.arms[a].gripper_v,
         [](Column& c, const ArmObservation& o) { PutAll(c, o.gripper_v); });
    columns.push_back(
        Rows("datagen_info/" + PerArm("eef_pose", a, arms), kF64, Sizes{4, 4}, steps, n,
             [a](Column& c, const Step& s) { PutMatrix(c, s.observation.arms[a].X_WE); }));
  }
  const size_t commanded = steps[0].action.arms.size();
  for (size_t a = 0; a < commanded; ++a) {
    columns.push_back(
        Rows("datagen_info/" + PerArm("target_pose", a, commanded), kF64, Sizes{4, 4}, steps, n,
             [a](Column& c, const Step& s) { PutMatrix(c, s.action.arms[a].X_WE_cmd); }));
    columns.push_back(Rows("datagen_info/" + PerArm("gripper_action", a, commanded), kF64, Sizes{1},
                           steps, n,
                           [a](Column& c, const Step& s) { c.Push(s.action.arms[a].gripper); }));
  }
  if (!shape.objects.empty()) {
    columns.push_back(Rows("obs/object", kF64, Sizes{shape.objects.size() * 7}, steps, n,
                           [](Column& c, const Step& s) {
                             for (const Pose& X : s.observation.X_WO) {
                               PutAll(c, X.translation());
                               PutQuatXyzw(c, X);
                             }
                           }));
  }
  for (size_t o = 0; o < shape.objects.size(); ++o) {
    columns.push_back(Rows("datagen_info/object_poses/" + shape.objects[o], kF64, Sizes{4, 4},
                           steps, n,
                           [o](Column& c, const Step& s) { PutMatrix(c, s.observation.X_WO[o]); }));
  }
  for (size_t i = 0; i < shape.signals.size(); ++i) {
    const std::string path = "datagen_info/subtask_term_signals/" + shape.signals[i];
    columns.push_back(Numbers<uint8_t>(path.c_str(), steps, n,
                                       [i](const Step& s) { return s.observation.signals[i]; }));
  }
}

void AddTeleop(const RowShape& shape, const Step* steps, size_t n, std::vector<Column>& columns) {
  const size_t arms = shape.teleop_arms;
  columns.push_back(Rows("understudy/teleop/wanted_pose", kF64, Sizes{arms, 7}, steps, n,
                         [](Column& c, const Step& s) {
                           for (const auto& arm : s.teleop.arms) Put(c, arm.X_WE_wanted);
                         }));
  if (shape.filtered) {
    columns.push_back(Rows("understudy/teleop/filtered_pose", kF64, Sizes{arms, 7}, steps, n,
                           [](Column& c, const Step& s) {
                             for (const auto& arm : s.teleop.arms) Put(c, *arm.X_WE_filtered);
                           }));
  }
  columns.push_back(Rows("understudy/teleop/limited_pose", kF64, Sizes{arms, 7}, steps, n,
                         [](Column& c, const Step& s) {
                           for (const auto& arm : s.teleop.arms) Put(c, arm.X_WE_limited);
                         }));
  columns.push_back(
      Rows("understudy/teleop/flags", kU32, Sizes{arms}, steps, n, [](Column& c, const Step& s) {
        for (const auto& arm : s.teleop.arms) c.Push(arm.flags);
      }));
  columns.push_back(Numbers<int64_t>("understudy/teleop/sample_id", steps, n,
                                     [](const Step& s) { return s.teleop.sample_id; }));
  columns.push_back(Clocked(Numbers<int64_t>("understudy/teleop/xr_time", steps, n,
                                             [](const Step& s) { return s.teleop.device_time_ns; }),
                            "ns", "XrTime"));
  columns.push_back(Clocked(Numbers<int64_t>("understudy/teleop/monotonic", steps, n,
                                             [](const Step& s) { return s.teleop.monotonic_ns; }),
                            "ns", "monotonic or virtual"));
  columns.push_back(Clocked(Numbers<int64_t>("understudy/teleop/sample_age", steps, n,
                                             [](const Step& s) { return s.teleop.sample_age_ns; }),
                            "ns", "monotonic or virtual"));
}

// Labels, subtasks and sources of each arm.
void AddParts(size_t arms, const Step* steps, size_t n, std::vector<Column>& columns) {
  columns.push_back(
      Rows("understudy/arm_label", kU8, Sizes{arms}, steps, n, [](Column& c, const Step& s) {
        for (const ArmPart& part : s.parts) c.Push(static_cast<uint8_t>(part.label));
      }));
  const auto add = [&](const char* path, int32_t ArmPart::*number) {
    columns.push_back(Rows(path, kI32, Sizes{arms}, steps, n, [&](Column& c, const Step& s) {
      for (const ArmPart& part : s.parts) c.Push(part.*number);
    }));
  };
  add("understudy/arm_subtask", &ArmPart::subtask);
  add("understudy/arm_source", &ArmPart::source);
  add("understudy/arm_source_step", &ArmPart::source_step);
}

}  // namespace

std::vector<Column> StepColumns(const RowShape& shape, const Step* steps, size_t n) {
  Require(n > 0, "columns of at least one step");
  const size_t arms = steps[0].action.arms.size();
  const bool joint_targets = arms > 0 && steps[0].action.arms[0].q_cmd.size() > 0;
  for (size_t k = 0; k < n; ++k) {
    Require(steps[k].action.arms.size() == arms && steps[k].action_clean.arms.size() == arms,
            "action and clean action of every step have one entry per arm");
    Require(steps[k].delta.size() == arms, "every step has one delta per arm");
    Require(HasTeleop(steps[k].teleop) == shape.teleop || shape.teleop,
            "teleoperation columns begin with the first step or not at all");
    Require(HasFiltered(steps[k].teleop) == shape.filtered,
            "every step has poses after the filter, or none has");
    for (const Action* action : {&steps[k].action, &steps[k].action_clean}) {
      for (size_t a = 0; a < arms; ++a) {
        const auto joints = static_cast<size_t>(action->arms[a].q_cmd.size());
        Require(joint_targets ? joints == shape.arms.at(a).joint_q : joints == 0,
                "every joint of every step has a target, or none has");
      }
    }
    Require(steps[k].parts.size() == shape.parts && (shape.parts == 0 || shape.parts == arms),
            "every step has the part of each arm, or none has");
  }
  std::vector<Column> columns;
  const auto absolute = [&](const char* path, auto member) {
    columns.push_back(
        Rows(path, kF64, Sizes{8 * arms}, steps, n, [member](Column& c, const Step& s) {
          for (const ArmAction& arm : (s.*member).arms) {
            Put(c, arm.X_WE_cmd);
            c.Push(arm.gripper);
          }
        }));
  };
  columns.push_back(Rows("actions", kF64, Sizes{7 * arms}, steps, n, [](Column& c, const Step& s) {
    for (const DeltaAction& arm : s.delta) PutAll(c, arm.value);
  }));
  absolute("actions_abs", &Step::action);
  absolute("understudy/actions_clean", &Step::action_clean);
  if (joint_targets) {
    size_t joints = 0;
    for (size_t a = 0; a < arms; ++a) joints += shape.arms[a].joint_q;
    const auto targets = [&](const char* path, auto member) {
      columns.push_back(
          Rows(path, kF64, Sizes{joints}, steps, n, [member](Column& c, const Step& s) {
            for (const ArmAction& arm : (s.*member).arms) PutAll(c, arm.q_cmd);
          }));
    };
    targets("actions_joints", &Step::action);
    targets("understudy/actions_joints_clean", &Step::action_clean);
  }
  columns.push_back(
      Rows("understudy/clipped", kU8, Sizes{arms}, steps, n, [](Column& c, const Step& s) {
        for (const auto& arm : s.delta) {
          c.Push(static_cast<uint8_t>(arm.clipped));
        }
      }));
  columns.push_back(Numbers<uint8_t>("understudy/label", steps, n,
                                     [](const Step& s) { return static_cast<uint8_t>(s.label); }));
  columns.push_back(
      Numbers<int32_t>("understudy/subtask", steps, n, [](const Step& s) { return s.subtask; }));
  columns.push_back(
      Numbers<int32_t>("understudy/source", steps, n, [](const Step& s) { return s.source; }));
  columns.push_back(Numbers<int32_t>("understudy/source_step", steps, n,
                                     [](const Step& s) { return s.source_step; }));
  if (shape.parts > 0) AddParts(shape.parts, steps, n, columns);
  AddViews(shape, steps, n, columns);
  if (shape.teleop) AddTeleop(shape, steps, n, columns);
  return columns;
}

std::vector<Column> OutcomeColumns(const std::vector<uint8_t>& success) {
  const size_t length = success.size() - 1;
  Column rewards("rewards", kF64, {}), dones("dones", kU8, {});
  rewards.rows = dones.rows = length;
  for (size_t k = 0; k < length; ++k) {
    rewards.Push(success[k + 1] ? 1.0 : 0.0);
    dones.Push(static_cast<uint8_t>(k + 1 == length));
  }
  return {rewards, dones};
}

std::vector<Column> RawColumns(const RawSample* samples, size_t n) {
  std::vector<Column> columns;
  const auto numbers = [&](const char* name, auto tag, auto get) {
    columns.push_back(Numbers<decltype(tag)>(name, samples, n, get));
  };
  const auto hands = [&](const char* name, ColumnType type, Sizes dims, auto put) {
    dims.insert(dims.begin(), 2);
    columns.push_back(Rows(std::string("understudy/raw/") + name, type, dims, samples, n,
                           [put](Column& c, const RawSample& s) {
                             for (const RawHand& hand : s.hands) put(c, hand);
                           }));
  };
  numbers("understudy/raw/id", int64_t{}, [](const RawSample& s) { return s.id; });
  numbers("understudy/raw/xr_time", int64_t{}, [](const RawSample& s) { return s.device_time_ns; });
  columns.back() = Clocked(std::move(columns.back()), "ns", "XrTime");
  numbers("understudy/raw/monotonic", int64_t{}, [](const RawSample& s) { return s.monotonic_ns; });
  columns.back() = Clocked(std::move(columns.back()), "ns", "monotonic or virtual");
  numbers("understudy/raw/head_flags", uint32_t{},
          [](const RawSample& s) { return s.head_tracking; });
  numbers("understudy/raw/events", uint32_t{}, [](const RawSample& s) { return s.events; });
  columns.push_back(Rows("understudy/raw/head_pose", kF64, Sizes{7}, samples, n,
                         [](Column& c, const RawSample& s) { Put(c, s.X_THead); }));
  hands("active", kU8, {}, [](Column& c, const RawHand& h) { c.Push(uint8_t{h.active}); });
  hands("location_flags", kU32, {}, [](Column& c, const RawHand& h) { c.Push(h.tracking); });
  hands("grip_pose", kF64, {7}, [](Column& c, const RawHand& h) { Put(c, h.X_TH); });
  hands("aim_pose", kF64, {7}, [](Column& c, const RawHand& h) { Put(c, h.X_TA); });
  hands("linear_velocity", kF64, {3}, [](Column& c, const RawHand& h) { PutAll(c, h.v_TH); });
  hands("angular_velocity", kF64, {3}, [](Column& c, const RawHand& h) { PutAll(c, h.w_TH); });
  hands("velocity_valid", kU8, {},
        [](Column& c, const RawHand& h) { c.Push(uint8_t{h.velocity_valid}); });
  hands("analog", kF32, {4}, [](Column& c, const RawHand& h) {
    for (const float v : {h.trigger, h.squeeze, h.stick_x, h.stick_y}) c.Push(v);
  });
  hands("buttons", kU32, {}, [](Column& c, const RawHand& h) { c.Push(h.buttons); });
  return columns;
}

}  // namespace understudy
