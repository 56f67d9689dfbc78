#include "core/base/locks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// Text of a lock file: always so long, so that one write replaces it as a whole.
constexpr size_t kFileBytes = 512;
constexpr int kTries = 20;  // the file may vanish between two looks at it

int64_t SystemSeconds() { return static_cast<int64_t>(std::time(nullptr)); }

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown host";
  return name.data();
}

// Start of a process in clock ticks since its machine's, or 0 if there is no such process.
int64_t StartOf(int64_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(in, text);
  // the second field is a name in brackets, which may hold anything; the 22nd is the start
  const size_t bracket = text.rfind(')');
  if (bracket == std::string::npos) return 0;
  std::istringstream fields(text.substr(bracket + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return std::strtoll(field.c_str(), nullptr, 10);
}

std::string UtcText(int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text.data();
}

[[noreturn]] void ThrowHeld(const fs::path& output, const std::optional<LockHolder>& holder) {
  if (!holder) {
    ThrowUsage(fmt::format("{}: is being written by another process, which is just starting",
                           output.string()));
  }
  const bool here = holder->host == HostName();
  ThrowUsage(fmt::format(
      "{}: is being written by process {} on {} since {}; wait for it, end it, or choose another "
      "output{}",
      output.string(), holder->pid, here ? "this machine (" + holder->host + ")" : holder->host,
      UtcText(holder->since),
      here ? ""
           : fmt::format(" (last sign of life {}; if that machine is down, its lock is taken over "
                         "{} s later)",
                         UtcText(holder->heartbeat), kHeartbeatTimeoutSeconds)));
}

[[noreturn]] void ThrowErrno(const fs::path& file, const char* what) {
  const std::string reason = std::strerror(errno);
  ThrowFailed(fmt::format("{}: lock file: {} failed: {}", file.string(), what, reason));
}

// Whether `file` still is the one behind `fd`.
bool IsSameFile(const fs::path& file, int fd) {
  struct stat by_name {
  }, by_fd{};
  return ::stat(file.c_str(), &by_name) == 0 && ::fstat(fd, &by_fd) == 0 &&
         by_name.st_ino == by_fd.st_ino && by_name.st_dev == by_fd.st_dev;
}

bool LacksFlock(int error) {
  return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL;
}

bool SameHolder(const LockHolder& a, const LockHolder& b) {
  return a.host == b.host && a.pid == b.pid && a.started == b.started && a.since == b.since;
}

std::string TextOf(const LockHolder& holder) {
  std::string text = Json{
      {"host", holder.host},
      {"pid", holder.pid},
      {"started", holder.started},
      {"since", holder.since},
      {"heartbeat",
       holder.heartbeat}}.dump();
  text.resize(std::max(text.size() + 1, kFileBytes), ' ');
  text.back() = '\n';
  return text;
}

}  // namespace

fs::path LockFileOf(const fs::path& output) {
  // "run/", "./run" and a link to it are one folder
  std::error_code failed;
  fs::path whole = fs::weakly_canonical(output, failed);
  if (failed) whole = fs::absolute(output).lexically_normal();
  std::string text = whole.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text + ".lock";
}

std::optional<LockHolder> ReadLockHolder(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  const Json json = Json::parse(text.str(), nullptr, false);
  if (!json.is_object()) return {};
  LockHolder holder;
  try {
    holder.host = json.at("host").get<std::string>();
    holder.pid = json.at("pid").get<int64_t>();
    holder.started = json.at("started").get<int64_t>();
    holder.since = json.at("since").get<int64_t>();
    holder.heartbeat = json.at("heartbeat").get<int64_t>();
  } catch (const Json::exception&) {
    return {};
  }
  return holder;
}

bool IsStale(const LockHolder& holder, int64_t now) {
  if (holder.host != HostName()) return now - holder.heartbeat > kHeartbeatTimeoutSeconds;
  return StartOf(holder.pid) != holder.started;
}

OutputLock::OutputLock(const fs::path& output, const LockOptions& options)
    : file_(LockFileOf(output)), now_(options.now ? options.now : SystemSeconds) {
  self_ = {HostName(), static_cast<int64_t>(getpid()), StartOf(getpid()), now_(), now_()};
  std::error_code failed;
  if (file_.has_parent_path()) fs::create_directories(file_.parent_path(), failed);
  if (failed) {
    ThrowFailed(fmt::format("{}: cannot make the folder: {}", output.string(), failed.message()));
  }
  const bool try_flock = options.kind.value_or(LockKind::kFlock) == LockKind::kFlock;
  if (try_flock && TakeFlock(output)) {
    kind_ = LockKind::kFlock;
  } else {
    kind_ = LockKind::kFile;
    TakeFile(output);
  }
  renewer_ = std::thread([this] { Renew(); });
}

// False if the file system has no flock.
bool OutputLock::TakeFlock(const fs::path& output) {
  for (int i = 0; i < kTries; ++i) {
    fd_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) ThrowErrno(file_, "open");
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      const std::optional<LockHolder> holder = ReadLockHolder(file_);
      ::close(fd_);
      fd_ = -1;
      if (LacksFlock(error)) return false;
      if (error == EWOULDBLOCK) ThrowHeld(output, holder);
      errno = error;
      ThrowErrno(file_, "flock");
    }
    // its last holder may have removed the file between the two calls
    if (!IsSameFile(file_, fd_)) {
      ::close(fd_);
      fd_ = -1;
      continue;
    }
    // some file systems keep flock within one machine: then the heartbeat decides
    const std::optional<LockHolder> holder = ReadLockHolder(file_);
    if (holder && holder->host != self_.host && !IsStale(*holder, now_())) {
      ::close(fd_);
      fd_ = -1;
      ThrowHeld(output, holder);
    }
    Write();
    return true;
  }
  ThrowHeld(output, {});
}

void OutputLock::TakeFile(const fs::path& output) {
  for (int i = 0; i < kTries; ++i) {
    fd_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd_ >= 0) return Write();
    if (errno != EEXIST) ThrowErrno(file_, "open");
    const std::optional<LockHolder> holder = ReadLockHolder(file_);
    if (!holder) {
      // made a moment ago and not written yet, or cut off by a full disk
      struct stat made {};
      if (::stat(file_.c_str(), &made) != 0) continue;
      if (now_() - made.st_mtime <= kHeartbeatTimeoutSeconds) ThrowHeld(output, holder);
    } else if (!IsStale(*holder, now_())) {
      ThrowHeld(output, holder);
    }
    // only one of several may remove what a dead process left: it is renamed first, and given back
    // if it turns out to be the new lock of a faster one
    const fs::path aside = fmt::format("{}.{}.{}", file_.string(), self_.host, self_.pid);
    if (::rename(file_.c_str(), aside.c_str()) != 0) continue;
    const std::optional<LockHolder> taken = ReadLockHolder(aside);
    const bool same = holder ? taken && SameHolder(*holder, *taken) : !taken;
    if (!same) ::link(aside.c_str(), file_.c_str());
    ::unlink(aside.c_str());
    if (!same) ThrowHeld(output, taken);
  }
  ThrowHeld(output, ReadLockHolder(file_));
}

void OutputLock::Write() {
  const std::string text = TextOf(self_);
  const ssize_t written = ::pwrite(fd_, text.data(), text.size(), 0);
  if (written == static_cast<ssize_t>(text.size())) return;
  const int error = written < 0 ? errno : ENOSPC;
  ::unlink(file_.c_str());
  ::close(fd_);
  fd_ = -1;
  errno = error;
  ThrowErrno(file_, "write");
}

// The heartbeat. A renewal that fails is tried again: the lock runs out if none succeeds.
void OutputLock::Renew() {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, std::chrono::seconds(kHeartbeatSeconds), [&] { return stop_; })) {
    LockHolder next = self_;
    next.heartbeat = now_();
    const std::string text = TextOf(next);
    if (::pwrite(fd_, text.data(), text.size(), 0) > 0) self_ = next;
  }
}

OutputLock::~OutputLock() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  if (renewer_.joinable()) renewer_.join();
  // another one's lock, taken over while this process was stopped, is not ours to remove
  if (fd_ >= 0 && IsSameFile(file_, fd_)) ::unlink(file_.c_str());
  if (fd_ >= 0) ::close(fd_);
}

LockKind ProbeLock(const fs::path& folder) {
  std::string name = (folder / ".understudy_lock_XXXXXX").string();
  const int first = ::mkostemp(name.data(), O_CLOEXEC);
  if (first < 0) {
    const std::string reason = std::strerror(errno);
    ThrowFailed(fmt::format("{}: no file can be made in it: {}", folder.string(), reason));
  }
  const int second = ::open(name.c_str(), O_RDWR | O_CLOEXEC);
  // it works if a second holder is refused
  const bool works = second >= 0 && ::flock(first, LOCK_EX | LOCK_NB) == 0 &&
                     ::flock(second, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (second >= 0) ::close(second);
  ::close(first);
  ::unlink(name.c_str());
  return works ? LockKind::kFlock : LockKind::kFile;
}

}  // namespace understudy
