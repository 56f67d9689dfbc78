#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "train/samples/batch.h"
#include "train/samples/training_set.h"

namespace understudy {

// Thrown by an update whose loss or gradient is no number; it has changed no weight.
class NotFinite : public Error {
 public:
  // `samples` of the batch that are so by themselves; none: only all of them together are, or other
  // ranks' are.
  NotFinite(const std::string& what, std::vector<size_t> samples)
      : Error(ErrorKind::kFailed, what), samples_(std::move(samples)) {}
  const std::vector<size_t>& samples() const { return samples_; }

 private:
  std::vector<size_t> samples_;
};

// "looks.h5: demo_3, rows 4, 17; demo_5, row 2" of some samples of a batch, or of all.
std::string NameRows(const Batch& batch, const std::vector<size_t>& samples,
                     const TrainingSets& sets);

// Writes all that an update was given: each column under its name, with <column>/real; embodiment,
// sample and place (set, episode, row) of each sample; `layout` gives shapes. Throws
// Error(kFailed).
void WriteBatch(const std::filesystem::path& file, const Batch& batch, const SampleLayout& layout,
                const std::string& rows);

}  // namespace understudy
