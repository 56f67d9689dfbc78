// What an operator is told, and in which order.
#include "teleop/announcer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/names.h"
#include "teleop/command.h"
#include "tests/support/fake_simulator.h"
#include "tests/teleop/fake_device.h"
#include "tests/teleop/fake_link.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Lines : Progress {
  void Message(const std::string& line) override { lines.push_back(line); }
  std::vector<std::string> lines;
};

std::vector<std::string> CuesOf(const FakeLink& link) {
  std::vector<std::string> cues;
  int64_t last = 0;
  for (const Json& status : link.said) {
    if (!status.contains("cue")) continue;
    EXPECT_EQ(status["cue"]["id"].get<int64_t>(), ++last);
    cues.push_back(status["cue"]["name"]);
  }
  return cues;
}

// A session of one demonstration with a hand that is lost on the way: terminal and pages say the
// same, in the order in which it happens.
TEST(Announcer, SaysASessionInItsOrder) {
  const TaskSpec task = FakeTask();
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
  FakeDevice device;
  OperatorAtDevice operator_(
      LoadOperatorSpec(LoadTaskSpec("stack", UNDERSTUDY_SOURCE_DIR "/sim/tasks")), task,
      simulator->info(), device);
  int64_t sample = 0;
  device.spoil = [&](RawSample& raw) {
    // lost for one sample, while the arm is engaged
    if (++sample == 150) raw.hands[1].tracking = 3;
  };
  FakeLink link;
  Lines terminal;
  Announcer announcer(&link, &terminal);
  const fs::path folder = fs::path(testing::TempDir()) / "announcer_session";
  fs::remove_all(folder);
  fs::create_directories(folder);
  TeleopOptions options;
  options.demos = 1;
  options.max_attempts = 1;
  options.out = (folder / "a.h5").string();
  Progress quiet;
  const std::unique_ptr<Simulator> checker = MakeFakeSimulator(task, {});
  RunTeleop(options, task, *simulator, *checker, device, operator_.pacer, quiet, announcer);
  fs::remove_all(folder);

  const std::vector<std::string> cues = CuesOf(link);
  ASSERT_GE(cues.size(), 6u);
  EXPECT_EQ((std::vector<std::string>(cues.begin(), cues.begin() + 3)),
            (std::vector<std::string>{"ready", "start", "engaged"}));
  EXPECT_THAT(cues, testing::Contains("lost"));
  EXPECT_THAT(cues, testing::Contains("found"));
  EXPECT_EQ(cues.back(), "ended");
  // the terminal has the same moments as the pages, word for word
  std::vector<std::string> phases;
  for (const Json& status : link.said) {
    if (!status.contains("phase")) continue;
    const std::string hint = status["hint"];
    phases.push_back(status["phase"].get<std::string>() + (hint.empty() ? "" : " (" + hint + ")"));
  }
  EXPECT_EQ(phases, terminal.lines);
  EXPECT_EQ(terminal.lines[0], "found fake headset 1, /fake/profile");
  EXPECT_EQ(
      terminal.lines[1],
      "ready (start starts; reset draws another start; again records the last one saved again; "
      "stop ends the session)");
  EXPECT_THAT(terminal.lines, testing::Contains(HasSubstr("hand lost: not tracked")));
  EXPECT_THAT(terminal.lines, testing::Contains(HasSubstr("hand found again")));
  // pages are shown the start, then every step
  ASSERT_GT(link.shown.size(), 20u);
  EXPECT_EQ(link.shown[0].step, 0);
  EXPECT_TRUE(link.shown[0].arms.empty());
  for (size_t i = 1; i < link.shown.size(); ++i) {
    ASSERT_EQ(link.shown[i].step, static_cast<int64_t>(i) - 1);
    ASSERT_EQ(link.shown[i].arms.size(), 1u);
    ASSERT_GT(link.shown[i].sample_ns, link.shown[i - 1].sample_ns);
  }
  EXPECT_EQ(link.said[0]["instruction"], simulator->info().instruction);
}

TEST(Announcer, NamesHandsWhereThereAreTwoArms) {
  const DeviceInfo device;
  EXPECT_EQ(moments::Lost(device, 0, 2, ClutchLoss::kJump).phase,
            "left hand lost: the tracking jumped");
  EXPECT_EQ(moments::Lost(device, 1, 1, ClutchLoss::kFocus).phase,
            "hand lost: the headset shows something else");
  EXPECT_EQ(moments::Engaged(device, 1, 2).phase, "right hand engaged");
  EXPECT_EQ(moments::Clamped(0, 2).cue, "clamped");
}

TEST(Announcer, SaysNothingTwiceAndWithNobodyNothing) {
  FakeLink link;
  Announcer announcer(&link, nullptr);
  announcer.Say(moments::Success());
  announcer.Say(moments::Success());
  EXPECT_EQ(link.said.size(), 1u);
  // but what became of every attempt
  announcer.Say(moments::Saved());
  announcer.Say(moments::Saved());
  EXPECT_EQ(link.said.size(), 3u);
  Announcer nobody(nullptr, nullptr);
  nobody.Say(moments::Saved());
  nobody.Count(1, 2);
  nobody.Show({});
  EXPECT_FALSE(nobody.shows());
}

}  // namespace
}  // namespace understudy
