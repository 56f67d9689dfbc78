// A page as the device: its samples, its clock, and what happens as pages come and go.
#include "teleop/webxr/browser_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "teleop/retarget.h"
#include "teleop/webxr/page_buttons.h"
#include "tests/teleop/fake_device.h"
#include "tests/teleop/fake_link.h"

namespace understudy {
namespace {

using testing::HasSubstr;

TEST(PageSample, IsReadAsThePageMeansIt) {
  SampleNumbers n;
  n.at(1) = 42;
  n.at(2) = 1234.5;
  n.at(3) = 9e15 + 1;
  n.at(4) = 2.25;
  n.at(6) = 0.1, n.at(7) = 1.6;
  n.at(13) = kEventRecentered;
  for (size_t i = 0; i < 3; ++i) n.Hand(1, 2 + i) = 0.1 * static_cast<double>(i + 1);
  // a quarter turn about y, x y z w
  n.Hand(1, 6) = n.Hand(1, 8) = std::sqrt(0.5);
  n.Hand(1, 16) = 0.5, n.Hand(1, 20) = 0.25, n.Hand(1, 22) = 1;
  n.Hand(1, 23) = 0.75, n.Hand(1, 24) = 0.5, n.Hand(1, 25) = -0.5, n.Hand(1, 26) = 7;
  n.Hand(1, 27) = kButtonStart | kButtonDiscard;
  PageSample sample;
  ASSERT_EQ(ReadPageSample(n.Bytes(), &sample), "");
  EXPECT_EQ(sample.sequence, 42);
  EXPECT_EQ(sample.taken_ns, 1'234'500'000);
  EXPECT_EQ(sample.echo_ns, 9'000'000'000'000'001);
  EXPECT_EQ(sample.echo_age_ns, 2'250'000);
  EXPECT_EQ(sample.raw.events, uint32_t{kEventRecentered});
  EXPECT_EQ(sample.raw.head_tracking, 15u);
  EXPECT_EQ(sample.raw.X_THead.translation(), Eigen::Vector3d(0.1, 1.6, 0));
  const RawHand& hand = sample.raw.hands[1];
  EXPECT_TRUE(hand.active);
  EXPECT_EQ(hand.tracking, 15u);
  EXPECT_LT((hand.X_TH.translation() - Eigen::Vector3d(0.1, 0.2, 0.3)).norm(), 1e-15);
  EXPECT_LT((hand.X_TH.rotation() * Eigen::Vector3d::UnitZ() - Eigen::Vector3d::UnitX()).norm(),
            1e-12);
  EXPECT_TRUE(hand.velocity_valid);
  EXPECT_EQ(hand.v_TH.x(), 0.5);
  EXPECT_EQ(hand.w_TH.y(), 0.25);
  EXPECT_EQ((std::vector<float>{hand.trigger, hand.squeeze, hand.stick_x, hand.stick_y}),
            (std::vector<float>{0.75f, 0.5f, -0.5f, 1}));
  EXPECT_EQ(hand.buttons, uint32_t{kButtonStart | kButtonDiscard});
}

TEST(PageSample, NumbersThatAreNoPoseAreNotTracked) {
  struct Case {
    size_t place;
    double value;
    uint32_t left;
  };
  // position: flags 2 and 8, orientation: 1 and 4
  for (const Case& c : std::vector<Case>{{2, NAN, 5},
                                         {3, INFINITY, 5},
                                         {4, 1e6, 5},
                                         {5, NAN, 10},
                                         {8, 0, 10},
                                         {8, 3, 10},
                                         {1, 12, 0},
                                         {1, 7, 7},
                                         {1, NAN, 0},
                                         {1, 1e9, 0}}) {
    SampleNumbers n;
    n.Hand(0, c.place) = c.value;
    PageSample sample;
    ASSERT_EQ(ReadPageSample(n.Bytes(), &sample), "");
    EXPECT_EQ(sample.raw.hands[0].tracking, c.left) << c.place << " " << c.value;
    EXPECT_EQ(sample.raw.hands[1].tracking, 15u);
  }
  SampleNumbers n;
  n.Hand(0, 23) = NAN, n.Hand(0, 24) = 9, n.Hand(0, 27) = -4, n.Hand(0, 0) = 2;
  n.Hand(0, 22) = 1, n.Hand(0, 16) = NAN;
  PageSample sample;
  ASSERT_EQ(ReadPageSample(n.Bytes(), &sample), "");
  const RawHand& hand = sample.raw.hands[0];
  EXPECT_EQ((std::vector<float>{hand.trigger, hand.squeeze}), (std::vector<float>{0, 1}));
  EXPECT_EQ(hand.buttons, 0u);
  EXPECT_FALSE(hand.active);
  EXPECT_FALSE(hand.velocity_valid);
}

TEST(PageSample, WhatIsNoSampleIsSaid) {
  PageSample sample;
  EXPECT_THAT(ReadPageSample("", &sample), HasSubstr("a sample of 0 bytes, where 600"));
  EXPECT_THAT(ReadPageSample(std::string(601, 'x'), &sample), HasSubstr("reload the page"));
  SampleNumbers n;
  n.at(0) = 2;
  EXPECT_THAT(ReadPageSample(n.Bytes(), &sample), HasSubstr("layout 2, where 1"));
  // any bytes of the right length: never a pose that is none
  Rng rng(RngKey{.seed = 3});
  for (int i = 0; i < 20'000; ++i) {
    for (size_t k = 1; k < n.numbers.size(); ++k) {
      if (rng.Uniform() < 0.3) {
        const auto bits = static_cast<uint64_t>(rng.UniformInt(int64_t{0}, INT64_MAX));
        std::memcpy(&n.numbers[k], &bits, sizeof bits);
      } else {
        n.numbers[k] = rng.Normal();
      }
    }
    n.at(0) = 1;
    ASSERT_EQ(ReadPageSample(n.Bytes(), &sample), "");
    for (const RawHand& hand : sample.raw.hands) {
      ASSERT_TRUE(hand.X_TH.translation().allFinite());
      ASSERT_NEAR(hand.X_TH.rotation().norm(), 1, 1e-9);
      ASSERT_TRUE(hand.trigger >= 0 && hand.trigger <= 1 && hand.squeeze >= 0 && hand.squeeze <= 1);
    }
  }
}

// A clock that starts anywhere and runs a little wrong, behind a network that is sometimes quick.
TEST(ClockMap, FindsOffsetAndDriftThroughDelays) {
  for (const double drift : {0.0, 80e-6, -80e-6}) {
    Rng rng(RngKey{.seed = 5});
    ClockMap map;
    const int64_t offset = 987'654'321'000;
    double worst_ms = 0;
    for (int i = 0; i < 90 * 60; ++i) {
      const int64_t host = 1'000'000'000 + int64_t{i} * 11'111'111;
      const auto page = static_cast<int64_t>(static_cast<double>(host) * (1 + drift)) - offset;
      // 3 ms, and mostly some more, as over Wi-Fi
      const auto delay = static_cast<int64_t>(3e6 - 4e6 * std::log(1 - rng.Uniform()));
      map.Add(page, host + delay);
      map.AddRoundTrip(2 * delay);
      if (i > 90 * 10) {
        const double error = 1e-6 * static_cast<double>(map.ToMonotonic(page) - host);
        worst_ms = std::max(worst_ms, std::abs(error));
      }
    }
    EXPECT_LT(worst_ms, 1.0) << drift;
    EXPECT_NEAR(map.drift_ppm(), -1e6 * drift, 20) << drift;
    EXPECT_NEAR(1e-6 * static_cast<double>(map.round_trip_ns()), 6, 0.5);
  }
}

TEST(ClockMap, AClockThatIsSetBackIsAnotherOne) {
  ClockMap map;
  for (int i = 0; i < 1000; ++i) map.Add(int64_t{i} * 10'000'000, int64_t{i} * 10'000'000 + 5);
  EXPECT_NEAR(static_cast<double>(map.offset_ns()), 5, 1);
  for (int i = 0; i < 100; ++i) map.Add(int64_t{i} * 10'000'000, int64_t{i} * 10'000'000 + 70);
  EXPECT_NEAR(static_cast<double>(map.offset_ns()), 70, 1);
}

// A device at a link in memory, with a clock that the test moves.
struct AtPage {
  AtPage() {
    Send(1, 0);
    device = std::make_unique<BrowserDevice>(
        link, BrowserDeviceOptions{.wait_s = 0.05, .now_ns = [this] { return now_ns; }});
  }
  // A sample of `page`, taken just now by its clock, which began at our 5 s.
  void Send(uint64_t page, double squeeze) {
    numbers.at(1) += 1;
    numbers.at(2) = 1e-6 * static_cast<double>(now_ns - 5'000'000'000);
    numbers.Hand(1, 24) = squeeze;
    link.sent.push_back({BrowserMessage::Kind::kBytes, page, now_ns, numbers.Bytes()});
  }
  void Close(uint64_t page) {
    link.sent.push_back({BrowserMessage::Kind::kClosed, page, now_ns, ""});
  }
  void Text(uint64_t page, const std::string& text) {
    link.sent.push_back({BrowserMessage::Kind::kText, page, now_ns, text});
  }
  RawSample Poll() {
    now_ns += 8'000'000;
    return device->Poll();
  }
  FakeLink link;
  SampleNumbers numbers;
  int64_t now_ns = 6'000'000'000;
  std::unique_ptr<BrowserDevice> device;
};

TEST(BrowserDevice, TheFirstPageLeadsAndOthersAreToldSo) {
  AtPage at;
  EXPECT_EQ(at.link.Told(1, "leads"), true);
  at.numbers.Hand(1, 2) = 0.5;
  at.Send(2, 1);
  at.Send(2, 1);
  const RawSample sample = at.Poll();
  EXPECT_EQ(sample.hands[1].squeeze, 0) << "a second page moved the hand";
  EXPECT_EQ(sample.hands[1].X_TH.translation().x(), 0);
  EXPECT_THAT(at.link.Told(2, "refused").get<std::string>(), HasSubstr("another page"));
  EXPECT_EQ(std::count_if(at.link.replies.begin(), at.link.replies.end(),
                          [](const auto& reply) { return reply.first == 2; }),
            1);
  // ids count up, whether there is something new or not
  EXPECT_EQ(at.Poll().id, sample.id + 1);
}

// What a page says of itself is shown to people as it is, and must stay a text.
TEST(BrowserDevice, LongNamesAreCutBetweenLettersAndLongTextsAreRefused) {
  AtPage at;
  std::string name = "x";
  for (int i = 0; i < 150; ++i) name += "\u00fc";
  at.Text(1, Json{{"hello", {{"name", name}, {"buttons", {{"start", name}}}}}}.dump());
  at.Poll();
  EXPECT_EQ(at.device->info().name.size(), 199u);
  EXPECT_NO_THROW(Json(at.device->info().name).dump());
  EXPECT_NO_THROW(Json(at.device->info().buttons.start).dump());
  at.Text(1, Json{{"hello", {{"name", std::string(5000, 'y')}}}}.dump());
  at.Poll();
  EXPECT_EQ(at.device->info().name.size(), 199u);
  EXPECT_THAT(at.link.Told(1, "refused").get<std::string>(),
              HasSubstr("bytes, where at most 4096 are expected: reload the page"));
}

TEST(BrowserDevice, APageThatGoesIsAHandOutOfSight) {
  AtPage at;
  at.Send(1, 1);
  EXPECT_TRUE(at.Poll().hands[1].active);
  at.Close(1);
  RawSample sample = at.Poll();
  EXPECT_FALSE(sample.hands[0].active || sample.hands[1].active);
  EXPECT_EQ(sample.hands[1].tracking, 0u);
  EXPECT_EQ(sample.events, uint32_t{kEventFocusLost});
  EXPECT_EQ(sample.events & kEventSessionLost, 0u) << "the session goes on";
  EXPECT_EQ(at.Poll().events, 0u);
  // another page, or the same one again, goes on
  at.Send(3, 1);
  sample = at.Poll();
  EXPECT_TRUE(sample.hands[1].active);
  EXPECT_EQ(sample.events, uint32_t{kEventFocusGained});
  EXPECT_EQ(at.link.Told(3, "leads"), true);
}

// A headset whose network went comes back on a new socket while the old one is still open.
TEST(BrowserDevice, APageThatSaysNothingIsFollowedByTheNext) {
  AtPage at;
  at.Send(1, 1);
  at.Poll();
  at.now_ns += 1'900'000'000;
  at.Send(2, 1);
  at.Poll();
  EXPECT_EQ(at.link.Told(2, "leads"), nullptr);
  EXPECT_THAT(at.link.Told(2, "refused").get<std::string>(), HasSubstr("another page"));
  at.now_ns += 200'000'000;
  at.Send(3, 1);
  const RawSample sample = at.Poll();
  EXPECT_EQ(at.link.Told(3, "leads"), true);
  EXPECT_EQ(sample.events, uint32_t{kEventFocusLost | kEventFocusGained});
  // the first one is back: it looks on
  at.Send(1, 1);
  at.Poll();
  EXPECT_THAT(at.link.Told(1, "refused").get<std::string>(), HasSubstr("another page"));
}

// Pages come and go, each with a clock of its own: the times of a recording only go on.
TEST(BrowserDevice, TimesGoOnFromPageToPage) {
  AtPage at;
  RawSample before = at.Poll();
  EXPECT_EQ(before.device_time_ns, 1'000'000'000) << "the first page's clock";
  for (uint64_t page = 2; page < 6; ++page) {
    at.Close(page - 1);
    for (int i = 0; i < 20; ++i) {
      const RawSample now = at.Poll();
      ASSERT_GT(now.device_time_ns, before.device_time_ns);
      ASSERT_GT(now.monotonic_ns, before.monotonic_ns);
      before = now;
    }
    // a clock that began a moment ago; what it stamped came a moment later
    for (int i = 0; i < 20; ++i) {
      at.numbers.at(1) += 1;
      at.numbers.at(2) = 5.0 * static_cast<double>(page) + 8.0 * i;
      at.link.sent.push_back(
          {BrowserMessage::Kind::kBytes, page, at.now_ns + 5'000'000, at.numbers.Bytes()});
      const RawSample now = at.Poll();
      ASSERT_GE(now.device_time_ns, before.device_time_ns) << page << " " << i;
      ASSERT_GE(now.monotonic_ns, before.monotonic_ns);
      ASSERT_NEAR(static_cast<double>(now.device_time_ns - before.device_time_ns), 8e6, 8e6);
      before = now;
    }
    const Json& ahead = at.link.Told(page, "ahead_ms");
    ASSERT_TRUE(ahead.is_number());
    EXPECT_GT(ahead.get<double>(), 900);
  }
}

// Whatever sockets do, the arm holds until a fresh squeeze.
TEST(BrowserDevice, DroppedSocketsNeedAFreshSqueeze) {
  AtPage at;
  SimulatorInfo info;
  info.arms = {"robot0"};
  info.workspace_radius = 5;
  Observation observation;
  observation.arms.resize(1);
  observation.arms[0].X_WE = Pose::FromTranslation({0.4, 0, 1});
  TeleopController controller(RetargetOptions{}, info);
  controller.Reset(observation);
  uint64_t page = 1;
  const auto step = [&](double squeeze, bool sends = true) {
    std::vector<RawSample> samples;
    for (int i = 0; i < 6; ++i) {
      at.numbers.Hand(1, 2) += 0.001;
      if (sends) at.Send(page, squeeze);
      samples.push_back(at.Poll());
    }
    return controller.Update(samples, observation, at.now_ns, 0.05);
  };
  step(0);
  EXPECT_TRUE(step(1).arms[0].flags & kClutchEngaged);
  EXPECT_TRUE(step(1).arms[0].flags & kClutchEngaged);
  at.Close(page);
  Commanded now = step(1, false);
  EXPECT_EQ(now.cues[0].lost, ClutchLoss::kFocus);
  const Pose held = now.action.arms[0].X_WE_cmd;
  page = 2;
  for (int i = 0; i < 20; ++i) {
    now = step(1);  // squeezed all the while
    ASSERT_FALSE(now.arms[0].flags & kClutchEngaged) << i;
    ASSERT_EQ(now.action.arms[0].X_WE_cmd, held) << i;
  }
  step(0);
  now = step(1);
  EXPECT_TRUE(now.arms[0].flags & kClutchEngaged);
  EXPECT_EQ(now.action.arms[0].X_WE_cmd, held);
  // a page that is there and sends nothing any more
  for (int i = 0; i < 4; ++i) now = step(1, false);
  now = step(1, false);
  EXPECT_FALSE(now.arms[0].flags & kClutchEngaged);
}

TEST(BrowserDevice, ShortPressesAreNotMissed) {
  AtPage at;
  at.Poll();
  at.numbers.Hand(1, 27) = kButtonStart;
  at.Send(1, 0);
  at.numbers.Hand(1, 27) = 0;
  at.Send(1, 0);
  EXPECT_EQ(at.Poll().hands[1].buttons, uint32_t{kButtonStart});
  EXPECT_EQ(at.Poll().hands[1].buttons, 0u);
  // events likewise, once
  at.numbers.at(13) = kEventRecentered;
  at.Send(1, 0);
  at.numbers.at(13) = 0;
  at.Send(1, 0);
  EXPECT_EQ(at.Poll().events, uint32_t{kEventRecentered});
  EXPECT_EQ(at.Poll().events, 0u);
}

TEST(BrowserDevice, OldAndRepeatedSamplesSayNothingNew) {
  AtPage at;
  at.numbers.Hand(1, 2) = 0.25;
  at.Send(1, 0);
  at.Poll();
  at.numbers.at(1) -= 2;
  at.numbers.Hand(1, 2) = 0.75;
  at.Send(1, 1);
  const RawSample sample = at.Poll();
  EXPECT_EQ(sample.hands[1].X_TH.translation().x(), 0.25);
  EXPECT_EQ(sample.hands[1].squeeze, 0);
}

TEST(BrowserDevice, SamplesCarryTheTimeAtWhichTheyWereTaken) {
  AtPage at;
  for (int i = 0; i < 200; ++i) {
    at.Send(1, 0);
    at.link.sent.back().received_ns += i % 10 ? 6'000'000 : 0;  // mostly late
    const int64_t taken = at.now_ns;
    const RawSample sample = at.Poll();
    EXPECT_LE(sample.monotonic_ns, at.device->NowNs());
    if (i > 20) {
      EXPECT_NEAR(static_cast<double>(sample.monotonic_ns - taken), 0, 1e5) << i;
    }
  }
  EXPECT_NEAR(1e-9 * static_cast<double>(-at.device->info().device_minus_monotonic_ns), 5, 1e-3);
}

TEST(BrowserDevice, MeasuresWhatTheOperatorSees) {
  AtPage at;
  for (int i = 1; i <= 100; ++i) {
    at.numbers.at(14) = i;
    at.Send(1, 0);
    at.numbers.at(14) = i % 3 ? 0 : NAN;  // no new picture since
    at.Send(1, 0);
    at.Poll();
  }
  const Json quality = at.device->TakeQuality();
  EXPECT_NEAR(quality["shown_after_p50_s"], 0.0505, 0.001);
  EXPECT_NEAR(quality["shown_after_p99_s"], 0.099, 0.001);
  EXPECT_TRUE(quality.contains("round_trip_s") && quality.contains("clock_drift_ppm"));
  EXPECT_FALSE(at.device->TakeQuality().contains("shown_after_p50_s")) << "told twice";
}

TEST(BrowserDevice, KnowsThePageByItsOwnWords) {
  AtPage at;
  const Json buttons{{"start", "A (right)"}, {"engage", "hold the grip"}};
  const Json hello{
      {"name", "Quest"}, {"version", "34"}, {"profile", "touch"}, {"buttons", buttons}};
  at.Text(1, Json{{"hello", hello}}.dump());
  at.Poll();
  EXPECT_EQ(at.device->info().name, "Quest");
  EXPECT_EQ(at.device->info().profile, "touch");
  EXPECT_EQ(at.device->info().buttons.start, "A (right)");
  EXPECT_EQ(at.device->info().buttons.engage, "hold the grip");
  EXPECT_EQ(at.device->info().buttons.stop, "stop");
  // a viewer's words change nothing, and nonsense is answered
  at.Text(2, Json{{"hello", {{"name", "stranger"}}}}.dump());
  at.Text(3, "{");
  at.Text(4, Json{{"hello", 3}}.dump());
  at.Text(5, Json{{"hello", {{"name", 3}, {"buttons", {1, 2}}}}}.dump());
  at.Text(1, std::string(60'000, '['));
  at.Poll();
  EXPECT_EQ(at.device->info().name, "Quest");
  EXPECT_THAT(at.link.Told(3, "refused").get<std::string>(), HasSubstr("reload"));
  EXPECT_THAT(at.link.Told(4, "refused").get<std::string>(), HasSubstr("reload"));
}

TEST(BrowserDevice, SendsATripBackAsItCame) {
  AtPage at;
  at.Text(1, R"({"trip": 123.25})");
  at.Text(1, R"({"trip": "x"})");
  at.Poll();
  EXPECT_EQ(at.link.Told(1, "trip"), 123.25);
  EXPECT_THAT(at.link.Told(1, "refused").get<std::string>(), HasSubstr("reload"));
}

TEST(BrowserDevice, VibratesThePageThatLeads) {
  AtPage at;
  at.device->Haptic(1, 0.5f, 0.1);
  EXPECT_EQ(at.link.Told(1, "haptic"), (Json{{"hand", 1}, {"amplitude", 0.5}, {"seconds", 0.1}}));
}

TEST(BrowserDevice, SaysThatNoPageCame) {
  FakeLink link;
  try {
    BrowserDevice device(link, {.wait_s = 0.02});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_THAT(error.what(), HasSubstr("no page moved the hand within 0.02 s: open http://"));
  }
}

// Every sample that a page took is in the stream, also where several came between two looks; what
// happened and was pressed in between stands with its own sample.
TEST(BrowserDevice, LosesNoSampleBetweenTwoLooks) {
  FakeLink link;
  int64_t now = 1'000'000'000;
  const auto send = [&](double sequence, uint32_t events, uint32_t buttons) {
    SampleNumbers n;
    n.at(1) = sequence;
    n.at(2) = 100 + 14 * sequence;
    n.at(13) = events;
    n.Hand(1, 27) = buttons;
    link.sent.push_back({BrowserMessage::Kind::kBytes, 1, now, n.Bytes()});
  };
  send(1, 0, 0);
  BrowserDevice device(link, {.now_ns = [&] { return now; }});
  std::vector<RawSample> samples;
  device.TakeSamples(&samples);
  ASSERT_EQ(samples.size(), 1u);

  now += 42'000'000;
  send(2, 0, kButtonStart);
  send(3, kEventRecentered, 0);
  send(4, 0, 0);
  samples.clear();
  device.TakeSamples(&samples);
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples[0].hands[1].buttons, uint32_t{kButtonStart});
  EXPECT_EQ(samples[1].events, uint32_t{kEventRecentered});
  EXPECT_EQ(samples[2].events, 0u);
  EXPECT_EQ(samples[2].id, samples[0].id + 2);
  EXPECT_EQ(samples[1].device_time_ns - samples[0].device_time_ns, 14'000'000);
  EXPECT_EQ(device.TakeQuality()["samples_lost"], 0);

  // nothing new: the newest again, without what happened
  samples.clear();
  device.TakeSamples(&samples);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].events, 0u);
  // two that never came are counted; a look that takes one sample has all that happened
  send(7, kEventRecentered, kButtonDiscard);
  send(8, 0, 0);
  const RawSample newest = device.Poll();
  EXPECT_EQ(newest.events, uint32_t{kEventRecentered});
  EXPECT_EQ(newest.hands[1].buttons, uint32_t{kButtonDiscard});
  EXPECT_EQ(device.TakeQuality()["samples_lost"], 2);
  EXPECT_EQ(device.TakeQuality()["samples_lost"], 0);
}

// Somebody beside the operator presses a page's buttons.
TEST(PageButtons, AreTheDevicesForOneSample) {
  FakeLink link;
  FakeDevice headset;
  PageButtons device(headset, link);
  EXPECT_EQ(link.said.back()["presses"], true);
  const auto send = [&](BrowserMessage::Kind kind, const std::string& text) {
    link.sent.push_back({kind, 1, 0, text});
  };
  const auto pressed = [&] {
    std::vector<RawSample> samples;
    device.TakeSamples(&samples);
    return samples.back().hands[1].buttons;
  };
  send(BrowserMessage::Kind::kText, R"({"press": "start"})");
  EXPECT_EQ(pressed(), uint32_t{kButtonStart});
  EXPECT_EQ(pressed(), 0u);
  send(BrowserMessage::Kind::kText, R"({"press": "again"})");
  headset.hands[1].buttons = kButtonReset;
  EXPECT_EQ(device.Poll().hands[1].buttons, uint32_t{kButtonReset | kButtonAgain});
  headset.hands[1].buttons = 0;
  for (const char* nonsense : {"", "{", "[]", R"({"press": 1})", R"({"press": "squeeze"})"}) {
    send(BrowserMessage::Kind::kText, nonsense);
  }
  send(BrowserMessage::Kind::kBytes, R"({"press": "start"})");
  send(BrowserMessage::Kind::kClosed, "");
  EXPECT_EQ(pressed(), 0u);
}

}  // namespace
}  // namespace understudy
