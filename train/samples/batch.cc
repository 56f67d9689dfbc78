#include "train/samples/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/error.h"

namespace understudy {

const BatchColumn& Batch::operator[](std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const BatchColumn& column) { return column.name == name; });
  Require(found != columns.end(), fmt::format("the batch holds column '{}'", name));
  return *found;
}

BatchColumn& Batch::operator[](std::string_view name) {
  return const_cast<BatchColumn&>(std::as_const(*this)[name]);
}

}  // namespace understudy
