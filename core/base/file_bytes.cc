#include "core/base/file_bytes.h"

#include <unistd.h>

#include <cerrno>

namespace understudy {
namespace {

// `move` of what is left, until nothing is.
template <class Move>
bool InPieces(size_t bytes, const Move& move) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = move(done);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = 0;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

bool ReadAt(int fd, void* data, size_t bytes, uint64_t at) {
  return InPieces(bytes, [&](size_t done) {
    return ::pread(fd, static_cast<char*>(data) + done, bytes - done,
                   static_cast<off_t>(at + done));
  });
}

bool WriteAt(int fd, const void* data, size_t bytes, uint64_t at) {
  return InPieces(bytes, [&](size_t done) {
    return ::pwrite(fd, static_cast<const char*>(data) + done, bytes - done,
                    static_cast<off_t>(at + done));
  });
}

}  // namespace understudy
