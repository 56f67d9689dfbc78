#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/base/statistics.h"
#include "core/episode/episode.h"
#include "core/motion/chunk_player.h"
#include "core/motion/safety_filter.h"
#include "core/seam/drawn_world.h"
#include "core/seam/frame_sink.h"
#include "core/seam/policy.h"
#include "core/seam/render_options.h"
#include "core/seam/renderer.h"
#include "core/seam/simulator.h"
#include "core/seam/takeover.h"
#include "core/spec/drawn_values.h"
#include "train/evaluate/event_watch.h"

namespace understudy {

struct EvalOptions {
  // options that came later are written only where they are not the default: same settings, same
  // text
  static constexpr std::array kUnwritten{"render",      "delay",  "stitching",  "ensemble_decay",
                                         "instruction", "safety", "until_width"};
  // changes results
  std::string variant = "D0";
  std::optional<std::string> instruction;
  int64_t episodes = 100;
  double until_width = 0;
  uint64_t seed = 1;
  int execute = 0;  // a chunk holds more than is meant to be executed
  int horizon = 0;
  double delay = 0;
  Stitching stitching = Stitching::kSwitch;
  double ensemble_decay = 0.01;
  bool clip_targets = true;
  bool safety = false;
  RenderOptions render;
  // changes speed only
  int workers = 0;
  // changes no rollout, but the films that the report lists: more of them is another result
  int videos_success = 3, videos_failure = 3;
  int video_width = 240, video_height = 240;
  template <class V>
  void Visit(V& v) {
    v("variant", variant, "reset distribution");
    v("instruction", instruction,
      "what the policy is asked to do, whatever the task is: a test of what it listens to; null: "
      "the task's");
    v("episodes", episodes, "episode i starts from (seed, i)", Limits{1, 1e7});
    v("until_width", until_width,
      "stop at the first look, after 50, 100, 200, 400, ... episodes, at which the interval of the "
      "success rate is at most so wide; intervals then hold at all looks together; 0: run all",
      Limits{0, 1});
    v("seed", seed, "same seed, same starts: checkpoints are compared in pairs");
    v("execute", execute,
      "actions of a chunk executed before the next observation; 0: the policy's", Limits{0, 4096});
    v("horizon", horizon, "policy steps before an episode counts as failed; 0: the task's",
      Limits{0, 1e6});
    v("delay", delay,
      "s from an observation to the first action that it leads to, rounded up to control steps; "
      "until the first chunk has come the arms hold",
      Limits{0, 100});
    v("stitching", stitching,
      "of chunks that follow one another: switch to the newest; ensemble, the weighted mean of all "
      "that reach a step; rtc, real-time chunking: the newest is made to go on from what is done "
      "until it comes (of policies trained with rtc_training_max_delay)");
    v("ensemble_decay", ensemble_decay, "weight exp(-decay i) of the i-th chunk, the oldest first",
      Limits{0, 100});
    v("clip_targets", clip_targets, "clip targets to the controller's box per policy step");
    v("safety", safety,
      "every command passes the filter that guards a robot, with the limits of robot.yaml "
      "(`safety:`)");
    v("render", render, "how pictures are drawn");
    v("workers", workers, "threads, each with a simulator and a renderer; 0: one per core",
      Limits{0, 1024}, Effect::kSpeed);
    v("videos_success", videos_success, "successes recorded as video", Limits{0, 1e4});
    v("videos_failure", videos_failure, "failures recorded as video", Limits{0, 1e4});
    v("video_width", video_width, "px", Limits{16, 4096});
    v("video_height", video_height, "px", Limits{16, 4096});
  }
};

// One rollout. All but `seconds` depends on seed, number, policy and the options that change
// results.
struct EvalEpisode {
  int64_t index = 0;
  bool success = false;
  std::string cause;  // of a failure, in words; empty on success
  int steps = 0, chunks = 0;
  int corrected = 0;    // of these steps, those in which a person acted
  bool solved = false;  // the task was done in the end; with corrections no success of the policy
  int collisions = 0, joint_limits = 0, clipped = 0;  // steps
  std::array<int, kSafetyStops> guarded{};            // steps, by SafetyStop
  std::array<int, kRolloutEvents> events{};           // counts of EventWatch, by RolloutEvent
  double jerk_rms = 0;               // m/s^3, third difference of p_WE, over arms and steps
  std::vector<std::string> signals;  // subtask signals that came, in order
  double seconds = 0;
  std::vector<DrawnValue> drawn;  // look and world, not in reports
  // Hashes, not in reports: of the state at the start, of what the policy saw there in pictures (0:
  // none), of the state at the end.
  uint64_t start_state = 0, start_pictures = 0, end_state = 0;
};

struct EvalReport {
  PolicyInfo policy;
  std::string task, robot, renderer;
  std::string suite;  // hash of the suite that was run; empty: starts were drawn
  EvalOptions options;
  bool varied = false, interrupted = false;
  bool unknown_instruction = false;   // the policy was not trained on the task's instruction
  bool takeover = false;              // a person could take over
  std::vector<EvalEpisode> episodes;  // by index
  int64_t successes = 0;
  Interval interval;                      // Wilson, 95 %, at all looks together
  std::map<std::string, int64_t> causes;  // of failures
  // In how many episodes each subtask signal came, in the task's order.
  std::vector<std::pair<std::string, int64_t>> reached;
  std::vector<std::string> warnings;
  // wall clock: differs from run to run
  int64_t chunks = 0;
  double latency_p50_ms = 0, latency_p99_ms = 0;  // of Policy::Act per chunk
  double act_s = 0, render_s = 0, step_s = 0;     // thread time
  double wall_s = 0, steps_per_s = 0;

  Json ToJson() const;
};

// In how many of them each event came, by RolloutEvent.
std::array<int, kRolloutEvents> EpisodesWith(const std::vector<EvalEpisode>& episodes);

// A report as ToJson wrote it, as far as ComparePaired needs it; `name` is its file. Throws
// Error(kBadInput) where it is no such report.
EvalReport ReadEvalReport(const Json& json, const std::string& name);

// How the scene of an episode looks, and the world that it runs in; the key is the episode's own.
using VaryFunction = std::function<SceneVariation(const SceneInventory&, const RngKey&)>;
struct Variations {
  VaryFunction look;  // empty: nominal
  DrawWorld world;    // empty: nominal
  Variations(VaryFunction vary_look = {}, DrawWorld vary_world = {})
      : look(std::move(vary_look)), world(std::move(vary_world)) {}
};
// A place for the video of an episode, or null for none. Called on worker threads, one at a time.
using SinkFactory = std::function<std::unique_ptr<FrameSink>(
    int64_t episode, bool success, const std::vector<std::string>& cameras, double control_hz)>;

// The key of an episode, from which its start, its look, its world and the policy's noise follow.
RngKey EvaluationKey(uint64_t seed, int64_t index);

struct Suite;

// Takes rollouts as episodes, in the order of their numbers, on the calling thread.
using EpisodeSink = std::function<void(const Episode& episode)>;

// Why this policy cannot be run in this simulator; empty: it can.
std::vector<std::string> Mismatches(const PolicyInfo& policy, const SimulatorInfo& simulator);

// Runs the policy in closed loop: it looks at the start of each chunk only, or at every step where
// it sees the past. Starts, looks and the policy's noise depend on (seed, episode, chunk), so that
// results do not depend on workers. After that the first few successes and failures are played
// again from their actions for `sinks`. Throws Error(kBadInput) naming every mismatch;
// Error(kFailed) where replay for a video ends otherwise than the rollout did. A task whose
// instruction the policy was not trained on is evaluated, and reported by a message and in the
// report. Stops early, with the episodes done, when an interrupt is requested. `save` gets every
// rollout, failures with their cause. With a `suite` its episodes are run (CheckSuite is the
// caller's), and nothing is drawn but the policy's noise; what it says goes before the options, and
// `vary` must be empty. With a `takeover` all episodes run on the calling thread, the horizon
// counts the policy's steps alone, and an episode in which the person acted is a failure of the
// policy, with the cause as it stood then; its dataset row says how the task ended. Episodes that
// the person discards are reported and not saved.
EvalReport Evaluate(const Policy& policy, const SimulatorFactory& simulators,
                    const RendererFactory& renderers, const EvalOptions& options,
                    const Variations& vary, const SinkFactory& sinks, Progress& progress,
                    const EpisodeSink& save = {}, const Suite* suite = nullptr,
                    Takeover* takeover = nullptr);

// Two reports on the same starts: discordant pairs, exact McNemar p value, difference of rates.
// Throws Error(kBadInput) where task, seed, variant, horizon, looks or suite differ.
Json ComparePaired(const EvalReport& a, const EvalReport& b);

}  // namespace understudy
