#include "data/store/writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "core/base/error.h"
#include "core/episode/attempt_record.h"
#include "core/seam/dataset_header.h"
#include "data/store/episode_columns.h"
#include "data/store/files.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/image_column.h"
#include "data/store/index.h"
#include "data/store/meta.h"
#include "data/store/numbered_name.h"
#include "data/store/shown_pictures.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kFlushRows = std::chrono::seconds(1);
constexpr const char* kPending = "understudy/pending";

}  // namespace

struct DatasetWriter::Impl {
  fs::path path, part;
  DatasetHeader header;
  Options options;
  h5::GrowingFile file;
  int64_t episodes = 0, steps = 0;
  std::vector<int64_t> numbers;  // in the names of episodes; empty: they count from 0
  int64_t attempts = 0;
  size_t untrimmed = 0;              // attempts without an episode since the last Trim
  std::vector<AttemptRecord> fresh;  // the last of them, not in the file yet: a block at most
  Clock::time_point flushed = Clock::now();
  bool finished = false;
  IndexWriter index;
  std::string failure;  // of an earlier call: the writer is of no use any more

  // the episode between Begin and End
  struct Open {
    h5::Group group;
    EpisodeMeta meta;
    RawStream raw_info;
    size_t length = 0;
    std::vector<ImageWriter> images;
    std::vector<std::vector<Image>> rows;  // not yet written
    size_t row_bytes = 0;                  // of them
    ColumnHashes hashes;
    IndexEntry entry;
  };
  void ResumeIndex();
  std::string NameOf(int64_t episode) const {
    return fmt::format("demo_{}",
                       numbers.empty() ? episode : numbers[static_cast<size_t>(episode)]);
  }
  int64_t NextNumber() const;
  std::unique_ptr<Open> open;

  void WriteRows();
  void End();
  void Create();
  void Resume();
  void StoreAttempts();
  void Read(const std::function<void(const h5::Group& root)>& work);
  void Flush();
  void FlushIfDue() {
    if (fresh.size() >= kAttemptBlock || Clock::now() - flushed >= kFlushRows) Flush();
  }
  void Settle(bool flush);
  // Runs one piece of writing; after a failure nothing more is written, and every call says why.
  template <class F>
  void Guarded(F work) {
    Require(!finished, "nothing is written to a dataset after Finish");
    if (!failure.empty()) ThrowFailed(failure);
    try {
      work();
    } catch (const Error& error) {
      failure = error.what();
      open.reset();
      file.Abandon();
      throw;
    }
  }
};

void DatasetWriter::Impl::Create() {
  std::error_code none;
  if (!path.parent_path().empty()) fs::create_directories(path.parent_path(), none);
  file = h5::GrowingFile::Create(part);
  WriteHeader(file.root(), header);
  Flush();
}

void DatasetWriter::Impl::Resume() {
  file = h5::GrowingFile::Open(part);
  const h5::Guard guard;
  const h5::Group& root = file.root();
  // only an equal run may resume
  const DatasetHeader before = ReadHeader(root);
  const Json stored = HeaderToJson(before), wanted = HeaderToJson(header);
  if (stored != wanted || before.model_text != header.model_text ||
      before.scene_files != header.scene_files) {
    const std::string differs = Dotted(FirstDifference(stored, wanted));
    ThrowBadInput(
        fmt::format("{}: was begun with other settings ({} differs); use the same ones "
                    "to resume, or remove it to start over",
                    part.string(), differs.empty() ? "the model" : "'" + differs + "'"));
  }
  // an episode that was being written when the writer was killed
  if (root.Has(kPending)) root.Delete(kPending);
  attempts = CountAttempts(root.Open("understudy"));
  // episodes are numbered from 0, and reach the file together with their number of steps
  const h5::Group data = root.Open("data");
  episodes = data.Size();
  steps = data.Int("total");
  Flush();
  ResumeIndex();
}

// The entries of whole episodes: stored ones, and those since the last block.
void DatasetWriter::Impl::ResumeIndex() {
  file.Read([&](const h5::Group& root) {
    index.Resume(root.Open("understudy"));
    const auto known = static_cast<int64_t>(index.size());
    // an older program's file has no index
    if (known > episodes || episodes - known > static_cast<int64_t>(kIndexBlock)) index.GiveUp();
    for (int64_t i = known; i < episodes && !index.given_up(); ++i) {
      index.Add(IndexEntry::Of(ReadEpisodeRows(root.Open(fmt::format("data/demo_{}", i)))));
    }
  });
}

void DatasetWriter::Impl::StoreAttempts() {
  if (fresh.empty()) return;
  understudy::AppendAttempts(file.root().Open("understudy"), header.simulator.objects.size(),
                             fresh);
  fresh.clear();
}

void DatasetWriter::Impl::Read(const std::function<void(const h5::Group& root)>& work) {
  Flush();
  file.Read(work);
}

void DatasetWriter::Impl::Flush() {
  const h5::Guard guard;
  StoreAttempts();
  index.StoreFull(file.root().Open("understudy"));
  file.Flush();
  flushed = Clock::now();
}

DatasetWriter::DatasetWriter(const fs::path& path, const DatasetHeader& header,
                             const Options& options)
    : impl_(std::make_unique<Impl>()) {
  Impl& m = *impl_;
  m.path = path;
  m.part = PartOf(path);
  m.header = header;
  m.options = options;
  Require(!options.keep_names || !options.resume, "names are kept in new files");
  CheckOutput(path, options.overwrite);
  std::error_code none;
  if (options.resume && fs::exists(m.part, none)) {
    m.Resume();
  } else {
    m.Create();
  }
}

DatasetWriter::DatasetWriter(const fs::path& path, const DatasetHeader& header)
    : DatasetWriter(path, header, Options()) {}
DatasetWriter::DatasetWriter(DatasetWriter&&) noexcept = default;

DatasetWriter::~DatasetWriter() {
  if (!impl_ || impl_->finished || !impl_->failure.empty()) return;
  // an unfinished episode goes; what is whole stays in the .part
  try {
    if (impl_->open) {
      impl_->open.reset();
      impl_->file.root().Delete(kPending);
    }
    impl_->Flush();
  } catch (const std::exception&) {
    impl_->open.reset();
    impl_->file.Abandon();
  }
}

int64_t DatasetWriter::episodes_written() const { return impl_->episodes; }
int64_t DatasetWriter::attempts_written() const { return impl_->attempts; }

void DatasetWriter::VisitAttempts(const std::function<void(const AttemptRecord&)>& each) {
  Impl& m = *impl_;
  Require(!m.open, "attempts are read between episodes");
  m.Guarded([&] {
    m.Read([&](const h5::Group& root) {
      understudy::VisitAttempts(root.Open("understudy"), m.header.simulator.objects.size(), each);
    });
  });
}

void DatasetWriter::BeginEpisode(const Episode& episode,
                                 const std::vector<CameraParameters>& cameras) {
  Impl& m = *impl_;
  Require(!m.open, "the episode before has ended");
  Require(!episode.meta.uuid.empty(), "an episode has a uuid");
  Require(episode.length() > 0 && episode.length() <= static_cast<size_t>(kMaxSteps),
          "an episode has between one step and a million");
  Require(cameras.empty() || cameras.size() == m.header.cameras.size(),
          "one set of camera parameters per camera of the header, or none");
  // columns first: a broken contract must not leave half an episode in the file
  const RowShape shape = RowShape::Of(episode.steps[0], episode.meta, m.header);
  std::vector<Instant> instants;
  std::vector<uint8_t> success;
  for (const Step& step : episode.steps) instants.push_back({&step.state, &step.observation});
  instants.push_back({&episode.final_state, &episode.final_observation});
  for (const Instant& instant : instants) success.push_back(instant.observation->success);
  std::vector<Column> columns = StepColumns(shape, episode.steps.data(), episode.length());
  const auto add = [&](std::vector<Column> more) {
    for (Column& column : more) columns.push_back(std::move(column));
  };
  add(InstantColumns(shape, instants));
  add(OutcomeColumns(success));
  if (!episode.raw.samples.empty()) {
    add(RawColumns(episode.raw.samples.data(), episode.raw.samples.size()));
  }

  m.Guarded([&] {
    const h5::Guard guard;
    auto open = std::make_unique<Impl::Open>();
    open->length = episode.length();
    open->meta = episode.meta;
    if (!cameras.empty()) open->meta.cameras = m.header.cameras;
    open->raw_info = episode.raw;
    open->raw_info.samples.clear();
    open->group = CreateEpisode(m.file.root(), kPending, columns);
    open->group.Write(columns);
    for (const Column& column : columns) open->hashes.Add(column);
    open->entry = IndexEntry::Of(episode);
    StorePictures(m.file.root().Open("understudy"), open->meta.variation);
    WriteMeta(open->group, open->meta, open->length, m.header.model_text);
    const RawStream& raw = episode.raw;
    if (!raw.samples.empty() || !raw.device.empty() || !raw.profile.empty() ||
        raw.device_minus_monotonic_ns != 0 || raw.utc_at_start_ns != 0) {
      WriteRawInfo(open->group, raw);
    }
    if (!cameras.empty()) {
      WriteCameras(open->group, m.header.cameras, cameras);
      for (const std::string& camera : m.header.cameras) {
        open->images.emplace_back(open->group, ImagePath(camera), open->length,
                                  m.header.image_width, m.header.image_height,
                                  m.options.compression);
      }
    }
    m.open = std::move(open);
  });
}

void DatasetWriter::AddFrames(const std::vector<Image>& images) {
  Impl& m = *impl_;
  m.Guarded([&] {
    Require(m.open != nullptr, "frames belong between BeginEpisode and EndEpisode");
    Require(images.size() == m.open->images.size(), "one image per camera of the header");
    for (const Image& image : images) {
      Require(image.width == m.header.image_width && image.height == m.header.image_height,
              "every image has the size that the header names");
    }
    Require(m.open->images.empty() ||
                m.open->images[0].frames_written() + m.open->rows.size() < m.open->length,
            "an episode has one frame per step");
    m.open->rows.push_back(images);
    for (const Image& image : images) m.open->row_bytes += image.rgb.size();
    if (m.open->row_bytes >= kPictureBlockBytes) m.WriteRows();
    m.FlushIfDue();
  });
}

// Compresses the rows that wait on all threads and writes them in order.
void DatasetWriter::Impl::WriteRows() {
  if (open->rows.empty()) return;  // an episode without pictures
  std::vector<const Image*> images;
  for (const std::vector<Image>& row : open->rows) {
    for (const Image& image : row) images.push_back(&image);
  }
  const std::vector<std::vector<uint8_t>> packed =
      FrameCompressor(options.compression, options.threads).Compress(images);
  for (size_t i = 0; i < images.size(); ++i) {
    const size_t camera = i % open->images.size();
    open->images[camera].Add(*images[i], packed[i]);
    open->hashes.Add(ImagePath(header.cameras[camera]), images[i]->rgb.data(),
                     images[i]->rgb.size());
  }
  open->rows.clear();
  open->row_bytes = 0;
}

// The open episode's own number where it is beyond those before, else one more.
int64_t DatasetWriter::Impl::NextNumber() const {
  const int64_t next = numbers.empty() ? 0 : numbers.back() + 1;
  const NumberedName own = SplitName(open->meta.name);
  const bool kept = own.number >= next && open->meta.name == fmt::format("demo_{}", own.number);
  return kept ? own.number : next;
}

// The open episode becomes one of the file; not flushed.
void DatasetWriter::Impl::End() {
  const h5::Guard guard;
  Require(open != nullptr, "EndEpisode follows BeginEpisode");
  WriteRows();
  for (const ImageWriter& images : open->images) {
    Require(images.frames_written() == open->length, "an episode has one frame per step");
  }
  index.Add(std::move(open->entry));
  const Json hashes = open->hashes.ToJson();
  const h5::Group own = open->group.Open("understudy");
  own.SetTextInHeader("column_hashes", hashes.dump());
  own.SetTextInHeader("content_hash", EpisodeHash(open->meta, open->raw_info, hashes));
  const size_t length = open->length;
  if (options.keep_names) numbers.push_back(NextNumber());
  open.reset();
  // only a whole episode gets its name
  file.root().Move(kPending, "data/" + NameOf(episodes));
  ++episodes;
  steps += static_cast<int64_t>(length);
  file.root().Open("data").SetInt("total", steps);
}

void DatasetWriter::EndEpisode() {
  impl_->Guarded([&] {
    impl_->End();
    impl_->Settle(impl_->options.flush_episodes);
  });
}

void DatasetWriter::Append(const Episode& episode) {
  BeginEpisode(episode, {});
  EndEpisode();
}

void DatasetWriter::Append(const Episode& episode, const std::vector<std::vector<Image>>& images,
                           const std::vector<CameraParameters>& cameras) {
  const DatasetHeader& header = impl_->header;
  Require(images.size() == header.cameras.size() && cameras.size() == header.cameras.size(),
          "images and parameters of every camera of the header");
  for (const auto& list : images) {
    Require(list.size() == episode.length(), "an episode has one frame per step");
  }
  for (const CameraParameters& camera : cameras) {
    Require(camera.width == header.image_width && camera.height == header.image_height &&
                camera.fovy_deg > 0 && camera.fovy_deg < 180,
            "the parameters of a camera are those of its pictures");
  }
  BeginEpisode(episode, cameras);
  for (size_t k = 0; k < episode.length() && !images.empty(); ++k) {
    std::vector<Image> row;
    for (const auto& list : images) row.push_back(list[k]);
    AddFrames(row);
  }
  EndEpisode();
}

void DatasetWriter::Record(const AttemptRecord& attempt, const Episode* episode) {
  Impl& m = *impl_;
  Require(
      attempt.X_WO_start.empty() || attempt.X_WO_start.size() == m.header.simulator.objects.size(),
      "an attempt has a start pose for every object of the header, or none");
  if (episode != nullptr) BeginEpisode(*episode, {});
  m.Guarded([&] {
    if (episode != nullptr) m.End();
    m.fresh.push_back(attempt);
    ++m.attempts;
    m.untrimmed += episode == nullptr;
  });
}

void DatasetWriter::AppendAttempt(const AttemptRecord& attempt, const Episode* episode) {
  Record(attempt, episode);
  impl_->Guarded([&] { impl_->Settle(episode != nullptr); });
}

void DatasetWriter::AppendAttempts(const std::vector<KeptAttempt>& attempts, bool flush) {
  for (const auto& [attempt, episode] : attempts) Record(attempt, episode ? &*episode : nullptr);
  impl_->Guarded([&] { impl_->Settle(flush); });
}

// What every append ends with.
void DatasetWriter::Impl::Settle(bool flush) {
  flush ? Flush() : FlushIfDue();
  if (open) return;  // its handles
  if (untrimmed < kTrimAttempts) return file.Trim();
  file.Trim(0);
  untrimmed = 0;
}

void DatasetWriter::WriteMask(const std::string& key, const std::vector<std::string>& demos) {
  impl_->Guarded([&] {
    impl_->file.root().WriteTexts("mask/" + key, demos);
    impl_->Flush();
  });
}

std::map<std::string, std::string> DatasetWriter::NamesOf(const EpisodeSource& source) const {
  Require(static_cast<int64_t>(source.episodes().size()) == impl_->episodes,
          "every episode of the source was written");
  std::map<std::string, std::string> names;
  for (int64_t i = 0; i < impl_->episodes; ++i) {
    names[source.episodes()[static_cast<size_t>(i)].name] = impl_->NameOf(i);
  }
  return names;
}

void DatasetWriter::WriteMasksOf(const EpisodeSource& source) {
  const std::map<std::string, std::string> names = NamesOf(source);
  for (const std::string& key : source.MaskNames()) {
    std::vector<std::string> members;
    for (const std::string& name : source.ReadMask(key)) {
      if (names.contains(name)) members.push_back(names.at(name));
    }
    WriteMask(key, members);
  }
}

void DatasetWriter::MarkEpisodes(const std::string& key,
                                 const std::function<bool(int64_t episode)>& holds) {
  Impl& m = *impl_;
  size_t count = 0;
  int64_t last = 0;
  for (int64_t i = 0; i < m.episodes; ++i) {
    if (!holds(i)) continue;
    ++count;
    last = i;
  }
  const auto name = [&](int64_t i) { return m.NameOf(i); };
  int64_t next = 0;  // names are asked for in order
  m.Guarded([&] {
    m.file.root().WriteTexts("mask/" + key, count, count > 0 ? name(last).size() : 1, [&](size_t) {
      while (!holds(next)) ++next;
      return name(next++);
    });
    m.Flush();
  });
}

void DatasetWriter::WriteReport(const Json& report) {
  impl_->Guarded([&] {
    StoreReport(impl_->file.root().Open("understudy"), report);
    impl_->Flush();
  });
}

void DatasetWriter::Finish() {
  Impl& m = *impl_;
  Require(!m.open, "the last episode has ended");
  m.Guarded([&] {
    const h5::Guard guard;
    std::string hash;
    m.Read([&](const h5::Group& root) {
      hash = DatasetHash(root, m.episodes, [&](int64_t i) { return m.NameOf(i); });
    });
    StoreHash(m.file.root(), hash, m.index);
    m.file.Close();
    RenameDurably(m.part, m.path);
  });
  m.finished = true;
}

}  // namespace understudy
