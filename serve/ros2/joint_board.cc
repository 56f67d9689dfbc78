#include "serve/ros2/joint_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <utility>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace understudy {
namespace {

constexpr int64_t kSkewNs = 20'000'000;       // by which clocks of one cell may differ
constexpr int64_t kOneSender = 300'000'000;   // ns after which another publisher may take over
constexpr int64_t kDisputed = 1'000'000'000;  // ns for which none is believed after that
constexpr int64_t kMissingNs = 150'000'000;   // a joint that is not seen for so long is missing
constexpr double kLongestDifference = 1;      // s between positions that make a speed
constexpr size_t kNamed = 12;                 // names that a sentence lists

int64_t SystemNs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{1'000'000'000} * now.tv_sec + now.tv_nsec;
}

std::string Listed(std::vector<std::string> names) {
  const bool more = names.size() > kNamed;
  if (more) names.resize(kNamed);
  return fmt::format("{}{}", fmt::join(names, ", "), more ? ", …" : "");
}

}  // namespace

int64_t CapturedNs(int64_t stamp_ns, int64_t arrival_ns, const std::string& place) {
  if (stamp_ns == 0) return arrival_ns;
  const int64_t age_ns = SystemNs() - (MonotonicNs() - arrival_ns) - stamp_ns;
  if (age_ns < -kSkewNs) {
    ThrowFailed(fmt::format(
        "{}: stamped {:.3f} s in the future: set the clocks of both machines by NTP or PTP, or "
        "write `stamps: arrival`",
        place, -1e-9 * static_cast<double>(age_ns)));
  }
  return arrival_ns - std::max<int64_t>(0, age_ns);
}

JointBoard::JointBoard(std::string place, std::vector<std::string> joints)
    : place_(std::move(place)) {
  for (std::string& name : joints) {
    joints_.emplace_back();
    joints_.back().name = std::move(name);
  }
}

bool JointBoard::Update(const JointMessage& message) {
  arrival_ns_ = message.arrival_ns;
  others_ = message.names;
  if (message.positions.size() != message.names.size()) {
    ThrowFailed(fmt::format("{}: a message has {} names and {} positions", place_,
                            message.names.size(), message.positions.size()));
  }
  // all or nothing: first look, then take
  std::vector<std::pair<Joint*, size_t>> taken;
  for (Joint& joint : joints_) {
    const auto found = std::ranges::find(message.names, joint.name);
    if (found == message.names.end()) continue;
    const auto place = static_cast<size_t>(found - message.names.begin());
    if (!std::isfinite(message.positions[place])) {
      ThrowFailed(fmt::format("{}: the position of '{}' is not finite", place_, joint.name));
    }
    const bool other = joint.heard_ns != 0 && joint.publisher != message.publisher &&
                       message.arrival_ns - joint.heard_ns < kOneSender;
    if (other) joint.disputed_ns = message.arrival_ns;
    joint.publisher = message.publisher;
    joint.heard_ns = message.arrival_ns;
    // neither is believed while both go on
    if (joint.disputed_ns != 0 && message.arrival_ns - joint.disputed_ns < kDisputed) {
      ThrowFailed(fmt::format("{}: two publishers send '{}'", place_, joint.name));
    }
    const bool repeated = message.stamp_ns != 0 && message.stamp_ns == joint.stamp_ns;
    if (!repeated) taken.emplace_back(&joint, place);
  }
  for (const auto& [joint, place] : taken) {
    const double position = message.positions[place];
    const double dt = 1e-9 * static_cast<double>(message.captured_ns - joint->captured_ns);
    const bool given = message.velocities.size() == message.names.size() &&
                       std::isfinite(message.velocities[place]);
    if (given) {
      joint->velocity = message.velocities[place];
    } else if (joint->arrival_ns == 0 || dt > kLongestDifference || dt < 0) {
      joint->velocity = 0;
    } else if (dt > 0) {
      joint->velocity = (position - joint->position) / dt;
    }
    joint->position = position;
    joint->captured_ns = message.captured_ns;
    joint->arrival_ns = message.arrival_ns;
    joint->stamp_ns = message.stamp_ns;
  }
  return !taken.empty();
}

bool JointBoard::complete() const {
  return std::ranges::none_of(joints_, [](const Joint& joint) { return joint.arrival_ns == 0; });
}

int64_t JointBoard::captured_ns() const {
  int64_t oldest = std::numeric_limits<int64_t>::max();
  for (const Joint& joint : joints_) oldest = std::min(oldest, joint.captured_ns);
  return oldest;
}

std::string JointBoard::Missing(int64_t now_ns) const {
  if (arrival_ns_ == 0) return place_ + ": no message has come";
  if (now_ns - arrival_ns_ > kMissingNs) {
    return fmt::format("{}: no message for {:.1f} s", place_,
                       1e-9 * static_cast<double>(now_ns - arrival_ns_));
  }
  std::vector<std::string> missing;
  for (const Joint& joint : joints_) {
    if (joint.arrival_ns == 0 || now_ns - joint.heard_ns > kMissingNs) {
      missing.push_back(joint.name);
    }
  }
  if (!missing.empty()) {
    return fmt::format("{}: lacks {}; the last message names {}", place_, Listed(missing),
                       others_.empty() ? "nothing" : Listed(others_));
  }
  const int64_t age_ns = now_ns - captured_ns();
  if (age_ns < kMissingNs) return "";
  return fmt::format("{}: what comes is stamped {:.1f} s ago", place_,
                     1e-9 * static_cast<double>(age_ns));
}

}  // namespace understudy
