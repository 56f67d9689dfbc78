#include <cmath>

#include "core/base/rng.h"
#include "tests/openxr/fixture.h"

namespace understudy {
namespace {

Pose RandomPose(Rng& rng) {
  const Eigen::Quaterniond q(rng.Normal(), rng.Normal(), rng.Normal(), rng.Normal());
  return {q, {rng.Uniform(-1, 1), rng.Uniform(0, 2), rng.Uniform(-1, 1)}};
}

// What is left of numbers after OpenXR's single precision. One by one through a volatile: GCC 12 at
// -O3 folds a vector's way to float and back to nothing.
double Rounded(double x) {
  const volatile float single = static_cast<float>(x);
  return single;
}

Eigen::Vector3d Rounded(const Eigen::Vector3d& v) {
  return {Rounded(v.x()), Rounded(v.y()), Rounded(v.z())};
}

Pose Rounded(const Pose& X) {
  const Eigen::Quaterniond& q = X.rotation();
  return {Eigen::Quaterniond(Rounded(q.w()), Rounded(q.x()), Rounded(q.y()), Rounded(q.z())),
          Rounded(Eigen::Vector3d(X.translation()))};
}

VirtualHand RandomHand(Rng& rng) {
  VirtualHand hand;
  hand.X_RH = RandomPose(rng);
  hand.v_RH = {rng.Normal(), rng.Normal(), rng.Normal()};
  hand.w_RH = {rng.Normal(), rng.Normal(), rng.Normal()};
  hand.trigger = static_cast<float>(rng.Uniform());
  hand.squeeze = static_cast<float>(rng.Uniform());
  hand.stick_x = static_cast<float>(rng.Uniform(-1, 1));
  hand.stick_y = static_cast<float>(rng.Uniform(-1, 1));
  return hand;
}

using DeviceTest = HeadsetTest;

TEST_F(DeviceTest, ReachesFocusOnTheFirstPollAndTellsTheProfile) {
  auto device = OpenDevice();
  const RawSample first = Step(*device);
  EXPECT_EQ(first.id, 0);
  EXPECT_EQ(first.events, uint32_t{kEventFocusGained});
  EXPECT_EQ(headset_->session_state(), 5);  // XR_SESSION_STATE_FOCUSED
  EXPECT_EQ(first.head_tracking, 15u);
  EXPECT_TRUE(first.hands[0].active && first.hands[1].active);
  const RawSample second = Step(*device);
  EXPECT_EQ(second.id, 1);
  EXPECT_EQ(second.events, uint32_t{kEventProfileChanged});
  EXPECT_EQ(device->info().profile, "/interaction_profiles/oculus/touch_controller");
  EXPECT_EQ(device->info().name, "Understudy virtual headset");
  EXPECT_EQ(device->info().version, "0.1.0");
  EXPECT_EQ(Step(*device).events, 0u);
}

TEST_F(DeviceTest, PosesInputsAndVelocitiesArriveExactly) {
  auto device = OpenFocused();
  Rng rng(RngKey{1});
  for (int i = 0; i < 200; ++i) {
    VirtualHead head;
    head.X_RHead = RandomPose(rng);
    headset_->SetHead(head);
    VirtualHand hands[2];
    for (int hand = 0; hand < 2; ++hand) {
      hands[hand] = RandomHand(rng);
      headset_->SetHand(hand, hands[hand]);
    }
    const RawSample sample = Step(*device);
    EXPECT_EQ(sample.head_tracking, 15u);
    EXPECT_TRUE(sample.X_THead == Rounded(head.X_RHead));
    for (int hand = 0; hand < 2; ++hand) {
      const RawHand& got = sample.hands[hand];
      EXPECT_TRUE(got.active);
      EXPECT_EQ(got.tracking, 15u);
      EXPECT_TRUE(got.X_TH == Rounded(hands[hand].X_RH));
      EXPECT_TRUE(got.velocity_valid);
      EXPECT_EQ(got.v_TH, Rounded(hands[hand].v_RH));
      EXPECT_EQ(got.w_TH, Rounded(hands[hand].w_RH));
      EXPECT_EQ(got.trigger, hands[hand].trigger);
      EXPECT_EQ(got.squeeze, hands[hand].squeeze);
      EXPECT_EQ(got.stick_x, hands[hand].stick_x);
      EXPECT_EQ(got.stick_y, hands[hand].stick_y);
    }
  }
}

TEST_F(DeviceTest, AimPoseIsTheHandsOwn) {
  auto device = OpenFocused();
  VirtualHand hand;
  hand.X_RH = Pose::FromTranslation({0.1, 1, -0.3});
  hand.X_HA = Pose::FromRotvec({-0.8, 0, 0}, {0, 0.02, -0.05});
  headset_->SetHand(1, hand);
  const RawSample sample = Step(*device);
  EXPECT_TRUE(sample.hands[1].X_TA == Rounded(hand.X_RH * hand.X_HA));
  EXPECT_TRUE(sample.hands[1].X_TH == Rounded(hand.X_RH));
}

struct ButtonCase {
  const char* profile;
  int hand;
  uint32_t pressed, expected;
};

TEST_F(DeviceTest, EveryButtonMeansOneCommandOnEveryProfile) {
  const char* const kTouch = "/interaction_profiles/oculus/touch_controller";
  const char* const kIndex = "/interaction_profiles/valve/index_controller";
  const ButtonCase cases[] = {
      {kTouch, 1, UNDERSTUDY_VH_A, kButtonStart},   {kTouch, 1, UNDERSTUDY_VH_B, kButtonDiscard},
      {kTouch, 0, UNDERSTUDY_VH_X, kButtonReset},   {kTouch, 0, UNDERSTUDY_VH_Y, kButtonStop},
      {kTouch, 0, UNDERSTUDY_VH_MENU, 0},           {kIndex, 1, UNDERSTUDY_VH_A, kButtonStart},
      {kIndex, 1, UNDERSTUDY_VH_B, kButtonDiscard}, {kIndex, 0, UNDERSTUDY_VH_A, kButtonReset},
      {kIndex, 0, UNDERSTUDY_VH_B, kButtonStop},
  };
  auto device = OpenFocused();
  for (const ButtonCase& test : cases) {
    SCOPED_TRACE(testing::Message()
                 << test.profile << " hand " << test.hand << " button " << test.pressed);
    headset_->SetProfile(test.profile);
    Step(*device);
    Step(*device);
    EXPECT_EQ(device->info().profile, test.profile);
    VirtualHand hand;
    hand.buttons = test.pressed;
    headset_->SetHand(test.hand, hand);
    const RawSample down = Step(*device);
    EXPECT_EQ(down.hands[test.hand].buttons, test.expected);
    EXPECT_EQ(down.hands[1 - test.hand].buttons, 0u);
    headset_->SetHand(test.hand, {});
    EXPECT_EQ(Step(*device).hands[test.hand].buttons, 0u);
  }
}

TEST_F(DeviceTest, SimpleControllerClutchesBySelectAndTurnsTheGripperOverByMenu) {
  auto device = OpenFocused();
  headset_->SetProfile("/interaction_profiles/khr/simple_controller");
  Step(*device);
  EXPECT_EQ(Step(*device).events, uint32_t{kEventProfileChanged});
  const auto press = [&](float select, uint32_t buttons) {
    VirtualHand hand;
    hand.trigger = select;
    hand.buttons = buttons;
    headset_->SetHand(1, hand);
    return Step(*device).hands[1];
  };
  EXPECT_EQ(press(1, 0).squeeze, 1);
  EXPECT_EQ(press(0, 0).squeeze, 0);
  EXPECT_EQ(press(0, 0).trigger, 0);
  // pressed twice: closed, stays closed on release and while held, open again
  EXPECT_EQ(press(0, UNDERSTUDY_VH_MENU).trigger, 1);
  EXPECT_EQ(press(0, UNDERSTUDY_VH_MENU).trigger, 1);
  EXPECT_EQ(press(0, 0).trigger, 1);
  EXPECT_EQ(press(0, UNDERSTUDY_VH_MENU).trigger, 0);
}

TEST_F(DeviceTest, XrTimeIsTheDevicesClockPlusTheRuntimesOffset) {
  for (const int64_t offset : {int64_t{-123'456'789'012}, int64_t{0}, int64_t{7'000'000'000'001}}) {
    VirtualHeadsetOptions options;
    options.xr_minus_clock_ns = offset;
    headset_->Reset(options);
    auto device = OpenDevice();
    EXPECT_EQ(device->info().device_minus_monotonic_ns, offset);
    for (int i = 0; i < 3; ++i) {
      const RawSample sample = Step(*device);
      EXPECT_EQ(sample.monotonic_ns, options.start_ns + (i + 1) * kStepNs);
      EXPECT_EQ(sample.monotonic_ns, device->NowNs());
      EXPECT_EQ(sample.device_time_ns - sample.monotonic_ns, offset);
    }
  }
}

TEST_F(DeviceTest, RealClockIsClockMonotonic) {
  VirtualHeadsetOptions options;
  options.virtual_clock = false;
  headset_->Reset(options);
  OpenXrOptions plain;
  plain.wait_for_headset_s = 0;
  auto device = OpenXrDevice::Open(plain);
  timespec before{}, after{};
  clock_gettime(CLOCK_MONOTONIC, &before);
  const RawSample sample = device->Poll();
  clock_gettime(CLOCK_MONOTONIC, &after);
  EXPECT_GE(sample.monotonic_ns, before.tv_sec * 1'000'000'000 + before.tv_nsec);
  EXPECT_LE(sample.monotonic_ns, after.tv_sec * 1'000'000'000 + after.tv_nsec);
  EXPECT_EQ(sample.device_time_ns - sample.monotonic_ns, options.xr_minus_clock_ns);
  EXPECT_EQ(sample.hands[1].tracking, 15u);
  EXPECT_THROW(headset_->AdvanceNs(1), ContractError);
}

TEST_F(DeviceTest, HapticsReachTheRightHandAndEnd) {
  auto device = OpenFocused();
  device->Haptic(1, 0.5f, 0.02);
  EXPECT_EQ(headset_->haptics(0).pulses, 0);
  EXPECT_EQ(headset_->haptics(1).pulses, 1);
  EXPECT_EQ(headset_->haptics(1).amplitude, 0.5f);
  EXPECT_EQ(headset_->haptics(1).duration_ns, 20'000'000);
  EXPECT_TRUE(headset_->haptics(1).vibrating);
  headset_->AdvanceNs(30'000'000);
  EXPECT_FALSE(headset_->haptics(1).vibrating);

  // amplitude 0 stops; nonsense is nothing; too much is the most
  device->Haptic(1, 0, 1);
  EXPECT_EQ(headset_->haptics(1).stops, 1);
  device->Haptic(0, NAN, NAN);
  EXPECT_EQ(headset_->haptics(0).stops, 1);
  device->Haptic(0, 9, -1);
  EXPECT_EQ(headset_->haptics(0).amplitude, 1);
  EXPECT_EQ(headset_->haptics(0).duration_ns, -1);  // XR_MIN_HAPTIC_DURATION
  device->Haptic(2, 1, 1);
  device->Haptic(-1, 1, 1);
  EXPECT_EQ(headset_->haptics(0).pulses + headset_->haptics(1).pulses, 2);
}

TEST_F(DeviceTest, StageAndLocalFloorAreChosenAsAsked) {
  const Pose moved = Pose::FromTranslation({0, 0, 1});
  struct Case {
    TrackingSpace space;
    uint32_t extensions;
    bool follows;  // the recenter button
  };
  const uint32_t all = VirtualHeadsetOptions().extensions;
  for (const Case& test :
       {Case{TrackingSpace::kAuto, all, true}, Case{TrackingSpace::kLocalFloor, all, true},
        Case{TrackingSpace::kStage, all, false},
        Case{TrackingSpace::kAuto, all & ~UNDERSTUDY_VH_LOCAL_FLOOR, false}}) {
    VirtualHeadsetOptions headset_options;
    headset_options.extensions = test.extensions;
    headset_->Reset(headset_options);
    OpenXrOptions options = Options();
    options.space = test.space;
    auto device = OpenXrDevice::Open(options);
    Step(*device);
    Step(*device);
    headset_->Recenter(moved);
    EXPECT_EQ(Step(*device).events, test.follows ? uint32_t{kEventRecentered} : 0u);
  }
}

TEST_F(DeviceTest, WhatNoRetryCanMendIsSaidAtOnce) {
  const auto message = [&](uint32_t without, const OpenXrOptions& options) -> std::string {
    VirtualHeadsetOptions headset_options;
    headset_options.extensions &= ~without;
    headset_->Reset(headset_options);
    try {
      OpenXrDevice::Open(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFailed);
      return error.what();
    }
    return "opened";
  };
  for (const auto& [without, name] :
       {std::pair{UNDERSTUDY_VH_HEADLESS, "XR_MND_headless"},
        std::pair{UNDERSTUDY_VH_TIMESPEC, "XR_KHR_convert_timespec_time"}}) {
    const std::string text = message(without, Options());
    EXPECT_NE(text.find(std::string("lacks ") + name), std::string::npos) << text;
    EXPECT_NE(text.find("understudy doctor"), std::string::npos) << text;
  }
  // the loader still goes by the runtime's list of a moment ago and refuses the first instance
  OpenXrOptions floor = Options();
  floor.space = TrackingSpace::kLocalFloor;
  const std::string text = message(UNDERSTUDY_VH_LOCAL_FLOOR, floor);
  EXPECT_NE(text.find("has no LOCAL_FLOOR space"), std::string::npos) << text;
  EXPECT_EQ(message(0, Options()), "opened");
}

TEST_F(DeviceTest, WaitsForTheHeadsetAndSaysWhenItDidNotCome) {
  headset_->SetHeadsetConnected(false);
  OpenXrOptions options = Options();
  options.wait_for_headset_s = 0.05;
  try {
    OpenXrDevice::Open(options);
    FAIL() << "opened without a headset";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("found no headset within 0.05 s"), std::string::npos)
        << error.what();
  }

  // a headset that connects while we wait is taken, and the wait is announced once
  struct Connect : Progress {
    explicit Connect(VirtualHeadset* h) : headset(h) {}
    void Message(const std::string& line) override {
      lines.push_back(line);
      headset->SetHeadsetConnected(true);
    }
    VirtualHeadset* headset;
    std::vector<std::string> lines;
  } progress(headset_);
  options.wait_for_headset_s = 30;
  options.progress = &progress;
  auto device = OpenXrDevice::Open(options);
  EXPECT_EQ(Step(*device).hands[0].tracking, 15u);
  EXPECT_EQ(progress.lines, std::vector<std::string>{"waiting for the headset"});
}

TEST_F(DeviceTest, WaitingCanBeInterrupted) {
  headset_->SetHeadsetConnected(false);
  struct Interrupt : Progress {
    void Message(const std::string&) override { RequestInterrupt(); }
  } progress;
  OpenXrOptions options = Options();
  options.wait_for_headset_s = 3600;
  options.progress = &progress;
  EXPECT_THROW(OpenXrDevice::Open(options), Error);
  ClearInterrupt();
}

TEST_F(DeviceTest, HeadsetIsNotResetUnderAnOpenDevice) {
  auto device = OpenDevice();
  EXPECT_THROW(headset_->Reset(), Error);
  device.reset();
  EXPECT_NO_THROW(headset_->Reset());
}

}  // namespace
}  // namespace understudy
