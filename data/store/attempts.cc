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
  if (!group.Has(name)) return 0;
  const std::vector<hsize_t> dims = group.Info(name).dims;
  if (dims.empty()) h5::FailReading(group.Place(name), "must have rows, is a single value");
  return static_cast<int64_t>(dims[0]);
}

// Where each row of a block begins and ends in a long column of `size` rows.
class Spans {
 public:
  // The ends of rows [first, first + count), with the one before, where the first row begins.
  Spans(const h5::Group& understudy, const std::string& name, size_t first, size_t count,
        int64_t size)
      : ends_(understudy.ReadRows(name, kI64, {}, first > 0 ? first - 1 : 0,
                                  first > 0 ? count + 1 : count)),
        at_start_(first == 0) {
    for (size_t k = 0; k < count; ++k) {
      const int64_t begin = Begin(k), end = Begin(k + 1);
      if (begin >= 0 && end >= begin && end <= size) continue;
      h5::FailReading(fmt::format("{}[{}]", understudy.Place(name), first + k),
                      fmt::format("= {} must lie in [{}, {}]", end, begin, size));
    }
  }
  int64_t Begin(size_t k) const {
    if (k == 0 && at_start_) return 0;
    return ends_.At<int64_t>(at_start_ ? k - 1 : k);
  }

 private:
  Column ends_;
  bool at_start_;
};

Pose PoseAt(const Column& poses, size_t k, size_t object, const std::string& place) {
  double v[7];
  for (size_t i = 0; i < 7; ++i) v[i] = poses.At<double>(k, 7 * object + i);
  const Eigen::Quaterniond q(v[3], v[4], v[5], v[6]);
  const bool finite = std::all_of(v, v + 3, [](double x) { return std::isfinite(x); });
  // large numbers have no finite norm
  if (!finite || !std::isfinite(q.norm()) || q.norm() < 1e-6) h5::FailReading(place, "is no pose");
  return Pose(q, Eigen::Vector3d(v[0], v[1], v[2]));
}

bool IsMissing(const Column& poses, size_t k, size_t object) {
  for (size_t i = 0; i < 7; ++i) {
    if (!std::isnan(poses.At<double>(k, 7 * object + i))) return false;
  }
  return true;
}

// Rows [first, first + count) of the table.
std::vector<AttemptRecord> ReadBlock(const h5::Group& understudy, size_t first, size_t count) {
  const h5::Guard guard;
  const auto get = [&](const char* name, ColumnType type, const std::vector<int64_t>& dims) {
    return understudy.ReadRows(name, type, dims, first, count);
  };
  const Column number = get("attempts/attempt", kI64, {});
  const Column success = get("attempts/success", kU8, {});
  const Column subtask = get("attempts/subtask", kI32, {});
  const Column steps = get("attempts/steps", kI32, {});
  const Column poses = get("attempts/object_pose", kF64, {-1, 7});
  // the part of each long column that belongs to these rows
  const auto part = [&](const char* name, ColumnType type, const Spans& spans) {
    const int64_t begin = spans.Begin(0);
    return understudy.ReadRows(name, type, {}, static_cast<hsize_t>(begin),
                               static_cast<hsize_t>(spans.Begin(count) - begin));
  };
  const Spans texts(understudy, "attempts/cause_end", first, count,
                    RowsOf(understudy, "attempts/cause_text"));
  const Spans lists(understudy, "attempts/sources_end", first, count,
                    RowsOf(understudy, "attempts/sources"));
  const Column cause = part("attempts/cause_text", kU8, texts);
  const Column sources = part("attempts/sources", kI32, lists);

  std::vector<AttemptRecord> attempts(count);
  for (size_t k = 0; k < count; ++k) {
    AttemptRecord& a = attempts[k];
    a.attempt = number.At<int64_t>(k);
    a.success = success.At<uint8_t>(k) != 0;
    a.subtask = subtask.At<int32_t>(k);
    a.steps = steps.At<int32_t>(k);
    for (size_t o = 0; o < poses.row_dims[0]; ++o) {
      if (IsMissing(poses, k, o)) continue;
      a.X_WO_start.push_back(
          PoseAt(poses, k, o, fmt::format("{}[{}]", understudy.Place(poses.path), first + k)));
    }
    a.cause.assign(cause.bytes.begin() + (texts.Begin(k) - texts.Begin(0)),
                   cause.bytes.begin() + (texts.Begin(k + 1) - texts.Begin(0)));
    for (int64_t i = lists.Begin(k); i < lists.Begin(k + 1); ++i) {
      a.sources.push_back(sources.At<int32_t>(static_cast<size_t>(i - lists.Begin(0))));
    }
  }
  return attempts;
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

int64_t CountAttempts(const h5::Group& understudy) {
  return RowsOf(understudy, "attempts/attempt");
}

void VisitAttempts(const h5::Group& understudy,
                   const std::function<void(const AttemptRecord&)>& each) {
  if (!understudy.Has("attempts/attempt")) return;
  const auto rows = static_cast<size_t>(CountAttempts(understudy));
  for (const char* name : {"attempts/success", "attempts/subtask", "attempts/steps",
                           "attempts/object_pose", "attempts/cause_end", "attempts/sources_end"}) {
    if (RowsOf(understudy, name) == static_cast<int64_t>(rows)) continue;
    h5::FailReading(understudy.Place(name),
                    fmt::format("has {} rows, must have {}", RowsOf(understudy, name), rows));
  }
  // an empty table is read too: its columns have types
  size_t first = 0;
  do {
    const size_t count = std::min(kAttemptBlock, rows - first);
    for (const AttemptRecord& record : ReadBlock(understudy, first, count)) each(record);
    first += count;
  } while (first < rows);
}

}  // namespace understudy
