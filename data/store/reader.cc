#include "data/store/reader.h"

#include <fmt/format.h>

#include <list>
#include <map>
#include <mutex>

#include "core/base/error.h"
#include "data/formats/family/foreign.h"
#include "data/store/attempt_record.h"
#include "data/store/episode_columns.h"
#include "data/store/header.h"
#include "data/store/image_column.h"
#include "data/store/meta.h"

namespace understudy {

namespace {

// Open image datasets, the least recently used closed first. Thread-safe.
class ImageCache {
 public:
  using Key = std::pair<size_t, size_t>;  // episode, camera
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

}  // namespace

struct DatasetReader::Impl {
  std::filesystem::path path;
  h5::Group root;
  bool own = false;  // written by this program
  DatasetHeader header;
  std::string content_hash;
  std::vector<EpisodeSummary> episodes;
  mutable ImageCache images;

  h5::Group Demo(size_t index) const {
    Require(index < episodes.size(), "an episode of the dataset");
    return root.Open("data").Open(episodes[index].name);
  }
  std::shared_ptr<const ImageReader> Images(size_t index, size_t camera) const;
  void ListEpisodes();
};

void DatasetReader::Impl::ListEpisodes() {
  const h5::Group data = root.Open("data");
  for (const std::string& name : EpisodeNames(data)) {
    const h5::Group demo = data.Open(name);
    EpisodeSummary summary;
    summary.name = name;
    summary.length = ReadLength(demo);
    if (own) {
      summary.success = demo.Bool("success", false);
      summary.uuid = demo.Text("uuid", "");
      summary.variant_index = static_cast<int>(demo.Open("understudy").Int("variant_index"));
    } else {
      const ForeignFacts facts = ReadForeignFacts(demo, header);
      summary.success = facts.success;
      summary.uuid = facts.uuid;
    }
    episodes.push_back(std::move(summary));
  }
}

std::shared_ptr<const ImageReader> DatasetReader::Impl::Images(size_t index, size_t camera) const {
  Require(camera < header.cameras.size(), "a camera of the dataset");
  return images.Get({index, camera}, [&] {
    const h5::Group demo = Demo(index);
    ImageReader reader(demo, header.cameras[camera]);
    const bool right = reader.width() == header.image_width &&
                       reader.height() == header.image_height &&
                       reader.frames() == episodes[index].length;
    if (!right) {
      h5::FailReading(demo.Place(ImagePath(header.cameras[camera])),
                      fmt::format("has {} frames of {}x{}, must have {} of {}x{}", reader.frames(),
                                  reader.width(), reader.height(), episodes[index].length,
                                  header.image_width, header.image_height));
    }
    return reader;
  });
}

DatasetReader::DatasetReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  const h5::Guard guard;
  Impl& m = *impl_;
  m.path = path;
  if (path.extension() == ".part") {
    ThrowBadInput(
        fmt::format("{}: a file that is still growing: its writer runs or was killed; "
                    "run the same command again to resume it, or `understudy data "
                    "repair` to keep what is whole",
                    path.string()));
  }
  m.root = h5::OpenForReading(path);
  if (!m.root.Has("data")) {
    ThrowBadInput(
        fmt::format("{}: an HDF5 file, but no dataset: it has no group '/data'", path.string()));
  }
  m.own = m.root.Has("understudy");
  m.header = m.own ? ReadHeader(m.root) : ForeignHeader(m.root);
  if (m.own) m.content_hash = m.root.Open("understudy").Text("content_hash", "");
  m.ListEpisodes();
}

DatasetReader::~DatasetReader() = default;
DatasetReader::DatasetReader(DatasetReader&&) noexcept = default;

const std::filesystem::path& DatasetReader::path() const { return impl_->path; }
const DatasetHeader& DatasetReader::header() const { return impl_->header; }
const std::string& DatasetReader::content_hash() const { return impl_->content_hash; }
const std::vector<EpisodeSummary>& DatasetReader::episodes() const { return impl_->episodes; }

std::vector<AttemptRecord> DatasetReader::attempts() const {
  std::vector<AttemptRecord> attempts;
  VisitAttempts([&](const AttemptRecord& attempt) { attempts.push_back(attempt); });
  return attempts;
}

void DatasetReader::VisitAttempts(const std::function<void(const AttemptRecord&)>& each) const {
  if (!impl_->own) return;
  const size_t objects = impl_->header.simulator.objects.size();
  understudy::VisitAttempts(impl_->root.Open("understudy"), objects, each);
}

Json DatasetReader::report() const {
  if (!impl_->own) return Json::object();
  const h5::Group own = impl_->root.Open("understudy");
  if (!own.HasAttribute("report")) return Json::object();
  return ParseJson(own.Text("report"), own.Place() + ": attribute 'report'");
}

std::vector<std::string> DatasetReader::MaskNames() const {
  return impl_->root.Has("mask") ? impl_->root.Open("mask").Names() : std::vector<std::string>{};
}

std::vector<std::string> DatasetReader::ReadMask(const std::string& key) const {
  const std::vector<std::string> names = MaskNames();
  for (const std::string& name : names) {
    if (name == key) return impl_->root.Open("mask").ReadTexts(key);
  }
  ThrowUsage(fmt::format("{}: {}", impl_->path.string(), UnknownName("mask", key, names)));
}

EpisodeMeta DatasetReader::ReadMeta(size_t index) const {
  if (!impl_->own) return ReadEpisode(index).meta;
  const h5::Guard guard;
  EpisodeMeta meta = understudy::ReadMeta(impl_->Demo(index));
  meta.name = impl_->episodes[index].name;
  return meta;
}

Episode DatasetReader::ReadEpisode(size_t index, bool with_raw) const {
  const h5::Guard guard;
  const Impl& m = *impl_;
  const h5::Group demo = m.Demo(index);
  Episode episode;
  if (m.own) {
    episode.meta = understudy::ReadMeta(demo);
    ReadColumns(demo, m.episodes[index].length, false, episode);
    if (with_raw) ReadRaw(demo, false, episode.raw);
  } else {
    episode = ReadForeignEpisode(demo, m.header);
  }
  episode.meta.name = m.episodes[index].name;
  return episode;
}

void DatasetReader::ReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const {
  impl_->Images(index, camera)->Read(step, out);
}

Image DatasetReader::ReadImage(size_t index, const std::string& camera, size_t step) const {
  const auto& cameras = impl_->header.cameras;
  for (size_t c = 0; c < cameras.size(); ++c) {
    if (cameras[c] != camera) continue;
    Image image(impl_->header.image_width, impl_->header.image_height);
    ReadFrame(index, c, step, image.rgb.data());
    return image;
  }
  ThrowUsage(fmt::format("{}: {}", impl_->path.string(), UnknownName("camera", camera, cameras)));
}

std::vector<CameraParameters> DatasetReader::ReadCameras(size_t index) const {
  if (!impl_->own) return {};
  return understudy::ReadCameras(impl_->Demo(index));
}

}  // namespace understudy
