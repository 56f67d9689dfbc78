#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "train/tensors/tensor_blob.h"

namespace understudy {

// A file of named tensors in Hugging Face's safetensors format: u64 little-endian header size, a
// JSON header, then the data without gaps.
struct TensorFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

// Where the numbers of a tensor stand in its file.
struct TensorPlace {
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  // bytes of the file
};
struct TensorIndex {
  std::map<std::string, TensorPlace> tensors;
  std::map<std::string, std::string> metadata;
};

// Bytes of one element; 0 for a dtype that is not read here.
size_t DtypeSize(const std::string& dtype);

// Numbers as a tensor and back. FloatsOf requires dtype F32.
TensorBlob FloatTensor(const std::vector<float>& values, std::vector<int64_t> shape);
std::vector<float> FloatsOf(const TensorBlob& blob);

// The numbers of a tensor of F32, F16 or BF16 as floats. Requires one of these.
std::vector<float> WidenedFloats(const TensorBlob& blob);

// Files are hostile: header size, names given twice, dtypes, shapes (overflow included), offsets,
// gaps, overlaps and trailing bytes are checked before memory is taken. Throws Error(kBadInput)
// that names the file, the tensor and what is wrong.
TensorFile ReadSafetensors(const std::filesystem::path& file);

// The header of a file alone, checked likewise, for files that are larger than the memory.
TensorIndex ReadSafetensorsIndex(const std::filesystem::path& file);
// `bytes` of a file from `begin` on. Throws Error(kBadInput) where it has become shorter.
void ReadBytes(const std::filesystem::path& file, uint64_t begin, uint64_t bytes, void* out);

// Writes to `file`.part, fsyncs and renames. Tensors stand in the order of the reference
// implementation (wide dtypes first, then by name), so that equal contents give equal bytes.
// Requires data sizes that match the shapes. Throws Error(kFailed).
void WriteSafetensors(const std::filesystem::path& file, const TensorMap& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace understudy
