#include "train/samples/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.h"

namespace understudy {

const BatchColumn* Batch::Find(std::string_view name) const {
  const auto found = std::ranges::find(columns, name, &BatchColumn::name);
  return found == columns.end() ? nullptr : &*found;
}

const BatchColumn& Batch::operator[](std::string_view name) const {
  const BatchColumn* found = Find(name);
  Require(found != nullptr, fmt::format("the batch holds column '{}'", name));
  return *found;
}

BatchColumn& Batch::operator[](std::string_view name) {
  return const_cast<BatchColumn&>(std::as_const(*this)[name]);
}

void BatchTotals::Column::AddReal(int32_t embodiment) {
  ++real;
  const auto slot = static_cast<size_t>(embodiment);
  if (real_by_embodiment.size() <= slot) real_by_embodiment.resize(slot + 1);
  ++real_by_embodiment[slot];
}

BatchTotals TotalsOf(const Batch& batch) {
  if (batch.whole) return *batch.whole;
  BatchTotals totals;
  totals.size = batch.size;
  for (const BatchColumn& column : batch.columns) {
    BatchTotals::Column& total = totals.columns[column.name];
    total.known =
        std::ranges::count_if(column.numbers, [](float number) { return !std::isnan(number); });
    const size_t steps =
        batch.size > 0 ? column.real_BT.size() / static_cast<size_t>(batch.size) : 0;
    for (size_t i = 0; i < column.real_BT.size(); ++i) {
      if (column.real_BT[i] != 0) total.AddReal(batch.embodiment_B[i / steps]);
    }
  }
  return totals;
}

Batch PartOf(const Batch& batch, size_t first, size_t size) {
  Require(first + size <= static_cast<size_t>(batch.size), "a part of the batch");
  const auto copy = [&](const auto& from, auto& to) {
    const size_t width = from.size() / static_cast<size_t>(batch.size);
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first * width);
    to.assign(begin, begin + static_cast<std::ptrdiff_t>(size * width));
  };
  Batch part;
  part.size = static_cast<int>(size);
  for (const BatchColumn& column : batch.columns) {
    BatchColumn& copied = part.columns.emplace_back();
    copied.name = column.name;
    copy(column.numbers, copied.numbers);
    copy(column.pixels, copied.pixels);
    copy(column.tokens, copied.tokens);
    copy(column.real_BT, copied.real_BT);
  }
  copy(batch.embodiment_B, part.embodiment_B);
  copy(batch.sample_B, part.sample_B);
  part.whole = TotalsOf(batch);
  return part;
}

}  // namespace understudy
