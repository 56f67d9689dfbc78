#include "sim/gripper_drive.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "sim/gripper_settling.h"
#include "sim/model_index.h"
#include "sim/mujoco_guard.h"

namespace understudy {
namespace {

constexpr double kSameGap = 1e-6;       // m
constexpr double kSamePosition = 1e-5;  // rad or m
constexpr double kSnap = 1e-9;          // rad or m: rounding beside the end of a joint's range

// Joints whose transmission an actuator pulls, each with its share of the length.
std::vector<std::pair<int, double>> PulledJoints(const mjModel& model, int actuator) {
  const int id = model.actuator_trnid[2 * actuator];
  switch (model.actuator_trntype[actuator]) {
    case mjTRN_JOINT:
    case mjTRN_JOINTINPARENT:
      return {{id, 1.0}};
    case mjTRN_TENDON: {
      std::vector<std::pair<int, double>> joints;
      for (int w = model.tendon_adr[id]; w < model.tendon_adr[id] + model.tendon_num[id]; ++w) {
        if (model.wrap_type[w] != mjWRAP_JOINT) return {};  // a tendon through space
        joints.emplace_back(model.wrap_objid[w], model.wrap_prm[w]);
      }
      return joints;
    }
    default:
      return {};
  }
}

// Length of the transmission at which an actuator comes to rest: infinite for one that pushes on,
// unset where it does nothing.
std::optional<double> RestLength(const mjModel& model, int actuator, double ctrl) {
  const mjtNum* bias = model.actuator_biasprm + mjNBIAS * actuator;
  const double push = model.actuator_gainprm[mjNGAIN * actuator] * ctrl;
  if (IsServo(model, actuator)) return -(push + bias[0]) / bias[1];
  if (push == 0) return {};
  return std::copysign(std::numeric_limits<double>::infinity(), push);
}

// Where `joint` rests that is asked to go to `q`; unset where nothing stops it.
std::optional<double> WithinRange(const mjModel& model, int joint, double q) {
  if (!model.jnt_limited[joint]) return std::isfinite(q) ? std::optional(q) : std::nullopt;
  const mjtNum* range = model.jnt_range + 2 * joint;
  const double within = std::clamp<double>(q, range[0], range[1]);
  for (int end = 0; end < 2; ++end) {
    if (std::abs(within - range[end]) < kSnap) return range[end];
  }
  return within;
}

// Equalities between joints, as q_to(q_from) through `carry`.
class Couplings {
 public:
  explicit Couplings(const mjModel& model) : model_(model) {
    for (int e = 0; e < model.neq; ++e) {
      if (model.eq_type[e] == mjEQ_JOINT && model.eq_active0[e] && model.eq_obj2id[e] >= 0) {
        equalities_.push_back(e);
      }
    }
  }
  // Calls carry(from, to, q_to(q_from)) for every pair in both directions.
  template <class Carry>
  void ForEach(const Carry& carry) const {
    for (const int e : equalities_) {
      const int y = model_.eq_obj1id[e], x = model_.eq_obj2id[e];
      const mjtNum* a = model_.eq_data + mjNEQDATA * e;
      const double y0 = model_.qpos0[model_.jnt_qposadr[y]];
      const double x0 = model_.qpos0[model_.jnt_qposadr[x]];
      carry(x, y, [=](double q) {
        const double d = q - x0;
        return y0 + a[0] + d * (a[1] + d * (a[2] + d * (a[3] + d * a[4])));
      });
      if (a[1] == 0) continue;
      carry(y, x, [=](double q) { return x0 + (q - y0 - a[0]) / a[1]; });
    }
  }

 private:
  const mjModel& model_;
  std::vector<int> equalities_;
};

class DriveFinder {
 public:
  DriveFinder(const mjModel& model, const GripperParts& parts)
      : model_(model), parts_(parts), couplings_(model), data_(mj_makeData(&model)) {
    if (data_ == nullptr) ThrowFailed("MuJoCo: no memory for the simulation's data");
    tells_all_ = !HasLoops();
    for (const int actuator : parts.actuators) {
      const auto joints = PulledJoints(model, actuator);
      tells_all_ &= !joints.empty();
      for (const auto& [joint, share] : joints) moved_.insert(joint);
    }
    for (size_t before = 0; before != moved_.size();) {
      before = moved_.size();
      couplings_.ForEach([&](int from, int to, const auto&) {
        if (moved_.contains(from)) moved_.insert(to);
      });
    }
    for (int joint = 0; joint < model.njnt; ++joint) {
      const int body = model.jnt_bodyid[joint];
      if (body != parts.wrist && InSubtree(model, body, parts.wrist)) joints_.push_back(joint);
    }
  }

  GripperDrive Find(Problems* problems) {
    std::vector<double> low, middle, high, open, closed;
    for (const int actuator : parts_.actuators) {
      low.push_back(model_.actuator_ctrlrange[2 * actuator]);
      high.push_back(model_.actuator_ctrlrange[2 * actuator + 1]);
      middle.push_back((low.back() + high.back()) / 2);
    }
    GripperDrive drive;
    for (size_t i = 0; i < parts_.actuators.size(); ++i) {
      const auto gap_with = [&](double ctrl) {
        std::vector<double> command = middle;
        command[i] = ctrl;
        return Gap(Rest(command));
      };
      const bool upper = gap_with(high[i]) >= gap_with(low[i]) - kSameGap;
      open.push_back(upper ? high[i] : low[i]);
      closed.push_back(upper ? low[i] : high[i]);
      drive.actuators.push_back({parts_.actuators[i], closed[i], open[i]});
    }
    const GripperRest& at_open = Rest(open);
    Check(at_open, Rest(closed), problems);
    drive.open_qpos.assign(at_open.qpos.begin(), at_open.qpos.end());
    drive.opening = Opening(at_open);
    return drive;
  }

 private:
  // Where the gripper rests under these commands.
  const GripperRest& Rest(const std::vector<double>& command) {
    const auto [it, is_new] = rests_.try_emplace(command);
    if (!is_new) return it->second;
    it->second.qpos = RestOfJoints(command);
    const auto is_placed = [&](int joint) {
      return it->second.qpos.contains(model_.jnt_qposadr[joint]);
    };
    if (!tells_all_ || !std::all_of(joints_.begin(), joints_.end(), is_placed)) {
      if (!settling_) settling_.emplace(model_, joints_, parts_.actuators);
      it->second = settling_->Under(command);
    }
    return it->second;
  }

  // As far as the joints alone say; by address in qpos.
  std::map<int, double> RestOfJoints(const std::vector<double>& command) const {
    std::map<int, double> rest;
    const auto put = [&](int joint, double q) {
      const int address = model_.jnt_qposadr[joint];
      if (rest.contains(address)) return false;
      const std::optional<double> within = WithinRange(model_, joint, q);
      if (within) rest[address] = *within;
      return within.has_value();
    };
    for (size_t i = 0; i < parts_.actuators.size(); ++i) {
      const int actuator = parts_.actuators[i];
      const std::optional<double> length = RestLength(model_, actuator, command[i]);
      if (!length) continue;
      // joints of one tendon go as far as each other
      const auto joints = PulledJoints(model_, actuator);
      double share = 0;
      for (const auto& [joint, part] : joints) share += std::abs(part);
      for (const auto& [joint, part] : joints) {
        put(joint,
            std::copysign(1.0, part) * *length / (share * model_.actuator_gear[6 * actuator]));
      }
    }
    for (bool more = true; more;) {
      more = false;
      couplings_.ForEach([&](int from, int to, const auto& carry) {
        const auto at = rest.find(model_.jnt_qposadr[from]);
        if (at != rest.end()) more |= put(to, carry(at->second));
      });
    }
    return rest;
  }

  void Put(const GripperRest& rest) {
    std::copy(model_.qpos0, model_.qpos0 + model_.nq, data_->qpos);
    for (const auto& [address, q] : rest.qpos) data_->qpos[address] = q;
    mj_kinematics(&model_, data_.get());
  }

  // Between the pads, where they are nearest to each other, m.
  double Opening(const GripperRest& rest) {
    Put(rest);
    double least = 1;
    for (const int left : parts_.left_pads) {
      for (const int right : parts_.right_pads) {
        least = std::min<double>(
            least, mj_geomDistance(&model_, data_.get(), left, right, least, nullptr));
      }
    }
    return least;
  }

  // Between the middles of the pads, m.
  double Gap(const GripperRest& rest) {
    Put(rest);
    const auto middle = [&](const std::vector<int>& geoms) {
      Eigen::Vector3d sum = Eigen::Vector3d::Zero();
      for (const int geom : geoms) {
        sum += Eigen::Map<const Eigen::Vector3d>(data_->geom_xpos + 3 * geom);
      }
      return Eigen::Vector3d(sum / static_cast<double>(geoms.size()));
    };
    return (middle(parts_.left_pads) - middle(parts_.right_pads)).norm();
  }

  // Whether bodies of the gripper are tied to each other in loops, which may move any joint.
  bool HasLoops() const {
    for (int e = 0; e < model_.neq; ++e) {
      if (model_.eq_type[e] != mjEQ_CONNECT && model_.eq_type[e] != mjEQ_WELD) continue;
      const int id = model_.eq_obj1id[e];
      const int body = model_.eq_objtype[e] == mjOBJ_SITE ? model_.site_bodyid[id] : id;
      if (InSubtree(model_, body, parts_.wrist)) return true;
    }
    return false;
  }

  void Check(const GripperRest& open, const GripperRest& closed, Problems* problems) {
    std::vector<std::string> names;
    for (const int actuator : parts_.actuators) {
      names.push_back(ModelName(model_, mjOBJ_ACTUATOR, actuator));
    }
    const std::string actuators = fmt::format("{}", fmt::join(names, " and "));
    for (const GripperRest* rest : {&open, &closed}) {
      if (rest->restless < 0) continue;
      problems->push_back(fmt::format(
          "robot.gripper.joints: {} still moves {:g} s after {} came to the {} end of the "
          "ctrlrange: "
          "give it a range, or a spring, damping and armature with which it comes to rest",
          ModelName(model_, mjOBJ_JOINT, rest->restless), kSettlingTime, actuators,
          rest == &open ? "open" : "closed"));
      return;
    }
    for (const int joint : parts_.joints) {
      const std::string name = ModelName(model_, mjOBJ_JOINT, joint);
      const int address = model_.jnt_qposadr[joint];
      const auto at_open = open.qpos.find(address), at_closed = closed.qpos.find(address);
      const bool stays = at_open != open.qpos.end() && at_closed != closed.qpos.end() &&
                         std::abs(at_open->second - at_closed->second) < kSamePosition;
      if (!moved_.contains(joint) && (tells_all_ || stays)) {
        problems->push_back(fmt::format(
            "robot.gripper.joints: {} is moved neither by {} nor by an equality: what the gripper "
            "measures would not follow its command",
            name, actuators));
      } else if (stays) {
        problems->push_back(fmt::format(
            "robot.gripper.actuator_prefix: {} stands at {:g} at both ends of the ctrlrange of {}: "
            "the range of the joint and what it is commanded must overlap",
            name, at_open->second, actuators));
      }
    }
    if (!problems->empty()) return;
    const double gap = Gap(open);
    if (gap < Gap(closed) + kSameGap) {
      problems->push_back(fmt::format(
          "robot.gripper.left_pads, right_pads: they are {:.4f} m apart at both ends of the "
          "ctrlrange of {}: name geoms of the two fingers that the gripper holds with",
          gap, actuators));
    }
  }

  const mjModel& model_;
  const GripperParts& parts_;
  Couplings couplings_;
  std::unique_ptr<mjData, MujocoDeleter> data_;
  std::vector<int> joints_;  // of the gripper, passive ones too
  std::set<int> moved_;      // joints that the actuators reach
  bool tells_all_ = true;    // no loops, and every actuator pulls at joints
  std::optional<GripperSettling> settling_;
  std::map<std::vector<double>, GripperRest> rests_;  // by command
};

}  // namespace

GripperDrive FindGripperDrive(const mjModel& model, const GripperParts& parts, Problems* problems) {
  return DriveFinder(model, parts).Find(problems);
}

}  // namespace understudy
