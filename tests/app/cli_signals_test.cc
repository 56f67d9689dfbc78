#include <gtest/gtest.h>

#include <csignal>

#include "app/cli.h"
#include "core/base/progress.h"

namespace understudy {
namespace {

// Ctrl-C, the end of a job, and Slurm's warning before it all ask a command to stop at a whole
// result; a signal without a handler would end this test.
TEST(CliSignals, EverySignalOfAJobActsAsTheFirstCtrlC) {
  char program[] = "understudy", data[] = "data", info[] = "info", file[] = "/nowhere.h5";
  char* arguments[] = {program, data, info, file, nullptr};
  EXPECT_EQ(RunCommandLine(4, arguments), 3);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    ClearInterrupt();
    std::raise(signal);
    EXPECT_TRUE(InterruptRequested()) << signal;
  }
  ClearInterrupt();
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) std::signal(signal, SIG_DFL);
}

}  // namespace
}  // namespace understudy
