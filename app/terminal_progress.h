#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "core/base/progress.h"

namespace understudy {

// A bar with rate and time left on stderr; whole lines every few seconds where stderr is no
// terminal. Quiet shows messages only.
class TerminalProgress : public Progress {
 public:
  explicit TerminalProgress(bool quiet = false);
  void Start(const std::string& what, int64_t total, const std::string& unit) override;
  void Advance(int64_t done, const std::string& note) override;
  void Finish(const std::string& summary) override;
  void Message(const std::string& line) override;

 private:
  using Clock = std::chrono::steady_clock;
  void Draw();
  void Clear();

  std::mutex mutex_;
  bool quiet_ = false, terminal_ = false, drawn_ = false;
  std::string what_, unit_, note_;
  int64_t total_ = 0, done_ = 0, first_done_ = -1;
  Clock::time_point start_, last_draw_;
};

// What a progress line shows.
struct ProgressState {
  std::string what, unit, note;
  int64_t total = 0, done = 0;  // total 0: unknown
  double rate = 0;              // per second
};
// The line, no wider than `columns` (0: as wide as it gets): the bar is shortened first, then the
// note, then the end.
std::string ProgressLine(const ProgressState& state, size_t columns);

// Columns of the terminal on stderr; 80 if unknown.
size_t TerminalColumns();

// "1:05", "2:10:00"
std::string FormatDuration(double seconds);

}  // namespace understudy
