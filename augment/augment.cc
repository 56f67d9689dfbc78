#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "augment/command.h"
#include "core/base/hash.h"
#include "core/base/ordered_pool.h"
#include "core/base/version.h"
#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "data/formats/formats.h"
#include "data/store/writer.h"

namespace understudy {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Frames of one episode in memory, camera by camera, as the writer takes them.
class EpisodeFrames : public FrameSink {
 public:
  explicit EpisodeFrames(size_t cameras) : images_(cameras) {}
  void Add(const std::vector<Image>& images) override {
    for (size_t c = 0; c < images_.size(); ++c) images_[c].push_back(images[c]);
  }
  size_t rows() const { return images_.empty() ? 0 : images_[0].size(); }
  std::vector<Image> Row(size_t row) const {
    std::vector<Image> images;
    for (const auto& camera : images_) images.push_back(camera[row]);
    return images;
  }

 private:
  std::vector<std::vector<Image>> images_;
};

// One piece of work: an episode of an input and the variant that is rendered.
struct Item {
  size_t input = 0, episode = 0;
  int variant = 0;
};

struct Rendered {
  Episode episode;
  std::vector<CameraParameters> cameras;
  EpisodeFrames frames{0};
};

struct Inputs {
  std::vector<std::unique_ptr<EpisodeSource>> readers;
  std::vector<Item> items;
  std::vector<std::string> cameras;
};

Inputs OpenInputs(const AugmentOptions& options) {
  if (options.inputs.empty()) ThrowUsage("augment: inputs: name at least one dataset");
  if (!options.nominal && options.variants == 0) {
    ThrowUsage("augment: variants = 0 without nominal = true leaves nothing to render");
  }
  Inputs inputs;
  for (const std::string& path : options.inputs) {
    const EpisodeSource& reader = *inputs.readers.emplace_back(OpenDataset(path, options.read));
    if (!reader.header().has_states()) {
      ThrowBadInput(fmt::format(
          "{}: holds no states of our simulator (datasets of other programs hold none), so that "
          "nothing can be rendered from it; generate from it with mimic instead",
          path));
    }
  }
  for (size_t i = 0; i < inputs.readers.size(); ++i) {
    const SimulatorInfo& first = inputs.readers[0]->header().simulator;
    const SimulatorInfo& other = inputs.readers[i]->header().simulator;
    if (first.task != other.task || first.robot != other.robot) {
      ThrowBadInput(fmt::format("{}: is of task {} with robot {}, but {} is of {} with {}",
                                options.inputs[i], other.task, other.robot, options.inputs[0],
                                first.task, first.robot));
    }
    int64_t taken = 0;
    const auto& episodes = inputs.readers[i]->episodes();
    for (size_t e = 0; e < episodes.size(); ++e) {
      if (options.successes_only && !episodes[e].success) continue;
      if (options.max_episodes > 0 && taken == options.max_episodes) break;
      ++taken;
      for (int variant = options.nominal ? 0 : 1; variant <= options.variants; ++variant) {
        inputs.items.push_back({i, e, variant});
      }
    }
  }
  if (inputs.items.empty()) {
    ThrowBadInput(fmt::format("{}: holds no {}episode to render", fmt::join(options.inputs, ", "),
                              options.successes_only ? "successful " : ""));
  }
  if (options.variants > 0 && options.plan.randomizers.empty()) {
    ThrowUsage(
        fmt::format("augment: variants = {} drawn looks need a plan of randomizers, and none is "
                    "given (--plan-file; "
                    "demo/randomised.yaml is the plan that ships with the program). For the "
                    "nominal look alone, "
                    "set variants = 0",
                    options.variants));
  }
  const std::string unsafe = UnsafeParts(options.plan);
  if (!unsafe.empty() && !options.looks_only) {
    ThrowUsage(fmt::format(
        "augment: the plan varies physics too, which stored states and actions do not follow: {}; "
        "`understudy mimic --plan-file` generates in the varied world, or --looks-only draws the "
        "looks alone",
        unsafe));
  }
  if (options.variants > 0 && Part(options.plan, true).randomizers.empty()) {
    ThrowUsage(
        "augment: the plan has no randomizer of looks: set variants = 0 for the nominal one");
  }
  inputs.cameras = options.cameras;
  if (inputs.cameras.empty()) inputs.cameras = inputs.readers[0]->header().simulator.cameras;
  return inputs;
}

void CheckScene(const AugmentOptions& options, const Inputs& inputs, const SceneInventory& scene) {
  Problems problems = Validate(options.plan, scene);
  std::vector<std::string> known;
  for (const SceneInventory::Camera& camera : scene.cameras) known.push_back(camera.name);
  for (const std::string& camera : inputs.cameras) {
    if (std::find(known.begin(), known.end(), camera) == known.end()) {
      problems.push_back("cameras: " + UnknownName("camera", camera, known));
    }
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("augment: {}", fmt::join(problems, "; ")));
}

// Copies `tile` into `sheet`, its corner at (x, y).
void Place(const Image& tile, int x, int y, Image* sheet) {
  for (int row = 0; row < tile.height; ++row) {
    std::copy_n(
        tile.rgb.begin() + static_cast<std::ptrdiff_t>(3) * row * tile.width, 3 * tile.width,
        sheet->rgb.begin() + static_cast<std::ptrdiff_t>(3) * ((y + row) * sheet->width + x));
  }
}

}  // namespace

Image ContactSheet(const AugmentOptions& options, const RendererFactory& renderers) {
  const Inputs inputs = OpenInputs(options);
  const std::unique_ptr<Renderer> renderer = renderers();
  const SceneInventory scene = renderer->inventory();
  CheckScene(options, inputs, scene);
  constexpr int kColumns = 4, kRows = 3, kGap = 4;
  const int cameras = static_cast<int>(inputs.cameras.size());
  const int wide = options.width + kGap, high = options.height + kGap;
  Image sheet(kColumns * wide - kGap, kRows * cameras * high - kGap);
  std::fill(sheet.rgb.begin(), sheet.rgb.end(), uint8_t{255});
  for (int tile = 0; tile < kColumns * kRows; ++tile) {
    // as many episodes as there are, the looks that they would be given, the nominal one first
    const Item& item =
        inputs.items[static_cast<size_t>(tile) * inputs.items.size() / (kColumns * kRows)];
    const Episode episode = inputs.readers[item.input]->ReadEpisode(item.episode);
    const RngKey key = VariantKey(options.seed, episode.meta.uuid, 1 + tile);
    renderer->SetWorld(episode.meta.physics);
    renderer->SetVariation(tile == 0 ? SceneVariation{} : Draw(options.plan, scene, key));
    std::vector<Image> images;
    renderer->Render(episode.steps[episode.length() / 2].state, inputs.cameras, options.width,
                     options.height, &images);
    for (int camera = 0; camera < cameras; ++camera) {
      const int row = tile / kColumns * cameras + camera;
      Place(images[static_cast<size_t>(camera)], tile % kColumns * wide, row * high, &sheet);
    }
  }
  return sheet;
}

Json AugmentReport::ToJson() const {
  return {{"episodes", episodes},        {"frames", frames},
          {"seconds", seconds},          {"frames_per_second", frames_per_second},
          {"renderer", renderer.device}, {"software", renderer.software},
          {"interrupted", interrupted}};
}

RngKey VariantKey(uint64_t seed, const std::string& uuid, int variant) {
  return RngKey{.seed = seed}
      .WithStage("augment")
      .WithParent(HashOf(uuid))
      .WithVariant(static_cast<uint64_t>(variant));
}

std::vector<CameraParameters> RenderVariant(const Episode& episode, const SceneVariation& variation,
                                            const std::vector<std::string>& cameras, int width,
                                            int height, Renderer& renderer, FrameSink& sink) {
  renderer.SetWorld(episode.meta.physics);
  renderer.SetVariation(variation);
  std::vector<CameraParameters> parameters;
  std::vector<Image> images;
  for (const Step& step : episode.steps) {
    renderer.Render(step.state, cameras, width, height, &images);
    if (parameters.empty()) {
      for (const std::string& camera : cameras) parameters.push_back(renderer.Parameters(camera));
    }
    sink.Add(images);
  }
  return parameters;
}

AugmentReport RunAugment(const AugmentOptions& options, const RendererFactory& renderers,
                         Progress& progress) {
  const Inputs inputs = OpenInputs(options);
  AugmentReport report;
  SceneInventory scene;
  {
    const std::unique_ptr<Renderer> probe = renderers();
    report.renderer = probe->info();
    scene = probe->inventory();
  }
  CheckScene(options, inputs, scene);

  DatasetHeader header = inputs.readers[0]->header();
  header.stage = "augment";
  header.cameras = inputs.cameras;
  header.image_width = options.width;
  header.image_height = options.height;
  header.parents.clear();
  for (const auto& reader : inputs.readers) header.parents.push_back(reader->content_hash());
  header.settings = ResultOptions(options);
  SetRobotSpec(RobotSpecOf(inputs.readers[0]->header()), header);
  DatasetWriter writer(options.out, header,
                       {.overwrite = options.overwrite,
                        .resume = options.resume,
                        .compression = options.compression});

  const int threads = ThreadCount(options.threads);
  const auto total = static_cast<int64_t>(inputs.items.size());
  const auto start = Clock::now();
  progress.Start("augment", total, "episodes");
  const int64_t first = writer.episodes_written();

  const auto render = [&](int, int64_t index) {
    // a renderer lives and dies on the thread that uses it; the pool's threads end with the run
    thread_local std::unique_ptr<Renderer> renderer;
    if (!renderer) renderer = renderers();
    const Item& item = inputs.items[static_cast<size_t>(index)];
    Rendered rendered{.episode = inputs.readers[item.input]->ReadEpisode(item.episode),
                      .frames = EpisodeFrames(inputs.cameras.size())};
    EpisodeMeta& meta = rendered.episode.meta;
    const RngKey key = VariantKey(options.seed, meta.uuid, item.variant);
    meta.variation = item.variant == 0 ? SceneVariation{} : Draw(options.plan, scene, key);
    meta.variant_index = item.variant;
    meta.cameras = inputs.cameras;
    meta.program_version = ProgramVersion();
    meta.parents = {meta.uuid};
    meta.uuid = MakeUuid(meta.uuid, key);
    rendered.cameras = RenderVariant(rendered.episode, meta.variation, inputs.cameras,
                                     options.width, options.height, *renderer, rendered.frames);
    return rendered;
  };
  const auto store = [&](int64_t index, Rendered&& rendered) {
    writer.BeginEpisode(rendered.episode, rendered.cameras);
    for (size_t row = 0; row < rendered.frames.rows(); ++row) {
      writer.AddFrames(rendered.frames.Row(row));
    }
    writer.EndEpisode();
    ++report.episodes;
    report.frames += static_cast<int64_t>(rendered.frames.rows() * inputs.cameras.size());
    progress.Advance(index + 1,
                     fmt::format("{:.0f} frames/s", report.frames / SecondsSince(start)));
    report.interrupted = InterruptRequested();
    return !report.interrupted;
  };
  RunOrdered<Rendered>(threads, first, total, render, store, 2 * threads);

  report.seconds = SecondsSince(start);
  report.frames_per_second = report.seconds > 0 ? report.frames / report.seconds : 0;
  if (report.interrupted) return report;
  writer.WriteReport(report.ToJson());
  writer.Finish();
  progress.Finish(fmt::format("{} episodes, {} frames, {:.0f} frames/s on {}", report.episodes,
                              report.frames, report.frames_per_second, report.renderer.device));
  return report;
}

Json PlanAugment(const AugmentOptions& options, const RendererFactory& renderers) {
  const Inputs inputs = OpenInputs(options);
  const std::unique_ptr<Renderer> renderer = renderers();
  CheckScene(options, inputs, renderer->inventory());
  int64_t frames = 0;
  for (const Item& item : inputs.items) {
    frames += static_cast<int64_t>(inputs.readers[item.input]->episodes()[item.episode].length *
                                   inputs.cameras.size());
  }
  // probe one episode on one thread
  const Item& item = inputs.items.front();
  const Episode episode = inputs.readers[item.input]->ReadEpisode(item.episode);
  EpisodeFrames sink(inputs.cameras.size());
  const auto start = Clock::now();
  RenderVariant(episode, {}, inputs.cameras, options.width, options.height, *renderer, sink);
  const double per_frame =
      SecondsSince(start) / static_cast<double>(sink.rows() * inputs.cameras.size());
  const int threads = ThreadCount(options.threads);
  return {{"episodes", inputs.items.size()},
          {"frames", frames},
          {"bytes_uncompressed", frames * options.width * options.height * 3},
          {"threads", threads},
          {"seconds_predicted", per_frame * static_cast<double>(frames) / threads},
          {"renderer", renderer->info().device}};
}

}  // namespace understudy
