#include "augment/maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/npy.h"
#include "core/base/ordered_pool.h"
#include "core/seam/episode_source.h"
#include "data/formats/formats.h"
#include "data/store/files.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecord = "render.json";

template <class T>
std::string NpyOf(const char* type, const std::vector<int64_t>& shape, const std::vector<T>& data) {
  std::string bytes = NpyHeader(type, shape);
  bytes.append(reinterpret_cast<const char*>(data.data()), data.size() * sizeof(T));
  return bytes;
}

// Shapes, and what they are parts of, by number.
struct Names {
  Json json;
  std::vector<int32_t> instance_of;  // by shape
};

Names NamesOf(const std::vector<ShownShape>& shapes) {
  Names names;
  std::vector<std::string> instances;
  Json list = Json::array();
  for (const ShownShape& shape : shapes) {
    auto found = std::find(instances.begin(), instances.end(), shape.instance);
    if (found == instances.end()) found = instances.insert(instances.end(), shape.instance);
    names.instance_of.push_back(static_cast<int32_t>(found - instances.begin()));
    list.push_back({{"geom", shape.geom}, {"body", shape.body}, {"instance", shape.instance}});
  }
  names.json = {{"shapes", list}, {"instances", instances}, {"nothing", -1}};
  return names;
}

// The arrays of one camera of one episode.
struct CameraArrays {
  std::vector<uint8_t> rgb;
  std::vector<float> depth;
  std::vector<int32_t> shapes, instances;
};

bool Has(const MapOptions& options, MapChannel channel) {
  return std::find(options.channels.begin(), options.channels.end(), channel) !=
         options.channels.end();
}

// Renders an episode into `folder`, which appears when all of it is written. Returns pictures.
int64_t RenderEpisode(const Episode& episode, const MapOptions& options,
                      const std::vector<std::string>& cameras, const Names& nominal,
                      Renderer& renderer, const fs::path& folder) {
  renderer.SetWorld(episode.meta.physics);
  // a composed world has shapes of its own
  const Names names = NamesOf(renderer.shapes());
  renderer.SetVariation(episode.meta.variation);
  std::vector<CameraArrays> arrays(cameras.size());
  Json places = Json::object();
  int64_t rows = 0;
  std::vector<Image> images;
  std::vector<PixelMaps> maps;
  const bool draws_maps = Has(options, MapChannel::kDepth) || Has(options, MapChannel::kShapes) ||
                          Has(options, MapChannel::kInstances);
  for (size_t t = 0; t < episode.length(); t += static_cast<size_t>(options.every), ++rows) {
    const SimState& state = episode.steps[t].state;
    if (Has(options, MapChannel::kRgb) || !draws_maps) {
      renderer.Render(state, cameras, options.width, options.height, &images);
    }
    if (draws_maps) renderer.RenderMaps(state, cameras, options.width, options.height, &maps);
    for (size_t c = 0; c < cameras.size(); ++c) {
      CameraArrays& into = arrays[c];
      if (Has(options, MapChannel::kRgb)) {
        into.rgb.insert(into.rgb.end(), images[c].rgb.begin(), images[c].rgb.end());
      }
      if (Has(options, MapChannel::kDepth)) {
        into.depth.insert(into.depth.end(), maps[c].depth.begin(), maps[c].depth.end());
      }
      if (Has(options, MapChannel::kShapes)) {
        into.shapes.insert(into.shapes.end(), maps[c].shape.begin(), maps[c].shape.end());
      }
      if (Has(options, MapChannel::kInstances)) {
        for (const int32_t shape : maps[c].shape) {
          into.instances.push_back(shape < 0 ? -1 : names.instance_of[static_cast<size_t>(shape)]);
        }
      }
      const CameraParameters camera = renderer.Parameters(cameras[c]);
      Json& seen = places[cameras[c]];
      seen["fovy_deg"] = camera.fovy_deg;
      seen["width"] = camera.width;
      seen["height"] = camera.height;
      seen["X_WC"].push_back(ToJson(camera.X_WC));
    }
  }
  const int64_t height = options.height, width = options.width;
  const fs::path part = folder.string() + ".part";
  fs::remove_all(part);
  fs::create_directories(part);
  for (size_t c = 0; c < cameras.size(); ++c) {
    const auto write = [&](MapChannel channel, const std::string& bytes) {
      if (!Has(options, channel)) return;
      const std::string name = ToJson(channel).get<std::string>();
      WriteTextAtomically(part / fmt::format("{}_{}.npy", cameras[c], name), bytes);
    };
    write(MapChannel::kRgb, NpyOf("|u1", {rows, height, width, 3}, arrays[c].rgb));
    write(MapChannel::kDepth, NpyOf("<f4", {rows, height, width}, arrays[c].depth));
    write(MapChannel::kShapes, NpyOf("<i4", {rows, height, width}, arrays[c].shapes));
    write(MapChannel::kInstances, NpyOf("<i4", {rows, height, width}, arrays[c].instances));
  }
  WriteTextAtomically(part / "cameras.json", places.dump() + "\n");
  if (names.json != nominal.json) {
    WriteTextAtomically(part / "shapes.json", names.json.dump(2) + "\n");
  }
  fs::rename(part, folder);
  return rows * static_cast<int64_t>(cameras.size());
}

}  // namespace

Json MapReport::ToJson() const {
  return {{"episodes", episodes},
          {"kept", kept},
          {"pictures", pictures},
          {"seconds", seconds},
          {"interrupted", interrupted}};
}

MapReport RenderMaps(const MapOptions& options, const RendererFactory& renderers,
                     Progress& progress) {
  const std::unique_ptr<EpisodeSource> source = OpenDataset(options.path, options.read);
  if (!source->header().has_states()) {
    ThrowBadInput(fmt::format(
        "{}: holds no states of our simulator (datasets of other programs hold none), so that "
        "nothing can be rendered from it",
        options.path));
  }
  if (options.channels.empty()) ThrowUsage("channels: name at least one");
  const fs::path out = options.out;
  Names names;
  std::vector<std::string> cameras = options.cameras;
  {
    const std::unique_ptr<Renderer> probe = renderers();
    names = NamesOf(probe->shapes());
    std::vector<std::string> known;
    for (const auto& camera : probe->inventory().cameras) known.push_back(camera.name);
    if (cameras.empty()) cameras = source->header().simulator.cameras;
    for (const std::string& camera : cameras) {
      if (std::find(known.begin(), known.end(), camera) == known.end()) {
        ThrowBadInput("cameras: " + UnknownName("camera", camera, known));
      }
    }
  }

  // a folder goes on only as it was begun
  Json settings = ResultOptions(options);
  settings.erase("path");
  settings.erase("max_episodes");
  settings["dataset"] = source->content_hash();
  settings["task"] = source->header().simulator.task;
  settings["robot"] = source->header().simulator.robot;
  settings["shapes"] = ContentHash(names.json.dump());  // of the scene that is drawn
  std::error_code none;
  if (fs::exists(out, none) && !fs::is_empty(out, none)) {
    const fs::path record = out / kRecord;
    if (!fs::exists(record) || LoadJson(record) != settings) {
      ThrowUsage(fmt::format("out: {}: {}; choose another folder, or remove it", out.string(),
                             fs::exists(record)
                                 ? "was begun from another dataset or with other settings"
                                 : "is no folder of this command"));
    }
  }
  fs::create_directories(out);
  WriteTextAtomically(out / kRecord, settings.dump(2) + "\n");
  WriteTextAtomically(out / "shapes.json", names.json.dump(2) + "\n");

  auto total = static_cast<int64_t>(source->episodes().size());
  if (options.max_episodes > 0) total = std::min<int64_t>(total, options.max_episodes);
  MapReport report;
  const double start = MonotonicSeconds();
  progress.Start("render", total, "episodes");
  RunOrdered<int64_t>(
      ThreadCount(options.threads, total), 0, total,
      [&](int, int64_t index) -> int64_t {
        const fs::path folder = out / source->episodes()[static_cast<size_t>(index)].name;
        if (fs::exists(folder)) return -1;
        // a renderer lives and dies on the thread that uses it
        thread_local std::unique_ptr<Renderer> renderer;
        if (!renderer) renderer = renderers();
        return RenderEpisode(source->ReadEpisode(static_cast<size_t>(index)), options, cameras,
                             names, *renderer, folder);
      },
      [&](int64_t index, int64_t&& pictures) {
        ++report.episodes;
        report.kept += pictures < 0;
        report.pictures += std::max<int64_t>(0, pictures);
        progress.Advance(index + 1);
        report.interrupted = InterruptRequested();
        return !report.interrupted;
      });
  report.seconds = MonotonicSeconds() - start;
  progress.Finish(fmt::format("{} pictures", report.pictures));
  return report;
}

}  // namespace understudy
