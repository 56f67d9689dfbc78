// The attempts table: columns that grow. Lists and texts of varying length stand in one long column
// with the place of each row's end beside it: HDF5's own variable-length types keep references in
// data that is written in place, which a kill between two flushes would leave dangling.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/meta.h"

namespace understudy {
namespace {

using enum ColumnType;

constexpr const char* kNumber = "attempts/attempt";
constexpr std::array kOfRows{"attempts/success",     "attempts/subtask",   "attempts/steps",
                             "attempts/object_pose", "attempts/cause_end", "attempts/sources_end"};
constexpr std::array kLong{"attempts/cause_text", "attempts/sources"};
constexpr const char* kSubtaskSteps = "attempts/subtask_steps";
constexpr int32_t kUnknownSteps = -1;

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

// A block is read by inflating every chunk that holds a part of it: chunks that are larger than a
// block would be inflated over and over.
void CheckChunks(const h5::Group& understudy, const std::string& name) {
  const h5::Guard guard;
  if (!understudy.Has(name)) return;
  const h5::DatasetInfo info = understudy.Info(name);
  if (info.type_size > sizeof(double)) {
    h5::FailReading(understudy.Place(name),
                    fmt::format("holds numbers of {} bytes, must hold such of at most {}",
                                info.type_size, sizeof(double)));
  }
  const h5::Id dataset = understudy.OpenDataset(name);
  const h5::Id plist(H5Dget_create_plist(dataset.get()));
  if (H5Pget_layout(plist.get()) != H5D_CHUNKED) return;
  std::vector<hsize_t> chunk(info.dims.size());
  const int rank = static_cast<int>(chunk.size());
  if (H5Pget_chunk(plist.get(), rank, chunk.data()) != rank) {
    h5::FailReading(understudy.Place(name), "the shape of its chunks cannot be read");
  }
  // in floating point, which does not overflow
  double numbers = 1, most = static_cast<double>(kAttemptBlock);
  for (const hsize_t n : chunk) numbers *= static_cast<double>(n);
  for (size_t i = 1; i < info.dims.size(); ++i) {
    most *= static_cast<double>(std::max<hsize_t>(info.dims[i], 1));
  }
  if (numbers <= most) return;
  h5::FailReading(understudy.Place(name),
                  fmt::format("has chunks of shape ({}), must have such of at most {} rows",
                              fmt::join(chunk, ", "), kAttemptBlock));
}

// Rows that stand nowhere in the file cost time all the same.
void CheckClaim(const h5::Group& understudy, size_t rows) {
  constexpr uint64_t kUnstoredBytes = uint64_t{1} << 26, kDeflated = 1100;  // at most, by zlib
  const h5::Guard guard;
  const h5::Id dataset = understudy.OpenDataset(kNumber);
  const uint64_t stored = H5Dget_storage_size(dataset.get());
  if (rows * sizeof(int64_t) / kDeflated <= kUnstoredBytes / kDeflated + stored) return;
  h5::FailReading(understudy.Place(kNumber),
                  fmt::format("claims {} rows, of which the file holds {} bytes", rows, stored));
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
std::vector<AttemptRecord> ReadBlock(const h5::Group& understudy, size_t objects, size_t first,
                                     size_t count) {
  const h5::Guard guard;
  const auto get = [&](const char* name, ColumnType type, const std::vector<int64_t>& dims) {
    return understudy.ReadRows(name, type, dims, first, count);
  };
  const Column number = get(kNumber, kI64, {});
  const Column success = get("attempts/success", kU8, {});
  const Column subtask = get("attempts/subtask", kI32, {});
  const Column steps = get("attempts/steps", kI32, {});
  const Column poses =
      get("attempts/object_pose", kF64, {static_cast<int64_t>(objects), int64_t{7}});
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
  // files of older programs lack them
  const bool has_steps = understudy.Has(kSubtaskSteps);
  const Column subtask_steps = has_steps ? part(kSubtaskSteps, kI32, lists) : Column();

  std::vector<AttemptRecord> attempts(count);
  for (size_t k = 0; k < count; ++k) {
    AttemptRecord& a = attempts[k];
    a.attempt = number.At<int64_t>(k);
    a.success = success.At<uint8_t>(k) != 0;
    a.subtask = subtask.At<int32_t>(k);
    a.steps = steps.At<int32_t>(k);
    const std::string place = fmt::format("{}[{}]", understudy.Place(poses.path), first + k);
    size_t missing = 0;
    for (size_t o = 0; o < objects; ++o) missing += IsMissing(poses, k, o);
    if (missing > 0 && missing < objects) {
      h5::FailReading(place,
                      fmt::format("holds poses of {} of its {} objects, must hold all or none",
                                  objects - missing, objects));
    }
    for (size_t o = 0; missing == 0 && o < objects; ++o) {
      a.X_WO_start.push_back(PoseAt(poses, k, o, place));
    }
    a.cause.assign(cause.bytes.begin() + (texts.Begin(k) - texts.Begin(0)),
                   cause.bytes.begin() + (texts.Begin(k + 1) - texts.Begin(0)));
    for (int64_t i = lists.Begin(k); i < lists.Begin(k + 1); ++i) {
      a.sources.push_back(sources.At<int32_t>(static_cast<size_t>(i - lists.Begin(0))));
      if (!has_steps) continue;
      a.subtask_steps.push_back(subtask_steps.At<int32_t>(static_cast<size_t>(i - lists.Begin(0))));
    }
    if (std::count(a.subtask_steps.begin(), a.subtask_steps.end(), kUnknownSteps) > 0) {
      a.subtask_steps.clear();
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
      sources("attempts/sources", kI32, {}), subtask_steps(kSubtaskSteps, kI32, {});
  const int64_t cause_start = RowsOf(understudy, cause.path);
  const int64_t sources_start = RowsOf(understudy, sources.path);
  // a row per source; rows of older programs are filled with -1
  bool has_steps = understudy.Has(kSubtaskSteps);
  for (int64_t i = RowsOf(understudy, kSubtaskSteps); i < sources_start; ++i) {
    subtask_steps.Push(kUnknownSteps);
  }
  for (const AttemptRecord& a : attempts) {
    Require(a.X_WO_start.empty() || a.X_WO_start.size() == objects,
            "an attempt has a start pose for every object of the header, or none");
    Require(a.subtask_steps.empty() || a.subtask_steps.size() == a.sources.size(),
            "an attempt has steps for every subtask that it has a source for, or none");
    number.Push(a.attempt);
    success.Push(static_cast<uint8_t>(a.success));
    subtask.Push(a.subtask);
    steps.Push(a.steps);
    PutNumbers(poses, a, objects);
    for (const char c : a.cause) cause.Push(static_cast<uint8_t>(c));
    for (size_t i = 0; i < a.sources.size(); ++i) {
      sources.Push(a.sources[i]);
      subtask_steps.Push(a.subtask_steps.empty() ? kUnknownSteps : a.subtask_steps[i]);
    }
    has_steps |= !a.subtask_steps.empty();
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
  if (!has_steps) return;
  subtask_steps.rows = subtask_steps.bytes.size() / sizeof(int32_t);
  understudy.Grow(subtask_steps);
}

int64_t CountAttempts(const h5::Group& understudy) { return RowsOf(understudy, kNumber); }

void VisitAttempts(const h5::Group& understudy, size_t objects, const EachAttempt& each) {
  if (!understudy.Has(kNumber)) return;
  const auto rows = static_cast<size_t>(CountAttempts(understudy));
  CheckClaim(understudy, rows);
  CheckChunks(understudy, kNumber);
  CheckChunks(understudy, kSubtaskSteps);
  for (const char* name : kLong) CheckChunks(understudy, name);
  for (const char* name : kOfRows) {
    CheckChunks(understudy, name);
    if (RowsOf(understudy, name) == static_cast<int64_t>(rows)) continue;
    h5::FailReading(understudy.Place(name),
                    fmt::format("has {} rows, must have {}", RowsOf(understudy, name), rows));
  }
  const int64_t listed = RowsOf(understudy, "attempts/sources");
  if (understudy.Has(kSubtaskSteps) && RowsOf(understudy, kSubtaskSteps) != listed) {
    h5::FailReading(
        understudy.Place(kSubtaskSteps),
        fmt::format("has {} rows, must have {}", RowsOf(understudy, kSubtaskSteps), listed));
  }
  // an empty table is read too: its columns have types
  size_t first = 0;
  do {
    const size_t count = std::min(kAttemptBlock, rows - first);
    for (const AttemptRecord& record : ReadBlock(understudy, objects, first, count)) each(record);
    first += count;
  } while (first < rows);
}

void CopyAttempts(const std::function<void(const EachAttempt&)>& visit, size_t objects,
                  h5::GrowingFile* file) {
  std::vector<AttemptRecord> block;
  size_t untrimmed = 0;
  const auto append = [&] {
    AppendAttempts(file->root().Open("understudy"), objects, block);
    untrimmed += block.size();
    block.clear();
    file->Flush();
    if (untrimmed < kTrimAttempts) return;
    file->Trim(0);
    untrimmed = 0;
  };
  visit([&](const AttemptRecord& attempt) {
    block.push_back(attempt);
    if (block.size() == kAttemptBlock) append();
  });
  append();
}

}  // namespace understudy
