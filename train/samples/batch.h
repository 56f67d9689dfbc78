#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "train/samples/columns.h"

namespace understudy {

// Letters of shapes: B batch, T time steps of the column, H height, W width, S state, A action,
// L tokens, O object labels.

// One column of a batch, contiguous: B x T x the column's shape. One of the three lists is used:
// pixels by images, tokens by the instruction, numbers by all others.
struct BatchColumn {
  std::string name;
  std::vector<float> numbers;   // normalised; NaN where an episode does not know
  std::vector<uint8_t> pixels;  // rgb
  std::vector<int32_t> tokens;  // 0 = padding
  // 1 inside the episode; 0 where its first or last row is repeated, or its action is not learnt
  std::vector<uint8_t> real_BT;
};

// What a loss divides by: the same for every part of a batch.
struct BatchTotals {
  struct Column {
    int64_t real = 0;   // of real_BT
    int64_t known = 0;  // numbers that are not NaN
    std::vector<int64_t> real_by_embodiment = {};
    void AddReal(int32_t embodiment);
    bool operator==(const Column&) const = default;
  };
  int size = 0;                           // B
  std::map<std::string, Column> columns;  // by name
  bool operator==(const BatchTotals&) const = default;
};

// Where a sample stands in what is learnt from.
struct SampleRow {
  size_t set = 0, episode = 0, row = 0;  // of TrainingSets, TrainingSet::episodes
  bool operator==(const SampleRow&) const = default;
};

// One minibatch in main memory, with the columns that the policy asked for; no tensor type, so that
// loading needs no LibTorch.
struct Batch {
  int size = 0;  // B
  std::vector<BatchColumn> columns;
  std::vector<int32_t> embodiment_B;  // slot of the per-embodiment tables
  std::vector<uint64_t> sample_B;     // identity (episode uuid and row): parent of RngKeys
  std::vector<SampleRow> row_B;       // empty: of no training set
  std::optional<BatchTotals> whole;   // of the batch that this is a part of; none: it is whole

  // Null where the batch does not hold the column.
  const BatchColumn* Find(std::string_view name) const;
  // Requires that the batch holds the column.
  const BatchColumn& operator[](std::string_view name) const;
  BatchColumn& operator[](std::string_view name);
};

// Of the whole batch.
BatchTotals TotalsOf(const Batch& batch);

// Samples [first, first + size) of a batch, as a part of it.
Batch PartOf(const Batch& batch, size_t first, size_t size);

}  // namespace understudy
