#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct mjModel_;
struct mjData_;

namespace understudy {

// For std::unique_ptr of what MuJoCo makes.
struct MujocoDeleter {
  void operator()(mjModel_* model) const;
  void operator()(mjData_* data) const;
};

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
