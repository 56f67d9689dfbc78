#include "sim/mujoco_guard.h"

#include <mujoco/mujoco.h>

#include <atomic>
#include <mutex>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr size_t kKeptWarnings = 16;
std::atomic<int64_t> g_warnings{0};
thread_local std::vector<std::string> t_warnings;

// MuJoCo expects this not to return; its C code carries unwind tables where we build.
void OnError(const char* message) { ThrowFailed(std::string("MuJoCo: ") + message); }

void OnWarning(const char* message) {
  ++g_warnings;
  if (t_warnings.size() == kKeptWarnings) t_warnings.erase(t_warnings.begin());
  t_warnings.emplace_back(message);
}

}  // namespace

void MujocoDeleter::operator()(mjModel* model) const { mj_deleteModel(model); }
void MujocoDeleter::operator()(mjData* data) const { mj_deleteData(data); }

void InstallMujocoHandlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    mju_user_error = OnError;
    mju_user_warning = OnWarning;
  });
}

std::vector<std::string> TakeMujocoWarnings() {
  std::vector<std::string> taken;
  taken.swap(t_warnings);
  return taken;
}

int64_t MujocoWarningCount() { return g_warnings; }

}  // namespace understudy
