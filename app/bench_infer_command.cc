// bench infer: what an answer of a policy costs, phase by phase.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "app/commands.h"
#include "app/evaluated_twin.h"
#include "app/models.h"
#include "app/serve_command.h"
#include "app/twin.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/phases.h"
#include "core/base/statistics.h"
#include "core/motion/safety_filter.h"
#include "data/store/files.h"
#include "train/command.h"

namespace understudy {
namespace {

struct BenchInferFlags {
  std::string checkpoint;
  std::string embodiment, task, robot;
  int64_t rounds = 200;
  std::string out;
  template <class V>
  void Visit(V& v) {
    v("checkpoint", checkpoint, "run, checkpoint or pretrained_model folder", kRequired);
    v("embodiment", embodiment,
      "of a checkpoint that was trained on several; empty: the one that "
      "fits");
    v("task", task, "listed task or path of a task.yaml; empty: that of the checkpoint");
    v("robot", robot, "listed robot or path of a robot.yaml; empty: that of the checkpoint");
    v("rounds", rounds, "answers that are timed, after ten that are not", Limits{1, 1e7});
    v("out", out, "report to write", kOutput);
  }
};

constexpr int64_t kWarm = 10;

// Seconds of each round, by phase.
using Phases = std::map<std::string, std::vector<double>>;

Json Spread(const std::vector<double>& seconds) {
  return {{"p50_ms", 1000 * Quantile(seconds, 0.5)}, {"p99_ms", 1000 * Quantile(seconds, 0.99)}};
}

// What a policy sees at a start, its pictures drawn.
PolicyInput InputOf(const Twin& twin, const PolicyInfo& info, Simulator& simulator,
                    Phases* phases) {
  PolicyInput input;
  input.instruction = simulator.info().instruction;
  input.arms = simulator.Observe().arms;
  for (const std::string& object : info.objects) {
    const auto found = std::ranges::find(simulator.info().objects, object);
    input.X_WO.push_back(
        simulator.Observe().X_WO.at(static_cast<size_t>(found - simulator.info().objects.begin())));
  }
  if (info.cameras.empty()) return input;
  const std::unique_ptr<Renderer> renderer = twin.renderers();
  for (int64_t i = 0; i < kWarm + 50; ++i) {
    const double begin = MonotonicSeconds();
    renderer->Render(simulator.Save(), info.cameras, info.image_width, info.image_height,
                     &input.images);
    if (i >= kWarm) (*phases)["render"].push_back(MonotonicSeconds() - begin);
  }
  return input;
}

// Answers of the policy, with the phases that it has.
void TimeAnswers(const Policy& policy, const PolicyInput& input, int64_t rounds, Phases* phases) {
  PhaseCollector collector;
  for (int64_t i = 0; i < kWarm + rounds && !InterruptRequested(); ++i) {
    collector.TakeSeconds();
    const double begin = MonotonicSeconds();
    policy.Act(input, RngKey{1}.WithVariant(static_cast<uint64_t>(i)));
    const double seconds = MonotonicSeconds() - begin;
    const std::map<std::string, double> parts = collector.TakeSeconds();
    if (i < kWarm) continue;
    (*phases)["answer"].push_back(seconds);
    for (const auto& [name, part] : parts) (*phases)[name].push_back(part);
  }
}

// The safety filter on the way to what the policy wants: one command of all arms.
void TimeSafety(const Simulator& simulator, const ActionChunk& chunk, Phases* phases) {
  std::vector<SafetyFilter> guards = GuardsOf(simulator);
  for (size_t i = 0; i < 300; ++i) {
    const double begin = MonotonicSeconds();
    for (size_t a = 0; a < guards.size(); ++a) {
      guards[a].Limit(simulator.Resolve(a, chunk[i % chunk.size()].arms[a]),
                      simulator.Observe().arms[a].joint_q);
    }
    (*phases)["safety"].push_back(MonotonicSeconds() - begin);
  }
}

Json BenchInfer(const BenchInferFlags& flags, CommandContext& context) {
  EvalCommandOptions options;
  options.checkpoint = flags.checkpoint;
  options.embodiment = flags.embodiment;
  const Twin twin = TwinOfEvaluation(options, flags.task, flags.robot);
  if (!flags.out.empty() && !context.plan) TryToWrite(flags.out, "out");
  if (context.plan) return {{"checkpoint", flags.checkpoint}, {"rounds", flags.rounds}};

  const std::unique_ptr<Policy> policy =
      MakePolicy(options, twin.info, Models(), *context.progress);
  const PolicyInfo& info = policy->info();
  RequireFit(flags.checkpoint, info, twin.info);
  const std::unique_ptr<Simulator> simulator = twin.simulators();
  simulator->Reset(simulator->info().variants.front(), RngKey{1});
  Phases phases;
  const PolicyInput input = InputOf(twin, info, *simulator, &phases);
  TimeAnswers(*policy, input, flags.rounds, &phases);
  TimeSafety(*simulator, policy->Act(input, RngKey{1}), &phases);
  Phases served;
  if (WithServed(flags.checkpoint, [&](const Policy& remote) {
        TimeAnswers(remote, input, flags.rounds, &served);
      })) {
    // what the way there and back adds to the answer itself
    const double here = Quantile(phases["answer"], 0.5);
    for (const double seconds : served["answer"]) {
      phases["wire"].push_back(std::max(0.0, seconds - here));
    }
  }

  const double deadline = info.execute / info.control_hz;
  const auto late =
      std::ranges::count_if(phases["answer"], [&](double seconds) { return seconds > deadline; });
  Json result{{"policy", info.name},
              {"hash", info.hash},
              {"rounds", phases["answer"].size()},
              {"deadline_ms", 1000 * deadline},
              {"deadline_misses", late},
              {"interrupted", InterruptRequested()},
              {"phases", Json::object()}};
  for (const auto& [name, seconds] : phases) result["phases"][name] = Spread(seconds);
  ClearInterrupt();
  if (!flags.out.empty()) WriteTextAtomically(flags.out, result.dump(2) + "\n");
  return result;
}

std::string DescribeBenchInfer(const Json& result) {
  if (!result.contains("phases")) {
    return fmt::format("{} answers of {}\n", result["rounds"].dump(),
                       result["checkpoint"].get<std::string>());
  }
  std::string text = fmt::format("{:<10} {:>9} {:>9}   ms\n", "", "p50", "p99");
  for (const auto& [name, spread] : result["phases"].items()) {
    text += fmt::format("{:<10} {:>9.3f} {:>9.3f}\n", name, spread["p50_ms"].get<double>(),
                        spread["p99_ms"].get<double>());
  }
  text +=
      fmt::format("{} of {} answers came later than the {:.0f} ms that are executed of a chunk\n",
                  result["deadline_misses"].dump(), result["rounds"].dump(),
                  result["deadline_ms"].get<double>());
  return text;
}

}  // namespace

Command BenchInferCommand() {
  Command command = MakeCommand<BenchInferFlags>(
      "bench infer", "what an answer of a policy costs here, phase by phase", BenchInfer,
      DescribeBenchInfer);
  command.positional = {"checkpoint"};
  return command;
}

}  // namespace understudy
