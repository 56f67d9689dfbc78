#include "train/run/memory.h"

#include <gmock/gmock.h>

#include "tests/train/fake_engine.h"
#include "tests/train/training_fixture.h"
#include "train/run/train_loop.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Memory, IsCountedBeforeATraining) {
  const TrainingSets sets{ScriptedSet({2})};
  const SampleLayout layout = FullLayout(*sets[0], 8, 12);
  TrainOptions options;
  options.batch = 16;
  options.loader.ring = 3;
  const Json engine{{"parameters", 1 << 20}, {"threads", 2}, {"device", "cpu"}};
  const MemoryEstimate estimate = EstimateMemory(engine, sets, layout, options);
  EXPECT_EQ(estimate.weights, 8);  // and their average
  EXPECT_EQ(estimate.optimizer, 8);
  EXPECT_EQ(estimate.gradients, 16);  // two replicas with two parts each, one of which waits
  const double frame = kImage * kImage * 3.0 / (1 << 20);
  EXPECT_NEAR(estimate.pictures, frame * 2 * static_cast<double>(sets[0]->windows()), 1e-9);
  EXPECT_GT(estimate.rows, 0);
  const double sample = 2 * frame + 4.0 * (11 + 12 + 8 * 7 + 10) / (1 << 20);
  EXPECT_NEAR(estimate.batches, sample * 16 * 4, 1e-9);

  options.trainer.ema = 0;
  options.trainer.microbatches = 16;
  options.loader.cache_mib = 0;
  const MemoryEstimate other = EstimateMemory(engine, sets, layout, options);
  EXPECT_EQ(other.weights, 4);
  EXPECT_EQ(other.gradients, 32);  // three sums wait in each replica
  EXPECT_EQ(other.pictures, 0);
}

TEST(Memory, WhatIsTooMuchIsSaid) {
  const MemoryEstimate estimate{
      .weights = 100, .optimizer = 200, .gradients = 300, .rows = 10, .pictures = 20, .batches = 5};
  EXPECT_EQ(DescribeMemory(estimate, 636),
            "memory: 600 MiB for the network (weights 100, optimizer 200, gradients 300), 35 MiB "
            "for data (rows 10, pictures 20, batches 5); activations come on top");
  EXPECT_THAT(DescribeMemory(estimate, 634),
              HasSubstr("; 634 MiB are free: reduce loader.cache_mib, loader.ring, batch or "
                        "trainer.threads, or take a smaller network"));
  // what lies on a graphics card takes nothing here
  MemoryEstimate device = estimate;
  device.on_device = true;
  EXPECT_THAT(DescribeMemory(device, 40), AllOf(HasSubstr("600 MiB for the network on the device"),
                                                testing::Not(HasSubstr("are free"))));
}

TEST(Memory, ThePeakIsThatOfTheProcess) {
  ForgetPeakMemory();
  const double before = PeakMemoryMib();
  if (before == 0) GTEST_SKIP() << "this system does not say it";
  {
    std::vector<char> much(64 << 20, 1);
    EXPECT_EQ(much.back(), 1);
  }
  EXPECT_GT(PeakMemoryMib(), before + 50);
  EXPECT_GT(FreeMemoryMib(), 0);
}

TEST(Memory, ARunSaysItFirst) {
  class First : public Progress {
   public:
    void Message(const std::string& text) override { lines.push_back(text); }
    void Start(const std::string&, int64_t, const std::string&) override {
      lines.push_back("started");
    }
    std::vector<std::string> lines;
  };
  First progress;
  TrainOptions options;
  options.out = FreshFolder("memory").string();
  options.steps = 2;
  options.batch = 4;
  options.horizon = options.execute = 4;
  const TrainReport report = TrainLoop(ScriptedSet({2}), options, FakeEngineFactory(), progress);
  const auto said = std::ranges::find_if(
      progress.lines, [](const std::string& line) { return line.starts_with("memory: "); });
  const auto started = std::ranges::find(progress.lines, "started");
  EXPECT_LT(said, started);
  EXPECT_NE(started, progress.lines.end());
  EXPECT_GT(report.ToJson()["memory_mib"]["total"], 0.0);
}

}  // namespace
}  // namespace understudy
