// Kills, full disks, and going on after them.

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "data/store/command.h"
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

// Once a second instead of after each episode: a kill costs what came since, attempts and episodes
// alike, and going on makes the file of a writer that was never killed.
TEST(StoreCrash, AWriterThatFlushesByTheClockLosesNoMoreThanThat) {
  Folder folder;
  constexpr int64_t kAttempts = 40;
  const fs::path whole = folder / "whole.h5";
  {
    DatasetWriter writer(whole, HeaderFor(kKilledShape));
    WriteAttempts(writer, kAttempts, -1);
    writer.Finish();
  }
  // killed after the first episode, and when more than a second of them has gone by
  for (const int wait_for : {1, 13}) {
    const fs::path file = folder / fmt::format("x{}.h5", wait_for);
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = Fork([&] {
      DatasetWriter writer(file, HeaderFor(kKilledShape), {.flush_seconds = 1});
      for (int64_t end = 2; end <= kAttempts; end += 2) {
        WriteAttempts(writer, end, pipe_fds[1]);
        usleep(100'000);
      }
    });
    close(pipe_fds[1]);
    char byte = 0;
    int64_t reported = 0;
    while (reported < wait_for && read(pipe_fds[0], &byte, 1) == 1) ++reported;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(pipe_fds[0]);

    DatasetWriter writer(file, HeaderFor(kKilledShape), {.resume = true});
    EXPECT_EQ(writer.episodes_written(), (writer.attempts_written() + 1) / 2);
    if (wait_for > 10) {
      EXPECT_GE(writer.attempts_written(), 2) << "a second has gone by";
    }
    WriteAttempts(writer, kAttempts, -1);
    writer.Finish();
    EXPECT_EQ(DatasetReader(file).content_hash(), DatasetReader(whole).content_hash());
  }
}

// A kill tears a write at any page. HDF5 hands over the heaps of its texts as raw data: they wait
// for the journal like everything else that stands in the file already.
TEST(StoreCrash, NothingOldChangesBeforeTheJournalIsWhole) {
  Folder folder;
  const fs::path file = folder / "x.h5", part = folder / "x.h5.part";
  {
    DatasetWriter writer(file, HeaderFor(kKilledShape));
    writer.Append(RandomEpisode(1, kKilledShape));
  }
  DatasetWriter writer(file, HeaderFor(kKilledShape), {.resume = true});
  const std::string before = ReadText(part);
  // a flush that gets as far as its journal
  fs::create_directory(folder / "x.h5.part.journal");
  EXPECT_THROW(writer.Append(RandomEpisode(2, kKilledShape)), Error);
  const std::string after = ReadText(part);
  ASSERT_GT(after.size(), before.size());
  EXPECT_TRUE(after.compare(0, before.size(), before) == 0);
}

TEST(StoreCrash, EveryAppendedEpisodeIsInTheFileOfAKilledWriter) {
  Folder folder;
  Rng rng(RngKey{.seed = 12});
  for (int run = 0; run < 5; ++run) {
    const fs::path file = folder / ("x" + std::to_string(run) + ".h5");
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = Fork([&] {
      DatasetWriter writer(file, HeaderFor(kKilledShape));
      for (uint64_t i = 0;; ++i) {
        writer.Append(RandomEpisode(i, kKilledShape));
        if (write(pipe_fds[1], "e", 1) != 1) _exit(3);
      }
    });
    close(pipe_fds[1]);
    char byte = 0;
    int64_t reported = 0;
    while (reported < 3 && read(pipe_fds[0], &byte, 1) == 1) ++reported;
    usleep(static_cast<unsigned>(rng.UniformInt(uint64_t{20000})));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(pipe_fds[0], &byte, 1) == 1) ++reported;
    close(pipe_fds[0]);
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
