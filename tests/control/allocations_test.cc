// The control path allocates nothing once it runs: every call of malloc on its thread is counted.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "serve/robots/simulated_robot.h"
#include "sim/scene.h"
#include "teleop/recorder.h"
#include "tests/drive/drive_parts.h"
#include "tests/teleop/fake_device.h"
#include "tests/teleop/fake_link.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDERSTUDY_SANITIZED 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDERSTUDY_SANITIZED 1
#endif
#endif

namespace {
thread_local int64_t allocations = 0;
}  // namespace

#ifndef UNDERSTUDY_SANITIZED
// in the place of the C library's, whose own names stay callable
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  ++allocations;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? 12 : 0;
}
}
#endif

namespace understudy {
namespace {

namespace fs = std::filesystem;

// Counts what the thread allocates in each step, from its first tick to the first of the next, what
// whoever moves the hand does in the ticks left out.
class CountingPacer final : public Pacer {
 public:
  CountingPacer(Pacer& pacer, int ticks_per_step) : pacer_(pacer), ticks_per_step_(ticks_per_step) {
    steps.reserve(100'000);
  }
  void Begin(const RngKey& key, const Observation& observation, int64_t step_ns,
             int ticks_per_step) override {
    pacer_.Begin(key, observation, step_ns, ticks_per_step);
  }
  bool Tick(const Observation& observation) override {
    if (ticks_ > 0) steps.back() += allocations - before_;
    if (ticks_++ % ticks_per_step_ == 0) steps.push_back(0);
    const bool on_time = pacer_.Tick(observation);
    // the clock is virtual, the disk is not: it gets time to keep up
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    before_ = allocations;
    return on_time;
  }
  std::string Account(const Observation& observation) const override {
    return pacer_.Account(observation);
  }

  std::vector<int64_t> steps;  // allocations of each

 private:
  Pacer& pacer_;
  int ticks_per_step_;
  int64_t ticks_ = 0, before_ = 0;
};

// Pages that are shown what happens and keep nothing, and a terminal that notes when it spoke.
class Watched final : public BrowserLink {
 public:
  void Show(const LiveFrame& frame) override { frame_ = frame; }
  void Say(const Json& status) override { said += status.contains("phase"); }
  void Look(const SceneVariation&) override {}
  void ChangeScene(const SceneViewFactory&) override {}
  void Reply(uint64_t, const Json&) override {}
  void Take(std::vector<BrowserMessage>*) override {}
  const std::string& url() const override { return url_; }
  int64_t said = 0;

 private:
  LiveFrame frame_;
  std::string url_;
};

// By robot: one that follows poses, one whose five joints are searched in every step.
class ControlPath : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Robots, ControlPath, testing::Values("panda", "so101"),
                         [](const auto& robot) { return robot.param; });

TEST_P(ControlPath, AllocatesNothingBetweenWhatIsSaid) {
#ifdef UNDERSTUDY_SANITIZED
  GTEST_SKIP() << "a sanitizer has its own malloc";
#endif
  const fs::path tasks = UNDERSTUDY_SOURCE_DIR "/sim/tasks";
  const TaskSpec task = LoadTaskSpec("stack", tasks);
  const RobotSpec robot = LoadRobotSpec(GetParam(), UNDERSTUDY_SOURCE_DIR "/sim/robots");
  const std::shared_ptr<const Scene> scene = Scene::Compile(task, robot);
  const std::unique_ptr<Simulator> simulator = MakeSimulator(scene), checker = MakeSimulator(scene);
  FakeDevice device;
  device.felt.reserve(1000);
  OperatorAtDevice operator_(LoadOperatorSpec(task), task, simulator->info(), device);
  RecordOptions options;
  CountingPacer pacer(operator_.pacer, options.samples_per_step);
  Watched watched;
  Announcer announcer(&watched, nullptr);
  // when each step was, in what was said until then
  std::vector<int64_t> said;
  said.reserve(100'000);
  device.spoil = [&](RawSample&) { said.push_back(watched.said); };

  const fs::path folder = fs::path(testing::TempDir()) / "control_path" / GetParam();
  fs::remove_all(folder);
  fs::create_directories(folder);
  RecordPlan plan;
  plan.file = folder / "a.h5";
  plan.header.simulator = simulator->info();
  plan.header.model_text = simulator->ModelText();
  plan.variant = "D0";
  plan.key = RngKey{.seed = 5}.WithStage("teleop").WithParent(2);
  const RecordOutcome outcome =
      Record(device, *simulator, *checker, task, pacer, plan, options, announcer).Wait();
  ASSERT_TRUE(outcome.success) << outcome.cause;
  fs::remove_all(folder);

  // warm after a second; steps in which something was said may allocate, as may the test itself
  const auto ticks = static_cast<size_t>(options.samples_per_step);
  ASSERT_GT(pacer.steps.size(), 100u);
  size_t silent = 0;
  for (size_t i = pacer.steps.size() - static_cast<size_t>(outcome.steps) + 20;
       i + 1 < pacer.steps.size(); ++i) {
    const auto at = [&](size_t step) { return said.at(step * ticks); };
    if (at(i + 1) != at(i)) continue;
    ++silent;
    EXPECT_EQ(pacer.steps[i], 0) << "step " << i;
  }
  EXPECT_GT(silent, static_cast<size_t>(outcome.steps) / 2);
}

// Counts what the thread allocates in each step of a trial, what the policy does left out.
class CountingClock final : public DriveClock {
 public:
  CountingClock() { steps.reserve(100'000); }
  int64_t NowNs() const override { return now_ns_; }
  void SleepUntil(int64_t ns) override {
    now_ns_ = ns;
    if (begun_) steps.push_back(allocations - before_);
    begun_ = true;
    // the clock is virtual, the disk is not: it gets time to keep up
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    before_ = allocations;
  }
  // Of the caller's own.
  void Forgive(int64_t count) { before_ += count; }
  std::vector<int64_t> steps;

 private:
  int64_t now_ns_ = 1'000'000'000, before_ = 0;
  bool begun_ = false;
};

TEST_P(ControlPath, ATrialOfAPolicyAllocatesNothing) {
#ifdef UNDERSTUDY_SANITIZED
  GTEST_SKIP() << "a sanitizer has its own malloc";
#endif
  const TaskSpec task = LoadTaskSpec("stack", UNDERSTUDY_SOURCE_DIR "/sim/tasks");
  const RobotSpec spec = LoadRobotSpec(GetParam(), UNDERSTUDY_SOURCE_DIR "/sim/robots");
  CountingClock clock;
  const std::unique_ptr<Robot> robot = MakeSimulatedRobot(MakeSimulator(Scene::Compile(task, spec)),
                                                          "D0", [&] { return clock.NowNs(); });
  // a wave about where the arm began
  Action home;
  DriveOptions options;
  options.stitching = Stitching::kEnsemble;
  DriveControl control(*robot, 16, 4, 0, options);
  int64_t ours = 0;
  DelayedPolicy policy(
      [&](const ChunkRequest& request) {
        const int64_t before = allocations;
        if (home.arms.empty()) {
          const ArmObservation& arm = request.reading.observation.arms[0];
          home.arms.push_back({arm.X_WE, -1, {}});
          if (robot->info().action_kind == ActionKind::kJoints) home.arms[0].q_cmd = arm.joint_q;
        }
        std::vector<Action> chunk(16, home);
        for (size_t k = 0; k < chunk.size(); ++k) {
          const double t = 0.2 * static_cast<double>(request.step + static_cast<int64_t>(k));
          ArmAction& arm = chunk[k].arms[0];
          arm.X_WE_cmd = Pose(arm.X_WE_cmd.rotation(),
                              arm.X_WE_cmd.translation() +
                                  Eigen::Vector3d(0, 0.05 * std::sin(t), 0.02 * std::cos(t)));
          if (arm.q_cmd.size() > 0) arm.q_cmd[1] += 0.1 * std::sin(t);
        }
        ours += allocations - before;
        clock.Forgive(allocations - before);
        return chunk;
      },
      control, 2);
  const fs::path folder = fs::path(testing::TempDir()) / "drive_path" / GetParam();
  fs::remove_all(folder);
  fs::create_directories(folder);
  DatasetHeader header;
  header.simulator = robot->info();
  DriveLog log(folder / "a.h5", header, MetaOf(robot->info(), "D0", RngKey{1}));
  AlwaysHeld held;
  const DriveOutcome trial = RunDriveTrial({*robot, policy, held, clock, &log, {}}, control,
                                           options, 10, false, RngKey{1});
  EXPECT_EQ(trial.cause, "out of time");
  EXPECT_GT(ours, 100);
  log.Finish({}, RngKey{1}, trial.end.state, trial.end.observation);
  fs::remove_all(folder);
  ASSERT_GT(clock.steps.size(), 200u);
  // warm after a second; braking at the end copies what the trial ended with
  for (size_t i = 20; i < 200; ++i) EXPECT_EQ(clock.steps[i], 0) << "step " << i;
}

}  // namespace
}  // namespace understudy
