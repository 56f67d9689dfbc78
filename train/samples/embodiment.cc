#include "train/samples/embodiment.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"

namespace understudy {
namespace {

int SizeOf(const std::vector<EmbodimentColumn>& columns) {
  int size = 0;
  for (const EmbodimentColumn& column : columns) size += column.size;
  return size;
}

std::vector<std::string> NamesOf(const std::vector<EmbodimentColumn>& columns) {
  std::vector<std::string> names;
  for (const EmbodimentColumn& column : columns) {
    for (int i = 0; i < column.size; ++i) {
      const bool named = column.parts.size() == static_cast<size_t>(column.size);
      names.push_back(named              ? column.parts[static_cast<size_t>(i)]
                      : column.size == 1 ? column.name
                                         : fmt::format("{}_{}", column.name, i));
    }
  }
  return names;
}

// Per arm its joints, or the parts of its pose, and then those of its hand.
std::vector<std::string> NamesOfArms(const Embodiment& embodiment,
                                     const std::vector<std::string>& of_pose,
                                     const std::vector<std::string>& of_hand) {
  std::vector<std::string> names;
  const size_t joints = embodiment.joints_per_arm();
  for (size_t arm = 0; arm < embodiment.arms.size(); ++arm) {
    const auto add = [&](const std::string& part) {
      names.push_back(embodiment.arms[arm] + "_" + part);
    };
    if (embodiment.of_joints()) {
      const auto first = embodiment.joints.begin() + static_cast<std::ptrdiff_t>(arm * joints);
      names.insert(names.end(), first, first + static_cast<std::ptrdiff_t>(joints));
    } else {
      std::ranges::for_each(of_pose, add);
    }
    std::ranges::for_each(of_hand, add);
  }
  return names;
}

}  // namespace

std::vector<std::string> Embodiment::StateNames() const {
  if (of_columns()) return NamesOf(state_columns);
  std::vector<std::string> fingers;
  for (int i = 1; i <= gripper_joints; ++i) fingers.push_back(fmt::format("finger{}", i));
  return NamesOfArms(*this, {"x", "y", "z", "r11", "r21", "r31", "r12", "r22", "r32"}, fingers);
}

std::vector<std::string> Embodiment::ActionNames() const {
  if (of_columns()) return NamesOf(action_columns);
  return NamesOfArms(*this, {"x", "y", "z", "rx", "ry", "rz"}, {"gripper"});
}

int Embodiment::state_size() const {
  if (of_columns()) return SizeOf(state_columns);
  const int arm = of_joints() ? static_cast<int>(joints_per_arm()) : 9;
  return static_cast<int>(arms.size()) * (arm + gripper_joints);
}

int Embodiment::action_size() const {
  if (of_columns()) return SizeOf(action_columns);
  const int arm = of_joints() ? static_cast<int>(joints_per_arm()) : 6;
  return static_cast<int>(arms.size()) * (arm + 1);
}

void Embodiment::EncodeState(const std::vector<ArmObservation>& arms_now, float* state_S) const {
  Require(!of_columns(), "columns are taken as they are");
  Require(arms_now.size() == arms.size(), "a state has one entry per arm");
  const Pose X_BW = X_WB.Inverse();
  for (const ArmObservation& arm : arms_now) {
    Require(arm.gripper_q.size() == gripper_joints, "finger joints as in training");
    if (of_joints()) {
      Require(static_cast<size_t>(arm.joint_q.size()) == joints_per_arm(), "joints as in training");
      for (const double q : arm.joint_q) *state_S++ = static_cast<float>(q);
    } else {
      const Pose X_BE = X_BW * arm.X_WE;
      const Eigen::Matrix3d R_BE = X_BE.rotation().toRotationMatrix();
      for (int i = 0; i < 3; ++i) *state_S++ = static_cast<float>(X_BE.translation()[i]);
      // two columns say it all, without the jumps of angles and quaternions
      for (int column = 0; column < 2; ++column) {
        for (int i = 0; i < 3; ++i) *state_S++ = static_cast<float>(R_BE(i, column));
      }
    }
    for (int i = 0; i < gripper_joints; ++i) *state_S++ = static_cast<float>(arm.gripper_q[i]);
  }
}

void Embodiment::EncodeAction(const Pose* X_WE_now, const ArmAction* targets,
                              float* action_A) const {
  Require(action_meaning == kRelativeEef, "targets are poses");
  for (size_t arm = 0; arm < arms.size(); ++arm) {
    const Pose& X_WE = X_WE_now[arm];
    const Pose& X_WE_cmd = targets[arm].X_WE_cmd;
    const Eigen::Vector3d step = X_WE_cmd.translation() - X_WE.translation();
    const Eigen::Vector3d turn = RotationLog(X_WE_cmd.rotation() * X_WE.rotation().conjugate());
    for (int i = 0; i < 3; ++i) *action_A++ = static_cast<float>(step[i]);
    for (int i = 0; i < 3; ++i) *action_A++ = static_cast<float>(turn[i]);
    *action_A++ = static_cast<float>(targets[arm].gripper);
  }
}

void Embodiment::EncodeJoints(const std::vector<ArmAction>& targets, float* absolute_A) const {
  Require(of_joints() && targets.size() == arms.size(), "an action has one entry per arm");
  for (const ArmAction& target : targets) {
    Require(static_cast<size_t>(target.q_cmd.size()) == joints_per_arm(), "joints as in training");
    for (const double q : target.q_cmd) *absolute_A++ = static_cast<float>(q);
    *absolute_A++ = static_cast<float>(target.gripper);
  }
}

void Embodiment::SeeFrom(const float* state_S, const float* absolute_A, float* action_A) const {
  Require(of_joints(), "targets are joints");
  for (size_t arm = 0; arm < arms.size(); ++arm) {
    for (size_t i = 0; i < joints_per_arm(); ++i) *action_A++ = *absolute_A++ - state_S[i];
    *action_A++ = *absolute_A++;
    state_S += joints_per_arm() + static_cast<size_t>(gripper_joints);
  }
}

void Embodiment::EncodeTargets(const std::vector<ArmObservation>& arms_now, const Action& targets,
                               float* action_A) const {
  Require(arms_now.size() == arms.size() && targets.arms.size() == arms.size(),
          "an action has one entry per arm");
  if (of_joints()) {
    std::vector<float> state_S(static_cast<size_t>(state_size())),
        absolute_A(static_cast<size_t>(action_size()));
    EncodeState(arms_now, state_S.data());
    EncodeJoints(targets.arms, absolute_A.data());
    SeeFrom(state_S.data(), absolute_A.data(), action_A);
    return;
  }
  std::vector<Pose> X_WE_now;
  for (const ArmObservation& arm : arms_now) X_WE_now.push_back(arm.X_WE);
  EncodeAction(X_WE_now.data(), targets.arms.data(), action_A);
}

Action Embodiment::DecodeAction(const std::vector<ArmObservation>& arms_now,
                                const float* action_A) const {
  Require(!of_columns(), "columns are no targets of arms");
  Require(arms_now.size() == arms.size(), "an action has one entry per arm");
  Action action;
  for (const ArmObservation& arm : arms_now) {
    if (of_joints()) {
      const auto count = static_cast<Eigen::Index>(joints_per_arm());
      Require(arm.joint_q.size() == count, "joints as in training");
      ArmAction target{arm.X_WE, std::clamp(static_cast<double>(action_A[count]), -1.0, 1.0),
                       arm.joint_q};
      for (double& q : target.q_cmd) q += *action_A++;
      ++action_A;
      action.arms.push_back(std::move(target));
      continue;
    }
    const Eigen::Vector3d step(action_A[0], action_A[1], action_A[2]);
    const Eigen::Vector3d turn(action_A[3], action_A[4], action_A[5]);
    action.arms.push_back(
        {Pose(RotationExp(turn) * arm.X_WE.rotation(), arm.X_WE.translation() + step),
         std::clamp(static_cast<double>(action_A[6]), -1.0, 1.0)});
    action_A += 7;
  }
  return action;
}

Embodiment MakeEmbodiment(const SimulatorInfo& info) {
  Embodiment result;
  result.robot = info.robot;
  result.arms = info.arms;
  result.gripper_joints = static_cast<int>(info.finger_joints());
  result.X_WB = info.base(0);
  return result;
}

bool SameColumns(const Embodiment& a, const Embodiment& b) {
  const auto same = [](const std::vector<EmbodimentColumn>& x,
                       const std::vector<EmbodimentColumn>& y) {
    return std::ranges::equal(x, y, [](const EmbodimentColumn& c, const EmbodimentColumn& d) {
      return c.name == d.name && c.size == d.size;
    });
  };
  if (a.robot != b.robot || a.action_meaning != b.action_meaning) return false;
  if (a.of_columns()) {
    return same(a.state_columns, b.state_columns) && same(a.action_columns, b.action_columns);
  }
  return a.arms == b.arms && a.joints == b.joints && a.gripper_joints == b.gripper_joints;
}

std::vector<std::string> EmbodimentNames(const std::vector<Embodiment>& embodiments) {
  std::vector<std::string> names;
  for (const Embodiment& one : embodiments) {
    names.push_back(one.robot.empty() ? "robot" : one.robot);
  }
  // of those that have one name, the arms tell them apart, or else what they are commanded by
  const auto tell_apart = [&](const auto& text_of) {
    const std::vector<std::string> before = names;
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string text = text_of(embodiments[i]);
      if (std::ranges::count(before, before[i]) > 1 && !text.empty()) names[i] += "/" + text;
    }
  };
  tell_apart([](const Embodiment& one) { return fmt::format("{}", fmt::join(one.arms, "+")); });
  tell_apart([](const Embodiment& one) { return one.action_meaning; });
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string name = names[i];
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(i);
    for (int n = 2; std::find(names.begin(), end, names[i]) != end; ++n) {
      names[i] = fmt::format("{}/{}", name, n);
    }
  }
  return names;
}

std::vector<std::string> CamerasOf(std::span<const EmbodimentOffer> embodiments) {
  std::vector<std::string> cameras;
  for (const EmbodimentOffer& one : embodiments) {
    for (const std::string& camera : one.cameras) {
      if (std::ranges::find(cameras, camera) == cameras.end()) cameras.push_back(camera);
    }
  }
  return cameras;
}

std::vector<ColumnInfo> OfferedColumns(std::span<const EmbodimentOffer> embodiments, int height,
                                       int width, int tokens, int objects, bool objects_seen) {
  std::vector<ColumnInfo> offered;
  // where all are alike, nothing is padding
  const auto pad = [&](ColumnInfo info, const auto& size_of) {
    for (const EmbodimentOffer& one : embodiments) info.by_embodiment.push_back(size_of(one));
    const bool whole =
        std::ranges::all_of(info.by_embodiment, [&](int size) { return size == info.size(); });
    if (whole) info.by_embodiment.clear();
    offered.push_back(std::move(info));
  };
  const auto numbers = [&](const char* name, int EmbodimentOffer::*size) {
    int most = 0;
    for (const EmbodimentOffer& one : embodiments) most = std::max(most, one.*size);
    pad({name, {most}}, [&](const EmbodimentOffer& one) { return one.*size; });
  };
  for (const std::string& camera : CamerasOf(embodiments)) {
    pad({ImageColumn(camera), {height, width, 3}}, [&](const EmbodimentOffer& one) {
      const bool has = std::ranges::find(one.cameras, camera) != one.cameras.end();
      return has ? height * width * 3 : 0;
    });
  }
  numbers(kStateColumn, &EmbodimentOffer::state);
  offered.push_back({kInstructionColumn, {tokens}});
  numbers(kActionColumn, &EmbodimentOffer::action);
  if (objects > 0) offered.push_back({kObjectsColumn, {objects}, true});
  if (objects > 0 && objects_seen) offered.push_back({kSeenObjectsColumn, {objects}});
  return offered;
}

bool SamePlace(const Pose& a, const Pose& b) {
  const Eigen::Vector4d qa = a.rotation().coeffs(), qb = b.rotation().coeffs();
  const double turn = std::min((qa - qb).norm(), (qa + qb).norm());
  return (a.translation() - b.translation()).norm() < 1e-9 && turn < 1e-9;
}

}  // namespace understudy
