#pragma once

// A writer that is killed with SIGKILL again and again, and goes on each time.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/episode/attempt_record.h"
#include "core/episode/episode.h"
#include "data/formats/formats.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/store_support.h"

namespace understudy::store_test {

inline const EpisodeShape kKilledShape{.length = 25, .teleop_arms = 1, .raw = 30, .teleop = true};

inline AttemptRecord AttemptOf(int64_t i) {
  AttemptRecord a{.attempt = i,
                  .success = i % 2 == 0,
                  .cause = i % 2 ? "dropped" : "",
                  .steps = static_cast<int32_t>(i)};
  a.X_WO_start.assign(2, Pose::FromTranslation({static_cast<double>(i), 0, 0}));
  return a;
}

// A run as Mimic's: every attempt is recorded, every second one gives an episode.
inline void WriteAttempts(DatasetWriter& writer, int64_t end, int report_fd) {
  for (int64_t i = writer.attempts_written(); i < end; ++i) {
    const Episode episode = RandomEpisode(static_cast<uint64_t>(i), kKilledShape);
    writer.AppendAttempt(AttemptOf(i), i % 2 == 0 ? &episode : nullptr);
    if (report_fd >= 0 && i % 2 == 0 && write(report_fd, "e", 1) != 1) _exit(3);
  }
}

// Runs `work` in a child and returns its id; the child never comes back.
template <class F>
pid_t Fork(F work) {
  const pid_t child = fork();
  if (child == 0) {
    int code = 0;
    try {
      work();
    } catch (...) {
      code = 9;
    }
    _exit(code);
  }
  return child;
}

// Runs work(fd) in a child, which reports by a byte to `fd`, and kills it `delay_us` after report
// number `wait_for`, or after its last one. Returns how many there were.
template <class F>
int64_t ReportsUntilKilled(int64_t wait_for, uint64_t delay_us, F work) {
  int pipe_fds[2];
  EXPECT_EQ(pipe(pipe_fds), 0);
  const pid_t child = Fork([&] { work(pipe_fds[1]); });
  close(pipe_fds[1]);
  char byte = 0;
  int64_t reported = 0;
  while (reported < wait_for && read(pipe_fds[0], &byte, 1) == 1) ++reported;
  usleep(static_cast<unsigned>(delay_us));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  while (read(pipe_fds[0], &byte, 1) == 1) ++reported;
  close(pipe_fds[0]);
  return reported;
}

// `runs` times: starts a writer, kills it at a random moment, resumes its file and expects the file
// of a writer that was never killed. Returns how many were killed with a file on disk.
inline int KillAndResume(int runs, uint64_t seed) {
  namespace fs = std::filesystem;
  constexpr int64_t kAttempts = 40;
  Folder folder;
  std::string wanted;
  {
    DatasetWriter writer(folder / "whole.h5", HeaderFor(kKilledShape));
    WriteAttempts(writer, kAttempts, -1);
    writer.Finish();
    wanted = DatasetReader(folder / "whole.h5").content_hash();
  }
  Rng rng(RngKey{.seed = seed});
  int interrupted = 0;
  for (int run = 0; run < runs; ++run) {
    const fs::path file = folder / ("x" + std::to_string(run) + ".h5");
    fs::path part = file;
    part += ".part";
    // the first of the reported episodes that the kill waits for, and then some microseconds
    const auto wait_for = static_cast<int64_t>(rng.UniformInt(uint64_t{kAttempts / 2}));
    const uint64_t delay_us = rng.UniformInt(uint64_t{6000});
    const int64_t reported = ReportsUntilKilled(wait_for, delay_us, [&](int report_fd) {
      DatasetWriter writer(file, HeaderFor(kKilledShape));
      WriteAttempts(writer, kAttempts, report_fd);
      // whole, but not finished: waits for its end
      for (;;) pause();
    });
    if (!fs::exists(part)) {
      // killed before the first flush: nothing had been promised
      EXPECT_EQ(reported, 0);
      continue;
    }
    ++interrupted;
    {
      DatasetWriter writer(file, HeaderFor(kKilledShape), {.resume = true});
      EXPECT_LE(writer.attempts_written(), kAttempts);
      // attempt 2 i made episode i, in one flush with it
      EXPECT_GE(writer.attempts_written(), 2 * reported - 1) << "run " << run;
      EXPECT_EQ(writer.episodes_written(), (writer.attempts_written() + 1) / 2) << "run " << run;
      WriteAttempts(writer, kAttempts, -1);
      EXPECT_EQ(writer.episodes_written(), kAttempts / 2);
      writer.Finish();
    }
    const VerifyReport report = VerifyDataset(file);
    EXPECT_TRUE(report.faults.empty()) << report.faults[0].place << " " << report.faults[0].what;
    EXPECT_EQ(DatasetReader(file).content_hash(), wanted) << "run " << run;
    fs::remove(file);
  }
  return interrupted;
}

}  // namespace understudy::store_test
