#include "data/store/hdf5/filters.h"

#include <fmt/format.h>
#include <lzf.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "data/store/hdf5/errors.h"
#include "data/store/hdf5/id.h"
#include "data/store/hdf5/lock.h"

namespace understudy::h5 {
namespace {

// Its number in HDF5's registry of filters; its third value is the number of bytes of a chunk.
constexpr H5Z_filter_t kLzf = 32000;
constexpr size_t kChunkBytes = 2;
constexpr size_t kMostBytes = size_t{1} << 31;

// Reads; writing is refused. Returns the number of bytes, 0 where the chunk is damaged.
size_t Decompress(unsigned flags, size_t count, const unsigned values[], size_t in_bytes,
                  size_t* buffer_bytes, void** buffer) {
  if ((flags & H5Z_FLAG_REVERSE) == 0) return 0;
  size_t size = count > kChunkBytes ? values[kChunkBytes] : 0;
  if (size == 0 || size > kMostBytes) size = *buffer_bytes;
  for (; size <= kMostBytes; size *= 2) {
    void* out = H5allocate_memory(size, false);
    if (out == nullptr) return 0;
    errno = 0;
    const unsigned written =
        lzf_decompress(*buffer, static_cast<unsigned>(in_bytes), out, static_cast<unsigned>(size));
    if (written > 0) {
      H5free_memory(*buffer);
      *buffer = out;
      *buffer_bytes = size;
      return written;
    }
    const bool larger = errno == E2BIG;
    H5free_memory(out);
    if (!larger) return 0;
  }
  return 0;
}

std::string NameOf(H5Z_filter_t filter) {
  static const std::map<H5Z_filter_t, const char*> names{
      {H5Z_FILTER_SZIP, "szip"}, {307, "bzip2"}, {32001, "blosc"}, {32004, "lz4"},
      {32008, "bitshuffle"},     {32013, "zfp"}, {32015, "zstd"},  {32017, "sz"},
      {32026, "blosc2"},         {kLzf, "lzf"}};
  const auto known = names.find(filter);
  return known == names.end() ? fmt::format("number {}", filter) : known->second;
}

}  // namespace

void RegisterFilters() {
  static std::once_flag once;
  std::call_once(once, [] {
    const Guard guard;
    const H5Z_class2_t lzf{H5Z_CLASS_T_VERS, kLzf, 1, 1, "lzf", nullptr, nullptr, Decompress};
    H5Zregister(&lzf);
  });
}

std::string WhyNotRead(hid_t dataset) {
  const Guard guard;
  std::string why = ErrorText();
  const Id plist(H5Dget_create_plist(dataset));
  std::vector<std::string> missing;
  const int count = H5Pget_nfilters(plist.get());
  for (int i = 0; i < count; ++i) {
    unsigned flags = 0;
    size_t values = 0;
    const H5Z_filter_t filter = H5Pget_filter2(plist.get(), static_cast<unsigned>(i), &flags,
                                               &values, nullptr, 0, nullptr, nullptr);
    if (filter >= 0 && H5Zfilter_avail(filter) <= 0) missing.push_back(NameOf(filter));
  }
  if (missing.empty()) return why;
  return fmt::format(
      "it is compressed by {}, which HDF5 here lacks: `pip install hdf5plugin`, then "
      "`HDF5_PLUGIN_PATH=$(python3 -c 'import hdf5plugin; print(hdf5plugin.PLUGINS_PATH)') "
      "h5repack -f NONE FILE COPY` makes a copy without",
      fmt::join(missing, ", "));
}

}  // namespace understudy::h5
