#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "core/base/error.h"
#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "core/spec/robot_spec.h"
#include "data/formats/base/translate.h"
#include "data/formats/base/unread_poses.h"
#include "data/formats/formats.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/read_options.h"
#include "train/samples/image_ops.h"
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

// ---- what a state and an action are ----

// The first row of an episode where it knows pose and target of all arms, and all have as many
// finger joints.
std::optional<Step> KnownArms(const EpisodeSource& source, size_t episode) {
  const SimulatorInfo& info = source.header().simulator;
  if (info.arms.empty()) return std::nullopt;
  Step step = source.ReadEpisode(episode).steps.at(0);
  const std::vector<ArmObservation>& arms = step.observation.arms;
  if (arms.size() != info.arms.size() || step.action.arms.size() != arms.size()) {
    return std::nullopt;
  }
  for (const ArmObservation& arm : arms) {
    if (arm.gripper_q.size() != arms[0].gripper_q.size()) return std::nullopt;
  }
  return step;
}

// Whether every arm has a target of every joint, and all have as many joints.
bool KnowsJoints(const Step& step) {
  const Eigen::Index joints = step.observation.arms[0].joint_q.size();
  for (size_t a = 0; a < step.action.arms.size(); ++a) {
    if (step.observation.arms[a].joint_q.size() != joints ||
        step.action.arms[a].q_cmd.size() != joints) {
      return false;
    }
  }
  return joints > 0;
}

// Names of the joints, arm by arm.
std::vector<std::string> JointNames(const SimulatorInfo& info, size_t per_arm) {
  std::vector<std::string> names;
  for (size_t a = 0; a < info.arms.size(); ++a) {
    const bool named = a < info.joint_names.size() && info.joint_names[a].size() == per_arm;
    for (size_t j = 0; j < per_arm; ++j) {
      names.push_back(named ? info.joint_names[a][j]
                            : fmt::format("{}_joint{}", info.arms[a], j + 1));
    }
  }
  return names;
}

// Refuses rows with other arms than the first one had.
void RequireArms(const Episode& episode, const Embodiment& embodiment, const std::string& path) {
  for (size_t t = 0; t < episode.length(); ++t) {
    const Step& step = episode.steps[t];
    const std::vector<ArmObservation>& arms = step.observation.arms;
    bool right = arms.size() == embodiment.arms.size() && step.action.arms.size() == arms.size() &&
                 step.action_clean.arms.size() == arms.size();
    for (const ArmObservation& arm : arms) {
      right = right && arm.gripper_q.size() == embodiment.gripper_joints;
    }
    const auto has_joints = [&](const auto& q) {
      return static_cast<size_t>(q.size()) == embodiment.joints_per_arm();
    };
    for (size_t a = 0; embodiment.of_joints() && right && a < arms.size(); ++a) {
      right = has_joints(arms[a].joint_q) && has_joints(step.action.arms[a].q_cmd) &&
              has_joints(step.action_clean.arms[a].q_cmd);
    }
    if (right) continue;
    ThrowBadInput(fmt::format(
        "{}: {}, row {}: has other arms, joints or targets than the first row ({} arms of {}{} "
        "finger joints)",
        path, episode.meta.name, t, embodiment.arms.size(),
        embodiment.of_joints() ? fmt::format("{} joints and ", embodiment.joints_per_arm()) : "",
        embodiment.gripper_joints));
  }
}

std::vector<EmbodimentColumn> ColumnsNamed(const std::vector<std::string>& names,
                                           const std::vector<ColumnSpec>& listed,
                                           const std::string& path) {
  std::vector<std::string> known;
  for (const ColumnSpec& column : listed) known.push_back(column.name);
  std::vector<EmbodimentColumn> result;
  for (const std::string& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) ThrowBadInput(path + ": " + UnknownName("column", name, known));
    const ColumnSpec& column = listed[static_cast<size_t>(found - known.begin())];
    result.push_back({name, static_cast<int>(column.size()), column.parts});
  }
  return result;
}

std::vector<std::string> NamesOf(ColumnRole role, const std::vector<ColumnSpec>& listed) {
  std::vector<std::string> names;
  for (const ColumnSpec& column : listed) {
    if (column.role == role) names.push_back(column.name);
  }
  return names;
}

// Poses or joints of the arms where they are known and no columns are asked for; else columns.
Embodiment EmbodimentOf(const EpisodeSource& source, size_t episode, const InputOptions& inputs,
                        Progress& progress) {
  Embodiment result = MakeEmbodiment(source.header().simulator);
  const bool asked = !inputs.state_columns.empty() || !inputs.action_columns.empty();
  const std::string path = source.path().string();
  const std::optional<Step> step = asked ? std::nullopt : KnownArms(source, episode);
  if (step) {
    const ArmObservation& arm = step->observation.arms[0];
    const bool known = KnowsJoints(*step);
    result.gripper_joints = static_cast<int>(arm.gripper_q.size());
    if (known && inputs.actions != ActionKind::kPose) {
      result.action_meaning = kRelativeJoints;
      result.joints =
          JointNames(source.header().simulator, static_cast<size_t>(arm.joint_q.size()));
    }
    return result;
  }
  const std::vector<ColumnSpec> listed = source.ListColumns();
  const auto choose = [&](const char* option, const std::vector<std::string>& given,
                          ColumnRole role) {
    const std::vector<std::string> names = given.empty() ? NamesOf(role, listed) : given;
    if (names.empty()) {
      std::vector<std::string> known;
      for (const ColumnSpec& column : listed) known.push_back(column.name);
      ThrowBadInput(fmt::format(
          "{}: it does not say which of its columns are the {}: give --{}-columns some of {}", path,
          option, option, fmt::join(known, ", ")));
    }
    return ColumnsNamed(names, listed, path);
  };
  result.action_meaning = kStoredColumns;
  result.state_columns = choose("state", inputs.state_columns, ColumnRole::kState);
  result.action_columns = choose("action", inputs.action_columns, ColumnRole::kAction);
  if (!asked) {
    progress.Message(fmt::format(
        "{}: has no pose and target of every arm: the state is {}, the action {}, as they are",
        path, fmt::join(NamesOf(ColumnRole::kState, listed), ", "),
        fmt::join(NamesOf(ColumnRole::kAction, listed), ", ")));
  }
  return result;
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

// Rejects a dataset that cannot be mixed with the first one or lacks a camera, with every reason.
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
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("{}: cannot be trained on: {}", path, fmt::join(problems, "; ")));
  }
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

}  // namespace

TrainingSet LoadTrainingSet(const std::vector<std::filesystem::path>& paths,
                            const InputOptions& inputs, const SelectionOptions& selection,
                            Progress& progress, const ReadOptions& read) {
  if (paths.empty()) ThrowUsage("training needs at least one dataset: --datasets FILE");
  if (!inputs.pictures && !inputs.cameras.empty()) {
    ThrowUsage(fmt::format("cameras {} with pictures off: give one of --cameras and --no-pictures",
                           fmt::join(inputs.cameras, ", ")));
  }
  TrainingSet set;
  ReadOptions checked = read;
  checked.check_hashes = true;
  for (size_t d = 0; d < paths.size(); ++d) {
    const SharedSource source = OpenDataset(paths[d], checked);
    const DatasetHeader& header = source->header();
    const std::string path = paths[d].string();
    for (const SkippedEpisode& episode : source->skipped()) {
      progress.Message(fmt::format("left out: {}: {}", episode.name, episode.reason));
    }
    RequireEpisodes(*source);
    const std::vector<std::string> cameras = !inputs.pictures         ? std::vector<std::string>{}
                                             : d > 0                  ? set.cameras
                                             : inputs.cameras.empty() ? header.cameras
                                                                      : inputs.cameras;
    const std::vector<size_t> places = PlacesOf(cameras, header, path);
    const std::vector<size_t> chosen = ChooseEpisodes(*source, selection, progress);
    const Embodiment embodiment = EmbodimentOf(*source, chosen[0], inputs, progress);
    const PictureSize size = PictureSizeOf(*source, places, inputs);
    if (d == 0) {
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
    }
    CheckAgreement(set, embodiment, size, header, path);
    // another program's recording may have none; ours are rendered
    if (set.cameras.empty() && inputs.pictures && header.has_states()) {
      ThrowBadInput(path +
                    ": holds no images; render them first with `understudy augment`, or train a "
                    "policy that sees none: --no-pictures");
    }
    set.datasets.push_back({path, source->content_hash(), MakeFrameReader(source, places, size),
                            SymmetryOf(header.task)});

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
      if (episode.meta.instruction.empty()) {
        episode.meta.instruction = header.simulator.instruction;
      }
      if (embodiment.of_columns()) {
        AddColumns(set, episode.meta, d, chosen[i],
                   ReadSideBySide(*source, chosen[i], embodiment.state_columns, listed),
                   ReadSideBySide(*source, chosen[i], embodiment.action_columns, listed));
      } else {
        RequireArms(episode, set.embodiment, path);
        AddEpisode(set, episode, d, chosen[i], selection.label);
      }
      progress.Advance(static_cast<int64_t>(i) + 1);
    }
    progress.Finish();
  }
  return set;
}

}  // namespace understudy
