#include "mimic/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/base/error.h"
#include "data/base/hash.h"
#include "data/base/names.h"
#include "mimic/attempt_meta.h"
#include "mimic/carried.h"
#include "mimic/clearance.h"
#include "mimic/segmentation.h"
#include "mimic/selection.h"
#include "mimic/stitch.h"
#include "mimic/watch.h"

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

// starts beside a segment's first pose that a planner may choose from
constexpr int kStarts = 10;
// every so manieth row of a segment is looked at where a planner is asked whether it suits
constexpr int kSuitStride = 4;

bool Closes(double gripper) { return gripper > 0; }

// One attempt in progress. Members that end the attempt return false once failure_ is set.
class Runner {
 public:
  Runner(const SourceSet& sources, const TaskSpec& task, Simulator& simulator,
         TransitPlanner* planner, const GenerateOptions& options, const RngKey& key)
      : sources_(sources),
        task_(task),
        simulator_(simulator),
        planner_(planner),
        options_(options),
        key_(key),
        noise_(key.WithTerm("noise")),
        watch_(task, simulator.info()),
        quality_(options.gates) {
    max_steps_ = options.max_steps > 0 ? options.max_steps : task.horizon;
    for (const std::string& object : simulator.info().objects) {
      radius_.push_back(task.objects.at(object).radius);
    }
  }

  Attempt Run(const std::string& variant) {
    simulator_.Reset(variant, key_.WithTerm("reset"));
    attempt_.episode.meta = MetaOf(simulator_.info(), variant, key_);
    attempt_.X_WO_start = simulator_.Observe().X_WO;
    attempt_.episode.steps.reserve(256);
    for (const ArmObservation& arm : simulator_.Observe().arms)
      last_.arms.push_back({arm.X_WE, -1});

    // the segments of every source, with this attempt's offsets
    Rng offsets(key_.WithTerm("offsets"));
    for (const SourceDemo& demo : sources_.demos()) {
      ends_.push_back(DrawEnds(task_, demo.ends, offsets));
    }

    bool alive = true;
    for (size_t i = 0; alive && i < task_.subtasks.size(); ++i) alive = RunSubtask(i);
    if (alive) AwaitSuccess();
    Finish();
    return std::move(attempt_);
  }

 private:
  const Observation& now() const { return simulator_.Observe(); }
  int32_t step() const { return static_cast<int32_t>(attempt_.episode.steps.size()); }
  const Subtask& subtask() const { return task_.subtasks[subtask_]; }

  bool Fail(FailureCause cause, const std::string& detail) {
    attempt_.failure = Failure{cause, static_cast<int32_t>(subtask_), step(), detail};
    return false;
  }

  // What the end of a subtask is blamed on: the first cause that the evidence supports.
  bool FailFor(FailureCause otherwise, const std::string& what) {
    const bool missed_event = event_miss_.distance > subtask().arrival_tolerance ||
                              event_miss_.angle > options_.arrival_angle;
    const bool missed_bridge = bridge_miss_ > options_.bridge_tolerance;
    const std::string detail = fmt::format(
        "{}; E was {:.1f} cm off when the segment began and {:.1f} cm off at gripper events{}{}",
        what, 100 * bridge_miss_, 100 * event_miss_.distance,
        collided_ ? "; an arm link touched" : "",
        joint_limit_ ? "; a joint stood at its limit" : "");
    if (joint_limit_ && (missed_event || missed_bridge))
      return Fail(FailureCause::kJointLimit, detail);
    if (collided_) return Fail(FailureCause::kCollision, detail);
    if (missed_bridge) return Fail(FailureCause::kBridgeLate, detail);
    if (missed_event) return Fail(FailureCause::kUnreachable, detail);
    return Fail(otherwise, detail);
  }

  // Selects, plans and executes one subtask, then asks whether it has come about.
  bool RunSubtask(size_t index) {
    subtask_ = index;
    joint_limit_ = collided_ = false;
    bridge_miss_ = 0;
    event_miss_ = {};
    watch_.Begin(index);
    if (!Plan()) return false;

    // bridge, then wait for E where the segment begins
    const double bridge_noise = subtask().bridge_noise ? subtask().action_noise : 0;
    size_t k = 0;
    for (; k < plan_.size() && plan_[k].label == StepLabel::kBridge; ++k) {
      if (!Execute(plan_[k].target, plan_[k].source_step, StepLabel::kBridge, bridge_noise))
        return false;
    }
    if (!AwaitBridge(plan_[k - 1])) return false;

    // segment: a gripper event waits until E is where it belongs
    for (; k < plan_.size(); ++k) {
      if (!AwaitArrival(plan_[k])) return false;
      if (!Execute(plan_[k].target, plan_[k].source_step, StepLabel::kSegment,
                   subtask().action_noise))
        return false;
    }

    // the condition of its end may come a little late, as E does
    for (int n = 0; n < options_.check_patience && !watch_.Holds(now()); ++n) {
      if (!Hold(last_)) return false;
    }
    if (!watch_.Holds(now())) {
      return FailFor(
          watch_.is_grasp() ? FailureCause::kGraspMissed : FailureCause::kMisplaced,
          fmt::format("'{}' did not hold at the end of the subtask", watch_.condition()));
    }
    watch_.End();
    return true;
  }

  // What the hands hold from earlier subtasks.
  std::vector<Carried> WhatIsCarried() const {
    const std::vector<std::string>& objects = simulator_.info().objects;
    std::vector<Carried> carried(last_.arms.size());
    for (size_t i = 0; i < carried.size(); ++i) {
      carried[i].object = IndexOf(objects, watch_.held_by(i));
      if (carried[i].object < 0) continue;
      carried[i].symmetry = task_.objects.at(objects[carried[i].object]).symmetry;
      carried[i].X_EH = now().arms[i].X_WE.Inverse() * now().X_WO[carried[i].object];
    }
    return carried;
  }

  // All objects but that of the subtask.
  std::vector<Neighbour> Neighbours() const {
    std::vector<Neighbour> neighbours;
    for (size_t o = 0; o < radius_.size(); ++o) {
      if (static_cast<int>(o) == sources_.subtask_objects()[subtask_]) continue;
      neighbours.push_back({now().X_WO[o].translation(), radius_[o]});
    }
    return neighbours;
  }

  // How rows of a demonstration, carried along, suit the arms and what stands around them.
  Fit FitOf(const SegmentRows& rows, const std::vector<Carried>& carried,
            const std::vector<Neighbour>& neighbours) const {
    if (!WithinReach(rows, simulator_.info()) || !Suits(rows, carried)) return Fit::kOutOfReach;
    return FingersStayFree(rows, carried, simulator_.info().open_fingers_E, neighbours)
               ? Fit::kFree
               : Fit::kMeetsObject;
  }

  // Where transits are planned: whether these rows can be begun without touching, and followed.
  bool Suits(const SegmentRows& rows, const std::vector<Carried>& carried) const {
    if (subtask().transit != Transit::kPlan) return true;
    Require(planner_ != nullptr, "a subtask with transit = plan comes with a planner");
    std::vector<Pose> X_WE_on;
    for (int t = rows.start; t < rows.end; t += kSuitStride) X_WE_on.push_back(rows.X_WE(0, t));
    return planner_->Suits(RequestFor({X_WE_on.front()}, carried), X_WE_on);
  }

  TransitRequest RequestFor(std::vector<Pose> X_WE_goals,
                            const std::vector<Carried>& carried) const {
    TransitRequest request;
    request.state = simulator_.Save();
    request.q = now().arms[0].joint_q;
    request.held = carried[0].object;
    request.X_WE_goals = std::move(X_WE_goals);
    request.margin = subtask().transit_margin;
    request.key = key_.WithTerm(fmt::format("transit {}", subtask_));
    return request;
  }

  // Chooses the source of the subtask and lays out its steps.
  bool Plan() {
    const int object = sources_.subtask_objects()[subtask_];

    // compare where things were in each source with where they are now
    SelectionScene scene;
    scene.has_object = object >= 0;
    if (scene.has_object) {
      scene.X_WO = now().X_WO[object];
      scene.symmetry = task_.objects.at(subtask().object).symmetry;
    }
    for (const ArmAction& arm : last_.arms) scene.X_WE.push_back(arm.X_WE_cmd);
    scene.arm = subtask().arm;
    const std::vector<Carried> carried = WhatIsCarried();
    if (subtask().turn_hand) {
      for (const Carried& hand : carried) {
        scene.hand_symmetry.push_back(hand.object < 0 ? simulator_.info().gripper_symmetry : 1);
      }
    }
    std::vector<Candidate> candidates(sources_.demos().size());
    std::vector<int> starts(candidates.size()), ends(candidates.size());  // of what is replayed
    for (size_t d = 0; d < candidates.size(); ++d) {
      const SourceDemo& demo = sources_.demos()[d];
      starts[d] = ReplayStart(demo, subtask_ == 0 ? 0 : ends_[d][subtask_ - 1], ends_[d][subtask_],
                              object, subtask().replay_within, subtask().arm);
      ends[d] =
          ReplayEnd(demo, starts[d], ends_[d][subtask_], subtask().replay_until, subtask().arm);
      if (scene.has_object) candidates[d].X_WO = demo.X_WO[object][starts[d]];
      for (const SourceDemo::Arm& arm : demo.arms)
        candidates[d].X_WE.push_back(arm.X_WE[starts[d]]);
      if (subtask().replay == Replayed::kHeld) {
        candidates[d].X_SE = HandChanges(carried, demo, starts[d]);
      }
    }
    const auto transform_of = [&](size_t d, double turn) {
      return scene.has_object ? SegmentTransform(scene.X_WO, candidates[d].X_WO, turn)
                              : SegmentTransform();
    };
    scene.weights = sources_.weights(subtask_);
    const std::vector<Neighbour> neighbours = Neighbours();
    scene.fit = [&](size_t d, double turn, const std::vector<double>& hand_turns) {
      return FitOf({sources_.demos()[d], starts[d], ends[d], transform_of(d, turn),
                    Turned(candidates[d].X_SE, hand_turns), subtask().arm},
                   carried, neighbours);
    };
    Rng rng(key_.WithTerm(fmt::format("select {}", subtask_)));
    const Choice choice = SelectSource(subtask().selection, candidates, scene, rng);
    attempt_.sources.push_back(choice.source);

    const SourceDemo& demo = sources_.demos()[choice.source];
    const int start = starts[choice.source];
    if (subtask_ == 0) {
      // nothing has been commanded yet: the gripper is as the source begins
      for (size_t i = 0; i < last_.arms.size(); ++i)
        last_.arms[i].gripper = demo.arms[i].gripper[start];
    }
    const SegmentTransform transform = transform_of(choice.source, choice.turn);
    const std::vector<Pose> X_SE = Turned(candidates[choice.source].X_SE, choice.hand_turns);
    PlanSubtask(demo, start, ends[choice.source], transform, X_SE, last_, subtask(), &plan_);

    // where the source's arms were must be within reach
    const SimulatorInfo& info = simulator_.info();
    for (const Waypoint& waypoint : plan_) {
      if (waypoint.label != StepLabel::kSegment) continue;
      for (size_t i = 0; i < last_.arms.size(); ++i) {
        const Eigen::Vector3d& p_WE = waypoint.X_WE_arrived[i].translation();
        if (!IsMeant(subtask().arm, i) || info.Reaches(p_WE, options_.reach_margin, i)) continue;
        return Fail(FailureCause::kUnreachable,
                    fmt::format("the segment of {} leads {:.3f} m from the base of {}; it reaches "
                                "{:.3f} m",
                                demo.name, (p_WE - info.base(i).translation()).norm(), info.arms[i],
                                info.workspace_radius));
      }
    }
    return PlanTransit(carried);
  }

  // Where the subtask asks for it, a planned way instead of the bridge, or one that leads beside
  // the segment's first pose and a recovery from there.
  bool PlanTransit(const std::vector<Carried>& carried) {
    const bool planned = subtask().transit == Transit::kPlan;
    const bool beside = subtask().start_shift > 0 || subtask().start_turn > 0;
    if (!planned && !beside) return true;
    Require(last_.arms.size() == 1, "ways are planned, and starts moved, for one arm");
    const auto first = std::find_if(plan_.begin(), plan_.end(), [](const Waypoint& waypoint) {
      return waypoint.label == StepLabel::kSegment;
    });
    const Pose X_WE_first = first->X_WE_arrived[0];
    Rng rng(key_.WithTerm(fmt::format("start {}", subtask_)));
    std::vector<Pose> starts = DrawStarts(X_WE_first, subtask(), planned ? kStarts : 1, rng);

    std::vector<Pose> way;
    if (!planned) {
      // the bridge leads to the first draw, wherever that is
      way = Bridge(last_.arms[0].X_WE_cmd, starts[0], subtask().bridge_arch).corners();
    } else {
      starts.push_back(X_WE_first);
      PlannedTransit found = planner_->Plan(RequestFor(std::move(starts), carried));
      if (found.cause) return Fail(*found.cause, found.detail);
      way = std::move(found.X_WE);
    }
    std::vector<Waypoint> recovery;
    if (beside) recovery = FollowWay({way.back(), X_WE_first}, subtask(), last_);
    ReplaceBridge(FollowWay(way, subtask(), last_), std::move(recovery), &plan_);
    return true;
  }

  // Lets E catch up with the end of the bridge.
  bool AwaitBridge(const Waypoint& first) {
    const auto miss = [&] {
      double worst = 0;
      for (size_t i = 0; i < last_.arms.size(); ++i) {
        worst = std::max(worst, MissOf(first, i, now().arms[i].X_WE).distance);
      }
      return worst;
    };
    for (int n = 0; n < options_.bridge_timeout && miss() > options_.bridge_tolerance; ++n) {
      if (!Hold(first.target)) return false;
    }
    bridge_miss_ = miss();
    return true;
  }

  // Where `waypoint` turns a gripper around, holds its pose with the gripper as it is until E of
  // that arm has arrived or the wait is too long.
  bool AwaitArrival(const Waypoint& waypoint) {
    const size_t arms = last_.arms.size();
    for (size_t i = 0; i < arms; ++i) {
      if (Closes(waypoint.target.arms[i].gripper) == Closes(last_.arms[i].gripper)) continue;
      hold_ = waypoint.target;
      for (size_t j = 0; j < arms; ++j) hold_.arms[j].gripper = last_.arms[j].gripper;
      Miss miss = MissOf(waypoint, i, now().arms[i].X_WE);
      for (int n = 0; n < subtask().arrival_timeout; ++n) {
        if (miss.distance <= subtask().arrival_tolerance && miss.angle <= options_.arrival_angle)
          break;
        if (!Execute(hold_, waypoint.source_step, StepLabel::kHold, 0)) return false;
        miss = MissOf(waypoint, i, now().arms[i].X_WE);
      }
      event_miss_.distance = std::max(event_miss_.distance, miss.distance);
      event_miss_.angle = std::max(event_miss_.angle, miss.angle);
    }
    return true;
  }

  // One step at `target` without noise.
  bool Hold(const Action& target) {
    hold_ = target;
    return Execute(hold_, -1, StepLabel::kHold, 0);
  }

  // One policy step towards `target`: clip to the box around the live E, add noise, clip, step.
  bool Execute(const Action& target, int32_t source_step, StepLabel label, double sigma) {
    if (step() >= max_steps_) {
      return Fail(FailureCause::kTimeout, fmt::format("not done after {} steps", max_steps_));
    }
    sigma *= options_.noise_scale;
    const DeltaLimits& limits = simulator_.info().limits;
    Step& row = attempt_.episode.steps.emplace_back();
    row.observation = now();
    row.state = simulator_.Save();
    row.label = label;
    row.subtask = static_cast<int32_t>(subtask_);
    row.source = attempt_.sources.back();
    row.source_step = source_step;
    const size_t arms = target.arms.size();
    row.action.arms.resize(arms);
    row.action_clean.arms.resize(arms);
    row.delta.resize(arms);
    for (size_t i = 0; i < arms; ++i) {
      const Pose& X_WE = row.observation.arms[i].X_WE;
      const ArmAction& clean = row.action_clean.arms[i] = ClipTarget(X_WE, target.arms[i], limits);
      row.action.arms[i] = clean;
      if (sigma > 0) {
        Eigen::Matrix<double, 7, 1> delta = DeltaFromTarget(X_WE, clean, limits).value;
        for (int j = 0; j < 6; ++j)
          delta[j] = std::clamp(delta[j] + sigma * Noise(6 * i + j), -1.0, 1.0);
        row.action.arms[i] = TargetFromDelta(X_WE, delta, limits);
      }
      row.delta[i] = DeltaFromTarget(X_WE, row.action.arms[i], limits);
    }
    last_ = target;

    const StepOutcome outcome = simulator_.Step(row.action);
    joint_limit_ |= outcome.joint_limit;
    collided_ |= outcome.collision;
    if (outcome.unstable) {
      // this step leads nowhere that can be stored
      unstable_ = true;
      return Fail(FailureCause::kUnstablePhysics, outcome.problem);
    }
    success_seen_ |= now().success;
    const std::string rough =
        quality_.Step(row.observation, now(), outcome, 1 / simulator_.info().control_hz);
    if (!rough.empty()) return Fail(FailureCause::kRough, rough);
    const std::string dropped = watch_.Step(now(), last_, options_.drop_patience);
    if (!dropped.empty()) {
      return Fail(FailureCause::kDropped,
                  fmt::format("'{}' was lost while the gripper was commanded closed", dropped));
    }
    return true;
  }

  // The next unit noise of one axis: a first-order autoregression, white where nothing correlates.
  double Noise(size_t axis) {
    const double kept = subtask().noise_correlation;
    if (kept == 0) return noise_.Normal();
    const double fresh = noise_.Normal();
    // the first one has nothing to lean on; axes come in order
    if (axis >= last_noise_.size()) return last_noise_.emplace_back(fresh);
    return last_noise_[axis] = kept * last_noise_[axis] + std::sqrt(1 - kept * kept) * fresh;
  }

  // Success must be there at the end, not once on the way.
  void AwaitSuccess() {
    for (int n = 0; n < options_.success_patience && !now().success; ++n) {
      if (!Hold(last_)) return;
    }
    if (now().success) return;
    if (success_seen_) {
      Fail(FailureCause::kSuccessLost,
           fmt::format("'{}' held on the way but not at the end", task_.success));
    } else {
      FailFor(FailureCause::kMisplaced, fmt::format("'{}' did not hold {} steps after the end",
                                                    task_.success, options_.success_patience));
    }
  }

  // T rows need T+1 states: an unstable step is taken back.
  void Finish() {
    Episode& episode = attempt_.episode;
    if (const std::string rough = quality_.End(episode); attempt_.success() && !rough.empty()) {
      Fail(FailureCause::kRough, rough);
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
  }

  const SourceSet& sources_;
  const TaskSpec& task_;
  Simulator& simulator_;
  TransitPlanner* planner_;  // null: no subtask asks for it
  const GenerateOptions& options_;
  const RngKey key_;
  Rng noise_;
  std::vector<double> last_noise_;  // per arm and axis, where noise is correlated
  SubtaskWatch watch_;
  QualityWatch quality_;
  int max_steps_ = 0;
  std::vector<double> radius_;  // m, per object

  Attempt attempt_;
  std::vector<std::vector<int>> ends_;  // [source][subtask] with this attempt's offsets
  std::vector<Waypoint> plan_;          // of the subtask; reused
  Action last_;                         // last target, before clipping and noise
  Action hold_;

  // evidence of the running subtask
  size_t subtask_ = 0;
  bool joint_limit_ = false, collided_ = false, success_seen_ = false, unstable_ = false;
  double bridge_miss_ = 0;  // m
  Miss event_miss_;
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
