#include "mimic/attempt/selection.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "mimic/attempt/transform.h"

namespace understudy {
namespace {

// turns of a round object that nearest_robot tries
constexpr int kRoundTurns = 36;

// metres and radians, each by its scale
struct Metric {
  double position_scale = 1, rotation_scale = 1;
  double operator()(const Pose& a, const Pose& b) const {
    return (a.translation() - b.translation()).norm() / position_scale +
           AngleBetween(a.rotation(), b.rotation()) / rotation_scale;
  }
};

// Travel of the arms to the first pose of the transformed segment, each hand turned as is nearest.
double Travel(const Metric& metric, const Candidate& candidate, const SelectionScene& scene,
              double turn, std::vector<double>* hand_turns) {
  const SegmentTransform transform =
      scene.has_object ? SegmentTransform(scene.X_WO, candidate.X_WO, turn) : SegmentTransform();
  double travel = 0;
  for (size_t i = 0; i < scene.X_WE.size(); ++i) {
    if (!IsMeant(scene.arm, i)) continue;
    const Pose X_WE = CarryHand(transform, candidate.X_SE, candidate.X_WE[i], i, 0);
    double nearest = metric(X_WE, scene.X_WE[i]);
    for (int n = 1; n < (scene.hand_symmetry.empty() ? 1 : scene.hand_symmetry[i]); ++n) {
      const double hand_turn = 2 * M_PI * n / scene.hand_symmetry[i];
      const double turned = metric(X_WE * SymmetricTurn(hand_turn), scene.X_WE[i]);
      if (turned >= nearest) continue;
      nearest = turned;
      (*hand_turns)[i] = hand_turn;
    }
    travel += nearest;
  }
  return travel;
}

// The metric that asks for the nearest turn of a hand where the strategy has none of its own.
constexpr Metric kPlainMetric{0.1, 1};

std::vector<double> NoTurns(const SelectionScene& scene) {
  return std::vector<double>(scene.hand_symmetry.size(), 0.0);
}

// The turns of the source's object that may be asked for: all that leave it alike.
std::vector<double> TurnsOf(const Candidate& candidate, const SelectionScene& scene,
                            bool round_ones) {
  if (!scene.has_object) return {0};
  if (scene.symmetry == 0 && !round_ones) {
    return {BestTurn(candidate.X_WO, scene.X_WO, scene.symmetry)};
  }
  const int count = scene.symmetry == 0 ? kRoundTurns : scene.symmetry;
  std::vector<double> turns;
  for (int i = 0; i < count; ++i) turns.push_back(std::remainder(2 * M_PI * i / count, 2 * M_PI));
  return turns;
}

// A candidate with the turn that scores best of those that fit best.
struct Scored {
  Choice choice;
  Fit fit = Fit::kFree;
};

template <class Score>
Scored BestFitting(size_t source, const std::vector<double>& turns, const SelectionScene& scene,
                   const Score& score) {
  std::vector<Choice> choices;
  for (const double turn : turns) {
    Choice choice{.source = static_cast<int>(source), .turn = turn, .hand_turns = NoTurns(scene)};
    choice.score = score(turn, &choice.hand_turns);
    choices.push_back(std::move(choice));
  }
  std::stable_sort(choices.begin(), choices.end(),
                   [](const Choice& a, const Choice& b) { return a.score < b.score; });
  if (!scene.fit) return {choices.front()};
  Scored best{choices.front(), scene.fit(source, choices[0].turn, choices[0].hand_turns)};
  for (size_t i = 1; i < choices.size() && best.fit != Fit::kFree; ++i) {
    const Fit fit = scene.fit(source, choices[i].turn, choices[i].hand_turns);
    if (fit < best.fit) best = {choices[i], fit};
  }
  return best;
}

}  // namespace

Choice SelectSource(const Selection& selection, const std::vector<Candidate>& candidates,
                    const SelectionScene& scene, Rng& rng) {
  Require(!candidates.empty(), "a source is selected from at least one");
  for (const Candidate& candidate : candidates) {
    Require(candidate.X_WE.size() == scene.X_WE.size(), "candidates and scene have the same arms");
    Require(candidate.X_SE.empty() || candidate.X_SE.size() == scene.X_WE.size(),
            "a hand change per arm, or none");
  }
  Require(scene.weights.empty() || scene.weights.size() == candidates.size(),
          "a weight per candidate, or none");
  const auto* by_object = std::get_if<NearestObjectSelection>(&selection);
  const auto* by_robot = std::get_if<NearestRobotSelection>(&selection);
  // without an object there is nothing to be near to but the arm
  const bool at_random = (by_object && !scene.has_object) || (!by_object && !by_robot);

  std::vector<Scored> scored;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (by_robot && !at_random) {
      const Metric metric{by_robot->position_scale, by_robot->rotation_scale};
      scored.push_back(BestFitting(
          i, TurnsOf(candidate, scene, true), scene,
          [&](double turn, auto* hands) { return Travel(metric, candidate, scene, turn, hands); }));
      continue;
    }
    // the turn by which the objects compare best; the hands turn as is nearest then
    const Metric metric =
        by_object ? Metric{by_object->position_scale, by_object->rotation_scale} : kPlainMetric;
    scored.push_back(
        BestFitting(i, TurnsOf(candidate, scene, false), scene, [&](double turn, auto* hands) {
          Travel(kPlainMetric, candidate, scene, turn, hands);
          return scene.has_object ? metric(candidate.X_WO * SymmetricTurn(turn), scene.X_WO) : 0.0;
        }));
    if (at_random) scored.back().choice.score = 0;
  }

  // what fits worse is chosen only where nothing fits better
  const Fit best = std::min_element(scored.begin(), scored.end(), [](const auto& a, const auto& b) {
                     return a.fit < b.fit;
                   })->fit;
  std::erase_if(scored, [&](const Scored& s) { return s.fit != best; });
  const int count = static_cast<int>(scored.size());
  const int k = at_random ? count : std::min(count, by_object ? by_object->k : by_robot->k);
  std::stable_sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) {
    return a.choice.score < b.choice.score;
  });
  if (scene.weights.empty()) return scored[rng.UniformInt(static_cast<uint64_t>(k))].choice;
  const auto weight = [&](int i) { return scene.weights.at(scored[i].choice.source); };
  double sum = 0;
  for (int i = 0; i < k; ++i) sum += weight(i);
  double left = rng.Uniform(0, sum);
  int drawn = 0;
  while (drawn + 1 < k && left >= weight(drawn)) left -= weight(drawn++);
  return scored[drawn].choice;
}

}  // namespace understudy
