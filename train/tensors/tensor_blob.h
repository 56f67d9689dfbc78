#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace understudy {

// A tensor without a tensor library: what checkpoints store and networks give and take.
struct TensorBlob {
  std::string dtype = "F32";  // as in safetensors: F32, F64, BF16, I64, U8, …
  std::vector<int64_t> shape;
  std::vector<uint8_t> data;  // row-major, little-endian
  bool operator==(const TensorBlob&) const = default;
};
using TensorMap = std::map<std::string, TensorBlob>;

}  // namespace understudy
