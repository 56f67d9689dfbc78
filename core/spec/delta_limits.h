#pragma once

namespace understudy {

// Output limits of robosuite's OSC_POSE per policy step: the box that [-1, 1] maps to, per axis.
struct DeltaLimits {
  double linear = 0.05;  // m
  double angular = 0.5;  // rad
  bool operator==(const DeltaLimits&) const = default;
};

}  // namespace understudy
