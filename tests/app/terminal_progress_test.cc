#include "app/terminal_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t Columns(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

ProgressState State() {
  return {.what = "mimic",
          .unit = "attempts",
          .note = "success 93.1 % [88.0 %, 96.1 %], 400 of 1000",
          .total = 1000,
          .done = 431,
          .rate = 12.5};
}

TEST(ProgressLine, NeverWiderThanTheTerminal) {
  for (size_t columns = 1; columns < 200; ++columns) {
    EXPECT_LE(Columns(ProgressLine(State(), columns)), columns);
    ProgressState unknown = State();
    unknown.total = 0;
    unknown.note = "größer als µm";
    EXPECT_LE(Columns(ProgressLine(unknown, columns)), columns);
  }
}

TEST(ProgressLine, TheBarGivesWayBeforeTheWords) {
  const std::string all = ProgressLine(State(), 0);
  EXPECT_THAT(all, HasSubstr("[##########..............]  43% 431 attempts, 12.5/s, 0:46 left, "));
  EXPECT_EQ(ProgressLine(State(), 200), all);
  const std::string eighty = ProgressLine(State(), 79);
  EXPECT_THAT(eighty, HasSubstr("mimic  43% 431 attempts, 12.5/s, 0:46 left, success 93.1 %"));
  EXPECT_THAT(eighty, Not(HasSubstr("[#")));
  EXPECT_TRUE(eighty.ends_with("…")) << eighty;
  // a note that leaves room for a short bar
  ProgressState brief = State();
  brief.note = "93 %";
  EXPECT_THAT(ProgressLine(brief, 64), HasSubstr("[#####........] "));
  EXPECT_EQ(Columns(ProgressLine(brief, 64)), 64u);
}

}  // namespace
}  // namespace understudy
