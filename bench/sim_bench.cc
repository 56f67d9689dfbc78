// Speed of the digital twin on one core: policy steps per second of scripted grasps, and the time
// per physics step inside and outside MuJoCo.
#include <benchmark/benchmark.h>

#include "augment/plan.h"
#include "sim/scene.h"

namespace understudy {
namespace {

std::shared_ptr<const Scene> StackScene() {
  const TaskSpec task = LoadTaskSpec("stack", UNDERSTUDY_SOURCE_DIR "/sim/tasks");
  return Scene::Compile(task, LoadRobotSpec(task.robot, UNDERSTUDY_SOURCE_DIR "/sim/robots"));
}

// Down to cube A, close, lift: contacts as in real use.
void BM_GraspSteps(benchmark::State& state) {
  const auto simulator = MakeSimulator(StackScene());
  constexpr int kSteps = 60;
  uint64_t attempt = 0;
  int64_t steps = 0;
  for (auto _ : state) {
    simulator->Reset("D0", RngKey{1}.WithParent(attempt++));
    const Pose X_WE = simulator->Observe().arms[0].X_WE;
    const Eigen::Vector3d p_WA = simulator->Observe().X_WO[0].translation();
    for (int i = 0; i < kSteps; ++i) {
      const double height = i < 15 ? 0.1 - 0.1 * i / 15 : i < 35 ? 0 : 0.1 * (i - 35) / 25;
      Action action{{{Pose(X_WE.rotation(), p_WA + Eigen::Vector3d(0, 0, height)), -1}}};
      if (i >= 22) action.arms[0].gripper = 1;
      benchmark::DoNotOptimize(simulator->Step(action));
      benchmark::DoNotOptimize(simulator->Observe());
    }
    steps += kSteps;
  }
  const SimulatorTimes times = simulator->times();
  const double substeps = static_cast<double>(times.substeps);
  state.SetItemsProcessed(steps);
  state.counters["us_per_substep_physics"] = 1e6 * times.physics_s / substeps;
  state.counters["us_per_substep_outside"] = 1e6 * (times.total_s - times.physics_s) / substeps;
}
BENCHMARK(BM_GraspSteps)->Unit(benchmark::kMillisecond);

void BM_SaveRestore(benchmark::State& state) {
  const auto simulator = MakeSimulator(StackScene());
  simulator->Reset("D0", RngKey{1});
  for (auto _ : state) simulator->Restore(simulator->Save());
}
BENCHMARK(BM_SaveRestore)->Unit(benchmark::kMicrosecond);

void BM_Reset(benchmark::State& state) {
  const auto simulator = MakeSimulator(StackScene());
  uint64_t attempt = 0;
  for (auto _ : state) simulator->Reset("D1", RngKey{1}.WithParent(attempt++));
}
BENCHMARK(BM_Reset)->Unit(benchmark::kMicrosecond);

void BM_Compile(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(StackScene());
}
BENCHMARK(BM_Compile)->Unit(benchmark::kMillisecond);

// A scene of the plan `scenes`: drawn, compiled, and brought to a start.
void BM_Compose(benchmark::State& state) {
  const std::string file = UNDERSTUDY_SOURCE_DIR "/demo/scenes.yaml";
  const auto plan = FromJson<AugmentPlan>(LoadYaml(file), file);
  const auto simulator = MakeSimulator(StackScene());
  uint64_t scene = 0;
  for (auto _ : state) {
    const RngKey key = RngKey{1}.WithParent(scene++);
    simulator->SetWorld(Draw(plan, simulator->inventory(), key));
    simulator->Reset("D0", key);
  }
}
BENCHMARK(BM_Compose)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace understudy

BENCHMARK_MAIN();
