#include <cmath>

#include "core/base/rng.h"
#include "tests/openxr/fixture.h"

namespace understudy {
namespace {

using FaultsTest = HeadsetTest;

void ExpectNothing(const RawSample& sample) {
  EXPECT_EQ(sample.head_tracking, 0u);
  for (const RawHand& hand : sample.hands) {
    EXPECT_FALSE(hand.active);
    EXPECT_EQ(hand.tracking, 0u);
    EXPECT_EQ(hand.trigger, 0);
    EXPECT_EQ(hand.buttons, 0u);
  }
}

void ExpectWell(const RawSample& sample) {
  EXPECT_EQ(sample.head_tracking, 15u);
  for (const RawHand& hand : sample.hands) {
    EXPECT_TRUE(hand.active);
    EXPECT_EQ(hand.tracking, 15u);
    EXPECT_TRUE(hand.velocity_valid);
  }
}

// Location flags when `cleared` are down. What is not valid is not tracked either (OpenXR 1.0,
// XrSpaceLocationFlagBits: a tracked bit is only set beside its valid bit).
uint32_t WithoutBits(uint32_t cleared) {
  uint32_t flags = 15u & ~cleared;
  if (!(flags & 1u)) flags &= ~4u;
  if (!(flags & 2u)) flags &= ~8u;
  return flags;
}

TEST_F(FaultsTest, EveryTrackingBitIsLostByItselfAndComesBack) {
  auto device = OpenFocused();
  for (int body = 0; body < 3; ++body) {
    for (uint32_t cleared = 1; cleared < 16; ++cleared) {
      headset_->SetFault(body, {cleared, 0, 0});
      const RawSample sample = Step(*device);
      EXPECT_EQ(sample.events, 0u);
      for (int other = 0; other < 3; ++other) {
        const uint32_t flags = other == 2 ? sample.head_tracking : sample.hands[other].tracking;
        EXPECT_EQ(flags, other == body ? WithoutBits(cleared) : 15u);
      }
      // parts that are not valid are identity, never numbers of the runtime
      const Pose& X = body == 2 ? sample.X_THead : sample.hands[body].X_TH;
      if (cleared & 1) {
        EXPECT_EQ(X.rotation().w(), 1);
      }
      EXPECT_EQ(X.translation().norm() == 0, (cleared & 2) != 0);
      headset_->SetFault(body, {});
      ExpectWell(Step(*device));
    }
  }
}

TEST_F(FaultsTest, PosesThatAreNoneLoseTheirFlags) {
  auto device = OpenFocused();
  VirtualHand hand;
  hand.X_RH = Pose::FromRotvec({0.3, -0.2, 0.1}, {0.1, 1, 0.2});
  headset_->SetHand(1, hand);
  const auto spoiled = [&](uint32_t how) {
    headset_->SetFault(UNDERSTUDY_VH_RIGHT, {0, how, 0});
    const RawSample sample = Step(*device);
    EXPECT_EQ(sample.hands[0].tracking, 15u);
    return sample.hands[1];
  };
  EXPECT_EQ(spoiled(UNDERSTUDY_VH_NAN_POSITION).tracking, 5u);
  EXPECT_EQ(spoiled(UNDERSTUDY_VH_NAN_ORIENTATION).tracking, 10u);
  EXPECT_EQ(spoiled(UNDERSTUDY_VH_ZERO_ORIENTATION).tracking, 10u);
  EXPECT_EQ(spoiled(UNDERSTUDY_VH_NAN_POSITION | UNDERSTUDY_VH_NAN_ORIENTATION).tracking, 0u);

  // a quaternion of the wrong length still says which way
  const RawHand stretched = spoiled(UNDERSTUDY_VH_NON_UNIT_ORIENTATION);
  EXPECT_EQ(stretched.tracking, 15u);
  EXPECT_LT(AngleBetween(stretched.X_TH.rotation(), hand.X_RH.rotation()), 1e-6);
  EXPECT_NEAR(stretched.X_TH.rotation().norm(), 1, 1e-12);

  const RawHand shaken = spoiled(UNDERSTUDY_VH_NAN_VELOCITY);
  EXPECT_EQ(shaken.tracking, 15u);
  EXPECT_FALSE(shaken.velocity_valid);
  EXPECT_EQ(shaken.v_TH.norm(), 0);
  EXPECT_EQ(spoiled(0).tracking, 15u);
}

TEST_F(FaultsTest, MissingVelocityIsNotInvented) {
  auto device = OpenFocused();
  VirtualHand hand;
  hand.v_RH = {1, 2, 3};
  hand.velocity_valid = false;
  headset_->SetHand(0, hand);
  const RawSample sample = Step(*device);
  EXPECT_FALSE(sample.hands[0].velocity_valid);
  EXPECT_EQ(sample.hands[0].v_TH.norm(), 0);
  EXPECT_EQ(sample.hands[0].tracking, 15u);
}

TEST_F(FaultsTest, ControllerSwitchedOffIsInactiveTheOtherWorksOn) {
  auto device = OpenFocused();
  VirtualHand held;
  held.squeeze = held.trigger = 1;
  headset_->SetHand(0, held);
  headset_->SetHand(1, held);
  for (const bool by_fault : {false, true}) {
    VirtualHand off = held;
    off.active = by_fault;
    headset_->SetHand(1, off);
    if (by_fault) headset_->SetFault(UNDERSTUDY_VH_RIGHT, {0, 0, 1});
    const RawSample sample = Step(*device);
    EXPECT_FALSE(sample.hands[1].active);
    EXPECT_EQ(sample.hands[1].tracking, 0u);
    EXPECT_EQ(sample.hands[1].squeeze, 0);
    EXPECT_TRUE(sample.hands[0].active);
    EXPECT_EQ(sample.hands[0].squeeze, 1);
    headset_->SetHand(1, held);
    headset_->SetFault(UNDERSTUDY_VH_RIGHT, {});
    EXPECT_EQ(Step(*device).hands[1].squeeze, 1);
  }
}

TEST_F(FaultsTest, FocusLostAndRegained) {
  auto device = OpenFocused();
  VirtualHand held;
  held.squeeze = 1;
  headset_->SetHand(1, held);
  EXPECT_EQ(Step(*device).hands[1].squeeze, 1);
  EXPECT_TRUE(headset_->SetFocus(false));
  const RawSample away = Step(*device);
  EXPECT_EQ(away.events, uint32_t{kEventFocusLost});
  EXPECT_EQ(away.hands[1].tracking, 0u);
  EXPECT_EQ(away.hands[1].squeeze, 0);
  EXPECT_EQ(away.head_tracking, 15u);
  EXPECT_EQ(Step(*device).events, 0u);
  device->Haptic(1, 1, 1);
  EXPECT_EQ(headset_->haptics(1).pulses, 0);

  EXPECT_TRUE(headset_->SetFocus(true));
  const RawSample back = Step(*device);
  EXPECT_EQ(back.events, uint32_t{kEventFocusGained});
  EXPECT_EQ(back.hands[1].squeeze, 1);
}

TEST_F(FaultsTest, FocusFlickerBetweenTwoPollsIsSeen) {
  auto device = OpenFocused();
  headset_->SetFocus(false);
  headset_->SetFocus(true);
  const RawSample sample = Step(*device);
  EXPECT_EQ(sample.events, uint32_t{kEventFocusLost | kEventFocusGained});
  ExpectWell(sample);
}

TEST_F(FaultsTest, RecenterMovesTheFrameOnTheSampleThatSaysSo) {
  auto device = OpenFocused();
  VirtualHand hand;
  hand.X_RH = Pose::FromTranslation({0.25, 1, -0.5});
  headset_->SetHand(1, hand);
  EXPECT_EQ(Step(*device).hands[1].X_TH.translation(), Eigen::Vector3d(0.25, 1, -0.5));

  // half a metre to the right, taking effect two and a half samples from now
  headset_->Recenter(Pose::FromTranslation({0.5, 0, 0}), false, true, 5 * kStepNs / 2);
  for (int i = 0; i < 2; ++i) {
    const RawSample before = Step(*device);
    EXPECT_EQ(before.events, 0u);
    EXPECT_EQ(before.hands[1].X_TH.translation(), Eigen::Vector3d(0.25, 1, -0.5));
  }
  const RawSample moved = Step(*device);
  EXPECT_EQ(moved.events, uint32_t{kEventRecentered});
  EXPECT_EQ(moved.hands[1].X_TH.translation(), Eigen::Vector3d(-0.25, 1, -0.5));
  EXPECT_EQ(Step(*device).events, 0u);

  // the velocity is turned with the frame
  hand.v_RH = {0, 0, -1};
  headset_->SetHand(1, hand);
  headset_->Recenter(Pose::FromRotvec({0, EIGEN_PI / 2, 0}, {0, 0, 0}));
  const RawSample turned = Step(*device);
  EXPECT_EQ(turned.events, uint32_t{kEventRecentered});
  EXPECT_LT((turned.hands[1].v_TH - Eigen::Vector3d(1, 0, 0)).norm(), 1e-6);
}

TEST_F(FaultsTest, StallRepeatsTheSampleAndThenCatchesUp) {
  auto device = OpenFocused();
  VirtualHand hand;
  headset_->SetHand(1, hand);
  Step(*device);
  headset_->Stall(4 * kStepNs);
  for (int i = 1; i <= 6; ++i) {
    hand.X_RH = Pose::FromTranslation({0.125 * i, 0, 0});
    headset_->SetHand(1, hand);
    const RawSample sample = Step(*device);
    EXPECT_EQ(sample.hands[1].X_TH.translation().x(), i < 4 ? 0 : 0.125 * i);
    EXPECT_EQ(sample.events, 0u);
  }
}

TEST_F(FaultsTest, ProfileChange) {
  auto device = OpenFocused();
  headset_->SetProfile("/interaction_profiles/valve/index_controller");
  EXPECT_EQ(Step(*device).events, 0u);
  EXPECT_EQ(Step(*device).events, uint32_t{kEventProfileChanged});
  EXPECT_EQ(device->info().profile, "/interaction_profiles/valve/index_controller");
  try {
    headset_->SetProfile("/interaction_profiles/nobody/nothing");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("unknown interaction profile"), std::string::npos);
  }
}

TEST_F(FaultsTest, DuplicateEventsChangeNothing) {
  // the same story, once with every event sent five times
  const auto story = [&](int copies) {
    headset_->Reset();
    headset_->SetEventCopies(copies);
    auto device = OpenDevice();
    std::vector<uint32_t> events;
    const auto step = [&] { events.push_back(Step(*device).events); };
    step();
    step();
    headset_->SetFocus(false);
    step();
    headset_->SetFocus(true);
    step();
    headset_->Recenter(Pose::FromTranslation({0, 0, 1}));
    step();
    headset_->LoseSession(true);
    step();
    for (int i = 0; i < 130; ++i) step();
    headset_->RequestExit();
    step();
    step();
    return events;
  };
  const std::vector<uint32_t> once = story(1);
  EXPECT_EQ(once, story(5));
  uint32_t seen = 0;
  for (const uint32_t events : once) seen |= events;
  EXPECT_EQ(seen, 63u) << "every kind of event is in the story";
}

// All ways to lose the headset: it says so once, gives nothing, and is found again after a second.
class LossTest : public HeadsetTest, public testing::WithParamInterface<int> {
 protected:
  void Lose() {
    switch (GetParam()) {
      case 0:
        EXPECT_TRUE(headset_->LoseSession(true));
        break;
      case 1:
        EXPECT_TRUE(headset_->LoseSession(false));
        break;
      case 2:
        EXPECT_TRUE(headset_->LoseInstance(false));
        break;
      case 3:
        EXPECT_TRUE(headset_->LoseInstance(true));
        break;
    }
  }
};

TEST_P(LossTest, GivesNothingUntilItIsFoundAgain) {
  auto device = OpenFocused();
  Lose();
  headset_->SetHeadsetConnected(false);
  if (GetParam() >= 2) headset_->SetServiceRunning(false);
  const RawSample lost = Step(*device);
  EXPECT_EQ(lost.events, uint32_t{kEventSessionLost | kEventFocusLost});
  ExpectNothing(lost);
  // time goes on, ids as well
  for (int i = 1; i <= 300; ++i) {
    const RawSample sample = Step(*device);
    EXPECT_EQ(sample.events, 0u);
    ExpectNothing(sample);
    EXPECT_EQ(sample.id, lost.id + i);
    EXPECT_EQ(sample.device_time_ns - sample.monotonic_ns, device->info().device_minus_monotonic_ns);
  }
  device->Haptic(0, 1, 1);

  // service first, headset later
  headset_->SetServiceRunning(true);
  for (int i = 0; i < 130; ++i) ExpectNothing(Step(*device));
  headset_->SetHeadsetConnected(true);
  int polls = 0;
  RawSample found;
  do {
    found = Step(*device);
  } while (++polls < 200 && found.events == 0);
  EXPECT_LE(polls * kStepNs, 1'000'000'000 + kStepNs);
  EXPECT_EQ(found.events, uint32_t{kEventFocusGained});
  ExpectWell(found);
  Step(*device);
  ExpectWell(Step(*device));
  device->Haptic(0, 1, 1);
  EXPECT_EQ(headset_->haptics(0).pulses, 1);
}

TEST_P(LossTest, ReconnectIsTriedOnceASecondAndNoSooner) {
  auto device = OpenFocused();
  Lose();
  Step(*device);
  for (int i = 0; i < 124; ++i) ExpectNothing(Step(*device));  // 0.992 s
  ExpectWell(Step(*device));                                   // 1 s
}

INSTANTIATE_TEST_SUITE_P(Ways, LossTest, testing::Range(0, 4));

TEST_F(FaultsTest, ExitEndsTheDeviceForGood) {
  auto device = OpenFocused();
  EXPECT_TRUE(headset_->RequestExit());
  const RawSample sample = Step(*device);
  EXPECT_EQ(sample.events, uint32_t{kEventExit | kEventFocusLost});
  ExpectNothing(sample);
  for (int i = 0; i < 300; ++i) {
    const RawSample after = Step(*device);
    EXPECT_EQ(after.events, 0u);
    ExpectNothing(after);
  }
}

TEST_F(FaultsTest, ReplacementRuntimeThatCannotServeIsNotTaken) {
  auto device = OpenFocused();
  headset_->LoseInstance(false);
  Step(*device);
  VirtualHeadsetOptions poor;
  poor.start_ns = headset_->NowNs();
  poor.extensions = UNDERSTUDY_VH_TIMESPEC;
  headset_->Reset(poor);
  for (int i = 0; i < 300; ++i) ExpectNothing(Step(*device));
}

// Whatever happens in whatever order: no crash, no exception, no number that is none, and the
// headset is found again when the trouble is over.
TEST_F(FaultsTest, RandomTroubleForThousandsOfPolls) {
  Rng rng(RngKey{20260101});
  auto device = OpenDevice();
  int64_t id = 0, good = 0, losses = 0, exits = 0;
  const auto trouble = [&] {
    const int body = static_cast<int>(rng.UniformInt(uint64_t{3}));
    switch (rng.UniformInt(uint64_t{16})) {
      case 0:
        headset_->SetFault(body, {static_cast<uint32_t>(rng.UniformInt(uint64_t{16})), 0, 0});
        break;
      case 1:
        headset_->SetFault(body, {0, static_cast<uint32_t>(rng.UniformInt(uint64_t{32})), 0});
        break;
      case 2:
        headset_->SetFault(body, {0, 0, 1});
        break;
      case 3:
      case 4:
        for (int b = 0; b < 3; ++b) headset_->SetFault(b, {});
        break;
      case 5:
        headset_->SetFocus(false);
        break;
      case 6:
        headset_->SetFocus(true);
        break;
      case 7:
        headset_->LoseSession(rng.Uniform() < 0.5);
        break;
      case 8:
        headset_->LoseInstance(rng.Uniform() < 0.5);
        break;
      case 9:
        headset_->SetHeadsetConnected(rng.Uniform() < 0.7);
        break;
      case 10:
        headset_->SetServiceRunning(rng.Uniform() < 0.7);
        break;
      case 11:
        headset_->Stall(rng.UniformInt(0, 50'000'000));
        break;
      case 12:
        headset_->Recenter(Pose::FromRotvec({0, rng.Uniform(-1, 1), 0}, {rng.Normal(), 0, 0}),
                           rng.Uniform() < 0.5, rng.Uniform() < 0.5,
                           rng.UniformInt(0, 100'000'000));
        break;
      case 13:
        headset_->SetEventCopies(static_cast<int>(rng.UniformInt(1, 4)));
        break;
      case 14:
        headset_->SetProfile(rng.Uniform() < 0.5 ? "/interaction_profiles/khr/simple_controller"
                                                 : "/interaction_profiles/oculus/touch_controller");
        break;
      case 15:
        if (rng.Uniform() < 0.1) headset_->RequestExit();
        break;
    }
  };
  for (int i = 0; i < 6000; ++i) {
    if (rng.Uniform() < 0.08) trouble();
    VirtualHand hand;
    hand.X_RH = Pose::FromTranslation({rng.Normal(), rng.Normal(), rng.Normal()});
    hand.squeeze = static_cast<float>(rng.Uniform());
    headset_->SetHand(static_cast<int>(rng.UniformInt(uint64_t{2})), hand);
    const RawSample sample = Step(*device, rng.UniformInt(0, 60'000'000));
    ASSERT_EQ(sample.id, id++);
    ASSERT_EQ(sample.monotonic_ns, headset_->NowNs());
    ASSERT_EQ(sample.device_time_ns - sample.monotonic_ns, -123'456'789'012);
    ASSERT_EQ(sample.head_tracking & ~15u, 0u);
    ASSERT_TRUE(sample.X_THead.Matrix().allFinite());
    for (const RawHand& h : sample.hands) {
      ASSERT_TRUE(h.X_TH.Matrix().allFinite() && h.X_TA.Matrix().allFinite());
      ASSERT_TRUE(h.v_TH.allFinite() && h.w_TH.allFinite());
      ASSERT_TRUE(h.squeeze >= 0 && h.squeeze <= 1 && h.trigger >= 0 && h.trigger <= 1);
      ASSERT_TRUE(h.active || h.tracking == 0);
      good += h.tracking == 15;
    }
    losses += (sample.events & kEventSessionLost) != 0;
    if (sample.events & kEventExit) {
      ++exits;
      device.reset();
      headset_->SetServiceRunning(true);
      headset_->SetHeadsetConnected(true);
      device = OpenDevice();
      id = 0;
    }
  }
  // the story had everything in it
  EXPECT_GT(good, 500);
  EXPECT_GT(losses, 10);
  EXPECT_GT(exits, 0);

  headset_->SetServiceRunning(true);
  headset_->SetHeadsetConnected(true);
  headset_->SetFocus(true);
  for (int body = 0; body < 3; ++body) headset_->SetFault(body, {});
  for (int hand = 0; hand < 2; ++hand) headset_->SetHand(hand, {});
  for (int i = 0; i < 4; ++i) Step(*device, 1'000'000'000);
  ExpectWell(Step(*device));
}

}  // namespace
}  // namespace understudy
