#include "mimic/attempt/carried.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/random_pose.h"

namespace understudy {
namespace {

// However differently our hand holds the object: it takes the object where the source's took it. A
// hand that holds nothing is not changed.
TEST(HandChanges, TheHeldObjectGoesWhereTheSourcesWent) {
  Rng rng(RngKey{.seed = 5});
  for (int i = 0; i < 100; ++i) {
    SourceDemo demo;
    demo.arms.resize(2);
    demo.X_WO.resize(2);
    for (int t = 0; t < 3; ++t) {
      for (SourceDemo::Arm& arm : demo.arms) arm.X_WE.push_back(RandomPose(rng));
      for (std::vector<Pose>& X_WO : demo.X_WO) X_WO.push_back(RandomPose(rng));
    }
    const Pose X_EH = RandomPose(rng);
    const std::vector<Pose> X_SE = HandChanges({{}, {.object = 1, .X_EH = X_EH}}, demo, 2);
    ASSERT_EQ(X_SE.size(), 2u);
    EXPECT_TRUE(X_SE[0] == Pose());
    const Pose X_WH = demo.arms[1].X_WE[2] * X_SE[1] * X_EH;
    EXPECT_LT((X_WH.translation() - demo.X_WO[1][2].translation()).norm(), 1e-12);
    EXPECT_LT(AngleBetween(X_WH.rotation(), demo.X_WO[1][2].rotation()), 1e-7);
  }
}

}  // namespace
}  // namespace understudy
