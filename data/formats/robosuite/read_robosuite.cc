// Files of robomimic and MimicGen.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/episode/episode.h"
#include "core/spec/foreign_names.h"
#include "data/formats/base/python_json.h"
#include "data/formats/family/bare_dataset.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/foreign_source.h"
#include "data/formats/robosuite/robosuite.h"
#include "data/formats/robosuite/robosuite_parts.h"

namespace understudy::foreign {
namespace {

constexpr double kLargestDelta = 1e6;  // of a normalised action
constexpr const char* kEefPose = "datagen_info/eef_pose";
constexpr const char* kObjects = "obs/object";
constexpr const char* kObjectPoses = "datagen_info/object_poses";
constexpr const char* kSignals = "datagen_info/subtask_term_signals";

std::string TextOf(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json[key].is_string()
             ? json[key].get<std::string>()
             : std::string();
}

// What drives the robot: the composite controller of robosuite 1.5, else the first of an arm.
std::string ControllerName(const Json& kwargs) {
  if (!kwargs.is_object() || !kwargs.contains("controller_configs")) return "";
  const Json& configs = kwargs["controller_configs"];
  if (const std::string type = TextOf(configs, "type"); !type.empty()) return type;
  const Json* config = ControllerIn(kwargs);
  return config == nullptr ? "" : (*config)["type"].get<std::string>();
}

// "Panda" of "Panda", ["Panda"] or ["Panda", "Panda"]; several kinds are joined.
std::string RobotOf(const Json& kwargs) {
  if (!kwargs.is_object() || !kwargs.contains("robots")) return "";
  const Json& robots = kwargs["robots"];
  if (robots.is_string()) return robots.get<std::string>();
  std::vector<std::string> kinds;
  if (!robots.is_array()) return "";
  for (const Json& robot : robots) {
    if (!robot.is_string()) continue;
    const std::string name = robot.get<std::string>();
    if (std::find(kinds.begin(), kinds.end(), name) == kinds.end()) kinds.push_back(name);
  }
  return fmt::format("{}", fmt::join(kinds, "+"));
}

// The column of one arm: the only one, that of a group with one per arm, or its part of an array
// with a second side of arms (DexMimicGen's).
Column OfArm(const h5::Group& demo, const std::string& name, size_t arm, size_t rows,
             const std::vector<int64_t>& dims) {
  if (!demo.IsArray(name)) {
    return Optional(demo, fmt::format("{}/robot{}", name, arm), rows, dims);
  }
  const size_t stored = demo.Info(name).dims.size();
  if (stored != dims.size() + 2) return Optional(demo, name, rows, dims);
  std::vector<int64_t> of_all{-1};
  of_all.insert(of_all.end(), dims.begin(), dims.end());
  const Column all = Optional(demo, name, rows, of_all);
  if (arm >= all.row_dims[0]) {
    h5::FailReading(demo.Place(name),
                    fmt::format("has {} arms, must have {} or more", all.row_dims[0], arm + 1));
  }
  Column one(name, ColumnType::kF64, {all.row_dims.begin() + 1, all.row_dims.end()});
  one.rows = all.rows;
  for (size_t k = 0; k < one.rows; ++k) {
    for (size_t i = 0; i < one.row_size(); ++i) {
      one.Push(all.At<double>(k, arm * one.row_size() + i));
    }
  }
  return one;
}

size_t CountArms(const h5::Group& demo) {
  if (demo.IsArray(kEefPose)) {
    const std::vector<hsize_t> dims = demo.Info(kEefPose).dims;
    return dims.size() == 4 ? std::min<size_t>(kMaxArms, dims[1]) : 1;
  }
  size_t arms = 0;
  const auto has = [&](size_t a) {
    // a position alone is no pose
    return demo.Has(fmt::format("{}/robot{}", kEefPose, a)) ||
           (demo.Has(fmt::format("obs/robot{}_eef_pos", a)) &&
            demo.Has(fmt::format("obs/robot{}_eef_quat", a)));
  };
  while (arms < kMaxArms && has(arms)) ++arms;
  return arms;
}

void ReadRobosuiteArms(const h5::Group& demo, const DatasetHeader& header, Episode& episode) {
  const size_t length = episode.length(), arms = header.simulator.arms.size();
  for (size_t a = 0; a < arms; ++a) {
    const auto get = [&](const char* name, const std::vector<int64_t>& dims) {
      return Optional(demo, fmt::format("obs/robot{}_{}", a, name), length, dims);
    };
    // MimicGen's matrices are of the control frame; robosuite's observation is not
    const Column matrices = OfArm(demo, kEefPose, a, length, {4, 4});
    const Column pos = get("eef_pos", {3}), quat = get("eef_quat", {4});
    if (matrices.rows == 0) {
      RequireNamed(demo, fmt::format("obs/robot{}_eef_pos", a), "poses of the arm",
                   header.simulator.arms[a]);
      RequireNamed(demo, fmt::format("obs/robot{}_eef_quat", a), "poses of the arm",
                   header.simulator.arms[a]);
    }
    const Column q = get("joint_pos", {-1}), v = get("joint_vel", {-1});
    const Column gripper_q = get("gripper_qpos", {-1}), gripper_v = get("gripper_qvel", {-1});
    episode.meta.settings["pose_from"] = matrices.rows > 0 ? kFromMatrices : kFromObservations;
    for (size_t k = 0; k < length; ++k) {
      ArmObservation arm;
      if (matrices.rows > 0) {
        arm.X_WE = PoseOfMatrix(demo, matrices, k);
      } else {
        // robosuite's quaternions are xyzw
        const Eigen::Quaterniond q_WE(quat.At<double>(k, 3), quat.At<double>(k, 0),
                                      quat.At<double>(k, 1), quat.At<double>(k, 2));
        arm.X_WE = CheckedPose(demo, pos.path, k, q_WE, Point(pos, k, 0));
      }
      arm.joint_q = Vector(q, k);
      arm.joint_v = Vector(v, k);
      arm.gripper_q = Vector(gripper_q, k);
      arm.gripper_v = Vector(gripper_v, k);
      episode.steps[k].observation.arms.push_back(std::move(arm));
    }
  }
}

// Targets and deltas of one arm, from the best source that the file has.
void ReadArmActions(const h5::Group& demo, const Control& control, const Column& actions, size_t a,
                    size_t arms, Episode& episode) {
  const size_t length = episode.length();
  const Column matrices = OfArm(demo, "datagen_info/target_pose", a, length, {4, 4});
  const Column gripper = OfArm(demo, "datagen_info/gripper_action", a, length, {-1});
  const Column absolute = Optional(demo, "actions_abs", length, {-1});
  const bool deltas = control.known && !control.absolute && actions.row_size() == 7 * arms;
  // hands of several fingers have no place in an action of ours
  const bool matrix = matrices.rows > 0 && gripper.rows > 0 && gripper.row_size() == 1;
  const bool targets = absolute.rows > 0 && absolute.row_size() == 7 * arms;
  const bool own = control.known && control.absolute && actions.row_size() == 7 * arms;
  const char* from = matrix    ? kFromMatrices
                     : targets ? "actions_abs"
                     : own     ? "actions, absolute"
                     : deltas  ? kFromActions
                               : "nothing";
  episode.meta.settings["target_from"] = from;
  // position, rotation vector, gripper
  const auto target = [&](const Column& c, size_t k) -> ArmAction {
    const Eigen::Vector3d p = Point(c, k, 7 * a), r = Point(c, k, 7 * a + 3);
    const double angle = r.norm();
    Eigen::Quaterniond q = Eigen::Quaterniond::Identity();
    if (angle > 0) q = Eigen::AngleAxisd(angle, r / angle);
    return {CheckedPose(demo, c.path, k, q, p), c.At<double>(k, 7 * a + 6)};
  };
  for (size_t k = 0; k < length; ++k) {
    Step& step = episode.steps[k];
    DeltaAction delta;
    for (size_t i = 0; deltas && i < 7; ++i) {
      delta.value[static_cast<Eigen::Index>(i)] = actions.At<double>(k, 7 * a + i);
    }
    // far beyond the box of one step: nothing that can be turned into a pose. A NaN is less than
    // nothing, and greater than nothing
    if (!delta.value.allFinite() || delta.value.cwiseAbs().maxCoeff() >= kLargestDelta) {
      h5::FailReading(fmt::format("{}[{}]", demo.Place("actions"), k),
                      "is not finite, or no delta of a pose");
    }
    ArmAction command;
    if (matrix) {
      command = {PoseOfMatrix(demo, matrices, k), gripper.At<double>(k)};
    } else if (targets) {
      command = target(absolute, k);
    } else if (own) {
      command = target(actions, k);
    } else if (deltas && a < step.observation.arms.size()) {
      command = TargetFromDelta(step.observation.arms[a].X_WE, delta.value, control.limits);
    } else {
      if (deltas) step.delta.push_back(delta);
      continue;
    }
    if (!std::isfinite(command.gripper)) {
      h5::FailReading(fmt::format("{}[{}]", demo.Place("actions"), k), "its gripper is not finite");
    }
    if (!deltas && a < step.observation.arms.size()) {
      delta = DeltaFromTarget(step.observation.arms[a].X_WE, command, control.limits);
    }
    step.delta.push_back(delta);
    step.action.arms.push_back(command);
  }
}

// Left empty where the episode has them in another shape than the first one: whoever needs them
// says that they are missing.
void ReadUnnamedObjects(const h5::Group& demo, uint64_t width, Episode& episode) {
  if (!demo.IsArray(kObjects)) return;
  const h5::DatasetInfo info = demo.Info(kObjects);
  const size_t length = episode.length();
  const bool same =
      info.is_number() && info.dims.size() == 2 && info.dims[0] == length && info.dims[1] == width;
  if (!same) return;
  const Column numbers = Optional(demo, kObjects, length, {static_cast<int64_t>(width)});
  episode.unnamed_objects = {demo.Place(kObjects), width, {}};
  for (size_t i = 0; i < length * width; ++i) {
    episode.unnamed_objects.numbers.push_back(numbers.At<double>(0, i));
  }
}

// robosuite's own recordings say in attributes of their own what robomimic says in env_args.
void TakeRecordingAttributes(const h5::Group& data, DatasetHeader* header) {
  Json kwargs = Json::parse(data.Text("env_info", ""), nullptr, false);
  if (!kwargs.is_object()) kwargs = Json::object();
  std::string name = data.Text("env", "");
  if (name.empty()) name = TextOf(kwargs, "env_name");
  if (name.empty() && kwargs.empty()) return;
  kwargs.erase("env_name");
  header->simulator.task = name;
  header->settings["env_args"] = {{"env_name", name},
                                  {"env_version", data.Text("repository_version", "")},
                                  {"type", 1},
                                  {"env_kwargs", kwargs}};
  header->stage = "robosuite, raw recording";
}

}  // namespace

void FillRobosuiteHeader(const h5::Group& root, const h5::Group& demo, const ReadOptions& options,
                         DatasetHeader* header) {
  SimulatorInfo& info = header->simulator;
  const bool stated = !header->settings["env_args"].empty();
  if (!stated) TakeRecordingAttributes(root.Open("data"), header);
  if (demo.IsArray("states") && !demo.Has("obs") && !demo.Has("datagen_info")) {
    header->settings[kNextStep] = fmt::format(
        "the file is a raw recording of robosuite, states and actions without observations: make "
        "them with robomimic's {}dataset_states_to_obs.py, and convert its result",
        stated ? "" : "convert_robosuite.py and ");
  }
  const Json env = header->settings["env_args"];
  const Json kwargs = KwargsOf(env);
  // robosuite's own, where its file does not say another one
  constexpr double kUsualHz = 20;
  const bool robosuite = env.is_object() && env.value("type", Json()) == 1;
  info.control_hz = options.control_hz > 0 ? options.control_hz : robosuite ? kUsualHz : 0;
  if (kwargs.is_object() && kwargs.contains("control_freq")) {
    const Json& stored = kwargs["control_freq"];
    const double rate = stored.is_number() ? stored.get<double>() : 0;
    if (std::isfinite(rate) && rate > 0) {
      info.control_hz = rate;
    } else {
      // no rate is made up for it
      info.control_hz = options.control_hz;
      header->settings[kWrongInFile].push_back(fmt::format(
          "env_args: control_freq = {} is no rate: --control-hz gives it", stored.dump()));
    }
  }
  info.robot = RobotOf(kwargs);
  info.limits = ControlOf(kwargs).limits;
  info.instruction = TextOf(kwargs, "lang");
  if (info.instruction.empty()) info.instruction = TextOf(env, "lang");
  for (size_t a = 0; a < CountArms(demo); ++a) info.arms.push_back(fmt::format("robot{}", a));
  info.objects = NamesIn(demo, kObjectPoses);
  info.signals = NamesIn(demo, kSignals);
  if (demo.IsArray("actions")) {
    const auto dims = demo.Info("actions").dims;
    const std::string controller = ControllerName(kwargs);
    if (dims.size() == 1 || dims.size() == 2) {
      header->settings[kActionsAre] =
          fmt::format("{} numbers of {}", dims.size() == 1 ? 1 : dims[1],
                      controller.empty() ? "an unknown controller"
                                         : fmt::format("a {} controller", controller));
    }
  }
  if (info.objects.empty() && demo.IsArray(kObjects)) {
    const h5::DatasetInfo objects = demo.Info(kObjects);
    const bool numbers = objects.is_number() && objects.dims.size() == 2 && objects.dims[1] > 0;
    if (numbers) header->settings[kUnnamedObjects] = objects.dims[1];
  }
  FindCameras(demo, "_image", header);
  if (demo.IsArray("states")) {
    const auto dims = demo.Info("states").dims;
    if (dims.size() == 2) info.state_size = info.flat_state_size = dims[1];
  }
}

void ReadRobosuiteStates(const h5::Group& demo, Episode* episode) {
  // Isaac Lab's is a group
  const Column states =
      demo.IsArray("states") ? Optional(demo, "states", episode->length(), {-1}) : Column{};
  for (size_t k = 0; k < states.rows; ++k) {
    SimState& state = episode->steps[k].state;
    state.resize(states.row_size());
    for (size_t i = 0; i < state.size(); ++i) state[i] = states.At<double>(k, i);
    if (!state.empty()) episode->steps[k].observation.sim_time_s = state[0];
  }
}

void ReadRobosuiteActions(const h5::Group& demo, const DatasetHeader& header, Episode* episode) {
  const Json kwargs = KwargsOf(header.settings.value("env_args", Json::object()));
  const Column actions = Optional(demo, "actions", episode->length(), {-1});
  size_t arms = episode->steps[0].observation.arms.size();
  // a file without poses of its arms: robosuite's seven numbers per arm
  if (arms == 0 && actions.row_size() % 7 == 0) {
    arms = std::min(kMaxArms, actions.row_size() / 7);
  }
  const Control control = ControlOf(kwargs);
  for (size_t a = 0; a < arms; ++a) ReadArmActions(demo, control, actions, a, arms, *episode);
  for (Step& step : episode->steps) step.action_clean = step.action;
}

namespace {

void FillRobosuiteRows(const h5::Group& demo, const DatasetHeader& header, Episode* episode) {
  const size_t length = episode->length();
  EpisodeMeta& meta = episode->meta;
  ReadRobosuiteStates(demo, episode);
  ReadRobosuiteArms(demo, header, *episode);
  for (const std::string& object : header.simulator.objects) {
    const std::string path = fmt::format("{}/{}", kObjectPoses, object);
    RequireNamed(demo, path, "poses of the object", object);
    const Column poses = Optional(demo, path, length, {4, 4});
    for (size_t k = 0; k < poses.rows; ++k) {
      episode->steps[k].observation.X_WO.push_back(PoseOfMatrix(demo, poses, k));
    }
  }
  const auto unnamed = header.settings.find(kUnnamedObjects);
  if (unnamed != header.settings.end()) ReadUnnamedObjects(demo, *unnamed, *episode);
  for (const std::string& signal : header.simulator.signals) {
    const std::string path = fmt::format("{}/{}", kSignals, signal);
    RequireNamed(demo, path, "the signal", signal);
    const Column values = OptionalNumbers(demo, path, length);
    for (size_t k = 0; k < values.rows; ++k) {
      episode->steps[k].observation.signals.push_back(values.At<double>(k) != 0);
    }
  }
  ReadRobosuiteActions(demo, header, episode);
  // robosuite 1.5 stores the instruction per episode
  std::string fault;
  const Json ep_meta = JsonAttribute(demo, kEpisodeJson, &fault);
  if (!fault.empty() && !header.settings.contains(kMended)) {
    h5::FailReading(demo.Place(),
                    fault + "; `understudy data repair` copies the episode without it");
  }
  if (const std::string text = TextOf(ep_meta, "lang"); !text.empty()) meta.instruction = text;
}

std::vector<std::string> RobosuiteNames(const h5::Group& demo) {
  std::vector<std::string> names;
  for (const char* group : {kObjectPoses, kSignals}) {
    for (const std::string& name : NamesIn(demo, group)) {
      names.push_back(fmt::format("{}/{}", group, name));
    }
  }
  return names;
}

bool ReadsRobosuite(const DatasetHeader& header, const std::string& path) {
  for (const char* whole : {"actions", "actions_abs", "states", "rewards", "dones"}) {
    if (path == whole) return true;
  }
  for (const char* group : {kEefPose, "datagen_info/target_pose", "datagen_info/gripper_action",
                            kObjectPoses, kSignals}) {
    if (path == group || path.starts_with(std::string(group) + "/")) return true;
  }
  for (size_t a = 0; a < header.simulator.arms.size(); ++a) {
    for (const char* name :
         {"eef_pos", "eef_quat", "joint_pos", "joint_vel", "gripper_qpos", "gripper_qvel"}) {
      if (path == fmt::format("obs/robot{}_{}", a, name)) return true;
    }
  }
  return std::any_of(header.cameras.begin(), header.cameras.end(),
                     [&](const std::string& camera) { return path == "obs/" + camera + "_image"; });
}

bool PromisesBox(const DatasetHeader& header) {
  return ControlOf(KwargsOf(header.settings.value("env_args", Json::object()))).boxed;
}

// robosuite 1.5's JSON of an episode; files of 1.4 that have one are read likewise.
void SetEpisodeInstruction(const h5::Group&, const h5::Group& demo,
                           const std::string& instruction) {
  Json ep_meta = JsonAttribute(demo, kEpisodeJson);
  ep_meta["lang"] = instruction;
  demo.SetText(kEpisodeJson, ep_meta.dump());
  // where every row has a task, it becomes this one
  if (!demo.IsArray(kTaskTexts)) return;
  const std::vector<std::string> tasks(demo.ReadTexts(kTaskTexts).size(), instruction);
  demo.Delete(kTaskTexts);
  demo.WriteTexts(kTaskTexts, tasks);
}

// What robosuite observes of the robots themselves, a moving base included.
ColumnRole RoleOfRobosuiteColumn(const std::string& path) {
  if (path == "actions") return ColumnRole::kAction;
  if (!path.starts_with("obs/robot")) return ColumnRole::kOther;
  for (const char* end : {"eef_pos", "eef_quat", "gripper_qpos", "base_pos", "base_quat"}) {
    if (path.ends_with(end)) return ColumnRole::kState;
  }
  return ColumnRole::kOther;
}

bool IsMimicgen(const h5::Group& demo, const Json&) { return demo.Has("datagen_info"); }

void FillMimicgenHeader(const h5::Group& root, const h5::Group& demo, const ReadOptions& options,
                        DatasetHeader* header) {
  if (demo.Has("src_demo_inds")) {
    header->stage = "MimicGen generated";
    header->settings[kUnlistedSources] = true;
  }
  FillRobosuiteHeader(root, demo, options, header);
}

void FillMimicgenRows(const h5::Group& demo, const DatasetHeader& header, Episode* episode) {
  if (!demo.Has("datagen_info")) {
    h5::FailReading(demo.Place("datagen_info"),
                    "no such group: the other episodes have one; run MimicGen's "
                    "prepare_src_dataset.py again");
  }
  FillRobosuiteRows(demo, header, episode);
}

}  // namespace

constinit const Dialect kRobomimicDialect{
    .stage = "robomimic",
    .family = kRobosuiteFamily,
    .recognises = [](const h5::Group& demo, const Json& env) { return !IsMimicgen(demo, env); },
    .header = FillRobosuiteHeader,
    .rows = FillRobosuiteRows,
    .boxed_actions = PromisesBox,
    .names = RobosuiteNames,
    .reads = ReadsRobosuite,
    .has_joints = HasRobosuiteJoints,
    .joints = ReadRobosuiteJoints,
    .role = RoleOfRobosuiteColumn,
    .set_instruction = SetEpisodeInstruction};

constinit const Dialect kMimicgenDialect{.stage = "MimicGen source",
                                         .family = kRobosuiteFamily,
                                         .recognises = IsMimicgen,
                                         .header = FillMimicgenHeader,
                                         .rows = FillMimicgenRows,
                                         .successes_only = "MimicGen keeps successes only",
                                         .boxed_actions = PromisesBox,
                                         .names = RobosuiteNames,
                                         .reads = ReadsRobosuite,
                                         .has_joints = HasRobosuiteJoints,
                                         .joints = ReadRobosuiteJoints,
                                         .role = RoleOfRobosuiteColumn,
                                         .set_instruction = SetEpisodeInstruction};

}  // namespace understudy::foreign
