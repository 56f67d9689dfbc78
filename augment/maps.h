#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/seam/render_options.h"
#include "core/seam/renderer.h"
#include "data/store/read_options.h"

namespace understudy {

enum class MapChannel { kRgb, kDepth, kShapes, kInstances };
template <>
struct EnumNames<MapChannel> {
  static constexpr std::array kNames{"rgb", "depth", "shapes", "instances"};
};

// `understudy data render`: what a renderer knows of stored states, as arrays of NumPy.
struct MapOptions {
  std::string path, out;
  ReadOptions read;
  std::vector<MapChannel> channels{MapChannel::kRgb, MapChannel::kDepth, MapChannel::kShapes,
                                   MapChannel::kInstances};
  std::vector<std::string> cameras;
  int width = 224, height = 224;
  int max_episodes = 0;
  int every = 1;
  RenderOptions render;
  int threads = 0;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset whose states are rendered", kRequired);
    read.Visit(v);
    v("out", out, "folder to write; episodes that it holds already stay", kRequired, kOutput);
    v("channels", channels,
      "rgb; depth (m along the optical axis); shapes (places in shapes.json); instances (places in "
      "its list of instances: objects, arms)");
    v("cameras", cameras, "names; empty: those of the task");
    v("width", width, "px", Limits{8, 4096});
    v("height", height, "px", Limits{8, 4096});
    v("max_episodes", max_episodes, "0: all", Limits{0, 1e9});
    v("every", every, "so many rows per picture", Limits{1, 1e6});
    v("render", render, "how pictures are drawn");
    v("threads", threads, "0: one per core", Limits{0, 1024}, Effect::kSpeed);
  }
};

struct MapReport {
  int64_t episodes = 0, kept = 0, pictures = 0;  // kept: were there already
  double seconds = 0;
  bool interrupted = false;
  Json ToJson() const;
};

// Writes <out>/<episode>/<camera>_<channel>.npy, first dimension the rows, and cameras.json with
// field of view and pose of every camera in every row; <out>/shapes.json names shapes and
// instances. Looks and worlds are those that the episodes store. The same bytes for any number of
// threads, and on a repeat with the same driver. Throws Error(kBadInput) for a dataset without
// states, or a folder that was begun with other settings.
MapReport RenderMaps(const MapOptions& options, const RendererFactory& renderers,
                     Progress& progress);

}  // namespace understudy
