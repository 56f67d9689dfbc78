#include "train/evaluate/evaluate.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <mutex>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/ordered_pool.h"
#include "core/base/version.h"
#include "core/episode/motion.h"
#include "train/samples/embodiment.h"

namespace understudy {
namespace {

// What an episode leaves behind for the report and for its video.
struct Rollout {
  EvalEpisode episode;
  std::vector<Action> actions;
  std::vector<double> latency_s;
  double render_s = 0, step_s = 0;
  std::string renderer;
  Episode rows;  // where they are kept
};

// One thread's own simulator and renderer: made on it, used on it and, being thread_local, taken
// down on it, as OpenGL wants.
struct Bench {
  std::unique_ptr<Simulator> simulator;
  std::unique_ptr<Renderer> renderer;
};

struct Course {
  const Policy& policy;
  const SimulatorFactory& simulators;
  const RendererFactory& renderers;
  const EvalOptions& options;
  const Variations& vary;
  ChunkOptions chunks;
  int horizon;
  bool keep_rows = false;

  RngKey EpisodeKey(int64_t index) const {
    return RngKey{options.seed}.WithStage("evaluate").WithParent(static_cast<uint64_t>(index));
  }

  // Where episode `index` starts and how it looks.
  void Start(Bench& bench, int64_t index, bool pictures) const {
    if (!bench.simulator) bench.simulator = simulators();
    if (pictures && !bench.renderer) bench.renderer = renderers();
    const RngKey key = EpisodeKey(index);
    const PhysicsVariation world = WorldOf(*bench.simulator, index);
    if (vary.world) bench.simulator->SetWorld(world);
    bench.simulator->Reset(options.variant, key);
    if (!pictures) return;
    if (vary.world) bench.renderer->SetWorld(world);
    bench.renderer->SetVariation(vary.look
                                     ? vary.look(bench.renderer->inventory(), key.WithTerm("look"))
                                     : SceneVariation{});
  }
  PhysicsVariation WorldOf(const Simulator& simulator, int64_t index) const {
    if (!vary.world) return {};
    return vary.world(simulator.inventory(), EpisodeKey(index).WithTerm("world"));
  }

  Rollout Run(Bench& bench, int64_t index) const;
  void EndRows(const Bench& bench, Rollout* rollout) const;
  void Record(Bench& bench, const Rollout& rollout, FrameSink& sink,
              const std::vector<std::string>& cameras) const;
};

// Follows the subtask signals of an episode and says how far it came.
class SignalWatch {
 public:
  explicit SignalWatch(const SimulatorInfo& info)
      : names_(info.signals), seen_(info.signals.size()) {}

  void See(const Observation& observation) {
    now_ = observation.signals;
    for (size_t i = 0; i < seen_.size() && i < now_.size(); ++i) {
      if (now_[i] != 0 && !seen_[i]) {
        seen_[i] = true;
        came_.push_back(names_[i]);
      }
    }
  }
  const std::vector<std::string>& came() const { return came_; }

  // Why the time ran out. Signals are listed in the order of subtasks: the first that is missing is
  // where it ended (of parallel ones, the first in the list); where none is, what was reached
  // either still holds or was lost.
  std::string Cause() const {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (!seen_[i]) return fmt::format("never reached '{}'", names_[i]);
    }
    if (names_.empty()) return "out of time";
    const size_t last = names_.size() - 1;
    const bool holds = last < now_.size() && now_[last] != 0;
    return holds ? fmt::format("out of time with '{}'", names_[last])
                 : fmt::format("lost '{}' without success", names_[last]);
  }

 private:
  std::vector<std::string> names_, came_;
  std::vector<bool> seen_;
  std::vector<uint8_t> now_;
};

// What the policy sees now. `places` of its objects among those of the simulator.
PolicyObservation Look(const PolicyInfo& info, const std::vector<size_t>& places,
                       const Bench& bench, double* render_s) {
  const Observation& now = bench.simulator->Observe();
  PolicyObservation seen;
  seen.arms = now.arms;
  for (const size_t place : places) seen.X_WO.push_back(now.X_WO[place]);
  if (info.cameras.empty()) return seen;
  const double before = MonotonicSeconds();
  bench.renderer->Render(bench.simulator->Save(), info.cameras, info.image_width, info.image_height,
                         &seen.images);
  *render_s += MonotonicSeconds() - before;
  return seen;
}

// What arms do that do nothing: they stay where they are, fingers open.
Action HoldOf(const Simulator& simulator) {
  Action hold;
  for (const ArmObservation& arm : simulator.Observe().arms) {
    hold.arms.push_back({arm.X_WE, -1, {}});
    if (simulator.info().action_kind == ActionKind::kJoints) hold.arms.back().q_cmd = arm.joint_q;
  }
  return hold;
}

// Root mean square over all arms.
double JerkOf(const std::vector<JerkMeter>& arms) {
  double squares = 0, count = 0;
  for (const JerkMeter& arm : arms) {
    squares += arm.squares();
    count += static_cast<double>(arm.count());
  }
  return count > 0 ? std::sqrt(squares / count) : 0;
}

uint64_t HashOfState(const SimState& state) {
  return HashOf({reinterpret_cast<const char*>(state.data()), state.size() * sizeof(double)});
}

uint64_t HashOfPictures(const std::vector<Image>& images) {
  uint64_t hash = 0;
  for (const Image& image : images) {
    hash = 31 * hash + HashOf({reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size()});
  }
  return hash;
}

// What is about to be done, and where from.
Step RowOf(Simulator& simulator, const Action& action) {
  Step row;
  row.observation = simulator.Observe();
  row.state = simulator.Save();
  row.action = row.action_clean = action;
  for (size_t a = 0; a < action.arms.size(); ++a) {
    row.delta.push_back(
        DeltaFromTarget(row.observation.arms[a].X_WE, action.arms[a], simulator.info().limits));
  }
  return row;
}

Rollout Course::Run(Bench& bench, int64_t index) const {
  const double start = MonotonicSeconds();
  const PolicyInfo& info = policy.info();
  const bool looks = !info.cameras.empty();
  Start(bench, index, looks);
  Simulator& simulator = *bench.simulator;
  SignalWatch watch(simulator.info());
  Rollout result;
  EvalEpisode& episode = result.episode;
  episode.index = index;
  if (looks) result.renderer = bench.renderer->info().device;

  std::vector<size_t> places;
  for (const std::string& object : info.objects) {
    const std::vector<std::string>& known = simulator.info().objects;
    places.push_back(
        static_cast<size_t>(std::find(known.begin(), known.end(), object) - known.begin()));
  }

  episode.start_state = HashOfState(simulator.Save());
  ChunkPlayer player(chunks);
  player.Reset(HoldOf(simulator));
  std::vector<JerkMeter> jerk(simulator.info().arms.size(), JerkMeter(simulator.info().control_hz));
  std::deque<PolicyObservation> earlier;  // as many as the policy wants to see of the past
  watch.See(simulator.Observe());
  while (episode.steps < horizon) {
    const bool ends = player.WantsChunk();
    PolicyInput input;
    // look only where a chunk ends, but for a policy that sees every step
    if (ends || info.history > 1) {
      static_cast<PolicyObservation&>(input) = Look(info, places, bench, &result.render_s);
    }
    if (ends) {
      input.instruction = options.instruction.value_or(simulator.info().instruction);
      if (episode.chunks == 0) episode.start_pictures = HashOfPictures(input.images);
      const auto wanted =
          std::min(static_cast<int64_t>(earlier.size()), info.EarlierAt(episode.steps));
      input.earlier.assign(earlier.end() - wanted, earlier.end());
      const RngKey key =
          EpisodeKey(index).WithTerm("policy").WithVariant(static_cast<uint64_t>(episode.chunks));
      const double before = MonotonicSeconds();
      ActionChunk chunk = policy.Act(input, key);
      result.latency_s.push_back(MonotonicSeconds() - before);
      Require(!chunk.empty(), "a policy answers with at least one action");
      player.Add(std::move(chunk));
      ++episode.chunks;
    }
    if (info.history > 1) {
      earlier.push_back(std::move(input));
      if (earlier.size() >= static_cast<size_t>(info.history)) earlier.pop_front();
    }
    Action action = player.Next();
    const std::vector<ArmObservation>& arms = simulator.Observe().arms;
    for (size_t a = 0; a < arms.size(); ++a) jerk[a].See(arms[a].X_WE.translation());
    Require(action.arms.size() == arms.size(), "one target per arm");
    bool clipped = false;
    for (size_t a = 0; a < arms.size(); ++a) {
      const ArmAction wanted = action.arms[a] = simulator.Resolve(a, action.arms[a]);
      if (!options.clip_targets) continue;
      action.arms[a] = ClipTarget(arms[a].X_WE, wanted, simulator.info().limits);
      if (action.arms[a] == wanted) continue;
      action.arms[a] = simulator.Resolve(a, action.arms[a]);
      clipped = true;
    }
    episode.clipped += clipped;
    if (keep_rows) result.rows.steps.push_back(RowOf(simulator, action));
    const double before = MonotonicSeconds();
    const StepOutcome outcome = simulator.Step(action);
    result.step_s += MonotonicSeconds() - before;
    result.actions.push_back(std::move(action));
    ++episode.steps;
    episode.collisions += outcome.collision;
    episode.joint_limits += outcome.joint_limit;
    if (outcome.unstable) {
      episode.cause = "unstable physics";
      break;
    }
    watch.See(simulator.Observe());
    if (simulator.Observe().success) {
      episode.success = true;
      break;
    }
  }
  if (!episode.success && episode.cause.empty()) episode.cause = watch.Cause();
  episode.signals = watch.came();
  episode.jerk_rms = JerkOf(jerk);
  episode.end_state = HashOfState(simulator.Save());
  if (keep_rows) EndRows(bench, &result);
  episode.seconds = MonotonicSeconds() - start;
  return result;
}

// All but the rows.
void Course::EndRows(const Bench& bench, Rollout* rollout) const {
  const EvalEpisode& ended = rollout->episode;
  const Simulator& simulator = *bench.simulator;
  const RngKey key = EpisodeKey(ended.index);
  Episode& rows = rollout->rows;
  rows.final_state = simulator.Save();
  rows.final_observation = simulator.Observe();
  EpisodeMeta& meta = rows.meta;
  meta = MetaOf(simulator.info(), options.variant, key);
  if (options.instruction) meta.instruction = *options.instruction;
  meta.success = ended.success;
  meta.cause = ended.cause;
  meta.physics = WorldOf(simulator, ended.index);
  if (!meta.physics.edits.empty()) meta.model_text = simulator.ModelText();
  meta.settings = {{"policy", policy.info().name},
                   {"weights", policy.info().hash},
                   {"options", ResultOptions(options)}};
  meta.quality = {{"clipped_steps", ended.clipped},
                  {"collision_steps", ended.collisions},
                  {"joint_limit_steps", ended.joint_limits},
                  {"chunks", ended.chunks}};
  meta.program_version = ProgramVersion();
  meta.uuid = MakeUuid("evaluate " + meta.task + " " + meta.settings.dump(), key);
}

// The rollout again from its actions, every step shown.
void Course::Record(Bench& bench, const Rollout& rollout, FrameSink& sink,
                    const std::vector<std::string>& cameras) const {
  Start(bench, rollout.episode.index, true);
  std::vector<Image> images;
  for (const Action& action : rollout.actions) {
    bench.renderer->Render(bench.simulator->Save(), cameras, options.video_width,
                           options.video_height, &images);
    sink.Add(images);
    if (bench.simulator->Step(action).unstable) {
      sink.Finish();
      return;
    }
  }
  bench.renderer->Render(bench.simulator->Save(), cameras, options.video_width,
                         options.video_height, &images);
  sink.Add(images);
  sink.Finish();
  if (bench.simulator->Observe().success != rollout.episode.success) {
    ThrowFailed(
        fmt::format("episode {} ended otherwise when it was played again for its video: "
                    "the simulator does not repeat itself",
                    rollout.episode.index));
  }
}

}  // namespace

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

}  // namespace

EvalReport Evaluate(const Policy& policy, const SimulatorFactory& simulators,
                    const RendererFactory& renderers, const EvalOptions& options,
                    const Variations& vary, const SinkFactory& sinks, Progress& progress,
                    const EpisodeSink& save) {
  Require(options.episodes > 0, "episodes to run");
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
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("policy '{}' does not fit task '{}': {}", info.name, simulator.task,
                              fmt::join(problems, "; ")));
  }
  if (std::find(simulator.variants.begin(), simulator.variants.end(), options.variant) ==
      simulator.variants.end()) {
    ThrowUsage(UnknownName("variant", options.variant, simulator.variants));
  }

  EvalReport report;
  report.policy = info;
  report.task = simulator.task;
  report.robot = simulator.robot;
  for (const std::string& signal : simulator.signals) report.reached.emplace_back(signal, 0);
  report.options = options;
  report.varied = vary.look || vary.world;
  // a policy that says nothing of its tasks may know this one
  const std::string instruction = options.instruction.value_or(simulator.instruction);
  report.unknown_instruction =
      !info.tasks.empty() &&
      std::find(info.tasks.begin(), info.tasks.end(), instruction) == info.tasks.end();
  if (report.unknown_instruction) {
    report.warnings.push_back(fmt::format(
        "unknown instruction: '{}' of task '{}' was not in the training data of policy '{}', which "
        "knows: {}",
        instruction, simulator.task, info.name,
        info.tasks.empty() ? "none" : fmt::format("'{}'", fmt::join(info.tasks, "', '"))));
  }
  for (const std::string& warning : report.warnings) progress.Message(warning);
  report.options.execute = chunks.execute;
  report.options.horizon = options.horizon > 0 ? options.horizon : simulator.horizon;
  const Course course{policy,
                      simulators,
                      renderers,
                      options,
                      vary,
                      chunks,
                      report.options.horizon,
                      static_cast<bool>(save)};
  const int workers = ThreadCount(options.workers, options.episodes);

  // the episodes; actions are kept only of those that will be shown
  std::vector<Rollout> shown;
  std::vector<double> latency;
  int left[2] = {sinks ? options.videos_failure : 0, sinks ? options.videos_success : 0};
  int64_t steps = 0;
  progress.Start("evaluating " + info.name, options.episodes, "episodes");
  RunOrdered<Rollout>(
      workers, 0, options.episodes,
      [&](int, int64_t index) {
        thread_local Bench bench;
        return course.Run(bench, index);
      },
      [&](int64_t index, Rollout&& rollout) {
        const EvalEpisode& episode = rollout.episode;
        if (save) save(rollout.rows);
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
        return !report.interrupted;
      });
  report.wall_s = MonotonicSeconds() - start;
  report.interval = WilsonInterval(report.successes, static_cast<int64_t>(report.episodes.size()));
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
