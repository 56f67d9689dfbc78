#pragma once

namespace understudy {

// Lets the calling thread run before others as long as it lives, as far as the system allows:
// in real time (SCHED_RR, which asks for CAP_SYS_NICE or `ulimit -r`), else with a better niceness
// (`ulimit -e`). Threads that it starts meanwhile are ordinary ones. Destroy it on its thread.
class ControlPriority {
 public:
  ControlPriority();
  ~ControlPriority();
  ControlPriority(const ControlPriority&) = delete;
  ControlPriority& operator=(const ControlPriority&) = delete;

  // "real time", "raised" or "normal".
  const char* name() const { return name_; }

 private:
  const char* name_ = "normal";
  int policy_ = 0, priority_ = 0, niceness_ = 0;  // before
};

}  // namespace understudy
