#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace understudy {

// Reports the progress of long work. Library code never prints: app/ passes one that draws a bar, a
// test one that counts. Thread-safe.
class Progress {
 public:
  virtual ~Progress() = default;
  // `total` 0: unknown. `unit` in plural ("attempts").
  virtual void Start(const std::string& /*what*/, int64_t /*total*/, const std::string& /*unit*/) {}
  // `note` is shown behind the bar ("success 93 %").
  virtual void Advance(int64_t /*done*/, const std::string& /*note*/ = "") {}
  virtual void Finish(const std::string& /*summary*/ = "") {}
  virtual void Message(const std::string& /*line*/) {}
};

// Set by the program's signal handler; long loops look at it and stop at the next whole result,
// leaving files that resume.
bool InterruptRequested();
void RequestInterrupt();  // async-signal-safe
void ClearInterrupt();

}  // namespace understudy
