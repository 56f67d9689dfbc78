#include "data/store/hdf5/lock.h"

#include <hdf5.h>
#include <unistd.h>

namespace understudy::h5 {
namespace {

// Lives as long as the process.
std::recursive_mutex*& Mutex() {
  static auto* mutex = new std::recursive_mutex;
  return mutex;
}

}  // namespace

Guard::Guard() : lock_(*Mutex()) {
  // per thread where HDF5 is built for threads
  thread_local bool quiet = false;
  if (!quiet) quiet = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
}

pid_t Fork() {
  Mutex()->lock();
  const pid_t child = fork();
  if (child == 0) {
    // the child is not the thread that holds the lock and cannot release it: it gets a new one
    Mutex() = new std::recursive_mutex;
  } else {
    Mutex()->unlock();
  }
  return child;
}

}  // namespace understudy::h5
