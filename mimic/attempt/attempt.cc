#include "mimic/attempt/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "mimic/attempt/attempt_meta.h"
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

// One subtask that goes on: what its arms are to do next, and the evidence of how it went.
struct Going {
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
  double sigma = 0;  // of its noise

  bool joint_limit = false, collided = false;
  double bridge_miss = 0;  // m
  Miss event_miss;
};

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
        watch_(task, simulator.info()),
        quality_(options.gates),
        states_(task.subtasks.size()) {
    max_steps_ = options.max_steps > 0 ? options.max_steps : task.horizon;
  }

  Attempt Run(const std::string& variant) {
    simulator_.Reset(variant, key_.WithTerm("reset"));
    attempt_.episode.meta = MetaOf(simulator_.info(), variant, key_);
    attempt_.X_WO_start = simulator_.Observe().X_WO;
    attempt_.episode.steps.reserve(256);
    for (const ArmObservation& arm : simulator_.Observe().arms)
      last_.arms.push_back({arm.X_WE, -1});

    bool alive = Prepare();
    while (alive && !going_.empty()) alive = Execute() && Prepare();
    if (alive) AwaitSuccess();
    Finish();
    return std::move(attempt_);
  }

 private:
  enum class State { kToCome, kBegun, kEnded };

  const Observation& now() const { return simulator_.Observe(); }
  int32_t step() const { return static_cast<int32_t>(attempt_.episode.steps.size()); }
  const Subtask& subtask(const Going& going) const { return task_.subtasks[going.subtask]; }
  // The first in the list that goes on; at the end the one that ended last.
  const Going& leading() const { return going_.empty() ? ended_ : going_.front(); }

  bool Fail(size_t subtask, FailureCause cause, const std::string& detail) {
    attempt_.failure = Failure{cause, static_cast<int32_t>(subtask), step(), detail};
    return false;
  }

  // What the end of a subtask is blamed on: the first cause that the evidence supports.
  bool FailFor(const Going& going, FailureCause otherwise, const std::string& what) {
    const bool missed_event = going.event_miss.distance > subtask(going).arrival_tolerance ||
                              going.event_miss.angle > options_.arrival_angle;
    const bool missed_bridge = going.bridge_miss > options_.bridge_tolerance;
    const std::string detail = fmt::format(
        "{}; E was {:.1f} cm off when the segment began and {:.1f} cm off at gripper events{}{}",
        what, 100 * going.bridge_miss, 100 * going.event_miss.distance,
        going.collided ? "; an arm link touched" : "",
        going.joint_limit ? "; a joint stood at its limit" : "");
    if (going.joint_limit && (missed_event || missed_bridge))
      return Fail(going.subtask, FailureCause::kJointLimit, detail);
    if (going.collided) return Fail(going.subtask, FailureCause::kCollision, detail);
    if (missed_bridge) return Fail(going.subtask, FailureCause::kBridgeLate, detail);
    if (missed_event) return Fail(going.subtask, FailureCause::kUnreachable, detail);
    return Fail(going.subtask, otherwise, detail);
  }

  // Gives every subtask that goes on a command for this step; those that are over make room for
  // others. Nothing goes on any more: all have ended.
  bool Prepare() {
    for (bool changed = true; changed;) {
      if (!BeginReady()) return false;
      changed = false;
      for (size_t i = 0; i < going_.size();) {
        Going& going = going_[i];
        if (!going.ready && !Advance(&going)) return false;
        if (going.ready) {
          ++i;
          continue;
        }
        watch_.End(going.subtask);
        states_[going.subtask] = State::kEnded;
        ended_ = std::move(going);
        going_.erase(going_.begin() + static_cast<std::ptrdiff_t>(i));
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
      Going going;
      going.subtask = i;
      const auto problem = planner_.Plan(i, watch_, step() == 0, &last_, &going.plan);
      attempt_.sources.resize(std::max(attempt_.sources.size(), i + 1), -1);
      attempt_.sources[i] = going.plan.source;
      const auto behind = std::find_if(going_.begin(), going_.end(),
                                       [&](const Going& other) { return other.subtask > i; });
      going_.insert(behind, std::move(going));
      if (problem) return Fail(i, problem->cause, problem->detail);
    }
    return true;
  }

  static void Command(Going* going, const Action& target, StepLabel label, int32_t source_step,
                      double sigma) {
    going->ready = true;
    going->command = target;
    going->label = label;
    going->source_step = source_step;
    going->sigma = sigma;
  }
  // One step at `target` without noise.
  static void Hold(Going* going, const Action& target, int32_t source_step = -1) {
    ++going->waited;
    Command(going, target, StepLabel::kHold, source_step, 0);
  }
  static void Enter(Going* going, Going::Phase phase) {
    going->phase = phase;
    going->waited = 0;
  }

  // The next command of a subtask: bridge, waiting for E, segment, waiting for its condition. Not
  // ready behind all that: it is over.
  bool Advance(Going* going) {
    const std::vector<Waypoint>& way = going->plan.way;
    const Subtask& own = subtask(*going);
    const double sigma = own.action_noise;
    const auto follow = [&](double noise) {
      const Waypoint& waypoint = way[going->next++];
      Command(going, waypoint.target, waypoint.label, waypoint.source_step, noise);
    };

    if (going->phase == Going::Phase::kBridge) {
      if (going->next < way.size() && way[going->next].label == StepLabel::kBridge) {
        follow(own.bridge_noise ? sigma : 0);
        return true;
      }
      Enter(going, Going::Phase::kAwaitBridge);
    }
    if (going->phase == Going::Phase::kAwaitBridge) {
      AwaitBridge(going);
      if (going->ready) return true;
      Enter(going, Going::Phase::kSegment);
    }
    if (going->phase == Going::Phase::kSegment) {
      if (going->next < way.size()) {
        AwaitArrival(going);
        if (going->ready) return true;
        going->event_arm = 0;
        follow(sigma);
        return true;
      }
      Enter(going, Going::Phase::kCheck);
    }

    // the condition of its end may come a little late, as E does
    if (watch_.Holds(going->subtask, now())) return true;
    if (going->waited < options_.check_patience) {
      Hold(going, last_);
      return true;
    }
    return FailFor(
        *going,
        watch_.is_grasp(going->subtask) ? FailureCause::kGraspMissed : FailureCause::kMisplaced,
        fmt::format("'{}' did not hold at the end of the subtask",
                    watch_.condition(going->subtask)));
  }

  // Lets E catch up with the end of the bridge.
  void AwaitBridge(Going* going) {
    const Waypoint& first = going->plan.way[going->next - 1];
    double worst = 0;
    for (size_t i = 0; i < last_.arms.size(); ++i) {
      if (!IsMeant(subtask(*going).arm, i)) continue;
      worst = std::max(worst, MissOf(first, i, now().arms[i].X_WE).distance);
    }
    if (going->waited < options_.bridge_timeout && worst > options_.bridge_tolerance) {
      return Hold(going, first.target);
    }
    going->bridge_miss = worst;
  }

  // Where the next waypoint turns a gripper around, holds its pose with the gripper as it is until
  // E of that arm has arrived or the wait is too long.
  void AwaitArrival(Going* going) {
    const Waypoint& waypoint = going->plan.way[going->next];
    const Subtask& own = subtask(*going);
    const size_t arms = last_.arms.size();
    for (size_t& i = going->event_arm; i < arms; ++i, going->waited = 0) {
      if (!IsMeant(own.arm, i)) continue;
      if (Closes(waypoint.target.arms[i].gripper) == Closes(last_.arms[i].gripper)) continue;
      const Miss miss = MissOf(waypoint, i, now().arms[i].X_WE);
      const bool arrived =
          miss.distance <= own.arrival_tolerance && miss.angle <= options_.arrival_angle;
      if (!arrived && going->waited < own.arrival_timeout) {
        Action hold = waypoint.target;
        for (size_t j = 0; j < arms; ++j) hold.arms[j].gripper = last_.arms[j].gripper;
        return Hold(going, hold, waypoint.source_step);
      }
      going->event_miss.distance = std::max(going->event_miss.distance, miss.distance);
      going->event_miss.angle = std::max(going->event_miss.angle, miss.angle);
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
    Tell(leading(), &row);
    if (parallel_) row.parts.resize(arms);
    row.action.arms.resize(arms);
    row.action_clean.arms.resize(arms);
    row.delta.resize(arms);
    for (size_t i = 0; i < arms; ++i) {
      const auto found = std::find_if(going_.begin(), going_.end(), [&](const Going& going) {
        return IsMeant(subtask(going).arm, i);
      });
      const Going* going = found == going_.end() ? nullptr : &*found;
      if (going != nullptr) last_.arms[i] = going->command.arms[i];
      if (parallel_ && going != nullptr) Tell(*going, &row.parts[i]);
      Move(i, going, &row);
    }
    for (Going& going : going_) going.ready = false;
    return Stepped(row);
  }

  template <class Row>
  void Tell(const Going& going, Row* row) const {
    row->label = going.label;
    row->subtask = static_cast<int32_t>(going.subtask);
    row->source = going.plan.source;
    row->source_step = going.source_step;
  }

  // The action of arm `i`; noise where its subtask (null: none) asks for it.
  void Move(size_t i, const Going* going, Step* row) {
    const DeltaLimits& limits = simulator_.info().limits;
    const Pose& X_WE = row->observation.arms[i].X_WE;
    const ArmAction& clean = row->action_clean.arms[i] = ClipTarget(X_WE, last_.arms[i], limits);
    row->action.arms[i] = clean;
    const double sigma = going == nullptr ? 0 : going->sigma * options_.noise_scale;
    if (sigma > 0) {
      Eigen::Matrix<double, 7, 1> delta = DeltaFromTarget(X_WE, clean, limits).value;
      for (int j = 0; j < 6; ++j) {
        const double noise = Noise(subtask(*going).noise_correlation, 6 * i + j);
        delta[j] = std::clamp(delta[j] + sigma * noise, -1.0, 1.0);
      }
      row->action.arms[i] = TargetFromDelta(X_WE, delta, limits);
    }
    row->delta[i] = DeltaFromTarget(X_WE, row->action.arms[i], limits);
  }

  // Applies the row's action and looks at what came of it.
  bool Stepped(const Step& row) {
    const StepOutcome outcome = simulator_.Step(row.action);
    const auto note = [&](Going& going) {
      going.joint_limit |= outcome.joint_limit;
      going.collided |= outcome.collision;
    };
    for (Going& going : going_) note(going);
    if (going_.empty()) note(ended_);
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
    for (const Going& going : going_) {
      if (IsMeant(subtask(going).arm, arm)) return going.subtask;
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
    for (const Going& going : going_) {
      if (going.subtask != static_cast<size_t>(attempt_.failure->subtask))
        attempt_.sources[going.subtask] = -1;
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
  SubtaskWatch watch_;
  QualityWatch quality_;
  int max_steps_ = 0;

  Attempt attempt_;
  std::vector<State> states_;  // per subtask
  std::vector<Going> going_;   // in the order of the list
  Going ended_;                // the last one that did
  Action last_;                // last target, before clipping and noise
  bool success_seen_ = false, unstable_ = false;
};

}  // namespace

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
  return Generate(sources, task, *worker.simulator, variant, options, key, settings,
                  worker.planner.get());
}

}  // namespace understudy
