#include "mimic/plan/rrt_connect.h"

#include <fmt/format.h>
#include <ompl/base/goals/GoalStates.h>
#include <ompl/base/spaces/RealVectorStateSpace.h>
#include <ompl/config.h>
#include <ompl/datastructures/NearestNeighborsLinear.h>
#include <ompl/geometric/PathSimplifier.h>
#include <ompl/geometric/planners/rrt/RRTConnect.h>
#include <ompl/util/Console.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>

#include "core/base/error.h"

// OMPL seeds its generators from one seed of the process, in the order in which threads ask. Here
// each of them is our own or seeded from the key: see docs/decisions/0005.

namespace understudy {
namespace {

namespace ob = ompl::base;
namespace og = ompl::geometric;
using Eigen::VectorXd;
using JointState = ob::RealVectorStateSpace::StateType;

VectorXd ReadState(const ob::State* state, Eigen::Index joints) {
  return Eigen::Map<const VectorXd>(state->as<JointState>()->values, joints);
}

void WriteState(const VectorXd& q, ob::State* state) {
  std::copy(q.begin(), q.end(), state->as<JointState>()->values);
}

// Uniform postures from our generator.
class KeyedSampler final : public ob::StateSampler {
 public:
  KeyedSampler(const ob::StateSpace* space, const RngKey& key)
      : ob::StateSampler(space), rng_(key) {}
  void sampleUniform(ob::State* state) override {
    const ob::RealVectorBounds& bounds = space_->as<ob::RealVectorStateSpace>()->getBounds();
    for (size_t i = 0; i < bounds.low.size(); ++i) {
      state->as<JointState>()->values[i] = rng_.Uniform(bounds.low[i], bounds.high[i]);
    }
  }
  void sampleUniformNear(ob::State*, const ob::State*, double) override {
    Require(false, "RRT-Connect samples everywhere");
  }
  void sampleGaussian(ob::State*, const ob::State*, double) override {
    Require(false, "RRT-Connect samples everywhere");
  }

 private:
  Rng rng_;
};

uint32_t LocalSeed(const RngKey& key, const char* term) {
  // OMPL takes 0 for a mistake
  return std::max(1u, Rng(PartOf(key, term)).NextU32());
}

class KeyedRrtConnect final : public og::RRTConnect {
 public:
  KeyedRrtConnect(const ob::SpaceInformationPtr& si, const RngKey& key) : og::RRTConnect(si) {
    rng_.setLocalSeed(LocalSeed(key, "rrt"));
    // the default one divides its points at random
    setNearestNeighbors<ompl::NearestNeighborsLinear>();
  }
};

class KeyedSimplifier final : public og::PathSimplifier {
 public:
  KeyedSimplifier(const ob::SpaceInformationPtr& si, const RngKey& key) : og::PathSimplifier(si) {
    rng_.setLocalSeed(LocalSeed(key, "shortcut"));
  }
};

void Silence() {
  static std::once_flag once;
  std::call_once(once, [] { ompl::msg::noOutputHandler(); });
}

}  // namespace

RngKey PartOf(const RngKey& key, const std::string& name) {
  return key.WithTerm(fmt::format("{} {}", key.term, name));
}

bool ValidLine(const VectorXd& from, const VectorXd& to,
               const std::function<bool(const VectorXd&)>& valid, double resolution) {
  const int steps = std::max(1, static_cast<int>(std::ceil((to - from).norm() / resolution)));
  for (int k = 0; k <= steps; ++k) {
    if (!valid(from + (to - from) * (static_cast<double>(k) / steps))) return false;
  }
  return true;
}

std::vector<VectorXd> FindJointPath(const JointProblem& problem, const RngKey& key,
                                    const JointPathOptions& options) {
  Silence();
  const Eigen::Index joints = problem.lower.size();
  Require(joints > 0 && problem.upper.size() == joints, "a range per joint");

  // the space, looked at from posture to posture
  const auto space = std::make_shared<ob::RealVectorStateSpace>(static_cast<unsigned>(joints));
  ob::RealVectorBounds bounds(static_cast<unsigned>(joints));
  std::copy(problem.lower.begin(), problem.lower.end(), bounds.low.begin());
  std::copy(problem.upper.begin(), problem.upper.end(), bounds.high.begin());
  space->setBounds(bounds);
  space->setLongestValidSegmentFraction(options.resolution / space->getMaximumExtent());
  space->setStateSamplerAllocator([&key](const ob::StateSpace* sampled) {
    return std::make_shared<KeyedSampler>(sampled, PartOf(key, "samples"));
  });
  const auto si = std::make_shared<ob::SpaceInformation>(space);
  int64_t checks = 0;
  si->setStateValidityChecker([&](const ob::State* state) {
    ++checks;
    return problem.valid(ReadState(state, joints));
  });
  si->setup();

  // its ends
  const auto definition = std::make_shared<ob::ProblemDefinition>(si);
  const auto goals = std::make_shared<ob::GoalStates>(si);
  ob::ScopedState<ob::RealVectorStateSpace> state(space);
  for (const VectorXd& q : problem.starts) {
    Require(q.size() == joints, "a posture has one angle per joint");
    WriteState(q, state.get());
    definition->addStartState(state);
  }
  for (const VectorXd& q : problem.goals) {
    Require(q.size() == joints, "a posture has one angle per joint");
    WriteState(q, state.get());
    goals->addState(state);
  }
  definition->setGoal(goals);

  KeyedRrtConnect planner(si, key);
  planner.setProblemDefinition(definition);
  planner.setRange(options.range);
  planner.setup();
  const ob::PlannerTerminationCondition enough([&] { return checks >= options.max_checks; });
  if (planner.solve(enough) != ob::PlannerStatus::EXACT_SOLUTION) return {};

  // shorter, by as many looks at postures as it takes
  og::PathGeometric path = *definition->getSolutionPath()->as<og::PathGeometric>();
  KeyedSimplifier simplifier(si, key);
  const auto tries = static_cast<unsigned>(options.shortcuts);
  if (options.shortcuts > 0) {
    simplifier.reduceVertices(path, tries);
    simplifier.shortcutPath(path, tries);
  }
  std::vector<VectorXd> found;
  for (const ob::State* at : path.getStates()) found.push_back(ReadState(at, joints));
  return found;
}

std::string OmplVersion() {
  return fmt::format("{}.{}.{}", OMPL_MAJOR_VERSION, OMPL_MINOR_VERSION, OMPL_PATCH_VERSION);
}

}  // namespace understudy
