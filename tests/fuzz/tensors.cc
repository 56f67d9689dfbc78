#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "core/base/error.h"
#include "core/base/json.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/targets.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// Tensors one behind the other, as a sound file has them; most bytes leave an entry as it is.
std::string NearlyHeader(Bytes& bytes, size_t* data) {
  const std::vector<std::string> dtypes{"F32", "F64", "BF16", "F16", "I64",
                                        "I32", "U8",  "BOOL", "F31", ""};
  const std::vector<int64_t> sizes{0, 1, 2, 3, 5, 8, -1, int64_t{1} << 31, int64_t{1} << 62};
  std::string header = "{";
  size_t at = 0;
  const size_t count = bytes.Below(5);
  for (size_t i = 0; i < count; ++i) {
    const bool sound = bytes.Below(4) > 0;
    const std::string dtype = dtypes[bytes.Below(sound ? 8 : dtypes.size())];
    Json shape = Json::array();
    size_t size = DtypeSize(dtype);
    for (size_t d = bytes.Below(4); d > 0; --d) {
      const int64_t extent = sizes[bytes.Below(sound ? 6 : sizes.size())];
      shape.push_back(extent);
      size *= static_cast<size_t>(extent);
    }
    size_t begin = at, end = at + size;
    if (!sound) begin += bytes.Below(9), end -= bytes.Below(9);
    const Json entry{{"dtype", dtype}, {"shape", shape}, {"data_offsets", {begin, end}}};
    const std::string name = bytes.Below(8) == 0 ? "t0" : "t" + std::to_string(i);
    header += (i > 0 ? ",\"" : "\"") + name + "\":" + entry.dump();
    if (sound) at = end;
  }
  header += "}";
  // and letters of it
  for (size_t n = bytes.Below(8) == 0 ? bytes.Below(4) : 0; n > 0; --n) {
    header[bytes.Below(header.size())] = bytes.Take<char>();
  }
  *data = at;
  return header;
}

}  // namespace

void FuzzTensors(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  size_t held = 0;
  const std::string header = NearlyHeader(bytes, &held);
  uint64_t said = header.size();
  if (bytes.Below(16) == 0) said = bytes.Take<uint64_t>();
  if (bytes.Below(8) == 0) held = bytes.Below(100);
  const fs::path file = fs::temp_directory_path() / ("fuzz_tensors_" + std::to_string(getpid()));
  {
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&said), sizeof(said));
    // what is not written is a hole
    out << header << std::string(std::min<size_t>(held, 1 << 16), 'x');
  }
  try {
    const TensorFile read = ReadSafetensors(file);
    size_t sum = 0;
    for (const auto& [name, blob] : read.tensors) {
      size_t needed = DtypeSize(blob.dtype);
      for (const int64_t extent : blob.shape) needed *= static_cast<size_t>(extent);
      if (needed != blob.data.size()) throw std::logic_error(name + " holds other bytes");
      sum += needed;
    }
    if (sum != held) throw std::logic_error("bytes that belong to nobody");
    WriteSafetensors(file, read.tensors, read.metadata);
    const TensorFile again = ReadSafetensors(file);
    if (again.tensors != read.tensors) throw std::logic_error("written and read: others");
  } catch (const Error&) {
    // what bad input is for
  }
  fs::remove(file);
}

}  // namespace understudy
