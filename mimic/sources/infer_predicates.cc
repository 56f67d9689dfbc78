#include "mimic/sources/infer_predicates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/names.h"
#include "core/base/statistics.h"
#include "core/seam/revisit.h"

namespace understudy {
namespace {

constexpr double kStill_m = 5e-4;      // per step: an object that moves less rests
constexpr double kOnSupport_m = 2e-3;  // above the height at which it rests it touches no more
constexpr double kOnTopConfidence = 0.9, kReleasedConfidence = 0.9;

// Poses of a demonstration by name.
class Scene {
 public:
  explicit Scene(const Episode& episode) : episode_(episode) {}
  int instants() const { return static_cast<int>(CountInstants(episode_)); }
  int arms() const { return static_cast<int>(episode_.meta.arms.size()); }
  int ObjectOf(const std::string& name) const { return IndexOf(episode_.meta.objects, name); }
  const Pose& X_WO(int object, int instant) const {
    return ObservationAt(episode_, static_cast<size_t>(instant))
        .X_WO.at(static_cast<size_t>(object));
  }
  const Pose& X_WE(int arm, int instant) const {
    return ObservationAt(episode_, static_cast<size_t>(instant))
        .arms.at(static_cast<size_t>(arm))
        .X_WE;
  }

 private:
  const Episode& episode_;
};

Truth Of(bool holds) { return holds ? Truth::kTrue : Truth::kFalse; }

// One predicate after the other, operands first.
class Inference {
 public:
  Inference(const Episode& episode, const std::vector<InferredGrasp>& grasps,
            std::map<std::string, InferredPredicate>* known)
      : scene_(episode), grasps_(grasps), known_(*known) {}

  InferredPredicate operator()(const GraspedPredicate& p) const {
    InferredPredicate result = All(Truth::kFalse);
    const int object = scene_.ObjectOf(p.object);
    if (object < 0) return Unknown(p.object);
    for (const InferredGrasp& grasp : grasps_) {
      if (grasp.object != object || grasp.arm != p.arm) continue;
      std::fill(result.values.begin() + grasp.first, result.values.begin() + grasp.end,
                Truth::kTrue);
      result.confidence = std::min(result.confidence, grasp.confidence);
      result.ambiguous |= grasp.ambiguous;
      result.because[grasp.first] =
          grasp.moves >= 0
              ? fmt::format("gripper closes at {}, {}{} moves with the hand from {}", grasp.closes,
                            grasp.measured ? fmt::format("stands from {}, ", grasp.first) : "",
                            p.object, grasp.moves)
              : fmt::format("gripper closes at {} on {}, but does not move before it opens",
                            grasp.closes, p.object);
    }
    return result;
  }

  // held by no hand; one finger that touches before the other does is not seen
  InferredPredicate operator()(const ReleasedPredicate& p) const {
    InferredPredicate result = All(Truth::kTrue);
    const int object = scene_.ObjectOf(p.object);
    if (object < 0) return Unknown(p.object);
    result.confidence = kReleasedConfidence;
    for (const InferredGrasp& grasp : grasps_) {
      if (grasp.object != object) continue;
      std::fill(result.values.begin() + grasp.first, result.values.begin() + grasp.end,
                Truth::kFalse);
      result.confidence = std::min(result.confidence, grasp.confidence);
      result.ambiguous |= grasp.ambiguous;
      result.because[grasp.end] =
          grasp.opens >= 0 && grasp.opens < grasp.end
              ? fmt::format("gripper opens at {}, {} is let go at {}", grasp.opens, p.object,
                            grasp.end)
              : fmt::format("{} leaves the hand at {}", p.object, grasp.end);
    }
    return result;
  }

  InferredPredicate operator()(const OnTopPredicate& p) const {
    const int object = scene_.ObjectOf(p.object), support = scene_.ObjectOf(p.support);
    if (object < 0 || support < 0) return Unknown(object < 0 ? p.object : p.support);
    const auto offset = [&](int i) -> Eigen::Vector3d {
      return scene_.X_WO(object, i).translation() - scene_.X_WO(support, i).translation();
    };
    const auto above = [&](int i) {
      const Eigen::Vector3d d = offset(i);
      return d.head<2>().norm() <= p.max_xy && d.z() > 0 && d.z() >= p.min_dz;
    };
    // the height at which it rests there, held by nobody
    const std::vector<Truth> free = (*this)(ReleasedPredicate{p.object}).values;
    std::vector<double> heights;
    for (int i = 1; i < scene_.instants(); ++i) {
      const bool still = (offset(i) - offset(i - 1)).norm() <= kStill_m;
      if (above(i) && still && free[static_cast<size_t>(i)] == Truth::kTrue) {
        heights.push_back(offset(i).z());
      }
    }
    InferredPredicate result = All(Truth::kFalse);
    result.confidence = kOnTopConfidence;
    if (heights.empty()) return result;
    const double rests = Quantile(heights, 0.5);
    for (int i = 0; i < scene_.instants(); ++i) {
      result.values[static_cast<size_t>(i)] = Of(above(i) && offset(i).z() <= rests + kOnSupport_m);
    }
    Describe(&result, [&](int i) {
      return fmt::format("{} stands on {} from {}, {:.1f} mm above it where it comes to rest",
                         p.object, p.support, i, 1000 * rests);
    });
    return result;
  }

  InferredPredicate operator()(const InBoxPredicate& p) const {
    const int object = scene_.ObjectOf(p.object);
    const int frame = p.relative_to.empty() ? -1 : scene_.ObjectOf(p.relative_to);
    if (object < 0) return Unknown(p.object);
    if (frame < 0 && !p.relative_to.empty()) return Unknown(p.relative_to);
    InferredPredicate result = All(Truth::kFalse);
    for (int i = 0; i < scene_.instants(); ++i) {
      Eigen::Vector3d point = scene_.X_WO(object, i).translation();
      if (frame >= 0) point = scene_.X_WO(frame, i).Inverse() * point;
      result.values[static_cast<size_t>(i)] =
          Of((point.array() >= p.low.array()).all() && (point.array() <= p.high.array()).all());
    }
    Describe(&result, [&](int i) {
      return fmt::format("{} is in its box in {} from {}", p.object,
                         p.relative_to.empty() ? "the world" : p.relative_to, i);
    });
    return result;
  }

  InferredPredicate operator()(const UprightPredicate& p) const {
    const int object = scene_.ObjectOf(p.object);
    if (object < 0) return Unknown(p.object);
    InferredPredicate result = All(Truth::kFalse);
    for (int i = 0; i < scene_.instants(); ++i) {
      const Eigen::Vector3d z = scene_.X_WO(object, i).rotation() * Eigen::Vector3d::UnitZ();
      result.values[static_cast<size_t>(i)] =
          Of(std::acos(std::clamp(z.z(), -1.0, 1.0)) <= p.max_tilt);
    }
    Describe(&result, [&](int i) { return fmt::format("{} is upright from {}", p.object, i); });
    return result;
  }

  InferredPredicate operator()(const NearPredicate& p) const {
    const int object = scene_.ObjectOf(p.object);
    if (object < 0) return Unknown(p.object);
    if (p.arm >= scene_.arms()) {
      return Blank(fmt::format("the recording has {} arms, and no arm {}", scene_.arms(), p.arm));
    }
    InferredPredicate result = All(Truth::kFalse);
    for (int i = 0; i < scene_.instants(); ++i) {
      const Eigen::Vector3d way =
          scene_.X_WE(p.arm, i).translation() - scene_.X_WO(object, i).translation();
      result.values[static_cast<size_t>(i)] = Of(way.norm() <= p.distance);
    }
    Describe(&result,
             [&](int i) { return fmt::format("the hand is near {} from {}", p.object, i); });
    return result;
  }

  InferredPredicate operator()(const ContactPredicate& p) const {
    return Blank(fmt::format("poses do not show whether {} and {} touch", p.a, p.b));
  }
  InferredPredicate operator()(const JointPredicate& p) const {
    return Blank(fmt::format("no column holds joint '{}' of the scene", p.joint));
  }

  InferredPredicate operator()(const AllPredicate& p) const {
    return Combine(p.of, [](Truth a, Truth b) { return std::min(RankAll(a), RankAll(b)); });
  }
  InferredPredicate operator()(const AnyPredicate& p) const {
    return Combine(p.of, [](Truth a, Truth b) { return std::max(RankAll(a), RankAll(b)); });
  }
  InferredPredicate operator()(const NotPredicate& p) const {
    InferredPredicate result = known_.at(p.of);
    result.because.clear();
    for (Truth& value : result.values) {
      if (value != Truth::kUnknown) value = Of(value == Truth::kFalse);
    }
    Describe(&result, [&](int i) { return fmt::format("'{}' no longer holds from {}", p.of, i); });
    return result;
  }
  InferredPredicate operator()(const HeldPredicate& p) const {
    InferredPredicate result = known_.at(p.of);
    const std::map<int, std::string> operand = result.because;
    result.because.clear();
    // the least and the most that it can have held for
    int least = 0, most = 0;
    for (Truth& value : result.values) {
      least = value == Truth::kTrue ? std::min(least + 1, p.steps) : 0;
      most = value != Truth::kFalse ? std::min(most + 1, p.steps) : 0;
      value = least >= p.steps ? Truth::kTrue : most < p.steps ? Truth::kFalse : Truth::kUnknown;
    }
    Describe(&result, [&](int i) {
      const auto later = operand.upper_bound(i);
      return fmt::format("{}, for {} steps",
                         later == operand.begin() ? p.of : std::prev(later)->second, p.steps);
    });
    return result;
  }

 private:
  InferredPredicate All(Truth value) const {
    InferredPredicate result;
    result.values.assign(static_cast<size_t>(scene_.instants()), value);
    return result;
  }
  InferredPredicate Blank(std::string why) const {
    InferredPredicate result = All(Truth::kUnknown);
    result.confidence = 0;
    result.unknown = std::move(why);
    return result;
  }
  InferredPredicate Unknown(const std::string& object) const {
    return Blank(fmt::format("no poses of '{}'", object));
  }

  // false < unknown < true
  static int RankAll(Truth value) {
    return value == Truth::kFalse ? 0 : value == Truth::kUnknown ? 1 : 2;
  }

  // Says why at every instant from which it holds.
  template <class Words>
  static void Describe(InferredPredicate* result, const Words& words) {
    for (size_t i = 0; i < result->values.size(); ++i) {
      const bool rises =
          result->values[i] == Truth::kTrue && (i == 0 || result->values[i - 1] != Truth::kTrue);
      if (rises) result->because[static_cast<int>(i)] = words(static_cast<int>(i));
    }
  }

  template <class Rule>
  InferredPredicate Combine(const std::vector<std::string>& of, const Rule& rule) const {
    if (of.empty()) return Blank("it names no other predicate");
    constexpr Truth kByRank[] = {Truth::kFalse, Truth::kUnknown, Truth::kTrue};
    InferredPredicate result = known_.at(of[0]);
    result.because.clear();
    for (size_t k = 1; k < of.size(); ++k) {
      const InferredPredicate& other = known_.at(of[k]);
      for (size_t i = 0; i < result.values.size(); ++i) {
        result.values[i] = kByRank[rule(result.values[i], other.values[i])];
      }
      result.ambiguous |= other.ambiguous;
      if (result.unknown.empty()) result.unknown = other.unknown;
    }
    // what is unknown throughout (confidence 0) decides nothing, or leaves the result unknown
    result.confidence = 1;
    for (const std::string& name : of) {
      const double confidence = known_.at(name).confidence;
      if (confidence > 0) result.confidence = std::min(result.confidence, confidence);
    }
    // what became true last decides
    Describe(&result, [&](int i) {
      std::pair<int, std::string> latest{-1, ""};
      for (const std::string& name : of) {
        const std::map<int, std::string>& reasons = known_.at(name).because;
        const auto later = reasons.upper_bound(i);
        if (later == reasons.begin()) continue;
        latest = std::max(latest, {std::prev(later)->first, std::prev(later)->second});
      }
      return latest.second.empty() ? fmt::format("from {}", i) : latest.second;
    });
    return result;
  }

  Scene scene_;
  const std::vector<InferredGrasp>& grasps_;
  std::map<std::string, InferredPredicate>& known_;
};

}  // namespace

std::map<std::string, InferredPredicate> InferPredicates(const TaskSpec& task,
                                                         const Episode& episode,
                                                         const std::vector<InferredGrasp>& grasps) {
  std::map<std::string, InferredPredicate> known;
  for (const std::string& name : PredicateOrder(task)) {
    InferredPredicate inferred =
        std::visit(Inference(episode, grasps, &known), task.predicates.at(name));
    // a value that is settled everywhere is settled, whatever it was made of
    if (std::find(inferred.values.begin(), inferred.values.end(), Truth::kUnknown) ==
        inferred.values.end()) {
      inferred.unknown.clear();
    }
    known.emplace(name, std::move(inferred));
  }
  return known;
}

}  // namespace understudy
