#include "teleop/webxr/clock_map.h"

#include <algorithm>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr int64_t kWindowNs = 1'000'000'000;
constexpr size_t kMostWindows = 30;
constexpr size_t kFewestForDrift = 5;
constexpr double kMostDrift = 5e-4;  // no quartz is worse

}  // namespace

void ClockMap::Add(int64_t page_ns, int64_t received_ns) {
  const int64_t difference = received_ns - page_ns;
  latest_page_ns_ = page_ns;
  const bool back = !windows_.empty() && page_ns < windows_.back().begin_ns;
  // a clock that was set back is another clock
  if (back) windows_.clear();
  if (windows_.empty() || page_ns >= windows_.back().begin_ns + kWindowNs) {
    windows_.push_back({page_ns, page_ns, difference});
    if (windows_.size() > kMostWindows) windows_.pop_front();
    Fit();
  } else if (Window& now = windows_.back(); difference < now.difference_ns) {
    now.page_ns = page_ns;
    now.difference_ns = difference;
    Fit();
  }
}

void ClockMap::AddRoundTrip(int64_t ns) {
  if (ns >= 0) round_trip_ns_ = std::min(round_trip_ns_, ns);
}

void ClockMap::Fit() {
  origin_ns_ = windows_.back().page_ns;
  const auto count = static_cast<double>(windows_.size());
  slope_ = 0;
  if (windows_.size() >= kFewestForDrift) {
    double t_mean = 0, d_mean = 0, tt = 0, td = 0;
    const int64_t d0 = windows_.back().difference_ns;
    for (const Window& w : windows_) {
      t_mean += static_cast<double>(w.page_ns - origin_ns_) / count;
      d_mean += static_cast<double>(w.difference_ns - d0) / count;
    }
    for (const Window& w : windows_) {
      const double t = static_cast<double>(w.page_ns - origin_ns_) - t_mean;
      tt += t * t;
      td += t * (static_cast<double>(w.difference_ns - d0) - d_mean);
    }
    if (tt > 0) slope_ = std::clamp(td / tt, -kMostDrift, kMostDrift);
  }
  // the line lies below all windows: later is possible, earlier is not
  base_ns_ = static_cast<double>(windows_.back().difference_ns);
  for (const Window& w : windows_) {
    base_ns_ = std::min(base_ns_, static_cast<double>(w.difference_ns) -
                                      slope_ * static_cast<double>(w.page_ns - origin_ns_));
  }
}

int64_t ClockMap::ToMonotonic(int64_t page_ns) const {
  Require(!empty(), "a clock is known by its messages");
  const double difference = base_ns_ + slope_ * static_cast<double>(page_ns - origin_ns_);
  return page_ns + static_cast<int64_t>(difference) - round_trip_ns() / 2;
}

int64_t ClockMap::offset_ns() const {
  return empty() ? 0 : ToMonotonic(latest_page_ns_) - latest_page_ns_;
}

}  // namespace understudy
