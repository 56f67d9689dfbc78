#include <algorithm>
#include <memory>
#include <set>

#include "core/base/error.h"
#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "data/formats/formats.h"
#include "data/store/edit/check_numbers.h"
#include "train/samples/training_set.h"

namespace understudy {
namespace {

// Rejects a dataset that cannot be mixed with the first one or lacks a camera, with every reason.
void CheckAgreement(const TrainingSet& set, const DatasetHeader& header, const std::string& path) {
  Problems problems;
  const SimulatorInfo& info = header.simulator;
  const auto differ = [&](const char* what, const std::string& first, const std::string& here) {
    if (first != here) {
      problems.push_back(
          fmt::format("{} is {} here and {} in the first dataset", what, here, first));
    }
  };
  const Embodiment& base = set.embodiment;
  differ("robot", base.robot, info.robot);
  differ("arms", fmt::format("{}", fmt::join(base.arms, ", ")),
         fmt::format("{}", fmt::join(info.arms, ", ")));
  differ("number of finger joints", std::to_string(base.gripper_joints),
         std::to_string(info.finger_joints()));
  if (!SamePlace(base.X_WB, info.base(0))) {
    differ("robot base", ToJson(base.X_WB).dump(), ToJson(info.base(0)).dump());
  }
  differ("control rate", fmt::format("{} Hz", set.control_hz),
         fmt::format("{} Hz", info.control_hz));
  differ("delta limits", fmt::format("{} m, {} rad", set.limits.linear, set.limits.angular),
         fmt::format("{} m, {} rad", info.limits.linear, info.limits.angular));
  differ("image size", fmt::format("{}x{}", set.image_width, set.image_height),
         fmt::format("{}x{}", header.image_width, header.image_height));
  for (const std::string& camera : set.cameras) {
    if (std::find(header.cameras.begin(), header.cameras.end(), camera) == header.cameras.end()) {
      problems.push_back(UnknownName("camera", camera, header.cameras));
    }
  }
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("{}: cannot be trained on: {}", path, fmt::join(problems, "; ")));
  }
}

// Orders of symmetry by object, from the task stored in the file; other programs' files
// have none.
std::map<std::string, int> SymmetryOf(const Json& task) {
  std::map<std::string, int> symmetry;
  const Json objects = task.is_object() ? task.value("objects", Json::object()) : Json::object();
  if (!objects.is_object()) return symmetry;
  for (const auto& [name, object] : objects.items()) {
    const Json order = object.is_object() ? object.value("symmetry", Json(1)) : Json(1);
    if (order.is_number_integer() && order >= 0 && order <= 64) symmetry[name] = order.get<int>();
  }
  return symmetry;
}

}  // namespace

TrainingSet LoadTrainingSet(const std::vector<std::filesystem::path>& paths,
                            const std::vector<std::string>& cameras,
                            const SelectionOptions& selection, Progress& progress,
                            const ReadOptions& read) {
  if (paths.empty()) ThrowUsage("training needs at least one dataset: --datasets FILE");
  TrainingSet set;
  ReadOptions checked = read;
  checked.check_pictures = true;
  for (size_t d = 0; d < paths.size(); ++d) {
    const auto reader = std::shared_ptr<const EpisodeSource>(OpenDataset(paths[d], checked));
    const DatasetHeader& header = reader->header();
    const std::string path = paths[d].string();
    for (const SkippedEpisode& episode : reader->skipped()) {
      progress.Message(fmt::format("left out: {}: {}", episode.name, episode.reason));
    }
    if (d == 0) {
      set.embodiment = MakeEmbodiment(header.simulator);
      set.task = header.simulator.task;
      set.cameras = cameras.empty() ? header.cameras : cameras;
      set.image_height = header.image_height;
      set.image_width = header.image_width;
      set.control_hz = header.simulator.control_hz;
      set.limits = header.simulator.limits;
    }
    CheckAgreement(set, header, path);
    if (set.cameras.empty() || set.image_height <= 0 || set.image_width <= 0) {
      ThrowBadInput(path + ": holds no images; render them first with `understudy augment`");
    }

    // pictures are read by the reader's own numbers of cameras
    std::vector<size_t> camera_index;
    for (const std::string& camera : set.cameras) {
      const auto at = std::find(header.cameras.begin(), header.cameras.end(), camera);
      camera_index.push_back(static_cast<size_t>(at - header.cameras.begin()));
    }
    set.datasets.push_back(
        {path, reader->content_hash(),
         [reader, camera_index](size_t episode, size_t camera, size_t step, uint8_t* out) {
           reader->ReadFrame(episode, camera_index[camera], step, out);
         },
         SymmetryOf(header.task)});

    // choose by the summaries, then read the columns of what was chosen
    std::set<std::string> masked;
    if (!selection.mask.empty()) {
      const std::vector<std::string> known = reader->MaskNames();
      if (std::find(known.begin(), known.end(), selection.mask) == known.end()) {
        ThrowBadInput(path + ": " + UnknownName("mask", selection.mask, known));
      }
      for (const std::string& name : reader->ReadMask(selection.mask)) masked.insert(name);
    }
    std::vector<size_t> chosen;
    for (size_t i = 0; i < reader->episodes().size(); ++i) {
      const EpisodeSummary& episode = reader->episodes()[i];
      const std::vector<int>& variants = selection.variants;
      if (!selection.mask.empty() && !masked.contains(episode.name)) continue;
      if (selection.only_successes && !episode.success) continue;
      if (!variants.empty() &&
          std::find(variants.begin(), variants.end(), episode.variant_index) == variants.end()) {
        continue;
      }
      if (episode.length == 0) continue;
      if (selection.max_episodes > 0 &&
          static_cast<int64_t>(chosen.size()) >= selection.max_episodes) {
        break;
      }
      chosen.push_back(i);
    }
    if (chosen.empty()) {
      ThrowBadInput(fmt::format(
          "{}: none of its {} episodes is selected (mask '{}', only_successes {}, variants [{}])",
          path, reader->episodes().size(), selection.mask, selection.only_successes,
          fmt::join(selection.variants, ", ")));
    }
    // another program's file stores no hashes
    if (!reader->content_hash().empty()) {
      std::vector<std::string> names;
      for (const size_t i : chosen) names.push_back(reader->episodes()[i].name);
      CheckNumbers(paths[d], names, read.outside_links, progress);
    }
    progress.Start("reading " + path, static_cast<int64_t>(chosen.size()), "episodes");
    for (size_t i = 0; i < chosen.size(); ++i) {
      Episode episode = reader->ReadEpisode(chosen[i]);
      if (episode.meta.instruction.empty()) {
        episode.meta.instruction = header.simulator.instruction;
      }
      AddEpisode(set, episode, d, chosen[i], selection.label);
      progress.Advance(static_cast<int64_t>(i) + 1);
    }
    progress.Finish();
  }
  return set;
}

}  // namespace understudy
