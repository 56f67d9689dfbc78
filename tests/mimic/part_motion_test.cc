// Parts that begin elsewhere along their joint than in the source end where the source left them.
#include "mimic/attempt/part_motion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.h"

namespace understudy {
namespace {

Pose AnyPose(Rng& rng) {
  return Pose(Eigen::Quaterniond(rng.Normal(), rng.Normal(), rng.Normal(), rng.Normal()),
              {rng.Normal(), rng.Normal(), rng.Normal()});
}

void ExpectSame(const Pose& a, const Pose& b) {
  EXPECT_TRUE(a.Matrix().isApprox(b.Matrix(), 1e-9)) << a.Matrix() << "\n\n" << b.Matrix();
}

TEST(ShareOfMotion, SharesAddUpAlongOneScrew) {
  Rng rng(RngKey{1});
  for (int i = 0; i < 20; ++i) {
    // a quarter of them slides only
    const Pose X = i % 4 == 0
                       ? Pose(Eigen::Quaterniond::Identity(), {rng.Normal(), rng.Normal(), 1})
                       : AnyPose(rng);
    ExpectSame(ShareOfMotion(X, 1), X);
    ExpectSame(ShareOfMotion(X, 0), Pose());
    ExpectSame(ShareOfMotion(X, 0.3) * ShareOfMotion(X, 0.7), X);
    ExpectSame(ShareOfMotion(X, -1), X.Inverse());
    ExpectSame(ShareOfMotion(X, 0.5) * ShareOfMotion(X, 0.5), X);
  }
}

// A joint of a part: where it stands on its base at `q`.
struct Joint {
  Pose X_BJ, X_JO;
  bool turns = false;
  Pose X_BO(double q) const {
    return X_BJ * (turns ? SymmetricTurnOf(q) : Pose(Eigen::Quaterniond::Identity(), {q, 0, 0})) *
           X_JO;
  }
  static Pose SymmetricTurnOf(double q) { return PoseFromYaw(q, Eigen::Vector3d::Zero()); }
};

// Twenty rows in which a hand comes to a part at `q0`, brings it to `q1` while it holds it, and
// leaves. Objects: the base, something else, the part.
constexpr int kRows = 20, kHolds = 5, kLeaves = 15, kPart = 2;
SourceDemo Demo(Rng& rng, const Joint& joint, double q0, double q1) {
  SourceDemo demo;
  demo.ends = {kRows};
  demo.X_WO.resize(3);
  demo.arms.resize(1);
  const Pose X_WB = AnyPose(rng), X_OE = AnyPose(rng);
  for (int t = 0; t < kRows; ++t) {
    const double share = std::clamp((t - kHolds) / static_cast<double>(kLeaves - kHolds), 0.0, 1.0);
    const Pose X_WO = X_WB * joint.X_BO(q0 + share * (q1 - q0));
    demo.X_WO[0].push_back(X_WB);
    demo.X_WO[1].push_back(AnyPose(rng));
    demo.X_WO[kPart].push_back(X_WO);
    demo.arms[0].X_WE.push_back(t < kHolds || t > kLeaves ? X_WO * AnyPose(rng) : X_WO * X_OE);
  }
  return demo;
}

TEST(LeadPart, BeginsAtThePartAndEndsWhereTheSourceLeftIt) {
  Rng rng(RngKey{2});
  for (const bool turns : {false, true}) {
    for (const double q_now : {-0.1, 0.05, 0.3, 0.6}) {
      const Joint joint{AnyPose(rng), AnyPose(rng), turns};
      const double q0 = 0.1, q1 = 0.5;
      const SourceDemo demo = Demo(rng, joint, q0, q1);
      const Pose X_WB = AnyPose(rng), X_WO = X_WB * joint.X_BO(q_now);
      const std::vector<Pose> rows = LeadPart(demo, 0, kRows, kPart, 0, X_WO, X_WB);
      ASSERT_EQ(rows.size(), static_cast<size_t>(kRows));
      const auto& X_WO_src = demo.X_WO[kPart];
      for (int t = 0; t < kRows; ++t) {
        const auto row = static_cast<size_t>(t);
        // the part moves with the hand: at its share of the way from where it is to the source's
        // end
        const double share =
            std::clamp((t - kHolds) / static_cast<double>(kLeaves - kHolds), 0.0, 1.0);
        ExpectSame(rows[row] * X_WO_src[row], X_WB * joint.X_BO(q_now + share * (q1 - q_now)));
      }
      // before it is held, the hand comes to the part as it came in the source
      ExpectSame(rows[0], X_WO * X_WO_src[0].Inverse());
      // and leaves it as it left there, seen from the base
      ExpectSame(rows.back(), X_WB * demo.X_WO[0][0].Inverse());
    }
  }
}

TEST(LeadPart, NothingChangesWhereThePartGoesAsAWhole) {
  Rng rng(RngKey{3});
  const Joint joint{AnyPose(rng), AnyPose(rng), false};
  const SourceDemo demo = Demo(rng, joint, 0.1, 0.5), still = Demo(rng, joint, 0.1, 0.1);
  const Pose X_WB = AnyPose(rng);
  const auto lead = [&](const SourceDemo& source, const Pose& X_BO) {
    return LeadPart(source, 0, kRows, kPart, 0, X_WB * X_BO, X_WB);
  };
  EXPECT_THAT(lead(demo, joint.X_BO(0.1)), testing::IsEmpty()) << "it begins as in the source";
  EXPECT_THAT(lead(demo, joint.X_BO(0.1004)), testing::IsEmpty())
      << "to a fraction of a millimetre";
  EXPECT_THAT(lead(still, joint.X_BO(0.3)), testing::IsEmpty()) << "the source did not move it";
  // off its way by a centimetre, which its joint cannot be
  const Pose aside(Eigen::Quaterniond::Identity(), {0, 0.01, 0});
  EXPECT_THAT(lead(demo, joint.X_BJ * aside * joint.X_BJ.Inverse() * joint.X_BO(0.3)),
              testing::IsEmpty());
  // before it is moved
  EXPECT_THAT(LeadPart(demo, 0, kHolds, kPart, 0, X_WB * joint.X_BO(0.3), X_WB),
              testing::IsEmpty());
}

// Of a part of what stands fast, the world is the base.
TEST(LeadPart, WithoutABaseTheWorldIsIt) {
  Rng rng(RngKey{4});
  const Joint joint{AnyPose(rng), AnyPose(rng), true};
  const SourceDemo demo = Demo(rng, joint, 0, 1);
  const Pose X_WB = demo.X_WO[0][0];
  const std::vector<Pose> rows =
      LeadPart(demo, 0, kRows, kPart, -1, X_WB * joint.X_BO(0.4), Pose());
  ASSERT_EQ(rows.size(), static_cast<size_t>(kRows));
  ExpectSame(rows.back() * demo.X_WO[kPart].back(), X_WB * joint.X_BO(1));
}

}  // namespace
}  // namespace understudy
