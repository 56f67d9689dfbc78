#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "teleop/command.h"
#include "tests/support/fake_simulator.h"
#include "tests/teleop/fake_device.h"

namespace understudy {

// An empty folder of the running test.
inline std::filesystem::path FreshFolder() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / fmt::format("teleop_{}", test->name());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

// A world with an operator at a fake headset.
struct World {
  explicit World(const FakeOptions& options = {})
      : simulator(MakeFakeSimulator(task, options)),
        checker(MakeFakeSimulator(task, options)),
        operator_(LoadOperatorSpec(LoadTaskSpec("stack", UNDERSTUDY_SOURCE_DIR "/sim/tasks")), task,
                  simulator->info(), device) {}
  RecordOutcome Record1(const std::filesystem::path& file, const RecordOptions& options = {}) {
    RecordPlan plan;
    plan.file = file;
    plan.header.simulator = simulator->info();
    plan.header.stage = "teleop";
    plan.header.model_text = simulator->ModelText();
    plan.variant = "D0";
    plan.key = RngKey{.seed = 5}.WithStage("teleop").WithParent(2);
    plan.program_version = "test";
    return Record(device, *simulator, *checker, task, operator_.pacer, plan, options, announcer)
        .Wait();
  }
  TeleopReport Session(const TeleopOptions& options) {
    Progress quiet;
    return RunTeleop(options, task, *simulator, *checker, device, operator_.pacer, quiet,
                     announcer);
  }

  TaskSpec task = FakeTask();
  std::unique_ptr<Simulator> simulator, checker;
  FakeDevice device;
  OperatorAtDevice operator_;
  Announcer announcer{nullptr, nullptr};
};

}  // namespace understudy
