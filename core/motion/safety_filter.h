#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/episode/action.h"
#include "core/motion/bounded_motion.h"
#include "core/seam/kinematics.h"
#include "core/seam/simulator.h"
#include "core/spec/action_kind.h"
#include "core/spec/safety_options.h"

namespace understudy {

// Why a command is not what was asked for.
enum class SafetyStop {
  kNotFinite,  // it holds a NaN or an infinite number
  kPlace,      // it lies outside of where the hand, or a joint, may be
  kSlowed,   // it is farther than speed, acceleration and jerk allow, or is not caught up with yet
  kPosture,  // its arm would reach the end of a joint, or what it must not touch, or cannot follow
};
template <>
struct EnumNames<SafetyStop> {
  static constexpr std::array kNames{"not_finite", "place", "slowed", "posture"};
};
inline constexpr size_t kSafetyStops = EnumNames<SafetyStop>::kNames.size();

struct SafeCommand {
  ArmAction action;
  std::array<bool, kSafetyStops> stops{};
  bool Stopped(SafetyStop stop) const { return stops[static_cast<size_t>(stop)]; }
  bool any() const;
};

// What the filter knows of an arm.
struct GuardedArm {
  ActionKind kind = ActionKind::kPose;
  Pose X_WB;                               // its base
  double reach = 1e9;                      // m from it
  std::shared_ptr<Kinematics> kinematics;  // null: unknown; then joints are looked after by nobody
                                           // where poses are the command
  // Whether a posture touches nothing that it must not; empty: not asked.
  std::function<bool(const JointVector& q)> valid;
};

// An arm of a simulator or a robot, whose links must touch neither each other nor what is fixed to
// the world (Kinematics::Clear).
GuardedArm GuardedArmOf(const SimulatorInfo& info, size_t arm,
                        std::unique_ptr<Kinematics> kinematics);

// The last piece before the commands of one arm leave, at a fixed rate: whatever it is asked for,
// successive commands keep the limits of SafetyOptions (BoundedMotion), stay where the hand may be,
// and can always be brought to rest there; of poses, the arm can follow to where they would come to
// rest, with its joints inside their margins. The gripper's command is put into [-1, 1]. Commands
// that keep the limits are passed on bit for bit; after one that does not, when they have been
// caught up with. Not thread-safe; allocates nothing but what kinematics and `valid` do.
class SafetyFilter {
 public:
  // Throws Error(kBadInput) where joints are the command and `kinematics` is null.
  SafetyFilter(const SafetyOptions& options, GuardedArm arm, double dt_s);

  // At rest: `now` is the command that the arm holds, `q` its joints.
  void Reset(const ArmAction& now, const Eigen::VectorXd& q);

  // Speeds are limited to this share of what options say, in (0, 1], from now on; 1 at the start.
  // Falls only before Reset.
  void SetPace(double share);

  // The command of this step. `q` as measured: where postures are searched from.
  SafeCommand Limit(const ArmAction& wanted, const Eigen::VectorXd& q);

  // The command of a step in which nothing is asked for: it brakes, and then rests.
  ArmAction Hold();
  // Whether it has come to rest.
  bool Resting() const;

 private:
  using Vector3 = Eigen::Vector3d;
  SafeCommand LimitPose(const ArmAction& wanted, const Eigen::VectorXd& q);
  SafeCommand LimitJoints(const ArmAction& wanted, const Eigen::VectorXd& q);
  // Where it comes to rest if it brakes after `turn`.
  Eigen::Quaterniond TurnedBy(const BoundedMotion<3>::Step& turn) const;
  // An arm that touches what it must not may move.
  bool Valid(const JointVector& then, const Eigen::VectorXd& q) const {
    return !arm_.valid || arm_.valid(then) || !arm_.valid(q);
  }
  bool CanRest(const Vector3& p_BE, const Eigen::Quaterniond& R_WE, const Eigen::VectorXd& q) const;
  // Whether an arm whose joints are at `q` keeps its margins at `then`.
  bool KeepsMargins(const JointVector& then, const Eigen::VectorXd& q) const;
  void Turn(const Vector3& turn);

  SafetyOptions options_;
  GuardedArm arm_;
  ArmAction last_;
  // of poses: E from B in axes of W, turns from the last command
  BoundedMotion<3> moving_, turning_;
  Eigen::Quaterniond R_WE_ = Eigen::Quaterniond::Identity();
  // of joints
  std::vector<BoundedMotion<1>> joints_;
  std::vector<Region<1>> joint_regions_;
  Region<3> workspace_;
  mutable Eigen::VectorXd posture_;  // scratch
};

// The filters of all arms of a simulator, which rest where it stands (HoldOf).
std::vector<SafetyFilter> GuardsOf(const Simulator& simulator);

}  // namespace understudy
