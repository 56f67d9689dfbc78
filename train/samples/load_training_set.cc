#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "core/base/error.h"
#include "core/image/resize.h"
#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "core/spec/robot_spec.h"
#include "data/formats/base/translate.h"
#include "data/formats/base/unread_poses.h"
#include "data/formats/formats.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/read_options.h"
#include "train/samples/dataset_embodiment.h"
#include "train/samples/training_set.h"

namespace understudy {
namespace {

using SharedSource = std::shared_ptr<const EpisodeSource>;

// ---- which episodes ----

// Whether a dataset says of any episode how it ended: where none does, none can be left out for it.
bool KnowsSuccess(const EpisodeSource& source) {
  return std::any_of(source.episodes().begin(), source.episodes().end(),
                     [](const EpisodeSummary& episode) { return episode.success_known; });
}

// Chooses by the summaries.
std::vector<size_t> ChooseEpisodes(const EpisodeSource& source, const SelectionOptions& selection,
                                   Progress& progress) {
  const std::string path = source.path().string();
  std::set<std::string> masked;
  if (!selection.mask.empty()) {
    const std::vector<std::string> known = source.MaskNames();
    if (std::find(known.begin(), known.end(), selection.mask) == known.end()) {
      ThrowBadInput(path + ": " + UnknownName("mask", selection.mask, known));
    }
    for (const std::string& name : source.ReadMask(selection.mask)) masked.insert(name);
  }
  const bool by_success = selection.only_successes && KnowsSuccess(source);
  if (selection.only_successes && !by_success && !source.episodes().empty()) {
    progress.Message(path + ": does not say which episodes are successes: all are taken");
  }
  SayUnreadPoses(source, progress);
  const Json& settings = source.header().settings;
  if (const auto numbers = settings.find(kNoPictures); numbers != settings.end()) {
    for (const auto& [column, why] : numbers->items()) {
      progress.Message(fmt::format("{}: {} {}", path, column, why.get<std::string>()));
    }
  }
  for (const std::string& what :
       settings.value(foreign::kWrongInFile, std::vector<std::string>{})) {
    progress.Message(path + ": " + what);
  }
  const std::vector<int>& variants = selection.variants;
  std::vector<size_t> chosen;
  for (size_t i = 0; i < source.episodes().size(); ++i) {
    const EpisodeSummary& episode = source.episodes()[i];
    if (!selection.mask.empty() && !masked.contains(episode.name)) continue;
    if (by_success && !episode.success) continue;
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
    const bool any_success =
        std::ranges::any_of(source.episodes(), [](const auto& e) { return e.success; });
    ThrowBadInput(fmt::format(
        "{}: none of its {} episodes is selected (mask '{}', only_successes {}, variants [{}]){}",
        path, source.episodes().size(), selection.mask, selection.only_successes,
        fmt::join(selection.variants, ", "),
        selection.only_successes && !any_success
            ? "; none is a success: --no-selection.only-successes takes them all"
            : ""));
  }
  return chosen;
}

// ---- pictures ----

// The size that pictures have for the policy.
PictureSize PictureSizeOf(const EpisodeSource& source, const std::vector<size_t>& cameras,
                          const InputOptions& inputs) {
  if (cameras.empty()) return {};
  const PictureSize first = source.header().size_of(cameras[0]);
  if (inputs.image_width > 0 || inputs.image_height > 0) {
    if (inputs.image_width <= 0 || inputs.image_height <= 0) {
      ThrowUsage("image_width and image_height: give both");
    }
    return {inputs.image_width, inputs.image_height};
  }
  for (const size_t camera : cameras) {
    const PictureSize size = source.header().size_of(camera);
    if (size == first) continue;
    ThrowBadInput(
        fmt::format("{}: camera {} is {}x{}, {} is {}x{}, and a policy sees one size: give "
                    "--image-width and --image-height, or fewer --cameras",
                    source.path().string(), source.header().cameras[cameras[0]], first.width,
                    first.height, source.header().cameras[camera], size.width, size.height));
  }
  return first;
}

// Pictures by the set's numbers of cameras, in the set's size.
FrameReader MakeFrameReader(SharedSource source, std::vector<size_t> cameras, PictureSize wanted) {
  return [source = std::move(source), cameras = std::move(cameras), wanted](
             size_t episode, size_t camera, size_t step, uint8_t* out) {
    const PictureSize size = source->header().size_of(cameras[camera]);
    if (size == wanted) {
      source->ReadFrame(episode, cameras[camera], step, out);
      return;
    }
    std::vector<uint8_t> pixels(static_cast<size_t>(size.width) * static_cast<size_t>(size.height) *
                                3);
    source->ReadFrame(episode, cameras[camera], step, pixels.data());
    ResizeImage(pixels.data(), size.height, size.width, out, wanted.height, wanted.width);
  };
}

// ---- whether datasets fit together ----

std::string Text(const std::vector<EmbodimentColumn>& columns) {
  std::vector<std::string> texts;
  for (const EmbodimentColumn& c : columns) texts.push_back(fmt::format("{} ({})", c.name, c.size));
  return fmt::format("{}", fmt::join(texts, ", "));
}

// What the numbers of columns are called, where both say it and differ.
void CompareParts(const std::vector<EmbodimentColumn>& first,
                  const std::vector<EmbodimentColumn>& now, Problems* problems) {
  for (size_t c = 0; c < std::min(first.size(), now.size()); ++c) {
    const std::vector<std::string>&a = first[c].parts, &b = now[c].parts;
    if (a.empty() || b.empty() || a == b) continue;
    problems->push_back(fmt::format("the numbers of {} are {} here and {} in the first dataset",
                                    now[c].name, fmt::join(b, ", "), fmt::join(a, ", ")));
  }
}

// Rejects a dataset that cannot be mixed with the first one of the set, with every reason.
void CheckAgreement(const TrainingSet& set, const Embodiment& here, PictureSize size,
                    const DatasetHeader& header, const std::string& path) {
  Problems problems;
  const SimulatorInfo& info = header.simulator;
  const auto differ = [&](const char* what, const std::string& first, const std::string& now) {
    if (first != now) {
      problems.push_back(
          fmt::format("{} is {} here and {} in the first dataset", what, now, first));
    }
  };
  const Embodiment& base = set.embodiment;
  differ("robot", base.robot, info.robot);
  differ("meaning of actions", base.action_meaning, here.action_meaning);
  if (base.of_columns()) {
    differ("state", Text(base.state_columns), Text(here.state_columns));
    differ("action", Text(base.action_columns), Text(here.action_columns));
    CompareParts(base.state_columns, here.state_columns, &problems);
    CompareParts(base.action_columns, here.action_columns, &problems);
  } else {
    differ("arms", fmt::format("{}", fmt::join(base.arms, ", ")),
           fmt::format("{}", fmt::join(info.arms, ", ")));
    differ("joints", fmt::format("{}", fmt::join(base.joints, ", ")),
           fmt::format("{}", fmt::join(here.joints, ", ")));
    differ("number of finger joints", std::to_string(base.gripper_joints),
           std::to_string(here.gripper_joints));
    if (!SamePlace(base.X_WB, info.base(0))) {
      differ("robot base", ToJson(base.X_WB).dump(), ToJson(info.base(0)).dump());
    }
    differ("delta limits", fmt::format("{} m, {} rad", set.limits.linear, set.limits.angular),
           fmt::format("{} m, {} rad", info.limits.linear, info.limits.angular));
  }
  differ("control rate", fmt::format("{} Hz", set.control_hz),
         fmt::format("{} Hz", info.control_hz));
  differ("image size", fmt::format("{}x{}", set.image_width, set.image_height),
         fmt::format("{}x{}", size.width, size.height));
  if (problems.empty()) return;
  const std::string& first = set.datasets.at(0).path;
  ThrowBadInput(
      fmt::format("{}: cannot be trained on: {} ({})", path, fmt::join(problems, "; "), first));
}

// The places of the cameras in the dataset.
std::vector<size_t> PlacesOf(const std::vector<std::string>& cameras, const DatasetHeader& header,
                             const std::string& path) {
  Problems problems;
  std::vector<size_t> places;
  for (const std::string& camera : cameras) {
    const auto found = std::find(header.cameras.begin(), header.cameras.end(), camera);
    if (found == header.cameras.end()) {
      problems.push_back(UnknownName("camera", camera, header.cameras));
    }
    places.push_back(static_cast<size_t>(found - header.cameras.begin()));
  }
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("{}: cannot be trained on: {}", path, fmt::join(problems, "; ")));
  }
  return places;
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

// ---- rows ----

// The columns of an episode beside one another: length x the sum of their sizes.
std::vector<float> ReadSideBySide(const EpisodeSource& source, size_t episode,
                                  const std::vector<EmbodimentColumn>& columns,
                                  const std::vector<ColumnSpec>& listed) {
  std::vector<ColumnSpec> specs;
  size_t width = 0;
  for (const EmbodimentColumn& column : columns) {
    specs.push_back(*std::find_if(listed.begin(), listed.end(), [&](const ColumnSpec& spec) {
      return spec.name == column.name;
    }));
    width += static_cast<size_t>(column.size);
  }
  const std::vector<std::vector<double>> values = source.ReadColumns(episode, specs);
  const size_t length = source.episodes()[episode].length;
  std::vector<float> result(length * width);
  size_t first = 0;
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto size = static_cast<size_t>(columns[c].size);
    for (size_t i = 0; i < values[c].size(); ++i) {
      const size_t row = i / size;
      if (!std::isfinite(values[c][i])) {
        ThrowBadInput(
            fmt::format("{}: {}: column {}, row {}, number {} is {}: nothing can be "
                        "learnt from it; `understudy data filter --drop {}` leaves the "
                        "episode out",
                        source.path().string(), source.episodes()[episode].name, columns[c].name,
                        row, i % size, values[c][i], source.episodes()[episode].name));
      }
      result[row * width + first + i % size] = static_cast<float>(values[c][i]);
    }
    first += size;
  }
  return result;
}

// Where the robot or its gripper was given by path; a relative one holds in a folder that nobody
// knows.
std::string RobotPlaceOf(const DatasetHeader& header) {
  if (!header.has_states() || !header.task.is_object() || !header.task.contains("robot")) return "";
  const Json& written = header.task["robot"];
  if (!written.is_string()) return "";
  const std::string place = written;
  const auto [arm, gripper] = SplitRobot(place);
  for (const std::string& part : {arm, gripper}) {
    if (part.find('/') != std::string::npos && !part.starts_with('/')) return "";
  }
  return arm.starts_with('/') || gripper.starts_with('/') ? place : "";
}

// ---- datasets one after the other ----

// How datasets that differ in robot, state or action are taken.
enum class Kinds { kOne, kSeveral };

// The set that a dataset belongs to.
TrainingSet& SetFor(const Embodiment& embodiment, Kinds kinds, std::vector<TrainingSet>& sets) {
  if (kinds == Kinds::kOne && !sets.empty()) return sets[0];
  for (TrainingSet& set : sets) {
    if (SameColumns(set.embodiment, embodiment)) return set;
  }
  return sets.emplace_back();
}

// Cameras of a dataset that is the first of its kind.
std::vector<std::string> CamerasOf(const InputOptions& inputs, const DatasetHeader& header,
                                   bool may_lack) {
  if (!inputs.pictures) return {};
  if (inputs.cameras.empty()) return header.cameras;
  std::vector<std::string> cameras = inputs.cameras;
  if (may_lack) {
    std::erase_if(cameras, [&](const std::string& camera) {
      return std::ranges::find(header.cameras, camera) == header.cameras.end();
    });
  }
  return cameras;
}

// Pictures of all kinds are as large, and every camera that is asked for is one's.
void CheckPictures(const std::vector<TrainingSet>& sets, const InputOptions& inputs) {
  const TrainingSet* first = nullptr;
  for (const TrainingSet& set : sets) {
    if (set.cameras.empty()) continue;
    if (first == nullptr) first = &set;
    if (set.image_width == first->image_width && set.image_height == first->image_height) continue;
    ThrowBadInput(
        fmt::format("{}: pictures are {}x{} here and {}x{} in {}: give --image-width and "
                    "--image-height",
                    set.datasets[0].path, set.image_width, set.image_height, first->image_width,
                    first->image_height, first->datasets[0].path));
  }
  std::vector<std::string> known;
  for (const TrainingSet& set : sets)
    known.insert(known.end(), set.cameras.begin(), set.cameras.end());
  for (const std::string& camera : inputs.cameras) {
    if (std::ranges::find(known, camera) != known.end()) continue;
    ThrowBadInput(
        fmt::format("cameras: no dataset has '{}'; they have {}", camera, fmt::join(known, ", ")));
  }
}

// The features of the episodes from `first` on, which are those of the set's last dataset.
void AddFeatures(const std::string& folder, size_t first, TrainingSet& set) {
  const auto features = std::make_shared<FeatureFolder>(folder);
  for (size_t e = first; e < set.episodes.size(); ++e) {
    TrainingEpisode& episode = set.episodes[e];
    episode.feature_file = e - first;
    features->Open(episode.name, episode.length);
  }
  if (set.feature_width != 0 && features->width() != set.feature_width) {
    ThrowBadInput(fmt::format("{}: features have {} channels, and {} of the datasets before",
                              folder, features->width(), set.feature_width));
  }
  set.feature_width = features->width();
  set.feature_tokens = std::max(set.feature_tokens, features->tokens());
  set.datasets.back().features = features;
}

// Takes the selected episodes of a dataset into the set of its kind.
void AddDataset(const std::filesystem::path& place, const InputOptions& inputs,
                const SelectionOptions& selection, Kinds kinds, const ReadOptions& read,
                Progress& progress, std::vector<TrainingSet>& sets) {
  const SharedSource source = OpenDataset(place, read);
  const DatasetHeader& header = source->header();
  const std::string path = place.string();
  for (const SkippedEpisode& episode : source->skipped()) {
    progress.Message(fmt::format("left out: {}: {}", episode.name, episode.reason));
  }
  RequireEpisodes(*source);
  size_t before = 0;
  for (const TrainingSet& set : sets) before += set.datasets.size();
  const std::vector<size_t> chosen = ChooseEpisodes(*source, selection, progress);
  const Embodiment embodiment = EmbodimentOf(*source, chosen[0], inputs, progress);
  TrainingSet& set = SetFor(embodiment, kinds, sets);
  const bool begins = set.datasets.empty();
  const std::vector<std::string> cameras =
      begins ? CamerasOf(inputs, header, kinds == Kinds::kSeveral) : set.cameras;
  const std::vector<size_t> places = PlacesOf(cameras, header, path);
  const PictureSize size = PictureSizeOf(*source, places, inputs);
  if (begins) {
    set.embodiment = embodiment;
    set.task = header.simulator.task;
    set.robot_place = RobotPlaceOf(header);
    for (const SceneFile& file : header.scene_files) {
      // checkpoints are written when the dataset may be gone
      const auto content = std::make_shared<const std::string>(file.read());
      set.scene_files.push_back({file.path, file.hash, [content] { return *content; }});
    }
    set.cameras = cameras;
    set.image_height = size.height;
    set.image_width = size.width;
    set.control_hz = header.simulator.control_hz;
    set.limits = header.simulator.limits;
  } else {
    CheckAgreement(set, embodiment, size, header, path);
  }
  // another program's recording may have none; ours are rendered
  if (header.cameras.empty() && inputs.pictures && header.has_states()) {
    ThrowBadInput(path +
                  ": holds no images; render them first with `understudy augment`, or train a "
                  "policy that sees none: --no-pictures");
  }
  const size_t d = set.datasets.size();
  set.datasets.push_back({path, source->content_hash(), MakeFrameReader(source, places, size),
                          SymmetryOf(header.task)});
  const size_t first = set.episodes.size();
  set.datasets.back().place = before;

  size_t passed_over = 0;
  const std::vector<ColumnSpec> listed =
      embodiment.of_columns() ? source->ListColumns() : std::vector<ColumnSpec>{};
  progress.Start("reading " + path, static_cast<int64_t>(chosen.size()), "episodes");
  for (size_t i = 0; i < chosen.size(); ++i) {
    // of columns, what else an episode holds need not be understood
    Episode episode;
    if (embodiment.of_columns()) {
      episode.meta = source->ReadMeta(chosen[i]);
    } else {
      episode = source->ReadEpisode(chosen[i]);
    }
    std::vector<uint8_t> learnt;
    if (!selection.policy_rows && !embodiment.of_columns()) {
      learnt = CorrectedRows(episode);
    } else if (!selection.policy_rows && episode.meta.settings.contains("takeover")) {
      learnt = CorrectedRows(source->ReadEpisode(chosen[i]));
    }
    if (!learnt.empty() && std::ranges::all_of(learnt, [](uint8_t row) { return row == 0; })) {
      ++passed_over;
      progress.Advance(static_cast<int64_t>(i) + 1);
      continue;
    }
    if (episode.meta.instruction.empty()) episode.meta.instruction = header.simulator.instruction;
    if (embodiment.of_columns()) {
      AddColumns(set, episode.meta, d, chosen[i],
                 ReadSideBySide(*source, chosen[i], embodiment.state_columns, listed),
                 ReadSideBySide(*source, chosen[i], embodiment.action_columns, listed),
                 std::move(learnt));
    } else {
      RequireArms(episode, set.embodiment, path);
      AddEpisode(set, episode, d, chosen[i], selection.label, std::move(learnt));
    }
    progress.Advance(static_cast<int64_t>(i) + 1);
  }
  progress.Finish();
  if (!inputs.features.empty()) AddFeatures(inputs.features.at(before), first, set);
  if (passed_over == chosen.size()) {
    ThrowBadInput(fmt::format(
        "{}: a person acts in none of its {} selected episodes: --selection.policy-rows learns "
        "what the policy did",
        path, chosen.size()));
  }
  if (passed_over > 0) {
    progress.Message(fmt::format("{}: left out: {} episodes in which the policy acted alone", path,
                                 passed_over));
  }
}

std::vector<TrainingSet> LoadKinds(const std::vector<std::filesystem::path>& paths,
                                   const InputOptions& inputs, const SelectionOptions& selection,
                                   Kinds kinds, Progress& progress, const ReadOptions& read) {
  if (paths.empty()) ThrowUsage("training needs at least one dataset: --datasets FILE");
  if (!inputs.pictures && !inputs.cameras.empty()) {
    ThrowUsage(fmt::format("cameras {} with pictures off: give one of --cameras and --no-pictures",
                           fmt::join(inputs.cameras, ", ")));
  }
  if (!inputs.features.empty() && inputs.features.size() != paths.size()) {
    ThrowUsage(fmt::format("features: {} folders for {} datasets: give one for each",
                           inputs.features.size(), paths.size()));
  }
  if (paths.size() == 1) kinds = Kinds::kOne;
  ReadOptions checked = read;
  checked.check_hashes = true;
  std::vector<TrainingSet> sets;
  for (const std::filesystem::path& path : paths) {
    AddDataset(path, inputs, selection, kinds, checked, progress, sets);
  }
  CheckPictures(sets, inputs);
  return sets;
}

}  // namespace

TrainingSet LoadTrainingSet(const std::vector<std::filesystem::path>& paths,
                            const InputOptions& inputs, const SelectionOptions& selection,
                            Progress& progress, const ReadOptions& read) {
  return std::move(LoadKinds(paths, inputs, selection, Kinds::kOne, progress, read)[0]);
}

TrainingSets LoadTrainingSets(const std::vector<std::filesystem::path>& paths,
                              const InputOptions& inputs, const SelectionOptions& selection,
                              Progress& progress, const ReadOptions& read) {
  TrainingSets sets;
  for (TrainingSet& set : LoadKinds(paths, inputs, selection, Kinds::kSeveral, progress, read)) {
    sets.push_back(std::make_shared<const TrainingSet>(std::move(set)));
  }
  return sets;
}

Embodiment EmbodimentOfDataset(const std::filesystem::path& path, const InputOptions& inputs,
                               const SelectionOptions& selection, Progress& progress,
                               const ReadOptions& read) {
  const SharedSource source = OpenDataset(path, read);
  RequireEpisodes(*source);
  return EmbodimentOf(*source, ChooseEpisodes(*source, selection, progress)[0], inputs, progress);
}

}  // namespace understudy
