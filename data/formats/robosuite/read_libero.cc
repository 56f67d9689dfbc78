// LIBERO's files: robosuite's with other names of columns, pictures as OpenGL draws them (bottom
// up), and one instruction in the attributes of /data.
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/spec/foreign_names.h"
#include "data/formats/base/translate.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/foreign_source.h"
#include "data/formats/robosuite/robosuite.h"
#include "data/formats/robosuite/robosuite_parts.h"
#include "data/store/hdf5/attributes.h"

namespace understudy::foreign {
namespace {

constexpr const char* kProblem = "problem_info";
constexpr const char* kInstruction = "language_instruction";

bool IsLibero(const h5::Group& demo, const Json& env) {
  const bool hand = demo.Has("obs/ee_pos") && demo.Has("obs/ee_ori");
  const bool picture = demo.Has("obs/agentview_rgb") || demo.Has("obs/eye_in_hand_rgb");
  return (hand && picture) || env.contains("bddl_file");
}

// A text, or a list of pieces.
std::string InstructionOf(const Json& problem) {
  const Json text = problem.value(kInstruction, Json());
  if (text.is_string()) return text.get<std::string>();
  std::string joined;
  for (const Json& piece : text.is_array() ? text : Json::array()) {
    if (piece.is_string()) joined += piece.get<std::string>();
  }
  return joined;
}

void FillLiberoHeader(const h5::Group& root, const h5::Group& demo, const ReadOptions& options,
                      DatasetHeader* header) {
  FillRobosuiteHeader(root, demo, options, header);
  const h5::Group data = root.Open("data");
  if (const std::string text = InstructionOf(JsonAttribute(data, kProblem)); !text.empty()) {
    header->simulator.instruction = text;
  }
  if (header->simulator.task.empty()) header->simulator.task = data.Text("env_name", "");
  if (header->simulator.arms.empty() && demo.IsArray("obs/ee_pos")) {
    header->simulator.arms = {"robot0"};
  }
  FindCameras(demo, "_rgb", header);
  header->settings[kBottomUp] = data.Text("macros_image_convention", "") == "opengl";
}

void ReadHand(const h5::Group& demo, Episode* episode) {
  const size_t length = episode->length();
  const Column pos = Optional(demo, "obs/ee_pos", length, {3}),
               turn = Optional(demo, "obs/ee_ori", length, {3}),
               joints = Optional(demo, "obs/joint_states", length, {-1}),
               fingers = Optional(demo, "obs/gripper_states", length, {-1});
  if (pos.rows == 0 || turn.rows == 0) return;
  episode->meta.settings["pose_from"] = kFromObservations;
  for (size_t k = 0; k < length; ++k) {
    // a rotation vector
    const Eigen::Vector3d r = Point(turn, k, 0);
    const double angle = r.norm();
    Eigen::Quaterniond q_WE = Eigen::Quaterniond::Identity();
    if (!(angle == 0)) q_WE = Eigen::AngleAxisd(angle, r / angle);
    ArmObservation arm;
    arm.X_WE = CheckedPose(demo, pos.path, k, q_WE, Point(pos, k, 0));
    arm.joint_q = Vector(joints, k);
    arm.gripper_q = Vector(fingers, k);
    episode->steps[k].observation.arms.push_back(std::move(arm));
  }
}

void FillLiberoRows(const h5::Group& demo, const DatasetHeader& header, Episode* episode) {
  ReadRobosuiteStates(demo, episode);
  ReadHand(demo, episode);
  ReadRobosuiteActions(demo, header, episode);
}

bool ReadsLibero(const DatasetHeader&, const std::string& path) {
  for (const char* read : {"actions", "states", "rewards", "dones", "obs/ee_pos", "obs/ee_ori",
                           "obs/joint_states", "obs/gripper_states"}) {
    if (path == read) return true;
  }
  return false;
}

ColumnRole RoleOfLiberoColumn(const std::string& path) {
  if (path == "actions") return ColumnRole::kAction;
  // ee_states is ee_pos and ee_ori once more
  for (const char* state : {"obs/ee_pos", "obs/ee_ori", "obs/gripper_states"}) {
    if (path == state) return ColumnRole::kState;
  }
  return ColumnRole::kOther;
}

void SetProblemInstruction(const h5::Group& data, const h5::Group&,
                           const std::string& instruction) {
  Json problem = JsonAttribute(data, kProblem);
  problem[kInstruction] = instruction;
  data.SetText(kProblem, problem.dump());
}

// `init_state` is the simulator's before the first row.
void StartLiberoAt(const h5::Group& from, size_t first, const h5::Group& copy) {
  if (!copy.HasAttribute("init_state")) return;
  if (!from.IsArray("states")) {
    h5::FailReading(from.Place("states"),
                    "no such dataset: the state that the cut episode would begin with is not "
                    "known; say --head false");
  }
  const Column row = ReadRows(from, "states", first, 1);
  std::vector<double> values(row.row_size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = row.At<double>(0, i);
  h5::WriteDoublesAttribute(copy.id(), copy.Place(), "init_state", values);
}

}  // namespace

constinit const Dialect kLiberoDialect{.stage = "LIBERO",
                                       .family = kRobosuiteFamily,
                                       .recognises = IsLibero,
                                       .header = FillLiberoHeader,
                                       .rows = FillLiberoRows,
                                       .reads = ReadsLibero,
                                       .role = RoleOfLiberoColumn,
                                       .set_instruction = SetProblemInstruction,
                                       .one_instruction = true,
                                       .start_at = StartLiberoAt};

}  // namespace understudy::foreign
