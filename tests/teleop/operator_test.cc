#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/seam/teleop_device.h"
#include "teleop/operator/scripted_operator.h"
#include "teleop/retarget.h"
#include "tests/support/fake_simulator.h"
#include "tests/teleop/fake_device.h"

namespace understudy {
namespace {

using testing::HasSubstr;

TaskSpec StackTask() { return LoadTaskSpec("stack", UNDERSTUDY_SOURCE_DIR "/sim/tasks"); }

// The real task's operator, in the fake world whose cubes have the same names and sizes.
OperatorSpec StackOperator() { return LoadOperatorSpec(StackTask()); }

// One demonstration without recorder: operator, device, controller, simulator.
struct Demo {
  bool success = false, gave_up = false;
  int steps = 0;
  double clamped_share = 0, fastest = 0;
  int regrips = 0;
  std::vector<Action> actions;
  Observation last;
  std::string account;  // of the operator, at the end
};
Demo Demonstrate(const OperatorSpec& spec, uint64_t seed, const RetargetOptions& options = {},
                 const std::string& variant = "D0", const FakeOptions& world = {},
                 const std::function<void(RawSample&)>& spoil = {},
                 const TaskSpec& task = FakeTask()) {
  const auto simulator = MakeFakeSimulator(task, world);
  const RngKey key{.seed = seed};
  simulator->Reset(variant, key);
  FakeDevice device;
  device.spoil = spoil;
  OperatorAtDevice person(spec, task, simulator->info(), device);
  person.pacer.Begin(key, simulator->Observe(), 50'000'000, 6);
  TeleopController controller(options, simulator->info());
  controller.Reset(simulator->Observe());
  Demo run;
  int clamped = 0;
  while (!simulator->Observe().success && !run.gave_up && run.steps < 800) {
    std::vector<RawSample> samples;
    for (int i = 0; i < 6; ++i) {
      person.pacer.Tick(simulator->Observe());
      samples.push_back(device.Poll());
      run.fastest = std::max(run.fastest, samples.back().hands[1].v_TH.norm());
    }
    const Commanded now = controller.Update(samples, simulator->Observe(), device.now_ns, 0.05);
    clamped += (now.arms[0].flags & (kLinearClamped | kAngularClamped | kRejected)) != 0;
    simulator->Step(now.action);
    run.actions.push_back(now.action);
    ++run.steps;
    run.gave_up = person.person->gave_up();
  }
  run.last = simulator->Observe();
  run.account = person.person->Account(run.last);
  run.success = run.last.success;
  run.clamped_share = static_cast<double>(clamped) / run.steps;
  run.regrips = person.person->hands()[0].regrips();
  return run;
}

TEST(ScriptedOperator, StacksLikeASkilledPerson) {
  int successes = 0, steps = 0;
  double clamped = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Demo run = Demonstrate(StackOperator(), seed);
    successes += run.success;
    steps += run.steps;
    clamped += run.clamped_share / 30;
    EXPECT_LT(run.fastest, 0.6) << "m/s, tremor included";
  }
  EXPECT_GE(successes, 29);
  // six to twelve seconds of 20 steps each, rarely faster than the limiter
  EXPECT_GT(steps / 30, 120);
  EXPECT_LT(steps / 30, 240);
  EXPECT_LT(clamped, 0.1);
}

// What is brought beside the axis of a place without symmetry ends there: its own symmetry turns it
// about itself, and not about the place.
TEST(ScriptedOperator, CarriedThingsEndWhereTheyWereAskedOffTheAxis) {
  TaskSpec task = FakeTask();
  task.objects["cubeB"].symmetry = 1;
  for (const int symmetry : {4, 0}) {
    task.objects["cubeA"].symmetry = symmetry;
    OperatorSpec spec = StackOperator();
    for (OperatorPhase& phase : spec.phases) {
      if (!phase.carried.empty()) phase.pose = PoseFromYaw(0, {0.02, 0, 0}) * phase.pose;
    }
    for (uint64_t seed = 0; seed < 8; ++seed) {
      const Demo run = Demonstrate(spec, seed, {}, "D0", {}, {}, task);
      ASSERT_TRUE(run.success) << seed;
      const Eigen::Vector3d p_BA = (run.last.X_WO[1].Inverse() * run.last.X_WO[0]).translation();
      EXPECT_NEAR(p_BA.x(), 0.02, 0.01) << seed;
      EXPECT_NEAR(p_BA.y(), 0, 0.01) << seed;
    }
  }
}

TEST(ScriptedOperator, SameKeySameHandOtherKeyOtherHand) {
  const Demo a = Demonstrate(StackOperator(), 3), b = Demonstrate(StackOperator(), 3);
  const Demo c = Demonstrate(StackOperator(), 4);
  EXPECT_EQ(a.actions, b.actions);
  EXPECT_NE(a.actions, c.actions);
}

TEST(ScriptedOperator, RegripsWhenItsReachIsShortOrTheArmMovesLess) {
  OperatorSpec spec = StackOperator();
  spec.body.reach_box = {0.12, 0.12, 0.12};
  int regrips = 0, successes = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Demo run = Demonstrate(spec, seed);
    regrips += run.regrips;
    successes += run.success;
  }
  EXPECT_GE(successes, 9);
  EXPECT_GT(regrips, 15);
}

TEST(ScriptedOperator, GetsThroughLostTracking) {
  // a tenth of a second of loss, every three seconds: the clutch drops each time
  int successes = 0, regrips = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Demo run = Demonstrate(StackOperator(), seed, {}, "D0", {}, [](RawSample& sample) {
      if (sample.monotonic_ns % 3'000'000'000 < 100'000'000) sample.hands[1].tracking = 0;
    });
    successes += run.success;
    regrips += run.regrips;
  }
  EXPECT_GE(successes, 7);
  EXPECT_GT(regrips, 15);
}

TEST(ScriptedOperator, MissedGraspsAreTriedAgainAndGivenUpInTheEnd) {
  FakeOptions slippery;
  slippery.slip_after_steps = 3;
  const Demo run = Demonstrate(StackOperator(), 1, {}, "D0", slippery);
  EXPECT_FALSE(run.success);
  EXPECT_TRUE(run.gave_up);
  EXPECT_THAT(run.account, HasSubstr("phase 'lift': 'grasp' did not hold after 3 tries"));
}

TEST(ScriptedOperator, SaysWhyItGaveUpAndHowFarItCame) {
  const auto account = [](const std::function<void(OperatorSpec&)>& spoil,
                          const FakeOptions& world = {}) {
    OperatorSpec spec = StackOperator();
    spoil(spec);
    const Demo run = Demonstrate(spec, 1, {}, "D0", world);
    EXPECT_FALSE(run.success);
    return run.account;
  };
  // a signal that does not come
  EXPECT_EQ(account([](OperatorSpec& spec) {
              spec.phases[0].expect = "grasp";
              spec.body.retries = 0;
            }),
            "phase 'above the red cube': 'grasp' did not hold");
  // where the arm cannot go
  EXPECT_THAT(
      account([](OperatorSpec& spec) {
        spec.phases[0].pose = PoseFromYaw(0, {3, 0, 0.1});
      }),
      testing::MatchesRegex("phase 'above the red cube': .* m away, tolerance 0.02 m; .* rad "
                            "turned away, tolerance 0.2 rad; the goal is beyond the arm's reach "
                            "of .* m"));
  // all done, to no end
  EXPECT_EQ(account([](OperatorSpec& spec) { spec.phases.resize(1); }),
            "the task's success did not hold after the last phase, nor did 'grasp'");
  // what is tried once more when the time is over was missed before
  FakeOptions slippery;
  slippery.slip_after_steps = 3;
  EXPECT_THAT(account([](OperatorSpec& spec) { spec.body.retries = 1000; }, slippery),
              HasSubstr("before that phase 'lift': 'grasp' did not hold after "));
}

TEST(ScriptedOperator, MovesByMinimumJerkWithTremorInItsBand) {
  // a hand that holds still shows its tremor alone
  OperatorSpec spec = StackOperator();
  spec.body.start_delay = {5, 5};
  const TaskSpec task = FakeTask();
  const auto simulator = MakeFakeSimulator(task);
  simulator->Reset("D0", RngKey{});
  ScriptedOperator person(spec, task, simulator->info(), RngKey{});
  std::vector<double> x;
  for (int i = 0; i < 1000; ++i) {
    x.push_back(person.Move(simulator->Observe(), i * 4'000'000LL).X_TH.translation().x());
  }
  double mean = 0, largest = 0;
  for (double v : x) mean += v / 1000;
  int crossings = 0;
  for (size_t i = 1; i < x.size(); ++i) {
    crossings += (x[i] > mean) != (x[i - 1] > mean);
    largest = std::max(largest, std::abs(x[i] - mean));
  }
  // two crossings a period over four seconds; sums of sines cross a little off their band
  EXPECT_GE(crossings, 2 * 4 * 7);
  EXPECT_LE(crossings, 2 * 4 * 13);
  EXPECT_GT(largest, 0.0002);
  EXPECT_LT(largest, 0.0006);
}

TEST(ScriptedOperator, PutsNoFingerOnTheNeighbour) {
  // cubes side by side along the closing axis that needs the least turn: the grasp turns by 90 deg
  const TaskSpec task = FakeTask();
  for (const bool along_x : {true, false}) {
    const auto simulator = MakeFakeSimulator(task);
    simulator->Reset("D0", RngKey{});
    Observation observation = simulator->Observe();
    observation.X_WO = {Pose::FromTranslation({0, 0, 0.82}),
                        Pose::FromTranslation({along_x ? 0.06 : 0, along_x ? 0 : 0.06, 0.825})};
    ScriptedOperator person(StackOperator(), task, simulator->info(), RngKey{.seed = 1});
    double turned = 0;
    for (int64_t ns = 0; ns < 5'000'000'000; ns += 8'000'000) {
      const HandTarget hand = person.Move(observation, ns);
      if (hand.squeeze == 1) turned = std::max(turned, RotationLog(hand.X_TH.rotation()).norm());
    }
    EXPECT_NEAR(turned, along_x ? M_PI / 2 : 0, 0.1);
  }
}

// Two equal fingers grip alike when the hand is turned by half a turn: nobody turns it farther.
TEST(ScriptedOperator, TakesTheNearerOfTheGripsThatLookAlike) {
  TaskSpec task = FakeTask();
  task.objects["cubeA"].symmetry = 1;
  for (const int alike : {1, 2}) {
    const auto simulator = MakeFakeSimulator(task);
    simulator->Reset("D0", RngKey{});
    Observation observation = simulator->Observe();
    observation.X_WO = {PoseFromYaw(2.8, {0, 0, 0.82}), Pose::FromTranslation({0.2, 0.2, 0.825})};
    SimulatorInfo info = simulator->info();
    info.gripper_symmetry = alike;
    ScriptedOperator person(StackOperator(), task, info, RngKey{.seed = 1});
    double turned = 0;
    for (int64_t ns = 0; ns < 8'000'000'000; ns += 8'000'000) {
      const HandTarget hand = person.Move(observation, ns);
      if (hand.squeeze == 1) turned = std::max(turned, RotationLog(hand.X_TH.rotation()).norm());
    }
    EXPECT_NEAR(turned, alike == 1 ? 2.8 : M_PI - 2.8, 0.1);
  }
}

TEST(ScriptedOperator, PressesStartThenSqueezes) {
  const TaskSpec task = FakeTask();
  const auto simulator = MakeFakeSimulator(task);
  simulator->Reset("D0", RngKey{});
  ScriptedOperator person(StackOperator(), task, simulator->info(), RngKey{});
  int64_t pressed = -1, squeezed = -1;
  for (int64_t ns = 0; ns < 2'000'000'000; ns += 8'000'000) {
    const HandTarget hand = person.Move(simulator->Observe(), ns);
    if (hand.buttons == kButtonStart && pressed < 0) pressed = ns;
    if (hand.squeeze > 0.6 && squeezed < 0) squeezed = ns;
  }
  EXPECT_GE(pressed, 200'000'000);
  EXPECT_GT(squeezed, pressed);
}

// Both hands take their cubes at the same time; the second is lifted when the first is up.
OperatorSpec PairOperator() {
  OperatorSpec spec = StackOperator();
  const auto phases = [](const std::string& object, const std::string& grasp,
                         const std::string& await) {
    const Pose X_OE(Eigen::Quaterniond(0, 1, 0, 0), Eigen::Vector3d::Zero());
    OperatorPhase above{.name = "above", .object = object, .tolerance = 0.02};
    above.pose = Pose(X_OE.rotation(), Eigen::Vector3d(0, 0, 0.08));
    OperatorPhase take{.name = "take", .object = object, .pose = X_OE, .tolerance = 0.006};
    take.trigger = TriggerUse::kClose;
    take.dwell = 0.4;
    OperatorPhase lift{.name = "lift", .await = await, .tolerance = 0.02};
    lift.pose = Pose::FromTranslation({0, 0, 0.14});
    lift.expect = grasp;
    lift.otherwise = "above";
    return std::vector<OperatorPhase>{above, take, lift};
  };
  spec.phases = phases("cubeA", "grasp_a", "");
  spec.other_hands.resize(1);
  spec.other_hands[0].phases = phases("cubeB", "grasp_b", "a_high");
  return spec;
}

TEST(ScriptedPerson, HandsWorkAtOnceAndWaitForEachOther) {
  const TaskSpec task = FakePairTask();
  const auto simulator = MakeFakeSimulator(task, {.arms = 2});
  int accepted = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const RngKey key{.seed = seed};
    simulator->Reset("D0", key);
    FakeDevice device;
    OperatorAtDevice person(PairOperator(), task, simulator->info(), device);
    person.pacer.Begin(key, simulator->Observe(), 50'000'000, 6);
    TeleopController controller({}, simulator->info());
    controller.Reset(simulator->Observe());
    const Observation start = simulator->Observe();
    int at_once = 0, steps = 0;
    uint32_t left_buttons = 0;
    for (; !simulator->Observe().success && !person.person->gave_up() && steps < 800; ++steps) {
      std::vector<RawSample> samples;
      for (int i = 0; i < 6; ++i) {
        person.pacer.Tick(simulator->Observe());
        samples.push_back(device.Poll());
        left_buttons |= samples.back().hands[0].buttons;
      }
      const Observation before = simulator->Observe();
      simulator->Step(controller.Update(samples, before, device.now_ns, 0.05).action);
      const auto moved = [&](size_t arm) {
        return (simulator->Observe().arms[arm].X_WE.translation() -
                before.arms[arm].X_WE.translation())
                   .norm() > 1e-3;
      };
      at_once += moved(0) && moved(1);
      // B stays on the table until A is up
      if (!before.signals[2]) {
        EXPECT_LT(simulator->Observe().X_WO[1].translation().z(),
                  start.X_WO[1].translation().z() + 0.02);
      }
    }
    accepted += simulator->Observe().success;
    EXPECT_GT(at_once, 5);
    EXPECT_EQ(left_buttons, 0u) << "one hand presses the buttons";
  }
  EXPECT_GE(accepted, 4);
}

// One hand that has done its work waits for the other, which gives up in the end.
TEST(ScriptedPerson, GivesUpWhenOneHandDoes) {
  const TaskSpec task = FakePairTask();
  const auto simulator = MakeFakeSimulator(task, {.arms = 2});
  simulator->Reset("D0", RngKey{});
  OperatorSpec spec = PairOperator();
  spec.phases.resize(1);
  spec.phases[0] = {.name = "nothing"};
  spec.phases[0].pose = Pose();
  spec.body.success_patience = 0.5;
  ScriptedPerson person(spec, task, simulator->info(), RngKey{});
  // nothing follows the hands
  double first_done = -1, gave_up = -1;
  for (int64_t ns = 0; ns < 120'000'000'000 && gave_up < 0; ns += 50'000'000) {
    person.Move(simulator->Observe(), ns);
    const double t = 1e-9 * static_cast<double>(ns);
    if (person.hands()[0].finished() && first_done < 0) first_done = t;
    if (person.gave_up()) gave_up = t;
    simulator->Step(
        Action{{{simulator->Observe().arms[0].X_WE, -1}, {simulator->Observe().arms[1].X_WE, -1}}});
  }
  ASSERT_GT(first_done, 0);
  ASSERT_GT(gave_up, first_done + 1);
  EXPECT_FALSE(person.hands()[0].gave_up());
  EXPECT_TRUE(person.hands()[1].gave_up());
  EXPECT_THAT(person.Account(simulator->Observe()),
              testing::StartsWith("robot1's phase 'above': not reached"));
}

TEST(OperatorSpec, SecondHandsAreCheckedToo) {
  const TaskSpec task = FakePairTask();
  OperatorSpec spec = PairOperator();
  EXPECT_THAT(Validate(spec, task), testing::IsEmpty());
  spec.other_hands[0].arm = 0;
  spec.other_hands[0].phases[0].object = "cubeC";
  spec.phases[2].await = "later";
  const std::string all = fmt::format("{}", fmt::join(Validate(spec, task), "\n"));
  EXPECT_THAT(all, HasSubstr("other_hands[0].phases[0].object: unknown object 'cubeC'"));
  EXPECT_THAT(all, HasSubstr("other_hands[0].arm = 0: is led already"));
  EXPECT_THAT(all, HasSubstr("phases[2].await: unknown signal 'later'"));
  EXPECT_THAT(fmt::format("{}", fmt::join(Validate(PairOperator(), FakeTask()), "\n")),
              HasSubstr("arm = 1: the task's arms are counted 0 to 0"));
}

TEST(OperatorSpec, NamesEveryMistake) {
  const TaskSpec task = StackTask();
  OperatorSpec spec = LoadOperatorSpec(task);
  EXPECT_TRUE(Validate(spec, task).empty());
  spec.phases[0].object = "cubeC";
  spec.phases[1].expect = "grip";
  spec.phases[2].otherwise = "nowhere";
  spec.phases[3].object = "";
  spec.phases[5].name = "lift";
  spec.body.reaction = {1, 0};
  const std::string all = fmt::format("{}", fmt::join(Validate(spec, task), "\n"));
  EXPECT_THAT(all, HasSubstr("phases[0].object: unknown object 'cubeC'"));
  EXPECT_THAT(all, AllOf(HasSubstr("phases[1].expect: unknown signal 'grip'"),
                         HasSubstr("A signal is what a subtask names as `signal` or `check`")));
  EXPECT_THAT(all, HasSubstr("phases[2].otherwise: unknown phase 'nowhere'"));
  EXPECT_THAT(all, HasSubstr("phases[3].carried: needs an object"));
  EXPECT_THAT(all, HasSubstr("lift: is used twice"));
  EXPECT_THAT(all, HasSubstr("body.reaction = [1, 0]: low above high"));
  TaskSpec other = task;
  other.folder = testing::TempDir();
  try {
    LoadOperatorSpec(other);
    FAIL() << "there is no operator.yaml";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("task 'stack' has no scripted operator"));
  }
}

}  // namespace
}  // namespace understudy
