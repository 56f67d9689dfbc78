#pragma once

#include <cstdint>
#include <deque>
#include <limits>

namespace understudy {

// A page's clock on ours. A message is never received before it was sent, and the quickest of many
// hardly later: the lower envelope of (received here - sent there), a line over half a minute, is
// the difference of the clocks plus the quickest way here; half of the quickest way there and back
// is taken for that. Nanoseconds; one thread.
class ClockMap {
 public:
  // A message that was sent at `page_ns` by the page's clock and received at `received_ns`.
  void Add(int64_t page_ns, int64_t received_ns);
  // What a message took there and back, without the time that it lay on the page.
  void AddRoundTrip(int64_t ns);

  // Our time of an instant of the page. Requires a message.
  int64_t ToMonotonic(int64_t page_ns) const;
  // Ours minus the page's, at its latest message; what it drifts, in parts of a million; the
  // quickest way there and back, or 0 where it is not known.
  int64_t offset_ns() const;
  double drift_ppm() const { return 1e6 * slope_; }
  int64_t round_trip_ns() const { return known_trip() ? round_trip_ns_ : 0; }
  bool empty() const { return windows_.empty(); }

 private:
  struct Window {  // the quickest message of a second
    int64_t begin_ns, page_ns, difference_ns;
  };
  bool known_trip() const { return round_trip_ns_ < std::numeric_limits<int64_t>::max(); }
  void Fit();

  std::deque<Window> windows_;
  int64_t latest_page_ns_ = 0;
  int64_t round_trip_ns_ = std::numeric_limits<int64_t>::max();
  // difference of the clocks at page time t: base + slope (t - origin)
  int64_t origin_ns_ = 0;
  double base_ns_ = 0, slope_ = 0;
};

}  // namespace understudy
