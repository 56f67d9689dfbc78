#include "teleop/virtual_headset/runtime/geometry.h"

#include <cmath>

namespace understudy::vh {

Vec3 operator+(const Vec3& a, const Vec3& b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
Vec3 operator-(const Vec3& a, const Vec3& b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }

Vec3 Cross(const Vec3& a, const Vec3& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

Quat operator*(const Quat& a, const Quat& b) {
  return {
      a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
      a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}

Quat Conjugate(const Quat& q) { return {q.w, -q.x, -q.y, -q.z}; }

Vec3 Rotate(const Quat& q, const Vec3& v) {
  const Vec3 u{q.x, q.y, q.z};
  const Vec3 t = Cross(u, v);
  const Vec3 s = Cross(u, {t.x + q.w * v.x, t.y + q.w * v.y, t.z + q.w * v.z});
  return {v.x + 2 * s.x, v.y + 2 * s.y, v.z + 2 * s.z};
}

Transform operator*(const Transform& X_AB, const Transform& X_BC) {
  return {Rotate(X_AB.q, X_BC.p) + X_AB.p, X_AB.q * X_BC.q};
}

Transform Inverse(const Transform& X_AB) {
  const Quat q_BA = Conjugate(X_AB.q);
  return {Vec3{} - Rotate(q_BA, X_AB.p), q_BA};
}

Transform FromXr(const XrPosef& pose) {
  return {{pose.position.x, pose.position.y, pose.position.z},
          {pose.orientation.w, pose.orientation.x, pose.orientation.y, pose.orientation.z}};
}

XrPosef ToXr(const Transform& X) {
  return {{static_cast<float>(X.q.x), static_cast<float>(X.q.y), static_cast<float>(X.q.z),
           static_cast<float>(X.q.w)},
          ToXr(X.p)};
}

XrVector3f ToXr(const Vec3& v) {
  return {static_cast<float>(v.x), static_cast<float>(v.y), static_cast<float>(v.z)};
}

Transform FromC(const UnderstudyVhPose& pose) {
  return {{pose.p[0], pose.p[1], pose.p[2]}, {pose.q[0], pose.q[1], pose.q[2], pose.q[3]}};
}

Vec3 FromC(const double v[3]) { return {v[0], v[1], v[2]}; }

bool IsValidPose(const XrPosef& pose) {
  const XrQuaternionf& q = pose.orientation;
  const double norm =
      std::sqrt(double{q.x} * q.x + double{q.y} * q.y + double{q.z} * q.z + double{q.w} * q.w);
  return std::isfinite(pose.position.x) && std::isfinite(pose.position.y) &&
         std::isfinite(pose.position.z) && std::isfinite(norm) && std::abs(norm - 1) < 0.01;
}

}  // namespace understudy::vh
