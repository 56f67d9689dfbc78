#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "core/base/rng.h"
#include "tests/support/fake_simulator.h"
#include "train/samples/training_set.h"

namespace understudy {

// A fresh folder for one test.
inline std::filesystem::path FreshFolder(const std::string& name) {
  static std::atomic<int> count{0};
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) /
      ("train_" + name + "_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

constexpr int kImage = 12;  // px

// Pixels that tell episode, camera and step.
inline uint8_t Pixel(size_t episode, size_t camera, size_t step, size_t at) {
  return static_cast<uint8_t>(HashOf(std::to_string(episode * 1000003 + camera * 7919 + step)) +
                              at * 37);
}

// Episode and row of each sample, by the identity that batches give it.
inline std::map<uint64_t, std::pair<size_t, size_t>> SampleRows(const TrainingSet& set) {
  std::map<uint64_t, std::pair<size_t, size_t>> rows;
  for (size_t e = 0; e < set.episodes.size(); ++e) {
    for (size_t row = 0; row < set.episodes[e].length; ++row) {
      rows[HashOf(set.episodes[e].uuid) + row * 0x9E3779B97F4A7C15ull] = {e, row};
    }
  }
  return rows;
}

// All that the set offers, once, in the order that it is offered in.
inline SampleLayout FullLayout(const TrainingSet& set, int horizon, int tokens) {
  SampleLayout layout;
  for (const ColumnInfo& info : ColumnsOf(set, tokens)) {
    if (info.name == kSeenObjectsColumn) continue;  // the numbers of kObjectsColumn
    const bool chunk = info.name == kActionColumn;
    layout.columns.push_back({info, chunk ? ChunkOffsets(horizon) : std::vector<int>{0}});
  }
  return layout;
}

// A set of scripted stacking episodes, `counts` by dataset, with pictures made of Pixel().
inline std::shared_ptr<TrainingSet> ScriptedSet(const std::vector<int>& counts) {
  const TaskSpec task = FakeTask();
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
  auto set = std::make_shared<TrainingSet>();
  set->embodiment = MakeEmbodiment(simulator->info());
  set->task = simulator->info().task;
  set->cameras = {"agentview", "wrist"};
  set->image_height = set->image_width = kImage;
  set->control_hz = simulator->info().control_hz;
  set->limits = simulator->info().limits;
  uint64_t parent = 0;
  for (size_t d = 0; d < counts.size(); ++d) {
    set->datasets.push_back({"set" + std::to_string(d),
                             "hash" + std::to_string(d),
                             [d](size_t episode, size_t camera, size_t step, uint8_t* out) {
                               for (size_t i = 0; i < kImage * kImage * 3; ++i) {
                                 out[i] = Pixel(episode + 100 * d, camera, step, i);
                               }
                             },
                             {}});
    for (const auto& [name, object] : task.objects) {
      set->datasets.back().symmetry[name] = object.symmetry;
    }
    for (int i = 0; i < counts[d]; ++i) {
      Episode episode =
          ScriptedStack(*simulator, task, "D0", RngKey{.seed = 5, .parent = parent++});
      if (episode.meta.instruction.empty()) episode.meta.instruction = task.instruction;
      AddEpisode(*set, episode, d, static_cast<size_t>(i), ActionLabel::kClean);
    }
  }
  return set;
}

}  // namespace understudy
