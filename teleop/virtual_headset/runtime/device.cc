#include "teleop/virtual_headset/runtime/device.h"

#include <time.h>

#include <limits>

namespace understudy::vh {

namespace {

constexpr int64_t kPastNs = 250'000'000;
constexpr double kEyeHeight = 1.6;  // of LOCAL above LOCAL_FLOOR
constexpr int64_t kAlways = std::numeric_limits<int64_t>::min();

}  // namespace

void Device::Reset(const UnderstudyVhConfig& config) {
  config_ = config;
  virtual_ns_ = config.start_ns;
  stalled_until_ns_ = kAlways;
  faults = {};
  haptics = {};
  connected = service = true;

  // a wearer who stands still with both hands in front
  newest_ = {};
  newest_.head = {{{0, kEyeHeight, 0}, {1, 0, 0, 0}}, {}, {}, 15, 3};
  for (int hand = 0; hand < 2; ++hand) {
    const UnderstudyVhPose pose{{hand == 0 ? -0.2 : 0.2, 1.1, -0.35}, {1, 0, 0, 0}};
    newest_.hands[hand].grip = {pose, {}, {}, 15, 3};
    newest_.hands[hand].aim = pose;
    newest_.hands[hand].active = 1;
  }
  past_.assign(1, {kAlways, newest_});
  for (auto& origin : origins_) origin.assign(1, {kAlways, Transform{}});
}

int64_t Device::NowNs() const {
  if (virtual_clock()) return virtual_ns_;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

bool Device::Advance(int64_t ns) {
  if (!virtual_clock() || ns < 0) return false;
  virtual_ns_ += ns;
  // what was hidden by a stall shows when the stall ends
  if (stalled_until_ns_ != kAlways && virtual_ns_ >= stalled_until_ns_) Keep();
  return true;
}

void Device::SetHead(const UnderstudyVhTracked& head) {
  newest_.head = head;
  Keep();
}

void Device::SetHand(int hand, const UnderstudyVhHand& state) {
  newest_.hands[hand] = state;
  Keep();
}

void Device::Keep() {
  const int64_t now = NowNs();
  if (now < stalled_until_ns_) return;
  stalled_until_ns_ = kAlways;
  if (past_.back().first == now) {
    past_.back().second = newest_;
  } else {
    past_.emplace_back(now, newest_);
  }
  while (past_.size() > 1 && past_[1].first < now - kPastNs) past_.pop_front();
}

const WearerState& Device::At(int64_t clock_ns) const {
  for (auto it = past_.rbegin(); it != past_.rend(); ++it) {
    if (it->first <= clock_ns) return it->second;
  }
  return past_.front().second;
}

void Device::Stall(int64_t ns) { stalled_until_ns_ = NowNs() + ns; }

Transform Device::Origin(XrReferenceSpaceType type, int64_t clock_ns) const {
  const auto& origin = origins_[type == XR_REFERENCE_SPACE_TYPE_STAGE ? 1 : 0];
  Transform X_RO = origin.front().second;
  for (const auto& [since, X] : origin) {
    if (since <= clock_ns) X_RO = X;
  }
  if (type == XR_REFERENCE_SPACE_TYPE_LOCAL) X_RO = X_RO * Transform{{0, kEyeHeight, 0}, {}};
  return X_RO;
}

void Device::Recenter(const Transform& X_old_new, bool stage, int64_t clock_ns) {
  for (int i = 0; i < (stage ? 2 : 1); ++i) {
    origins_[i].emplace_back(clock_ns, origins_[i].back().second * X_old_new);
    // nobody asks for times that old
    while (origins_[i].size() > 2 && origins_[i][1].first < NowNs() - kPastNs) {
      origins_[i].pop_front();
    }
  }
}

}  // namespace understudy::vh
