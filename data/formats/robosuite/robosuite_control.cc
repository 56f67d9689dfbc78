// What the actions of robosuite's files mean, and joints where they have no poses.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/formats/family/foreign_parts.h"
#include "data/formats/robosuite/robosuite_parts.h"

namespace understudy::foreign {
namespace {

const Json* FindController(const Json& json, int depth = 0) {
  if (depth > 6 || !json.is_structured()) return nullptr;
  if (json.is_object()) {
    const std::string type = json.contains("type") && json["type"].is_string()
                                 ? json["type"].get<std::string>()
                                 : std::string();
    if (type.starts_with("OSC") || type.starts_with("JOINT") || type.starts_with("IK")) {
      return &json;
    }
  }
  for (const Json& part : json) {
    if (const Json* found = FindController(part, depth + 1)) return found;
  }
  return nullptr;
}

// rad that a JOINT_POSITION controller's action of 1 adds to where a joint is; NaN: not stated.
double JointScale(const Json& config, size_t joint) {
  const Json high = config.value("output_max", Json());
  const Json& scale = high.is_array() && joint < high.size() ? high[joint] : high;
  return scale.is_number() ? scale.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

Json KwargsOf(const Json& env) {
  return env.is_object() ? env.value("env_kwargs", Json::object()) : Json::object();
}

const Json* ControllerIn(const Json& kwargs) {
  if (!kwargs.is_object() || !kwargs.contains("controller_configs")) return nullptr;
  return FindController(kwargs["controller_configs"]);
}

Control ControlOf(const Json& kwargs) {
  Control control;
  const Json* config = ControllerIn(kwargs);
  if (config == nullptr) return control;
  control.known = (*config)["type"] == "OSC_POSE";
  const auto is = [&](const char* key, const Json& value) {
    return config->contains(key) && (*config)[key] == value;
  };
  control.absolute = is("control_delta", false) || is("input_type", "absolute");
  // joint controllers state their box; OSC and IK scale deltas from this one by default
  const bool joints = (*config)["type"].get<std::string>().starts_with("JOINT");
  const bool stated = is("input_max", 1) && is("input_min", -1);
  control.boxed = !control.absolute && (stated || (!joints && !config->contains("input_max")));
  // one number for all, or six
  const Json high = config->value("output_max", Json());
  const auto take = [](const Json& value, double* limit) {
    if (!value.is_number()) return;
    const double v = value.get<double>();
    if (std::isfinite(v) && v > 0) *limit = v;
  };
  if (high.is_array() && high.size() >= 6) {
    take(high[0], &control.limits.linear);
    take(high[3], &control.limits.angular);
  } else {
    take(high, &control.limits.linear);
    take(high, &control.limits.angular);
  }
  return control;
}

bool HasRobosuiteJoints(const h5::Group& demo) { return demo.IsArray("obs/robot0_joint_pos"); }

std::vector<JointArm> ReadRobosuiteJoints(const h5::Group& demo, const DatasetHeader& header,
                                          const JointRobot& robot) {
  const Json kwargs = KwargsOf(header.settings.value("env_args", Json::object()));
  const Control control = ControlOf(kwargs);
  const Json* config = ControllerIn(kwargs);
  const bool joint_actions = config != nullptr && (*config)["type"] == "JOINT_POSITION";
  const size_t length = LengthOf(demo);
  const Column actions = Optional(demo, "actions", length, {-1});
  size_t count = 0;
  while (count < kMaxArms && demo.IsArray(fmt::format("obs/robot{}_joint_pos", count))) ++count;
  std::vector<JointArm> arms;
  for (size_t a = 0; a < count; ++a) {
    JointArm& arm = arms.emplace_back();
    arm.name = fmt::format("robot{}", a);
    const auto rows = [&](const char* name) {
      arm.columns.push_back(fmt::format("obs/robot{}_{}", a, name));
      const Column c = Optional(demo, arm.columns.back(), length, {-1});
      std::vector<Eigen::VectorXd> values;
      for (size_t k = 0; k < c.rows; ++k) values.push_back(Vector(c, k));
      return values;
    };
    arm.q = rows("joint_pos");
    arm.v = rows("joint_vel");
    arm.gripper_q = rows("gripper_qpos");
    arm.columns.push_back(fmt::format("obs/robot{}_gripper_qvel", a));
    const size_t joints = robot.joints.size(), width = joint_actions ? joints + 1 : 7;
    arm.target_from =
        joint_actions ? "its joint actions are not understood" : "its actions are no joint targets";
    if (actions.row_size() != width * count) continue;
    for (size_t k = 0; k < length; ++k) {
      arm.gripper.push_back(std::clamp(actions.At<double>(k, (a + 1) * width - 1), -1.0, 1.0));
    }
    const bool scaled = config != nullptr && std::isfinite(JointScale(*config, joints - 1));
    if (!joint_actions || arm.q[0].size() != static_cast<Eigen::Index>(joints)) continue;
    if (!control.absolute && !scaled) continue;
    arm.target_from = "joint targets of actions";
    for (size_t k = 0; k < length; ++k) {
      Eigen::VectorXd target(arm.q[k].size());
      for (size_t i = 0; i < joints; ++i) {
        const double action = actions.At<double>(k, a * width + i);
        const auto joint = static_cast<Eigen::Index>(i);
        target[joint] = control.absolute ? action
                                         : arm.q[k][joint] + std::clamp(action, -1.0, 1.0) *
                                                                 JointScale(*config, i);
      }
      arm.q_cmd.push_back(std::move(target));
    }
  }
  return arms;
}

}  // namespace understudy::foreign
