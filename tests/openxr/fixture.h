#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "core/base/error.h"
#include "teleop/openxr/openxr_device.h"
#include "teleop/openxr/probe.h"
#include "teleop/virtual_headset/virtual_headset.h"

namespace understudy {

inline constexpr const char* kHeadsetFolder = UNDERSTUDY_BINARY_DIR "/virtual_headset";
inline constexpr int64_t kStepNs = 8'000'000;

// One virtual headset for the process, put back to its start before every test.
class HeadsetTest : public testing::Test {
 protected:
  void SetUp() override {
    // the loader reads this once; what it would say is expected by the tests that provoke it
    setenv("XR_LOADER_DEBUG", "none", 0);
    static const std::unique_ptr<VirtualHeadset> loaded = VirtualHeadset::Load(kHeadsetFolder);
    headset_ = loaded.get();
    headset_->Reset();
    // the loader goes by the extensions it saw when it last loaded the runtime, until an instance
    // has been asked for: forget what a test before this one took away
    ProbeOpenXr();
  }

  OpenXrOptions Options() {
    OpenXrOptions options;
    options.clock = [this] { return headset_->NowNs(); };
    options.wait_for_headset_s = 0;
    return options;
  }
  std::unique_ptr<TeleopDevice> OpenDevice() { return OpenXrDevice::Open(Options()); }

  // Opens a device and polls it until the session is focused and the profile known.
  std::unique_ptr<TeleopDevice> OpenFocused() {
    std::unique_ptr<TeleopDevice> device = OpenDevice();
    Step(*device);
    Step(*device);
    return device;
  }
  RawSample Step(TeleopDevice& device, int64_t ns = kStepNs) {
    headset_->AdvanceNs(ns);
    return device.Poll();
  }

  VirtualHeadset* headset_ = nullptr;
};

}  // namespace understudy
