#include "train/run/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "train/run/train_loop.h"

namespace understudy {
namespace {

constexpr double kMib = 1 << 20;

// The number behind `name` in a file of /proc, in MiB; 0: it is not there.
double FromProc(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1)) / 1024;
  }
  return 0;
}

double RowsMib(const TrainingSet& set) {
  size_t bytes = 0;
  for (const TrainingEpisode& episode : set.episodes) {
    const size_t numbers =
        episode.state_TS.size() + episode.actions_TA.size() + episode.objects_TO.size();
    bytes += numbers * sizeof(float) + episode.X_WE.size() * sizeof(Pose) +
             episode.targets.size() * sizeof(ArmAction);
  }
  return static_cast<double>(bytes) / kMib;
}

}  // namespace

Json MemoryEstimate::ToJson() const {
  return {{"weights", weights},         {"optimizer", optimizer},
          {"gradients", gradients},     {"rows", rows},
          {"pictures", pictures},       {"batches", batches},
          {"total", network() + data()}};
}

MemoryEstimate EstimateMemory(const Json& engine, const TrainingSets& sets,
                              const SampleLayout& layout, const TrainOptions& options) {
  MemoryEstimate estimate;
  const double copy = engine.value("parameters", int64_t{0}) * 4.0 / kMib;
  estimate.on_device = engine.value("device", "cpu") != "cpu";
  const double replicas = std::max(1, engine.value("threads", 1));
  const int parts = options.trainer.microbatches > 0 ? options.trainer.microbatches : 4;
  // each replica adds up its parts as a tree, with a sum that waits on every level
  const double waiting = std::ceil(std::log2(std::max(1.0, parts / replicas)));
  estimate.weights = copy * (options.trainer.ema > 0 ? 2 : 1);
  estimate.optimizer = 2 * copy;
  estimate.gradients = copy * replicas * (1 + waiting);

  double frames = 0;
  for (const auto& set : sets) {
    estimate.rows += RowsMib(*set);
    frames += static_cast<double>(set->windows()) * static_cast<double>(set->cameras.size()) *
              set->image_height * set->image_width * 3 / kMib;
  }
  const bool sees = std::ranges::any_of(
      layout.columns, [](const ColumnLayout& column) { return IsImageColumn(column.info.name); });
  if (sees) estimate.pictures = std::min(frames, static_cast<double>(options.loader.cache_mib));
  double sample = 0;
  for (const ColumnLayout& column : layout.columns) {
    const int bytes = IsImageColumn(column.info.name) ? 1 : 4;
    sample += static_cast<double>(column.info.size()) * column.steps() * bytes;
  }
  estimate.batches = sample * options.batch * (options.loader.ring + 1) / kMib;
  return estimate;
}

double PeakMemoryMib() { return FromProc("/proc/self/status", "VmHWM"); }

void ForgetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

double FreeMemoryMib() { return FromProc("/proc/meminfo", "MemAvailable"); }

std::string DescribeMemory(const MemoryEstimate& estimate, double free_mib) {
  std::string text = fmt::format(
      "memory: {:.0f} MiB for the network{} (weights {:.0f}, optimizer {:.0f}, gradients {:.0f}), "
      "{:.0f} MiB for data (rows {:.0f}, pictures {:.0f}, batches {:.0f}); activations come on top",
      estimate.network(), estimate.on_device ? " on the device" : "", estimate.weights,
      estimate.optimizer, estimate.gradients, estimate.data(), estimate.rows, estimate.pictures,
      estimate.batches);
  const double here = estimate.data() + (estimate.on_device ? 0 : estimate.network());
  if (free_mib > 0 && here > free_mib) {
    text += fmt::format(
        "; {:.0f} MiB are free: reduce loader.cache_mib, loader.ring, batch or trainer.threads, or "
        "take a smaller network",
        free_mib);
  }
  return text;
}

}  // namespace understudy
