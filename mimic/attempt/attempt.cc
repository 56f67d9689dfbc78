#include "mimic/attempt/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "mimic/attempt/attempt_meta.h"
#include "mimic/attempt/feedback.h"
#include "mimic/attempt/subtask_planner.h"
#include "mimic/attempt/watch.h"

namespace understudy {
namespace {

// Distance and angle of E to the nearer of target and where the source's arm was.
struct Miss {
  double distance = 0, angle = 0;
};
Miss MissOf(const Waypoint& waypoint, size_t arm, const Pose& X_WE) {
  const auto to = [&](const Pose& X) {
    return Miss{(X.translation() - X_WE.translation()).norm(),
                AngleBetween(X.rotation(), X_WE.rotation())};
  };
  const Miss commanded = to(waypoint.target.arms[arm].X_WE_cmd);
  const Miss measured = to(waypoint.X_WE_arrived[arm]);
  return measured.distance < commanded.distance ? measured : commanded;
}

bool Closes(double gripper) { return gripper > 0; }

// A subtask in progress: what its arms do next, and the evidence of how it went.
struct ActiveSubtask {
  enum class Phase { kBridge, kAwaitBridge, kSegment, kCheck };
  size_t subtask = 0;
  SubtaskPlan plan;
  Phase phase = Phase::kBridge;
  size_t next = 0;       // place in the way
  int waited = 0;        // steps, for what holds it up
  size_t event_arm = 0;  // arms before this one have no gripper event at the next waypoint, or may
                         // go on
  // the command of this step, for the subtask's arms
  bool ready = false;
  Action command;
  StepLabel label = StepLabel::kHold;
  int32_t source_step = -1;
  double sigma = 0;               // of its noise
  const Waypoint* led = nullptr;  // in the way: where the source's hands were; null: not followed

  bool joint_limit = false, collided = false;
  std::string touching;    // by an arm link, what first
  double bridge_miss = 0;  // m
  Miss event_miss;
};

// What the start of the attempt with this key is drawn from.
RngKey StartKey(const RngKey& key) { return key.WithTerm("reset"); }

// One attempt in progress. Members that end the attempt return false once a failure is set.
class Runner {
 public:
  Runner(const SourceSet& sources, const TaskSpec& task, Simulator& simulator,
         TransitPlanner* transits, const GenerateOptions& options, const RngKey& key)
      : task_(task),
        simulator_(simulator),
        options_(options),
        key_(key),
        planner_(sources, task, simulator, transits, options.reach_margin, key),
        parallel_(HasParallel(task)),
        noise_(key.WithTerm("noise")),
        last_noise_(6 * simulator.info().arms.size()),
        // a hand that cannot take every orientation is never where the source's was
        feedback_(simulator.info().tilt > 0 ? 0 : options.feedback, simulator.info().arms.size()),
        watch_(task, simulator.info()),
        quality_(options.gates),
        states_(task.subtasks.size()) {
    max_steps_ = MostSteps(options, task, sources);
    arrival_angle_ = options.arrival_angle + simulator.info().tilt;
  }

  Attempt Run(const std::string& variant) {
    simulator_.Reset(variant, StartKey(key_));
    attempt_.episode.meta = MetaOf(simulator_.info(), variant, key_);
    attempt_.X_WO_start = simulator_.Observe().X_WO;
    attempt_.episode.steps.reserve(256);
    for (const ArmObservation& arm : simulator_.Observe().arms)
      last_.arms.push_back({arm.X_WE, -1});

    bool alive = Prepare();
    while (alive && !active_.empty()) alive = Execute() && Prepare();
    if (alive) AwaitSuccess();
    Finish();
    return std::move(attempt_);
  }

 private:
  enum class State { kToCome, kBegun, kEnded };

  const Observation& now() const { return simulator_.Observe(); }
  int32_t step() const { return static_cast<int32_t>(attempt_.episode.steps.size()); }
  const Subtask& subtask(const ActiveSubtask& active) const {
    return task_.subtasks[active.subtask];
  }
  // The first in the list that goes on; at the end the one that ended last.
  const ActiveSubtask& leading() const { return active_.empty() ? ended_ : active_.front(); }

  bool Fail(size_t subtask, FailureCause cause, const std::string& detail) {
    attempt_.failure = Failure{cause, static_cast<int32_t>(subtask), step(), detail};
    return false;
  }

  // What the end of a subtask is blamed on: the first cause that the evidence supports.
  bool FailFor(const ActiveSubtask& active, FailureCause otherwise, const std::string& what) {
    const bool missed_event = active.event_miss.distance > subtask(active).arrival_tolerance ||
                              active.event_miss.angle > arrival_angle_;
    const bool missed_bridge = active.bridge_miss > options_.bridge_tolerance;
    const std::string detail = fmt::format(
        "{}; E was {:.1f} cm off when the segment began and {:.1f} cm off at gripper events{}{}",
        what, 100 * active.bridge_miss, 100 * active.event_miss.distance,
        active.collided ? "; " + active.touching : "",
        active.joint_limit ? "; a joint stood at its limit" : "");
    if (active.joint_limit && (missed_event || missed_bridge))
      return Fail(active.subtask, FailureCause::kJointLimit, detail);
    if (active.collided) return Fail(active.subtask, FailureCause::kCollision, detail);
    if (missed_bridge) return Fail(active.subtask, FailureCause::kBridgeLate, detail);
    if (missed_event) return Fail(active.subtask, FailureCause::kUnreachable, detail);
    return Fail(active.subtask, otherwise, detail);
  }

  // Gives every subtask that goes on a command for this step; those that are over make room for
  // others. Nothing goes on any more: all have ended.
  bool Prepare() {
    for (bool changed = true; changed;) {
      if (!BeginReady()) return false;
      changed = false;
      for (size_t i = 0; i < active_.size();) {
        ActiveSubtask& active = active_[i];
        if (!active.ready && !Advance(&active)) return false;
        if (active.ready) {
          ++i;
          continue;
        }
        watch_.End(active.subtask);
        states_[active.subtask] = State::kEnded;
        ended_ = std::move(active);
        active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i));
        changed = true;
      }
    }
    return true;
  }

  // Begins the subtasks that wait for none that has not ended.
  bool BeginReady() {
    for (size_t i = 0; i < states_.size(); ++i) {
      bool ready = states_[i] == State::kToCome;
      for (size_t j = 0; j < i; ++j) {
        ready = ready && (states_[j] == State::kEnded || !WaitsFor(task_, i, j));
      }
      if (!ready) continue;
      states_[i] = State::kBegun;
      watch_.Begin(i);
      ActiveSubtask active;
      active.subtask = i;
      const auto problem = planner_.Plan(i, watch_, step() == 0, &last_, &active.plan);
      attempt_.sources.resize(std::max(attempt_.sources.size(), i + 1), -1);
      attempt_.sources[i] = active.plan.source;
      const auto behind =
          std::find_if(active_.begin(), active_.end(),
                       [&](const ActiveSubtask& other) { return other.subtask > i; });
      active_.insert(behind, std::move(active));
      if (problem) return Fail(i, problem->cause, problem->detail);
    }
    return true;
  }

  static void Command(ActiveSubtask* active, const Action& target, StepLabel label,
                      int32_t source_step, double sigma) {
    active->ready = true;
    active->command = target;
    active->label = label;
    active->source_step = source_step;
    active->sigma = sigma;
    active->led = nullptr;
  }
  // One step at `target` without noise.
  static void Hold(ActiveSubtask* active, const Action& target, int32_t source_step = -1) {
    ++active->waited;
    Command(active, target, StepLabel::kHold, source_step, 0);
  }
  static void SetPhase(ActiveSubtask* active, ActiveSubtask::Phase phase) {
    active->phase = phase;
    active->waited = 0;
  }

  // The next command of a subtask: bridge, waiting for E, segment, waiting for its condition. Not
  // ready behind all that: it is over.
  bool Advance(ActiveSubtask* active) {
    const std::vector<Waypoint>& way = active->plan.way;
    const Subtask& own = subtask(*active);
    const double sigma = own.action_noise;
    const auto follow = [&](double noise) {
      const Waypoint& waypoint = way[active->next++];
      Command(active, waypoint.target, waypoint.label, waypoint.source_step, noise);
      if (waypoint.led) active->led = &waypoint;
    };

    if (active->phase == ActiveSubtask::Phase::kBridge) {
      if (active->next < way.size() && way[active->next].label == StepLabel::kBridge) {
        follow(own.bridge_noise ? sigma : 0);
        return true;
      }
      SetPhase(active, ActiveSubtask::Phase::kAwaitBridge);
    }
    if (active->phase == ActiveSubtask::Phase::kAwaitBridge) {
      AwaitBridge(active);
      if (active->ready) return true;
      SetPhase(active, ActiveSubtask::Phase::kSegment);
    }
    if (active->phase == ActiveSubtask::Phase::kSegment) {
      if (active->next < way.size()) {
        AwaitArrival(active);
        if (active->ready) return true;
        active->event_arm = 0;
        follow(sigma);
        return true;
      }
      SetPhase(active, ActiveSubtask::Phase::kCheck);
    }

    // the condition of its end may come a little late, as E does
    if (watch_.Holds(active->subtask, now())) return true;
    if (active->waited < options_.check_patience) {
      Hold(active, last_);
      return true;
    }
    return FailFor(
        *active,
        watch_.is_grasp(active->subtask) ? FailureCause::kGraspMissed : FailureCause::kMisplaced,
        fmt::format("'{}' did not hold at the end of the subtask",
                    watch_.condition(active->subtask)));
  }

  // Lets E catch up with the end of the bridge.
  void AwaitBridge(ActiveSubtask* active) {
    const Waypoint& first = active->plan.way[active->next - 1];
    double worst = 0;
    for (size_t i = 0; i < last_.arms.size(); ++i) {
      if (!IsMeant(subtask(*active).arm, i)) continue;
      worst = std::max(worst, MissOf(first, i, now().arms[i].X_WE).distance);
    }
    if (active->waited < options_.bridge_timeout && worst > options_.bridge_tolerance) {
      return Hold(active, first.target);
    }
    active->bridge_miss = worst;
  }

  // Where the next waypoint turns a gripper around, holds its pose with the gripper as it is until
  // E of that arm has arrived or the wait is too long.
  void AwaitArrival(ActiveSubtask* active) {
    const Waypoint& waypoint = active->plan.way[active->next];
    const Subtask& own = subtask(*active);
    const size_t arms = last_.arms.size();
    for (size_t& i = active->event_arm; i < arms; ++i, active->waited = 0) {
      if (!IsMeant(own.arm, i)) continue;
      if (Closes(waypoint.target.arms[i].gripper) == Closes(last_.arms[i].gripper)) continue;
      const Miss miss = MissOf(waypoint, i, now().arms[i].X_WE);
      const bool arrived = miss.distance <= own.arrival_tolerance && miss.angle <= arrival_angle_;
      if (!arrived && active->waited < own.arrival_timeout) {
        Action hold = waypoint.target;
        for (size_t j = 0; j < arms; ++j) hold.arms[j].gripper = last_.arms[j].gripper;
        return Hold(active, hold, waypoint.source_step);
      }
      active->event_miss.distance = std::max(active->event_miss.distance, miss.distance);
      active->event_miss.angle = std::max(active->event_miss.angle, miss.angle);
    }
  }

  // One policy step: every arm towards the target of its subtask, or where it is. Clip to the box
  // around the live E, add noise, clip, step.
  bool Execute() {
    const size_t arms = last_.arms.size();
    if (step() >= max_steps_) {
      return Fail(leading().subtask, FailureCause::kTimeout,
                  fmt::format("not done after {} steps", max_steps_));
    }
    Step& row = attempt_.episode.steps.emplace_back();
    row.observation = now();
    row.state = simulator_.Save();
    Label(leading(), &row);
    if (parallel_) row.parts.resize(arms);
    row.action.arms.resize(arms);
    row.action_clean.arms.resize(arms);
    row.delta.resize(arms);
    for (size_t i = 0; i < arms; ++i) {
      const auto found = std::find_if(
          active_.begin(), active_.end(),
          [&](const ActiveSubtask& active) { return IsMeant(subtask(active).arm, i); });
      const ActiveSubtask* active = found == active_.end() ? nullptr : &*found;
      if (active != nullptr) last_.arms[i] = active->command.arms[i];
      if (parallel_ && active != nullptr) Label(*active, &row.parts[i]);
      Move(i, active, &row);
    }
    for (ActiveSubtask& active : active_) active.ready = false;
    return Stepped(row);
  }

  template <class Row>
  void Label(const ActiveSubtask& active, Row* row) const {
    row->label = active.label;
    row->subtask = static_cast<int32_t>(active.subtask);
    row->source = active.plan.source;
    row->source_step = active.source_step;
  }

  // The action of arm `i`; noise where its subtask (null: none) asks for it.
  void Move(size_t i, const ActiveSubtask* active, Step* row) {
    const DeltaLimits& limits = simulator_.info().limits;
    const Pose& X_WE = row->observation.arms[i].X_WE;
    ArmAction command = last_.arms[i];
    if (active != nullptr && active->led != nullptr) {
      command = feedback_.Led(i, command, active->led->X_WE_arrived[i], X_WE);
    }
    const ArmAction& clean = row->action_clean.arms[i] =
        simulator_.Resolve(i, ClipTarget(X_WE, command, limits));
    row->action.arms[i] = clean;
    const double sigma = active == nullptr ? 0 : active->sigma * options_.noise_scale;
    if (sigma > 0) {
      Eigen::Matrix<double, 7, 1> delta = DeltaFromTarget(X_WE, clean, limits).value;
      for (int j = 0; j < 6; ++j) {
        const double noise = Noise(subtask(*active).noise_correlation, 6 * i + j);
        delta[j] = std::clamp(delta[j] + sigma * noise, -1.0, 1.0);
      }
      row->action.arms[i] = simulator_.Resolve(i, TargetFromDelta(X_WE, delta, limits));
    }
    row->delta[i] = DeltaFromTarget(X_WE, row->action.arms[i], limits);
  }

  // Applies the row's action and looks at what came of it.
  bool Stepped(const Step& row) {
    const StepOutcome outcome = simulator_.Step(row.action);
    if (!outcome.unstable) feedback_.Note(row, now());
    const auto note = [&](ActiveSubtask& active) {
      active.joint_limit |= outcome.joint_limit;
      if (outcome.collision && !active.collided) active.touching = outcome.touching;
      active.collided |= outcome.collision;
    };
    for (ActiveSubtask& active : active_) note(active);
    if (active_.empty()) note(ended_);
    if (outcome.unstable) {
      // this step leads nowhere that can be stored
      unstable_ = true;
      return Fail(leading().subtask, FailureCause::kUnstablePhysics, outcome.problem);
    }
    success_seen_ |= now().success;
    const std::string rough =
        quality_.Step(row.observation, now(), outcome, 1 / simulator_.info().control_hz);
    if (!rough.empty()) return Fail(leading().subtask, FailureCause::kRough, rough);
    if (const auto lost = watch_.Step(now(), last_, options_.drop_patience)) {
      return Fail(WhereLost(static_cast<size_t>(lost->arm)), FailureCause::kDropped,
                  fmt::format("'{}' was lost while the gripper was commanded closed", lost->name));
    }
    return true;
  }

  // What an arm that lost something was at, or, where it waits for others, was at last.
  size_t WhereLost(size_t arm) const {
    for (const ActiveSubtask& active : active_) {
      if (IsMeant(subtask(active).arm, arm)) return active.subtask;
    }
    size_t last = leading().subtask;
    for (size_t i = 0; parallel_ && i < states_.size(); ++i) {
      if (states_[i] == State::kEnded && IsMeant(task_.subtasks[i].arm, arm)) last = i;
    }
    return last;
  }

  // The next unit noise of one axis: a first-order autoregression that keeps `kept` of the last
  // one, white where that is 0.
  double Noise(double kept, size_t axis) {
    const double fresh = noise_.Normal();
    if (kept == 0) return fresh;
    // the first one has nothing to lean on
    std::optional<double>& last = last_noise_[axis];
    last = last ? kept * *last + std::sqrt(1 - kept * kept) * fresh : fresh;
    return *last;
  }

  // Success must be there at the end, not once on the way.
  void AwaitSuccess() {
    ended_.label = StepLabel::kHold;
    ended_.source_step = -1;
    for (int n = 0; n < options_.success_patience && !now().success; ++n) {
      if (!Execute()) return;
    }
    if (now().success) return;
    if (success_seen_) {
      Fail(ended_.subtask, FailureCause::kSuccessLost,
           fmt::format("'{}' held on the way but not at the end", task_.success));
    } else {
      FailFor(ended_, FailureCause::kMisplaced,
              fmt::format("'{}' did not hold {} steps after the end", task_.success,
                          options_.success_patience));
    }
  }

  // T rows need T+1 states: an unstable step is taken back.
  void Finish() {
    Episode& episode = attempt_.episode;
    if (const std::string rough = quality_.End(episode); attempt_.success() && !rough.empty()) {
      Fail(leading().subtask, FailureCause::kRough, rough);
    }
    if (unstable_) {
      episode.final_state = std::move(episode.steps.back().state);
      episode.final_observation = std::move(episode.steps.back().observation);
      episode.steps.pop_back();
      attempt_.failure->step = step();
    } else {
      episode.final_state = simulator_.Save();
      episode.final_observation = now();
    }
    // what goes on still was cut short by another subtask's failure: nothing is known of it
    for (const ActiveSubtask& active : active_) {
      if (active.subtask != static_cast<size_t>(attempt_.failure->subtask))
        attempt_.sources[active.subtask] = -1;
    }
    while (!attempt_.sources.empty() && attempt_.sources.back() < 0) attempt_.sources.pop_back();
  }

  const TaskSpec& task_;
  Simulator& simulator_;
  const GenerateOptions& options_;
  const RngKey key_;
  const SubtaskPlanner planner_;
  const bool parallel_;
  Rng noise_;
  std::vector<std::optional<double>> last_noise_;  // per arm and axis, where noise is correlated
  Feedback feedback_;
  SubtaskWatch watch_;
  QualityWatch quality_;
  int max_steps_ = 0;
  double arrival_angle_ = 0;  // rad

  Attempt attempt_;
  std::vector<State> states_;          // per subtask
  std::vector<ActiveSubtask> active_;  // in the order of the list
  ActiveSubtask ended_;                // the last one that did
  Action last_;                        // last target, before clipping and noise
  bool success_seen_ = false, unstable_ = false;
};

}  // namespace

int MostSteps(const GenerateOptions& options, const TaskSpec& task, const SourceSet& sources) {
  if (options.max_steps > 0) return options.max_steps;
  constexpr double kRoom = 1.25;  // for bridges and waits that the sources do not have
  int longest = 0;
  for (const SourceDemo& demo : sources.demos()) longest = std::max(longest, demo.length());
  return longest <= task.horizon ? task.horizon : static_cast<int>(kRoom * longest);
}

RngKey AttemptKey(uint64_t seed, int64_t attempt, const std::string& variant) {
  return RngKey{.seed = seed}
      .WithStage("mimic")
      .WithParent(static_cast<uint64_t>(attempt))
      .WithVariant(HashOf(variant));
}

Attempt Generate(const SourceSet& sources, const TaskSpec& task, Simulator& simulator,
                 const std::string& variant, const GenerateOptions& options, const RngKey& key,
                 const Json& settings, TransitPlanner* planner) {
  Attempt attempt = Runner(sources, task, simulator, planner, options, key).Run(variant);
  FillMeta(sources, key, settings, &attempt);
  return attempt;
}

Attempt Generate(const SourceSet& sources, const TaskSpec& task, Worker& worker,
                 const std::string& variant, const GenerateOptions& options, const RngKey& key,
                 const Json& settings) {
  PhysicsVariation physics;
  if (worker.world) {
    physics = StartInDrawnWorld(*worker.simulator, worker.world, key, variant, StartKey(key));
  }
  Attempt attempt = Generate(sources, task, *worker.simulator, variant, options, key, settings,
                             worker.planner.get());
  EpisodeMeta& meta = attempt.episode.meta;
  if (!physics.edits.empty()) meta.model_text = worker.simulator->ModelText();
  meta.physics = std::move(physics);
  return attempt;
}

}  // namespace understudy
