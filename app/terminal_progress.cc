#include "app/terminal_progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace understudy {
namespace {

bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// Of UTF-8 text, one for each character.
size_t Columns(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), BeginsCharacter));
}

// At most `columns` of the text, the last one an ellipsis where something is left out; 0: all.
std::string Shortened(const std::string& text, size_t columns) {
  if (columns == 0 || Columns(text) <= columns) return text;
  size_t kept = 0, end = 0;
  for (; end < text.size(); ++end) {
    if (BeginsCharacter(text[end]) && ++kept == columns) break;
  }
  return text.substr(0, end) + "…";
}

}  // namespace

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<int64_t>(std::max(0.0, seconds) + 0.5);
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

size_t TerminalColumns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

std::string ProgressLine(const ProgressState& state, size_t columns) {
  constexpr size_t kBar = 24, kShortestBar = 6;
  const double share =
      state.total > 0
          ? std::clamp(static_cast<double>(state.done) / static_cast<double>(state.total), 0.0, 1.0)
          : 0;
  std::string tail = state.total > 0 ? fmt::format("{:3.0f}% ", 100 * share) : "";
  tail += fmt::format("{} {}, {:.1f}/s", state.done, state.unit, state.rate);
  if (state.total > 0 && state.rate > 0) {
    tail += fmt::format(", {} left",
                        FormatDuration(static_cast<double>(state.total - state.done) / state.rate));
  }
  if (!state.note.empty()) tail += ", " + state.note;
  // the bar takes what the words leave
  const size_t words = Columns(state.what) + 1 + Columns(tail);
  size_t bar = state.total > 0 ? kBar : 0;
  if (bar > 0 && columns > 0 && words + bar + 3 > columns) {
    bar = columns > words + 3 ? columns - words - 3 : 0;
    if (bar < kShortestBar) bar = 0;
  }
  std::string line = state.what + " ";
  if (bar > 0) {
    const auto filled = static_cast<size_t>(share * static_cast<double>(bar));
    line += fmt::format("[{}{}] ", std::string(filled, '#'), std::string(bar - filled, '.'));
  }
  return Shortened(line + tail, columns);
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
  // one column less: some terminals wrap when the last one is filled
  const std::string line = ProgressLine({what_, unit_, note_, total_, done_, rate},
                                        terminal_ ? TerminalColumns() - 1 : 0);
  if (terminal_) {
    std::fputs(("\r\033[K" + line).c_str(), stderr);
    std::fflush(stderr);
    drawn_ = true;
  } else {
    std::fputs((line + "\n").c_str(), stderr);
  }
}

}  // namespace understudy
