#include "mimic/plan/transit_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "mimic/plan/rrt_connect.h"

namespace understudy {
namespace {

using Eigen::VectorXd;

constexpr double kSamePosture = 0.01;  // rad
constexpr double kLeap = 0.5;          // rad: more between neighbours on a line is no line

using Postures = std::vector<VectorXd>;

class ArmTransitPlanner final : public TransitPlanner {
 public:
  ArmTransitPlanner(std::unique_ptr<Kinematics> kinematics, std::unique_ptr<StateValidity> validity,
                    const TransitPlannerOptions& options)
      : kinematics_(std::move(kinematics)), validity_(std::move(validity)), options_(options) {
    Require(kinematics_ != nullptr && validity_ != nullptr, "a planner needs both seams");
  }

 private:
  PlannedTransit DoPlan(const TransitRequest& asked) override {
    Require(!asked.X_WE_goals.empty(), "a way leads to a pose");
    const TransitRequest request = Inside(asked);
    const Pose& X_WE_skill = request.X_WE_goals.back();
    SetWorld(request, nullptr);

    // postures in which the segment can begin, the nearest first
    Postures reached = Reach(X_WE_skill, request, options_.postures);
    if (reached.empty()) {
      return Failed(FailureCause::kUnreachable,
                    "no posture reaches the first pose of the segment within the joint limits");
    }
    std::string obstacle = validity_->Nearest(reached.front());
    std::erase_if(reached,
                  [&](const VectorXd& q) { return validity_->Clearance(q) < -kSolidsGive; });
    if (reached.empty()) {
      return Failed(
          FailureCause::kCollision,
          fmt::format("the first pose of the segment is not free in any posture: {}", obstacle));
    }

    // a way to one of them
    obstacle.clear();
    const int tries = std::min(options_.tries, static_cast<int>(reached.size()));
    for (int i = 0; i < tries; ++i) {
      SetWorld(request, &reached[i]);
      const auto [goal, q_goal] = ChooseGoal(request, reached[i]);
      if (goal < 0) continue;
      PlannedTransit way = WayTo(request, goal, q_goal, i, &obstacle);
      if (!way.cause) return way;
    }
    if (!obstacle.empty()) {
      return Failed(FailureCause::kCollision,
                    fmt::format("no free way to the segment's first pose; the straight one has {}",
                                obstacle));
    }
    SetWorld(request, &reached.front());
    const Postures aside =
        Line(reached.front(), request.X_WE_goals.front(), /*must_be_free=*/false);
    return Failed(FailureCause::kCollision,
                  fmt::format("no start beside the segment's first pose is free: the way to the "
                              "first one has {}",
                              Obstacle(aside)));
  }

  bool DoSuits(const TransitRequest& asked, const std::vector<Pose>& X_WE_on) override {
    const TransitRequest request = Inside(asked);
    SetWorld(request, nullptr);
    const Postures reached = Reach(request.X_WE_goals.back(), request, options_.suit_postures);
    const auto free = std::find_if(reached.begin(), reached.end(), [&](const VectorXd& q) {
      return validity_->Clearance(q) >= -kSolidsGive;
    });
    return free != reached.end() && !Track(*free, X_WE_on).empty();
  }

  // A joint at its limit is measured a little beyond.
  TransitRequest Inside(TransitRequest request) const {
    request.q = request.q.cwiseMax(kinematics_->lower()).cwiseMin(kinematics_->upper());
    return request;
  }

  static PlannedTransit Failed(FailureCause cause, std::string detail) {
    PlannedTransit failed;
    failed.cause = cause;
    failed.detail = std::move(detail);
    return failed;
  }

  // The world of the request; what is near at its ends may be.
  void SetWorld(const TransitRequest& request, const VectorXd* q_skill) {
    validity_->SetWorld(request.state, request.held, request.margin);
    validity_->Admit(request.q, options_.near_ends);
    if (q_skill != nullptr) validity_->Admit(*q_skill, options_.near_ends);
  }

  // Postures that bring E to `X_WE`, the nearest to where the arm is first.
  Postures Reach(const Pose& X_WE, const TransitRequest& request, int postures) {
    Postures found;
    const auto add = [&](const VectorXd& q) {
      const bool known = std::any_of(found.begin(), found.end(), [&](const VectorXd& other) {
        return (q - other).norm() < kSamePosture;
      });
      if (!known) found.push_back(q);
    };
    const Postures line = Line(request.q, X_WE, /*must_be_free=*/false);
    if (!line.empty()) add(line.back());
    if (const auto solution = kinematics_->Solve(X_WE, request.q)) add(solution->q);
    Rng rng(PartOf(request.key, "postures"));
    for (int i = 0; i < postures; ++i) {
      VectorXd q = kinematics_->lower();
      for (Eigen::Index j = 0; j < q.size(); ++j) q[j] = rng.Uniform(q[j], kinematics_->upper()[j]);
      if (const auto solution = kinematics_->Solve(X_WE, q)) add(solution->q);
    }
    std::stable_sort(found.begin(), found.end(), [&](const VectorXd& a, const VectorXd& b) {
      return (a - request.q).norm() < (b - request.q).norm();
    });
    return found;
  }

  // Postures that follow E through `X_WE`, each from the one before and `q` first, as the
  // controller goes; empty where that fails.
  Postures Track(const VectorXd& q, const std::vector<Pose>& X_WE) {
    Postures track{q};
    for (const Pose& next : X_WE) {
      const auto solution = kinematics_->Solve(next, track.back());
      if (!solution || (solution->q - track.back()).cwiseAbs().maxCoeff() > kLeap) return {};
      track.push_back(solution->q);
    }
    return track;
  }

  // Postures along the straight line of E from where `q` puts it to `X_WE`, `q` first; empty where
  // the arm cannot follow it or, if `must_be_free`, where it is not free.
  Postures Line(const VectorXd& q, const Pose& X_WE, bool must_be_free) {
    const Pose X_WE_from = kinematics_->Forward(q);
    const double distance = (X_WE.translation() - X_WE_from.translation()).norm();
    const double angle = AngleBetween(X_WE.rotation(), X_WE_from.rotation());
    const int steps = std::max(1, static_cast<int>(std::ceil(std::max(
                                      distance / options_.line_step, angle / options_.line_turn))));
    Postures line{q};
    for (int k = 1; k <= steps; ++k) {
      const Pose X_WE_next = Interpolate(X_WE_from, X_WE, static_cast<double>(k) / steps);
      const auto next = kinematics_->Solve(X_WE_next, line.back());
      if (!next || (next->q - line.back()).cwiseAbs().maxCoeff() > kLeap) return {};
      if (must_be_free && !Free(line.back(), next->q)) return {};
      line.push_back(next->q);
    }
    return line;
  }
  bool Free(const VectorXd& from, const VectorXd& to) {
    return ValidLine(
        from, to, [this](const VectorXd& q) { return validity_->Valid(q); },
        JointPathOptions{}.resolution);
  }

  // The first goal that is free and has a straight way to the segment's first pose, where the arm
  // stands at `q_skill`; with the posture there. -1: none.
  std::pair<int, VectorXd> ChooseGoal(const TransitRequest& request, const VectorXd& q_skill) {
    const int last = static_cast<int>(request.X_WE_goals.size()) - 1;
    for (int goal = 0; goal < last; ++goal) {
      const Postures recovery = Line(q_skill, request.X_WE_goals[goal], /*must_be_free=*/true);
      if (!recovery.empty()) return {goal, recovery.back()};
    }
    return last == 0 ? std::pair{0, q_skill} : std::pair{-1, VectorXd()};
  }

  // Straight where that is free, else by the tree. What is in the straight way goes to `obstacle`.
  PlannedTransit WayTo(const TransitRequest& request, int goal, const VectorXd& q_goal, int place,
                       std::string* obstacle) {
    PlannedTransit way;
    way.goal = goal;
    const Pose& X_WE_goal = request.X_WE_goals[goal];
    const Postures line = Line(request.q, X_WE_goal, /*must_be_free=*/false);
    const std::string in_the_way = Obstacle(line);
    if (in_the_way.empty()) {
      way.X_WE = {kinematics_->Forward(request.q), X_WE_goal};
      return way;
    }
    if (obstacle->empty()) *obstacle = in_the_way;

    // trees from where the hand backs out to, as both ends lie between things it is made to touch
    const Postures out = Retreat(request.q), in = Retreat(q_goal);
    JointProblem problem{kinematics_->lower(), kinematics_->upper(), out, in,
                         [this](const VectorXd& q) { return validity_->Valid(q); }};
    const Postures found = FindJointPath(problem, PartOf(request.key, fmt::format("way {}", place)),
                                         JointPathOptions{});
    if (found.empty()) return Failed(FailureCause::kCollision, "no way was found");

    // out, along, and in again
    Postures path;
    for (const VectorXd& q : out) {
      if (q == found.front()) break;
      path.push_back(q);
    }
    path.insert(path.end(), found.begin(), found.end());
    const auto entered = std::find(in.begin(), in.end(), found.back());
    for (auto q = std::make_reverse_iterator(entered); q != in.rend(); ++q) path.push_back(*q);
    way.X_WE = {kinematics_->Forward(path.front())};
    for (size_t i = 1; i < path.size(); ++i) {
      const VectorXd step = path[i] - path[i - 1];
      const int pieces = std::max(1, static_cast<int>(std::ceil(step.norm() / options_.line_turn)));
      for (int k = 1; k <= pieces; ++k) {
        way.X_WE.push_back(
            kinematics_->Forward(path[i - 1] + step * (static_cast<double>(k) / pieces)));
      }
    }
    way.X_WE.back() = X_WE_goal;

    // the controller follows E in postures of its own: they must be free as well
    const Postures track = Track(request.q, way.X_WE);
    if (track.empty() || !FreeAlong(track)) {
      return Failed(FailureCause::kCollision, "the arm cannot follow the planned way");
    }
    return way;
  }
  // What is in the way along a line, in words; empty: nothing.
  std::string Obstacle(const Postures& line) {
    if (line.empty()) return "a joint at its limit";
    VectorXd blocked;
    const auto valid = [&](const VectorXd& q) {
      const bool is_valid = validity_->Valid(q);
      if (!is_valid) blocked = q;
      return is_valid;
    };
    const double resolution = JointPathOptions{}.resolution;
    // its postures first, then what lies between them
    for (const size_t before : {0, 1}) {
      for (size_t i = before; i < line.size(); ++i) {
        if (!ValidLine(line[i - before], line[i], valid, resolution)) {
          return validity_->Nearest(blocked);
        }
      }
    }
    return "";
  }
  bool FreeAlong(const Postures& line) {
    for (size_t i = 1; i < line.size(); ++i) {
      if (!Free(line[i - 1], line[i])) return false;
    }
    return true;
  }

  // Postures from `q` backwards out of the hand, as far as that is free; `q` first.
  Postures Retreat(const VectorXd& q) {
    Postures out{q};
    const Pose X_WE = kinematics_->Forward(q);
    const int steps = static_cast<int>(options_.retreat / options_.line_step + 0.5);
    for (int k = 1; k <= steps; ++k) {
      const Pose back = Pose::FromTranslation({0, 0, -k * options_.line_step});
      const auto next = kinematics_->Solve(X_WE * back, out.back());
      if (!next || (next->q - out.back()).cwiseAbs().maxCoeff() > kLeap) break;
      if (!Free(out.back(), next->q)) break;
      out.push_back(next->q);
    }
    return out;
  }

  std::unique_ptr<Kinematics> kinematics_;
  std::unique_ptr<StateValidity> validity_;
  TransitPlannerOptions options_;
};

}  // namespace

std::unique_ptr<TransitPlanner> MakeTransitPlanner(std::unique_ptr<Kinematics> kinematics,
                                                   std::unique_ptr<StateValidity> validity,
                                                   const TransitPlannerOptions& options) {
  return std::make_unique<ArmTransitPlanner>(std::move(kinematics), std::move(validity), options);
}

}  // namespace understudy
