#pragma once

#include "teleop/virtual_headset/control.h"
#include "teleop/virtual_headset/runtime/xr.h"

namespace understudy::vh {

// Rigid transforms in double precision without normalisation: identity composes exactly, and a
// spoiled pose stays spoiled. The runtime needs no more, and so it needs no library.
struct Vec3 {
  double x = 0, y = 0, z = 0;
};
struct Quat {
  double w = 1, x = 0, y = 0, z = 0;
};
struct Transform {
  Vec3 p;
  Quat q;
};

Vec3 operator+(const Vec3& a, const Vec3& b);
Vec3 operator-(const Vec3& a, const Vec3& b);
Vec3 Cross(const Vec3& a, const Vec3& b);
Quat operator*(const Quat& a, const Quat& b);
Quat Conjugate(const Quat& q);
Vec3 Rotate(const Quat& q, const Vec3& v);  // requires a unit quaternion
Transform operator*(const Transform& X_AB, const Transform& X_BC);
Transform Inverse(const Transform& X_AB);

Transform FromXr(const XrPosef& pose);
XrPosef ToXr(const Transform& X);
XrVector3f ToXr(const Vec3& v);
Transform FromC(const UnderstudyVhPose& pose);
Vec3 FromC(const double v[3]);

// Whether an application may hand in this pose: finite, and a quaternion of length 1 within 1 %
// (OpenXR specification, XrPosef).
bool IsValidPose(const XrPosef& pose);

}  // namespace understudy::vh
