#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/progress.h"
#include "core/episode/observation.h"
#include "core/seam/renderer.h"
#include "core/seam/simulator.h"
#include "core/spec/physics_variation.h"
#include "core/spec/scene_variation.h"
#include "train/evaluate/evaluate.h"

namespace understudy {

// One episode of a suite: nothing of it is drawn any more.
struct SuiteEpisode {
  int64_t number = 0;
  std::string variant, instruction;
  SimState start;
  SceneVariation look;
  PhysicsVariation world;
  static constexpr std::array kUnwritten{"look", "world"};
  template <class V>
  void Visit(V& v) {
    v("number", number, "names the episode in reports; with the suite's seed, its noise",
      Limits{0, 1e12});
    v("variant", variant, "reset distribution that the start was drawn from");
    v("instruction", instruction, "what the policy is asked to do");
    v("start", start, "state of the simulator");
    v("look", look, "edits of the nominal look, cameras included");
    v("world", world, "edits of the nominal world");
  }
};

// The episodes of an evaluation, written down: a file that can be shared, compared line by line and
// run again, whatever draws have become.
struct Suite {
  std::string task, robot;
  std::string scene;
  uint64_t seed = 1;
  int horizon = 0;
  std::vector<SuiteEpisode> episodes;
  template <class V>
  void Visit(V& v) {
    v("task", task, "its name");
    v("robot", robot, "that of the scene");
    v("scene", scene, "hash of the nominal model");
    v("seed", seed, "of the policy's noise");
    v("horizon", horizon, "policy steps before an episode counts as failed", Limits{1, 1e6});
    v("episodes", episodes, "one after the other");
  }

  // Of all of it: suites of one hash have the same episodes.
  std::string Hash() const;
  // One line for each episode.
  std::string ToText() const;
};

// The episode that these options draw under `number`, but for its start, at which `simulator` is
// left, in the episode's world. The look is drawn where there is a `renderer`, which is left in
// that world too.
SuiteEpisode DrawEpisode(const EvalOptions& options, const Variations& vary, int64_t number,
                         Simulator& simulator, Renderer* renderer);

// Writes down what Evaluate would run with these options and draws. Stops early, with the episodes
// done, when an interrupt is requested.
Suite FreezeSuite(const SimulatorFactory& simulators, const RendererFactory& renderers,
                  const EvalOptions& options, const Variations& vary, Progress& progress);

// With what the suite says in the place of options: variants, number of episodes, seed, horizon,
// instructions.
EvalOptions OptionsOf(const Suite& suite, EvalOptions options);

// Throws Error(kBadInput) under `name` that lists every fault of the file.
Suite ReadSuite(const Json& json, const std::string& name);

// The same of a suite that is to be run in this task: scene, starts, looks and worlds.
void CheckSuite(const Suite& suite, const std::string& name, const SimulatorFactory& simulators,
                const RendererFactory& renderers, Progress& progress);

}  // namespace understudy
