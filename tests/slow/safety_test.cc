// A million commands of hostile policies, none of which leaves the limits.
#include <gtest/gtest.h>

#include "tests/support/guarded_arm.h"

namespace understudy {
namespace {

TEST(SlowSafety, AMillionCommandsKeepTheLimits) {
  guarded::ExpectLimitsKept(ActionKind::kPose, 1000000, 2);
  guarded::ExpectLimitsKept(ActionKind::kJoints, 1000000, 3);
}

}  // namespace
}  // namespace understudy
