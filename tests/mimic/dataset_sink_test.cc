#include "mimic/run/dataset_sink.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "data/store/reader.h"
#include "tests/mimic/fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

class DatasetSinkTest : public testing::Test {
 protected:
  DatasetSinkTest() {
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
    DatasetHeader header;
    header.simulator = simulator->info();
    header.stage = "mimic";
    writer_.emplace(file(), header);
    unbegun_.emplace(file());
    sink_.emplace(*writer_, *unbegun_, true);
  }
  fs::path file() const { return folder_ / "x.h5"; }
  // The next attempt: a success, a failure that is kept, one that is not.
  void Append() {
    const AttemptRecord record{.attempt = appended_, .success = appended_ % 3 == 0};
    std::optional<Episode> episode;
    if (appended_ % 3 != 2) {
      episode = FakeDemos(task_, 1)[0];
      episode->meta.uuid = MakeUuid("sink", RngKey{.parent = static_cast<uint64_t>(appended_)});
    }
    sink_->Append(record, std::move(episode));
    ++appended_;
  }

  OwnFolder folder_;
  TaskSpec task_ = FakeTask();
  int64_t appended_ = 0;
  std::optional<DatasetWriter> writer_;
  std::optional<UnfinishedFile> unbegun_;
  std::optional<DatasetSink> sink_;
};

TEST_F(DatasetSinkTest, WhatWaitsIsStoredInItsOrder) {
  for (int i = 0; i < 5; ++i) Append();
  // as where the run ends with an exception
  sink_.reset();
  std::vector<int64_t> stored;
  writer_->VisitAttempts([&](const AttemptRecord& a) { stored.push_back(a.attempt); });
  EXPECT_EQ(stored, (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(writer_->episodes_written(), 4);
}

TEST_F(DatasetSinkTest, FewWait) {
  for (int i = 0; i < 40; ++i) {
    Append();
    // eight episodes come from twelve attempts
    ASSERT_LT(appended_ - writer_->attempts_written(), 12);
  }
  sink_->Store();
  EXPECT_EQ(writer_->attempts_written(), 40);
  sink_->WriteMasks();
  writer_->Finish();
  const DatasetReader reader(file());
  EXPECT_EQ(reader.episodes().size(), 27u);
  EXPECT_EQ(reader.ReadMask("successful").size(), 14u);
  EXPECT_EQ(reader.ReadMask("failed").at(12), "demo_25");
}

TEST_F(DatasetSinkTest, AFullDiskIsTold) {
  // where the journal belongs
  fs::create_directory(fs::path(unbegun_->part()) += ".journal");
  for (int i = 0; i < 3; ++i) Append();
  EXPECT_THROW(sink_->Store(), Error);
  // and told again
  Append();
  EXPECT_THROW(sink_->Store(), Error);
  sink_.reset();  // silent
}

}  // namespace
}  // namespace understudy
