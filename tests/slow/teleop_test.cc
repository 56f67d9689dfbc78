// Faults of a headset, many more than in the quick tests.
#include <gtest/gtest.h>

#include "tests/teleop/faults.h"

namespace understudy {
namespace {

TEST(SlowTeleop, NoOrderOfFaultsExceedsTheLimiter) {
  int64_t engaged = 0, moved = 0;
  HoldToTheLaw(1000, 20'000, &engaged, &moved);
  EXPECT_GT(moved, 200'000);
}

}  // namespace
}  // namespace understudy
