#include "core/base/progress.h"

namespace understudy {
namespace {
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");
}  // namespace

bool InterruptRequested() { return interrupted.load(std::memory_order_relaxed); }
void RequestInterrupt() { interrupted.store(true, std::memory_order_relaxed); }
void ClearInterrupt() { interrupted.store(false, std::memory_order_relaxed); }

}  // namespace understudy
