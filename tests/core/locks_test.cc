// Locks on outputs, between processes and between machines.
#include "core/base/locks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Locks : public testing::TestWithParam<LockKind> {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("understudy_locks_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  LockOptions Options(int64_t now = 1000) const {
    return {.now = [now] { return now; }, .kind = GetParam()};
  }
  // What a start on `output` is told; empty: it got the lock.
  std::string Refusal(const fs::path& output, int64_t now = 1000) const {
    try {
      const OutputLock lock(output, Options(now));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    return "";
  }
  // A process that holds `output` until it is killed.
  pid_t Hold(const fs::path& output) const {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
      const OutputLock lock(output, Options());
      if (write(ready[1], "x", 1) != 1) _exit(1);
      for (;;) pause();
    }
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
  }
  void WriteHolder(const fs::path& output, const std::string& host, int64_t pid,
                   int64_t heartbeat) const {
    std::ofstream(LockFileOf(output)) << Json{
        {"host", host}, {"pid", pid}, {"started", 7}, {"since", 60}, {"heartbeat", heartbeat}};
  }
  std::string Host() const {
    char name[256] = {};
    gethostname(name, sizeof name - 1);
    return name;
  }
  fs::path folder_;
};

TEST_P(Locks, ASecondProcessIsRefusedAndToldWhoHoldsIt) {
  const fs::path output = folder_ / "a.h5";
  const pid_t child = Hold(output);
  const std::string refusal = Refusal(output);
  EXPECT_THAT(refusal, HasSubstr(output.string() + ": is being written by process " +
                                 std::to_string(child)));
  EXPECT_THAT(refusal, HasSubstr(Host()));
  EXPECT_THAT(refusal, HasSubstr("since 1970-01-01 00:16:40 UTC"));
  // other outputs are free
  EXPECT_EQ(Refusal(folder_ / "b.h5"), "");

  // killed, it leaves its file, and the lock is free at once
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(fs::exists(LockFileOf(output)));
  EXPECT_EQ(Refusal(output), "");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_P(Locks, OneProcessHoldsAnOutputOnce) {
  const fs::path output = folder_ / "run";
  const OutputLock lock(output, Options());
  EXPECT_EQ(lock.kind(), GetParam());
  // under all its names
  fs::create_directories(output);
  fs::create_directory_symlink(output, folder_ / "link");
  for (const char* name : {"run/", "./run", "link", "link/../run"}) {
    EXPECT_THAT(Refusal(folder_ / name), HasSubstr("is being written by process")) << name;
  }
}

TEST_P(Locks, IsLetGoOfWithItsObject) {
  const fs::path output = folder_ / "new" / "run";
  { const OutputLock lock(output, Options()); }
  EXPECT_FALSE(fs::exists(LockFileOf(output)));
  EXPECT_EQ(Refusal(output), "");
}

TEST_P(Locks, AnotherMachineHoldsItWhileItsHeartbeatIsFresh) {
  const fs::path output = folder_ / "a.h5";
  WriteHolder(output, "node17", 4711, 1000);
  const std::string refusal = Refusal(output, 1000 + kHeartbeatTimeoutSeconds);
  EXPECT_THAT(refusal, HasSubstr("process 4711 on node17 since 1970-01-01 00:01:00 UTC"));
  EXPECT_THAT(refusal, HasSubstr("last sign of life 1970-01-01 00:16:40 UTC"));
  EXPECT_TRUE(fs::exists(LockFileOf(output)));
  // and no longer
  EXPECT_EQ(Refusal(output, 1001 + kHeartbeatTimeoutSeconds), "");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_P(Locks, AnotherProcessWithTheSameIdIsNotTheHolder) {
  const fs::path output = folder_ / "a.h5";
  WriteHolder(output, Host(), getpid(), 1000);
  EXPECT_EQ(Refusal(output), "");
}

TEST_P(Locks, AFileThatNamesNobodyIsTakenOverOnceItIsOld) {
  const fs::path output = folder_ / "a.h5";
  std::ofstream(LockFileOf(output)) << "{\"host\": ";
  const int64_t now = std::time(nullptr);
  if (GetParam() == LockKind::kFile) {
    EXPECT_THAT(Refusal(output, now), HasSubstr("just starting"));
  }
  EXPECT_EQ(Refusal(output, now + 10 + kHeartbeatTimeoutSeconds), "");
}

INSTANTIATE_TEST_SUITE_P(Kinds, Locks, testing::Values(LockKind::kFlock, LockKind::kFile),
                         [](const auto& info) {
                           return info.param == LockKind::kFlock ? "Flock" : "File";
                         });

TEST(ProbeLock, SaysWhatWorksThere) {
  EXPECT_EQ(ProbeLock(testing::TempDir()), LockKind::kFlock);
  EXPECT_THROW(ProbeLock("/nowhere/at/all"), Error);
}

}  // namespace
}  // namespace understudy
