#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/rng.h"

namespace understudy {

struct JointPathOptions {
  double resolution = 0.02;  // rad: postures that are looked at lie this near to each other at most
  double range = 0.5;        // rad that a tree grows by at most
  int64_t max_checks = 10000;  // postures that are looked at until the search is given up
  int shortcuts = 100;         // tries to make the path shorter
};

// A question in joint space. The distance is Euclidean, all joints alike.
struct JointProblem {
  Eigen::VectorXd lower, upper;                       // rad
  std::vector<Eigen::VectorXd> starts, goals;         // from any of these to any of those
  std::function<bool(const Eigen::VectorXd&)> valid;  // must be a function of the posture
};

// A path of straight lines from one of the starts to one of the goals, all of it valid at the
// resolution; empty where none was found: RRT-Connect (Kuffner & LaValle 2000), then
// shortcuts (Geraerts & Overmars 2007), both OMPL's. The first and the last posture are a start and
// a goal bit for bit. Depends on its arguments only, not on the thread or on earlier calls.
std::vector<Eigen::VectorXd> FindJointPath(const JointProblem& problem, const RngKey& key,
                                           const JointPathOptions& options = {});

// Whether the straight line between two postures is valid at the resolution, the ends included.
bool ValidLine(const Eigen::VectorXd& from, const Eigen::VectorXd& to,
               const std::function<bool(const Eigen::VectorXd&)>& valid, double resolution);

// The key of one of several things that draw for what `key` is for.
RngKey PartOf(const RngKey& key, const std::string& name);

// "1.5.2".
std::string OmplVersion();

}  // namespace understudy
