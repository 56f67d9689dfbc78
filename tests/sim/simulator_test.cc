// Laws that every simulator keeps: those of all listed tasks and the fake that other tests stand
// on.
#include <gmock/gmock.h>

#include <cstring>
#include <set>
#include <thread>

#include "core/base/error.h"
#include "core/spec/listed.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/fake_simulator.h"

namespace understudy {
namespace {

using Eigen::Vector3d;

// The parameter: "fake", "fake_pair", a listed task, or one "_by_" another robot.
class SimulatorLaws : public SimTest, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    SimTest::SetUp();
    if (GetParam().starts_with("fake")) {
      task_ = GetParam() == "fake" ? FakeTask() : FakePairTask();
      make_ = FakeSimulatorFactory(task_, {.arms = static_cast<int>(task_.arms.size())});
    } else {
      const std::string by = "_by_";
      const size_t at = GetParam().find(by);
      task_ = LoadTaskSpec(GetParam().substr(0, at), kTaskRoot);
      if (at != std::string::npos) task_.robot = GetParam().substr(at + by.size());
      const auto scene = GetParam() == "stack" ? StackScene() : CompileTask(task_);
      make_ = [scene] { return MakeSimulator(scene); };
    }
    info_ = make_()->info();
    variant_ = info_.variants.front();
  }
  std::unique_ptr<Simulator> Make() const { return make_(); }

  // A lively action that depends on `seed` and `step` only: down into the objects and around.
  Action Wander(uint64_t seed, uint64_t step) const {
    Action action;
    for (size_t arm = 0; arm < info_.arms.size(); ++arm) {
      Rng rng(RngKey{seed}.WithTerm(step + 1000 * arm));
      const Vector3d p_WE(rng.Uniform(-0.15, 0.15), rng.Uniform(-0.2, 0.2), rng.Uniform(0.81, 1.0));
      const Vector3d tilt(rng.Normal() * 0.2, rng.Normal() * 0.2, rng.Normal() * 0.5);
      const Pose X_WE = FingersDown(rng.Uniform(0, 3.1), p_WE);
      action.arms.push_back({Pose(RotationExp(tilt) * X_WE.rotation(), p_WE), rng.Uniform(-1, 1)});
    }
    return action;
  }
  // Every arm stays where it is, its gripper open.
  static Action Still(const Observation& seen) {
    Action action;
    for (const ArmObservation& arm : seen.arms) action.arms.push_back({arm.X_WE, -1});
    return action;
  }

  TaskSpec task_;
  SimulatorFactory make_;
  SimulatorInfo info_;
  std::string variant_;
};

// What holds of a physics engine beyond that.
class PhysicsLaws : public SimulatorLaws {};

// Bit for bit, so that -0 and 0 differ.
bool SameBits(const SimState& a, const SimState& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

bool SameObservation(const Observation& a, const Observation& b) {
  bool same = a.sim_time_s == b.sim_time_s && a.X_WO == b.X_WO && a.signals == b.signals &&
              a.success == b.success && a.arms.size() == b.arms.size();
  for (size_t i = 0; same && i < a.arms.size(); ++i) {
    same = a.arms[i].X_WE == b.arms[i].X_WE && a.arms[i].joint_q == b.arms[i].joint_q &&
           a.arms[i].joint_v == b.arms[i].joint_v && a.arms[i].gripper_q == b.arms[i].gripper_q &&
           a.arms[i].gripper_v == b.arms[i].gripper_v;
  }
  return same;
}

TEST_P(SimulatorLaws, ResetDependsOnKeyOnly) {
  const auto fresh = Make(), used = Make();
  for (uint64_t step = 0; step < 20; ++step) used->Step(Wander(1, step));
  for (const std::string& variant : info_.variants) {
    const RngKey key{11, 0, 3, 0, 0};
    fresh->Reset(variant, key);
    used->Reset(variant, key.WithParent(4));
    EXPECT_FALSE(SameBits(fresh->Save(), used->Save())) << "another key, another start";
    used->Reset(variant, key);
    EXPECT_TRUE(SameBits(fresh->Save(), used->Save()));
    EXPECT_TRUE(SameObservation(fresh->Observe(), used->Observe()));
    // and the future is the same
    for (uint64_t step = 0; step < 20; ++step) {
      fresh->Step(Wander(2, step));
      used->Step(Wander(2, step));
    }
    EXPECT_TRUE(SameBits(fresh->Save(), used->Save()));
  }
}

TEST_P(SimulatorLaws, SaveAndRestoreLeaveNoTrace) {
  constexpr uint64_t kSteps = 120;
  const RngKey key{5, 0, 1, 0, 0};
  const auto plain = Make();
  plain->Reset(variant_, key);
  std::vector<SimState> states{plain->Save()};
  std::vector<Observation> seen{plain->Observe()};
  for (uint64_t step = 0; step < kSteps; ++step) {
    plain->Step(Wander(3, step));
    states.push_back(plain->Save());
    seen.push_back(plain->Observe());
  }

  // detours: other places of the episode, other actions, other simulators
  Rng rng(RngKey{6});
  const auto detoured = Make(), other = Make();
  detoured->Reset(variant_, key);
  for (uint64_t step = 0; step < kSteps; ++step) {
    if (rng.Uniform() < 0.4) {
      const SimState here = detoured->Save();
      detoured->Restore(states[rng.UniformInt(kSteps)]);
      detoured->Step(Wander(9, step));
      if (rng.Uniform() < 0.5) detoured->Observe();
      detoured->Restore(here);
    }
    ASSERT_TRUE(SameObservation(detoured->Observe(), seen[step])) << "step " << step;
    detoured->Step(Wander(3, step));
    ASSERT_TRUE(SameBits(detoured->Save(), states[step + 1])) << "step " << step;
    other->Restore(states[step]);
    ASSERT_TRUE(SameBits(other->Save(), states[step])) << "step " << step;
    ASSERT_TRUE(SameObservation(other->Observe(), seen[step])) << "step " << step;
    other->Step(Wander(3, step));
    ASSERT_TRUE(SameBits(other->Save(), states[step + 1])) << "step " << step;
  }
}

std::vector<std::optional<Pose>> Told(const std::vector<Pose>& X_WO) {
  return {X_WO.begin(), X_WO.end()};
}

// Looking at recorded states, in order and without a step, shows what was seen when they were made,
// and leads to the same states, counters included.
TEST_P(SimulatorLaws, RevisitedStatesShowWhatWasSeen) {
  const auto plain = Make(), whole = Make();
  const std::vector<std::optional<Pose>> nowhere(info_.objects.size());
  plain->Reset(variant_, RngKey{15});
  for (uint64_t step = 0; step < 80; ++step) {
    const SimState state = plain->Save();
    const Observation& seen = plain->Observe();
    // as if the predicates had been others: fewer counters, or more
    SimState other = state;
    other.resize(state.size() + 3 * (step % 2) - task_.predicates.size(), 7);
    ASSERT_EQ(whole->Revisit(other, nowhere, step == 0), "") << "step " << step;
    ASSERT_TRUE(SameObservation(whole->Observe(), seen)) << "step " << step;
    ASSERT_TRUE(SameBits(whole->Save(), state)) << "step " << step;
    plain->Step(Wander(3, step));
  }
  // and what was looked at can be gone on from
  whole->Revisit(plain->Save(), nowhere, false);
  for (uint64_t step = 80; step < 90; ++step) {
    plain->Step(Wander(3, step));
    whole->Step(Wander(3, step));
  }
  EXPECT_TRUE(SameBits(whole->Save(), plain->Save()));
}

// The flat part [time, qpos, qvel] is enough to look.
TEST_P(PhysicsLaws, RevisitedFlatStatesShowWhatWasSeen) {
  const auto plain = Make(), flat = Make();
  plain->Reset(variant_, RngKey{15});
  flat->Reset(variant_, RngKey{16});
  for (uint64_t step = 0; step < 80; ++step) {
    const Observation& seen = plain->Observe();
    SimState state = plain->Save();
    state.resize(info_.flat_state_size);
    ASSERT_EQ(flat->Revisit(state, Told(seen.X_WO), step == 0), "") << "step " << step;
    ASSERT_TRUE(SameObservation(flat->Observe(), seen)) << "step " << step;
    plain->Step(Wander(3, step));
  }
}

TEST_P(SimulatorLaws, RevisitSaysWhatDoesNotFit) {
  const auto simulator = Make();
  simulator->Reset(variant_, RngKey{17});
  SimState state = simulator->Save();
  const std::vector<std::optional<Pose>> X_WO = Told(simulator->Observe().X_WO);
  const size_t flat = info_.flat_state_size;
  const auto cut = [&](size_t size) { return SimState(state.begin(), state.begin() + long(size)); };
  EXPECT_THAT(simulator->Revisit(cut(flat - 1), X_WO, true), testing::HasSubstr("states of"));
  EXPECT_THAT(simulator->Revisit(cut(flat + 1), X_WO, true), testing::HasSubstr("and more"));
  SimState broken = state;
  broken[1] = std::nan("");
  EXPECT_THAT(simulator->Revisit(broken, X_WO, true), testing::HasSubstr("a non-finite value"));
  EXPECT_TRUE(SameBits(simulator->Save(), state)) << "nothing of it was taken";
  EXPECT_EQ(simulator->Revisit(state, X_WO, true), "");
}

TEST_P(PhysicsLaws, RevisitNeedsThePlacesOfWhatDoesNotMove) {
  const auto simulator = Make();
  SimState state = simulator->Save();
  const std::vector<std::optional<Pose>> X_WO = Told(simulator->Observe().X_WO);
  const size_t flat = info_.flat_state_size;
  state.resize(flat);
  EXPECT_EQ(simulator->Revisit(state, X_WO, true), "");
  // [time, qpos, qvel] has seven numbers and six for every object that moves: nothing else has both
  const size_t robot = info_.arms.size() * (info_.joint_names[0].size() + info_.finger_joints());
  const size_t joints = (flat - 1 - 2 * robot) % 13;  // of the scene itself, with both
  const bool all_move = (flat - 1 - 2 * robot - joints) / 13 == X_WO.size();
  EXPECT_EQ(simulator->Revisit(state, std::vector<std::optional<Pose>>(X_WO.size()), true).empty(),
            all_move);
}

TEST_P(SimulatorLaws, ThreadsDoNotMatter) {
  const auto run = [&](uint64_t attempt) {
    const auto simulator = Make();
    simulator->Reset(variant_, RngKey{8, 0, attempt, 0, 0});
    for (uint64_t step = 0; step < 60; ++step) simulator->Step(Wander(attempt, step));
    return simulator->Save();
  };
  std::vector<SimState> alone, together(4);
  for (uint64_t i = 0; i < together.size(); ++i) alone.push_back(run(i));
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < together.size(); ++i) {
    threads.emplace_back([&, i] { together[i] = run(i); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < together.size(); ++i) EXPECT_TRUE(SameBits(alone[i], together[i]));
}

TEST_P(SimulatorLaws, StateStartsLikeRobomimics) {
  const auto simulator = Make();
  simulator->Reset(variant_, RngKey{1});
  simulator->Step(Still(simulator->Observe()));
  const SimState state = simulator->Save();
  ASSERT_EQ(state.size(), info_.state_size);
  ASSERT_LT(info_.flat_state_size, info_.state_size);
  EXPECT_EQ(state[0], simulator->Observe().sim_time_s);
  EXPECT_NEAR(state[0], 1 / info_.control_hz, 1e-9);
}

// The joints that were observed stand in the flat part.
TEST_P(PhysicsLaws, FlatStateHoldsTheJoints) {
  const auto simulator = Make();
  simulator->Reset(variant_, RngKey{1});
  simulator->Step(Still(simulator->Observe()));
  const SimState state = simulator->Save();
  for (const ArmObservation& arm : simulator->Observe().arms) {
    for (const double q : arm.joint_q) {
      EXPECT_THAT(std::vector<double>(state.begin(), state.begin() + long(info_.flat_state_size)),
                  testing::Contains(q));
    }
  }
}

TEST_P(SimulatorLaws, StandsStillWithoutBeingMoved) {
  const auto simulator = Make();
  simulator->Reset(variant_, RngKey{2});
  const Action still = Still(simulator->Observe());
  for (int i = 0; i < 40; ++i) {
    const StepOutcome outcome = simulator->Step(still);
    ASSERT_FALSE(outcome.unstable || outcome.collision || outcome.joint_limit);
    for (size_t arm = 0; arm < still.arms.size(); ++arm) {
      const Pose &X_WE = still.arms[arm].X_WE_cmd, &X_WE_now = simulator->Observe().arms[arm].X_WE;
      ASSERT_LT((X_WE_now.translation() - X_WE.translation()).norm(), 1e-3);
      ASSERT_LT(AngleBetween(X_WE_now.rotation(), X_WE.rotation()), 3e-3);
    }
  }
  for (const ArmObservation& arm : simulator->Observe().arms) {
    EXPECT_LT(arm.joint_v.cwiseAbs().maxCoeff(), 0.02);
  }
}

TEST_P(SimulatorLaws, StartsLieInTheirRangesAndApart) {
  const auto simulator = Make();
  const std::vector<std::string> names = info_.objects;
  for (const auto& [variant, ranges] : task_.variants) {
    // how much of its range each object's x and yaw have used
    std::vector<double> least(names.size(), 1e9), most(names.size(), -1e9);
    std::vector<double> least_yaw = least, most_yaw = most;
    for (uint64_t i = 0; i < 1000; ++i) {
      simulator->Reset(variant, RngKey{12, 0, i, 0, 0});
      const Observation& seen = simulator->Observe();
      ASSERT_FALSE(seen.success);
      for (size_t a = 0; a < names.size(); ++a) {
        const PlacementRange& range = ranges.objects.at(names[a]);
        const Vector3d offset = seen.X_WO[a].translation() - ranges.origin;
        ASSERT_GE(offset.x(), range.x[0] - 1e-12);
        ASSERT_LE(offset.x(), range.x[1] + 1e-12);
        ASSERT_GE(offset.y(), range.y[0] - 1e-12);
        ASSERT_LE(offset.y(), range.y[1] + 1e-12);
        ASSERT_NEAR(offset.z(), range.z, 1e-12);
        least[a] = std::min(least[a], offset.x());
        most[a] = std::max(most[a], offset.x());
        const Eigen::Quaterniond& q = seen.X_WO[a].rotation();
        const double turns = (2 * std::atan2(q.z(), q.w()) - range.yaw[0]) / (2 * M_PI);
        const double yaw = 2 * M_PI * (turns - std::floor(turns));  // above the range's end
        least_yaw[a] = std::min(least_yaw[a], yaw);
        most_yaw[a] = std::max(most_yaw[a], yaw);
        for (size_t b = 0; b < a; ++b) {
          const double apart =
              (seen.X_WO[a].translation() - seen.X_WO[b].translation()).head<2>().norm();
          ASSERT_GE(apart, task_.objects.at(names[a]).radius + task_.objects.at(names[b]).radius);
        }
      }
    }
    for (size_t a = 0; a < names.size(); ++a) {
      const auto [low, high] = ranges.objects.at(names[a]).x;
      EXPECT_LE(least[a], low + 0.05 * (high - low)) << variant;
      EXPECT_GE(most[a], high - 0.05 * (high - low)) << variant;
      const auto [from, to] = ranges.objects.at(names[a]).yaw;
      if (from == to) continue;
      EXPECT_LE(least_yaw[a], 0.05 * (to - from)) << variant;
      EXPECT_GE(most_yaw[a], 0.95 * (to - from)) << variant;
    }
  }
}

TEST_P(SimulatorLaws, ObjectsRestWhereTheyWerePut) {
  const auto simulator = Make();
  simulator->Reset(variant_, RngKey{13});
  const std::vector<Pose> X_WO = simulator->Observe().X_WO;
  const Action still = Still(simulator->Observe());
  for (int i = 0; i < 20; ++i) simulator->Step(still);
  for (size_t i = 0; i < X_WO.size(); ++i) {
    const Pose& now = simulator->Observe().X_WO[i];
    EXPECT_LT((now.translation() - X_WO[i].translation()).norm(), 1e-3);
    EXPECT_LT(AngleBetween(now.rotation(), X_WO[i].rotation()), 5e-3);
  }
}

TEST_P(SimulatorLaws, UnknownVariantNamesTheKnownOnes) {
  const auto simulator = Make();
  try {
    simulator->Reset("D7", RngKey{});
    FAIL() << "there is no D7";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), testing::HasSubstr("unknown variant 'D7'"));
    for (const std::string& variant : info_.variants) {
      EXPECT_THAT(error.what(), testing::HasSubstr(variant));
    }
  }
}

TEST_P(SimulatorLaws, RefusesForeignStatesAndActions) {
  const auto simulator = Make();
  EXPECT_THROW(simulator->Restore(SimState(3)), ContractError);
  EXPECT_THROW(simulator->Step(Action{}), ContractError);
}

TEST_P(PhysicsLaws, BrokenPhysicsIsAnOutcome) {
  const auto simulator = Make();
  simulator->Reset(variant_, RngKey{14});
  const SimState good = simulator->Save();
  const Observation before = simulator->Observe();
  SimState bad = good;
  bad[simulator->info().flat_state_size - 1] = 1e12;  // the last velocity
  simulator->Restore(bad);
  const Action action = Still(before);
  const StepOutcome outcome = simulator->Step(action);
  EXPECT_TRUE(outcome.unstable);
  EXPECT_THAT(outcome.problem, testing::HasSubstr("MuJoCo"));
  EXPECT_TRUE(simulator->Step(action).unstable) << "until it is reset or restored";
  simulator->Restore(good);
  EXPECT_TRUE(SameBits(simulator->Save(), good));
  EXPECT_TRUE(SameObservation(simulator->Observe(), before));
  EXPECT_FALSE(simulator->Step(action).unstable);
  ExpectWarnings();
}

TEST_P(SimulatorLaws, TimesAddUp) {
  const auto simulator = Make();
  for (uint64_t step = 0; step < 10; ++step) simulator->Step(Wander(1, step));
  const SimulatorTimes times = simulator->times();
  EXPECT_EQ(times.steps, 10);
  EXPECT_EQ(times.substeps, 10 * info_.substeps);
}

TEST_P(PhysicsLaws, TimeOfPhysicsIsPartOfTheTime) {
  const auto simulator = Make();
  for (uint64_t step = 0; step < 10; ++step) simulator->Step(Wander(1, step));
  EXPECT_GT(simulator->times().physics_s, 0);
  EXPECT_GT(simulator->times().total_s, simulator->times().physics_s);
}

INSTANTIATE_TEST_SUITE_P(Fakes, SimulatorLaws, testing::Values("fake", "fake_pair"),
                         [](const auto& param) { return param.param; });
INSTANTIATE_TEST_SUITE_P(Tasks, SimulatorLaws, testing::ValuesIn(ListedTasks()),
                         [](const auto& param) { return param.param; });
INSTANTIATE_TEST_SUITE_P(Tasks, PhysicsLaws, testing::ValuesIn(ListedTasks()),
                         [](const auto& param) { return param.param; });

// Every listed arm that is no task's own, at the stack task.
std::vector<std::string> StackByOtherRobots() {
  std::vector<std::string> names;
  for (const std::string& robot : ListedNames(kRobotRoot, "robot.yaml")) {
    if (robot != "panda") names.push_back("stack_by_" + robot);
  }
  return names;
}
INSTANTIATE_TEST_SUITE_P(Robots, SimulatorLaws, testing::ValuesIn(StackByOtherRobots()),
                         [](const auto& param) { return param.param; });
INSTANTIATE_TEST_SUITE_P(Robots, PhysicsLaws, testing::ValuesIn(StackByOtherRobots()),
                         [](const auto& param) { return param.param; });

TEST(ListedTasks, HoldStack) { EXPECT_THAT(ListedTasks(), testing::Contains("stack")); }

}  // namespace
}  // namespace understudy
