// A person beside a policy: when they act, how the arms change hands, how episodes end.
#include "teleop/takeover.h"

#include <gmock/gmock.h>

#include "core/base/progress.h"
#include "tests/teleop/world.h"

namespace understudy {
namespace {

using testing::HasSubstr;

// A policy that moves the arm at a constant speed, and a person at a fake headset beside it.
struct Shared {
  explicit Shared(const TakeoverOptions& options = {})
      : person(device, pacer, options, nobody, {{"device", "fake"}}) {
    simulator->Reset("D0", key);
    last = HoldOf(*simulator);
    last.arms[0].gripper = 0.5;  // as policies give it
    person.Begin(*simulator, key);
  }

  // One policy step: who acts in it, and by what.
  TakeoverStep Step() {
    const TakeoverStep step = person.Next(*simulator, last);
    if (step.end != TakeoverEnd::kNone) return step;
    Action action = step.acts ? step.action : last;
    if (!step.acts) {
      action.arms[0].X_WE_cmd =
          Pose(last.arms[0].X_WE_cmd.rotation(),
               last.arms[0].X_WE_cmd.translation() + Eigen::Vector3d(0, 0.01, 0));
    }
    simulator->Step(action);
    before = std::exchange(last, action);
    return step;
  }
  void Steps(int count) {
    for (int i = 0; i < count; ++i) Step();
  }
  RawHand& hand() { return device.hands[1]; }
  void MoveHand(const Eigen::Vector3d& by) {
    hand().X_TH = Pose(hand().X_TH.rotation(), hand().X_TH.translation() + by);
  }
  double Moved() const {
    return (last.arms[0].X_WE_cmd.translation() - before.arms[0].X_WE_cmd.translation()).norm();
  }

  TaskSpec task = FakeTask();
  std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
  RngKey key{.seed = 3};
  FakeDevice device;
  VirtualPacer pacer{{.now_ns = [this] { return device.now_ns; },
                      .advance_ns = [this](int64_t ns) { device.now_ns += ns; },
                      .move = [](const Observation&, int64_t) {},
                      .account = [this](const Observation&) { return account; }}};
  std::string account;
  Announcer nobody{nullptr, nullptr};
  DeviceTakeover person;
  Action last, before;
};

// The step that takes over repeats the policy's last command, gripper included, wherever the hand
// is; then the arm follows the hand no faster than the limiter lets it.
TEST(Takeover, TakesOverWithoutAJump) {
  Shared shared;
  shared.MoveHand({0.4, 1.3, -0.2});
  shared.hand().trigger = 1;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(shared.Step().acts);
  // what the hand does before it takes hold moves nothing
  shared.MoveHand({0, 0.3, 0});
  EXPECT_FALSE(shared.Step().acts);
  shared.hand().squeeze = 1;
  const Action policys = shared.last;
  const TakeoverStep first = shared.Step();
  ASSERT_TRUE(first.acts);
  EXPECT_TRUE(first.action == policys);
  EXPECT_EQ(first.action.arms[0].gripper, 0.5);
  EXPECT_NE(first.teleop.arms[0].flags & kClutchEngaged, 0u);
  const TakeoverOptions options;
  for (int i = 0; i < 10; ++i) {
    shared.MoveHand({0.01, 0, 0});
    ASSERT_TRUE(shared.Step().acts);
    EXPECT_LE(shared.Moved(), options.retarget.limiter.max_speed * 0.05 + 1e-9);
  }
  EXPECT_GT(shared.Moved(), 1e-3) << "the arm follows";
  // with the clutch open the arms are still the person's, and hold
  shared.hand().squeeze = 0;
  shared.MoveHand({-0.2, 0, 0});
  shared.Steps(2);
  EXPECT_TRUE(shared.Step().acts);
  EXPECT_EQ(shared.Moved(), 0);
  // the trigger is the gripper from its next edge on
  shared.hand().trigger = 0;
  EXPECT_EQ(shared.Step().action.arms[0].gripper, -1);
  const TakeoverRecord record = shared.person.End(true, "");
  EXPECT_EQ(record.takeovers, 1);
  EXPECT_EQ(record.settings["device"], "fake");
  EXPECT_EQ(record.raw.samples.size(), 6u * 21);
}

// The start button hands back, and a hand that still squeezes does not take hold again.
TEST(Takeover, HandsBackUntilAFreshSqueeze) {
  Shared shared;
  shared.Steps(2);
  shared.hand().squeeze = 1;
  ASSERT_TRUE(shared.Step().acts);
  shared.MoveHand({0, 0.02, 0});
  shared.Steps(4);
  shared.hand().buttons = kButtonStart;
  EXPECT_FALSE(shared.Step().acts);
  EXPECT_NEAR(shared.Moved(), 0.01, 1e-12) << "the policy goes on from the last command";
  shared.hand().buttons = 0;
  for (int i = 0; i < 5; ++i) {
    shared.MoveHand({0, 0.05, 0});
    EXPECT_FALSE(shared.Step().acts);
  }
  shared.hand().squeeze = 0;
  shared.Steps(2);
  shared.hand().squeeze = 1;
  const Action policys = shared.last;
  const TakeoverStep again = shared.Step();
  ASSERT_TRUE(again.acts);
  EXPECT_TRUE(again.action == policys);
  EXPECT_EQ(shared.person.End(false, "dropped").takeovers, 2);
}

TEST(Takeover, ButtonsAndTimeEndEpisodes) {
  const auto press = [](uint32_t button, const std::string& account = "") {
    Shared shared;
    shared.account = account;
    shared.Steps(2);
    shared.hand().buttons = button;
    return shared.Step();
  };
  EXPECT_EQ(press(kButtonDiscard).end, TakeoverEnd::kDiscarded);
  EXPECT_EQ(press(kButtonReset).end, TakeoverEnd::kGivenUp);
  EXPECT_EQ(press(kButtonStop).end, TakeoverEnd::kStopped);
  // what a scripted operator gives up is a failure that says why
  const TakeoverStep given_up = press(kButtonDiscard, "phase 'lift': missed");
  EXPECT_EQ(given_up.end, TakeoverEnd::kGivenUp);
  EXPECT_EQ(given_up.cause, "phase 'lift': missed");

  TakeoverOptions options;
  options.max_seconds = 1;
  Shared shared(options);
  shared.Steps(30);
  shared.hand().squeeze = 1;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(shared.Step().acts) << i;
  const TakeoverStep end = shared.Step();
  EXPECT_EQ(end.end, TakeoverEnd::kGivenUp);
  EXPECT_THAT(end.cause, HasSubstr("acted for 1 s"));
}

// After a stop, or an interrupt, nothing begins.
TEST(Takeover, AStopEndsAll) {
  Shared shared;
  shared.Steps(2);
  shared.hand().buttons = kButtonStop;
  EXPECT_EQ(shared.Step().end, TakeoverEnd::kStopped);
  shared.hand().buttons = 0;
  shared.person.Begin(*shared.simulator, shared.key);
  EXPECT_EQ(shared.Step().end, TakeoverEnd::kStopped);
}

// A signal that comes for the first time is progress; one that comes again is none.
TEST(StallGate, OpensWithoutProgress) {
  StallGate gate(2);
  Observation now;
  now.signals = {0, 0};
  const auto at = [&](double seconds, std::vector<uint8_t> signals) {
    now.sim_time_s = seconds;
    now.signals = std::move(signals);
    return gate.Stalled(now);
  };
  EXPECT_FALSE(at(10, {0, 0}));
  EXPECT_FALSE(at(11.9, {0, 0}));
  EXPECT_FALSE(at(11.95, {1, 0}));
  EXPECT_FALSE(at(13.9, {0, 0}));
  EXPECT_TRUE(at(13.96, {1, 0}));
  EXPECT_FALSE(at(14, {1, 1}));
}

// The scripted operator goes on from where a policy stopped: with nothing in the hand, a closed
// gripper beside the cubes, and with the cube in it.
TEST(Takeover, TheScriptedOperatorFinishesWhatAPolicyBegan) {
  const OperatorSpec spec =
      LoadOperatorSpec(LoadTaskSpec("stack", UNDERSTUDY_SOURCE_DIR "/sim/tasks"));
  for (const double share : {0.0, 0.2, 0.55}) {
    int solved = 0;
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const TaskSpec task = FakeTask();
      const auto simulator = MakeFakeSimulator(task);
      const RngKey key{.seed = seed};
      // as a policy that does a part and then holds with the gripper closed
      const Episode whole = ScriptedStack(*simulator, task, "D0", key);
      simulator->Reset("D0", key);
      Action last = HoldOf(*simulator);
      for (size_t k = 0; k < static_cast<size_t>(share * static_cast<double>(whole.length()));
           ++k) {
        simulator->Step(last = whole.steps[k].action);
      }
      last.arms[0].gripper = 1;
      for (int i = 0; i < 8; ++i) simulator->Step(last);
      const bool held = simulator->Observe().signals[0] != 0;
      if (share == 0) {
        EXPECT_FALSE(held);
      }
      if (share > 0.5) {
        EXPECT_TRUE(held);
      }

      FakeDevice device;
      std::unique_ptr<ScriptedPerson> script;
      VirtualPacer pacer({.now_ns = [&] { return device.now_ns; },
                          .advance_ns = [&](int64_t ns) { device.now_ns += ns; },
                          .begin =
                              [&](const RngKey& of, const Observation& now) {
                                script = std::make_unique<ScriptedPerson>(spec, task,
                                                                          simulator->info(), of);
                                script->TakeOver(now);
                                EXPECT_EQ(script->hands()[0].phase(), held ? 2u : 0u);
                              },
                          .move =
                              [&](const Observation& now, int64_t at_ns) {
                                const HandTarget target = script->Move(now, at_ns)[0].hand;
                                device.hands[1].X_TH = target.X_TH;
                                device.hands[1].trigger = static_cast<float>(target.trigger);
                                device.hands[1].squeeze = static_cast<float>(target.squeeze);
                                device.hands[1].buttons = target.buttons;
                              }});
      Announcer nobody(nullptr, nullptr);
      DeviceTakeover person(device, pacer, {}, nobody);
      person.Begin(*simulator, key);
      bool acted = false, kept = true;
      for (int k = 0; k < 600 && !simulator->Observe().success; ++k) {
        const TakeoverStep& step = person.Next(*simulator, last);
        if (step.end != TakeoverEnd::kNone) break;
        if (step.acts && !acted) {
          EXPECT_TRUE(step.action == last);
        }
        acted = acted || step.acts;
        if (step.acts) last = step.action;
        simulator->Step(last);
        kept = kept && (k > 40 || simulator->Observe().signals[0] != 0);
      }
      EXPECT_TRUE(acted);
      if (held) {
        EXPECT_TRUE(kept) << "the cube is not let go of";
      }
      solved += simulator->Observe().success;
    }
    EXPECT_GE(solved, 4) << share;
  }
}

// Signals of parts that are done say where the next one begins.
TEST(Takeover, TheScriptedOperatorLeavesAloneWhatIsDone) {
  const TaskSpec task = LoadTaskSpec("stack_three", UNDERSTUDY_SOURCE_DIR "/sim/tasks");
  const OperatorSpec spec = LoadOperatorSpec(task);
  SimulatorInfo info;
  info.arms = {"robot0"};
  for (const auto& [name, object] : task.objects) info.objects.push_back(name);
  for (const Subtask& subtask : task.subtasks) {
    if (!subtask.signal.empty()) info.signals.push_back(subtask.signal);
  }
  ASSERT_EQ(info.signals, (std::vector<std::string>{"grasp_1", "stack_1", "grasp_2"}));
  const auto phase = [&](std::vector<uint8_t> signals, bool alone) {
    ScriptedOperator hand(spec, task, info, RngKey{});
    Observation now;
    now.signals = std::move(signals);
    hand.TakeOver(now, alone);
    return spec.phases[hand.phase()].name;
  };
  EXPECT_EQ(phase({0, 0, 0}, true), "above cubeA");
  EXPECT_EQ(phase({1, 0, 0}, true), "lift cubeA");
  EXPECT_EQ(phase({0, 1, 0}, true), "above cubeC");
  EXPECT_EQ(phase({0, 1, 1}, true), "lift cubeC");
  EXPECT_EQ(phase({0, 1, 0}, false), "above cubeA");
}

}  // namespace
}  // namespace understudy
