#include "teleop/webxr/page_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace understudy {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr size_t kHead = 15, kPerHand = 30, kNumbers = kHead + 2 * kPerHand;
constexpr double kLayout = 1;
constexpr uint32_t kOrientation = 1 | 4, kPosition = 2 | 8, kTracked = 4 | 8;
constexpr double kFar = 100;  // m: nobody walks so far

// A whole number in [0, most]; anything else is 0.
uint32_t Bits(double value, uint32_t most) {
  if (!(value >= 0 && value <= most)) return 0;
  return static_cast<uint32_t>(value);
}

// A whole number; 0 where it is none.
int64_t Whole(double value) {
  return std::isfinite(value) && std::abs(value) < 1e18 ? std::llround(value) : 0;
}

int64_t Ns(double ms) { return Whole(ms * 1e6); }

float Level(double value, double low) {
  return std::isfinite(value) ? static_cast<float>(std::clamp(value, low, 1.0)) : 0.0f;
}

// Clears the flags of what is no pose; what is not valid becomes identity.
Pose ReadPose(const double* from, uint32_t* flags) {
  const Eigen::Vector3d p(from[0], from[1], from[2]);
  const Eigen::Vector4d q(from[3], from[4], from[5], from[6]);
  // an invalid pose is not tracked
  *flags &= ~kTracked | (*flags & 3) << 2;
  if (!p.allFinite() || p.norm() > kFar) *flags &= ~kPosition;
  if (!q.allFinite() || std::abs(q.norm() - 1) > 0.1) *flags &= ~kOrientation;
  return Pose(*flags & 1 ? Eigen::Quaterniond(q[3], q[0], q[1], q[2]).normalized()
                         : Eigen::Quaterniond::Identity(),
              *flags & 2 ? p : Eigen::Vector3d::Zero());
}

RawHand ReadHand(const double* from) {
  RawHand hand;
  hand.active = from[0] == 1;
  uint32_t flags = Bits(from[1], 15), aim_flags = 15;
  hand.X_TH = ReadPose(from + 2, &flags);
  hand.tracking = flags;
  hand.X_TA = ReadPose(from + 9, &aim_flags);
  const Eigen::Vector3d v(from[16], from[17], from[18]), w(from[19], from[20], from[21]);
  hand.velocity_valid = from[22] == 1 && v.allFinite() && w.allFinite();
  if (hand.velocity_valid) {
    hand.v_TH = v;
    hand.w_TH = w;
  }
  hand.trigger = Level(from[23], 0);
  hand.squeeze = Level(from[24], 0);
  hand.stick_x = Level(from[25], -1);
  hand.stick_y = Level(from[26], -1);
  hand.buttons = Bits(from[27], 0xffff);
  return hand;
}

}  // namespace

std::string ReadPageSample(std::string_view bytes, PageSample* sample) {
  if (bytes.size() != kNumbers * sizeof(double)) {
    return fmt::format("a sample of {} bytes, where {} are expected: reload the page", bytes.size(),
                       kNumbers * sizeof(double));
  }
  std::array<double, kNumbers> n;
  std::memcpy(n.data(), bytes.data(), bytes.size());
  if (n[0] != kLayout) {
    return fmt::format("a sample of layout {}, where {} is expected: reload the page", n[0],
                       kLayout);
  }
  sample->sequence = Whole(n[1]);
  sample->taken_ns = Ns(n[2]);
  sample->echo_ns = Whole(n[3]);
  sample->echo_age_ns = Ns(n[4]);
  sample->shown_ms = n[14] > 0 && n[14] < 1e5 ? n[14] : 0;
  RawSample raw;
  uint32_t head_flags = Bits(n[5], 15);
  raw.X_THead = ReadPose(n.data() + 6, &head_flags);
  raw.head_tracking = head_flags;
  raw.events = Bits(n[13], 0xffff);
  for (size_t hand = 0; hand < 2; ++hand) {
    raw.hands[hand] = ReadHand(n.data() + kHead + kPerHand * hand);
  }
  sample->raw = raw;
  return "";
}

}  // namespace understudy
