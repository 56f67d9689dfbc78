// When a step runs again, and who may run a pipeline.
#include "app/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "app/planned_steps.h"
#include "core/base/error.h"
#include "core/base/locks.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct ToyOptions {
  std::string text = "x", out;
  int threads = 1;
  bool overwrite = false;
  template <class V>
  void Visit(V& v) {
    v("text", text, "what is written");
    v("out", out, "folder to write", kRequired, kOutput);
    v("threads", threads, "0: one per core", Limits{0, 8}, Effect::kSpeed);
    v("overwrite", overwrite, "replace it", Effect::kPlace);
  }
};

struct TwoOutputs {
  std::string from, out, save, policy_server;
  template <class V>
  void Visit(V& v) {
    v("from", from, "folder to read");
    v("out", out, "folder to write", kRequired, kOutput);
    v("save", save, "file to write", kOutput);
    v("policy_server", policy_server, "of a policy");
  }
};

class PipelineRuns : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("understudy_pipeline_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    // as train: writes a folder
    commands_.push_back(MakeCommand<ToyOptions>(
        "train", "a toy", [this](const ToyOptions& options, CommandContext&) -> Json {
          ++runs_;
          held_ = fs::exists(LockFileOf(options.out));
          fs::create_directories(fs::path(options.out) / "checkpoints" / "1");
          std::ofstream(fs::path(options.out) / "checkpoints" / "1" / "weights") << options.text;
          return Json::object();
        }));
  }
  void TearDown() override { fs::remove_all(folder_); }

  Json Run(const std::string& with, bool plan = false) {
    const fs::path file = folder_ / "p.yaml";
    std::ofstream(file) << "name: p\nout: " << (folder_ / "out").string()
                        << "\nsteps:\n  a: {command: " << commands_[0].name << ", with: {" << with
                        << "}}\n";
    Progress silent;
    CommandContext context{.progress = &silent, .plan = plan};
    return RunPipeline({.file = file.string()}, commands_, context);
  }
  fs::path folder_;
  std::vector<Command> commands_;
  int runs_ = 0;
  bool held_ = false;
};

TEST_F(PipelineRuns, OptionsThatChangeNoResultRedoNothing) {
  Run("text: a");
  EXPECT_EQ(runs_, 1);
  EXPECT_TRUE(held_) << "a step must hold the lock of its output";
  Run("text: a");
  Run("text: a, threads: 3");
  Run("text: a, overwrite: true");
  EXPECT_EQ(runs_, 1);
  Run("text: b, threads: 3");
  EXPECT_EQ(runs_, 2);
  EXPECT_FALSE(fs::exists(LockFileOf(folder_ / "out")));
}

TEST_F(PipelineRuns, AFolderIsItsContent) {
  Run("text: a");
  const fs::path weights = folder_ / "out/a/checkpoints/1/weights";
  const std::string before = Fingerprint(folder_ / "out/a");
  EXPECT_EQ(Run("text: a", true)["to_run"], 0);

  // the same bytes at another time are the same folder
  std::ofstream(weights) << "a";
  EXPECT_EQ(Fingerprint(folder_ / "out/a"), before);

  // same size, other bytes
  std::ofstream(weights) << "z";
  const Json plan = Run("text: a", true);
  EXPECT_EQ(plan["steps"][0]["reason"], "output changed");
  EXPECT_THAT(DescribePipelinePlan(plan),
              testing::ContainsRegex(
                  "output changed, took 0:0[0-9] before\n1 of 1 steps to run, about 0:0[0-9]\n"));
  Run("text: a");
  EXPECT_EQ(runs_, 2);

  fs::remove_all(folder_ / "out/a/checkpoints");
  Run("text: a");
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(Fingerprint(folder_ / "out/a"), before);

  fs::remove_all(folder_ / "out/a");
  EXPECT_EQ(Run("text: a", true)["steps"][0]["reason"], "output missing");
}

// An evaluation that is made again takes its older videos with it.
TEST_F(PipelineRuns, VideosGoWithTheirReport) {
  commands_[0].name = "evaluate";
  commands_[0].run = [](const Json& options, CommandContext&) -> Json {
    std::ofstream(options["out"].get<std::string>()) << options["text"];
    return {{"episodes", 1}, {"successes", 1}, {"interval", {0.2, 1.0}}};
  };
  const auto run = [&](const std::string& text) {
    const fs::path file = folder_ / "p.yaml";
    std::ofstream(file) << "name: p\nout: " << (folder_ / "out").string()
                        << "\nsteps:\n  a: {command: evaluate, with: {text: " << text << "}}\n";
    Progress silent;
    CommandContext context{.progress = &silent};
    RunPipeline({.file = file.string()}, commands_, context);
  };
  run("a");
  fs::create_directories(folder_ / "out/a_videos");
  run("a");
  EXPECT_TRUE(fs::exists(folder_ / "out/a_videos"));
  run("b");
  EXPECT_FALSE(fs::exists(folder_ / "out/a_videos"));
}

// What a step writes beside its output is no input of it; parts of an older run go with it; a
// folder that it reads counts by its content, and so does what a server may have become.
TEST_F(PipelineRuns, WhatAStepReadsAndWrites) {
  const fs::path beside = folder_ / "beside", read = folder_ / "read/weights";
  fs::create_directories(read.parent_path());
  std::ofstream(read) << "1";
  commands_[0] = MakeCommand<TwoOutputs>(
      "train", "a toy", [this](const TwoOutputs& options, CommandContext&) -> Json {
        ++runs_;
        EXPECT_FALSE(fs::exists(options.save)) << "left by an older run";
        fs::create_directories(options.out);
        std::ofstream(fs::path(options.out) / "x") << options.from;
        std::ofstream(options.save) << runs_;
        return Json::object();
      });
  const std::string with = "save: " + beside.string() + ", from: " + read.parent_path().string();
  Run(with);
  std::ofstream(folder_ / "out/a.shard-000-of-002.h5") << "old";
  EXPECT_EQ(Run(with, true)["to_run"], 0);
  std::ofstream(read) << "2";
  EXPECT_EQ(Run(with, true)["to_run"], 1);
  Run(with);
  EXPECT_EQ(runs_, 2);
  EXPECT_FALSE(fs::exists(folder_ / "out/a.shard-000-of-002.h5"));
  Run(with + ", policy_server: here");
  EXPECT_EQ(Run(with + ", policy_server: here", true)["steps"][0]["reason"],
            "a server may have another policy by now");
}

// What lies at an output beside the pipeline's folder is removed only if the step made it.
TEST_F(PipelineRuns, AFileOfSomebodysOwnStays) {
  const fs::path beside = folder_ / "beside";
  std::string found;
  commands_[0] = MakeCommand<TwoOutputs>(
      "train", "a toy", [&](const TwoOutputs& options, CommandContext&) -> Json {
        found = fs::exists(options.save) ? ReadText(options.save) : "";
        fs::create_directories(options.out);
        std::ofstream(fs::path(options.out) / "x") << options.from;
        if (found.empty()) std::ofstream(options.save) << "made";
        return Json::object();
      });
  std::ofstream(beside) << "mine";
  Run("save: " + beside.string());
  EXPECT_EQ(found, "mine");
  Run("from: a, save: " + (folder_ / "other").string());
  Run("from: b, save: " + (folder_ / "other").string());
  EXPECT_EQ(found, "") << "left by an older run";
  Run("from: c, save: " + beside.string());
  EXPECT_EQ(found, "mine");
  // the folder is the pipeline's
  std::ofstream(folder_ / "out/note") << "mine";
  Run("from: d, save: " + (folder_ / "out/note").string());
  EXPECT_EQ(found, "");
}

// A table of factors has a page of its own: it is no row of the run's table.
TEST_F(PipelineRuns, AnEvaluationWithoutARateIsNoRow) {
  commands_[0].name = "evaluate";
  commands_[0].run = [](const Json& options, CommandContext&) -> Json {
    std::ofstream(options["out"].get<std::string>()) << "{}";
    return {{"factors", 3}};
  };
  const Json summary = Run("text: a");
  EXPECT_TRUE(summary["rows"].empty());
  EXPECT_TRUE(fs::exists(folder_ / "out/report.html"));
}

TEST_F(PipelineRuns, APlanWritesNothing) {
  EXPECT_EQ(Run("text: a", true)["steps"][0]["reason"], "not made yet");
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(PipelineRuns, OneRunAtATime) {
  int ready[2], done[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte = 'x';
    const OutputLock lock(folder_ / "out");
    const bool told = write(ready[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 1;
    _exit(told ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  try {
    Run("text: a");
    FAIL() << "two runs of one pipeline";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("is being written by process " + std::to_string(child)));
  }
  EXPECT_EQ(runs_, 0);
  // to look is allowed
  EXPECT_EQ(Run("text: a", true)["to_run"], 1);
  ASSERT_EQ(write(done[1], &byte, 1), 1);
  waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace understudy
