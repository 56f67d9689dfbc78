#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/motion/chunk_player.h"
#include "core/seam/takeover.h"
#include "train/evaluate/evaluate.h"
#include "train/evaluate/suite.h"

namespace understudy {

// What an episode leaves behind for the report and for its video.
struct Rollout {
  EvalEpisode episode;
  std::vector<Action> actions;
  std::vector<double> latency_s;
  double render_s = 0, step_s = 0;
  std::string renderer;
  Episode rows;         // where they are kept
  bool solved = false;  // the task's success held at the end, whoever acted
  TakeoverEnd ended = TakeoverEnd::kNone;
  int64_t place = 0;  // among the episodes that are run
  SuiteEpisode drawn;
};

// One thread's own simulator and renderer: made on it, used on it and, being thread_local, taken
// down on it, as OpenGL wants.
struct Bench {
  std::unique_ptr<Simulator> simulator;
  std::unique_ptr<Renderer> renderer;
};

// Episodes of an evaluation: those of a suite, or drawn from (seed, place).
struct Course {
  const Policy& policy;
  const SimulatorFactory& simulators;
  const RendererFactory& renderers;
  const EvalOptions& options;
  const Variations& vary;
  ChunkOptions chunks;
  int horizon;
  bool keep_rows = false;
  const Suite* suite = nullptr;
  std::string suite_hash = {};   // of it
  Takeover* takeover = nullptr;  // null: the policy acts alone. Episodes on one thread otherwise

  // The episode at `place` in closed loop.
  Rollout Run(Bench& bench, int64_t place) const;
  // The rollout again from its actions, every step shown.
  void Record(Bench& bench, const Rollout& rollout, FrameSink& sink,
              const std::vector<std::string>& cameras) const;

 private:
  // Goes to the start of the episode, in its world and look.
  SuiteEpisode Start(Bench& bench, int64_t place, bool pictures) const;
  // All but the rows. `taken` is of a takeover, else empty; `cause` why the task was not done.
  void EndRows(const Bench& bench, TakeoverRecord taken, const std::string& cause,
               Rollout* rollout) const;
};

}  // namespace understudy
