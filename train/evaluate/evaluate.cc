#include "train/evaluate/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "train/evaluate/course.h"
#include "train/samples/embodiment.h"

namespace understudy {

RngKey EvaluationKey(uint64_t seed, int64_t index) {
  return RngKey{seed}.WithStage("evaluate").WithParent(static_cast<uint64_t>(index));
}

std::vector<std::string> Mismatches(const PolicyInfo& policy, const SimulatorInfo& simulator) {
  std::vector<std::string> problems;
  const auto differ = [&](const char* what, const auto& theirs, const auto& ours) {
    if (!(theirs == ours)) {
      problems.push_back(
          fmt::format("{}: the policy has {}, the simulator {}", what, theirs, ours));
    }
  };
  differ("robot", policy.robot, simulator.robot);
  differ("arms", static_cast<size_t>(policy.arms), simulator.arms.size());
  differ("control rate (Hz)", policy.control_hz, simulator.control_hz);
  differ("linear limit (m per step)", policy.limits.linear, simulator.limits.linear);
  differ("angular limit (rad per step)", policy.limits.angular, simulator.limits.angular);
  if (policy.action_meaning == kStoredColumns) {
    problems.push_back(
        "action meaning: the policy answers with columns of its dataset, the simulator takes "
        "targets of arms");
  } else if (policy.action_meaning != kRelativeJoints) {
    differ("action meaning", policy.action_meaning, std::string(kRelativeEef));
  } else if (simulator.action_kind != ActionKind::kJoints) {
    problems.push_back(
        "action meaning: the policy answers with targets of joints, the robot takes poses "
        "(`action: "
        "joints` in its robot.yaml makes it take joints)");
  }
  if (!SamePlace(policy.X_WB, simulator.base(0))) {
    differ("robot base", ToJson(policy.X_WB).dump(), ToJson(simulator.base(0)).dump());
  }
  for (const std::string& camera : policy.cameras) {
    if (std::find(simulator.cameras.begin(), simulator.cameras.end(), camera) ==
        simulator.cameras.end()) {
      problems.push_back("the simulator lacks a camera of the policy: " +
                         UnknownName("camera", camera, simulator.cameras));
    }
  }
  for (const std::string& object : policy.objects) {
    if (std::find(simulator.objects.begin(), simulator.objects.end(), object) ==
        simulator.objects.end()) {
      problems.push_back("the simulator lacks an object that the policy sees: " +
                         UnknownName("object", object, simulator.objects));
    }
  }
  return problems;
}

namespace {

ChunkOptions ChunksOf(const EvalOptions& options, const PolicyInfo& info) {
  // a delay of exactly k steps is k, whatever its decimals round to
  const int delay = static_cast<int>(std::ceil(options.delay * info.control_hz - 1e-9));
  return {.execute = std::max(1, options.execute > 0 ? options.execute : info.execute),
          .delay = delay,
          .stitching = options.stitching,
          .ensemble_decay = options.ensemble_decay};
}

// Whether a run that may stop looks at its rate after so many episodes: 50, 100, 200, 400, …
bool IsLook(int64_t episodes) {
  while (episodes > 50 && episodes % 2 == 0) episodes /= 2;
  return episodes == 50;
}

// Of a run of so many episodes, its end included.
int CountLooks(int64_t episodes) {
  int looks = IsLook(episodes) ? 0 : 1;
  for (int64_t look = 50; look <= episodes; look *= 2) ++looks;
  return looks;
}

bool HasEdits(const Suite& suite) {
  return std::ranges::any_of(suite.episodes, [](const SuiteEpisode& episode) {
    return !episode.look.edits.empty() || !episode.world.edits.empty();
  });
}

// Those that the policy was not trained on; one that says nothing of its tasks may know them all.
std::vector<std::string> UnknownInstructions(const PolicyInfo& info, const Suite* suite,
                                             const std::string& instruction) {
  std::vector<std::string> asked;
  if (!suite) asked.push_back(instruction);
  for (size_t i = 0; suite && i < suite->episodes.size(); ++i) {
    asked.push_back(suite->episodes[i].instruction);
  }
  std::vector<std::string> unknown;
  for (const std::string& text : asked) {
    const bool known =
        info.tasks.empty() || std::ranges::find(info.tasks, text) != info.tasks.end();
    if (!known && std::ranges::find(unknown, text) == unknown.end()) unknown.push_back(text);
  }
  return unknown;
}

}  // namespace

EvalReport Evaluate(const Policy& policy, const SimulatorFactory& simulators,
                    const RendererFactory& renderers, const EvalOptions& given,
                    const Variations& vary, const SinkFactory& sinks, Progress& progress,
                    const EpisodeSink& save, const Suite* suite, Takeover* takeover) {
  const EvalOptions options = suite ? OptionsOf(*suite, given) : given;
  Require(options.episodes > 0, "episodes to run");
  Require(!suite || (!vary.look && !vary.world), "a suite has its own looks and worlds");
  const double start = MonotonicSeconds();
  const SimulatorInfo simulator = simulators()->info();
  const PolicyInfo& info = policy.info();
  std::vector<std::string> problems = Mismatches(info, simulator);
  if (options.execute > info.horizon) {
    problems.push_back(fmt::format("execute = {}: a chunk of the policy has {} actions",
                                   options.execute, info.horizon));
  }
  const ChunkOptions chunks = ChunksOf(options, info);
  if (chunks.delay > 0 && ChunkPlayer::NeededHorizon(chunks) > info.horizon) {
    problems.push_back(
        fmt::format("delay = {} s, {} steps: with {} actions executed of a chunk it needs {} "
                    "actions, a chunk of "
                    "the policy has {}",
                    options.delay, chunks.delay, chunks.execute, ChunkPlayer::NeededHorizon(chunks),
                    info.horizon));
  }
  if (chunks.stitching == Stitching::kRtc && chunks.delay > info.max_delay) {
    problems.push_back(fmt::format(
        "stitching = rtc: a delay of {} s is {} steps, and the policy was trained for {} "
        "(policy.rtc_training_max_delay)",
        options.delay, chunks.delay,
        info.max_delay == 0 ? "none" : fmt::format("at most {}", info.max_delay)));
  }
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("policy '{}' does not fit task '{}': {}", info.name, simulator.task,
                              fmt::join(problems, "; ")));
  }
  if (!suite && std::find(simulator.variants.begin(), simulator.variants.end(), options.variant) ==
                    simulator.variants.end()) {
    ThrowUsage(UnknownName("variant", options.variant, simulator.variants));
  }

  EvalReport report;
  report.policy = info;
  report.task = simulator.task;
  report.robot = simulator.robot;
  for (const std::string& signal : simulator.signals) report.reached.emplace_back(signal, 0);
  report.options = options;
  report.varied = suite ? HasEdits(*suite) : vary.look || vary.world;
  if (suite) report.suite = suite->Hash();
  const std::vector<std::string> unknown =
      UnknownInstructions(info, suite, options.instruction.value_or(simulator.instruction));
  report.unknown_instruction = !unknown.empty();
  if (report.unknown_instruction) {
    report.warnings.push_back(fmt::format(
        "unknown instruction: '{}' of task '{}' was not in the training data of policy '{}', which "
        "knows: '{}'",
        fmt::join(unknown, "', '"), simulator.task, info.name, fmt::join(info.tasks, "', '")));
  }
  for (const std::string& warning : report.warnings) progress.Message(warning);
  report.options.execute = chunks.execute;
  report.takeover = takeover != nullptr;
  report.options.horizon = options.horizon > 0 ? options.horizon : simulator.horizon;
  const Course course{policy,
                      simulators,
                      renderers,
                      options,
                      vary,
                      chunks,
                      report.options.horizon,
                      static_cast<bool>(save),
                      suite,
                      report.suite,
                      takeover};
  const int workers = ThreadCount(options.workers, options.episodes);

  // the episodes; actions are kept only of those that will be shown
  std::vector<Rollout> shown;
  std::vector<double> latency;
  int left[2] = {sinks ? options.videos_failure : 0, sinks ? options.videos_success : 0};
  int64_t steps = 0;
  // each look may err by its share of 5 % (Bonferroni)
  const double z =
      NormalQuantile(1 - 0.025 / (options.until_width > 0 ? CountLooks(options.episodes) : 1));
  progress.Start("evaluating " + info.name, options.episodes, "episodes");
  const auto take = [&](int64_t index, Rollout&& rollout) {
    const EvalEpisode& episode = rollout.episode;
    if (rollout.ended == TakeoverEnd::kStopped) {
      report.interrupted = true;
      return false;
    }
    const bool kept =
        rollout.ended != TakeoverEnd::kDiscarded && !(takeover && rollout.rows.steps.empty());
    if (save && kept) save(rollout.rows);
    report.successes += episode.success;
    if (!episode.success) ++report.causes[episode.cause];
    for (auto& [signal, count] : report.reached) {
      count += std::find(episode.signals.begin(), episode.signals.end(), signal) !=
               episode.signals.end();
    }
    report.chunks += episode.chunks;
    report.render_s += rollout.render_s;
    report.step_s += rollout.step_s;
    if (report.renderer.empty()) report.renderer = rollout.renderer;
    steps += episode.steps;
    latency.insert(latency.end(), rollout.latency_s.begin(), rollout.latency_s.end());
    report.episodes.push_back(episode);
    if (left[episode.success] > 0) {
      --left[episode.success];
      shown.push_back(std::move(rollout));
    }
    progress.Advance(index + 1,
                     fmt::format("success {:.0f} %", 100.0 * report.successes / (index + 1.0)));
    report.interrupted = InterruptRequested();
    report.interval = WilsonInterval(report.successes, index + 1, z);
    const bool narrow = options.until_width > 0 && IsLook(index + 1) &&
                        report.interval.high - report.interval.low <= options.until_width;
    return !report.interrupted && !narrow;
  };
  if (takeover) {
    // a person is at one episode, with a device of this thread
    Bench bench;
    for (int64_t i = 0; i < options.episodes && take(i, course.Run(bench, i)); ++i) continue;
  } else {
    RunOrdered<Rollout>(
        workers, 0, options.episodes,
        [&](int, int64_t index) {
          thread_local Bench bench;
          return course.Run(bench, index);
        },
        take);
  }
  report.wall_s = MonotonicSeconds() - start;
  for (const double seconds : latency) report.act_s += seconds;
  report.latency_p50_ms = 1e3 * Quantile(latency, 0.5);
  report.latency_p99_ms = 1e3 * Quantile(latency, 0.99);
  report.steps_per_s = static_cast<double>(steps) / report.wall_s;
  progress.Finish(fmt::format("{} of {} succeeded", report.successes, report.episodes.size()));

  // the videos, after everything that counts
  if (!shown.empty() && !report.interrupted) {
    const std::vector<std::string>& cameras =
        info.cameras.empty() ? simulator.cameras : info.cameras;
    std::mutex making;
    progress.Start("recording", static_cast<int64_t>(shown.size()), "videos");
    RunOrdered<bool>(
        std::min(workers, static_cast<int>(shown.size())), 0, static_cast<int64_t>(shown.size()),
        [&](int, int64_t index) {
          const Rollout& rollout = shown[static_cast<size_t>(index)];
          std::unique_ptr<FrameSink> sink;
          {
            const std::lock_guard lock(making);
            sink = sinks(rollout.episode.index, rollout.episode.success, cameras,
                         simulator.control_hz);
          }
          thread_local Bench bench;
          if (sink) course.Record(bench, rollout, *sink, cameras);
          return true;
        },
        [&](int64_t index, bool&&) {
          progress.Advance(index + 1);
          return !InterruptRequested();
        });
    progress.Finish();
  }
  return report;
}

}  // namespace understudy
