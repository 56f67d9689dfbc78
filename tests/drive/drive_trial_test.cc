// A robot that follows a policy: the same rollouts as an evaluation's, and what it does when
// something goes wrong.
#include "serve/drive/drive_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/base/progress.h"
#include "data/formats/formats.h"
#include "serve/robots/simulated_robot.h"
#include "tests/drive/drive_parts.h"
#include "tests/support/fake_renderer.h"
#include "tests/support/fake_simulator.h"
#include "tests/support/own_folder.h"
#include "train/evaluate/baselines.h"
#include "train/evaluate/evaluate.h"

namespace understudy {
namespace {

using testing::HasSubstr;

constexpr uint64_t kSeed = 7;

// Wanders from where the hand is, by its key; now and then far beyond the limits.
class Wanderer : public Policy {
 public:
  explicit Wanderer(const SimulatorInfo& simulator) : info_(InfoFor(simulator)) {
    info_.name = "wanderer";
    info_.horizon = 16;
    info_.execute = 5;
  }
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override {
    Rng rng(key);
    ActionChunk chunk;
    Action action;
    for (const ArmObservation& arm : input.arms) action.arms.push_back({arm.X_WE, -1, {}});
    for (int k = 0; k < info_.horizon; ++k) {
      for (ArmAction& arm : action.arms) {
        const Eigen::Vector3d step(rng.Normal(), rng.Normal(), rng.Normal());
        arm.X_WE_cmd = Pose(RotationExp(0.02 * step) * arm.X_WE_cmd.rotation(),
                            arm.X_WE_cmd.translation() + 0.02 * step);
        arm.gripper = rng.Uniform() < 0.5 ? -1 : 1;
      }
      chunk.push_back(action);
    }
    return chunk;
  }
  PolicyInfo info_;
};

// Hands a robot on, notes what it is sent, and can fall silent.
class WatchedRobot : public Robot {
 public:
  explicit WatchedRobot(std::unique_ptr<Robot> robot) : robot_(std::move(robot)) {}
  const SimulatorInfo& info() const override { return robot_->info(); }
  std::unique_ptr<Kinematics> ArmKinematics(size_t arm) const override {
    return robot_->ArmKinematics(arm);
  }
  Action Begin(const RngKey& key, bool shadow, RobotReading* reading) override {
    sent.clear();
    reads = 0;
    return robot_->Begin(key, shadow, reading);
  }
  ArmAction Resolve(size_t arm, const ArmAction& action) const override {
    EXPECT_TRUE(IsFinite(action));
    return robot_->Resolve(arm, action);
  }
  bool Read(RobotReading* reading) override {
    const int64_t read = reads++;
    if (read >= mute_from && read < mute_until) return false;
    if (static_cast<int64_t>(sent.size()) >= silent_after || !robot_->Read(reading)) return false;
    Pose& X_WE = reading->observation.arms[0].X_WE;
    if (shift) X_WE = Pose(X_WE.rotation(), X_WE.translation() + shift(read));
    return true;
  }
  void Send(const Action& action) override {
    sent.push_back(action);
    robot_->Send(action);
  }
  std::vector<Action> sent;
  int64_t silent_after = std::numeric_limits<int64_t>::max();
  int64_t reads = 0, mute_from = 0, mute_until = 0;
  std::function<Eigen::Vector3d(int64_t reads)> shift;

 private:
  std::unique_ptr<Robot> robot_;
};

RngKey TrialKey(int64_t trial) { return EvaluationKey(kSeed, trial); }

// Speeds of successive commands of arm 0, m/s.
std::vector<double> Speeds(const std::vector<Action>& sent, double hz) {
  std::vector<double> speeds;
  for (size_t i = 1; i < sent.size(); ++i) {
    speeds.push_back(
        hz * (sent[i].arms[0].X_WE_cmd.translation() - sent[i - 1].arms[0].X_WE_cmd.translation())
                 .norm());
  }
  return speeds;
}

class DriveTest : public testing::Test {
 protected:
  DriveTest()
      : robot_(
            MakeSimulatedRobot(MakeFakeSimulator(task_), "D0", [this] { return clock_.now_ns; })),
        policy_(robot_.info()) {
    options_.start_pace = 1;
  }
  void TearDown() override { ClearInterrupt(); }

  DelayedPolicy::Act Wandering() {
    return [this](const ChunkRequest& request) {
      PolicyInput input;
      input.arms = request.reading.observation.arms;
      return policy_.Act(input, request.key);
    };
  }
  // Runs one trial; without a policy of its own it wanders.
  DriveOutcome Run(DelayedPolicy::Act act = {}, double seconds = 10) {
    control_ = std::make_unique<DriveControl>(robot_, policy_.info().horizon,
                                              policy_.info().execute, 0, options_);
    source_ = std::make_unique<DelayedPolicy>(act ? act : Wandering(), *control_, delay_);
    source_->silent = silent_;
    DriveInput& input = input_ ? *input_ : held_;
    return RunDriveTrial({robot_, *source_, input, clock_, log_.get(), show_}, *control_, options_,
                         seconds, shadow_, TrialKey(trial_));
  }

  TaskSpec task_ = FakeTask();
  StandingClock clock_;
  WatchedRobot robot_;
  Wanderer policy_;
  DriveOptions options_;
  AlwaysHeld held_;
  std::unique_ptr<DriveInput> input_;
  std::unique_ptr<DriveLog> log_;
  std::unique_ptr<DriveControl> control_;
  std::unique_ptr<DelayedPolicy> source_;
  std::function<void(const RobotReading&, const Action&)> show_;
  int delay_ = 0;
  int64_t trial_ = 0;
  bool shadow_ = false, silent_ = false;
};

uint64_t HashOfState(const SimState& state) {
  return HashOf({reinterpret_cast<const char*>(state.data()), state.size() * sizeof(double)});
}

// A trial is the rollout that `evaluate --safety --delay` makes of the same start, to the bit.
TEST_F(DriveTest, ATrialIsTheRolloutOfAnEvaluation) {
  for (const int delay : {0, 2, 7}) {
    for (const Stitching stitching : {Stitching::kSwitch, Stitching::kEnsemble}) {
      EvalOptions eval;
      eval.episodes = 3;
      eval.seed = kSeed;
      eval.horizon = 120;
      eval.delay = delay / robot_.info().control_hz;
      eval.stitching = options_.stitching = stitching;
      eval.safety = true;
      eval.workers = 1;
      eval.videos_success = eval.videos_failure = 0;
      Progress quiet;
      const EvalReport report =
          Evaluate(policy_, FakeSimulatorFactory(task_), {}, eval, {}, {}, quiet);
      delay_ = delay;
      for (trial_ = 0; trial_ < 3; ++trial_) {
        const EvalEpisode& episode = report.episodes[static_cast<size_t>(trial_)];
        const DriveOutcome trial = Run({}, eval.horizon / robot_.info().control_hz);
        EXPECT_EQ(trial.moving_steps, episode.steps);
        EXPECT_EQ(HashOfState(trial.decided.state), episode.end_state)
            << delay << " " << trial_ << " " << static_cast<int>(stitching);
        EXPECT_EQ(trial.chunks, episode.chunks);
        EXPECT_EQ(trial.clipped, episode.clipped);
        EXPECT_EQ(trial.cause, "out of time");
        for (size_t i = 0; i < kSafetyStops; ++i) {
          EXPECT_EQ(trial.guarded[i], episode.guarded[i]) << i;
        }
        EXPECT_EQ(trial.most_delay, delay);
      }
    }
  }
}

TEST_F(DriveTest, ASuccessEndsTheTrial) {
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
  const Episode demonstration = ScriptedStack(*simulator, task_, "D0", TrialKey(0));
  options_.execute = 16;
  const DriveOutcome trial = Run(
      [&](const ChunkRequest& request) {
        std::vector<Action> chunk;
        for (int64_t k = request.step; k < request.step + 16; ++k) {
          const auto last = static_cast<int64_t>(demonstration.length()) - 1;
          chunk.push_back(demonstration.steps[static_cast<size_t>(std::min(k, last))].action);
        }
        return chunk;
      },
      60);
  EXPECT_TRUE(trial.success);
  EXPECT_TRUE(trial.marked);
  EXPECT_EQ(trial.cause, "");
  EXPECT_TRUE(trial.decided.observation.success);
}

// Without readings the arms brake to rest within the limits, and the trial ends.
TEST_F(DriveTest, ARobotThatFallsSilentIsBroughtToRest) {
  robot_.silent_after = 50;
  const DriveOutcome trial = Run();
  EXPECT_THAT(trial.cause, HasSubstr("the robot is lost: no reading for 2."));
  EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kStale)], 1);
  const std::vector<double> speeds = Speeds(robot_.sent, 20);
  const SafetyOptions limits = robot_.info().safety;
  EXPECT_GT(*std::max_element(speeds.begin(), speeds.begin() + 50), 0.1);
  for (size_t i = 1; i < speeds.size(); ++i) {
    EXPECT_LE(std::abs(speeds[i] - speeds[i - 1]) * 20, limits.max_acceleration * (1 + 1e-6));
    if (i <= 50 + 3 + 20) continue;
    EXPECT_EQ(speeds[i], 0) << i;
  }
}

// Let go of, it brakes; held again, it begins slowly from where it stood.
TEST_F(DriveTest, ItMovesOnlyWhileThePersonHoldsOn) {
  options_.start_pace = 0.2;
  options_.start_seconds = 1;
  input_ = std::make_unique<ScriptedInput>([](int64_t step) {
    return DriveKeys{.held = step >= 10 && (step < 70 || step >= 100), .stop = step == 160};
  });
  const DriveOutcome trial = Run();
  EXPECT_EQ(trial.cause, "stopped");
  EXPECT_EQ(robot_.sent.size() + 10, static_cast<size_t>(trial.steps)) << "nothing is sent before";
  EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kReleased)], 1);
  EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kStopped)], 1);
  EXPECT_EQ(trial.moving_steps, 60 + 60);
  const std::vector<double> speeds = Speeds(robot_.sent, 20);
  const double most = robot_.info().safety.max_speed;
  for (size_t i = 0; i < speeds.size(); ++i) {
    const bool rests = (i >= 75 && i < 89) || i >= 165;
    EXPECT_TRUE(!rests || speeds[i] == 0) << i << ": " << speeds[i];
    for (const int begin : {-1, 89}) {
      const int step = static_cast<int>(i) - begin;
      if (step < 0 || step >= 20) continue;
      const double pace = 0.2 + 0.8 * step / 20;
      EXPECT_LE(speeds[i], most * pace * (1 + 1e-6)) << i;
    }
  }
  // and fast enough to show that the limit was one
  EXPECT_GT(*std::max_element(speeds.begin(), speeds.end()), 0.6 * most);
}

// What the policy answers to an observation from before a pause is of no use after it.
TEST_F(DriveTest, AnAnswerFromBeforeAPauseIsDropped) {
  control_ = std::make_unique<DriveControl>(robot_, 16, 5, 0, options_);
  RobotReading reading;
  const Action hold = robot_.Begin(TrialKey(0), false, &reading);
  control_->Reset(hold, reading.observation);
  const auto step = [&](bool held) {
    control_->Begin(reading.observation, 0, held, false);
    robot_.Send(control_->Step(reading.observation));
    robot_.Read(&reading);
  };
  step(true);
  ASSERT_EQ(control_->state(), DriveControl::State::kMoving);
  const int64_t run = control_->run();
  control_->Ask();
  for (int i = 0; i < 30; ++i) step(false);
  ASSERT_EQ(control_->state(), DriveControl::State::kHolding);
  step(true);
  Action away = hold;
  away.arms[0].X_WE_cmd = Pose(hold.arms[0].X_WE_cmd.rotation(), Eigen::Vector3d(0, 0, 2));
  std::vector<Action> chunk(16, away);
  EXPECT_FALSE(control_->Arrive(run, 0, &chunk));
  step(true);
  EXPECT_EQ(robot_.sent.back(), hold);
  EXPECT_TRUE(control_->Arrive(control_->run(), 0, &chunk));
  step(true);
  EXPECT_NE(robot_.sent.back(), hold);
}

TEST_F(DriveTest, AnEndBeforeTheFirstMotionEndsAtOnce) {
  input_ = std::make_unique<ScriptedInput>(
      [](int64_t step) { return DriveKeys{.stop = step == 5, .quit = step == 5}; });
  const DriveOutcome trial = Run();
  EXPECT_TRUE(trial.quit);
  EXPECT_EQ(trial.cause, "ended by the user");
  EXPECT_EQ(trial.moving_steps, 0);
  EXPECT_EQ(trial.steps, 5);
  EXPECT_TRUE(robot_.sent.empty());
}

// Held from before, it counts once it has been let go of; so it does where readings were missing.
TEST_F(DriveTest, WhatIsHeldFromBeforeDoesNotCount) {
  input_ = std::make_unique<ScriptedInput>(
      [](int64_t step) { return DriveKeys{.held = step != 20, .stop = step == 100}; });
  DriveOutcome trial = Run();
  EXPECT_EQ(trial.moving_steps, 100 - 21);

  input_ = std::make_unique<ScriptedInput>(
      [](int64_t step) { return DriveKeys{.held = step > 0, .stop = step == 100}; });
  robot_.mute_from = 30;
  robot_.mute_until = 40;
  trial = Run();
  EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kStale)], 1);
  EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kStopped)], 0);
  EXPECT_LT(trial.moving_steps, 40);
}

// An arm that somebody moved while it rested goes on from where it is.
TEST_F(DriveTest, AnArmThatWasMovedDoesNotJumpBack) {
  input_ = std::make_unique<ScriptedInput>([](int64_t step) {
    return DriveKeys{.held = step > 0 && (step < 30 || step > 60), .stop = step == 100};
  });
  const Eigen::Vector3d away(0, 0.2, 0);
  robot_.shift = [&](int64_t reads) { return reads > 50 ? away : Eigen::Vector3d::Zero(); };
  Run();
  for (size_t i = 1; i < robot_.sent.size(); ++i) {
    const Eigen::Vector3d before = robot_.sent[i - 1].arms[0].X_WE_cmd.translation();
    const double step = (robot_.sent[i].arms[0].X_WE_cmd.translation() - before).norm();
    if (step > 0.1) {
      EXPECT_NEAR(step, 0.2, 0.06) << i;  // once, to where it is
      return;
    }
  }
  FAIL() << "its command never followed it";
}

// A chunk is followed to its end, not beyond; then the arms rest.
TEST_F(DriveTest, APolicyThatAnswersNoMoreIsWaitedForAtRest) {
  int answers = 0;
  const auto dies = [&](const ChunkRequest& request) {
    if (++answers == 3) source_->silent = true;
    return Wandering()(request);
  };
  const DriveOutcome trial = Run(dies, 60);
  EXPECT_THAT(trial.cause, HasSubstr("the policy has not answered for"));
  EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kLatePolicy)], 1);
  const std::vector<double> speeds = Speeds(robot_.sent, 20);
  // chunk 2 answered step 5 and ends with step 20
  for (size_t i = 20 + 12; i < speeds.size(); ++i) EXPECT_EQ(speeds[i], 0) << i;
  EXPECT_LT(speeds.size(), 100u);
}

// Of a policy that fails its own words are said; one failure alone ends nothing.
TEST_F(DriveTest, APolicyThatFailsIsNamed) {
  int answers = 0;
  const auto stumbles = [&](const ChunkRequest& request) {
    if (++answers == 3) ThrowFailed("the answer holds a NaN");
    return Wandering()(request);
  };
  DriveOutcome trial = Run(stumbles, 5);
  EXPECT_EQ(trial.cause, "out of time");
  EXPECT_EQ(trial.problems, 1);
  answers = 0;
  trial = Run([&](const ChunkRequest& request) {
    if (++answers >= 3) ThrowFailed("the answer holds a NaN");
    return Wandering()(request);
  });
  EXPECT_EQ(trial.cause, "the policy fails: the answer holds a NaN");
  EXPECT_GT(trial.problems, 3);
}

// Whatever a policy asks for, every command keeps the robot's limits.
TEST_F(DriveTest, HostilePoliciesMoveNothingBeyondTheLimits) {
  Rng rng(RngKey{3});
  const DriveOutcome trial = Run(
      [&](const ChunkRequest& request) {
        std::vector<Action> chunk(16);
        for (Action& action : chunk) {
          Eigen::Vector3d far(rng.Normal(), rng.Normal(), rng.Normal());
          if (rng.Uniform() < 0.1) far *= 1e6;
          const double nothing = std::numeric_limits<double>::quiet_NaN();
          action.arms.push_back({Pose(request.reading.observation.arms[0].X_WE.rotation(), far),
                                 rng.Uniform() < 0.1 ? nothing : rng.Uniform(-9, 9),
                                 {}});
        }
        return chunk;
      },
      100);
  EXPECT_EQ(trial.moving_steps, 2000);
  EXPECT_GT(trial.guarded[static_cast<size_t>(SafetyStop::kNotFinite)], 100);
  const std::vector<double> speeds = Speeds(robot_.sent, 20);
  for (size_t i = 1; i < speeds.size(); ++i) {
    ASSERT_LE(speeds[i], robot_.info().safety.max_speed * (1 + 1e-6)) << i;
    ASSERT_LE(std::abs(robot_.sent[i].arms[0].gripper), 1);
  }
}

TEST_F(DriveTest, AShadowMovesNothing) {
  shadow_ = true;
  const DriveOutcome trial = Run({}, 3);
  EXPECT_TRUE(robot_.sent.empty());
  EXPECT_EQ(trial.moving_steps, 60);
  EXPECT_GT(trial.chunks, 5);
}

// What was done is a dataset that every command reads.
TEST_F(DriveTest, ATrialIsRecorded) {
  const OwnFolder folder;
  const std::filesystem::path file = folder.path() / "trial.h5";
  DatasetHeader header;
  header.simulator = robot_.info();
  header.stage = "drive";
  header.task = ToJson(task_);
  EpisodeMeta meta = MetaOf(robot_.info(), "D0", TrialKey(0));
  log_ = std::make_unique<DriveLog>(file, header, meta);
  std::vector<Action> shown;
  show_ = [&](const RobotReading&, const Action& action) { shown.push_back(action); };
  const DriveOutcome trial = Run({}, 3);
  meta.cause = trial.cause;
  log_->Finish(meta, TrialKey(0), trial.end.state, trial.end.observation);
  const Episode episode = OpenDataset(file)->ReadEpisode(0);
  ASSERT_EQ(episode.length(), robot_.sent.size());
  EXPECT_EQ(episode.meta.cause, "out of time");
  EXPECT_EQ(shown.size(), robot_.sent.size());
  for (size_t i = 0; i < episode.length(); ++i) {
    EXPECT_EQ(episode.steps[i].action, robot_.sent[i]) << i;
  }
  EXPECT_EQ(episode.final_state, trial.end.state);
}

// A step that begins late shifts those after it.
TEST_F(DriveTest, ALateStepIsNotCaughtUpWith) {
  std::vector<int64_t> begun;
  show_ = [&](const RobotReading&, const Action&) {
    begun.push_back(clock_.now_ns);
    if (begun.size() == 10) clock_.now_ns += 180'000'000;
    if (begun.size() == 20) clock_.now_ns += 60'000'000;  // late by 10 ms
  };
  const DriveOutcome trial = Run({}, 2);
  EXPECT_EQ(trial.late_steps, 2);
  EXPECT_EQ(begun[10] - begun[9], 180'000'000);
  EXPECT_EQ(begun[20] - begun[19], 60'000'000);
  for (size_t i = 1; i < begun.size(); ++i) EXPECT_GE(begun[i] - begun[i - 1], 50'000'000) << i;
}

TEST_F(DriveTest, OptionsThatThePolicyCannotKeepAreRefused) {
  options_.execute = 17;
  EXPECT_THROW(Run(), Error);
  options_.execute = 0;
  options_.stitching = Stitching::kRtc;
  try {
    Run();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("rtc_training_max_delay"));
  }
}

}  // namespace
}  // namespace understudy
