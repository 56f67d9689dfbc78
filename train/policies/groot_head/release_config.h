#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "train/policies/groot_head/groot_head_config.h"
#include "train/run/checkpoint.h"
#include "train/tensors/tensor_folder.h"

namespace understudy {

// The head in the folder of a GR00T checkpoint, whose tables hold a row for each embodiment.
// Thread-safe.
class ReleasedHead {
 public:
  // Opens `config.release`: headers only. Throws Error(kBadInput) where a file is not sound.
  explicit ReleasedHead(const GrootHeadConfig& config);

  // Throws Error(kBadInput) where the head in the folder has other tensors than these, or the
  // folder holds some that are neither the head's nor the backbone's.
  void RequireNames(const std::vector<std::string>& names) const;
  // A weight of ours as floats; of a table the row of the embodiment. Throws Error(kBadInput) where
  // it is missing or of another shape.
  std::vector<float> Read(const std::string& name, const std::vector<int64_t>& shape) const;
  // Where that stands.
  struct Part {
    const TensorFolder::Place* place = nullptr;
    uint64_t first = 0, bytes = 0;  // of the tensor
  };
  Part Find(const std::string& name, const std::vector<int64_t>& shape) const;

  const TensorFolder& tensors() const { return tensors_; }
  int slot() const { return slot_; }

 private:
  TensorFolder tensors_;
  int slot_;
};

// Copies the checkpoint that the policy was started from to `folder`, which is new or empty, with
// the policy's weights in the place of the head's: same names, same types of numbers, the tables'
// other rows and the backbone as they were. Where the checkpoint has a statistics.json and state and
// action are columns, the statistics of training stand there as those of new_embodiment, under the
// columns' names. States of an optimizer stay behind. With `plan` it is only checked. Throws Error(kBadInput) where the policy was not started from one.
void WriteReleasedHead(const PolicyArtefact& policy, const std::filesystem::path& folder,
                       bool plan);

}  // namespace understudy
