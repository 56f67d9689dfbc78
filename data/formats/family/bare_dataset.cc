#include "data/formats/family/bare_dataset.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "data/store/files.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/image_column.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr int kCompression = 1;  // as DatasetWriter's default

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

struct BareDatasetWriter::Impl {
  fs::path path;
  h5::GrowingFile file;
  int64_t episodes = 0, steps = 0;
  bool finished = false;

  // the episode between Begin and End
  h5::Group demo;
  size_t length = 0;
  std::vector<ImageWriter> cameras;
  std::vector<Image> waiting;  // camera after camera, row after row
  size_t waiting_bytes = 0;

  void WriteWaiting() {
    std::vector<const Image*> images;
    for (const Image& image : waiting) images.push_back(&image);
    const auto packed = FrameCompressor(kCompression, 0).Compress(images);
    for (size_t i = 0; i < images.size(); ++i) {
      cameras[i % cameras.size()].Add(*images[i], packed[i]);
    }
    waiting.clear();
    waiting_bytes = 0;
  }
};

BareDatasetWriter::BareDatasetWriter(const fs::path& path, const Json& env_args, bool overwrite)
    : impl_(std::make_unique<Impl>()) {
  Impl& m = *impl_;
  m.path = path;
  CheckOutput(path, overwrite);
  std::error_code none;
  if (!path.parent_path().empty()) fs::create_directories(path.parent_path(), none);
  const h5::Guard guard;
  m.file = h5::GrowingFile::Create(PartOf(path));
  const h5::Group data = m.file.root().Create("data");
  data.SetText("env_args", Dump(env_args));
  data.SetInt("total", 0);
}

BareDatasetWriter::BareDatasetWriter(BareDatasetWriter&&) noexcept = default;

BareDatasetWriter::~BareDatasetWriter() {
  if (!impl_ || impl_->finished) return;
  const fs::path part = PartOf(impl_->path);
  {
    const h5::Guard guard;
    impl_.reset();
  }
  std::error_code none;
  for (const char* suffix : {"", ".new", ".journal"}) fs::remove(part.string() + suffix, none);
}

void BareDatasetWriter::BeginEpisode(size_t length, const std::vector<Column>& columns,
                                     const std::vector<Camera>& cameras, const Json& ep_meta,
                                     std::optional<bool> success) {
  Impl& m = *impl_;
  Require(m.length == 0 && length > 0, "episodes with rows, one after the other");
  const h5::Guard guard;
  m.demo = m.file.root().Create(fmt::format("data/demo_{}", m.episodes));
  m.length = length;
  m.demo.SetInt("num_samples", static_cast<int64_t>(length));
  m.demo.SetText("ep_meta", Dump(ep_meta));
  if (success) m.demo.SetBool("success", *success);
  bool actions = false;
  for (const Column& column : columns) {
    Require(column.rows == length, "columns of one length");
    m.demo.Write(column);
    actions |= column.path == "actions";
  }
  Require(actions, "an episode has actions");
  for (const Camera& camera : cameras) {
    m.cameras.emplace_back(m.demo, ImagePath(camera.name), length, camera.width, camera.height,
                           kCompression);
  }
}

void BareDatasetWriter::AddTexts(const std::string& path, const std::vector<std::string>& texts) {
  Impl& m = *impl_;
  Require(m.length > 0 && texts.size() == m.length, "a text per row of the episode");
  m.demo.WriteTexts(path, texts);
}

void BareDatasetWriter::AddFrames(const std::vector<const Image*>& images) {
  Impl& m = *impl_;
  Require(m.length > 0 && images.size() == m.cameras.size(), "one picture per camera");
  for (const Image* image : images) {
    m.waiting.push_back(*image);
    m.waiting_bytes += image->rgb.size();
  }
  if (m.waiting_bytes >= kPictureBlockBytes) m.WriteWaiting();
}

void BareDatasetWriter::EndEpisode() {
  Impl& m = *impl_;
  if (!m.waiting.empty()) m.WriteWaiting();
  for (const ImageWriter& camera : m.cameras) {
    Require(camera.frames_written() == m.length, "an episode has one picture per row");
  }
  const h5::Guard guard;
  m.cameras.clear();
  m.demo = h5::Group();
  ++m.episodes;
  m.steps += static_cast<int64_t>(m.length);
  m.length = 0;
  m.file.root().Open("data").SetInt("total", m.steps);
  m.file.Flush();
  m.file.Trim();
}

void BareDatasetWriter::WriteMask(const std::string& key, const std::vector<std::string>& demos) {
  impl_->file.root().WriteTexts("mask/" + key, demos);
}

void BareDatasetWriter::Finish() {
  Impl& m = *impl_;
  Require(m.length == 0 && !m.finished, "finished once, after the last episode");
  const h5::Guard guard;
  m.file.Close();
  RenameDurably(PartOf(m.path), m.path);
  m.finished = true;
}

}  // namespace understudy
