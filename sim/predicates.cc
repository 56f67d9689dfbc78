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

}  // namespace

template <class F>
bool PredicateEvaluator::Touches(const mjData& data, int body, const F& other) const {
  for (int c = 0; c < data.ncon; ++c) {
    const mjContact& contact = data.contact[c];
    // flex contacts have no geom; excluded ones (in the gap) exert no force
    if (contact.exclude != 0 || contact.geom[0] < 0 || contact.geom[1] < 0) continue;
    for (int side = 0; side < 2; ++side) {
      if (other(contact.geom[1 - side]) &&
          InSubtree(model_, model_.geom_bodyid[contact.geom[side]], body)) {
        return true;
      }
    }
  }
  return false;
}

PredicateEvaluator::PredicateEvaluator(const mjModel& model, const ModelIndex& index,
                                       const TaskSpec& task)
    : model_(model), index_(index) {
  const auto body_of = [&](const std::string& name) { return BodyCalled(model, task, name); };
  for (const std::string& name : PredicateOrder(task)) {
    Node node;
    node.name = name;
    node.predicate = task.predicates.at(name);
    const auto operands = [&](const std::vector<std::string>& of) {
      for (const std::string& operand : of) node.operands.push_back(IndexOf(operand));
    };
    std::visit(Overloads{
                   [&](const GraspedPredicate& p) { node.first = body_of(p.object); },
                   [&](const ReleasedPredicate& p) { node.first = body_of(p.object); },
                   [&](const OnTopPredicate& p) {
                     node.first = body_of(p.object);
                     node.second = body_of(p.support);
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
  for (size_t i = 0; i < nodes_.size(); ++i) values_[i] = Ask(nodes_[i], i, data, advance);
}

bool PredicateEvaluator::Ask(const Node& node, size_t place, const mjData& data, bool advance) {
  const auto holds = [&](int operand) { return values_[operand] != 0; };
  const auto touches = [&](int body, int8_t GeomRole::*role, int arm) {
    return Touches(data, body, [&](int geom) { return index_.geoms[geom].*role == arm; });
  };
  const auto bodies_touch = [&](int a, int b) {
    return Touches(data, a,
                   [&](int geom) { return InSubtree(model_, model_.geom_bodyid[geom], b); });
  };
  return std::visit(
      Overloads{
          [&](const GraspedPredicate& p) {
            return touches(node.first, &GeomRole::left_pad_of, p.arm) &&
                   touches(node.first, &GeomRole::right_pad_of, p.arm);
          },
          [&](const ReleasedPredicate&) {
            return !Touches(data, node.first,
                            [&](int geom) { return index_.geoms[geom].finger_of >= 0; });
          },
          [&](const OnTopPredicate& p) {
            const Vector3d offset = Origin(data, node.first) - Origin(data, node.second);
            return offset.head<2>().norm() <= p.max_xy && offset.z() > 0 &&
                   offset.z() >= p.min_dz && bodies_touch(node.first, node.second);
          },
          [&](const InBoxPredicate& p) {
            Vector3d point = Origin(data, node.first);
            if (node.second >= 0) point = BodyPose(data, node.second).Inverse() * point;
            return (point.array() >= p.low.array()).all() &&
                   (point.array() <= p.high.array()).all();
          },
          [&](const ContactPredicate&) { return bodies_touch(node.first, node.second); },
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

}  // namespace understudy
