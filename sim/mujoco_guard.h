#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace understudy {

// Makes MuJoCo report to us instead of printing, writing MUJOCO_LOG.TXT and leaving the process:
// its errors become Error(kFailed) thrown through the call that met them, its warnings are kept for
// the thread that caused them. Called by everything that touches MuJoCo first; any thread, any
// number of times.
void InstallMujocoHandlers();

// Warnings of the calling thread since the last call, oldest first (the newest 16 are kept).
std::vector<std::string> TakeMujocoWarnings();

// Warnings of all threads since the start of the program: tests require that it does not grow.
int64_t MujocoWarningCount();

}  // namespace understudy
