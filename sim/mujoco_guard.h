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

// Takes over MuJoCo's messages, which otherwise go to stderr and MUJOCO_LOG.TXT and end the
// process: an error becomes Error(kFailed), thrown through the call that caused it; warnings are
// kept for the thread that caused them. Call it before anything else of MuJoCo; any thread, any
// number of times.
void InstallMujocoHandlers();

// Warnings of the calling thread since the last call, oldest first (the newest 16 are kept).
std::vector<std::string> TakeMujocoWarnings();

// Warnings of all threads since the start of the program: tests require that it does not grow.
int64_t MujocoWarningCount();

}  // namespace understudy
