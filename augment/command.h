#pragma once

#include <array>
#include <string>
#include <vector>

#include "augment/plan.h"
#include "core/base/progress.h"
#include "core/episode/episode.h"
#include "core/seam/frame_sink.h"
#include "core/seam/render_options.h"
#include "core/seam/renderer.h"
#include "data/store/read_options.h"

namespace understudy {

// `understudy augment`: renders stored states under drawn looks.
struct AugmentOptions {
  std::vector<std::string> inputs;
  ReadOptions read;  // how they are read
  std::string out;
  AugmentPlan plan;
  int variants = 1;
  bool nominal = true;
  std::vector<std::string> cameras;
  int width = 84, height = 84;
  int max_episodes = 0;
  bool successes_only = true;
  bool looks_only = false;  // leave out what of the plan is not label-safe, instead of refusing it
  uint64_t seed = 0;
  RenderOptions render;
  int threads = 0;
  int compression = 1;  // changes no pixel, but the dataset stores it and its hash covers it
  bool overwrite = false;
  bool resume = true;

  static constexpr std::array kUnwritten{ReadOptions::kOutsideLinks,
                                         ReadOptions::kQuaternions,
                                         ReadOptions::kSkipBad,
                                         ReadOptions::kMap,
                                         "render",
                                         "looks_only"};
  template <class V>
  void Visit(V& v) {
    v("inputs", inputs, "datasets whose states are rendered", kRequired);
    read.Visit(v);
    v("out", out, "dataset to write", kRequired, kOutput);
    v("plan", plan, "randomizers; in a file of its own or here");
    v("variants", variants, "drawn looks per episode, besides the nominal one", Limits{0, 10000});
    v("nominal", nominal, "also render the scene as it is, as variant 0");
    v("cameras", cameras, "names; empty: those of the task");
    v("width", width, "px", Limits{8, 4096});
    v("height", height, "px", Limits{8, 4096});
    v("max_episodes", max_episodes, "of each input; 0: all", Limits{0, 1e9});
    v("successes_only", successes_only, "skip failed episodes");
    v("looks_only", looks_only,
      "of a plan that varies physics too, draw the looks alone: stored states stay those of their "
      "world");
    v("seed", seed, "seed of the draws");
    v("render", render, "how pictures are drawn");
    v("threads", threads, "0: one per core", Limits{0, 1024}, Effect::kSpeed);
    v("compression", compression, "deflate level of images", Limits{0, 12});
    v("overwrite", overwrite, "replace an existing output", Effect::kPlace);
    v("resume", resume, "resume an unfinished output", Effect::kPlace);
  }
};

struct AugmentReport {
  int64_t episodes = 0, frames = 0;
  double seconds = 0, frames_per_second = 0;
  RendererInfo renderer;
  bool interrupted = false;
  Json ToJson() const;
};

// Shows every stored state of `episode` under `variation` to `cameras`, row by row into `sink`.
// Returns the camera parameters at the first row. States, actions and success are not touched.
std::vector<CameraParameters> RenderVariant(const Episode& episode, const SceneVariation& variation,
                                            const std::vector<std::string>& cameras, int width,
                                            int height, Renderer& renderer, FrameSink& sink);

// Twelve pictures of each camera, four in a row, at rows of the inputs: the nominal look, then
// drawn ones.
Image ContactSheet(const AugmentOptions& options, const RendererFactory& renderers);

// Key of the draws of one variant of one episode: by uuid, never by place in a file.
RngKey VariantKey(uint64_t seed, const std::string& uuid, int variant);

// Renders all variants of all episodes with one renderer per thread and writes them in order; the
// same file for any number of threads. Interrupted or killed, the next run goes on. `renderers` are
// made with options.render. Throws Error(kUsage) if variants are asked for without a plan.
AugmentReport RunAugment(const AugmentOptions& options, const RendererFactory& renderers,
                         Progress& progress);

// Cost of a run: episodes, frames, bytes and, from a short probe, seconds.
Json PlanAugment(const AugmentOptions& options, const RendererFactory& renderers);

}  // namespace understudy
