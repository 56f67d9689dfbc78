// The table that a person looks over: written, edited, read.
#include "mimic/sources/review.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::vector<DemoReview> TwoDemos() {
  std::vector<DemoReview> demos{{"demo_0", "uuid-0", 120, {}}, {"demo_1", "uuid-1", 90, {}}};
  for (DemoReview& demo : demos) {
    demo.ends = {{"grasp", 31, 33, 1, "both pads touch cubeA from step 30 (states restored)", {}},
                 {"", demo.steps, std::nullopt, 1, "the demonstration ends", {}}};
  }
  demos[1].ends[0].end = -1;
  demos[1].ends[0].inferred = -1;
  demos[1].ends[0].evidence = "he said \"now\", and then;\nnothing";
  demos[1].ends[0].flags = {"never rises", "uncertain"};
  return demos;
}

class ReviewTest : public testing::Test {
 protected:
  std::vector<ReviewLine> Read(const std::string& text) {
    std::ofstream(file_) << text;
    return ReadReview(file_);
  }
  // what is said of a text that is no review
  std::string Error(const std::string& text) {
    try {
      Read(text);
    } catch (const understudy::Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "";
  }
  const OwnFolder folder_;
  const fs::path file_ = folder_ / "review.csv";
};

TEST_F(ReviewTest, WhatIsWrittenIsRead) {
  const std::vector<ReviewLine> lines = Read(ReviewToCsv(TwoDemos()));
  ASSERT_EQ(lines.size(), 3u) << "an end that was not found says nothing";
  EXPECT_EQ(lines[0].line, 2);
  EXPECT_EQ(lines[0].demo, "demo_0");
  EXPECT_EQ(lines[0].uuid, "uuid-0");
  EXPECT_EQ(lines[0].subtask, 0);
  EXPECT_EQ(lines[0].wanted.end, 31);
  EXPECT_EQ(lines[1].wanted.end, 120);
  // a quoted text of two lines stands between
  EXPECT_EQ(lines[2].line, 6);
  EXPECT_EQ(lines[2].demo, "demo_1");
  EXPECT_EQ(lines[2].subtask, 1);
}

TEST_F(ReviewTest, ASkippedEndStaysSkipped) {
  std::vector<DemoReview> demos = TwoDemos();
  demos[0].ends[0].end = -1;
  demos[0].ends[0].skipped = true;
  const std::vector<ReviewLine> lines = Read(ReviewToCsv(demos));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(lines[0].wanted.skip);
  EXPECT_FALSE(lines[1].wanted.skip);
  EXPECT_THAT(ReviewToText(demos), HasSubstr("grasp           skip"));
}

TEST_F(ReviewTest, SpreadsheetsMayChangeTheForm) {
  const std::vector<ReviewLine> lines = Read(
      "\xEF\xBB\xBFsubtask;end;uuid;note;demo\r\n0;skip;u;\"a;b\";demo_7\r\n\r\n1;12;u;;demo_7");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].wanted.skip);
  EXPECT_EQ(lines[0].demo, "demo_7");
  EXPECT_EQ(lines[1].line, 4);
  EXPECT_EQ(lines[1].wanted.end, 12);
}

TEST_F(ReviewTest, ErrorsNameTheLine) {
  const std::string head = "demo,uuid,subtask,end\n", name = file_.string();
  EXPECT_THAT(Error(""), HasSubstr("is empty"));
  EXPECT_THAT(Error("a,b\n"), HasSubstr(name + ":1: no column 'demo'"));
  EXPECT_THAT(Error(head + "demo_0,u,0,soon\n"),
              HasSubstr(name + ":2: end: 'soon' must be a step"));
  EXPECT_THAT(Error(head + "\ndemo_0,u,0,-4\n"), HasSubstr(name + ":3: end: '-4'"));
  EXPECT_THAT(Error(head + "demo_0,u,0,1e9\n"), HasSubstr("end: '1e9'"));
  EXPECT_THAT(Error(head + "demo_0,u,0,99999999999\n"), HasSubstr("end: '99999999999'"));
  EXPECT_THAT(Error(head + "demo_0,u,first,3\n"), HasSubstr(":2: subtask: 'first'"));
  EXPECT_THAT(Error(head + "demo_0,\"u,0,3\n"), HasSubstr(":2: a quote that nothing closes"));
}

TEST_F(ReviewTest, TheTextShowsEverythingOrWhatIsFlagged) {
  const std::string all = ReviewToText(TwoDemos());
  EXPECT_THAT(all, HasSubstr("demo_0"));
  EXPECT_THAT(all, HasSubstr("! never rises ! uncertain"));
  const std::string some = ReviewToText(TwoDemos(), 3);
  EXPECT_THAT(some, testing::Not(HasSubstr("demo_0")));
  EXPECT_THAT(some, HasSubstr("demo_1"));
  EXPECT_THAT(some, HasSubstr("4 lines; shown: demonstrations with flags"));
}

}  // namespace
}  // namespace understudy
