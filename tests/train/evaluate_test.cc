#include "train/evaluate/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <string>

#include "core/base/error.h"
#include "core/base/version.h"
#include "core/episode/motion.h"
#include "tests/support/effects.h"
#include "tests/support/fake_renderer.h"
#include "tests/support/fake_simulator.h"
#include "train/evaluate/baselines.h"
#include "wandering_policy.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Does what the scripted stacker did from the same start: finds its demonstration by the pose.
class ReplayingPolicy : public Policy {
 public:
  ReplayingPolicy(const TaskSpec& task, uint64_t seed, int64_t episodes, int64_t skip_every) {
    const auto simulator = MakeFakeSimulator(task);
    info_ = InfoFor(simulator->info());
    info_.name = "replay";
    info_.horizon = 1000;
    info_.execute = 1000;
    for (int64_t i = 0; i < episodes; ++i) {
      const RngKey key = RngKey{seed}.WithStage("evaluate").WithParent(static_cast<uint64_t>(i));
      ActionChunk chunk;
      for (const Step& step : ScriptedStack(*simulator, task, "D0", key).steps) {
        chunk.push_back(step.action);
      }
      // some demonstrations are cut in the middle: they end holding the cube
      if (skip_every > 0 && i % skip_every == 0) chunk.resize(chunk.size() / 2);
      while (chunk.size() < 1000) chunk.push_back(chunk.back());
      simulator->Reset("D0", key);
      const Eigen::Vector3d p = simulator->Observe().arms[0].X_WE.translation();
      chunks_[std::tuple(p.x(), p.y(), p.z())] = chunk;
    }
  }

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey&) const override {
    const Eigen::Vector3d p = input.arms[0].X_WE.translation();
    return chunks_.at(std::tuple(p.x(), p.y(), p.z()));
  }
  PolicyInfo info_;
  std::map<std::tuple<double, double, double>, ActionChunk> chunks_;
};

RendererFactory FakeRenderers() {
  return [] { return std::make_unique<FakeRenderer>(); };
}

EvalOptions Options(int64_t episodes, int workers) {
  EvalOptions options;
  options.episodes = episodes;
  options.workers = workers;
  options.horizon = 400;
  options.video_width = options.video_height = 16;
  return options;
}

// Everything that must not depend on workers, timing or recording.
Json Essence(const EvalReport& report) {
  Json json = report.ToJson();
  json.erase("timing");
  json["options"].erase("workers");
  for (Json& row : json["rows"]) row.erase("seconds");
  return json;
}

class EvaluateTest : public testing::Test {
 protected:
  void TearDown() override { ClearInterrupt(); }
  TaskSpec task_ = FakeTask();
  SimulatorFactory simulators_ = FakeSimulatorFactory(FakeTask());
  SimulatorInfo info_ = simulators_()->info();
  Progress quiet_;
};

// Says in every action which chunk it is of, and which step.
class NumberedPolicy : public Policy {
 public:
  explicit NumberedPolicy(const SimulatorInfo& simulator, int max_delay = 0)
      : info_(InfoFor(simulator)) {
    info_.name = "numbered";
    info_.horizon = 10;
    info_.execute = 3;
    info_.max_delay = max_delay;
  }
  std::vector<ActionChunk> committed() const { return committed_; }
  static Eigen::Vector3d Mark(double chunk, double step) {
    return {chunk / 1000, step / 1000, 0.9};
  }

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override {
    committed_.push_back(input.committed);
    ActionChunk chunk;
    for (int k = 0; k < info_.horizon; ++k) {
      const Pose X(input.arms[0].X_WE.rotation(), Mark(static_cast<double>(key.variant), k));
      chunk.push_back({{ArmAction{X, 1, {}}}});
    }
    return chunk;
  }
  PolicyInfo info_;
  mutable std::vector<ActionChunk> committed_;  // by chunk; one worker
};

// With a delay, action k of a chunk is done k steps after its observation all the same, the arms
// hold until the first chunk has come, and what cannot be covered is refused.
TEST_F(EvaluateTest, ADelayIsSimulated) {
  const NumberedPolicy policy(info_);
  EvalOptions options = Options(1, 1);
  options.horizon = 40;
  options.clip_targets = false;
  const auto rollout = [&] {
    Episode saved;
    Evaluate(policy, simulators_, {}, options, {}, {}, quiet_,
             [&](const Episode& episode) { saved = episode; });
    return saved;
  };
  for (const auto& [delay, steps] : {std::pair(0.0, 0), {0.05, 1}, {0.1, 2}, {0.21, 5}}) {
    options.delay = delay;
    const Episode episode = rollout();
    ASSERT_GT(episode.length(), 20u);
    const int period = std::max(3, steps);
    for (size_t step = 0; step < episode.length(); ++step) {
      const ArmAction& done = episode.steps[step].action.arms[0];
      const int late = static_cast<int>(step) - steps;
      if (late < 0) {
        EXPECT_EQ(done.X_WE_cmd, episode.steps[0].observation.arms[0].X_WE);
        EXPECT_EQ(done.gripper, -1);
        continue;
      }
      EXPECT_EQ(done.X_WE_cmd.translation(),
                NumberedPolicy::Mark(late / period, late % period + steps))
          << "delay " << delay << " step " << step;
    }
  }
  options.delay = 0.3;
  EXPECT_THAT(rollout, ThrowsMessage<Error>(HasSubstr(
                           "delay = 0.3 s, 6 steps: with 3 actions executed of a chunk it needs 12 "
                           "actions, a chunk of the policy has 10")));
}

// Real-time chunking: each chunk is told what is done until it comes, and a policy that was not
// trained for the delay is refused.
TEST_F(EvaluateTest, AChunkIsToldWhatIsDoneUntilItComes) {
  EvalOptions options = Options(1, 1);
  options.horizon = 40;
  options.clip_targets = false;
  options.stitching = Stitching::kRtc;
  options.delay = 0.1;
  const NumberedPolicy policy(info_, 2);
  Episode saved;
  Evaluate(policy, simulators_, {}, options, {}, {}, quiet_,
           [&](const Episode& episode) { saved = episode; });
  const std::vector<ActionChunk> committed = policy.committed();
  ASSERT_GT(committed.size(), 5u);
  for (size_t chunk = 0; chunk < committed.size(); ++chunk) {
    ASSERT_EQ(committed[chunk].size(), 2u);
    for (size_t k = 0; k < 2 && 3 * chunk + k < saved.length(); ++k) {
      EXPECT_EQ(committed[chunk][k].arms[0].X_WE_cmd,
                saved.steps[3 * chunk + k].action.arms[0].X_WE_cmd)
          << "chunk " << chunk << " action " << k;
    }
  }
  options.delay = 0.15;
  const auto run = [&](int max_delay) {
    return [&, max_delay] {
      Evaluate(NumberedPolicy(info_, max_delay), simulators_, {}, options, {}, {}, quiet_);
    };
  };
  EXPECT_THAT(run(2), ThrowsMessage<Error>(HasSubstr(
                          "stitching = rtc: a delay of 0.15 s is 3 steps, and the policy was "
                          "trained for at most 2 (policy.rtc_training_max_delay)")));
  EXPECT_THAT(run(0), ThrowsMessage<Error>(HasSubstr("the policy was trained for none")));
}

// Commands pass the filter that guards a robot, and what it stopped is counted.
TEST_F(EvaluateTest, CommandsAreGuarded) {
  const WanderingPolicy policy(info_);
  EvalOptions options = Options(3, 1);
  options.horizon = 80;
  const auto largest_step = [&](Json* report) {
    double largest = 0;
    *report = Evaluate(policy, simulators_, FakeRenderers(), options, {}, {}, quiet_,
                       [&](const Episode& episode) {
                         for (size_t i = 1; i < episode.length(); ++i) {
                           largest = std::max(
                               largest, (episode.steps[i].action.arms[0].X_WE_cmd.translation() -
                                         episode.steps[i - 1].action.arms[0].X_WE_cmd.translation())
                                            .norm());
                         }
                       })
                  .ToJson();
    return largest;
  };
  const double allowed = info_.safety.max_speed / info_.control_hz;
  Json open, guarded;
  EXPECT_GT(largest_step(&open), 1.5 * allowed) << "the wanderer jumps";
  EXPECT_FALSE(open.contains("guarded"));
  EXPECT_FALSE(open["options"].contains("safety"));
  EXPECT_FALSE(open["rows"][0].contains("guarded"));
  options.safety = true;
  EXPECT_LE(largest_step(&guarded), allowed * (1 + 1e-6));
  int64_t slowed = 0;
  for (const Json& row : guarded["rows"]) {
    EXPECT_EQ(row["guarded"]["not_finite"], 0);
    slowed += row["guarded"]["slowed"].get<int64_t>();
  }
  EXPECT_GT(slowed, 20);
  EXPECT_EQ(guarded["guarded"]["slowed"], slowed);
}

// The jerk of a report is that of the rollouts' own rows.
TEST_F(EvaluateTest, JerkIsThatOfTheRollouts) {
  const WanderingPolicy policy(info_);
  std::vector<double> jerks;
  const EvalReport report =
      Evaluate(policy, simulators_, FakeRenderers(), Options(3, 1), {}, {}, quiet_,
               [&](const Episode& episode) { jerks.push_back(MeasureMotion(episode).jerk_rms); });
  ASSERT_EQ(jerks.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_GT(jerks[i], 0);
    EXPECT_DOUBLE_EQ(report.episodes[i].jerk_rms, jerks[i]);
  }
  EXPECT_DOUBLE_EQ(report.ToJson()["jerk_rms"], (jerks[0] + jerks[1] + jerks[2]) / 3);
}

TEST_F(EvaluateTest, DoesNotDependOnWorkers) {
  const WanderingPolicy policy(info_);
  const VaryFunction vary = [](const SceneInventory& inventory, const RngKey& key) {
    Rng rng(key);
    SceneVariation variation;
    LightEdit edit;
    edit.light = inventory.lights[0].name;
    edit.diffuse = Eigen::Vector3d::Constant(rng.Uniform());
    variation.edits.push_back(edit);
    return variation;
  };
  const Json one =
      Essence(Evaluate(policy, simulators_, FakeRenderers(), Options(10, 1), vary, {}, quiet_));
  const Json four =
      Essence(Evaluate(policy, simulators_, FakeRenderers(), Options(10, 4), vary, {}, quiet_));
  EXPECT_EQ(one, four);
  // looks reach the policy: without them it wanders elsewhere
  const Json nominal =
      Essence(Evaluate(policy, simulators_, FakeRenderers(), Options(10, 4), {}, {}, quiet_));
  EXPECT_NE(one["rows"], nominal["rows"]);
  EXPECT_FALSE(nominal["varied"].get<bool>());
}

TEST_F(EvaluateTest, MoreEpisodesBeginWithTheSame) {
  const WanderingPolicy policy(info_);
  const Json few =
      Essence(Evaluate(policy, simulators_, FakeRenderers(), Options(4, 2), {}, {}, quiet_));
  const Json many =
      Essence(Evaluate(policy, simulators_, FakeRenderers(), Options(9, 2), {}, {}, quiet_));
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(few["rows"][i], many["rows"][i]);
}

// A run may stop at a look, by the width of its interval alone, which holds at all looks: the same
// episodes, for any number of workers.
TEST_F(EvaluateTest, StopsWhereTheIntervalIsNarrow) {
  const ReplayingPolicy policy(task_, 3, 230, 4);
  const auto run = [&](int64_t episodes, double width, int workers) {
    EvalOptions options = Options(episodes, workers);
    options.seed = 3;
    options.until_width = width;
    return Evaluate(policy, FakeSimulatorFactory(task_), FakeRenderers(), options, {}, {}, quiet_);
  };
  const EvalReport all = run(230, 0, 2);
  ASSERT_EQ(all.episodes.size(), 230u);
  // looks of 230 episodes: 50, 100, 200 and the end; each may err by a quarter of 5 %
  const double z = NormalQuantile(1 - 0.025 / 4);
  const auto width_after = [&](int64_t count) {
    int64_t successes = 0;
    for (int64_t i = 0; i < count; ++i) successes += all.episodes[static_cast<size_t>(i)].success;
    const Interval interval = WilsonInterval(successes, count, z);
    return interval.high - interval.low;
  };
  EXPECT_GT(width_after(50), width_after(100));
  // just reached at a look, and just missed
  for (const int64_t look : {50, 100, 200}) {
    const EvalReport stopped = run(230, width_after(look) + 1e-9, look == 100 ? 1 : 3);
    EXPECT_EQ(stopped.episodes.size(), static_cast<size_t>(look));
    EXPECT_NEAR(stopped.interval.high - stopped.interval.low, width_after(look), 1e-12);
    EXPECT_FALSE(stopped.interrupted);
    EXPECT_GT(run(230, width_after(look) - 1e-9, 2).episodes.size(), static_cast<size_t>(look));
  }
  EXPECT_EQ(run(230, 1e-3, 2).episodes.size(), 230u);
  // between looks nothing stops it
  EXPECT_EQ(run(99, width_after(98) + 0.01, 2).episodes.size(), 99u);
}

TEST_F(EvaluateTest, CountsSuccessesAndCauses) {
  const ReplayingPolicy policy(task_, 1, 12, 3);
  const EvalReport report =
      Evaluate(policy, simulators_, FakeRenderers(), Options(12, 2), {}, {}, quiet_);
  EXPECT_EQ(report.successes, 8);
  EXPECT_NEAR(report.interval.low, WilsonInterval(8, 12).low, 1e-12);
  ASSERT_EQ(report.causes.size(), 1u);
  EXPECT_THAT(report.causes.begin()->first, HasSubstr("'grasp'"));
  int64_t rows = 0;
  for (const EvalEpisode& episode : report.episodes) {
    rows += episode.success;
    EXPECT_EQ(episode.success, episode.cause.empty());
    EXPECT_EQ(episode.success, episode.index % 3 != 0);
    EXPECT_EQ(episode.chunks, 1);
    if (episode.success) {
      EXPECT_THAT(episode.signals, testing::Contains("grasp"));
    } else {
      EXPECT_EQ(episode.steps, 400);
    }
  }
  EXPECT_EQ(rows, report.successes);
  // how far they came, in the order of the task's signals
  const std::vector<std::string> signals = simulators_()->info().signals;
  ASSERT_EQ(report.reached.size(), signals.size());
  for (size_t i = 0; i < signals.size(); ++i) {
    EXPECT_EQ(report.reached[i].first, signals[i]);
    EXPECT_EQ(report.reached[i].second,
              std::ranges::count_if(report.episodes, [&](const EvalEpisode& episode) {
                return std::ranges::count(episode.signals, signals[i]) > 0;
              }));
  }
  EXPECT_GT(report.reached[0].second, 0);
  EXPECT_EQ(report.chunks, 12);
  EXPECT_GT(report.steps_per_s, 0);
}

// A rollout ends with the step that succeeds, although its chunk goes on.
TEST_F(EvaluateTest, ARolloutEndsAtItsFirstSuccess) {
  const ReplayingPolicy policy(task_, 1, 4, 0);
  const EvalReport report = Evaluate(policy, simulators_, {}, Options(4, 1), {}, {}, quiet_);
  EXPECT_EQ(report.successes, 4);
  for (const EvalEpisode& episode : report.episodes) {
    // the same actions, watched from outside
    const auto simulator = simulators_();
    simulator->Reset(
        "D0", RngKey{1}.WithStage("evaluate").WithParent(static_cast<uint64_t>(episode.index)));
    PolicyInput input;
    input.arms = simulator->Observe().arms;
    const ActionChunk chunk = policy.Act(input, {});
    int steps = 0;
    while (!simulator->Observe().success && steps < 400) {
      simulator->Step(chunk[static_cast<size_t>(steps++)]);
    }
    EXPECT_EQ(episode.steps, steps);
    EXPECT_LT(steps, 400);
  }
}

TEST_F(EvaluateTest, HoldingNeverGrasps) {
  const HoldPolicy policy(InfoFor(info_));
  EvalOptions options = Options(3, 2);
  options.horizon = 40;
  const EvalReport report = Evaluate(policy, simulators_, {}, options, {}, {}, quiet_);
  EXPECT_EQ(report.successes, 0);
  EXPECT_EQ(report.causes.at("never reached 'grasp'"), 3);
  EXPECT_EQ(report.episodes[0].chunks, 5);  // 40 steps, 8 of each chunk
}

TEST_F(EvaluateTest, OtherCausesAreTold) {
  const ReplayingPolicy policy(task_, 1, 4, 0);
  FakeOptions slip;
  slip.slip_after_steps = 10;
  const EvalReport dropped =
      Evaluate(policy, FakeSimulatorFactory(task_, slip), {}, Options(4, 1), {}, {}, quiet_);
  EXPECT_EQ(dropped.successes, 0);
  EXPECT_EQ(dropped.causes.at("lost 'grasp' without success"), 4);
  FakeOptions boom;
  boom.unstable_at_step = 5;
  const EvalReport broken =
      Evaluate(policy, FakeSimulatorFactory(task_, boom), {}, Options(4, 1), {}, {}, quiet_);
  EXPECT_EQ(broken.causes.at("unstable physics"), 4);
}

// Counts frames; the store of all sinks outlives them.
class CountingSink : public FrameSink {
 public:
  CountingSink(std::mutex& mutex, int& frames) : mutex_(mutex), frames_(frames) {}
  void Add(const std::vector<Image>& images) override {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(images.size(), 1u);
    EXPECT_EQ(images[0].width, 16);
    ++frames_;
    EXPECT_FALSE(finished_);
  }
  void Finish() override { finished_ = true; }
  ~CountingSink() override { EXPECT_TRUE(finished_); }

 private:
  bool finished_ = false;
  std::mutex& mutex_;
  int& frames_;
};

TEST_F(EvaluateTest, VideosShowEveryStepAndChangeNothing) {
  const ReplayingPolicy policy(task_, 1, 12, 3);
  EvalOptions options = Options(12, 2);
  options.videos_success = 2;
  options.videos_failure = 1;
  std::mutex mutex;
  std::map<int64_t, int> frames;
  std::map<int64_t, bool> outcome;
  const SinkFactory sinks = [&](int64_t episode, bool success,
                                const std::vector<std::string>& cameras, double hz) {
    EXPECT_EQ(cameras, std::vector<std::string>{"agentview"});
    EXPECT_EQ(hz, 20);
    const std::lock_guard lock(mutex);
    outcome[episode] = success;
    return std::make_unique<CountingSink>(mutex, frames[episode]);
  };
  const EvalReport with =
      Evaluate(policy, simulators_, FakeRenderers(), options, {}, sinks, quiet_);
  const EvalReport without =
      Evaluate(policy, simulators_, FakeRenderers(), options, {}, {}, quiet_);
  EXPECT_EQ(Essence(with), Essence(without));
  // the first failure and the first two successes, a frame per step and one for the end
  ASSERT_EQ(frames.size(), 3u);
  for (const int64_t i : {0, 1, 2}) {
    EXPECT_EQ(frames.at(i), with.episodes[static_cast<size_t>(i)].steps + 1);
    EXPECT_EQ(outcome.at(i), i != 0);
  }
}

TEST_F(EvaluateTest, EveryMismatchIsNamed) {
  PolicyInfo wrong = InfoFor(info_);
  wrong.robot = "other";
  wrong.cameras = {"agentveiw"};
  wrong.control_hz = 30;
  wrong.limits.linear = 0.1;
  wrong.action_meaning = "joints";
  wrong.arms = 2;
  wrong.X_WB = Pose::FromTranslation({9, 0, 0});
  EXPECT_THAT(Mismatches(wrong, info_),
              testing::UnorderedElementsAre(
                  HasSubstr("robot: the policy has other, the simulator fake"),
                  HasSubstr("did you mean 'agentview'"), HasSubstr("control rate"),
                  HasSubstr("linear limit"), HasSubstr("action meaning: the policy has joints"),
                  HasSubstr("arms"), HasSubstr("robot base")));
  EXPECT_THAT(Mismatches(InfoFor(info_), info_), testing::IsEmpty());
  // joints are for robots whose command is joints; poses are resolved there
  wrong = InfoFor(info_);
  wrong.action_meaning = kRelativeJoints;
  EXPECT_THAT(Mismatches(wrong, info_), testing::ElementsAre(HasSubstr(
                                            "answers with targets of joints, the robot takes poses "
                                            "(`action: joints` in its robot.yaml")));
  SimulatorInfo by_joints = info_;
  by_joints.action_kind = ActionKind::kJoints;
  EXPECT_THAT(Mismatches(wrong, by_joints), testing::IsEmpty());
  EXPECT_THAT(Mismatches(InfoFor(info_), by_joints), testing::IsEmpty());
  wrong = InfoFor(info_);
  wrong.control_hz = 10;
  EXPECT_THAT(
      [&] { Evaluate(HoldPolicy(wrong), simulators_, {}, Options(1, 1), {}, {}, quiet_); },
      ThrowsMessage<Error>(HasSubstr("control rate (Hz): the policy has 10, the simulator 20")));
  EvalOptions options = Options(1, 1);
  options.variant = "D7";
  EXPECT_THAT(
      [&] { Evaluate(HoldPolicy(InfoFor(info_)), simulators_, {}, options, {}, {}, quiet_); },
      ThrowsMessage<Error>(HasSubstr("unknown variant 'D7'")));
  options = Options(1, 1);
  options.execute = 99;
  EXPECT_THAT(
      [&] { Evaluate(HoldPolicy(InfoFor(info_)), simulators_, {}, options, {}, {}, quiet_); },
      ThrowsMessage<Error>(HasSubstr("execute = 99: a chunk of the policy has 16")));
}

class Listener : public Progress {
 public:
  void Message(const std::string& line) override { lines.push_back(line); }
  std::vector<std::string> lines;
};

TEST_F(EvaluateTest, AnUnknownInstructionIsReported) {
  PolicyInfo info = InfoFor(info_);
  info.tasks = {"fold the towel", "fold the shirt"};
  EvalOptions options = Options(1, 1);
  options.horizon = 3;
  Listener progress;
  const EvalReport report = Evaluate(HoldPolicy(info), simulators_, {}, options, {}, {}, progress);
  EXPECT_TRUE(report.unknown_instruction);
  EXPECT_EQ(report.ToJson()["unknown_instruction"], true);
  EXPECT_THAT(report.warnings, testing::ElementsAre(testing::AllOf(
                                   HasSubstr("unknown instruction: '" + info_.instruction + "'"),
                                   HasSubstr("was not in the training data"),
                                   HasSubstr("knows: 'fold the towel', 'fold the shirt'"))));
  EXPECT_EQ(progress.lines, report.warnings);
  // nothing to report if the policy knows it
  Listener silent;
  info.tasks.push_back(info_.instruction);
  const EvalReport known = Evaluate(HoldPolicy(info), simulators_, {}, options, {}, {}, silent);
  EXPECT_EQ(known.ToJson()["unknown_instruction"], false);
  EXPECT_THAT(known.warnings, testing::IsEmpty());
  EXPECT_THAT(silent.lines, testing::IsEmpty());
}

// What is measured with one version is compared with what another one measured.
TEST_F(EvaluateTest, ReportsSayWhichVersionMadeThem) {
  const HoldPolicy policy(InfoFor(info_));
  const EvalReport report = Evaluate(policy, simulators_, {}, Options(2, 1), {}, {}, quiet_);
  Json json = report.ToJson();
  EXPECT_EQ(json["program"], ProgramVersion());
  // those of older programs do not say it
  json.erase("program");
  EXPECT_EQ(ComparePaired(report, ReadEvalReport(json, "older"))["pairs"], 2);
}

// A policy that asks for leaps is held to the controller's box, as demonstrations were.
TEST_F(EvaluateTest, TargetsAreClippedPerStep) {
  const WanderingPolicy policy(info_);
  EvalOptions options = Options(3, 1);
  options.horizon = 60;
  EvalOptions free = options;
  free.clip_targets = false;
  const EvalReport clipped =
      Evaluate(policy, simulators_, FakeRenderers(), options, {}, {}, quiet_);
  const EvalReport loose = Evaluate(policy, simulators_, FakeRenderers(), free, {}, {}, quiet_);
  EXPECT_GT(clipped.episodes[0].clipped, 0);
  EXPECT_EQ(loose.episodes[0].clipped, 0);
}

class StopAfter : public Progress {
 public:
  void Advance(int64_t done, const std::string&) override {
    if (done >= 3) RequestInterrupt();
  }
};

TEST_F(EvaluateTest, AnInterruptKeepsWhatIsDone) {
  const HoldPolicy policy(InfoFor(info_));
  EvalOptions options = Options(20, 2);
  options.horizon = 5;
  StopAfter stop;
  const EvalReport report = Evaluate(policy, simulators_, {}, options, {}, {}, stop);
  EXPECT_TRUE(report.interrupted);
  EXPECT_EQ(report.episodes.size(), 3u);
}

TEST_F(EvaluateTest, PairsAreCompared) {
  const ReplayingPolicy good(task_, 1, 12, 0), fair(task_, 1, 12, 3);
  const EvalReport a = Evaluate(good, simulators_, {}, Options(12, 2), {}, {}, quiet_);
  const EvalReport b = Evaluate(fair, simulators_, {}, Options(12, 2), {}, {}, quiet_);
  const Json pair = ComparePaired(a, b);
  EXPECT_EQ(pair["pairs"], 12);
  EXPECT_EQ(pair["both"], 8);
  EXPECT_EQ(pair["only_a"], 4);
  EXPECT_EQ(pair["only_b"], 0);
  EXPECT_NEAR(pair["p_value"].get<double>(), 2.0 / 16, 1e-12);
  EXPECT_NEAR(pair["difference"].get<double>(), 1.0 / 3, 1e-12);
  EvalReport other = b;
  other.options.seed = 2;
  EXPECT_THAT([&] { ComparePaired(a, other); }, ThrowsMessage<Error>(HasSubstr("seeds 1 and 2")));
  other = a;
  other.options.render.shadows = true;
  EXPECT_THAT([&] { ComparePaired(a, other); }, ThrowsMessage<Error>(HasSubstr("renderings")));
}

// The report lists its films: another number of them is another result.
TEST(EvalOptions, WorkersAloneChangeNoResult) {
  EXPECT_EQ(OtherEffects<EvalOptions>(),
            (std::map<std::string, Effect>{{"workers", Effect::kSpeed}}));
}

}  // namespace
}  // namespace understudy
