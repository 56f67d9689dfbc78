#include "mimic/sources/resample.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace understudy {
namespace {

// `poses` at row `row`, which lies between rows.
Pose PoseAt(const std::vector<Pose>& poses, double row) {
  const auto before = static_cast<size_t>(row);
  const double share = row - std::floor(row);
  // also the last row has none behind it
  return share == 0 ? poses[before] : Interpolate(poses[before], poses[before + 1], share);
}

// One value per new row: that of `values` which holds at each of `rows`.
template <class T>
std::vector<T> HeldAt(const std::vector<T>& values, const std::vector<double>& rows) {
  std::vector<T> held;
  for (const double row : rows) held.push_back(values[static_cast<size_t>(row)]);
  return held;
}
std::vector<Pose> PosesAt(const std::vector<Pose>& poses, const std::vector<double>& rows) {
  std::vector<Pose> between;
  for (const double row : rows) between.push_back(PoseAt(poses, row));
  return between;
}

}  // namespace

SourceDemo Resampled(const SourceDemo& demo, double from_hz, double to_hz,
                     std::vector<std::vector<uint8_t>>* signals_ST) {
  Require(!demo.arms.empty() && !demo.arms[0].X_WE.empty(), "a demonstration has rows");
  Require(from_hz > 0 && to_hz > 0, "rates are positive");
  const size_t length = demo.arms[0].X_WE.size();
  const double rows_per_row = from_hz / to_hz;
  const auto count =
      static_cast<size_t>(std::max(1.0, std::round(static_cast<double>(length) / rows_per_row)));

  // where the new rows, and the last commands within them, lie among the source's
  const double last = static_cast<double>(length - 1);
  constexpr double kWhole = 1e-9;  // rounding makes no row of its own
  const auto place = [&](double row) {
    const double whole = std::round(row);
    return std::clamp(std::abs(row - whole) < kWhole ? whole : row, 0.0, last);
  };
  std::vector<double> seen, commanded;
  for (size_t k = 0; k < count; ++k) {
    seen.push_back(place(static_cast<double>(k) * rows_per_row));
    commanded.push_back(place(static_cast<double>(k + 1) * rows_per_row - 1));
  }

  SourceDemo result = demo;
  result.ends.clear();
  result.offsets.clear();
  result.rows.clear();
  for (const double row : seen) result.rows.push_back(static_cast<int>(row));
  for (SourceDemo::Arm& arm : result.arms) {
    arm.X_WE = PosesAt(arm.X_WE, seen);
    arm.X_WE_cmd = PosesAt(arm.X_WE_cmd, commanded);
    arm.gripper = HeldAt(arm.gripper, commanded);
  }
  for (std::vector<Pose>& X_WO : result.X_WO) X_WO = PosesAt(X_WO, seen);
  for (std::vector<uint8_t>& signal : *signals_ST) signal = HeldAt(signal, seen);
  return result;
}

}  // namespace understudy
