#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "train/tensors/safetensors.h"

namespace understudy {

// The tensors of a checkpoint folder of Hugging Face's layout, whose weights may be spread over
// several safetensors files: model.safetensors.index.json says which tensor is in which, or there
// is one model.safetensors. Headers are read and checked at once, numbers one tensor at a time.
// Thread-safe.
class TensorFolder {
 public:
  // Throws Error(kBadInput) where a file is missing or not sound, or the index and the files
  // disagree, naming both.
  explicit TensorFolder(const std::filesystem::path& folder);

  struct Place {
    std::filesystem::path file;
    TensorPlace tensor;
  };
  const std::map<std::string, Place>& tensors() const { return tensors_; }
  const std::filesystem::path& folder() const { return folder_; }
  // Null where there is none.
  const Place* Find(const std::string& name) const;

 private:
  std::filesystem::path folder_;
  std::map<std::string, Place> tensors_;
};

// Bytes [first, first + bytes) of a tensor. Requires that they lie in it.
TensorBlob ReadPart(const TensorFolder::Place& place, std::vector<int64_t> shape, uint64_t first,
                    uint64_t bytes);

}  // namespace understudy
