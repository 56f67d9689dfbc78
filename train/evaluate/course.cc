#include "train/evaluate/course.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/version.h"
#include "core/episode/motion.h"

namespace understudy {
namespace {

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

// What leaves of a command.
void Guard(const Simulator& simulator, std::vector<SafetyFilter>& guards, Action* action,
           EvalEpisode* episode) {
  std::array<bool, kSafetyStops> stops{};
  for (size_t a = 0; a < guards.size(); ++a) {
    const SafeCommand command =
        guards[a].Limit(action->arms[a], simulator.Observe().arms[a].joint_q);
    action->arms[a] = command.action;
    for (size_t i = 0; i < kSafetyStops; ++i) stops[i] = stops[i] || command.stops[i];
  }
  for (size_t i = 0; i < kSafetyStops; ++i) episode->guarded[i] += stops[i];
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

}  // namespace

SuiteEpisode Course::Start(Bench& bench, int64_t place, bool pictures) const {
  if (!bench.simulator) bench.simulator = simulators();
  if (pictures && !bench.renderer) bench.renderer = renderers();
  Renderer* renderer = pictures ? bench.renderer.get() : nullptr;
  SuiteEpisode episode;
  if (suite) {
    episode = suite->episodes[static_cast<size_t>(place)];
    bench.simulator->SetWorld(episode.world);
    bench.simulator->Restore(episode.start);
    if (renderer) renderer->SetWorld(episode.world);
  } else {
    episode = DrawEpisode(options, vary, place, *bench.simulator, renderer);
  }
  if (renderer) renderer->SetVariation(episode.look);
  return episode;
}

Rollout Course::Run(Bench& bench, int64_t place) const {
  const double start = MonotonicSeconds();
  const PolicyInfo& info = policy.info();
  const bool looks = !info.cameras.empty();
  Rollout result;
  result.drawn = Start(bench, place, looks);
  Simulator& simulator = *bench.simulator;
  SignalWatch watch(simulator.info());
  EvalEpisode& episode = result.episode;
  result.place = place;
  episode.index = result.drawn.number;
  episode.drawn = DrawnValues(result.drawn.look, result.drawn.world);
  if (looks) result.renderer = bench.renderer->info().device;

  std::vector<size_t> places;
  for (const std::string& object : info.objects) {
    const std::vector<std::string>& known = simulator.info().objects;
    places.push_back(
        static_cast<size_t>(std::find(known.begin(), known.end(), object) - known.begin()));
  }

  const RngKey rollout_key = EvaluationKey(options.seed, episode.index);
  episode.start_state = HashOfState(simulator.Save());
  ChunkPlayer player(chunks);
  const Action hold = HoldOf(simulator);
  player.Reset(hold);
  std::vector<SafetyFilter> guards =
      options.safety ? GuardsOf(simulator) : std::vector<SafetyFilter>();
  std::vector<JerkMeter> jerk(simulator.info().arms.size(), JerkMeter(simulator.info().control_hz));
  std::deque<PolicyObservation> earlier;  // as many as the policy wants to see of the past
  watch.See(simulator.Observe());
  EventWatch events(simulator.info(), simulator.Observe());
  if (takeover) takeover->Begin(simulator, rollout_key);
  Action last = hold;
  bool person = false;  // acts in this step
  std::optional<SignalWatch>
      alone;          // what the policy had reached when it was first taken over from
  std::string cause;  // why the task was not done
  while (episode.steps - episode.corrected < horizon) {
    const TakeoverStep* turn = takeover ? &takeover->Next(simulator, last) : nullptr;
    if (turn && turn->end != TakeoverEnd::kNone) {
      result.ended = turn->end;
      cause = turn->cause;
      break;
    }
    if (turn) {
      // a policy that goes on looks first; what it meant to do before is void
      if (person && !turn->acts) player.Reset(last);
      if (turn->acts && !alone) alone = watch;
      person = turn->acts;
      episode.corrected += person;
    }
    const bool ends = !person && player.WantsChunk();
    PolicyInput input;
    // look only where a chunk ends, but for a policy that sees every step
    if (ends || info.history > 1) {
      static_cast<PolicyObservation&>(input) = Look(info, places, bench, &result.render_s);
    }
    if (ends) {
      input.instruction = result.drawn.instruction;
      if (episode.chunks == 0) episode.start_pictures = HashOfPictures(input.images);
      const auto wanted =
          std::min(static_cast<int64_t>(earlier.size()), info.EarlierAt(episode.steps));
      input.earlier.assign(earlier.end() - wanted, earlier.end());
      const RngKey key =
          rollout_key.WithTerm("policy").WithVariant(static_cast<uint64_t>(episode.chunks));
      if (chunks.stitching == Stitching::kRtc) input.committed = player.Committed();
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
    Action action = person ? turn->action : player.Next();
    const std::vector<ArmObservation>& arms = simulator.Observe().arms;
    for (size_t a = 0; a < arms.size(); ++a) jerk[a].See(arms[a].X_WE.translation());
    Require(action.arms.size() == arms.size(), "one target per arm");
    bool clipped = false;
    for (size_t a = 0; a < arms.size(); ++a) {
      const ArmAction wanted = action.arms[a] = simulator.Resolve(a, action.arms[a]);
      if (!options.clip_targets || person) continue;
      action.arms[a] = ClipTarget(arms[a].X_WE, wanted, simulator.info().limits);
      if (action.arms[a] == wanted) continue;
      action.arms[a] = simulator.Resolve(a, action.arms[a]);
      clipped = true;
    }
    episode.clipped += clipped;
    if (!guards.empty()) Guard(simulator, guards, &action, &episode);
    if (keep_rows) {
      Step& row = result.rows.steps.emplace_back(RowOf(simulator, action));
      if (turn) row.teleop = turn->teleop;
      if (turn && !person) row.label = StepLabel::kPolicy;
    }
    const double before = MonotonicSeconds();
    const StepOutcome outcome = simulator.Step(action);
    result.step_s += MonotonicSeconds() - before;
    if (!outcome.unstable) events.See(action, outcome, simulator.Observe());
    if (takeover) last = action;
    result.actions.push_back(std::move(action));
    ++episode.steps;
    episode.collisions += outcome.collision;
    episode.joint_limits += outcome.joint_limit;
    if (outcome.unstable) {
      cause = "unstable physics";
      break;
    }
    watch.See(simulator.Observe());
    if (simulator.Observe().success) {
      result.solved = true;
      break;
    }
  }
  if (!result.solved && cause.empty()) cause = watch.Cause();
  // what a person has brought to its end is no success of the policy
  episode.success = result.solved && episode.corrected == 0;
  episode.solved = result.solved;
  if (!episode.success) episode.cause = alone ? "taken over: " + alone->Cause() : cause;
  episode.signals = alone ? alone->came() : watch.came();
  episode.events = events.counts();
  episode.jerk_rms = JerkOf(jerk);
  episode.end_state = HashOfState(simulator.Save());
  TakeoverRecord taken;
  if (takeover) taken = takeover->End(result.solved, cause);
  if (keep_rows) EndRows(bench, std::move(taken), cause, &result);
  episode.seconds = MonotonicSeconds() - start;
  return result;
}

void Course::EndRows(const Bench& bench, TakeoverRecord taken, const std::string& cause,
                     Rollout* rollout) const {
  const EvalEpisode& ended = rollout->episode;
  const Simulator& simulator = *bench.simulator;
  const RngKey key = EvaluationKey(options.seed, ended.index);
  Episode& rows = rollout->rows;
  rows.final_state = simulator.Save();
  rows.final_observation = simulator.Observe();
  EpisodeMeta& meta = rows.meta;
  meta = MetaOf(simulator.info(), rollout->drawn.variant, key);
  meta.instruction = rollout->drawn.instruction;
  meta.success = rollout->solved;
  meta.cause = cause;
  meta.physics = rollout->drawn.world;
  if (!meta.physics.edits.empty()) meta.model_text = simulator.ModelText();
  meta.settings = {{"policy", policy.info().name},
                   {"weights", policy.info().hash},
                   {"options", ResultOptions(options)}};
  if (suite) meta.settings["suite"] = suite_hash;
  meta.quality = {{"clipped_steps", ended.clipped},
                  {"collision_steps", ended.collisions},
                  {"joint_limit_steps", ended.joint_limits},
                  {"chunks", ended.chunks}};
  meta.program_version = ProgramVersion();
  std::string identity = "evaluate " + meta.task + " " + meta.settings.dump();
  if (takeover) {
    meta.settings["takeover"] = std::move(taken.settings);
    meta.quality["takeovers"] = taken.takeovers;
    meta.quality["corrected_rows"] = ended.corrected;
    rows.raw = std::move(taken.raw);
    // a person does not do the same twice
    identity += fmt::format(" {} {:x}", meta.settings["takeover"].dump(), ended.end_state);
  }
  meta.uuid = MakeUuid(identity, key);
}

void Course::Record(Bench& bench, const Rollout& rollout, FrameSink& sink,
                    const std::vector<std::string>& cameras) const {
  Start(bench, rollout.place, true);
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
  if (bench.simulator->Observe().success != rollout.solved) {
    ThrowFailed(
        fmt::format("episode {} ended otherwise when it was played again for its video: "
                    "the simulator does not repeat itself",
                    rollout.episode.index));
  }
}

}  // namespace understudy
