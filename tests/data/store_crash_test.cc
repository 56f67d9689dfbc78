// Kills, full disks, and going on after them.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <memory>
#include <optional>
#include <set>

#include "core/episode/attempt_record.h"
#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"
#include "data/store/edit/repair.h"
#include "data/store/reader.h"
#include "data/store/recorder.h"
#include "data/store/writer.h"
#include "tests/data/kill_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::HasSubstr;

// tests/slow kills a thousand times
TEST(StoreCrash, KilledAtAnyMomentLosesNothingAndResumesToTheSameFile) {
  EXPECT_GT(KillAndResume(50, 11), 25);
}

// Attempts as Mimic hands them over, six at a time, up to `end`; a byte for each six.
constexpr int64_t kBatch = 6;
void AppendBatches(DatasetWriter& writer, int64_t end, int report_fd) {
  while (writer.attempts_written() < end) {
    std::vector<KeptAttempt> batch;
    const int64_t begin = writer.attempts_written();
    for (int64_t i = begin; i < begin + kBatch; ++i) {
      std::optional<Episode> episode;
      if (i % 2 == 0) episode = RandomEpisode(static_cast<uint64_t>(i), kKilledShape);
      batch.push_back({AttemptOf(i), std::move(episode)});
    }
    writer.AppendAttempts(batch);
    if (report_fd >= 0 && write(report_fd, "b", 1) != 1) _exit(3);
  }
}

// A resumed file holds whole batches, `least` attempts or more; gone on with, it becomes the file
// of a writer that was never stopped.
void ExpectWholeBatches(const fs::path& file, int64_t least, const std::string& what) {
  int64_t attempts = 0;
  {
    DatasetWriter writer(file, HeaderFor(kKilledShape), {.resume = true});
    attempts = writer.attempts_written();
    EXPECT_EQ(attempts % kBatch, 0) << what;
    EXPECT_GE(attempts, least) << what;
    EXPECT_EQ(2 * writer.episodes_written(), attempts) << what;
    AppendBatches(writer, attempts + kBatch, -1);
    writer.Finish();
  }
  const fs::path whole = fs::path(file) += ".whole";
  DatasetWriter writer(whole, HeaderFor(kKilledShape));
  AppendBatches(writer, attempts + kBatch, -1);
  writer.Finish();
  EXPECT_TRUE(VerifyDataset(file).faults.empty()) << what;
  EXPECT_EQ(DatasetReader(file).content_hash(), DatasetReader(whole).content_hash()) << what;
}

// What comes together is flushed together. A file that was killed once is longer than what HDF5
// knows of it: it is killed again.
TEST(StoreCrash, AKillLeavesWholeBatches) {
  Folder folder;
  Rng rng(RngKey{.seed = 5});
  for (int run = 0; run < 12; ++run) {
    const fs::path file = folder / fmt::format("x{}.h5", run);
    int64_t least = 0;
    for (int kills = 0; kills < 3; ++kills) {
      const uint64_t delay_us = rng.UniformInt(uint64_t{20'000});
      least += kBatch * ReportsUntilKilled(1, delay_us, [&](int report_fd) {
                 DatasetWriter writer(file, HeaderFor(kKilledShape), {.resume = true});
                 AppendBatches(writer, 1'000'000, report_fd);
               });
    }
    EXPECT_GE(least, 3 * kBatch);
    ExpectWholeBatches(file, least, fmt::format("run {}", run));
  }
}

// Wherever the disk ends.
TEST(StoreCrash, AFullDiskLeavesWholeBatches) {
  Folder folder;
  std::set<int64_t> reached;
  for (rlim_t size = 250'000; size < 1'000'000; size += 37'003) {
    const fs::path file = folder / fmt::format("x{}.h5", size);
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = Fork([&] {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{size, size};
      setrlimit(RLIMIT_FSIZE, &limit);
      DatasetWriter writer(file, HeaderFor(kKilledShape));
      try {
        AppendBatches(writer, 1000, pipe_fds[1]);
      } catch (const Error&) {
      }
    });
    close(pipe_fds[1]);
    char byte = 0;
    int64_t reported = 0;
    while (read(pipe_fds[0], &byte, 1) == 1) reported += kBatch;
    close(pipe_fds[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    reached.insert(reported);
    if (!fs::exists(fs::path(file) += ".part")) {
      EXPECT_EQ(reported, 0);
      continue;
    }
    ExpectWholeBatches(file, reported, fmt::format("{} bytes", size));
  }
  EXPECT_GT(reached.size(), 2u) << "disks that end in different batches";
}

// Half a batch is none, also where the disk is not to blame.
TEST(StoreCrash, ABrokenContractWithinABatchLeavesWhatWasFlushed) {
  Folder folder;
  const fs::path file = folder / "x.h5";
  {
    DatasetWriter writer(file, HeaderFor(kKilledShape));
    AppendBatches(writer, kBatch, -1);
    const Episode episode = RandomEpisode(6, kKilledShape);
    AttemptRecord broken = AttemptOf(7);
    broken.subtask_steps = {1};
    EXPECT_THROW(writer.AppendAttempts({{AttemptOf(6), episode}, {broken, {}}}), ContractError);
  }
  const DatasetWriter writer(file, HeaderFor(kKilledShape), {.resume = true});
  EXPECT_EQ(writer.attempts_written(), kBatch);
  EXPECT_EQ(writer.episodes_written(), kBatch / 2);
}

// A kill tears a write at any page. HDF5 hands over the heaps of its texts as raw data: they wait
// for the journal like everything else that the file refers to already. What a block of metadata
// has to spare is written at once: nothing refers to it.
TEST(StoreCrash, NothingOldChangesBeforeTheJournalIsWhole) {
  std::string wanted;
  for (const bool resumed : {true, false}) {
    Folder folder;
    const fs::path file = folder / "x.h5", part = folder / "x.h5.part";
    auto writer = std::make_unique<DatasetWriter>(file, HeaderFor(kKilledShape));
    writer->Append(RandomEpisode(1, kKilledShape));
    const DatasetWriter::Options resume{.resume = true};
    if (resumed) {
      writer.reset();
      writer = std::make_unique<DatasetWriter>(file, HeaderFor(kKilledShape), resume);
    }
    const std::string before = ReadText(part);
    // a flush that gets as far as its journal
    fs::create_directory(folder / "x.h5.part.journal");
    EXPECT_THROW(writer->Append(RandomEpisode(2, kKilledShape)), Error);
    writer.reset();
    const std::string after = ReadText(part);
    ASSERT_GT(after.size(), before.size());
    std::vector<size_t> filled;
    for (size_t i = 0; i < before.size(); ++i) {
      if (before[i] == after[i]) continue;
      ASSERT_EQ(before[i], 0) << "byte " << i;
      filled.push_back(i);
    }
    EXPECT_EQ(!filled.empty(), !resumed) << filled.size();
    if (!filled.empty()) {
      // one block of a small file
      EXPECT_LT(filled.back() - filled.front(), 4096u);
    }
    // and the episode that was whole is
    fs::remove(folder / "x.h5.part.journal");
    DatasetWriter again(file, HeaderFor(kKilledShape), resume);
    EXPECT_EQ(again.episodes_written(), 1);
    again.Finish();
    EXPECT_TRUE(VerifyDataset(file).faults.empty());
    const std::string hash = DatasetReader(file).content_hash();
    if (wanted.empty()) wanted = hash;
    EXPECT_EQ(hash, wanted);
  }
}

TEST(StoreCrash, EveryAppendedEpisodeIsInTheFileOfAKilledWriter) {
  Folder folder;
  Rng rng(RngKey{.seed = 12});
  for (int run = 0; run < 5; ++run) {
    const fs::path file = folder / ("x" + std::to_string(run) + ".h5");
    const uint64_t delay_us = rng.UniformInt(uint64_t{20000});
    const int64_t reported = ReportsUntilKilled(3, delay_us, [&](int report_fd) {
      DatasetWriter writer(file, HeaderFor(kKilledShape));
      for (uint64_t i = 0;; ++i) {
        writer.Append(RandomEpisode(i, kKilledShape));
        if (write(report_fd, "e", 1) != 1) _exit(3);
      }
    });
    // the reader refuses the unfinished file and says what to do
    fs::path part = file;
    part += ".part";
    EXPECT_THAT(ErrorOf([&] { DatasetReader reader(part); }, ErrorKind::kBadInput),
                HasSubstr("still growing"));
    EXPECT_THAT(ErrorOf([&] { DatasetReader reader(file); }, ErrorKind::kBadInput),
                HasSubstr("data repair"));
    // repair keeps every episode that Append had returned for
    const RepairReport report = RepairDataset(part, folder / "repaired.h5", true);
    EXPECT_GE(report.episodes_kept, reported);
    EXPECT_TRUE(report.dropped.empty());
    const DatasetReader reader(folder / "repaired.h5");
    for (size_t i = 0; i < reader.episodes().size(); ++i) {
      ExpectSame(RandomEpisode(i, kKilledShape), reader.ReadEpisode(i, true));
    }
  }
}

TEST(StoreCrash, FullDiskIsOneErrorAndLeavesWhatWasFlushed) {
  Folder folder;
  const fs::path file = folder / "x.h5";
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  const pid_t child = Fork([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{700'000, 700'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    DatasetWriter writer(file, HeaderFor(kKilledShape));
    std::string text;
    uint64_t done = 0;
    try {
      for (; done < 1000; ++done) writer.Append(RandomEpisode(done, kKilledShape));
    } catch (const Error& error) {
      text = std::to_string(done) + " " + error.what();
    }
    // later calls say the same
    try {
      writer.Append(RandomEpisode(0, kKilledShape));
      text += " and then it went on";
    } catch (const Error& error) {
      if (text.find(error.what()) == std::string::npos) text += " other error";
    }
    if (write(pipe_fds[1], text.data(), text.size()) < 0) _exit(3);
  });
  close(pipe_fds[1]);
  std::string text(4096, '\0');
  size_t size = 0;
  for (ssize_t n; (n = read(pipe_fds[0], text.data() + size, text.size() - size)) > 0;) {
    size += static_cast<size_t>(n);
  }
  text.resize(size);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_THAT(text, HasSubstr("x.h5.part"));
  EXPECT_THAT(text, HasSubstr("File too large"));
  EXPECT_THAT(text, testing::Not(HasSubstr("went on")));
  EXPECT_THAT(text, testing::Not(HasSubstr("other error")));
  const int64_t flushed = std::stol(text);
  EXPECT_GT(flushed, 1);
  // space is back: go on
  DatasetWriter writer(file, HeaderFor(kKilledShape), {.resume = true});
  EXPECT_EQ(writer.episodes_written(), flushed);
  writer.Append(RandomEpisode(static_cast<uint64_t>(flushed), kKilledShape));
  writer.Finish();
  const DatasetReader reader(file);
  ASSERT_EQ(reader.episodes().size(), static_cast<size_t>(flushed) + 1);
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    ExpectSame(RandomEpisode(i, kKilledShape), reader.ReadEpisode(i, true));
  }
}

TEST(StoreCrash, ResumeNeedsEqualSettings) {
  Folder folder;
  const EpisodeShape shape;
  {
    DatasetWriter writer(folder / "x.h5", HeaderFor(shape));
    writer.Append(RandomEpisode(0, shape));
    writer.BeginEpisode(RandomEpisode(1, shape), {});
    // destroyed in the middle: the half episode goes, the whole one stays
  }
  DatasetHeader other = HeaderFor(shape);
  other.settings["noise"] = 0.06;
  EXPECT_THAT(ErrorOf([&] { DatasetWriter w(folder / "x.h5", other, {.resume = true}); },
                      ErrorKind::kBadInput),
              HasSubstr("'settings.noise' differs"));
  DatasetWriter writer(folder / "x.h5", HeaderFor(shape), {.resume = true});
  EXPECT_EQ(writer.episodes_written(), 1);
  // nobody else may write it meanwhile
  EXPECT_THAT(ErrorOf([&] { DatasetWriter w(folder / "x.h5", HeaderFor(shape), {.resume = true}); },
                      ErrorKind::kFailed),
              HasSubstr("another process is writing"));
  EXPECT_THAT(
      ErrorOf([&] { DatasetWriter w(folder / "x.h5", HeaderFor(shape)); }, ErrorKind::kFailed),
      HasSubstr("another process is writing"));
  writer.Append(RandomEpisode(1, shape));
  writer.Finish();
  EXPECT_EQ(DatasetReader(folder / "x.h5").episodes().size(), 2u);
}

TEST(StoreCrash, UnwritableFolder) {
  EXPECT_THAT(
      ErrorOf([&] { DatasetWriter w("/proc/none/x.h5", HeaderFor({})); }, ErrorKind::kFailed),
      HasSubstr("/proc/none/x.h5.part"));
}

// ---- recordings ----

void Record(EpisodeRecorder& recorder, const Episode& e, size_t steps) {
  for (size_t k = 0; k < steps; ++k) {
    recorder.Append(e.steps[k]);
    if (k < e.raw.samples.size()) recorder.AppendRaw(e.raw.samples[k]);
    if (k % 7 == 3) recorder.Flush();
  }
}

TEST(StoreRecorder, RowByRowEqualsAtOnce) {
  Folder folder;
  const EpisodeShape shape{.length = 150, .arms = 2, .teleop_arms = 2, .raw = 150, .teleop = true};
  const Episode e = RandomEpisode(3, shape);
  {
    EpisodeRecorder recorder(folder / "a.h5", HeaderFor(shape), EpisodeMeta{});
    Record(recorder, e, shape.length);
    recorder.Finish(e.meta, e.final_state, e.final_observation, e.raw);
  }
  DatasetWriter writer(folder / "b.h5", HeaderFor(shape));
  writer.Append(e);
  writer.Finish();
  const DatasetReader a(folder / "a.h5"), b(folder / "b.h5");
  ASSERT_EQ(a.episodes().size(), 1u);
  ExpectSame(e, a.ReadEpisode(0, true));
  EXPECT_EQ(a.content_hash(), b.content_hash());
  EXPECT_TRUE(VerifyDataset(folder / "a.h5").faults.empty());
  EXPECT_THAT(ErrorOf([&] { EpisodeRecorder r(folder / "a.h5", HeaderFor(shape), e.meta); },
                      ErrorKind::kUsage),
              HasSubstr("never replaces"));
}

TEST(StoreRecorder, DiscardKeepsTheRows) {
  Folder folder;
  const EpisodeShape shape;
  const Episode e = RandomEpisode(3, shape);
  EpisodeRecorder recorder(folder / "a.h5", HeaderFor(shape), e.meta);
  Record(recorder, e, 5);
  recorder.Discard("operator pressed B");
  EXPECT_TRUE(fs::exists(folder / "a.h5.rejected"));
  EXPECT_FALSE(fs::exists(folder / "a.h5.part"));
  EXPECT_FALSE(fs::exists(folder / "a.h5"));
}

TEST(StoreRecorder, KilledRecordingsAreSalvaged) {
  Folder folder;
  const EpisodeShape shape{.length = 90, .teleop_arms = 1, .raw = 90, .teleop = true};
  const Episode e = RandomEpisode(4, shape);
  Rng rng(RngKey{.seed = 2});
  for (int run = 0; run < 6; ++run) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const std::string name = "r" + std::to_string(run);
    const pid_t child = Fork([&] {
      EpisodeRecorder recorder(folder / (name + ".h5"), HeaderFor(shape), e.meta);
      for (size_t k = 0; k < shape.length; ++k) {
        recorder.Append(e.steps[k]);
        recorder.AppendRaw(e.raw.samples[k]);
        recorder.Flush();
        if (write(pipe_fds[1], "r", 1) != 1) _exit(3);
      }
      for (;;) pause();
    });
    close(pipe_fds[1]);
    char byte = 0;
    int64_t rows = 0;
    while (rows < 5 + run * 10 && read(pipe_fds[0], &byte, 1) == 1) ++rows;
    // while it lives, it is left alone
    if (run == 0) {
      const auto busy = Salvage(folder.path());
      ASSERT_EQ(busy.size(), 1u);
      EXPECT_EQ(busy[0].rows, 0);
      EXPECT_THAT(busy[0].outcome, HasSubstr("another process is writing"));
    }
    usleep(static_cast<unsigned>(rng.UniformInt(uint64_t{5000})));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(pipe_fds[0], &byte, 1) == 1) ++rows;
    close(pipe_fds[0]);
    const auto reports = Salvage(folder.path());
    ASSERT_EQ(reports.size(), 1u);
    // the last flushed row gives the final state
    EXPECT_GE(reports[0].rows, rows - 1);
    EXPECT_THAT(reports[0].outcome, HasSubstr("interrupted"));
    EXPECT_FALSE(fs::exists(folder / (name + ".h5.part")));
    const fs::path salvaged = folder / (name + ".interrupted.h5");
    EXPECT_TRUE(VerifyDataset(salvaged).faults.empty());
    const Episode back = DatasetReader(salvaged).ReadEpisode(0, true);
    ASSERT_EQ(back.length(), static_cast<size_t>(reports[0].rows));
    EXPECT_EQ(back.meta.cause, "interrupted");
    EXPECT_FALSE(back.meta.success);
    for (size_t k = 0; k < back.length(); ++k) {
      EXPECT_EQ(back.steps[k].state, e.steps[k].state);
      EXPECT_EQ(back.steps[k].action, e.steps[k].action);
      EXPECT_EQ(back.steps[k].teleop.sample_id, e.steps[k].teleop.sample_id);
    }
    EXPECT_EQ(back.final_state, e.steps[back.length()].state);
    EXPECT_GE(back.raw.samples.size(), back.length());
  }
  EXPECT_TRUE(Salvage(folder.path()).empty());
}

}  // namespace
}  // namespace understudy
