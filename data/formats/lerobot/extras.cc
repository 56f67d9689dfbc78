#include "data/formats/lerobot/extras.h"

#include <fmt/format.h>

#include <map>

#include "core/base/error.h"
#include "core/base/options.h"
#include "core/episode/attempt_record.h"
#include "core/seam/dataset_header.h"
#include "data/store/edit/verify.h"
#include "data/store/reader.h"
#include "data/store/writer.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFile = "extras/understudy.h5";

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

}  // namespace

void WriteExtras(const EpisodeSource& reader, const fs::path& folder) {
  fs::create_directories((folder / kFile).parent_path());
  DatasetHeader header = reader.header();
  StoredReport report{
      reader.content_hash(), header.cameras, header.image_width, header.image_height, {},
      reader.report()};
  header.cameras.clear();
  header.image_width = header.image_height = 0;
  DatasetWriter writer(folder / kFile, header, {.flush_episodes = false});
  std::map<std::string, std::string> names;  // episodes are renumbered if some are missing
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    writer.Append(reader.ReadEpisode(i, true));
    names[reader.episodes()[i].name] = fmt::format("demo_{}", i);
    std::vector<StoredCamera> cameras;
    for (const CameraParameters& camera : reader.ReadCameras(i)) cameras.push_back({camera});
    report.camera_parameters.push_back(std::move(cameras));
  }
  reader.VisitAttempts([&](const AttemptRecord& attempt) { writer.AppendAttempt(attempt); });
  for (const std::string& key : reader.MaskNames()) {
    std::vector<std::string> demos;
    for (const std::string& name : reader.ReadMask(key)) {
      const auto found = names.find(name);
      demos.push_back(found == names.end() ? name : found->second);
    }
    writer.WriteMask(key, demos);
  }
  writer.WriteReport(ToJson(report));
  writer.Finish();
}

bool HasExtras(const fs::path& lerobot_folder) {
  std::error_code none;
  return fs::exists(lerobot_folder / kFile, none);
}

Extras OpenExtras(const fs::path& lerobot_folder) {
  const fs::path file = lerobot_folder / kFile;
  // rewritten columns get new hashes: damage must not pass under them
  const VerifyReport verified = RunApart([&] { return VerifyOwn(file); });
  if (!verified.faults.empty()) {
    ThrowBadInput(fmt::format(
        "{}: {} faults, the first: {}: {}; `understudy data convert` with "
        "--no-lerobot-import.extras "
        "takes the LeRobot dataset alone",
        file.string(), verified.faults.size(), verified.faults[0].place, verified.faults[0].what));
  }
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
