#include "data/store/hdf5/library.h"

#include <fmt/format.h>
#include <hdf5.h>

#include "data/store/hdf5/lock.h"

namespace understudy {

bool IsHdf5(const std::filesystem::path& file) {
  const h5::Guard guard;
  return H5Fis_hdf5(file.c_str()) > 0;
}

std::string Hdf5Version() {
  unsigned major = 0, minor = 0, release = 0;
  const h5::Guard guard;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace understudy
