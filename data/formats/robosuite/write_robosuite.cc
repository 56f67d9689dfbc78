// Columns and attributes of robomimic's and MimicGen's files.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/episode/subtasks_of.h"
#include "data/formats/family/foreign_columns.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/write_dialect.h"
#include "data/formats/robosuite/fit_model.h"
#include "data/formats/robosuite/robosuite.h"
#include "data/store/image_column.h"

namespace understudy::foreign {
namespace {

// Of the simulator below: robosuite 1.4.1 runs on 2.3, 1.5.1 on 3.2.3 or newer.
const char* MujocoOf(const RobosuiteWriteOptions& options) {
  return options.version == RobosuiteVersion::kV14 ? "2.3.7" : "3.2.3";
}

void FitToRobosuite(Target* target) {
  std::string& model = target->header.model_text;
  if (model.empty()) return;
  mjcf::FittedModel fitted = mjcf::FitModel(model, MujocoOf(target->options->robosuite));
  model = std::move(fitted.text);
  target->simulator_version = std::move(fitted.version);
}

Json ControllerOf(const Target& target) {
  const OscOptions& osc = target.into->osc();
  const DeltaLimits& limits = target.header.simulator.limits;
  Json high = Json::array(), low = Json::array();
  for (int i = 0; i < 6; ++i) {
    const double limit = i < 3 ? limits.linear : limits.angular;
    high.push_back(limit);
    low.push_back(-limit);
  }
  Json controller{{"type", "OSC_POSE"},
                  {"input_max", 1},
                  {"input_min", -1},
                  {"output_max", high},
                  {"output_min", low},
                  {"kp", osc.kp},
                  {"impedance_mode", "fixed"},
                  {"kp_limits", {0, 300}},
                  {"position_limits", nullptr},
                  {"orientation_limits", nullptr},
                  {"uncouple_pos_ori", osc.uncouple},
                  {"interpolation", nullptr},
                  {"ramp_ratio", 0.2}};
  if (target.options->robosuite.version == RobosuiteVersion::kV14) {
    controller["damping"] = osc.damping_ratio;
    controller["damping_limits"] = {0, 10};
    controller["control_delta"] = true;
    return controller;
  }
  controller["damping_ratio"] = osc.damping_ratio;
  controller["damping_ratio_limits"] = {0, 10};
  controller["input_type"] = "delta";
  controller["input_ref_frame"] = "world";
  controller["gripper"] = {{"type", "GRIP"}};
  return {{"type", "BASIC"}, {"body_parts", {{"right", controller}}}};
}

std::string PerArm(const std::string& name, size_t arm, size_t arms) {
  return arms == 1 ? name : fmt::format("{}/robot{}", name, arm);
}

// The observation `of(k)` of every row, below `group`.
template <class F>
void AddObservations(const Target& target, const std::vector<std::string>& objects,
                     const std::string& group, size_t rows, F of, std::vector<Column>& columns) {
  const Translation& into = *target.into;
  const Observation& first = of(0);
  for (size_t a = 0; a < first.arms.size(); ++a) {
    const auto add = [&](const char* name, size_t size, auto put) {
      columns.push_back(MakeRows(fmt::format("{}/robot{}_{}", group, a, name), {size}, rows,
                                 [&](Column& c, size_t k) { put(c, of(k).arms.at(a)); }));
    };
    add("eef_pos", 3, [&](Column& c, const ArmObservation& o) {
      PutVector(c, into.Observed(o.X_WE).translation());
    });
    add("eef_quat", 4, [&](Column& c, const ArmObservation& o) {
      PutQuaternion(c, into.Observed(o.X_WE).rotation(), false);
    });
    const auto joints = [&](const char* name, auto member) {
      const auto size = static_cast<size_t>((first.arms[a].*member).size());
      if (size == 0) return;
      add(name, size, [member](Column& c, const ArmObservation& o) { PutVector(c, o.*member); });
    };
    joints("joint_pos", &ArmObservation::joint_q);
    joints("joint_vel", &ArmObservation::joint_v);
    joints("gripper_qpos", &ArmObservation::gripper_q);
    joints("gripper_qvel", &ArmObservation::gripper_v);
  }
  if (first.X_WO.empty()) return;
  columns.push_back(
      MakeRows(group + "/object", {7 * first.X_WO.size()}, rows, [&](Column& c, size_t k) {
        const std::vector<Pose>& X_WO = of(k).X_WO;
        for (size_t o = 0; o < X_WO.size(); ++o) {
          PutPose(c, into.Object(objects.at(o), X_WO[o]), false);
        }
      }));
}

void AddActions(const Target& target, const Episode& episode, std::vector<Column>& columns) {
  const std::vector<Step>& steps = episode.steps;
  const Translation& into = *target.into;
  const size_t arms = steps[0].action.arms.size();
  // deltas of the frame that the file speaks of
  columns.push_back(MakeRows("actions", {7 * arms}, steps.size(), [&](Column& c, size_t k) {
    for (size_t a = 0; a < arms; ++a) {
      if (into.same_frame()) {
        PutVector(c, steps[k].delta.at(a).value);
        continue;
      }
      ArmAction command = steps[k].action.arms.at(a);
      command.X_WE_cmd = into.Control(command.X_WE_cmd);
      PutVector(c, DeltaFromTarget(into.Control(steps[k].observation.arms.at(a).X_WE), command,
                                   episode.meta.limits)
                       .value);
    }
  }));
  // robomimic's absolute actions: position, rotation vector, gripper
  columns.push_back(MakeRows("actions_abs", {7 * arms}, steps.size(), [&](Column& c, size_t k) {
    for (const ArmAction& arm : steps[k].action.arms) {
      const Pose X_WS = into.Control(arm.X_WE_cmd);
      PutVector(c, X_WS.translation());
      PutVector(c, RotationLog(X_WS.rotation()));
      c.Push(arm.gripper);
    }
  }));
}

void AddDatagenInfo(const Target& target, const Episode& episode, std::vector<Column>& columns) {
  const std::vector<Step>& steps = episode.steps;
  const Translation& into = *target.into;
  const size_t rows = steps.size(), arms = steps[0].action.arms.size();
  const std::string group = "datagen_info/";
  for (size_t a = 0; a < arms; ++a) {
    columns.push_back(
        MakeRows(group + PerArm("eef_pose", a, arms), {4, 4}, rows, [&](Column& c, size_t k) {
          PutMatrix(c, into.Control(steps[k].observation.arms.at(a).X_WE));
        }));
    columns.push_back(
        MakeRows(group + PerArm("target_pose", a, arms), {4, 4}, rows, [&](Column& c, size_t k) {
          PutMatrix(c, into.Control(steps[k].action.arms.at(a).X_WE_cmd));
        }));
    columns.push_back(
        MakeRows(group + PerArm("gripper_action", a, arms), {1}, rows,
                 [&](Column& c, size_t k) { c.Push(steps[k].action.arms.at(a).gripper); }));
  }
  const EpisodeMeta& meta = episode.meta;
  for (size_t o = 0; o < meta.objects.size() && o < steps[0].observation.X_WO.size(); ++o) {
    columns.push_back(
        MakeRows(group + "object_poses/" + into.ObjectName(meta.objects[o]), {4, 4}, rows,
                 [&](Column& c, size_t k) {
                   PutMatrix(c, into.Object(meta.objects[o], steps[k].observation.X_WO.at(o)));
                 }));
  }
  for (size_t s = 0; s < meta.signals.size() && s < steps[0].observation.signals.size(); ++s) {
    Column column(group + "subtask_term_signals/" + into.SignalName(meta.signals[s]),
                  ColumnType::kI64, {});
    column.rows = rows;
    for (const Step& step : steps) {
      column.Push<int64_t>(step.observation.signals.at(s) != 0);
    }
    columns.push_back(std::move(column));
  }
}

// Which source demonstration each subtask, and each row, was made from.
void AddSources(const Target& target, const Episode& episode, std::vector<Column>& columns) {
  const std::vector<std::string>& uuids = episode.meta.sources;
  Column inds("src_demo_inds", ColumnType::kI64, {}),
      labels("src_demo_labels", ColumnType::kI64, {1});
  std::map<int32_t, int32_t> source_of;  // by subtask
  const auto named = [&](int32_t source) {
    return source >= 0 && static_cast<size_t>(source) < uuids.size();
  };
  for (const Step& step : episode.steps) {
    if (!named(step.source)) return;
    const int64_t place = target.sources.at(uuids[static_cast<size_t>(step.source)]);
    labels.Push(place);
    ++labels.rows;
    VisitSubtasks(step, [&](int32_t subtask, int32_t source) {
      if (named(source)) source_of.try_emplace(subtask, source);
    });
  }
  for (const auto& [subtask, source] : source_of) {
    inds.Push(target.sources.at(uuids[static_cast<size_t>(source)]));
    ++inds.rows;
  }
  columns.push_back(std::move(inds));
  columns.push_back(std::move(labels));
}

// camera_heights, camera_widths: a list where cameras differ.
Json SidesOf(const DatasetHeader& header, int PictureSize::*side) {
  if (header.picture_sizes.empty()) return header.size_of(0).*side;
  Json sides = Json::array();
  for (const PictureSize& size : header.picture_sizes) sides.push_back(size.*side);
  return sides;
}

Json RobosuiteArguments(const Target& target, const std::string& variant) {
  const SimulatorInfo& info = target.header.simulator;
  const bool cameras = !target.header.cameras.empty();
  const std::string name = target.into->TaskName(variant), robot = target.into->RobotName();
  const size_t arms = std::max<size_t>(1, info.arms.size());
  const Json controller = ControllerOf(target);
  const bool v14 = target.options->robosuite.version == RobosuiteVersion::kV14;
  Json arguments{
      {"env_name", name.empty() ? info.task : name},
      {"env_version", v14 ? "1.4.1" : "1.5.1"},
      {"type", 1},
      {"env_kwargs",
       {{"robots", std::vector<std::string>(arms, robot.empty() ? info.robot : robot)},
        {"control_freq", info.control_hz},
        {"controller_configs", arms == 1 ? controller : Json(std::vector<Json>(arms, controller))},
        {"has_renderer", false},
        {"has_offscreen_renderer", cameras},
        {"use_camera_obs", cameras},
        {"use_object_obs", true},
        {"camera_depths", false},
        {"camera_names", target.header.cameras},
        {"camera_heights", SidesOf(target.header, &PictureSize::height)},
        {"camera_widths", SidesOf(target.header, &PictureSize::width)},
        {"reward_shaping", false},
        {"ignore_done", true}}}};
  if (!target.simulator_version.empty()) arguments["mujoco_version"] = target.simulator_version;
  return arguments;
}

std::vector<Column> RobosuiteColumns(const Target& target, const Episode& episode) {
  const std::vector<Step>& steps = episode.steps;
  const size_t length = steps.size();
  std::vector<Column> columns;
  AddActions(target, episode, columns);
  const size_t flat =
      std::min(StateSizesOf(episode.meta, target.header).flat, steps[0].state.size());
  if (flat > 0) {
    columns.push_back(MakeRows("states", {flat}, length, [&](Column& c, size_t k) {
      for (size_t i = 0; i < flat; ++i) c.Push(steps[k].state.at(i));
    }));
  }
  // row k is about the state that action k led to
  const auto after = [&](size_t k) -> const Observation& {
    return k + 1 < length ? steps[k + 1].observation : episode.final_observation;
  };
  columns.push_back(MakeRows("rewards", {}, length,
                             [&](Column& c, size_t k) { c.Push(after(k).success ? 1.0 : 0.0); }));
  std::vector<uint8_t> dones(length, 0);
  dones.back() = 1;
  columns.push_back(Flags("dones", dones));
  AddObservations(
      target, episode.meta.objects, "obs", length,
      [&](size_t k) -> const Observation& { return steps[k].observation; }, columns);
  if (target.options->robosuite.next_obs) {
    // an episode without an observation after its last action repeats its last row
    const bool final_known = !episode.final_observation.arms.empty();
    AddObservations(
        target, episode.meta.objects, "next_obs", length,
        [&](size_t k) -> const Observation& {
          return k + 1 < length || final_known ? after(k) : steps[k].observation;
        },
        columns);
  }
  return columns;
}

std::vector<Column> MimicgenColumns(const Target& target, const Episode& episode) {
  std::vector<Column> columns = RobosuiteColumns(target, episode);
  AddDatagenInfo(target, episode, columns);
  if (!episode.meta.sources.empty()) AddSources(target, episode, columns);
  return columns;
}

// The model, with the bodies that are placed at every reset and have no joint at their places in
// this episode.
std::string ModelOf(const Target& target, const Episode& episode) {
  const Json& task = target.header.task;
  const std::vector<Pose>& X_WO = episode.steps[0].observation.X_WO;
  std::map<std::string, Pose> X_WB;
  for (size_t o = 0; o < episode.meta.objects.size() && o < X_WO.size(); ++o) {
    const Json::json_pointer body("/objects/" + episode.meta.objects[o] + "/body");
    if (!task.is_object() || !task.contains(body) || !task[body].is_string()) continue;
    X_WB.emplace(task[body].get<std::string>(), X_WO[o]);
  }
  return mjcf::PlaceFixtures(target.header.model_text, X_WB);
}

void WriteRobosuiteAttributes(const Target& target, const Episode& episode, const h5::Group& demo) {
  if (!target.header.model_text.empty()) demo.SetText("model_file", ModelOf(target, episode));
  if (target.options->robosuite.version == RobosuiteVersion::kV15) {
    demo.SetText("ep_meta", Json{{"lang", episode.meta.instruction}}.dump(
                                -1, ' ', false, Json::error_handler_t::replace));
  }
}

void WriteMimicgenAttributes(const Target& target, const Episode& episode, const h5::Group& demo) {
  WriteRobosuiteAttributes(target, episode, demo);
  // without these MimicGen takes the file for no source
  const h5::Group info = demo.Open("datagen_info");
  const std::string interface = target.into->Interface();
  if (!interface.empty()) info.SetText("env_interface_name", interface);
  info.SetText("env_interface_type", "robosuite");
}

// What both formats lose or change.
std::vector<std::string> LostInBoth(const WrittenFacts& facts) {
  const RobosuiteWriteOptions& options = facts.options->robosuite;
  std::vector<std::string> lost;
  const auto say = [&](bool when, const char* what) {
    if (when) lost.push_back(what);
  };
  say(facts.own,
      "states of the simulator beyond time, qpos, qvel: a restored state continues nearly, not bit "
      "for bit");
  say(facts.instructed && options.version == RobosuiteVersion::kV14,
      "the instruction (--robosuite.version v1.5 keeps it)");
  say(!facts.final_known && options.next_obs,
      "next_obs of every last row: not known, the row's own observation stands there");
  say(facts.final_known && options.next_obs && !facts.header->cameras.empty(),
      "the picture after the last action was never rendered: next_obs repeats the last one");
  const std::string& model = facts.header->model_text;
  if (model.empty()) return lost;
  for (std::string& line : mjcf::FitModel(model, MujocoOf(options)).lost) {
    lost.push_back(std::move(line));
  }
  return lost;
}

std::vector<std::string> LostInRobomimic(const WrittenFacts& facts) {
  std::vector<std::string> lost = LostInBoth(facts);
  if (!facts.header->simulator.signals.empty()) {
    lost.push_back("signals of subtasks (mimicgen and isaaclab keep them)");
  }
  if (facts.generated) lost.push_back("which source demonstration a row was made from");
  return lost;
}

std::vector<std::string> LostInMimicgen(const WrittenFacts& facts) {
  std::vector<std::string> lost = LostInBoth(facts);
  if (facts.generated) {
    lost.push_back(
        "uuids of the source demonstrations: src_demo_inds counts them in the order of the source "
        "list that mimic used");
  }
  return lost;
}

bool WritesNextPictures(const ForeignWriteOptions& options) { return options.robosuite.next_obs; }

}  // namespace

const WriteDialect kRobomimicWriter{.prepare = FitToRobosuite,
                                    .arguments = RobosuiteArguments,
                                    .columns = RobosuiteColumns,
                                    .attributes = WriteRobosuiteAttributes,
                                    .pictures = ImagePath,
                                    .next_pictures = WritesNextPictures,
                                    .lost = LostInRobomimic};

const WriteDialect kMimicgenWriter{.prepare = FitToRobosuite,
                                   .arguments = RobosuiteArguments,
                                   .columns = MimicgenColumns,
                                   .attributes = WriteMimicgenAttributes,
                                   .pictures = ImagePath,
                                   .next_pictures = WritesNextPictures,
                                   .numbers_sources = true,
                                   .lost = LostInMimicgen};

}  // namespace understudy::foreign
