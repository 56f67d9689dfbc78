#include "sim/state_validity.h"

#include <fmt/format.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "sim/model_index.h"
#include "sim/mujoco_guard.h"
#include "sim/osc.h"

namespace understudy {
namespace {

class ArmValidity final : public StateValidity {
 public:
  explicit ArmValidity(std::shared_ptr<const Scene> scene) : scene_(std::move(scene)) {
    InstallMujocoHandlers();
    // contacts are reported from the margin on, so the model is a copy
    model_.reset(mj_copyModel(nullptr, scene_->model()));
    if (model_ == nullptr) ThrowFailed("MuJoCo: no memory for the model of collisions");
    data_.reset(mj_makeData(model_.get()));
    if (data_ == nullptr) ThrowFailed("MuJoCo: no memory for the data of collisions");
    model_->opt.enableflags |= mjENBL_OVERRIDE;
    model_->opt.o_margin = 0;

    Problems problems;
    index_ = IndexModel(*model_, scene_->task(), scene_->robot(), &problems);
    Require(problems.empty(), "a compiled scene has been checked");
    for (int body = 0; body < model_->nbody; ++body) {
      part_.push_back(BelowJoint(body, arm().joints.back())    ? Part::kHand
                      : BelowJoint(body, arm().joints.front()) ? Part::kArm
                                                               : Part::kWorld);
    }
  }

 private:
  enum class Part : uint8_t { kWorld, kArm, kHand };
  using BodyPair = std::pair<int, int>;
  // An object that moves with the hand, and its pose in E.
  struct Carried {
    int qpos = -1;  // of its free joint
    Pose X_EC;
  };
  // A state where a path begins or ends, and the distances of the bodies that are close there.
  struct Admitted {
    Eigen::Vector3d p_WE;
    double radius = 0;                    // m
    std::map<BodyPair, double> distance;  // m
  };

  const ArmIndex& arm() const { return index_.arms.front(); }

  // Whether `body` moves with `joint` of the arm.
  bool BelowJoint(int body, int joint) const {
    return InSubtree(*model_, body, model_->jnt_bodyid[joint]);
  }

  // Bodies that are fixed to each other count as one, but for those that are fixed to the world.
  int Root(int body) const {
    const int weld = model_->body_weldid[body];
    return part_[body] == Part::kWorld && weld > 0 ? weld : body;
  }

  void DoSetWorld(const SimState& state, int held, double margin) override {
    Require(state.size() == scene_->info().state_size, "a state of this task's simulator");
    Require(held < static_cast<int>(index_.objects.size()), "the held object is one of the task");
    Require(margin >= 0, "a margin is a distance");
    mj_setState(model_.get(), data_.get(), state.data(), mjSTATE_INTEGRATION);
    mj_kinematics(model_.get(), data_.get());
    admitted_.clear();
    margin_ = margin;
    model_->opt.o_margin = margin;

    // what is held moves with the hand, and what lies on it as well
    carried_.clear();
    held_part_.assign(part_.begin(), part_.end());
    if (held < 0 || index_.objects[held].qpos < 0) return;
    std::set<int> moving = LyingOn(index_.objects[held].body);
    moving.insert(index_.objects[held].body);
    const Pose X_EW = ControlPose(*model_, *data_, arm()).Inverse();
    for (const int body : moving) {
      carried_.push_back(
          {model_->jnt_qposadr[model_->body_jntadr[body]], X_EW * BodyPose(*data_, body)});
    }
    for (int body = 0; body < model_->nbody; ++body) {
      if (moving.contains(model_->body_rootid[body])) held_part_[body] = Part::kHand;
    }
  }

  // The free bodies that only body `held` carries, directly or by one another. A body that touches
  // the table, or something that stands on it, stays there.
  std::set<int> LyingOn(int held) {
    model_->opt.o_margin = kSolidsGive;
    mj_collision(model_.get(), data_.get());
    model_->opt.o_margin = margin_;
    std::map<int, std::set<int>> touched;
    for (int c = 0; c < data_->ncon; ++c) {
      const mjContact& contact = data_->contact[c];
      if (contact.geom[0] < 0 || contact.geom[1] < 0) continue;
      const int a = model_->geom_bodyid[contact.geom[0]], b = model_->geom_bodyid[contact.geom[1]];
      if (part_[a] != Part::kWorld || part_[b] != Part::kWorld) continue;
      touched[model_->body_rootid[a]].insert(model_->body_rootid[b]);
      touched[model_->body_rootid[b]].insert(model_->body_rootid[a]);
    }

    // all bodies in contact with it, without those that something else may carry
    std::set<int> lying;
    std::vector<int> open{held};
    while (!open.empty()) {
      const std::set<int> neighbours = touched[open.back()];
      open.pop_back();
      for (const int body : neighbours) {
        if (body != held && IsFree(body) && lying.insert(body).second) open.push_back(body);
      }
    }
    const auto stays = [&](int body) {
      return std::any_of(touched[body].begin(), touched[body].end(),
                         [&](int other) { return other != held && !lying.contains(other); });
    };
    while (std::erase_if(lying, stays) > 0) {
    }
    return lying;
  }
  bool IsFree(int body) const {
    const int joint = model_->body_jntadr[body];
    return joint >= 0 && model_->jnt_type[joint] == mjJNT_FREE;
  }

  // Moves the arm to `q`, with what it carries, and finds the bodies that are close to each other.
  void MoveTo(const Eigen::VectorXd& q) {
    Require(q.size() == static_cast<Eigen::Index>(arm().qpos.size()) && q.allFinite(),
            "a posture has one angle per joint");
    for (size_t i = 0; i < arm().qpos.size(); ++i) {
      data_->qpos[arm().qpos[i]] = q[static_cast<Eigen::Index>(i)];
    }
    mj_kinematics(model_.get(), data_.get());
    if (!carried_.empty()) {
      const Pose X_WE = ControlPose(*model_, *data_, arm());
      for (const Carried& carried : carried_) {
        const Pose X_WC = X_WE * carried.X_EC;
        mjtNum* place = data_->qpos + carried.qpos;
        for (int i = 0; i < 3; ++i) place[i] = X_WC.translation()[i];
        place[3] = X_WC.rotation().w();
        for (int i = 0; i < 3; ++i) place[4 + i] = X_WC.rotation().vec()[i];
      }
      mj_kinematics(model_.get(), data_.get());
    }
    mj_collision(model_.get(), data_.get());
  }

  // Calls visit(pair, distance, required) for every contact that matters, until it returns false.
  template <class Visitor>
  void VisitContacts(const Visitor& visit) const {
    for (int c = 0; c < data_->ncon; ++c) {
      const mjContact& contact = data_->contact[c];
      if (contact.geom[0] < 0 || contact.geom[1] < 0) continue;
      const int a = model_->geom_bodyid[contact.geom[0]], b = model_->geom_bodyid[contact.geom[1]];
      const Part one = held_part_[a], other = held_part_[b];
      if (one == Part::kWorld && other == Part::kWorld) continue;
      if (one == Part::kHand && other == Part::kHand) continue;
      // the arm is built to come near to itself, and to its base
      const bool itself = IsArm(a) && IsArm(b);
      const BodyPair pair = std::minmax(Root(a), Root(b));
      if (!visit(pair, contact.dist, itself ? -kSolidsGive : margin_)) return;
    }
  }
  bool IsArm(int body) const {
    return part_[body] != Part::kWorld || model_->body_rootid[body] == arm().base_body;
  }

  void DoAdmit(const Eigen::VectorXd& q, double radius) override {
    MoveTo(q);
    Admitted here;
    here.p_WE = ControlPose(*model_, *data_, arm()).translation();
    here.radius = radius;
    VisitContacts([&](const BodyPair& pair, double distance, double) {
      const auto [found, fresh] = here.distance.try_emplace(pair, distance);
      if (!fresh) found->second = std::min(found->second, distance);
      return true;
    });
    admitted_.push_back(std::move(here));
  }

  bool DoValid(const Eigen::VectorXd& q) override {
    MoveTo(q);
    const Eigen::Vector3d p_WE = ControlPose(*model_, *data_, arm()).translation();
    bool valid = true;
    VisitContacts([&](const BodyPair& pair, double distance, double required) {
      // the pose of E says little about the links behind it
      const bool hand =
          held_part_[pair.first] == Part::kHand || held_part_[pair.second] == Part::kHand;
      for (const Admitted& place : admitted_) {
        if (hand && (p_WE - place.p_WE).norm() > place.radius) continue;
        const auto found = place.distance.find(pair);
        if (found != place.distance.end())
          required = std::min(required, found->second - kSolidsGive);
      }
      valid = distance >= required;
      return valid;
    });
    return valid;
  }

  double DoClearance(const Eigen::VectorXd& q) override {
    MoveTo(q);
    double clearance = margin_;
    VisitContacts([&](const BodyPair&, double distance, double required) {
      // of the arm with itself, skip pairs that touch by construction
      if (required == margin_ || distance < required) clearance = std::min(clearance, distance);
      return true;
    });
    return clearance;
  }

  std::string DoNearest(const Eigen::VectorXd& q) override {
    MoveTo(q);
    double nearest = std::numeric_limits<double>::infinity();
    BodyPair who;
    VisitContacts([&](const BodyPair& pair, double distance, double required) {
      if (distance < std::min(nearest, required)) {
        nearest = distance;
        who = pair;
      }
      return true;
    });
    if (nearest > margin_) return "";
    return fmt::format("{} and {}, {:.1f} mm {}", NameOfBody(*model_, who.first),
                       NameOfBody(*model_, who.second), 1000 * std::abs(nearest),
                       nearest < 0 ? "inside each other" : "apart");
  }

  std::shared_ptr<const Scene> scene_;
  std::unique_ptr<mjModel, MujocoDeleter> model_;
  std::unique_ptr<mjData, MujocoDeleter> data_;
  ModelIndex index_;
  std::vector<Part> part_, held_part_;  // by body; of the arm alone, and with what it carries
  double margin_ = 0;                   // m
  std::vector<Carried> carried_;
  std::vector<Admitted> admitted_;
};

}  // namespace

std::unique_ptr<StateValidity> MakeStateValidity(std::shared_ptr<const Scene> scene) {
  Require(scene != nullptr, "validity needs a scene");
  return std::make_unique<ArmValidity>(std::move(scene));
}

}  // namespace understudy
