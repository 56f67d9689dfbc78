#include "data/formats/lerobot/extras.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/options.h"
#include "core/episode/attempt_record.h"
#include "core/seam/dataset_header.h"
#include "data/store/edit/verify.h"
#include "data/store/reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFile = "extras/understudy.h5";
constexpr const char* kHashSuffix = ".xxh128";  // of the file beside it that holds its hash

struct StoredCamera {
  CameraParameters p;
  template <class V>
  void Visit(V& v) {
    v("width", p.width, "px", Limits{0, kMaxImageSide});
    v("height", p.height, "px", Limits{0, kMaxImageSide});
    v("fovy_deg", p.fovy_deg, "degrees", Limits{0, 180});
    v("X_WC", p.X_WC, "");
  }
};

// The report of the extras' own file.
struct StoredReport {
  std::string lerobot_of;  // content hash of the original
  std::vector<std::string> cameras;
  int image_width = 0, image_height = 0;
  std::vector<std::vector<StoredCamera>> camera_parameters;  // per episode
  Json report = Json::object();
  template <class V>
  void Visit(V& v) {
    v("lerobot_of", lerobot_of, "content hash");
    v("cameras", cameras, "");
    v("image_width", image_width, "px", Limits{0, kMaxImageSide});
    v("image_height", image_height, "px", Limits{0, kMaxImageSide});
    v("camera_parameters", camera_parameters, "");
    v("report", report, "of the original");
  }
};

// Rewritten columns get new hashes: damage must not pass under them. A file that is as it was
// written need not be looked at.
void CheckExtras(const fs::path& file) {
  const fs::path hash = file.string() + kHashSuffix;
  std::error_code none;
  if (fs::is_regular_file(hash, none) && ReadText(hash) == FileHash(file) + "\n") return;
  const VerifyReport verified = RunApart([&] { return VerifyOwn(file); });
  if (verified.faults.empty()) return;
  ThrowBadInput(fmt::format(
      "{}: {} faults, the first: {}: {}; `understudy data convert` with "
      "--no-lerobot-import.extras "
      "takes the LeRobot dataset alone",
      file.string(), verified.faults.size(), verified.faults[0].place, verified.faults[0].what));
}

DatasetHeader WithoutPictures(DatasetHeader header) {
  header.cameras.clear();
  header.image_width = header.image_height = 0;
  return header;
}

fs::path MakeRoom(const fs::path& file) {
  fs::create_directories(file.parent_path());
  return file;
}

}  // namespace

ExtrasWriter::ExtrasWriter(const EpisodeSource& source, const fs::path& folder)
    : source_(source),
      file_(MakeRoom(folder / kFile)),
      writer_(file_, WithoutPictures(source.header()), {.flush_episodes = false}) {}

void ExtrasWriter::Append(size_t index, const Episode& episode) {
  writer_.Append(episode);
  // episodes are renumbered if some are missing
  names_[source_.episodes()[index].name] = fmt::format("demo_{}", names_.size());
  cameras_.push_back(source_.ReadCameras(index));
}

void ExtrasWriter::Finish() {
  source_.VisitAttempts([&](const AttemptRecord& attempt) { writer_.AppendAttempt(attempt); });
  for (const std::string& key : source_.MaskNames()) {
    std::vector<std::string> demos;
    for (const std::string& name : source_.ReadMask(key)) {
      const auto found = names_.find(name);
      demos.push_back(found == names_.end() ? name : found->second);
    }
    writer_.WriteMask(key, demos);
  }
  const DatasetHeader& header = source_.header();
  StoredReport report{
      source_.content_hash(), header.cameras, header.image_width, header.image_height, {},
      source_.report()};
  for (const std::vector<CameraParameters>& cameras : cameras_) {
    std::vector<StoredCamera>& stored = report.camera_parameters.emplace_back();
    for (const CameraParameters& camera : cameras) stored.push_back({camera});
  }
  writer_.WriteReport(ToJson(report));
  writer_.Finish();
  WriteTextAtomically(file_.string() + kHashSuffix, FileHash(file_) + "\n");
}

bool HasExtras(const fs::path& lerobot_folder) {
  std::error_code none;
  return fs::exists(lerobot_folder / kFile, none);
}

Extras OpenExtras(const fs::path& lerobot_folder) {
  const fs::path file = lerobot_folder / kFile;
  CheckExtras(file);
  Extras extras;
  extras.reader = std::make_unique<DatasetReader>(file);
  const Json json = extras.reader->report();
  if (!json.is_object() || !json.contains("lerobot_of")) {
    ThrowBadInput(file.string() + ": was not written beside a LeRobot dataset by this program");
  }
  const auto report = FromJson<StoredReport>(json, file.string() + ": report");
  extras.header = extras.reader->header();
  extras.header.cameras = report.cameras;
  extras.header.image_width = report.image_width;
  extras.header.image_height = report.image_height;
  extras.report = report.report;
  if (report.camera_parameters.size() != extras.reader->episodes().size()) {
    ThrowBadInput(fmt::format("{}: camera parameters of {} episodes, must be of {}", file.string(),
                              report.camera_parameters.size(), extras.reader->episodes().size()));
  }
  for (const auto& list : report.camera_parameters) {
    if (!list.empty() && list.size() != report.cameras.size()) {
      ThrowBadInput(fmt::format("{}: parameters of {} cameras, must be of {}", file.string(),
                                list.size(), report.cameras.size()));
    }
    std::vector<CameraParameters> cameras;
    for (const StoredCamera& camera : list) cameras.push_back(camera.p);
    extras.cameras.push_back(std::move(cameras));
  }
  return extras;
}

}  // namespace understudy
