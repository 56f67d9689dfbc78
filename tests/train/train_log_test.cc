#include "train/run/train_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/base/error.h"
#include "tests/train/training_fixture.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

TrainLogRow Row(int64_t step) {
  TrainLogRow row;
  row.step = step;
  row.losses.updates = 10;
  row.losses.loss = 1.0 / static_cast<double>(step);
  row.losses.parts = {{"position", 0.5}, {"a name of its own", 1.0 / 7}};
  row.losses.by_step = {0.25, 1.0 / 3};
  row.losses.gradient_norm = std::nan("");
  if (step % 20 == 0) row.flop_use = 1.0 / 3;
  row.samples_per_s = 1e9 / 7;
  return row;
}

// What log.json has always held.
std::string Text(const std::vector<int64_t>& steps) {
  Json rows = Json::array();
  for (const int64_t step : steps) rows.push_back(ToJson(Row(step)));
  return Json{{"rows", rows}}.dump() + "\n";
}

class TrainLogTest : public testing::Test {
 protected:
  // Steps that a resume at `step` finds.
  std::vector<int64_t> Resumed(int64_t step) {
    std::vector<int64_t> steps;
    for (const TrainLogRow& row : TrainLog(file_).Resume(step)) steps.push_back(row.step);
    return steps;
  }
  const fs::path file_ = FreshFolder("log") / "log.json";
};

TEST_F(TrainLogTest, RowsAreAppendedInPlace) {
  TrainLog log(file_);
  log.Append(Row(10));
  EXPECT_EQ(ReadText(file_), Text({10}));
  // another name of the same file still sees it: it is not written anew
  const fs::path other = file_.parent_path() / "other.json";
  fs::create_hard_link(file_, other);
  log.Append(Row(20));
  log.Append(Row(30));
  EXPECT_EQ(ReadText(file_), Text({10, 20, 30}));
  EXPECT_EQ(ReadText(other), Text({10, 20, 30}));
}

TEST_F(TrainLogTest, AResumeKeepsRowsUpToItsStep) {
  WriteTextAtomically(file_, Text({10, 20, 30}));
  TrainLog log(file_);
  const std::vector<TrainLogRow> rows = log.Resume(20);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(ToJson(rows[1]).dump(), ToJson(Row(20)).dump());
  EXPECT_EQ(ReadText(file_), Text({10, 20}));
  log.Append(Row(25));
  EXPECT_EQ(ReadText(file_), Text({10, 20, 25}));
  EXPECT_THAT(Resumed(5), testing::IsEmpty());
  TrainLog fresh(file_);
  fresh.Append(Row(7));
  EXPECT_EQ(ReadText(file_), Text({7}));
}

// A run may be killed after any byte of a row.
TEST_F(TrainLogTest, AnUnfinishedRowIsDropped) {
  const std::string before = Text({10, 20}), after = Text({10, 20, 30});
  for (size_t size = before.size() - 3; size < after.size() - 3; ++size) {
    // the write covers the old end of the file from its front
    std::string torn = after.substr(0, size);
    if (size < before.size()) torn += before.substr(size);
    WriteTextAtomically(file_, torn);
    ASSERT_EQ(Resumed(100), (std::vector<int64_t>{10, 20})) << torn;
    ASSERT_EQ(ReadText(file_), before);
  }
  WriteTextAtomically(file_, after.substr(0, after.size() - 2));
  EXPECT_EQ(Resumed(100), (std::vector<int64_t>{10, 20, 30}));
  WriteTextAtomically(file_, Text({10}).substr(0, 30));
  EXPECT_THAT(Resumed(100), testing::IsEmpty());
}

TEST_F(TrainLogTest, DamageElsewhereIsReported) {
  for (const std::string& text : {std::string("rows"), std::string("{\"rows\": 3}"),
                                  "{\"rows\":[{\"step\":" + Text({10, 20}).substr(10)}) {
    WriteTextAtomically(file_, text);
    EXPECT_THAT([&] { Resumed(100); }, ThrowsMessage<Error>(HasSubstr("log.json"))) << text;
  }
}

TEST_F(TrainLogTest, AFileThatSomebodyElseChangedIsNotWrittenOver) {
  TrainLog log(file_);
  log.Append(Row(10));
  std::ofstream(file_, std::ios::app) << "more";
  EXPECT_THAT([&] { log.Append(Row(20)); }, ThrowsMessage<Error>(HasSubstr("was changed")));
}

}  // namespace
}  // namespace understudy
