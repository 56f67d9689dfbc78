#pragma once

#include <sys/types.h>

#include <mutex>

namespace understudy::h5 {

// Holds the process-wide HDF5 lock and keeps HDF5 from printing. Taken by every function of this
// folder; taken outside where several calls must not be torn apart. Recursive.
class Guard {
 public:
  Guard();

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

// fork() between two calls of HDF5, so that the child, which has this thread only, may use it.
pid_t Fork();

}  // namespace understudy::h5
