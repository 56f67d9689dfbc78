#include "mimic/selection.h"

#include <algorithm>
#include <cmath>

#include "data/base/error.h"
#include "mimic/transform.h"

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

Choice ScoreObject(const Metric& metric, const Candidate& candidate, const SelectionScene& scene) {
  Choice choice;
  choice.turn = BestTurn(candidate.X_WO, scene.X_WO, scene.symmetry);
  choice.score = metric(candidate.X_WO * SymmetricTurn(choice.turn), scene.X_WO);
  return choice;
}

// Travel of the arms to the first pose of the transformed segment.
double Travel(const Metric& metric, const Candidate& candidate, const SelectionScene& scene,
              double turn) {
  const SegmentTransform transform =
      scene.has_object ? SegmentTransform(scene.X_WO, candidate.X_WO, turn) : SegmentTransform();
  double travel = 0;
  for (size_t i = 0; i < scene.X_WE.size(); ++i) {
    travel += metric(transform(candidate.X_WE[i]), scene.X_WE[i]);
  }
  return travel;
}

Choice ScoreRobot(const Metric& metric, const Candidate& candidate, const SelectionScene& scene) {
  const int turns = !scene.has_object ? 1 : scene.symmetry == 0 ? kRoundTurns : scene.symmetry;
  Choice best;
  for (int i = 0; i < turns; ++i) {
    const double turn = std::remainder(2 * M_PI * i / turns, 2 * M_PI);
    const double travel = Travel(metric, candidate, scene, turn);
    if (i > 0 && travel >= best.score) continue;
    best.turn = turn;
    best.score = travel;
  }
  return best;
}

}  // namespace

Choice SelectSource(const Selection& selection, const std::vector<Candidate>& candidates,
                    const SelectionScene& scene, Rng& rng) {
  Require(!candidates.empty(), "a source is selected from at least one");
  const int count = static_cast<int>(candidates.size());
  for (const Candidate& candidate : candidates) {
    Require(candidate.X_WE.size() == scene.X_WE.size(), "candidates and scene have the same arms");
  }

  // without an object there is nothing to be near to but the arm
  const auto* by_object = std::get_if<NearestObjectSelection>(&selection);
  const auto* by_robot = std::get_if<NearestRobotSelection>(&selection);
  if ((by_object && !scene.has_object) || (!by_object && !by_robot)) {
    Choice choice;
    choice.source = static_cast<int>(rng.UniformInt(static_cast<uint64_t>(count)));
    if (scene.has_object) {
      choice.turn = BestTurn(candidates[choice.source].X_WO, scene.X_WO, scene.symmetry);
    }
    return choice;
  }

  std::vector<Choice> choices(count);
  for (int i = 0; i < count; ++i) {
    choices[i] = by_object ? ScoreObject({by_object->position_scale, by_object->rotation_scale},
                                         candidates[i], scene)
                           : ScoreRobot({by_robot->position_scale, by_robot->rotation_scale},
                                        candidates[i], scene);
    choices[i].source = i;
  }
  const int k = std::min(count, by_object ? by_object->k : by_robot->k);
  std::stable_sort(choices.begin(), choices.end(),
                   [](const Choice& a, const Choice& b) { return a.score < b.score; });
  return choices[rng.UniformInt(static_cast<uint64_t>(k))];
}

}  // namespace understudy
