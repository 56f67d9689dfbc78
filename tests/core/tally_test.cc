#include "core/base/tally.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Tally, SaysHowOftenEachCame) {
  Tally tally;
  for (int i = 0; i < 3; ++i) tally.Add("touched something");
  tally.Add("hid an object");
  EXPECT_EQ(tally.Describe("draws"), "of 4 draws 1 hid an object, 3 touched something");
}

}  // namespace
}  // namespace understudy
