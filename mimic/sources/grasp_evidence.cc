#include "mimic/sources/grasp_evidence.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/statistics.h"
#include "core/seam/revisit.h"

namespace understudy {
namespace {

constexpr double kStandsShare = 0.03;  // of the fingers' way: nearer to their place they stand
constexpr double kNearShare = 0.75;    // and of it they are near to their place
constexpr double kSlowShare = 0.8;     // of their greatest speed: something slows them down
constexpr double kLeast_m = 5e-4;      // fingers tremble by less
constexpr double kOpened_m = 1e-3;     // pads have left what they held when they open by more
constexpr double kCarried_m = 5e-3;    // an object that moved less did not move
constexpr double kRigid = 0.3;         // share of its way that it may slip in the hand meanwhile
constexpr double kLost_m = 0.04;       // an object that slipped so far is out of the hand
constexpr double kBetween_m = 0.05;    // an object between the fingers is nearer to E
constexpr double kApart_m = 0.02;      // the nearest of two carried objects is nearer by so much

// How one arm's gripper was commanded, and how it moved.
struct Gripper {
  std::vector<double> command;  // per row, > 0 closes
  std::vector<double> opening;  // per instant, sum over the fingers; empty: not measured
};

Gripper TakeGripper(const Episode& episode, size_t arm) {
  Gripper gripper;
  for (const Step& step : episode.steps) {
    const Action& action = step.action_clean.arms.empty() ? step.action : step.action_clean;
    gripper.command.push_back(action.arms.at(arm).gripper);
  }
  for (size_t i = 0; i < CountInstants(episode); ++i) {
    const Eigen::VectorXd& q = ObservationAt(episode, i).arms.at(arm).gripper_q;
    if (q.size() == 0 || !q.allFinite()) {
      gripper.opening.clear();
      break;
    }
    gripper.opening.push_back(q.cwiseAbs().sum());
  }
  return gripper;
}

// Rows [closes, opens) with a closed gripper; a command of 0 changes nothing.
struct Closed {
  int closes = 0, opens = 0;
};
std::vector<Closed> ClosedStretches(const std::vector<double>& command) {
  std::vector<Closed> stretches;
  bool closed = false;
  const int rows = static_cast<int>(command.size());
  for (int t = 0; t < rows; ++t) {
    if (command[static_cast<size_t>(t)] > 0 && !closed) stretches.push_back({t, rows});
    if (command[static_cast<size_t>(t)] < 0 && closed) stretches.back().opens = t;
    closed = command[static_cast<size_t>(t)] != 0 ? command[static_cast<size_t>(t)] > 0 : closed;
  }
  return stretches;
}

// When the fingers meet what they hold and when they leave it. False where they were closed before.
bool TimeByFingers(const std::vector<double>& opening, const Closed& closed, int instants,
                   InferredGrasp* grasp) {
  const int last = std::min(closed.opens, instants - 1);
  const double open = opening[static_cast<size_t>(closed.closes)];
  const double held =
      Quantile({opening.begin() + (closed.closes + last + 1) / 2, opening.begin() + last + 1}, 0.5);
  const double way = std::abs(open - held);
  if (way < 2 * kOpened_m) return false;
  // 0 where they were, 1 where they stay
  const auto share = [&](int i) {
    return (open - opening[static_cast<size_t>(i)]) / (open - held);
  };

  // they stand, or what they met slows them down near there: soft pads go on for a while
  const double stands = 1 - std::max(kLeast_m / way, kStandsShare);
  double fastest = 0;
  for (grasp->first = closed.closes + 1; grasp->first < last; ++grasp->first) {
    const double speed = share(grasp->first) - share(grasp->first - 1);
    const bool slows = share(grasp->first) >= kNearShare && speed <= kSlowShare * fastest;
    if (slows || share(grasp->first) >= stands) break;
    fastest = std::max(fastest, speed);
  }

  // pads leave it where they met it
  const double leaves = std::min(share(grasp->first), 1 - kOpened_m / way);
  grasp->end = closed.opens + 1;
  while (grasp->end < instants && share(grasp->end) >= leaves) ++grasp->end;
  grasp->end = std::min(grasp->end, instants);
  return true;
}

// What an object did while the gripper was closed.
struct Carried {
  int moves = -1;       // first instant at which it has moved with the hand; -1: it did not
  int lost = -1;        // first instant at which it has left the hand; -1: it stayed
  double distance = 0;  // m, from E when the fingers closed
};

Carried Follow(const Episode& episode, const InferredGrasp& grasp, size_t object) {
  Carried carried;
  const auto X_WO = [&](int i) {
    return ObservationAt(episode, static_cast<size_t>(i)).X_WO.at(object);
  };
  const auto X_EO = [&](int i) {
    const Observation& seen = ObservationAt(episode, static_cast<size_t>(i));
    return seen.arms.at(static_cast<size_t>(grasp.arm)).X_WE.Inverse() * seen.X_WO.at(object);
  };
  const Pose X_WO_first = X_WO(grasp.first), X_EO_first = X_EO(grasp.first);
  carried.distance = X_EO_first.translation().norm();
  for (int i = grasp.first + 1; i < grasp.end; ++i) {
    const double way = (X_WO(i).translation() - X_WO_first.translation()).norm();
    const double slip = (X_EO(i).translation() - X_EO_first.translation()).norm();
    if (carried.moves < 0 && way >= kCarried_m && slip <= kRigid * way) carried.moves = i;
    if (slip > kLost_m) {
      carried.lost = i;
      break;
    }
  }
  return carried;
}

// Which object a closed gripper holds; false where it is none.
bool FindHeld(const Episode& episode, InferredGrasp* grasp) {
  std::vector<Carried> carried;
  for (size_t o = 0; o < episode.meta.objects.size(); ++o) {
    carried.push_back(Follow(episode, *grasp, o));
  }
  const bool any =
      std::any_of(carried.begin(), carried.end(), [](const Carried& c) { return c.moves >= 0; });
  // for a hand that stood still, decide by what is near
  const auto may = [&](const Carried& c) {
    return any ? c.moves >= 0 : c.lost < 0 && c.distance <= kBetween_m;
  };
  int best = -1;
  for (size_t o = 0; o < carried.size(); ++o) {
    if (!may(carried[o])) continue;
    if (best < 0 || carried[o].distance < carried[static_cast<size_t>(best)].distance) {
      best = static_cast<int>(o);
    }
  }
  if (best < 0) return false;
  const Carried& held = carried[static_cast<size_t>(best)];
  grasp->object = best;
  grasp->moves = held.moves;
  if (held.lost >= 0) grasp->end = held.lost;
  grasp->ambiguous = held.moves < 0;
  for (size_t o = 0; o < carried.size(); ++o) {
    if (static_cast<int>(o) == best || !may(carried[o])) continue;
    grasp->ambiguous |= carried[o].distance < held.distance + kApart_m;
  }
  return true;
}

double ConfidenceOf(const InferredGrasp& grasp) {
  if (grasp.moves < 0) return 0.3;
  return (grasp.measured ? 0.9 : 0.6) * (grasp.ambiguous ? 0.5 : 1);
}

}  // namespace

std::vector<InferredGrasp> InferGrasps(const Episode& episode) {
  std::vector<InferredGrasp> grasps;
  const int instants = static_cast<int>(CountInstants(episode));
  for (size_t arm = 0; arm < episode.meta.arms.size(); ++arm) {
    const Gripper gripper = TakeGripper(episode, arm);
    for (const Closed& closed : ClosedStretches(gripper.command)) {
      if (closed.closes + 1 >= instants) continue;
      InferredGrasp grasp;
      grasp.arm = static_cast<int>(arm);
      grasp.closes = closed.closes;
      grasp.opens = closed.opens < static_cast<int>(episode.length()) ? closed.opens : -1;
      grasp.first = closed.closes + 1;
      grasp.end = std::min(closed.opens + 1, instants);
      grasp.measured =
          !gripper.opening.empty() && TimeByFingers(gripper.opening, closed, instants, &grasp);
      if (!FindHeld(episode, &grasp)) continue;
      if (!grasp.measured && grasp.moves >= 0) grasp.first = grasp.moves;
      grasp.confidence = ConfidenceOf(grasp);
      grasps.push_back(grasp);
    }
  }
  std::stable_sort(grasps.begin(), grasps.end(),
                   [](const auto& a, const auto& b) { return a.closes < b.closes; });
  return grasps;
}

}  // namespace understudy
