#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/seam/browser_link.h"
#include "core/seam/teleop_device.h"
#include "teleop/webxr/clock_map.h"
#include "teleop/webxr/page_sample.h"

namespace understudy {

enum class BrowserDeviceKind { kPage, kHeadset };

struct BrowserDeviceOptions {
  BrowserDeviceKind kind = BrowserDeviceKind::kPage;  // mouse and keys, or the page in a headset
  double wait_s = 60;                                 // for a page that moves the hand
  std::function<int64_t()> now_ns;                    // CLOCK_MONOTONIC where empty
  Progress* progress = nullptr;                       // shows what is waited for
};

// A page as the device: the first that sends a sample leads the arm until it goes, and others are
// informed. A page that has gone is a hand out of sight and out of focus, not the end of the
// session: the next one goes on, after a fresh squeeze.
class BrowserDevice final : public TeleopDevice {
 public:
  // Waits for a page. `link` must outlive this. Throws Error(kFailed) if none comes.
  BrowserDevice(BrowserLink& link, const BrowserDeviceOptions& options);

  const DeviceInfo& info() const override { return info_; }
  RawSample Poll() override;
  void TakeSamples(std::vector<RawSample>* samples) override;
  int64_t NowNs() const override { return now_ns_(); }
  void Haptic(int hand, float amplitude, double seconds) override;
  // "shown_after_p50_s", "shown_after_p99_s": from a sample to the first picture that shows what
  // came of it; "round_trip_s", "clock_drift_ppm": of the page, as ClockMap knows them;
  // "samples_lost": that the page took and that never came.
  Json TakeQuality() override;

  const ClockMap& clock() const { return clock_; }

 private:
  void Receive();
  void Hear(const BrowserMessage& message);
  void Take(const BrowserMessage& message);
  void Leave(uint64_t page);
  RawSample Newest();
  void Refuse(uint64_t page, const std::string& why);

  BrowserLink& link_;
  std::function<int64_t()> now_ns_;
  DeviceInfo info_;
  std::vector<BrowserMessage> messages_;
  std::vector<uint64_t> refused_;  // pages that were sent the reason
  uint64_t leader_ = 0;            // 0: nobody leads
  int64_t heard_ns_ = 0;           // when its last sample came
  bool focused_ = true;
  PageSample newest_;
  std::vector<RawSample> waiting_;  // came since the last Poll or TakeSamples
  std::vector<RawSample> polled_;
  int64_t lost_ = 0;  // since the last TakeQuality
  ClockMap clock_;
  int64_t sample_ns_ = 0;               // our time of the newest sample
  int64_t ahead_ns_ = 0;                // of the device's time over the leading page's clock
  int64_t taken_ns_ = 0, time_ns_ = 0;  // our and the device's time of the sample handed out last
  int64_t next_id_ = 0;
  uint32_t events_ = 0;  // since the newest sample
  int64_t last_ping_ns_ = 0;
  std::vector<double> shown_ms_;  // since the last TakeQuality
};

}  // namespace understudy
