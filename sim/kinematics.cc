#include "sim/kinematics.h"

#include <mujoco/mujoco.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.h"
#include "core/seam/state_validity.h"
#include "sim/arm_chain.h"
#include "sim/model_index.h"
#include "sim/mujoco_guard.h"
#include "sim/osc.h"

namespace understudy {
namespace {

class ArmKinematics final : public Kinematics {
 public:
  ArmKinematics(std::shared_ptr<const Scene> scene, const KinematicsOptions& options, size_t arm)
      : scene_(std::move(scene)), options_(options), model_(*scene_->model()) {
    InstallMujocoHandlers();
    Problems problems;
    arm_ = IndexModel(model_, scene_->task(), scene_->robot(), &problems).arms.at(arm);
    Require(problems.empty(), "a compiled scene has been checked");
    data_.reset(mj_makeData(&model_));
    if (data_ == nullptr) ThrowFailed("MuJoCo: no memory for the kinematics' data");
    for (int body = 0; body < model_.nbody; ++body) parts_.push_back(PartOf(body));
    lower_.resize(static_cast<Eigen::Index>(arm_.joints.size()));
    upper_ = lower_;
    for (Eigen::Index i = 0; i < lower_.size(); ++i) {
      const int joint = arm_.joints[static_cast<size_t>(i)];
      const bool limited = model_.jnt_limited[joint] != 0;
      lower_[i] = limited ? model_.jnt_range[2 * joint] : -2 * mjPI;
      upper_[i] = limited ? model_.jnt_range[2 * joint + 1] : 2 * mjPI;
    }
  }

 private:
  const Eigen::VectorXd& DoLower() const override { return lower_; }
  const Eigen::VectorXd& DoUpper() const override { return upper_; }

  Pose DoForward(const Eigen::VectorXd& q) override {
    Require(q.size() == lower_.size() && q.allFinite(), "kinematics needs one angle per joint");
    for (Eigen::Index i = 0; i < q.size(); ++i) {
      data_->qpos[arm_.qpos[static_cast<size_t>(i)]] = q[i];
    }
    mj_kinematics(&model_, data_.get());
    return ControlPose(model_, *data_, arm_);
  }

  ArmJacobian DoJacobian(const Eigen::VectorXd& q) override {
    const Pose X_WE = DoForward(q);
    ArmJacobian J(6, q.size());
    for (Eigen::Index i = 0; i < q.size(); ++i) {
      const int joint = arm_.joints[static_cast<size_t>(i)];
      const Eigen::Map<const Eigen::Vector3d> axis(data_->xaxis + 3 * joint);
      const Eigen::Map<const Eigen::Vector3d> anchor(data_->xanchor + 3 * joint);
      J.col(i).head<3>() = axis.cross(X_WE.translation() - anchor);
      J.col(i).tail<3>() = axis;
    }
    return J;
  }

  std::optional<IkSolution> DoSolve(const Pose& X_WE, const Eigen::VectorXd& q_start) override {
    // scratch space: a control loop allocates nothing
    Eigen::MatrixXd& J = jacobian_;
    Eigen::VectorXd &q = posture_, &step = step_;
    IkSolution solution;
    q = q_start.cwiseMax(lower_).cwiseMin(upper_);
    for (;; ++solution.iterations) {
      // how far E still is from the target
      J = DoJacobian(q);
      const Pose X_WE_now = ControlPose(model_, *data_, arm_);
      Vector6d error;
      error.head<3>() = X_WE.translation() - X_WE_now.translation();
      error.tail<3>() = RotationLog(X_WE.rotation() * X_WE_now.rotation().conjugate());
      solution.position_error = error.head<3>().norm();
      solution.rotation_error = error.tail<3>().norm();
      if (solution.position_error <= options_.position_tolerance &&
          solution.rotation_error <= options_.rotation_tolerance) {
        solution.q = q;
        return solution;
      }
      if (solution.iterations == options_.max_iterations) return std::nullopt;

      // a damped step; joints that it would drive into their limits are taken out, and again
      const double damping = 1e-6 + 1e-2 * std::min(1.0, error.squaredNorm());
      step.resize(q.size());
      for (Eigen::Index pass = 0; pass <= step.size(); ++pass) {
        Eigen::Matrix<double, 6, 6> A = J * J.transpose();
        A.diagonal().array() += damping;
        const Vector6d pull = A.llt().solve(error);
        step.noalias() = J.transpose() * pull;
        bool blocked = false;
        for (Eigen::Index i = 0; i < step.size(); ++i) {
          if ((step[i] < 0 && q[i] <= lower_[i]) || (step[i] > 0 && q[i] >= upper_[i])) {
            J.col(i).setZero();
            blocked = true;
          }
        }
        if (!blocked) break;
      }
      const double largest = step.cwiseAbs().maxCoeff();
      if (largest > options_.max_step) step *= options_.max_step / largest;
      if (largest < 1e-12) return std::nullopt;
      q = (q + step).cwiseMax(lower_).cwiseMin(upper_);
    }
  }

  bool DoClear(const JointVector& q) override {
    posture_ = q;
    DoForward(posture_);
    mj_collision(&model_, data_.get());
    for (int c = 0; c < data_->ncon; ++c) {
      const mjContact& contact = data_->contact[c];
      if (contact.geom[0] < 0 || contact.geom[1] < 0 || contact.dist >= -kSolidsGive) continue;
      const Part a = parts_[static_cast<size_t>(model_.geom_bodyid[contact.geom[0]])],
                 b = parts_[static_cast<size_t>(model_.geom_bodyid[contact.geom[1]])];
      const bool link = a == Part::kLink || b == Part::kLink;
      const bool base = a == Part::kBase || b == Part::kBase;
      const bool hand = a == Part::kHand || b == Part::kHand;
      if (a == Part::kMoving || b == Part::kMoving) continue;
      if (link || (hand && base)) return false;
    }
    return true;
  }

  // What a body is to the arm.
  enum class Part : uint8_t { kFixed, kMoving, kBase, kLink, kHand };
  Part PartOf(int body) const {
    const auto below = [&](int joint) { return InSubtree(model_, body, model_.jnt_bodyid[joint]); };
    if (below(arm_.joints.back())) return Part::kHand;
    if (below(arm_.joints.front())) return Part::kLink;
    if (arm_.base_body >= 0 && InSubtree(model_, body, arm_.base_body)) return Part::kBase;
    return model_.body_weldid[body] == 0 ? Part::kFixed : Part::kMoving;
  }

  JointVector DoNearest(const Pose& X_WE, const Eigen::VectorXd& q_start) override {
    DoForward(q_start);
    const ArmChain chain(model_, *data_, arm_);
    return chain.Nearest(X_WE, chain.q0());
  }

  std::shared_ptr<const Scene> scene_;
  KinematicsOptions options_;
  const mjModel& model_;
  ArmIndex arm_;
  std::unique_ptr<mjData, MujocoDeleter> data_;
  std::vector<Part> parts_;  // by body
  Eigen::VectorXd lower_, upper_, posture_, step_;
  Eigen::MatrixXd jacobian_;
};

}  // namespace

std::unique_ptr<Kinematics> MakeKinematics(std::shared_ptr<const Scene> scene,
                                           const KinematicsOptions& options, size_t arm) {
  Require(scene != nullptr, "kinematics needs a scene");
  return std::make_unique<ArmKinematics>(std::move(scene), options, arm);
}

}  // namespace understudy
