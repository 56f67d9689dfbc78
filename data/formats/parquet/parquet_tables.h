#pragma once

// Changes of Arrow's tables on their way from one file to another; internal to this folder.

#include <arrow/api.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace understudy {

// The numbers as an array of `type`, a number or lists of one number; as int64 where `type` is
// neither or one of them does not fit.
arrow::Result<std::shared_ptr<arrow::Array>> ArrayLike(const std::shared_ptr<arrow::DataType>& type,
                                                       const std::vector<double>& values);

// Those rows of the table, in that order.
arrow::Result<std::shared_ptr<arrow::Table>> RowsInOrder(const std::shared_ptr<arrow::Table>& table,
                                                         const std::vector<int64_t>& order);

}  // namespace understudy
