#include "data/store/hdf5_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/json.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/group.h"
#include "data/store/image_column.h"
#include "data/store/meta.h"

namespace understudy {
namespace {

// Open image datasets, the least recently used closed first. Thread-safe.
class ImageCache {
 public:
  // Name of the episode, camera: numbers change where bad episodes are left out.
  using Key = std::pair<std::string, size_t>;
  template <class Open>
  std::shared_ptr<const ImageReader> Get(const Key& key, Open open) {
    {
      const std::scoped_lock lock(mutex_);
      const auto found = entries_.find(key);
      if (found != entries_.end()) {
        order_.splice(order_.begin(), order_, found->second.place);
        return found->second.reader;
      }
    }
    // two threads may open the same one: the second handle is dropped
    auto reader = std::make_shared<const ImageReader>(open());
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) return found->second.reader;
    order_.push_front(key);
    entries_[key] = {reader, order_.begin()};
    if (order_.size() > kMaxOpen) {
      entries_.erase(order_.back());
      order_.pop_back();
    }
    return reader;
  }

 private:
  static constexpr size_t kMaxOpen = 4096;
  struct Entry {
    std::shared_ptr<const ImageReader> reader;
    std::list<Key>::iterator place;
  };
  std::mutex mutex_;
  std::list<Key> order_;
  std::map<Key, Entry> entries_;
};

// Keys for which something has been done. Thread-safe.
class DoneSet {
 public:
  bool Holds(const ImageCache::Key& key) const {
    const std::scoped_lock lock(mutex_);
    return keys_.contains(key);
  }
  void Add(const ImageCache::Key& key) {
    const std::scoped_lock lock(mutex_);
    keys_.insert(key);
  }

 private:
  mutable std::mutex mutex_;
  std::set<ImageCache::Key> keys_;
};

// Compares the pictures of one episode and camera with the hash that was stored with them. `step`
// is the one that is asked for.
void CheckPictures(const h5::Group& demo, const std::string& camera, const ImageReader& reader,
                   size_t step, const std::filesystem::path& path) {
  const h5::Group own = demo.Open("understudy");
  const Json hashes = ParseJson(own.Text("column_hashes"), own.Place() + ": column_hashes");
  const std::string column = StoredImagePath(demo, camera);
  const bool stored = hashes.is_object() && hashes.contains(column);
  if (stored && reader.Hash() == hashes[column]) return;
  h5::FailReading(
      reader.place(),
      fmt::format("the pictures {} (found when step {} was read): the file was changed or damaged; "
                  "`understudy data verify {}` lists every fault",
                  stored ? "differ from the hash that was stored with them" : "have no stored hash",
                  step, path.string()));
}

constexpr const char* kBoolDtype = "bool";

// As h5py stores booleans.
bool IsBool(const h5::DatasetInfo& info) {
  return info.type_class == H5T_ENUM && info.type_size == 1;
}

// numpy's name of a type of numbers.
std::string DtypeOf(const h5::DatasetInfo& info) {
  if (info.type_class == H5T_ENUM) return kBoolDtype;
  const size_t bits = 8 * info.type_size;
  if (info.type_class == H5T_FLOAT) return fmt::format("float{}", bits);
  return fmt::format("{}int{}", info.is_signed ? "" : "u", bits);
}

// Appends every array of numbers below `group` that has a row for each step.
void AddColumns(const h5::Group& group, const std::string& prefix, size_t length, int depth,
                const std::set<std::string>& no_pictures, std::vector<ColumnSpec>& columns) {
  constexpr int kMaxDepth = 8;
  for (const std::string& name : group.Names()) {
    const std::string path = prefix + name;
    if (path == "understudy" || path == "next_obs") continue;
    const h5::DatasetInfo info = [&] {
      try {
        return group.Info(name);
      } catch (const Error&) {  // a group, or damaged: whoever reads it says so
        return h5::DatasetInfo{};
      }
    }();
    if (info.type_class == H5T_NO_CLASS) {
      if (depth < kMaxDepth && group.Has(name)) {
        try {
          AddColumns(group.Open(name), path + "/", length, depth + 1, no_pictures, columns);
        } catch (const Error&) {  // no group either
        }
      }
      continue;
    }
    const bool picture = PictureLayoutOf(info) && !no_pictures.contains(path);
    const bool column = (info.is_number() || IsBool(info)) && !picture && !info.dims.empty() &&
                        info.dims[0] == length;
    if (!column) continue;
    columns.push_back({path, DtypeOf(info), {info.dims.begin() + 1, info.dims.end()}, {}, {}});
  }
}

constexpr size_t kMostMatrixNumbers = 64;  // of a row: poses and the like

bool IsListOfTexts(const h5::Group& group, const std::string& name) {
  if (!group.IsArray(name)) return false;
  try {
    const h5::DatasetInfo info = group.Info(name);
    const bool one = info.dims.size() == 1;
    return one && (info.type_class == H5T_STRING || info.dims[0] == 0);
  } catch (const Error&) {
    return true;  // whoever reads it says what is damaged
  }
}

}  // namespace

struct Hdf5Source::Impl {
  h5::Group root;
  mutable ImageCache images;
  bool check_hashes = false;
  std::map<std::string, PictureScale> pictures;
  mutable DoneSet checked;
};

Hdf5Source::Hdf5Source(const std::filesystem::path& path, const ReadOptions& options)
    : EpisodeSource(path), impl_(std::make_unique<Impl>()) {
  const h5::Guard guard;
  if (path.extension() == ".part") {
    ThrowBadInput(
        fmt::format("{}: a file that is still growing: its writer runs or was killed; "
                    "run the same command again to resume it, or `understudy data "
                    "repair` to keep what is whole",
                    path.string()));
  }
  impl_->root = h5::OpenForReading(path, options.outside_links);
  impl_->check_hashes = options.check_hashes;
  impl_->pictures = options.pictures;
  if (!impl_->root.Has("data")) {
    std::vector<std::string> names = impl_->root.Names();
    constexpr size_t kMostNames = 5;
    const bool more = names.size() > kMostNames;
    names.resize(std::min(kMostNames, names.size()));
    ThrowBadInput(fmt::format(
        "{}: an HDF5 file, but no dataset: it has no group '/data', in which robomimic's files "
        "hold their episodes (/data/demo_0/actions, …); it has {}{}",
        path.string(), names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", ")),
        more ? ", …" : ""));
  }
}

Hdf5Source::~Hdf5Source() = default;
Hdf5Source::Hdf5Source(Hdf5Source&&) noexcept = default;

const h5::Group& Hdf5Source::root() const { return impl_->root; }

h5::Group Hdf5Source::Demo(size_t index) const {
  return OpenDemo(impl_->root.Open("data"), episodes_[index].name);
}

h5::Group Hdf5Source::OpenDemo(const h5::Group& data, const std::string& name) const {
  return data.Open(name);
}

std::vector<EpisodeSummary> Hdf5Source::ListDemos(bool also_bad) const {
  const h5::Group data = impl_->root.Open("data");
  std::vector<EpisodeSummary> episodes;
  for (const std::string& name : EpisodeNames(data)) {
    EpisodeSummary& summary = episodes.emplace_back();
    summary.name = name;
    try {
      summary.length = ReadLength(data.Open(name));
    } catch (const Error&) {
      if (!also_bad) throw;
    }
    summary.linked_file = data.ExternalTarget(name);
  }
  return episodes;
}

// Every picture of an episode that has any, for the sake of errors.
void Hdf5Source::ReadPictures(size_t index) const {
  std::vector<uint8_t> frame;
  for (size_t c = 0; c < header_.cameras.size(); ++c) {
    const PictureSize size = header_.size_of(c);
    {
      const h5::Guard guard;
      const h5::Group demo = Demo(index);
      if (!demo.Has(StoredImagePath(demo, header_.cameras[c]))) continue;
    }
    frame.resize(3 * static_cast<size_t>(size.width) * static_cast<size_t>(size.height));
    for (size_t k = 0; k < episodes_[index].length; ++k) ReadFrame(index, c, k, frame.data());
  }
}

void Hdf5Source::LeaveOutBad() {
  std::vector<EpisodeSummary> sound;
  for (size_t e = 0; e < episodes_.size(); ++e) {
    try {
      ReadEpisode(e);
      ReadPictures(e);
      sound.push_back(episodes_[e]);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
      std::string reason = error.what();
      if (reason.ends_with(kSkipBadHint)) {
        reason.resize(reason.size() - std::string_view(kSkipBadHint).size());
      }
      skipped_.push_back({episodes_[e].name, reason});
    }
  }
  episodes_ = std::move(sound);
}

void Hdf5Source::DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const {
  const std::string& name = header_.cameras[camera];
  const ImageCache::Key key{episodes_[index].name, camera};
  const auto open = [&] {
    const h5::Group demo = Demo(index);
    const auto scale = impl_->pictures.find(name);
    ImageReader reader(
        demo, name, scale == impl_->pictures.end() ? std::optional<PictureScale>() : scale->second);
    const PictureSize size = header_.size_of(camera);
    const bool right = reader.width() == size.width && reader.height() == size.height &&
                       reader.frames() == episodes_[index].length;
    if (!right) {
      h5::FailReading(demo.Place(ImagePath(name)),
                      fmt::format("has {} frames of {}x{}, must have {} of {}x{}", reader.frames(),
                                  reader.width(), reader.height(), episodes_[index].length,
                                  size.width, size.height));
    }
    // once, however often the dataset is closed and opened again
    const bool ours = !content_hash_.empty();
    if (impl_->check_hashes && ours && !impl_->checked.Holds(key)) {
      CheckPictures(demo, name, reader, step, path());
      impl_->checked.Add(key);
    }
    return reader;
  };
  impl_->images.Get(key, open)->Read(step, out);
}

std::optional<std::vector<std::vector<double>>> Hdf5Source::DoReadStoredActions(
    size_t index) const {
  const h5::Guard guard;
  const h5::Group demo = Demo(index);
  if (!demo.Has("actions")) return std::nullopt;
  const Column actions = demo.Read("actions", ColumnType::kF64, {-1});
  std::vector<std::vector<double>> rows(actions.rows, std::vector<double>(actions.row_size()));
  for (size_t k = 0; k < actions.rows; ++k) {
    for (size_t i = 0; i < actions.row_size(); ++i) rows[k][i] = actions.At<double>(k, i);
  }
  return rows;
}

ColumnRole Hdf5Source::RoleOf(const std::string& path) const {
  if (path == "actions") return ColumnRole::kAction;
  const bool arm = path.starts_with("obs/robot");
  for (const char* end : {"eef_pos", "eef_quat", "gripper_qpos"}) {
    if (arm && path.ends_with(end)) return ColumnRole::kState;
  }
  return ColumnRole::kOther;
}

std::vector<ColumnSpec> Hdf5Source::DoListColumns() const {
  for (size_t e = 0; e < episodes_.size(); ++e) {
    std::vector<ColumnSpec> columns = DoColumnsOf(e);
    if (!columns.empty()) return columns;
  }
  return {};
}

std::vector<ColumnSpec> Hdf5Source::DoColumnsOf(size_t index) const {
  const h5::Guard guard;
  std::vector<ColumnSpec> columns;
  // 0: it cannot be read
  if (episodes_[index].length == 0) return columns;
  AddColumns(Demo(index), "", episodes_[index].length, 0, no_pictures_, columns);
  for (ColumnSpec& column : columns) {
    // depth and segmentation are no numbers of a state
    const bool picture = column.shape.size() >= 2 && column.size() > kMostMatrixNumbers;
    column.role = picture ? ColumnRole::kOther : RoleOf(column.name);
  }
  return columns;
}

std::vector<std::vector<double>> Hdf5Source::DoReadColumns(
    size_t index, std::span<const ColumnSpec> columns) const {
  const h5::Guard guard;
  const h5::Group demo = Demo(index);
  std::vector<std::vector<double>> result;
  for (const ColumnSpec& wanted : columns) {
    const std::vector<int64_t> dims(wanted.shape.begin(), wanted.shape.end());
    const bool is_bool = wanted.dtype == kBoolDtype;
    const Column column =
        demo.Read(wanted.name, is_bool ? ColumnType::kU8 : ColumnType::kF64, dims);
    if (column.rows != episodes_[index].length) {
      h5::FailReading(demo.Place(wanted.name), fmt::format("has {} rows, must have {}", column.rows,
                                                           episodes_[index].length));
    }
    std::vector<double>& values = result.emplace_back(column.rows * column.row_size());
    if (is_bool) {
      std::copy(column.bytes.begin(), column.bytes.end(), values.begin());
    } else {
      std::memcpy(values.data(), column.bytes.data(), column.bytes.size());
    }
  }
  return result;
}

std::vector<std::string> Hdf5Source::DoMaskNames() const {
  if (!root().Has("mask")) return {};
  const h5::Group masks = root().Open("mask");
  std::vector<std::string> names = masks.Names();
  // one of another kind is a fault of its own, not of the dataset
  std::erase_if(names, [&](const std::string& name) { return !IsListOfTexts(masks, name); });
  return names;
}

std::vector<std::string> Hdf5Source::DoReadMask(const std::string& key) const {
  // each once, without names of episodes that are not there, or were left out
  std::set<std::string> left;
  for (const EpisodeSummary& episode : episodes_) left.insert(episode.name);
  std::vector<std::string> names = root().Open("mask").ReadTexts(key);
  std::erase_if(names, [&](const std::string& name) { return left.erase(name) == 0; });
  return names;
}

}  // namespace understudy
