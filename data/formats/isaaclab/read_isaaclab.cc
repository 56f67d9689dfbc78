// Files of Isaac Lab and Isaac Lab Mimic.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/episode/episode.h"
#include "core/spec/foreign_names.h"
#include "data/formats/base/unread_poses.h"
#include "data/formats/family/foreign_columns.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/foreign_source.h"
#include "data/formats/isaaclab/isaaclab.h"
#include "data/formats/isaaclab/isaaclab_parts.h"

namespace understudy::foreign {
namespace {

using Order = QuaternionOrder;

constexpr const char* kInfo = "obs/datagen_info";
// Two orders of the same four numbers are two rotations, but for q = (a, a, a, a): what a matrix
// says decides where they lie this far apart, rad.
constexpr double kDecides = 0.05;

// What one quaternion and the matrix of the same pose say of the order.
Order Compare(const Column& pose, size_t at, const Column& matrix) {
  if (pose.rows == 0 || matrix.rows == 0) return Order::kAsk;
  if (pose.row_size() < at + 4 || matrix.row_dims != std::vector<size_t>{4, 4}) return Order::kAsk;
  Eigen::Matrix3d R;
  for (int r = 0; r < 3; ++r) {
    for (int i = 0; i < 3; ++i) R(r, i) = matrix.At<double>(0, static_cast<size_t>(4 * r + i));
  }
  const Eigen::Quaterniond wxyz = QuaternionAt(pose, 0, at, Order::kWxyz),
                           xyzw = QuaternionAt(pose, 0, at, Order::kXyzw);
  if (!R.allFinite() || !(std::abs(wxyz.norm() - 1) < 1e-3)) return Order::kAsk;
  const Eigen::Quaterniond known(R);
  const double a = AngleBetween(wxyz.normalized(), known.normalized());
  const double b = AngleBetween(xyzw.normalized(), known.normalized());
  if (a < kDecides && b > 2 * kDecides) return Order::kWxyz;
  if (b < kDecides && a > 2 * kDecides) return Order::kXyzw;
  return Order::kAsk;
}

// The order that an episode itself shows: it stores object and hand poses as matrices too.
Order OrderOf(const h5::Group& demo) {
  const std::string objects = std::string(kInfo) + "/object_pose/";
  for (const std::string& name : NamesIn(demo, std::string(kInfo) + "/object_pose")) {
    const Order order = Compare(FirstRow(demo, "initial_state/rigid_object/" + name + "/root_pose"),
                                3, FirstRow(demo, objects + name));
    if (order != Order::kAsk) return order;
  }
  const std::vector<std::string> hands = NamesIn(demo, std::string(kInfo) + "/eef_pose");
  if (hands.size() != 1) return Order::kAsk;
  return Compare(FirstRow(demo, "obs/eef_quat"), 0,
                 FirstRow(demo, std::string(kInfo) + "/eef_pose/" + hands[0]));
}

// `format_version` since Isaac Lab writes xyzw; it stands at the root or beside env_args.
Order OrderOfVersion(const h5::Group& root) {
  const auto is_new = [](const h5::Group& group) {
    return group.HasAttribute("format_version") && group.Int("format_version") >= 1;
  };
  return is_new(root) || is_new(root.Open("data")) ? Order::kXyzw : Order::kAsk;
}

Order DecideOrder(const h5::Group& root, const h5::Group& demo, Order given) {
  const Order seen = OrderOf(demo), version = OrderOfVersion(root);
  if (given != Order::kAsk && seen != Order::kAsk && given != seen) {
    ThrowUsage(fmt::format("{}: --quaternions {}: the pose matrices of the file say {}",
                           root.file(), NameOf(given), NameOf(seen)));
  }
  for (const Order order : {given, seen, version}) {
    if (order != Order::kAsk) return order;
  }
  return Order::kAsk;
}

std::string Joined(const char* a, const std::string& b) { return std::string(a) + "/" + b; }

std::vector<std::string> ObjectsOf(const h5::Group& demo) {
  std::vector<std::string> names = NamesIn(demo, Joined(kInfo, "object_pose"));
  if (!names.empty()) return names;
  // the pose before the first row stands in initial_state only
  for (const std::string& name : NamesIn(demo, "states/rigid_object")) {
    if (demo.IsArray("initial_state/rigid_object/" + name + "/root_pose")) names.push_back(name);
  }
  return names;
}

// The articulation that an arm is: of its own name, or the only one of an only arm.
std::string ArticulationOf(const h5::Group& demo, const std::string& arm, size_t arms) {
  const std::vector<std::string> names = NamesIn(demo, "states/articulation");
  for (const std::string& name : names) {
    if (name == arm || (arms == 1 && name == "robot")) return name;
  }
  return arms == 1 && names.size() == 1 ? names[0] : "";
}

Observation& At(Episode& episode, size_t instant) {
  return instant < episode.length() ? episode.steps[instant].observation
                                    : episode.final_observation;
}

// Joints of the arm, then of its fingers.
void ReadJoints(const h5::Group& demo, const std::string& arm, size_t a, size_t arms,
                Episode& episode) {
  const std::string articulation = ArticulationOf(demo, arm, arms);
  if (articulation.empty()) return;
  const size_t length = episode.length();
  const std::string path = "articulation/" + articulation + "/";
  const Instants q = ReadInstants(demo, path + "joint_position", length, {-1});
  const Instants v = ReadInstants(demo, path + "joint_velocity", length, {-1});
  if (!q.known()) return;
  const std::string fingers_path = arms == 1 ? "obs/gripper_pos" : "obs/" + arm + "_gripper_pos";
  const Column gripper = Optional(demo, fingers_path, length, {-1});
  const size_t fingers =
      gripper.rows > 0 && gripper.row_size() < q.rest.row_size() ? gripper.row_size() : 0;
  const auto split = [&](const Instants& c, size_t instant, Eigen::VectorXd& joints,
                         Eigen::VectorXd& tips) {
    if (!c.known() || c.rest.row_size() < fingers) return;
    const Eigen::VectorXd all = instant == 0 ? Vector(c.first, 0) : Vector(c.rest, instant - 1);
    joints = all.head(all.size() - static_cast<Eigen::Index>(fingers));
    tips = all.tail(static_cast<Eigen::Index>(fingers));
  };
  for (size_t i = 0; i <= length; ++i) {
    Observation& o = At(episode, i);
    // the instant after the last action has joints, but no pose of the hand
    if (a >= o.arms.size()) continue;
    split(q, i, o.arms[a].joint_q, o.arms[a].gripper_q);
    split(v, i, o.arms[a].joint_v, o.arms[a].gripper_v);
  }
}

void ReadArms(const h5::Group& demo, const DatasetHeader& header, Episode& episode) {
  const Quaternions quaternions(demo, header);
  const std::vector<std::string>& arms = header.simulator.arms;
  const size_t length = episode.length();
  for (size_t a = 0; a < arms.size(); ++a) {
    const Column matrices = Optional(demo, Joined(kInfo, "eef_pose/" + arms[a]), length, {4, 4});
    const Column pos = Optional(demo, "obs/eef_pos", length, {3}),
                 quat = Optional(demo, "obs/eef_quat", length, {4});
    const bool observed = matrices.rows == 0;
    if (observed && (pos.rows == 0 || quat.rows == 0)) {
      h5::FailReading(demo.Place(Joined(kInfo, "eef_pose/" + arms[a])), "no such dataset");
    }
    episode.meta.settings["pose_from"] = observed ? kFromObservations : kFromMatrices;
    for (size_t k = 0; k < length; ++k) {
      ArmObservation arm;
      arm.X_WE = observed ? quaternions.At(quat, k, 0, 0, pos) : PoseOfMatrix(demo, matrices, k);
      episode.steps[k].observation.arms.push_back(std::move(arm));
    }
    ReadJoints(demo, arms[a], a, arms.size(), episode);
  }
}

void ReadObjects(const h5::Group& demo, const DatasetHeader& header, Episode& episode) {
  const Quaternions quaternions(demo, header);
  const size_t length = episode.length();
  for (const std::string& object : header.simulator.objects) {
    const Column matrices = Optional(demo, Joined(kInfo, "object_pose/" + object), length, {4, 4});
    const Instants poses = ReadInstants(demo, "rigid_object/" + object + "/root_pose", length, {7});
    if (matrices.rows == 0 && !poses.known()) {
      RequireNamed(demo, Joined(kInfo, "object_pose/" + object), "poses of the object", object);
    }
    for (size_t k = 0; k < length; ++k) {
      std::vector<Pose>& X_WO = episode.steps[k].observation.X_WO;
      if (matrices.rows > 0) {
        X_WO.push_back(PoseOfMatrix(demo, matrices, k));
      } else {
        X_WO.push_back(k == 0 ? quaternions.At(poses.first, 0) : quaternions.At(poses.rest, k - 1));
      }
    }
  }
}

void ReadActions(const h5::Group& demo, const DatasetHeader& header, Episode& episode) {
  const std::vector<std::string>& arms = header.simulator.arms;
  const size_t length = episode.length();
  const Column actions = Optional(demo, "actions", length, {-1});
  // six numbers of a delta pose or seven of a pose, then the gripper
  const size_t width = arms.empty() ? 0 : actions.row_size() / arms.size();
  const bool gripper =
      !arms.empty() && actions.row_size() == width * arms.size() && (width == 7 || width == 8);
  for (size_t a = 0; a < arms.size(); ++a) {
    const Column targets =
        Optional(demo, Joined(kInfo, "target_eef_pose/" + arms[a]), length, {4, 4});
    const bool known = targets.rows > 0 && gripper;
    episode.meta.settings["target_from"] = known ? kFromMatrices : "nothing";
    for (size_t k = 0; known && k < length; ++k) {
      Step& step = episode.steps[k];
      const double command = actions.At<double>(k, (a + 1) * width - 1);
      if (!std::isfinite(command)) {
        h5::FailReading(fmt::format("{}[{}]", demo.Place("actions"), k), "is not finite");
      }
      // Isaac Lab opens at +1
      const ArmAction target{PoseOfMatrix(demo, targets, k), -std::clamp(command, -1.0, 1.0)};
      step.action.arms.push_back(target);
      step.delta.push_back(
          DeltaFromTarget(step.observation.arms[a].X_WE, target, episode.meta.limits));
    }
  }
  for (Step& step : episode.steps) step.action_clean = step.action;
}

bool LooksLikeIsaacLab(const h5::Group& demo, const Json& env) {
  const Json type = env.value("type", Json());
  const bool gym = type.is_number() && type.get<double>() == 2;
  const bool tree = demo.Has("initial_state") || (demo.Has("states") && !demo.IsArray("states"));
  return demo.Has(kInfo) || tree || (gym && demo.Has("processed_actions"));
}

void FillIsaacLabHeader(const h5::Group& root, const h5::Group& demo, const ReadOptions& options,
                        DatasetHeader* header) {
  SimulatorInfo& info = header->simulator;
  const Json env = header->settings["env_args"];
  info.control_hz = options.control_hz;
  const Json sim = env.value("sim_args", Json::object());
  if (sim.is_object() && sim.contains("dt") && sim.contains("decimation") &&
      sim["dt"].is_number() && sim["decimation"].is_number()) {
    const double rate = 1 / (sim["dt"].get<double>() * sim["decimation"].get<double>());
    if (std::isfinite(rate) && rate > 0) info.control_hz = rate;
  }
  info.arms = NamesIn(demo, Joined(kInfo, "eef_pose"));
  const bool observed = info.arms.empty() && demo.Has("obs/eef_pos");
  if (observed) info.arms = {"robot"};
  info.objects = ObjectsOf(demo);
  info.signals = NamesIn(demo, Joined(kInfo, "subtask_term_signals"));
  FindCameras(demo, "", header);
  const Order order = DecideOrder(root, demo, options.quaternions);
  header->settings["quaternions"] = NameOf(order);
  if (order != Order::kAsk) return;
  // what stands in matrices is known all the same
  std::vector<std::string> unread;
  if (observed && demo.Has("obs/eef_quat")) {
    unread.push_back(kHandPoses);
    info.arms.clear();
  } else if (info.arms.empty() && HasIsaacLabJoints(demo)) {
    unread.push_back(kBasePoses);
  }
  if (!info.objects.empty() && NamesIn(demo, Joined(kInfo, "object_pose")).empty()) {
    if (!info.arms.empty() || !unread.empty()) unread.push_back(kObjectPoses);
    info.objects.clear();
  }
  if (unread.empty()) return;
  header->settings[kUnreadPoses] = {
      {"of", unread},
      {"give",
       "--quaternions wxyz (Isaac Lab before 2026) or --quaternions xyzw (since), the order of its "
       "quaternions, which nothing in it says"}};
}

std::vector<std::string> IsaacLabNames(const h5::Group& demo) {
  std::vector<std::string> names;
  for (const std::string& object : ObjectsOf(demo)) {
    names.push_back(Joined(kInfo, "object_pose/" + object));
  }
  for (const std::string& signal : NamesIn(demo, Joined(kInfo, "subtask_term_signals"))) {
    names.push_back(Joined(kInfo, "subtask_term_signals/" + signal));
  }
  return names;
}

bool ReadsIsaacLab(const DatasetHeader& header, const std::string& path) {
  if (path == "actions") return true;
  const SimulatorInfo& info = header.simulator;
  if (!info.arms.empty()) {
    for (const char* name : {"obs/eef_pos", "obs/eef_quat", "obs/gripper_pos"}) {
      if (path == name) return true;
    }
    const bool joints = path.ends_with("/joint_position") || path.ends_with("/joint_velocity");
    if (joints && (path.starts_with("states/articulation/") ||
                   path.starts_with("initial_state/articulation/"))) {
      return true;
    }
  }
  for (const char* group : {"eef_pose", "object_pose", "target_eef_pose", "subtask_term_signals"}) {
    if (path.starts_with(Joined(kInfo, group) + "/")) return true;
  }
  for (const std::string& arm : info.arms) {
    if (path == "obs/" + arm + "_gripper_pos") return true;
  }
  for (const std::string& object : info.objects) {
    if (path.ends_with("rigid_object/" + object + "/root_pose")) return true;
  }
  return std::any_of(header.cameras.begin(), header.cameras.end(),
                     [&](const std::string& camera) { return path == "obs/" + camera; });
}

void FillIsaacLabRows(const h5::Group& demo, const DatasetHeader& header, Episode* episode) {
  ReadArms(demo, header, *episode);
  ReadObjects(demo, header, *episode);
  for (const std::string& signal : header.simulator.signals) {
    const std::string path = Joined(kInfo, "subtask_term_signals/" + signal);
    RequireNamed(demo, path, "the signal", signal);
    const Column values = OptionalNumbers(demo, path, episode->length());
    for (size_t k = 0; k < values.rows; ++k) {
      episode->steps[k].observation.signals.push_back(values.At<double>(k) != 0);
    }
  }
  const double rate = episode->meta.control_hz;
  for (size_t k = 0; k < episode->length() && rate > 0; ++k) {
    episode->steps[k].observation.sim_time_s = static_cast<double>(k) / rate;
  }
  ReadActions(demo, header, *episode);
}

// Its policy group is obs; what describes the data itself stands there too.
ColumnRole RoleOfIsaacLabColumn(const std::string& path) {
  if (path == "actions") return ColumnRole::kAction;
  const bool policy = path.starts_with("obs/") && !path.starts_with(std::string(kInfo) + "/") &&
                      path != "obs/actions";
  return policy ? ColumnRole::kState : ColumnRole::kOther;
}

// `states` holds those after each action, `initial_state` the one before the first.
void StartIsaacLabAt(const h5::Group& from, size_t first, const h5::Group& copy) {
  for (const std::string& kind : NamesIn(copy, "initial_state")) {
    const std::string of_kind = kind + "/";
    for (const std::string& name : NamesIn(copy, "initial_state/" + kind)) {
      for (const std::string& field : NamesIn(copy, "initial_state/" + of_kind + name)) {
        const std::string path = of_kind + name + "/" + field;
        if (!from.IsArray("states/" + path)) {
          h5::FailReading(from.Place("states/" + path),
                          "no such dataset: the state that the cut episode would begin with is "
                          "not known; say --head false");
        }
        const h5::DatasetInfo info = from.Info("initial_state/" + path);
        Column row = ReadRows(from, "states/" + path, first - 1, 1);
        row.path = "initial_state/" + path;
        copy.Delete(row.path);
        copy.Write(info.type_size == sizeof(float) ? ToFloat(row) : row);
      }
    }
  }
}

}  // namespace

constinit const Dialect kIsaacLabDialect{.stage = "Isaac Lab",
                                         .family = kIsaacLabFamily,
                                         .recognises = LooksLikeIsaacLab,
                                         .header = FillIsaacLabHeader,
                                         .rows = FillIsaacLabRows,
                                         .names = IsaacLabNames,
                                         .reads = ReadsIsaacLab,
                                         .has_joints = HasIsaacLabJoints,
                                         .joints = ReadIsaacLabJoints,
                                         .role = RoleOfIsaacLabColumn,
                                         .success_attribute = true,
                                         .start_at = StartIsaacLabAt};

}  // namespace understudy::foreign
