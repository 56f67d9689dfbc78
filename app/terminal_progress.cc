#include "app/terminal_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace understudy {

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<int64_t>(std::max(0.0, seconds) + 0.5);
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

TerminalProgress::TerminalProgress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO)) {}

void TerminalProgress::Start(const std::string& what, int64_t total, const std::string& unit) {
  const std::lock_guard lock(mutex_);
  what_ = what;
  unit_ = unit;
  note_.clear();
  total_ = total;
  done_ = 0;
  first_done_ = -1;
  start_ = last_draw_ = Clock::now();
}

void TerminalProgress::Advance(int64_t done, const std::string& note) {
  const std::lock_guard lock(mutex_);
  // a resumed run must not count what stood there before into its rate
  if (first_done_ < 0) first_done_ = done > 1 ? done - 1 : 0;
  done_ = done;
  note_ = note;
  const auto interval = terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10);
  if (Clock::now() - last_draw_ >= interval) Draw();
}

void TerminalProgress::Finish(const std::string& summary) {
  const std::lock_guard lock(mutex_);
  Clear();
  if (quiet_) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  std::fputs(fmt::format("{}: {} in {}\n", what_, summary.empty() ? "done" : summary,
                         FormatDuration(seconds))
                 .c_str(),
             stderr);
}

void TerminalProgress::Message(const std::string& line) {
  const std::lock_guard lock(mutex_);
  Clear();
  std::fputs((line + "\n").c_str(), stderr);
}

void TerminalProgress::Clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void TerminalProgress::Draw() {
  last_draw_ = Clock::now();
  if (quiet_) return;
  const double seconds = std::chrono::duration<double>(last_draw_ - start_).count();
  const double rate =
      seconds > 0 ? static_cast<double>(done_ - std::max<int64_t>(0, first_done_)) / seconds : 0;
  std::string line = what_ + " ";
  if (total_ > 0) {
    constexpr int kWidth = 24;
    const double share =
        std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0);
    const int filled = static_cast<int>(share * kWidth);
    line += fmt::format("[{}{}] {:3.0f}% ", std::string(filled, '#'),
                        std::string(kWidth - filled, '.'), 100 * share);
  }
  line += fmt::format("{} {}, {:.1f}/s", done_, unit_, rate);
  if (total_ > 0 && rate > 0) {
    line += fmt::format(", {} left", FormatDuration(static_cast<double>(total_ - done_) / rate));
  }
  if (!note_.empty()) line += ", " + note_;
  if (terminal_) {
    std::fputs(("\r\033[K" + line).c_str(), stderr);
    std::fflush(stderr);
    drawn_ = true;
  } else {
    std::fputs((line + "\n").c_str(), stderr);
  }
}

}  // namespace understudy
