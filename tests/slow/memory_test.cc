// Generation and repair take no more memory for a hundred times as many attempts.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "core/seam/dataset_header.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/repair.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "mimic/command.h"
#include "tests/data/kill_support.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using store_test::Folder;

// The most memory that a process held which did `work`, in MiB.
template <class F>
double PeakMiB(F work) {
  const pid_t child = store_test::Fork(work);
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

class StopsAt : public Progress {
 public:
  explicit StopsAt(int64_t at) : at_(at) {}
  void Advance(int64_t done, const std::string&) override {
    if (done == at_) RequestInterrupt();
  }

 private:
  int64_t at_;
};

class GenerationMemory : public testing::Test {
 protected:
  GenerationMemory() {
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
    DatasetHeader header;
    header.simulator = simulator->info();
    header.stage = "teleop";
    DatasetWriter writer(folder_ / "sources.h5", header);
    for (const Episode& episode : FakeDemos(task_, 4)) writer.Append(episode);
    writer.Finish();
    options_.sources = {(folder_ / "sources.h5").string()};
    options_.run.threads = 2;
  }
  struct Peaks {
    double run = 0, resume = 0;
  };
  // A run that is stopped near its end, and the one that goes on and finishes it.
  Peaks Measure(int64_t attempts) {
    options_.run.attempts = attempts;
    options_.out = (folder_ / ("out" + std::to_string(attempts) + ".h5")).string();
    const SimulatorFactory factory = FakeSimulatorFactory(task_, fake_);
    Peaks peaks;
    peaks.run = PeakMiB([&] {
      StopsAt progress(attempts - 10);
      if (!RunMimic(options_, task_, factory, progress).interrupted) throw 1;
    });
    peaks.resume = PeakMiB([&] {
      Progress quiet;
      if (RunMimic(options_, task_, factory, quiet).attempts != attempts) throw 1;
    });
    std::printf("%lld attempts: %.1f MiB, resumed %.1f MiB\n", static_cast<long long>(attempts),
                peaks.run, peaks.resume);
    return peaks;
  }

  Folder folder_;
  TaskSpec task_ = FakeTask();
  FakeOptions fake_;
  MimicOptions options_;
};

// Records of 300 bytes each: a single list of them would take 28 MiB.
TEST_F(GenerationMemory, DoesNotGrowWithAttempts) {
  fake_.grasp_radius = 0;  // no attempt succeeds
  const Peaks few = Measure(1000), many = Measure(100'000);
  EXPECT_LT(many.run, few.run + 6);
  EXPECT_LT(many.resume, few.resume + 6);
}

// Both are more episodes than HDF5 keeps the metadata of before the file is opened anew.
TEST_F(GenerationMemory, DoesNotGrowWithEpisodes) {
  fake_.grasp_radius = 0.004;  // some attempts succeed
  options_.run.keep_failed = true;
  const Peaks few = Measure(1000), many = Measure(4000);
  EXPECT_LT(many.run, few.run + 6);
  EXPECT_LT(many.resume, few.resume + 6);
}

TEST(StoreMemory, DoesNotGrowWithAttempts) {
  const Folder folder;
  const auto measure = [&](int64_t attempts) {
    const std::filesystem::path file = folder / "x.h5";
    // in a process of its own, so that this one stays small
    PeakMiB([&] {
      DatasetWriter writer(file, store_test::HeaderFor(store_test::kKilledShape),
                           {.overwrite = true});
      writer.Append(store_test::RandomEpisode(1, store_test::kKilledShape));
      for (int64_t i = 0; i < attempts; ++i) writer.AppendAttempt(store_test::AttemptOf(i));
      writer.Finish();
    });
    const double repair = PeakMiB([&] {
      if (RepairDataset(file, folder / "y.h5", true).episodes_kept != 1) throw 1;
    });
    const double merge = PeakMiB([&] { MergeDatasets({file}, folder / "z.h5", false, true); });
    EXPECT_EQ(DatasetReader(folder / "y.h5").content_hash(), DatasetReader(file).content_hash());
    std::printf("%lld attempts: repair %.1f MiB, merge %.1f MiB\n",
                static_cast<long long>(attempts), repair, merge);
    return std::pair(repair, merge);
  };
  const auto [few_repair, few_merge] = measure(1000);
  const auto [many_repair, many_merge] = measure(100'000);
  EXPECT_LT(many_repair, few_repair + 6);
  EXPECT_LT(many_merge, few_merge + 6);
}

}  // namespace
}  // namespace understudy
