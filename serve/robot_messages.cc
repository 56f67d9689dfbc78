#include "serve/robot_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "serve/requests.h"

namespace understudy {
namespace {

using Eigen::VectorXd;

WireArray NumbersOf(const VectorXd& values) {
  return WireArray::Float64({values.size()}, {values.begin(), values.end()});
}

void PutPose(const std::string& name, const Pose& X, const char* infix, WireMap* map) {
  const Eigen::Vector3d& p = X.translation();
  const Eigen::Quaterniond& q = X.rotation();
  map->emplace_back(name + infix + "_position", WireArray::Float64({3}, {p.x(), p.y(), p.z()}));
  map->emplace_back(name + infix + "_rotation",
                    WireArray::Float64({4}, {q.w(), q.x(), q.y(), q.z()}));
}

// The fields of one message.
class Fields {
 public:
  Fields(const WireValue& map, const std::string& place) : map_(map), place_(place) {
    if (!map.As<WireMap>()) ThrowBadInput(fmt::format("{}: is {}, no map", place, map.TypeName()));
  }

  const WireValue* Find(const std::string& name) const { return map_.Find(name); }
  const WireValue& Get(const std::string& name) const {
    const WireValue* value = Find(name);
    if (!value) ThrowBadInput(fmt::format("{}: '{}' is missing", place_, name));
    return *value;
  }
  // `size` finite numbers; -1: any number of them.
  VectorXd Numbers(const std::string& name, int size) const {
    const WireArray* array = Get(name).As<WireArray>();
    if (!array) ThrowBadInput(fmt::format("{}: '{}' is no array of numbers", place_, name));
    const std::vector<double> numbers = array->Numbers();
    const auto count = static_cast<Eigen::Index>(numbers.size());
    if (size >= 0 && count != size) {
      ThrowBadInput(
          fmt::format("{}: '{}' has {} numbers, it should have {}", place_, name, count, size));
    }
    VectorXd values = Eigen::Map<const VectorXd>(numbers.data(), count);
    if (!values.allFinite()) {
      ThrowBadInput(fmt::format("{}: '{}' holds a number that is not finite", place_, name));
    }
    return values;
  }
  // Zeros where it is left out.
  VectorXd NumbersOrZero(const std::string& name, int size) const {
    return Find(name) ? Numbers(name, size) : VectorXd(VectorXd::Zero(size));
  }
  double Number(const std::string& name) const {
    const WireValue& value = Get(name);
    if (const double* real = value.As<double>(); real && std::isfinite(*real)) return *real;
    if (const int64_t* whole = value.As<int64_t>()) return static_cast<double>(*whole);
    ThrowBadInput(fmt::format("{}: '{}' is no finite number", place_, name));
  }
  Pose PoseAt(const std::string& name) const {
    const VectorXd p = Numbers(name + "_position", 3), q = Numbers(name + "_rotation", 4);
    if (std::abs(q.norm() - 1) > 1e-3) {
      ThrowBadInput(fmt::format("{}: '{}_rotation' is no unit quaternion", place_, name));
    }
    return {Eigen::Quaterniond(q[0], q[1], q[2], q[3]), Eigen::Vector3d(p)};
  }
  std::vector<std::string> Texts(const std::string& name) const {
    std::vector<std::string> texts;
    const WireList* list = Get(name).As<WireList>();
    for (size_t i = 0; list && i < list->size(); ++i) {
      if (const std::string* text = (*list)[i].As<std::string>()) texts.push_back(*text);
    }
    if (!list || texts.size() != list->size()) {
      ThrowBadInput(fmt::format("{}: '{}' is no list of names", place_, name));
    }
    return texts;
  }

 private:
  const WireValue& map_;
  const std::string& place_;
};

WireList WholesOf(const std::vector<int>& numbers) {
  WireList list;
  for (const int number : numbers) list.emplace_back(int64_t{number});
  return list;
}

}  // namespace

RobotCard CardOf(const SimulatorInfo& info) {
  RobotCard card;
  card.robot = info.robot;
  card.control_hz = info.control_hz;
  card.command = info.action_kind;
  card.arms = info.arms;
  card.cameras = info.cameras;
  card.objects = info.objects;
  for (size_t a = 0; a < info.arms.size(); ++a) {
    const bool known = a < info.joint_names.size();
    card.joints.push_back(known ? static_cast<int>(info.joint_names[a].size()) : 0);
    card.fingers.push_back(static_cast<int>(info.finger_joints(a)));
  }
  return card;
}

WireValue ToWire(const RobotCard& card) {
  const auto command = EnumNames<ActionKind>::kNames[static_cast<size_t>(card.command)];
  return WireMap{{"version", int64_t{kRobotVersion}}, {"robot", card.robot},
                 {"control_hz", card.control_hz},     {"command", std::string(command)},
                 {"arms", TextsOf(card.arms)},        {"joints", WholesOf(card.joints)},
                 {"fingers", WholesOf(card.fingers)}, {"cameras", TextsOf(card.cameras)},
                 {"objects", TextsOf(card.objects)}};
}

RobotCard ReadRobotCard(const WireValue& value, const std::string& place) {
  const Fields fields(value, place);
  if (const double version = fields.Number("version"); version != kRobotVersion) {
    ThrowBadInput(fmt::format("{}: speaks version {} of robots, this program {}", place, version,
                              kRobotVersion));
  }
  RobotCard card;
  const auto text = [&](const std::string& name) {
    const std::string* held = fields.Get(name).As<std::string>();
    if (!held) ThrowBadInput(fmt::format("{}: '{}' is no text", place, name));
    return *held;
  };
  card.robot = text("robot");
  card.control_hz = fields.Number("control_hz");
  const std::string command = text("command");
  const auto& kinds = EnumNames<ActionKind>::kNames;
  const auto kind = std::ranges::find(kinds, command);
  if (kind == kinds.end()) {
    ThrowBadInput(
        fmt::format("{}: command '{}' is none of {}", place, command, fmt::join(kinds, ", ")));
  }
  card.command = static_cast<ActionKind>(kind - kinds.begin());
  card.arms = fields.Texts("arms");
  card.cameras = fields.Texts("cameras");
  card.objects = fields.Texts("objects");
  const auto wholes = [&](const std::string& name) {
    std::vector<int> numbers;
    const WireList* list = fields.Get(name).As<WireList>();
    for (size_t i = 0; list && i < list->size(); ++i) {
      const int64_t* number = (*list)[i].As<int64_t>();
      if (number && *number >= 0 && *number < 64) numbers.push_back(static_cast<int>(*number));
    }
    if (numbers.size() != card.arms.size()) {
      ThrowBadInput(fmt::format("{}: '{}' is no list of a count for each arm", place, name));
    }
    return numbers;
  };
  card.joints = wholes("joints");
  card.fingers = wholes("fingers");
  return card;
}

WireValue ToWire(const Action& action, const std::vector<std::string>& arms) {
  WireMap map;
  for (size_t a = 0; a < arms.size(); ++a) {
    const ArmAction& arm = action.arms.at(a);
    PutPose(arms[a], arm.X_WE_cmd, "_eef", &map);
    map.emplace_back(arms[a] + "_gripper", WireArray::Float64({1}, {arm.gripper}));
    if (arm.q_cmd.size() > 0) map.emplace_back(arms[a] + "_joints", NumbersOf(arm.q_cmd));
  }
  return map;
}

Action ReadWireAction(const WireValue& value, const RobotCard& card, const std::string& place) {
  const Fields fields(value, place);
  Action action;
  for (size_t a = 0; a < card.arms.size(); ++a) {
    const std::string& name = card.arms[a];
    ArmAction arm;
    arm.X_WE_cmd = fields.PoseAt(name + "_eef");
    arm.gripper = fields.Numbers(name + "_gripper", 1)[0];
    if (card.command == ActionKind::kJoints) {
      arm.q_cmd = fields.Numbers(name + "_joints", card.joints[a]);
    }
    action.arms.push_back(arm);
  }
  return action;
}

WireValue ToWire(const RobotReading& reading, const RobotCard& card, int64_t now_ns) {
  WireMap state;
  for (size_t a = 0; a < card.arms.size(); ++a) {
    const ArmObservation& arm = reading.observation.arms[a];
    state.emplace_back(card.arms[a] + "_joints", NumbersOf(arm.joint_q));
    state.emplace_back(card.arms[a] + "_joint_velocities", NumbersOf(arm.joint_v));
    state.emplace_back(card.arms[a] + "_gripper", NumbersOf(arm.gripper_q));
    state.emplace_back(card.arms[a] + "_gripper_velocities", NumbersOf(arm.gripper_v));
    PutPose(card.arms[a], arm.X_WE, "_eef", &state);
  }
  for (size_t i = 0; i < card.objects.size(); ++i) {
    PutPose(card.objects[i], reading.observation.X_WO[i], "", &state);
  }
  const auto size = static_cast<int64_t>(reading.state.size());
  return WireMap{{"age_s", 1e-9 * static_cast<double>(now_ns - reading.captured_ns)},
                 {"state", std::move(state)},
                 {"success", reading.observation.success},
                 {"sim_time_s", reading.observation.sim_time_s},
                 {"sim_state", WireArray::Float64({size}, reading.state)}};
}

void ReadWireReading(const WireValue& value, const RobotCard& card,
                     const std::vector<std::unique_ptr<Kinematics>>& kinematics, int64_t now_ns,
                     const std::string& place, RobotReading* reading) {
  const Fields fields(value, place);
  const double age_s = fields.Number("age_s");
  if (age_s < 0) {
    ThrowBadInput(fmt::format("{}: a reading of {} s in the future", place, -age_s));
  }
  reading->captured_ns = now_ns - std::llround(1e9 * std::min(age_s, 1e6));
  const Fields state(fields.Get("state"), place);
  Observation& seen = reading->observation;
  seen.arms.resize(card.arms.size());
  for (size_t a = 0; a < card.arms.size(); ++a) {
    const std::string& name = card.arms[a];
    ArmObservation& arm = seen.arms[a];
    arm.joint_q = state.Numbers(name + "_joints", card.joints[a]);
    arm.joint_v = state.NumbersOrZero(name + "_joint_velocities", card.joints[a]);
    arm.gripper_q = state.NumbersOrZero(name + "_gripper", card.fingers[a]);
    arm.gripper_v = state.NumbersOrZero(name + "_gripper_velocities", card.fingers[a]);
    if (state.Find(name + "_eef_position")) {
      arm.X_WE = state.PoseAt(name + "_eef");
    } else if (kinematics[a]) {
      arm.X_WE = kinematics[a]->Forward(arm.joint_q);
    } else {
      ThrowBadInput(fmt::format("{}: '{}_eef_position' is missing", place, name));
    }
  }
  seen.X_WO.clear();
  for (const std::string& object : card.objects) seen.X_WO.push_back(state.PoseAt(object));
  const WireValue* success = fields.Find("success");
  const bool* holds = success ? success->As<bool>() : nullptr;
  seen.success = holds && *holds;
  if (fields.Find("sim_time_s")) seen.sim_time_s = fields.Number("sim_time_s");
  reading->state.clear();
  if (fields.Find("sim_state")) {
    const VectorXd numbers = fields.Numbers("sim_state", -1);
    reading->state.assign(numbers.begin(), numbers.end());
  }
}

}  // namespace understudy
