// The attempts table: columns that grow. Lists and texts of varying length stand in one long column
// with the place of each row's end beside it: HDF5's own variable-length types keep references in
// data that is written in place, which a kill between two flushes would leave dangling.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/base/error.h"
#include "data/store/meta.h"

namespace understudy {
namespace {

using enum ColumnType;

void PutNumbers(Column& column, const AttemptRecord& a, size_t objects) {
  for (size_t o = 0; o < objects; ++o) {
    std::array<double, 7> v;
    v.fill(std::numeric_limits<double>::quiet_NaN());
    if (!a.X_WO_start.empty()) {
      const auto& p = a.X_WO_start[o].translation();
      const auto& q = a.X_WO_start[o].rotation();
      v = {p.x(), p.y(), p.z(), q.w(), q.x(), q.y(), q.z()};
    }
    for (const double number : v) column.Push(number);
  }
}

int64_t RowsOf(const h5::Group& group, const std::string& name) {
  return group.Has(name) ? static_cast<int64_t>(group.Info(name).dims.at(0)) : 0;
}

// [begin, end) of row `k`, checked against the length of the long column.
std::pair<size_t, size_t> Span(const h5::Group& group, const Column& ends, size_t k, size_t size) {
  const int64_t begin = k == 0 ? 0 : ends.At<int64_t>(k - 1), end = ends.At<int64_t>(k);
  if (begin < 0 || end < begin || end > static_cast<int64_t>(size)) {
    h5::FailReading(fmt::format("{}[{}]", group.Place(ends.path), k),
                    fmt::format("= {} must lie in [{}, {}]", end, begin, size));
  }
  return {static_cast<size_t>(begin), static_cast<size_t>(end)};
}

}  // namespace

void AppendAttempts(const h5::Group& understudy, size_t objects,
                    const std::vector<AttemptRecord>& attempts) {
  if (attempts.empty()) return;
  const h5::Guard guard;
  Column number("attempts/attempt", kI64, {}), success("attempts/success", kU8, {}),
      subtask("attempts/subtask", kI32, {}), steps("attempts/steps", kI32, {}),
      poses("attempts/object_pose", kF64, {objects, 7}), cause_end("attempts/cause_end", kI64, {}),
      sources_end("attempts/sources_end", kI64, {}), cause("attempts/cause_text", kU8, {}),
      sources("attempts/sources", kI32, {});
  const int64_t cause_start = RowsOf(understudy, cause.path);
  const int64_t sources_start = RowsOf(understudy, sources.path);
  for (const AttemptRecord& a : attempts) {
    Require(a.X_WO_start.empty() || a.X_WO_start.size() == objects,
            "an attempt has a start pose for every object of the header, or none");
    number.Push(a.attempt);
    success.Push(static_cast<uint8_t>(a.success));
    subtask.Push(a.subtask);
    steps.Push(a.steps);
    PutNumbers(poses, a, objects);
    for (const char c : a.cause) cause.Push(static_cast<uint8_t>(c));
    for (const int32_t source : a.sources) sources.Push(source);
    cause.rows += a.cause.size();
    sources.rows += a.sources.size();
    cause_end.Push(cause_start + static_cast<int64_t>(cause.rows));
    sources_end.Push(sources_start + static_cast<int64_t>(sources.rows));
  }
  for (Column* column : {&number, &success, &subtask, &steps, &poses, &cause_end, &sources_end}) {
    column->rows = attempts.size();
    understudy.Grow(*column);
  }
  understudy.Grow(cause);
  understudy.Grow(sources);
}

std::vector<AttemptRecord> ReadAttempts(const h5::Group& understudy) {
  const h5::Guard guard;
  if (!understudy.Has("attempts/attempt")) return {};
  const Column number = understudy.Read("attempts/attempt", kI64, {});
  const size_t rows = number.rows;
  const auto get = [&](const char* name, ColumnType type, const std::vector<int64_t>& dims) {
    Column column = understudy.Read(name, type, dims);
    if (column.rows != rows) {
      h5::FailReading(understudy.Place(name),
                      fmt::format("has {} rows, must have {}", column.rows, rows));
    }
    return column;
  };
  const Column success = get("attempts/success", kU8, {});
  const Column subtask = get("attempts/subtask", kI32, {});
  const Column steps = get("attempts/steps", kI32, {});
  const Column poses = get("attempts/object_pose", kF64, {-1, 7});
  const Column cause_end = get("attempts/cause_end", kI64, {});
  const Column sources_end = get("attempts/sources_end", kI64, {});
  const Column cause = understudy.Read("attempts/cause_text", kU8, {});
  const Column sources = understudy.Read("attempts/sources", kI32, {});
  std::vector<AttemptRecord> attempts(rows);
  for (size_t k = 0; k < rows; ++k) {
    AttemptRecord& a = attempts[k];
    a.attempt = number.At<int64_t>(k);
    a.success = success.At<uint8_t>(k) != 0;
    a.subtask = subtask.At<int32_t>(k);
    a.steps = steps.At<int32_t>(k);
    for (size_t o = 0; o < poses.row_dims[0]; ++o) {
      double v[7];
      for (size_t i = 0; i < 7; ++i) v[i] = poses.At<double>(k, 7 * o + i);
      if (std::all_of(v, v + 7, [](double x) { return std::isnan(x); })) continue;
      const Eigen::Quaterniond q(v[3], v[4], v[5], v[6]);
      const bool finite = std::all_of(v, v + 3, [](double x) { return std::isfinite(x); });
      // large numbers have no finite norm
      if (!finite || !std::isfinite(q.norm()) || q.norm() < 1e-6) {
        h5::FailReading(fmt::format("{}[{}]", understudy.Place(poses.path), k), "is no pose");
      }
      a.X_WO_start.push_back(Pose(q, Eigen::Vector3d(v[0], v[1], v[2])));
    }
    const auto [text, text_end] = Span(understudy, cause_end, k, cause.rows);
    a.cause.assign(cause.bytes.begin() + static_cast<long>(text),
                   cause.bytes.begin() + static_cast<long>(text_end));
    const auto [first, last] = Span(understudy, sources_end, k, sources.rows);
    for (size_t i = first; i < last; ++i) a.sources.push_back(sources.At<int32_t>(i));
  }
  return attempts;
}

}  // namespace understudy
