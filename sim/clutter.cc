#include "sim/clutter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/error.h"
#include "core/base/tally.h"
#include "sim/composition.h"
#include "sim/mujoco_pose.h"
#include "sim/shapes.h"

namespace understudy {
namespace {

using Eigen::Vector2d;
using Eigen::Vector3d;

constexpr int kRounds = 10;              // of all things
constexpr int kTries = 300;              // of a thing in each
constexpr double kBetweenThings = 0.01;  // m

// What something takes of the ground, and how high it is.
struct Disc {
  std::string name;
  Vector3d p_W = Vector3d::Zero();  // its middle
  double radius = 0, top = 0;       // m
};

double DistanceToWay(const Vector2d& p, const Vector2d& a, const Vector2d& b) {
  const Vector2d way = b - a;
  const double length = way.squaredNorm();
  const double t = length > 0 ? std::clamp((p - a).dot(way) / length, 0.0, 1.0) : 0;
  return (p - (a + t * way)).norm();
}

// Whether something stands between `from` and `to`, which lies lower.
bool Hides(const Disc& disc, const Vector3d& from, const Vector3d& to) {
  const Vector2d way = (to - from).head<2>(), off = (disc.p_W - from).head<2>();
  const double length = way.norm();
  const double along = length > 0 ? off.dot(way) / length : 0;
  const double beside_squared = off.squaredNorm() - along * along;
  const double half_chord_squared = disc.radius * disc.radius - beside_squared;
  if (half_chord_squared < 0) return false;
  // where the line leaves the disc it is lowest
  const double half_chord = std::sqrt(half_chord_squared);
  if (along + half_chord < 0 || along - half_chord > length) return false;
  const double t = length > 0 ? std::min((along + half_chord) / length, 1.0) : 1;
  return from.z() + t * (to.z() - from.z()) < disc.top;
}

// The flat top that a thing stands on.
struct Surface {
  int body = -1;
  Eigen::AlignedBox3d solid_W;  // empty: it has none
};

class Placing {
 public:
  Placing(const mjModel& model, const ModelIndex& index, const SimulatorInfo& info, mjData* data)
      : model_(model), info_(info), data_(*data) {
    Look();
    for (const ObjectIndex& object : index.objects) {
      objects_.push_back({object.name, Vector3d(data_.xpos + 3 * object.body), object.radius, 0});
    }
    for (const int id : StandingCameras(model, info.cameras)) {
      cameras_.push_back(Vector3d(data_.cam_xpos + 3 * id));
    }
  }

  // Takes up what was placed.
  void Begin() {
    things_.clear();
    edits_.clear();
  }

  // Returns what was in its way how often; empty: it stands.
  std::string Place(const DistractorEdit& thing, Rng& rng) {
    const Surface surface = SurfaceOf(thing);
    const Vector3d low = surface.solid_W.min(), high = surface.solid_W.max();
    Tally refusals;
    const double radius = thing.size.head<2>().norm() / 2;
    for (int attempt = 0; attempt < kTries; ++attempt) {
      const double x = rng.Uniform(low.x() + radius, high.x() - radius);
      const double y = rng.Uniform(low.y() + radius, high.y() - radius);
      const double yaw = rng.Uniform(0, 2 * std::numbers::pi);
      const Disc disc{
          thing.thing, {x, y, high.z() + thing.size.z() / 2}, radius, high.z() + thing.size.z()};
      std::string refusal = Refusal(thing, disc);
      if (refusal.empty()) {
        Put(thing, PoseFromYaw(yaw, disc.p_W));
        refusal = RefusalThere(thing, surface.body);
      }
      if (refusal.empty()) {
        things_.push_back(disc);
        edits_.push_back(&thing);
        return "";
      }
      refusals.Add(refusal);
    }
    return fmt::format("no place for '{}' on '{}': {}", thing.thing, thing.on,
                       refusals.Describe("draws"));
  }

 private:
  // Brings places of bodies, shapes and cameras up to date.
  void Look() {
    mj_kinematics(&model_, &data_);
    mj_comPos(&model_, &data_);
    mj_camlight(&model_, &data_);
  }

  Surface SurfaceOf(const DistractorEdit& thing) const {
    Surface surface;
    surface.body = mj_name2id(&model_, mjOBJ_BODY, thing.on.c_str());
    for (int i = 0; i < model_.ngeom; ++i) {
      const bool flat = model_.geom_type[i] == mjGEOM_BOX || model_.geom_type[i] == mjGEOM_CYLINDER;
      if (model_.geom_bodyid[i] != surface.body || !flat || !Touches(model_, i)) continue;
      const Eigen::AlignedBox3d solid = BoundsOf(BoxOfGeom(model_, data_, i));
      const bool higher = surface.solid_W.isEmpty() || solid.max().z() > surface.solid_W.max().z();
      if (higher) surface.solid_W = solid;
    }
    if (surface.solid_W.isEmpty()) {
      ThrowFailed(fmt::format("no place for '{}': '{}' has no flat top", thing.thing, thing.on));
    }
    return surface;
  }

  // Why it may not stand there, by the plan of the place.
  std::string Refusal(const DistractorEdit& thing, const Disc& disc) const {
    const Vector2d p = disc.p_W.head<2>();
    for (size_t i = 0; i < objects_.size(); ++i) {
      const Vector2d at = objects_[i].p_W.head<2>();
      if ((p - at).norm() < objects_[i].radius + disc.radius + thing.clearance) {
        return "were too near to an object of the task";
      }
      for (size_t j = 0; j < i; ++j) {
        if (DistanceToWay(p, at, objects_[j].p_W.head<2>()) < disc.radius + thing.clearance) {
          return "stood on a way between objects";
        }
      }
      for (const Vector3d& camera : cameras_) {
        if (Hides(disc, camera, objects_[i].p_W)) return "hid an object from a camera";
      }
    }
    for (const Disc& other : things_) {
      if ((p - other.p_W.head<2>()).norm() < other.radius + disc.radius + kBetweenThings) {
        return "were too near to another thing";
      }
    }
    for (const Relation& relation : thing.relations) {
      if (!Holds(relation, disc)) return Unmet(relation);
    }
    // what was placed before may refer to it
    for (size_t i = 0; i < things_.size(); ++i) {
      for (const Relation& relation : edits_[i]->relations) {
        if (relation.to != disc.name || IsAlone(relation)) continue;
        if (!Holds(relation, things_[i], &disc)) {
          return fmt::format("left '{}' without: {}", things_[i].name, Unmet(relation));
        }
      }
    }
    return "";
  }

  static bool IsAlone(const Relation& relation) {
    return relation.relation == RelationKind::kWithinReach ||
           relation.relation == RelationKind::kSeenBy;
  }

  static std::string Unmet(const Relation& relation) {
    std::string name = ToJson(relation.relation).get<std::string>();
    std::replace(name.begin(), name.end(), '_', ' ');
    return fmt::format("were not {}{}{}", name, relation.to.empty() ? "" : " ", relation.to);
  }

  // True as well where the other thing is not there yet.
  bool Holds(const Relation& relation, const Disc& disc, const Disc* to = nullptr) const {
    if (relation.relation == RelationKind::kWithinReach) {
      for (size_t arm = 0; arm < info_.arms.size(); ++arm) {
        if (info_.Reaches(disc.p_W, 0, arm)) return true;
      }
      return false;
    }
    if (relation.relation == RelationKind::kSeenBy) return true;  // RefusalThere
    for (const auto* list : {&objects_, &things_}) {
      for (const Disc& one : *list) {
        if (one.name == relation.to) to = &one;
      }
    }
    if (to == nullptr) return true;
    const Vector3d way_B = info_.base(0).rotation().inverse() * (disc.p_W - to->p_W);
    const double x = way_B.x(), y = way_B.y();
    switch (relation.relation) {
      case RelationKind::kLeftOf:
        return y > std::abs(x);
      case RelationKind::kRightOf:
        return -y > std::abs(x);
      case RelationKind::kBehind:
        return x > std::abs(y);
      case RelationKind::kInFrontOf:
        return -x > std::abs(y);
      case RelationKind::kNear:
        return std::hypot(x, y) <= relation.distance;
      case RelationKind::kAwayFrom:
        return std::hypot(x, y) >= relation.distance;
      default:
        return true;
    }
  }

  void Put(const DistractorEdit& thing, const Pose& X_WO) {
    const int joint = mj_name2id(&model_, mjOBJ_JOINT, ClutterBody(thing).c_str());
    mjtNum* q = data_.qpos + model_.jnt_qposadr[joint];
    PutPose(X_WO, q, q + 3);
    Look();
  }

  // Why it may not stand where it was put.
  std::string RefusalThere(const DistractorEdit& thing, int surface) {
    const int body = mj_name2id(&model_, mjOBJ_BODY, ClutterBody(thing).c_str());
    mj_collision(&model_, &data_);
    for (int i = 0; i < data_.ncon; ++i) {
      const mjContact& contact = data_.contact[i];
      const int a = model_.geom_bodyid[contact.geom[0]], b = model_.geom_bodyid[contact.geom[1]];
      if (a != body && b != body) continue;
      if (a != surface && b != surface) return "touched something";
    }
    for (const Relation& relation : thing.relations) {
      if (relation.relation == RelationKind::kSeenBy && !IsSeen(relation.to, body)) {
        return Unmet(relation);
      }
    }
    return "";
  }

  bool IsSeen(const std::string& camera, int body) const {
    const int id = mj_name2id(&model_, mjOBJ_CAMERA, camera.c_str());
    if (id < 0) return false;
    using Rotation = Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>;
    const Vector3d p_WC(data_.cam_xpos + 3 * id), p_WO(data_.xpos + 3 * body);
    const Vector3d p_CO = Rotation(data_.cam_xmat + 9 * id).transpose() * (p_WO - p_WC);
    const double half = std::tan(model_.cam_fovy[id] * std::numbers::pi / 360);
    if (p_CO.z() >= 0 || std::max(std::abs(p_CO.x()), std::abs(p_CO.y())) > -half * p_CO.z()) {
      return false;
    }
    int geom = -1;
    const Vector3d way = (p_WO - p_WC).normalized();
    mj_ray(&model_, &data_, p_WC.data(), way.data(), nullptr, 1, -1, &geom, nullptr);
    return geom >= 0 && model_.geom_bodyid[geom] == body;
  }

  const mjModel& model_;
  const SimulatorInfo& info_;
  mjData& data_;
  std::vector<Disc> objects_, things_;
  std::vector<const DistractorEdit*> edits_;  // of things_
  std::vector<Vector3d> cameras_;             // W, of the task, that stand still
};

// A thing that stands in a relation to another comes behind that, where they do not ask for each
// other.
std::vector<const DistractorEdit*> InOrder(const std::vector<DistractorEdit>& clutter) {
  std::vector<const DistractorEdit*> waiting, order;
  for (const DistractorEdit& thing : clutter) waiting.push_back(&thing);
  const auto is_free = [&](const DistractorEdit* thing) {
    return std::none_of(thing->relations.begin(), thing->relations.end(), [&](const Relation& one) {
      return std::any_of(waiting.begin(), waiting.end(), [&](const DistractorEdit* other) {
        return other != thing && other->thing == one.to;
      });
    });
  };
  while (!waiting.empty()) {
    auto next = std::find_if(waiting.begin(), waiting.end(), is_free);
    if (next == waiting.end()) next = waiting.begin();
    order.push_back(*next);
    waiting.erase(next);
  }
  return order;
}

}  // namespace

void PlaceClutter(const mjModel& model, const ModelIndex& index, const SimulatorInfo& info,
                  const std::vector<DistractorEdit>& clutter, const RngKey& key, mjData* data) {
  if (clutter.empty()) return;
  const std::vector<mjtNum> before(data->qpos, data->qpos + model.nq);
  Placing placing(model, index, info, data);
  const std::vector<const DistractorEdit*> order = InOrder(clutter);
  Rng rng(key.WithTerm("clutter"));
  std::string refused;
  for (int round = 0; round < kRounds; ++round) {
    std::copy(before.begin(), before.end(), data->qpos);
    placing.Begin();
    for (const DistractorEdit* thing : order) {
      refused = placing.Place(*thing, rng);
      if (!refused.empty()) break;
    }
    if (refused.empty()) return;
  }
  ThrowFailed(refused);
}

}  // namespace understudy
