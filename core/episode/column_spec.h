#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace understudy {

// What a policy learns from and what it learns to do.
enum class ColumnRole { kOther, kState, kAction };

// A column of numbers of a dataset, of any meaning and width, as the dataset's own format names it.
struct ColumnSpec {
  std::string name;                // "obs/robot0_eef_pos" of HDF5, "observation.state" of LeRobot
  std::string dtype;               // as stored, by numpy's name: "float32"
  std::vector<size_t> shape;       // of one row; empty: one number
  std::vector<std::string> parts;  // names of the numbers of a row; empty: they have none
  ColumnRole role = ColumnRole::kOther;
  bool operator==(const ColumnSpec&) const = default;

  size_t size() const {  // numbers per row
    size_t count = 1;
    for (const size_t n : shape) count *= n;
    return count;
  }
};

}  // namespace understudy
