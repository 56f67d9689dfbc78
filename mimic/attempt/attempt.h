#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/base/rng.h"
#include "core/episode/episode.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"
#include "mimic/attempt/failure.h"
#include "mimic/attempt/quality.h"
#include "mimic/attempt/transit.h"
#include "mimic/attempt/worker.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// How attempts are executed; what differs between subtasks stands in the task (Subtask). All of it
// changes results.
struct GenerateOptions {
  double noise_scale = 1;
  double feedback = 1;
  double bridge_tolerance = 0.02;
  int bridge_timeout = 15;
  double arrival_angle = 0.15;  // rad: with Subtask::arrival_tolerance, at gripper events
  int check_patience = 10;
  int drop_patience = 5;
  int success_patience = 30;
  double reach_margin = 0.02;
  int max_steps = 0;  // per attempt; 0: MostSteps decides
  QualityGates gates;
  static constexpr std::array kUnwritten{"feedback"};
  template <class V>
  void Visit(V& v) {
    v("noise_scale", noise_scale, "multiplies the action noise of every subtask", Limits{0, 100});
    v("feedback", feedback,
      "part of what the hand is away from where the source's was by which the source's command is "
      "moved; 0: the commands alone",
      Limits{0, 1});
    v("bridge_tolerance", bridge_tolerance, "m from its first pose at which a segment begins",
      Limits{0, 1});
    v("bridge_timeout", bridge_timeout, "steps that this waits at most", Limits{0, 1000});
    v("arrival_angle", arrival_angle, "rad from the target that lets a gripper event through",
      Limits{0, 4});
    v("check_patience", check_patience,
      "steps after a subtask in which its check may still come true", Limits{0, 1000});
    v("drop_patience", drop_patience, "steps without contact until a held object counts as dropped",
      Limits{0, 1000});
    v("success_patience", success_patience,
      "steps after the last target in which success may come true", Limits{0, 10000});
    v("reach_margin", reach_margin, "m beyond the robot's reach that a segment may ask for",
      Limits{-1, 10});
    v("max_steps", max_steps,
      "of an attempt; 0: the task's horizon, or 1.25 times a source that is longer",
      Limits{0, 1e6});
    v("gates", gates, "how a demonstration may move to be kept");
  }
};

// One started attempt, successful or not.
struct Attempt {
  Episode episode;                 // rows up to the end or the failure; meta filled
  std::optional<Failure> failure;  // empty: success
  std::vector<Pose> X_WO_start;    // objects after the reset
  // Demonstration (place in the SourceSet) of each subtask that ended or failed, in the order of
  // the list; -1: not begun, or cut short by another one's failure.
  std::vector<int32_t> sources;

  bool success() const { return !failure.has_value(); }
};

// Steps that an attempt has at most: what is asked for; else the task's horizon, or 1.25 times the
// longest source where that is longer than the horizon.
int MostSteps(const GenerateOptions& options, const TaskSpec& task, const SourceSet& sources);

// The key of attempt `attempt` of a run: reset, selection, offsets and noise depend on it alone.
RngKey AttemptKey(uint64_t seed, int64_t attempt, const std::string& variant);

// One attempt of the task from a new start of reset distribution `variant`: for every subtask
// selects a source, carries its segment to where the object is, bridges to it and executes it in
// closed loop on absolute targets (after Mandlekar et al., "MimicGen", CoRL 2023), led to where the
// source's hand was (Feedback), waiting for E before gripper events, with noise on the normalised
// action. Ends early where the attempt cannot succeed any more. Success must hold at the end.
// Depends on its arguments only. `settings` is stored in the episode. `planner` finds the ways of
// subtasks with transit = plan (after Garrett et al., "SkillMimicGen", CoRL 2024); where none asks
// for one it may be null.
Attempt Generate(const SourceSet& sources, const TaskSpec& task, Simulator& simulator,
                 const std::string& variant, const GenerateOptions& options, const RngKey& key,
                 const Json& settings = Json::object(), TransitPlanner* planner = nullptr);
// The same by a worker, in the world that it draws for `key`.
Attempt Generate(const SourceSet& sources, const TaskSpec& task, Worker& worker,
                 const std::string& variant, const GenerateOptions& options, const RngKey& key,
                 const Json& settings = Json::object());

}  // namespace understudy
