#include "data/store/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/seam/dataset_header.h"
#include "data/store/episode_columns.h"
#include "data/store/files.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/meta.h"
#include "data/store/recording.h"
#include "data/store/writer.h"

namespace understudy {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct EpisodeRecorder::Impl {
  fs::path path, part;
  DatasetHeader header;
  h5::GrowingFile file;
  std::optional<RowShape> shape;  // of the first step
  std::vector<Step> steps;        // not in the file yet
  std::vector<RawSample> raw;
  std::vector<uint8_t> success;  // of every step so far
  ColumnHashes hashes;
  Clock::time_point flushed = Clock::now();
  bool closed = false;
  std::string failure;

  h5::Group Demo() const { return file.root().Open("data/demo_0"); }
  void Grow(const h5::Group& demo, const std::vector<Column>& columns) {
    for (const Column& column : columns) {
      demo.Grow(column);
      hashes.Add(column);
    }
  }
  void Store();
  template <class F>
  void Guarded(F work) {
    Require(!closed, "nothing is recorded after Finish or Discard");
    if (!failure.empty()) ThrowFailed(failure);
    try {
      const h5::Guard guard;
      work();
    } catch (const Error& error) {
      failure = error.what();
      file = h5::GrowingFile();
      throw;
    }
  }
};

// Appends what is pending and flushes: whole rows or none.
void EpisodeRecorder::Impl::Store() {
  const h5::Group demo = Demo();
  if (!steps.empty()) {
    std::vector<Instant> instants;
    for (const Step& step : steps) instants.push_back({&step.state, &step.observation});
    Grow(demo, StepColumns(*shape, steps.data(), steps.size()));
    Grow(demo, InstantColumns(*shape, instants));
    steps.clear();
  }
  if (!raw.empty()) {
    Grow(demo, RawColumns(raw.data(), raw.size()));
    raw.clear();
  }
  file.Flush();
  flushed = Clock::now();
}

EpisodeRecorder::EpisodeRecorder(const fs::path& path, const DatasetHeader& header,
                                 const EpisodeMeta& meta)
    : impl_(std::make_unique<Impl>()) {
  Impl& m = *impl_;
  m.path = path;
  m.part = PartOf(path);
  m.header = header;
  std::error_code none;
  if (fs::exists(path, none)) {
    ThrowUsage(
        fmt::format("{}: exists already; a recording never replaces another", path.string()));
  }
  if (fs::exists(m.part, none)) {
    ThrowUsage(
        fmt::format("{}: left by a recording that runs or was interrupted; salvage it first "
                    "(`understudy data repair`)",
                    m.part.string()));
  }
  if (!path.parent_path().empty()) fs::create_directories(path.parent_path(), none);
  m.Guarded([&] {
    m.file = h5::GrowingFile::Create(m.part);
    WriteHeader(m.file.root(), header);
    m.file.root().Open("understudy").SetBool(kRecordingMark, true);
    WriteMeta(m.file.root().Create("data/demo_0"), meta, 0, header.model_text);
    m.file.Flush();
  });
}

EpisodeRecorder::~EpisodeRecorder() {
  if (!impl_ || impl_->closed || !impl_->failure.empty()) return;
  try {
    const h5::Guard guard;
    impl_->Store();
  } catch (const std::exception&) {
    // the file is as of its last flush
  }
}

void EpisodeRecorder::Append(const Step& step) {
  Impl& m = *impl_;
  if (!m.shape) m.shape = RowShape::Of(step, EpisodeMeta{}, m.header);
  m.Guarded([&] {
    m.steps.push_back(step);
    m.success.push_back(step.observation.success);
    if (Clock::now() - m.flushed >= std::chrono::seconds(1)) m.Store();
  });
}

void EpisodeRecorder::AppendRaw(const RawSample& sample) {
  impl_->Guarded([&] { impl_->raw.push_back(sample); });
}

void EpisodeRecorder::Flush() {
  impl_->Guarded([&] { impl_->Store(); });
}

void EpisodeRecorder::Finish(const EpisodeMeta& meta, const SimState& final_state,
                             const Observation& final_observation, const RawStream& raw_info) {
  Impl& m = *impl_;
  Require(m.shape.has_value(), "a recording has at least one step");
  Require(!meta.uuid.empty(), "an episode has a uuid");
  m.Guarded([&] {
    m.Store();
    const h5::Group demo = m.Demo();
    m.Grow(demo, InstantColumns(*m.shape, {{&final_state, &final_observation}}));
    const size_t length = m.success.size();
    m.success.push_back(final_observation.success);
    for (const Column& column : OutcomeColumns(m.success)) {
      demo.Write(column);
      m.hashes.Add(column);
    }
    WriteMeta(demo, meta, length, m.header.model_text);
    RawStream info = raw_info;
    info.samples.clear();
    WriteRawInfo(demo, info);
    const Json hashes = m.hashes.ToJson();
    const std::string hash = EpisodeHash(meta, info, hashes);
    const h5::Group own = demo.Open("understudy");
    own.SetTextInHeader("column_hashes", hashes.dump());
    own.SetTextInHeader("content_hash", hash);
    m.file.root().Open("data").SetInt("total", static_cast<int64_t>(length));
    const h5::Group understudy = m.file.root().Open("understudy");
    understudy.SetBool(kRecordingMark, false);
    understudy.SetText("content_hash", DatasetHash(m.file.root(), {hash}));
    m.file.Close();
    RenameDurably(m.part, m.path);
  });
  m.closed = true;
}

void EpisodeRecorder::Discard(const std::string& reason) {
  Impl& m = *impl_;
  m.Guarded([&] {
    m.Store();
    m.Demo().Open("understudy").SetText("cause", reason);
    m.file.Close();
    fs::path rejected = m.path;
    rejected += ".rejected";
    RenameDurably(m.part, rejected);
  });
  m.closed = true;
}

// ---- salvage -----------------------------------------------------------------------------------

SalvageReport SalvageRecording(const fs::path& part, const fs::path& output, bool overwrite) {
  SalvageReport report{.file = part};
  Episode episode;
  DatasetHeader header;
  {
    const h5::Guard guard;
    // opening it for writing replays its journal, and fails where its writer still lives
    h5::GrowingFile file = h5::GrowingFile::Open(part);
    header = ReadHeader(file.root());
    const h5::Group demo = file.root().Open("data/demo_0");
    const WholeRows rows = CountRows(demo);
    // T actions need T+1 states: the last row's state becomes the final one
    const size_t length = std::min(rows.steps, rows.instants > 0 ? rows.instants - 1 : 0);
    if (length == 0) {
      report.outcome = "holds no two whole rows: nothing to keep";
      return report;
    }
    episode.meta = ReadMeta(demo);
    ReadColumns(demo, length, true, episode);
    ReadRaw(demo, true, episode.raw);
  }
  episode.meta.success = false;
  episode.meta.cause = "interrupted";
  if (episode.meta.uuid.empty()) episode.meta.uuid = MakeUuid(FileHash(part), RngKey{});
  DatasetWriter writer(output, header, {.overwrite = overwrite});
  writer.Append(episode);
  writer.Finish();
  report.rows = static_cast<int64_t>(episode.length());
  report.outcome = fmt::format("interrupted: {} whole rows kept in '{}'", report.rows,
                               output.filename().string());
  return report;
}

bool IsRecording(const fs::path& part) {
  const h5::Guard guard;
  const h5::Group root = h5::OpenForReading(part);
  return root.Has("understudy") && root.Open("understudy").Bool(kRecordingMark, false);
}

std::vector<SalvageReport> Salvage(const fs::path& folder) {
  std::vector<fs::path> parts;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() == ".part" && entry.is_regular_file()) {
      parts.push_back(entry.path());
    }
  }
  std::sort(parts.begin(), parts.end());
  std::vector<SalvageReport> reports;
  for (const fs::path& part : parts) {
    try {
      // replays its journal, and fails where its writer still lives
      { const h5::GrowingFile recovered = h5::GrowingFile::Open(part); }
      if (!IsRecording(part)) continue;
      // "x.h5.part" -> "x.interrupted.h5", numbered where that is taken
      const std::string stem = part.stem().stem().string();
      fs::path output = folder / (stem + ".interrupted.h5");
      for (int i = 2; fs::exists(output, none); ++i) {
        output = folder / fmt::format("{}.interrupted{}.h5", stem, i);
      }
      reports.push_back(SalvageRecording(part, output, false));
      fs::remove(part, none);
    } catch (const Error& error) {
      // in use, or damaged: left where it is
      reports.push_back({part, 0, error.what()});
    }
  }
  return reports;
}

}  // namespace understudy
