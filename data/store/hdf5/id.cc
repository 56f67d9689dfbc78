#include "data/store/hdf5/id.h"

#include "data/store/hdf5/lock.h"

namespace understudy::h5 {

Id& Id::operator=(Id&& other) noexcept {
  if (this != &other) {
    Reset();
    id_ = std::exchange(other.id_, -1);
  }
  return *this;
}

void Id::Reset() {
  if (id_ < 0) return;
  const Guard guard;
  H5Idec_ref(std::exchange(id_, -1));
}

}  // namespace understudy::h5
