#pragma once

#include <vector>

#include "core/seam/browser_link.h"
#include "core/seam/teleop_device.h"

namespace understudy {

// A device, and the buttons of pages beside it: {"press": "start" | "discard" | "reset" | "stop" |
// "again"} is that button, down for one sample. What else pages send is ignored.
class PageButtons final : public TeleopDevice {
 public:
  // Both must outlive this. Pages show the buttons from now on.
  PageButtons(TeleopDevice& device, BrowserLink& link);

  const DeviceInfo& info() const override { return device_.info(); }
  RawSample Poll() override;
  void TakeSamples(std::vector<RawSample>* samples) override;
  int64_t NowNs() const override { return device_.NowNs(); }
  void Haptic(int hand, float amplitude, double seconds) override {
    device_.Haptic(hand, amplitude, seconds);
  }
  Json TakeQuality() override { return device_.TakeQuality(); }

 private:
  uint32_t TakePresses();

  TeleopDevice& device_;
  BrowserLink& link_;
  std::vector<BrowserMessage> messages_;
};

}  // namespace understudy
