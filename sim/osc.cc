#include "sim/osc.h"

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.h"
#include "sim/arm_mass.h"

namespace understudy {
namespace {

using Matrix6d = Eigen::Matrix<double, 6, 6>;
using Eigen::Vector3d;

Eigen::Map<const Vector3d> Vec3(const mjtNum* numbers) {
  return Eigen::Map<const Vector3d>(numbers);
}

Eigen::Quaterniond Quat(const mjtNum* wxyz) {
  return Eigen::Quaterniond(wxyz[0], wxyz[1], wxyz[2], wxyz[3]);
}

constexpr double kDamping = 1e-3;  // share of the mean mobility

template <int N>
class OscControllerN final : public OscController {
 public:
  using VectorN = Eigen::Matrix<double, N, 1>;

  OscControllerN(const mjModel& model, const ArmIndex& arm, const OscOptions& options)
      : model_(model),
        mass_(model, arm),
        site_(arm.site),
        site_body_(arm.site_body),
        kp_(options.kp),
        kd_(2 * std::sqrt(options.kp) * options.damping_ratio),
        kp_null_(options.nullspace_kp),
        kd_null_(2 * std::sqrt(options.nullspace_kp)),
        uncouple_(options.uncouple) {
    for (int i = 0; i < N; ++i) {
      joint_[i] = arm.joints[i];
      dof_[i] = arm.dofs[i];
      qpos_[i] = arm.qpos[i];
      actuator_[i] = arm.actuators[i];
      home_[i] = arm.home[i];
      low_[i] = model.actuator_ctrlrange[2 * actuator_[i]];
      high_[i] = model.actuator_ctrlrange[2 * actuator_[i] + 1];
    }
  }

  void Torques(const mjData& data, const Pose& X_WE_cmd, mjtNum* ctrl) const override {
    // task state: where E is, and how each joint moves it
    const Vector3d p_WE = Vec3(data.site_xpos + 3 * site_);
    const Eigen::Quaterniond q_WE =
        Quat(data.xquat + 4 * site_body_) * Quat(model_.site_quat + 4 * site_);
    Eigen::Matrix<double, 6, N> J;
    VectorN qd, posture;
    Eigen::Matrix<double, N, N> M;
    mass_.Read(data, &M);
    for (int i = 0; i < N; ++i) {
      const Vector3d axis = Vec3(data.xaxis + 3 * joint_[i]);
      J.col(i).template head<3>() = axis.cross(p_WE - Vec3(data.xanchor + 3 * joint_[i]));
      J.col(i).template tail<3>() = axis;
      qd[i] = data.qvel[dof_[i]];
      posture[i] = kp_null_ * (home_[i] - data.qpos[qpos_[i]]) - kd_null_ * qd[i];
    }

    // wanted accelerations of E
    const Vector6d V_WE = J * qd;
    Eigen::Quaterniond q_error = X_WE_cmd.rotation() * q_WE.conjugate();
    if (q_error.w() < 0) q_error.coeffs() *= -1;
    const double sine = q_error.vec().norm();
    const double scale = sine < 1e-9 ? 2 : 2 * std::atan2(sine, q_error.w()) / sine;
    Vector6d wanted;
    wanted.template head<3>() = kp_ * (X_WE_cmd.translation() - p_WE);
    wanted.template tail<3>() = kp_ * scale * q_error.vec();
    wanted -= kd_ * V_WE;

    // inverse inertia at E; damped, so that it can be inverted at singular postures
    const Eigen::Matrix<double, N, 6> Minv_Jt = M.llt().solve(J.transpose());
    Matrix6d mobility = J * Minv_Jt;
    mobility.diagonal().template head<3>().array() +=
        kDamping / 3 * mobility.diagonal().template head<3>().sum();
    mobility.diagonal().template tail<3>().array() +=
        kDamping / 3 * mobility.diagonal().template tail<3>().sum();
    const Eigen::LLT<Matrix6d> inertia(mobility);

    // posture: M a - J' Lambda J a moves the joints and not E
    Vector6d wrench;
    if (uncouple_) {
      wrench.template head<3>() =
          mobility.template topLeftCorner<3, 3>().inverse() * wanted.template head<3>();
      wrench.template tail<3>() =
          mobility.template bottomRightCorner<3, 3>().inverse() * wanted.template tail<3>();
      wrench -= inertia.solve(J * posture);
    } else {
      wrench = inertia.solve(wanted - J * posture);
    }
    VectorN torque = J.transpose() * wrench + M * posture;

    for (int i = 0; i < N; ++i) {
      ctrl[actuator_[i]] = std::clamp(torque[i] + data.qfrc_bias[dof_[i]], low_[i], high_[i]);
    }
  }

 private:
  const mjModel& model_;
  ArmMass mass_;
  int site_, site_body_;
  double kp_, kd_, kp_null_, kd_null_;
  bool uncouple_;
  std::array<int, N> joint_, dof_, qpos_, actuator_;
  std::array<double, N> home_, low_, high_;
};

}  // namespace

std::unique_ptr<OscController> MakeOscController(const mjModel& model, const ArmIndex& arm,
                                                 const OscOptions& options) {
  if (arm.joints.size() == 7) return std::make_unique<OscControllerN<7>>(model, arm, options);
  if (arm.joints.size() == 6) return std::make_unique<OscControllerN<6>>(model, arm, options);
  Require(arm.joints.size() == 5, "Scene::Compile lets arms of 5 to 7 joints pass");
  return std::make_unique<OscControllerN<5>>(model, arm, options);
}

Pose ControlPose(const mjModel& model, const mjData& data, const ArmIndex& arm) {
  return Pose(Quat(data.xquat + 4 * arm.site_body) * Quat(model.site_quat + 4 * arm.site),
              Vec3(data.site_xpos + 3 * arm.site));
}

Pose BodyPose(const mjData& data, int body) {
  return Pose(Quat(data.xquat + 4 * body), Vec3(data.xpos + 3 * body));
}

}  // namespace understudy
