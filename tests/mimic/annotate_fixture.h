#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "core/seam/dataset_header.h"
#include "core/seam/revisit.h"
#include "data/store/writer.h"
#include "mimic/sources/annotate_dataset.h"
#include "tests/mimic/fixture.h"

namespace understudy {

namespace fs = std::filesystem;

inline constexpr int kDemos = 4;

// Demonstrations in files: full.h5 with signals, bare.h5 without, to be annotated into out.h5.
class AnnotateDatasetTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("annotate_dataset_" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    demos_ = FakeDemos(task_, kDemos);
    robot_.name = "fake";
    options_.path = File("bare.h5");
    options_.out = File("out.h5");
    Store(demos_, "full.h5");
    std::vector<Episode> bare = demos_;
    for (Episode& demo : bare) Strip(&demo);
    Store(bare, "bare.h5");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string File(const std::string& name) const { return (folder_ / name).string(); }

  static void Strip(Episode* demo) {
    demo->meta.signals.clear();
    for (size_t i = 0; i < CountInstants(*demo); ++i) ObservationAt(*demo, i).signals.clear();
  }

  // With a mask and an attempt, as any dataset may have.
  void Store(const std::vector<Episode>& demos, const std::string& name) {
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
    DatasetHeader header;
    header.simulator = simulator->info();
    header.simulator.signals = demos[0].meta.signals;
    header.stage = "teleop";
    header.model_text = simulator->ModelText();
    header.task = ToJson(task_);
    DatasetWriter writer(File(name), header);
    writer.AppendAttempt({.attempt = 3, .success = false, .cause = "dropped"});
    for (const Episode& demo : demos) writer.Append(demo);
    writer.WriteMask("few", {"demo_0", "demo_2"});
    writer.Finish();
  }

  AnnotateReport Run() { return Run(task_); }
  AnnotateReport Run(const TaskSpec& task) {
    Progress quiet;
    options_.threads = 2;
    return AnnotateDataset(options_, task, robot_, FakeSimulatorFactory(task), quiet);
  }
  // What is said of what cannot be done; nothing is left behind.
  std::string Refused(ErrorKind kind = ErrorKind::kBadInput) { return Refused(kind, task_); }
  std::string Refused(ErrorKind kind, const TaskSpec& task) {
    const bool there = fs::exists(options_.out);
    try {
      Run(task);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_EQ(fs::exists(options_.out), there);
      EXPECT_FALSE(fs::exists(options_.out + ".part"));
      return error.what();
    }
    ADD_FAILURE() << "was taken";
    return "";
  }
  std::string Edited(const std::string& text) {
    std::ofstream(File("edited.csv")) << text;
    return File("edited.csv");
  }

  TaskSpec task_ = FakeTask();
  RobotSpec robot_;
  AnnotateOptions options_;
  std::vector<Episode> demos_;
  fs::path folder_;
};

}  // namespace understudy
