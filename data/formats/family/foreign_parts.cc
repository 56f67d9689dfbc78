#include "data/formats/family/foreign_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/image/image.h"
#include "data/formats/base/python_json.h"
#include "data/formats/family/bare_dataset.h"
#include "data/store/hdf5/filters.h"
#include "data/store/hdf5/storage.h"
#include "data/store/image_column.h"
#include "data/store/meta.h"

namespace understudy::foreign {

using enum ColumnType;
using V3 = Eigen::Vector3d;

namespace {

// Rows and size as the file claims them.
void RequireRows(const h5::Group& demo, const std::string& name, const h5::DatasetInfo& info,
                 size_t rows) {
  if (!info.dims.empty() && info.dims[0] != rows) {
    h5::FailReading(demo.Place(name), fmt::format("has {} rows, must have {}{}", info.dims[0], rows,
                                                  ExtraRowHint(name, info.dims[0], rows)));
  }
  uint64_t bytes = sizeof(double);
  for (const hsize_t n : info.dims) {
    if (n != 0 && bytes > kMaxColumnBytes / n) {
      h5::FailReading(demo.Place(name),
                      fmt::format("claims shape ({}): more than the {} bytes allowed",
                                  fmt::join(info.dims, ", "), kMaxColumnBytes));
    }
    bytes *= n;
  }
}

// In blocks: memory holds few rows of wide columns.
constexpr uint64_t kBlockNumbers = 1 << 21;
// Wider rows are pictures (depth), which nobody reads as numbers.
constexpr uint64_t kMaxRowNumbers = 1 << 14;
constexpr int kMaxDepth = 8, kMaxMembers = 4096;

uint64_t RowNumbers(const h5::DatasetInfo& info) {
  uint64_t numbers = 1;
  for (size_t i = 1; i < info.dims.size(); ++i) {
    numbers *= std::clamp<hsize_t>(info.dims[i], 1, kBlockNumbers);
    numbers = std::min(numbers, kBlockNumbers);
  }
  return numbers;
}

bool IsModest(const h5::DatasetInfo& info) {
  const uint64_t rows = info.dims.empty() ? 0 : info.dims[0];
  return rows <= kMaxColumnBytes / sizeof(double) / RowNumbers(info);
}

using EachDataset =
    std::function<void(const std::string& path, const h5::DatasetInfo& info, bool damaged)>;

// Every dataset; of those that cannot be opened, and of links to what is not there, nothing is
// known. `left`: members that may still be
// looked at, since groups may hold each other.
void VisitDatasetsBelow(const h5::Group& group, const std::string& prefix, int depth, int& left,
                        const EachDataset& each) {
  for (const std::string& name : group.Names()) {
    if (--left < 0) return;
    const bool dataset = group.IsArray(name);
    h5::DatasetInfo info;
    std::optional<h5::Group> below;
    bool damaged = false;
    try {
      if (dataset) {
        info = group.Info(name);
      } else if (depth < kMaxDepth && group.Has(name)) {
        below = group.Open(name);
      }
    } catch (const Error&) {
      info = {};
      damaged = dataset;
    }
    const bool dangling = !dataset && !group.Has(name);
    if (dataset || dangling) each(prefix + name, info, damaged || dangling);
    if (below) VisitDatasetsBelow(*below, prefix + name + "/", depth + 1, left, each);
  }
}

}  // namespace

size_t LengthOf(const h5::Group& demo) {
  int64_t length = 0;
  std::string from = "num_samples";
  if (demo.HasAttribute("num_samples")) {
    length = demo.Int("num_samples");
  } else if (demo.IsArray("actions")) {
    from = "rows of actions";
    const std::vector<hsize_t> dims = demo.Info("actions").dims;
    length = dims.empty() ? 0 : static_cast<int64_t>(std::min<hsize_t>(dims[0], kMaxSteps + 1));
  } else {
    h5::FailReading(demo.Place(),
                    "attribute 'num_samples' is missing, and there are no `actions` whose rows "
                    "could be counted");
  }
  if (length == 0) {
    h5::FailReading(demo.Place(), fmt::format("is empty ({} = 0)", from));
  }
  if (length < 0 || length > kMaxSteps) {
    h5::FailReading(demo.Place(),
                    fmt::format("{} = {} must lie in [1, {}]", from, length, kMaxSteps));
  }
  return static_cast<size_t>(length);
}

namespace {

// Arrays that may hold the state after the last action.
const std::vector<std::string>& StatesOfRows() {
  static const std::vector<std::string> members{"obs", "states", "observations"};
  return members;
}

// Whether the arrays of `observed` have one row more than the `rows` actions.
bool HasExtraRow(const h5::Group& demo, hsize_t rows, const std::string& observed, bool mend) {
  const auto has_it = [&](const h5::DatasetInfo& info) {
    return !info.dims.empty() && info.dims[0] == rows + 1;
  };
  if (mend && demo.IsArray("states") && has_it(demo.Info("states"))) return true;
  const h5::Group obs = demo.Open(observed);
  // one array says it of nearly every file
  for (const std::string& name : obs.Names()) {
    if (mend || !obs.IsArray(name)) continue;
    if (!has_it(obs.Info(name))) return false;
    break;
  }
  size_t with = 0, without = 0;
  int left = kMaxMembers;
  VisitDatasetsBelow(obs, "", 0, left, [&](const std::string&, const h5::DatasetInfo& info, bool) {
    ++(has_it(info) ? with : without);
  });
  return with > 0 && (mend || without == 0);
}

}  // namespace

h5::Group WithoutExtraRow(h5::Group demo, uint64_t rows, const std::string& observed, bool mend) {
  const h5::Guard guard;
  try {
    if (demo.Has(observed) && HasExtraRow(demo, rows, observed, mend)) {
      return std::move(demo).Limited({StatesOfRows(), rows + 1, rows});
    }
  } catch (const std::exception&) {
    // whoever reads the episode says what is wrong
  }
  return demo;
}

h5::Group OpenEpisode(const h5::Group& data, const std::string& name, bool mend) {
  const h5::Guard guard;
  h5::Group demo = data.Open(name);
  uint64_t rows = 0;
  try {
    rows = LengthOf(demo);
    if (!demo.IsArray("actions") || demo.Info("actions").dims.at(0) != rows) return demo;
  } catch (const std::exception&) {
    return demo;  // whoever reads the episode says what is wrong
  }
  return WithoutExtraRow(std::move(demo), rows, "obs", mend);
}

std::vector<std::string> ExtraRowsOf(const h5::Group& demo) {
  std::vector<std::string> paths;
  if (!demo.is_limited()) return paths;
  int left = kMaxMembers;
  VisitDatasetsBelow(demo, "", 0, left,
                     [&](const std::string& path, const h5::DatasetInfo& info, bool) {
                       if (info.cut) paths.push_back(path);
                     });
  return paths;
}

std::string ExtraRowNote(const h5::Group& demo) {
  return fmt::format("{}: one row more than actions, the state after the last one: it is not used",
                     fmt::join(ExtraRowsOf(demo), ", "));
}

std::vector<std::string> MendedRows(const std::map<std::string, std::vector<std::string>>& cut) {
  std::vector<std::pair<std::string, std::vector<std::string>>> alike;  // columns: episodes
  for (const auto& [name, paths] : cut) {
    const std::string columns = fmt::format("{}", fmt::join(paths, ", "));
    auto found = std::ranges::find(alike, columns, [](const auto& entry) { return entry.first; });
    if (found == alike.end()) found = alike.insert(found, {columns, {}});
    found->second.push_back(name);
  }
  std::vector<std::string> lines;
  for (const auto& [columns, names] : alike) {
    lines.push_back(fmt::format("{}: the row after the last action is cut off of {}",
                                fmt::join(names, ", "), columns));
  }
  return lines;
}

std::string ExtraRowHint(const std::string& path, uint64_t found, uint64_t length) {
  const std::string member = path.substr(0, path.find('/'));
  if (found != length + 1 || std::ranges::find(StatesOfRows(), member) == StatesOfRows().end()) {
    return "";
  }
  return "; if the last is the state after the last action, `understudy data repair` cuts it off";
}

bool StoredSuccess(const h5::Group& demo) {
  for (const auto& read : {std::function<bool()>([&] { return demo.Bool(kSuccess, false); }),
                           std::function<bool()>([&] { return demo.Double(kSuccess) != 0; })}) {
    try {
      return read();
    } catch (const Error&) {
      // another type
    }
  }
  const std::string text = demo.Text(kSuccess);
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "true" || lower == "1") return true;
  if (lower == "false" || lower == "0") return false;
  h5::FailReading(demo.Place(),
                  fmt::format("attribute '{}' = '{}' must be true or false", kSuccess, text));
}

void VisitNumbers(const h5::Group& group,
                  const std::function<void(const std::string&, const h5::DatasetInfo&)>& each) {
  int left = kMaxMembers;
  VisitDatasetsBelow(group, "", 0, left,
                     [&](const std::string& path, const h5::DatasetInfo& info, bool damaged) {
                       const bool numbers = info.is_number() || info.type_class == H5T_ENUM;
                       if (damaged || (numbers && !info.dims.empty())) each(path, info);
                     });
}

std::vector<std::string> DatasetsIn(const h5::Group& group) {
  int left = kMaxMembers;
  std::vector<std::string> paths;
  VisitDatasetsBelow(
      group, "", 0, left,
      [&](const std::string& path, const h5::DatasetInfo&, bool) { paths.push_back(path); });
  return paths;
}

void RequireTaskTexts(const h5::Group& demo, size_t length) {
  if (!demo.IsArray(kTaskTexts)) return;
  const h5::DatasetInfo info = demo.Info(kTaskTexts);
  if (info.dims.size() == 1 && info.dims[0] == length) return;
  h5::FailReading(demo.Place(kTaskTexts),
                  fmt::format("has shape ({}), must have one text for each of {} rows",
                              fmt::join(info.dims, ", "), length));
}

TextColumns ReadRowTexts(const h5::Group& demo, size_t length) {
  TextColumns columns;
  int left = kMaxMembers;
  const auto each = [&](const std::string& path, const h5::DatasetInfo& info, bool) {
    const bool rows = info.dims.size() == 1 && info.dims[0] == length;
    if (rows && info.type_class == H5T_STRING) {
      columns[path] = demo.ReadTexts(path);
      for (std::string& text : columns[path]) text = AsUtf8(std::move(text));
    }
  };
  VisitDatasetsBelow(demo, "", 0, left, each);
  return columns;
}

namespace {

// Of float64: one pass over the exponents.
bool AllFinite(const Column& column) {
  constexpr uint64_t kExponent = uint64_t{0x7ff} << 52;
  bool finite = true;
  for (size_t at = 0; at + sizeof(uint64_t) <= column.bytes.size(); at += sizeof(uint64_t)) {
    uint64_t bits = 0;
    std::memcpy(&bits, &column.bytes[at], sizeof(bits));
    finite &= (bits & kExponent) != kExponent;
  }
  return finite;
}

Column ReadRowsOf(const h5::Id& dataset, const h5::DatasetInfo& info, const h5::Group& demo,
                  const std::string& name, size_t first, size_t count) {
  const h5::Guard guard;
  if (!info.is_number() || info.dims.empty()) {
    h5::FailReading(demo.Place(name), "must hold rows of numbers");
  }
  if (first + count > info.dims[0]) {
    h5::FailReading(demo.Place(name),
                    fmt::format("has {} rows, needed are {}", info.dims[0], first + count));
  }
  Column column(name, kF64, {});
  column.rows = count;
  uint64_t bytes = count * sizeof(double);
  for (size_t i = 1; i < info.dims.size(); ++i) {
    if (info.dims[i] != 0 && bytes > kMaxColumnBytes / info.dims[i]) {
      h5::FailReading(demo.Place(name),
                      fmt::format("claims rows of more than {} bytes", kMaxColumnBytes / count));
    }
    bytes *= info.dims[i];
    column.row_dims.push_back(info.dims[i]);
  }
  column.bytes.resize(bytes);
  if (bytes == 0) return column;
  const h5::Id space(H5Dget_space(dataset.get()));
  std::vector<hsize_t> start(info.dims.size(), 0), extent = info.dims;
  start[0] = first;
  extent[0] = count;
  const h5::Id memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr));
  H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr);
  if (H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), H5P_DEFAULT,
              column.bytes.data()) < 0) {
    h5::FailReading(demo.Place(name),
                    fmt::format("cannot be read ({})", h5::WhyNotRead(dataset.get())));
  }
  return column;
}

}  // namespace

std::optional<size_t> FirstRowNotFinite(const h5::Group& demo, const std::string& path,
                                        const h5::DatasetInfo& info, std::string* what) {
  if (info.type_class != H5T_FLOAT || info.dims.empty()) return std::nullopt;
  const h5::Id dataset = demo.OpenDataset(path);
  // nothing of it was ever written, whatever it claims
  const bool written = H5Dget_storage_size(dataset.get()) > 0 || h5::LiesElsewhere(dataset);
  if (!written) return std::nullopt;
  const size_t rows = info.dims[0];
  const size_t block = std::max<uint64_t>(1, kBlockNumbers / RowNumbers(info));
  for (size_t first = 0; first < rows; first += block) {
    const Column c = ReadRowsOf(dataset, info, demo, path, first, std::min(block, rows - first));
    const size_t width = c.row_size();
    if (AllFinite(c)) continue;
    for (size_t i = 0; i < c.rows * width; ++i) {
      const double v = c.At<double>(0, i);
      if (std::isfinite(v)) continue;
      *what = fmt::format("is not finite (number {} of the row is {})", i % width, v);
      return first + i / width;
    }
  }
  return std::nullopt;
}

std::optional<size_t> FirstRowOutsideBox(const h5::Group& demo, size_t rows, std::string* what) {
  const Column c = ReadRows(demo, "actions", 0, rows);
  for (size_t i = 0; i < c.rows * c.row_size(); ++i) {
    const double v = c.At<double>(0, i);
    if (std::abs(v) <= 1) continue;
    *what = fmt::format("= {} must lie in [-1, 1]", v);
    return i / c.row_size();
  }
  return std::nullopt;
}

void RequireFinite(const h5::Group& demo) {
  VisitNumbers(demo, [&](const std::string& path, const h5::DatasetInfo& info) {
    if (RowNumbers(info) > kMaxRowNumbers || !IsModest(info)) return;
    std::optional<size_t> row;
    std::string what;
    try {
      row = FirstRowNotFinite(demo, path, info, &what);
    } catch (const Error&) {
      // whoever needs the column says that it cannot be read
    }
    if (row) h5::FailReading(fmt::format("{}[{}]", demo.Place(path), *row), what);
  });
}

void RequireNamed(const h5::Group& demo, const std::string& path, const char* what,
                  const std::string& name) {
  if (demo.IsArray(path)) return;
  h5::FailReading(demo.Place(path),
                  fmt::format("no such dataset: other episodes have {} '{}'", what, name));
}

Column Optional(const h5::Group& demo, const std::string& name, size_t rows,
                const std::vector<int64_t>& dims) {
  if (!demo.Has(name)) return {};
  const h5::Id dataset = demo.OpenDataset(name);
  const h5::DatasetInfo info = demo.InfoOf(dataset, name);
  RequireRows(demo, name, info, rows);
  Column column = h5::ReadArray(dataset, info, demo.Place(name), kF64, dims);
  column.path = name;
  return column;
}

Column OptionalNumbers(const h5::Group& demo, const std::string& name, size_t rows) {
  if (!demo.Has(name)) return {};
  const h5::DatasetInfo info = demo.Info(name);
  const bool flat = info.dims.size() == 1 || (info.dims.size() == 2 && info.dims[1] == 1);
  if (!flat) {
    h5::FailReading(demo.Place(name), fmt::format("has shape ({}), must have one number per row",
                                                  fmt::join(info.dims, ", ")));
  }
  RequireRows(demo, name, info, rows);
  return demo.Read(name, kF64);
}

Column ReadRows(const h5::Group& demo, const std::string& name, size_t first, size_t count) {
  const h5::Guard guard;
  const h5::Id dataset = demo.OpenDataset(name);
  return ReadRowsOf(dataset, demo.InfoOf(dataset, name), demo, name, first, count);
}

Column FirstRow(const h5::Group& demo, const std::string& name) {
  if (!demo.Has(name)) return {};
  try {
    return ReadRows(demo, name, 0, 1);
  } catch (const Error&) {
    // the reader of the whole column reports it
    return {};
  }
}

Eigen::VectorXd Vector(const Column& c, size_t k) {
  if (c.rows == 0) return {};
  Eigen::VectorXd v(static_cast<Eigen::Index>(c.row_size()));
  for (Eigen::Index i = 0; i < v.size(); ++i) v[i] = c.At<double>(k, static_cast<size_t>(i));
  return v;
}

V3 Point(const Column& c, size_t k, size_t i) {
  return V3(c.At<double>(k, i), c.At<double>(k, i + 1), c.At<double>(k, i + 2));
}

Pose CheckedPose(const h5::Group& demo, const std::string& name, size_t k,
                 const Eigen::Quaterniond& q, const V3& p) {
  // beyond, sums and products of poses would overflow
  constexpr double kFarthest_m = 1e9;
  const bool near = p.allFinite() && p.cwiseAbs().maxCoeff() < kFarthest_m;
  if (!near || !std::isfinite(q.norm()) || q.norm() < 1e-6) {
    h5::FailReading(fmt::format("{}[{}]", demo.Place(name), k), "is no pose");
  }
  return Pose(q, p);
}

Pose PoseOfMatrix(const h5::Group& demo, const Column& c, size_t k) {
  Eigen::Matrix3d R;
  for (size_t r = 0; r < 3; ++r) {
    for (size_t i = 0; i < 3; ++i) {
      R(static_cast<int>(r), static_cast<int>(i)) = c.At<double>(k, 4 * r + i);
    }
  }
  const V3 p(c.At<double>(k, 3), c.At<double>(k, 7), c.At<double>(k, 11));
  // a mirror is orthonormal too, and no rotation
  const bool rotation = R.allFinite() &&
                        (R * R.transpose() - Eigen::Matrix3d::Identity()).norm() <= 1e-3 &&
                        R.determinant() > 0;
  if (!rotation) {
    h5::FailReading(fmt::format("{}[{}]", demo.Place(c.path), k), "is no pose matrix");
  }
  return CheckedPose(demo, c.path, k, Eigen::Quaterniond(R), p);
}

Json JsonAttribute(const h5::Group& owner, const char* name, std::string* fault) {
  if (!owner.HasAttribute(name)) return Json::object();
  try {
    const std::string text = owner.Text(name);
    if (text.empty()) return Json::object();
    const std::string place = fmt::format("attribute '{}'", name);
    Json json = ParsePythonJson(text, place);
    // some programs write the text of a text
    if (json.is_string()) json = ParsePythonJson(json.get<std::string>(), place);
    if (!json.is_object()) {
      ThrowBadInput(fmt::format("{}: not valid JSON: must be an object, is {}", place,
                                json.dump().substr(0, 40)));
    }
    return json;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kBadInput) throw;
    if (fault == nullptr) return Json::object();
    *fault = error.what();
    const std::string place = owner.Place() + ": ";
    if (fault->starts_with(place)) fault->erase(0, place.size());
    return Json::object();
  }
}

std::vector<std::string> NamesIn(const h5::Group& demo, const std::string& name) {
  if (!demo.Has(name) || demo.IsArray(name)) return {};
  std::vector<std::string> names = demo.Open(name).Names();
  for (const std::string& member : names) {
    if (!IsUtf8(member)) {
      h5::FailReading(demo.Place(name), "has a member whose name is no UTF-8");
    }
  }
  return names;
}

namespace {

// The first camera's size is the dataset's; the list of sizes is empty where all have it.
void UniteSizes(DatasetHeader* header) {
  if (header->cameras.empty()) return;
  const PictureSize first = header->picture_sizes[0];
  header->image_width = first.width;
  header->image_height = first.height;
  const bool alike = std::all_of(header->picture_sizes.begin(), header->picture_sizes.end(),
                                 [&](const PictureSize& size) { return size == first; });
  if (alike) header->picture_sizes.clear();
}

}  // namespace

void FindCameras(const h5::Group& demo, const std::string& suffix, DatasetHeader* header) {
  // a dialect that builds on another one looks again, with its own names
  header->cameras.clear();
  header->picture_sizes.clear();
  header->settings.erase(kPicturesBecome);
  for (const std::string& name : NamesIn(demo, "obs")) {
    const std::string path = "obs/" + name;
    if (!demo.IsArray(path)) continue;
    std::optional<PictureLayout> layout;
    try {
      layout = PictureLayoutOf(demo.Info(path));
    } catch (const Error&) {
      // whoever reads it says what is damaged
    }
    if (!layout || header->cameras.size() == static_cast<size_t>(kMaxCameras)) continue;
    // pictures of other names are cameras too: front_img_1
    const bool usual = name.size() > suffix.size() && name.ends_with(suffix);
    const std::string camera = usual ? name.substr(0, name.size() - suffix.size()) : name;
    if (StoredImagePath(demo, camera) != path) continue;
    header->cameras.push_back(camera);
    header->picture_sizes.push_back({layout->width, layout->height});
    const auto become = [&](const std::string& what) {
      header->settings[kPicturesBecome].push_back(fmt::format("{}: {}", path, what));
    };
    if (layout->channels == 1) become("grey becomes RGB");
    if (layout->channels == 4) become("the alpha channel is left out");
    if (layout->fraction) become("fractions are rounded to bytes");
  }
  UniteSizes(header);
}

void DropNumbers(const h5::Group& demo, const std::map<std::string, PictureScale>& pictures,
                 DatasetHeader* header) {
  std::vector<std::string> cameras;
  std::vector<PictureSize> sizes;
  for (size_t c = 0; c < header->cameras.size(); ++c) {
    const std::string& camera = header->cameras[c];
    std::string strange;
    try {
      if (!pictures.contains(camera)) strange = ImageReader(demo, camera).strange_range();
    } catch (const Error&) {
      // whoever reads it says what is damaged
    }
    if (strange.empty()) {
      cameras.push_back(camera);
      sizes.push_back(header->size_of(c));
      continue;
    }
    const std::string path = StoredImagePath(demo, camera);
    header->settings[kNoPictures][path] = fmt::format(
        "{}; it is read as a column of numbers. If they were normalised, `pictures: {{{}: {{mean: "
        "[r, g, b], std: [r, g, b]}}}}` in the file of --map makes pictures of them",
        strange, camera);
  }
  if (cameras.size() == header->cameras.size()) return;
  header->cameras = cameras;
  header->picture_sizes = sizes;
  header->image_width = header->image_height = 0;
  UniteSizes(header);
}

void RequireActions(const h5::Group& demo, size_t length) {
  if (!demo.Has("actions")) {
    std::vector<std::string> alike;
    VisitNumbers(demo, [&](const std::string& path, const h5::DatasetInfo& info) {
      if (path.find("action") == std::string::npos) return;
      alike.push_back(fmt::format("{} ({})", path, fmt::join(info.dims, ", ")));
    });
    h5::FailReading(
        demo.Place("actions"),
        "no such dataset" +
            (alike.empty() ? "" : fmt::format("; names like it: {}", fmt::join(alike, ", "))));
  }
  const auto dims = demo.Info("actions").dims;
  if ((dims.size() == 1 || dims.size() == 2) && dims[0] == length) return;
  h5::FailReading(demo.Place("actions"),
                  fmt::format("has shape ({}), must have {} rows: ({}, numbers of an action)",
                              fmt::join(dims, ", "), length, length));
}

}  // namespace understudy::foreign
