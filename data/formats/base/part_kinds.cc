#include "data/formats/base/part_kinds.h"

#include "core/geometry/rotation_form.h"

namespace understudy {

bool IsRotation(PartKind kind) {
  return kind >= PartKind::kQuaternionXyzw && kind <= PartKind::kRotation6dColumns;
}

namespace {

// Unset: no rotation.
std::optional<RotationForm> FormOf(PartKind kind) {
  switch (kind) {
    case PartKind::kQuaternionXyzw:
      return RotationForm::kXyzw;
    case PartKind::kQuaternionWxyz:
      return RotationForm::kWxyz;
    case PartKind::kRotationVector:
      return RotationForm::kAxisAngle;
    case PartKind::kEulerXyz:
      return RotationForm::kEulerXyz;
    case PartKind::kRotation6dRows:
      return RotationForm::k6dRows;
    case PartKind::kRotation6dColumns:
      return RotationForm::k6dColumns;
    case PartKind::kPosition:
    case PartKind::kNumbers:
    case PartKind::kJoints:
    case PartKind::kGripper:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

int SizeOf(PartKind kind) {
  if (const auto form = FormOf(kind)) return NumbersOf(*form);
  return kind == PartKind::kPosition ? 3 : 0;
}

std::optional<Eigen::Quaterniond> RotationOf(PartKind kind, const double* v) {
  const auto form = FormOf(kind);
  return form ? ReadRotation(v, *form) : std::nullopt;
}

}  // namespace understudy
