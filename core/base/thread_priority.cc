#include "core/base/thread_priority.h"

#include <sched.h>
#include <sys/resource.h>

namespace understudy {
namespace {

// The lowest of them is before every ordinary thread, and behind the system's own.
constexpr int kRealTime = 1;
constexpr int kNiceness = -10;

}  // namespace

// 0 is the calling thread, not its process: so it is in Linux.
ControlPriority::ControlPriority() {
  sched_param before{};
  policy_ = sched_getscheduler(0);
  if (policy_ < 0 || sched_getparam(0, &before) != 0) return;
  priority_ = before.sched_priority;
  niceness_ = getpriority(PRIO_PROCESS, 0);
  const sched_param real_time{.sched_priority = kRealTime}, ordinary{.sched_priority = 0};
  if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &real_time) == 0) {
    name_ = "real time";
  } else if (niceness_ > kNiceness &&
             sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &ordinary) == 0) {
    if (setpriority(PRIO_PROCESS, 0, kNiceness) == 0) name_ = "raised";
  }
}

ControlPriority::~ControlPriority() {
  if (policy_ < 0) return;
  // a thread without privileges cannot take the reset of its children back: it does no harm
  const sched_param before{.sched_priority = priority_};
  if (sched_setscheduler(0, policy_, &before) != 0) {
    sched_setscheduler(0, policy_ | SCHED_RESET_ON_FORK, &before);
  }
  setpriority(PRIO_PROCESS, 0, niceness_);
}

}  // namespace understudy
