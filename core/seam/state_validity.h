#pragma once

#include <Eigen/Core>
#include <functional>
#include <memory>
#include <string>

#include "core/episode/observation.h"

namespace understudy {

// m, penetration that the simulation's soft contacts cause and that is no collision.
inline constexpr double kSolidsGive = 0.001;

// Whether a posture of an arm, with the object in its hand, is free of collisions in a world at
// rest. One per thread: calls share scratch space. Deterministic: results depend on the last
// SetWorld, the Admits since, and the posture.
class StateValidity {
 public:
  virtual ~StateValidity() = default;

  // Judges postures in the world of `state` (of this task's simulator), the fingers as they stand
  // there. Object `held` (place among SimulatorInfo::objects; -1: none) is fixed to the hand where
  // it is in `state`, and so is what lies on it and on nothing else. `margin` (m) is kept between
  // what moves and everything else; parts of the arm need not keep it between each other. Forgets
  // what was admitted.
  void SetWorld(const SimState& state, int held, double margin) { DoSetWorld(state, held, margin); }

  // A way begins or ends at `q`: bodies that are nearer to each other than the margin there may be
  // as near; hand and held object only while E is within `radius` (m) of where it stands at `q`.
  void Admit(const Eigen::VectorXd& q, double radius) { DoAdmit(q, radius); }

  // Whether everything keeps its distance at `q`. Requires one angle per joint.
  bool Valid(const Eigen::VectorXd& q) { return DoValid(q); }

  // m between what moves and everything else at `q`, at most the margin; below 0 inside each other.
  // Looks at nothing that was admitted.
  double Clearance(const Eigen::VectorXd& q) { return DoClearance(q); }

  // The two that come nearest at `q` in words: "robot0_link5 and table, 3.1 mm inside each other";
  // empty where nothing comes nearer than the margin.
  std::string Nearest(const Eigen::VectorXd& q) { return DoNearest(q); }

 private:
  virtual void DoSetWorld(const SimState& state, int held, double margin) = 0;
  virtual void DoAdmit(const Eigen::VectorXd& q, double radius) = 0;
  virtual bool DoValid(const Eigen::VectorXd& q) = 0;
  virtual double DoClearance(const Eigen::VectorXd& q) = 0;
  virtual std::string DoNearest(const Eigen::VectorXd& q) = 0;
};

}  // namespace understudy
