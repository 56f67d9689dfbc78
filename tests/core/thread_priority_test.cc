#include "core/base/thread_priority.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace understudy {
namespace {

struct Scheduling {
  int policy, niceness;
  bool operator==(const Scheduling&) const = default;
};

// Of the calling thread.
Scheduling Now() {
  return {sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, getpriority(PRIO_PROCESS, 0)};
}

TEST(ControlPriority, LastsAsLongAsItLivesAndIsNotInherited) {
  const Scheduling before = Now();
  {
    const ControlPriority priority;
    const std::string name = priority.name();
    EXPECT_EQ(Now().policy, name == "real time" ? SCHED_RR : SCHED_OTHER);
    EXPECT_EQ(Now().niceness < before.niceness, name == "raised");
    Scheduling started{};
    std::thread([&] { started = Now(); }).join();
    EXPECT_EQ(started.policy, SCHED_OTHER);
    EXPECT_GE(started.niceness, 0);
  }
  EXPECT_EQ(Now(), before);
}

}  // namespace
}  // namespace understudy
