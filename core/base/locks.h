#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace understudy {

// Who holds a lock, as its file says.
struct LockHolder {
  std::string host;
  int64_t pid = 0;
  int64_t started = 0;    // of the process, in the host's clock ticks: distinguishes reused ids
  int64_t since = 0;      // UTC, s
  int64_t heartbeat = 0;  // UTC, s; renewed every kHeartbeatSeconds
};

inline constexpr int64_t kHeartbeatSeconds = 10;
// A holder on another machine whose heartbeat is older has died, or its clock is wrong.
inline constexpr int64_t kHeartbeatTimeoutSeconds = 120;

enum class LockKind {
  kFlock,  // the kernel holds it, and lets go of it when the process ends
  kFile,   // the file system has no working flock: the file itself is the lock
};

struct LockOptions {
  // UTC, s.
  std::function<int64_t()> now;
  // Empty: kFlock where the file system supports it.
  std::optional<LockKind> kind;
};

// "<output>.lock", an absolute path: beside the output, so that it may be a file or a folder.
std::filesystem::path LockFileOf(const std::filesystem::path& output);

// Holds an output for one writer at a time, on one machine and across machines that share a file
// system. The lock is the file LockFileOf(output), which names its holder and is renewed by a
// thread; it is removed with the object. What a dead process left is taken over: at once on its own
// machine, after kHeartbeatTimeoutSeconds on another one.
class OutputLock {
 public:
  // Makes the folder of `output` if it is missing. Throws Error(kUsage) naming the holder if
  // `output` is locked, Error(kFailed) if the lock file cannot be written.
  explicit OutputLock(const std::filesystem::path& output, const LockOptions& options = {});
  ~OutputLock();
  OutputLock(const OutputLock&) = delete;
  OutputLock& operator=(const OutputLock&) = delete;

  LockKind kind() const { return kind_; }

 private:
  bool TakeFlock(const std::filesystem::path& output);
  void TakeFile(const std::filesystem::path& output);
  void Write();
  void Renew();

  std::filesystem::path file_;
  std::function<int64_t()> now_;
  LockHolder self_;
  LockKind kind_ = LockKind::kFlock;
  int fd_ = -1;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread renewer_;
};

// Holder that `file` names; nothing if it is missing or not a lock file.
std::optional<LockHolder> ReadLockHolder(const std::filesystem::path& file);

// Whether a holder can no longer be at work at the time `now` (UTC, s): on this machine if no such
// process runs, on another one if its heartbeat is too old.
bool IsStale(const LockHolder& holder, int64_t now);

// Kind of lock that works in `folder`, found by trying. Throws Error(kFailed) if no file can be
// made in it.
LockKind ProbeLock(const std::filesystem::path& folder);

}  // namespace understudy
