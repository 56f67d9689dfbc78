// Joints of Isaac Lab's files, and what those share with poses.
#include <algorithm>

#include "data/formats/family/foreign_parts.h"
#include "data/formats/isaaclab/isaaclab_parts.h"

namespace understudy::foreign {

const char* NameOf(QuaternionOrder order) {
  return order == QuaternionOrder::kAsk
             ? "unknown"
             : EnumNames<QuaternionOrder>::kNames[static_cast<size_t>(order)];
}

Eigen::Quaterniond QuaternionAt(const Column& c, size_t k, size_t i, QuaternionOrder order) {
  const auto v = [&](size_t j) { return c.At<double>(k, i + j); };
  return order == QuaternionOrder::kWxyz ? Eigen::Quaterniond(v(0), v(1), v(2), v(3))
                                         : Eigen::Quaterniond(v(3), v(0), v(1), v(2));
}

Quaternions::Quaternions(const h5::Group& demo, const DatasetHeader& header) : demo_(demo) {
  const std::string name = header.settings.value("quaternions", NameOf(QuaternionOrder::kAsk));
  for (const QuaternionOrder order : {QuaternionOrder::kWxyz, QuaternionOrder::kXyzw}) {
    if (name == NameOf(order)) order_ = order;
  }
}

Pose Quaternions::At(const Column& c, size_t k, size_t p, size_t q, const Column& position) const {
  if (!known()) {
    h5::FailReading(demo_.Place(c.path),
                    "are its quaternions wxyz (Isaac Lab before 2026) or xyzw (since)? Nothing "
                    "in the file says: give --quaternions wxyz or --quaternions xyzw");
  }
  return CheckedPose(demo_, c.path, k, QuaternionAt(c, k, q, order_), Point(position, k, p));
}

Instants ReadInstants(const h5::Group& demo, const std::string& path, size_t length,
                      const std::vector<int64_t>& dims) {
  Instants both{Optional(demo, "initial_state/" + path, 1, dims),
                Optional(demo, "states/" + path, length, dims)};
  if (both.known() && both.first.row_size() != both.rest.row_size()) {
    h5::FailReading(demo.Place("states/" + path), "has other rows than initial_state");
  }
  return both;
}

namespace {

// The articulations that are arms: those called so, or the only one.
std::vector<std::string> ArmsAmong(const h5::Group& demo) {
  std::vector<std::string> names = NamesIn(demo, "states/articulation");
  if (names.size() < 2) return names;
  std::erase_if(names, [](const std::string& name) {
    return name.find("robot") == std::string::npos && name.find("arm") == std::string::npos;
  });
  return names;
}

// Numbers [from, from + size) of every row, unless they lie so far from where the joints are that
// they are something else: deltas, a pose, or joints before scale and offset.
std::vector<Eigen::VectorXd> JointTargets(const Column& c, size_t from, size_t size,
                                          const std::vector<Eigen::VectorXd>& q) {
  constexpr double kNear = 0.5;  // rad, of the joint that is farthest off, on average
  std::vector<Eigen::VectorXd> targets;
  double sum = 0;
  for (size_t k = 0; k < c.rows; ++k) {
    targets.push_back(
        Vector(c, k).segment(static_cast<Eigen::Index>(from), static_cast<Eigen::Index>(size)));
    sum += (targets.back() - q[k]).cwiseAbs().maxCoeff();
  }
  if (sum < kNear * static_cast<double>(c.rows)) return targets;
  return {};
}

// Joints of an articulation without its fingers, which come last. The file names none of them.
size_t ArmJoints(const h5::Group& demo, const std::string& arm, size_t arms, size_t width,
                 const JointRobot& robot) {
  const std::string path = arms == 1 ? "obs/gripper_pos" : "obs/" + arm + "_gripper_pos";
  const Column gripper = FirstRow(demo, path);
  if (gripper.rows > 0 && gripper.row_size() < width) return width - gripper.row_size();
  return width == robot.joints.size() + robot.info.finger_joints() ? robot.joints.size() : width;
}

}  // namespace

bool HasIsaacLabJoints(const h5::Group& demo) {
  for (const std::string& name : ArmsAmong(demo)) {
    if (demo.IsArray("states/articulation/" + name + "/joint_position")) return true;
  }
  return false;
}

std::vector<JointArm> ReadIsaacLabJoints(const h5::Group& demo, const DatasetHeader& header,
                                         const JointRobot& robot) {
  const Quaternions quaternions(demo, header);
  const size_t length = LengthOf(demo);
  const std::vector<std::string> names = ArmsAmong(demo);
  const Column actions = Optional(demo, "actions", length, {-1}),
               processed = Optional(demo, "processed_actions", length, {-1});
  std::vector<JointArm> arms;
  for (size_t a = 0; a < names.size(); ++a) {
    const std::string path = "articulation/" + names[a] + "/";
    const Instants q = ReadInstants(demo, path + "joint_position", length, {-1}),
                   v = ReadInstants(demo, path + "joint_velocity", length, {-1});
    if (!q.known()) {
      h5::FailReading(demo.Place("states/" + path + "joint_position"),
                      "must be there, and in initial_state: they are the joints of every instant");
    }
    JointArm& arm = arms.emplace_back();
    arm.name = names[a];
    const size_t width = q.rest.row_size(),
                 joints = ArmJoints(demo, names[a], names.size(), width, robot);
    const auto part = [](const Instants& c, size_t instant, size_t from, size_t size) {
      const Eigen::VectorXd all = instant == 0 ? Vector(c.first, 0) : Vector(c.rest, instant - 1);
      return Eigen::VectorXd(
          all.segment(static_cast<Eigen::Index>(from), static_cast<Eigen::Index>(size)));
    };
    for (size_t i = 0; i <= length; ++i) {
      arm.q.push_back(part(q, i, 0, joints));
      arm.gripper_q.push_back(part(q, i, joints, width - joints));
      if (v.known() && v.rest.row_size() == width) arm.v.push_back(part(v, i, 0, joints));
    }
    for (const char* name : {"joint_position", "joint_velocity", "root_pose"}) {
      for (const char* tree : {"states/", "initial_state/"}) {
        arm.columns.push_back(tree + path + name);
      }
    }
    arm.columns.push_back("processed_actions");
    const Column base = Optional(demo, "initial_state/" + path + "root_pose", 1, {7});
    if (base.rows > 0) arm.X_WB = quaternions.At(base, 0);

    // an arm's joints, then its gripper, which opens at +1; or a pose or its delta in place of
    // joints
    const size_t per_arm = actions.row_size() / names.size();
    const bool even = actions.row_size() == per_arm * names.size();
    const bool joint_actions = even && per_arm == joints + 1;
    if (joint_actions || (even && (per_arm == 7 || per_arm == 8))) {
      for (size_t k = 0; k < length; ++k) {
        const double command = actions.At<double>(k, (a + 1) * per_arm - 1);
        arm.gripper.push_back(-std::clamp(command, -1.0, 1.0));
      }
    }
    // what its actuators were commanded, else the action as it is
    const size_t width_per_arm = processed.row_size() / names.size();
    if (processed.rows > 0 && width_per_arm >= joints &&
        processed.row_size() == width_per_arm * names.size()) {
      arm.q_cmd = JointTargets(processed, a * width_per_arm, joints, arm.q);
      arm.target_from = "joint targets of processed_actions";
    }
    if (arm.q_cmd.empty() && joint_actions) {
      arm.q_cmd = JointTargets(actions, a * per_arm, joints, arm.q);
      arm.target_from = "joint targets of actions";
    }
    if (!arm.q_cmd.empty()) continue;
    arm.target_from = joint_actions
                          ? "its actions are no absolute joint targets: --map can give their scale "
                            "and offset"
                          : "its actions are no joint targets";
  }
  return arms;
}

}  // namespace understudy::foreign
