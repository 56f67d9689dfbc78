#include "mimic/plan/rrt_connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/base/error.h"

namespace understudy {
namespace {

using Eigen::VectorXd;

constexpr int kJoints = 4;

// Joints in [-2, 2]; a wall at 0 of the first one with a window of half width 0.3 at 1 of the
// second. How far a posture is from the wall's stuff: > 0 outside, < 0 inside.
double Outside(const VectorXd& q) {
  const double to_wall = std::abs(q[0]) - 0.2;
  const double to_window = 0.3 - std::abs(q[1] - 1);  // > 0 within the window
  return std::max(to_wall, to_window);
}

JointProblem Wall() {
  JointProblem problem;
  problem.lower = VectorXd::Constant(kJoints, -2);
  problem.upper = VectorXd::Constant(kJoints, 2);
  problem.starts = {VectorXd::Constant(kJoints, -1)};
  problem.goals = {VectorXd::Constant(kJoints, 1)};
  problem.goals[0][1] = -1;
  problem.valid = [](const VectorXd& q) { return Outside(q) >= 0; };
  return problem;
}

TEST(RrtConnect, PathsLeadFromStartToGoalAndAreFree) {
  const JointProblem problem = Wall();
  const JointPathOptions options;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto path = FindJointPath(problem, RngKey{.seed = seed}, options);
    ASSERT_GE(path.size(), 3u) << "around the wall";
    EXPECT_EQ(path.front(), problem.starts[0]);
    EXPECT_EQ(path.back(), problem.goals[0]);
    for (size_t i = 1; i < path.size(); ++i) {
      // looked at every `resolution`: between two looks it is at most half of that inside
      const int pieces = 1 + static_cast<int>((path[i] - path[i - 1]).norm() / 1e-3);
      for (int k = 0; k <= pieces; ++k) {
        const VectorXd q = path[i - 1] + (path[i] - path[i - 1]) * (double(k) / pieces);
        ASSERT_GE(Outside(q), -options.resolution / 2) << "seed " << seed;
        ASSERT_LE(q.cwiseAbs().maxCoeff(), 2);
      }
    }
  }
}

double Length(const std::vector<VectorXd>& path) {
  double length = 0;
  for (size_t i = 1; i < path.size(); ++i) length += (path[i] - path[i - 1]).norm();
  return length;
}

TEST(RrtConnect, ShortcutsShorten) {
  JointPathOptions plain;
  plain.shortcuts = 0;
  double with = 0, without = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    with += Length(FindJointPath(Wall(), RngKey{.seed = seed}));
    without += Length(FindJointPath(Wall(), RngKey{.seed = seed}, plain));
  }
  EXPECT_LT(with, 0.8 * without);
}

TEST(RrtConnect, AFreeLineIsTaken) {
  JointProblem problem = Wall();
  problem.valid = [](const VectorXd&) { return true; };
  const auto path = FindJointPath(problem, RngKey{.seed = 1});
  ASSERT_EQ(path.size(), 2u);
  EXPECT_EQ(path.back(), problem.goals[0]);
}

// The law: the key decides, whatever other threads do and were asked before.
TEST(RrtConnect, TheKeyDecidesOnEveryThread) {
  constexpr int kKeys = 12;
  const auto find = [](int i) {
    return FindJointPath(Wall(), RngKey{.seed = 9}.WithParent(static_cast<uint64_t>(i)));
  };
  std::vector<std::vector<VectorXd>> in_order(kKeys), elsewhere(kKeys);
  for (int i = 0; i < kKeys; ++i) in_order[i] = find(i);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = kKeys - 1 - t; i >= 0; i -= 4) elsewhere[i] = find(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kKeys; ++i) EXPECT_EQ(in_order[i], elsewhere[i]) << i;
  EXPECT_NE(in_order[0], in_order[1]);
}

TEST(RrtConnect, NoWayIsNoPathAndCostsWhatIsAllowed) {
  JointProblem problem = Wall();
  int64_t looks = 0;
  problem.valid = [&](const VectorXd& q) {
    ++looks;
    return std::abs(q[0]) > 0.2;
  };
  JointPathOptions options;
  options.max_checks = 5000;
  EXPECT_TRUE(FindJointPath(problem, RngKey{.seed = 1}, options).empty());
  EXPECT_GE(looks, 5000);
  EXPECT_LT(looks, 6000);
  // ends that are not free themselves
  problem.valid = [](const VectorXd&) { return false; };
  EXPECT_TRUE(FindJointPath(problem, RngKey{.seed = 1}, options).empty());
  EXPECT_THROW(FindJointPath(JointProblem{}, RngKey{}), ContractError);
}

TEST(RrtConnect, AnyStartAndAnyGoalWillDo) {
  JointProblem problem = Wall();
  VectorXd beyond = problem.goals[0];
  beyond[2] = -1.5;
  problem.starts.push_back(beyond);  // the wall is not between this one and the goal
  problem.goals.push_back(VectorXd::Constant(kJoints, 1.9));
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const auto path = FindJointPath(problem, RngKey{.seed = seed});
    ASSERT_FALSE(path.empty());
    EXPECT_THAT(problem.starts, testing::Contains(path.front()));
    EXPECT_THAT(problem.goals, testing::Contains(path.back()));
  }
}

TEST(RrtConnect, LinesAreLookedAtFromEndToEnd) {
  const VectorXd a = VectorXd::Constant(kJoints, -1), b = VectorXd::Constant(kJoints, 1);
  const auto valid = [](const VectorXd& q) { return Outside(q) >= 0; };
  EXPECT_FALSE(ValidLine(a, b, valid, 0.02));
  EXPECT_TRUE(ValidLine(a, a, valid, 0.02));
  EXPECT_FALSE(ValidLine(
      a, b, [&](const VectorXd& q) { return q != b; }, 0.02));
  EXPECT_FALSE(ValidLine(
      a, b, [&](const VectorXd& q) { return q != a; }, 0.02));
}

}  // namespace
}  // namespace understudy
