#include "sim/predicates.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "sim/osc.h"

namespace understudy {
namespace {

using Eigen::Vector3d;

Vector3d Origin(const mjData& data, int body) {
  return Vector3d(data.xpos[3 * body], data.xpos[3 * body + 1], data.xpos[3 * body + 2]);
}

// One lambda per kind of predicate: a kind that is left out does not compile.
template <class... F>
struct Overloads : F... {
  using F::operator()...;
};
template <class... F>
Overloads(F...) -> Overloads<F...>;

bool InSubtree(const mjModel& model, int body, int root) {
  while (body > 0 && body != root) body = model.body_parentid[body];
  return body == root;
}

}  // namespace

void ContactSummary::Read(const mjData& data, const ModelIndex& index) {
  const size_t objects = index.objects.size();
  left_pad.assign(objects, 0);
  right_pad.assign(objects, 0);
  finger.assign(objects, 0);
  pairs.assign(objects * objects, 0);
  for (int c = 0; c < data.ncon; ++c) {
    const mjContact& contact = data.contact[c];
    // flex contacts have no geom; excluded ones (in the gap) exert no force
    if (contact.exclude != 0 || contact.geom[0] < 0 || contact.geom[1] < 0) continue;
    const GeomRole* roles[2] = {&index.geoms[contact.geom[0]], &index.geoms[contact.geom[1]]};
    for (int side = 0; side < 2; ++side) {
      const int object = roles[side]->object;
      const GeomRole& other = *roles[1 - side];
      if (object < 0) continue;
      if (other.left_pad_of >= 0) left_pad[object] |= uint8_t(1u << other.left_pad_of);
      if (other.right_pad_of >= 0) right_pad[object] |= uint8_t(1u << other.right_pad_of);
      if (other.finger_of >= 0) finger[object] |= uint8_t(1u << other.finger_of);
      if (other.object >= 0) pairs[object * objects + other.object] = 1;
    }
  }
}

PredicateEvaluator::PredicateEvaluator(const mjModel& model, const ModelIndex& index,
                                       const TaskSpec& task)
    : model_(model), index_(index) {
  const auto body_of = [&](const std::string& name) {
    const int object = index.ObjectOf(name);
    return object >= 0 ? index.objects[object].body : mj_name2id(&model, mjOBJ_BODY, name.c_str());
  };
  for (const std::string& name : PredicateOrder(task)) {
    Node node;
    node.name = name;
    node.predicate = task.predicates.at(name);
    const auto operands = [&](const std::vector<std::string>& of) {
      for (const std::string& operand : of) node.operands.push_back(IndexOf(operand));
    };
    std::visit(Overloads{
                   [&](const GraspedPredicate& p) { node.first = index.ObjectOf(p.object); },
                   [&](const ReleasedPredicate& p) { node.first = index.ObjectOf(p.object); },
                   [&](const OnTopPredicate& p) {
                     node.first = index.ObjectOf(p.object);
                     node.second = index.ObjectOf(p.support);
                   },
                   [&](const InBoxPredicate& p) {
                     node.first = body_of(p.object);
                     node.second = p.relative_to.empty() ? -1 : body_of(p.relative_to);
                   },
                   [&](const ContactPredicate& p) {
                     node.first = body_of(p.a);
                     node.second = body_of(p.b);
                   },
                   [&](const JointPredicate& p) {
                     node.first =
                         model.jnt_qposadr[mj_name2id(&model, mjOBJ_JOINT, p.joint.c_str())];
                   },
                   [&](const UprightPredicate& p) { node.first = body_of(p.object); },
                   [&](const NearPredicate& p) { node.first = body_of(p.object); },
                   [&](const AllPredicate& p) { operands(p.of); },
                   [&](const AnyPredicate& p) { operands(p.of); },
                   [&](const NotPredicate& p) { operands({p.of}); },
                   [&](const HeldPredicate& p) { operands({p.of}); },
               },
               node.predicate);
    nodes_.push_back(std::move(node));
  }
  values_.assign(nodes_.size(), 0);
  counters_.assign(nodes_.size(), 0);
}

int PredicateEvaluator::IndexOf(const std::string& name) const {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].name == name) return static_cast<int>(i);
  }
  Require(false, "predicates are looked up by names that Validate has checked");
  return -1;
}

void PredicateEvaluator::ClearCounters() { std::fill(counters_.begin(), counters_.end(), 0.0); }

void PredicateEvaluator::Evaluate(const mjData& data, bool advance) {
  contacts_.Read(data, index_);
  for (size_t i = 0; i < nodes_.size(); ++i) values_[i] = Ask(nodes_[i], i, data, advance);
}

bool PredicateEvaluator::Ask(const Node& node, size_t place, const mjData& data, bool advance) {
  const auto holds = [&](int operand) { return values_[operand] != 0; };
  return std::visit(
      Overloads{
          [&](const GraspedPredicate& p) {
            const unsigned both = contacts_.left_pad[node.first] & contacts_.right_pad[node.first];
            return ((both >> p.arm) & 1u) != 0;
          },
          [&](const ReleasedPredicate&) { return contacts_.finger[node.first] == 0; },
          [&](const OnTopPredicate& p) {
            const Vector3d offset = Origin(data, index_.objects[node.first].body) -
                                    Origin(data, index_.objects[node.second].body);
            return contacts_.pairs[node.first * index_.objects.size() + node.second] != 0 &&
                   offset.head<2>().norm() <= p.max_xy && offset.z() > 0 && offset.z() >= p.min_dz;
          },
          [&](const InBoxPredicate& p) {
            Vector3d point = Origin(data, node.first);
            if (node.second >= 0) point = BodyPose(data, node.second).Inverse() * point;
            return (point.array() >= p.low.array()).all() &&
                   (point.array() <= p.high.array()).all();
          },
          [&](const ContactPredicate&) { return BodiesTouch(data, node.first, node.second); },
          [&](const JointPredicate& p) {
            return data.qpos[node.first] >= p.low && data.qpos[node.first] <= p.high;
          },
          [&](const UprightPredicate& p) {
            return std::acos(std::clamp(data.xmat[9 * node.first + 8], -1.0, 1.0)) <= p.max_tilt;
          },
          [&](const NearPredicate& p) {
            const Vector3d p_WE = ControlPose(model_, data, index_.arms[p.arm]).translation();
            return (p_WE - Origin(data, node.first)).norm() <= p.distance;
          },
          [&](const AllPredicate&) {
            return std::all_of(node.operands.begin(), node.operands.end(), holds);
          },
          [&](const AnyPredicate&) {
            return std::any_of(node.operands.begin(), node.operands.end(), holds);
          },
          [&](const NotPredicate&) { return !holds(node.operands[0]); },
          [&](const HeldPredicate& p) {
            if (advance) {
              counters_[place] =
                  holds(node.operands[0]) ? std::min<double>(counters_[place] + 1, p.steps) : 0;
            }
            return counters_[place] >= p.steps;
          },
      },
      node.predicate);
}

bool PredicateEvaluator::BodiesTouch(const mjData& data, int a, int b) const {
  for (int c = 0; c < data.ncon; ++c) {
    const mjContact& contact = data.contact[c];
    if (contact.exclude != 0 || contact.geom[0] < 0 || contact.geom[1] < 0) continue;
    const int first = model_.geom_bodyid[contact.geom[0]];
    const int second = model_.geom_bodyid[contact.geom[1]];
    if ((InSubtree(model_, first, a) && InSubtree(model_, second, b)) ||
        (InSubtree(model_, first, b) && InSubtree(model_, second, a))) {
      return true;
    }
  }
  return false;
}

}  // namespace understudy
