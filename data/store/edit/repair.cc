#include "data/store/edit/repair.h"

#include <fmt/format.h>

#include <set>

#include "core/base/error.h"
#include "data/store/edit/verify_episode.h"
#include "data/store/files.h"
#include "data/store/hdf5/copy.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/index.h"
#include "data/store/meta.h"
#include "data/store/recording.h"
#include "data/store/shown_pictures.h"

namespace understudy {
namespace fs = std::filesystem;

Json ToJson(const VerifyReport& report) {
  Json faults = Json::array();
  for (const Fault& fault : report.faults) {
    faults.push_back({{"place", fault.place}, {"what", fault.what}});
  }
  return {{"sound", report.faults.empty()},
          {"episodes", report.episodes},
          {"steps", report.steps},
          {"bytes_read", report.bytes_read},
          {"faults", faults}};
}

RepairReport RepairDataset(const fs::path& input, const fs::path& output, bool overwrite,
                           const ReadOptions& read) {
  CheckOutput(output, overwrite, {input});
  RepairReport report;
  std::error_code none;
  if (input.extension() == ".part" && fs::exists(input, none)) {
    // completes or undoes the last flush; refuses while the writer lives
    { const h5::GrowingFile recovered = h5::GrowingFile::Open(input); }
    if (IsRecording(input)) {
      const SalvageReport salvaged = SalvageRecording(input, output, overwrite);
      if (salvaged.rows == 0) {
        ThrowBadInput(fmt::format("{}: {}", input.string(), salvaged.outcome));
      }
      report.episodes_kept = 1;
      report.steps_kept = salvaged.rows;
      report.outcome = salvaged.outcome;
      return report;
    }
  }
  // what crashes HDF5 is found out in other processes, episode by episode
  const auto verify = [&](int threads, const std::string& episode) {
    return RunApart(
        [&] { return VerifyOwn(input, {.threads = threads, .episode = episode, .read = read}); },
        episode);
  };
  const bool crashes = verify(0, "").crashed;
  // no episode has that name: only what stands before the episodes is read
  if (crashes && verify(1, "none").crashed) {
    ThrowBadInput(fmt::format(
        "{}: HDF5's own structures are damaged at its root: nothing can be read", input.string()));
  }
  const h5::Guard guard;
  const h5::Group root = h5::OpenForReading(input, read.outside_links);
  if (!root.Has("understudy") || !root.Has("data")) {
    ThrowBadInput(
        fmt::format("{}: is no dataset of a format that is known here (`understudy list` has them)",
                    input.string()));
  }
  DatasetHeader header = ReadHeader(root);
  // the scene: whole or not at all
  VerifyReport scene;
  VerifySceneFiles(header, scene);
  for (const auto& [place, what] : scene.faults) report.dropped.push_back({place, what});
  if (!scene.faults.empty()) header.scene_files.clear();
  const size_t objects = header.simulator.objects.size();
  const h5::Group source = root.Open("data");
  if (!output.parent_path().empty()) fs::create_directories(output.parent_path(), none);
  h5::GrowingFile file = h5::GrowingFile::Create(PartOf(output));
  WriteHeader(file.root(), header);
  std::set<std::string> uuids;
  IndexWriter index;
  std::vector<std::string> hashes;
  for (const std::string& name : EpisodeNames(source)) {
    VerifyReport check;
    if (crashes) {
      check = verify(1, name);
    } else {
      VerifyEpisode(source, name, header, check);
    }
    std::string why;
    if (!check.faults.empty()) why = check.faults[0].place + ": " + check.faults[0].what;
    if (why.empty() && !uuids.insert(source.Open(name).Text("uuid")).second) {
      why = "its uuid stands in the file already";
    }
    if (!why.empty()) {
      report.dropped.push_back({"/data/" + name, why});
      continue;
    }
    const std::string kept = fmt::format("demo_{}", report.episodes_kept);
    const h5::Group from = source.Open(name);
    h5::CopyGroup(from, h5::CreateFor(from, file.root().Open("data"), kept));
    hashes.push_back(from.Open("understudy").Text("content_hash"));
    const SceneVariation look = ReadMeta(from).variation;
    EachPicture(look, [&](const ShownPicture& picture) {
      try {
        StorePicture(file.root().Open("understudy"), picture);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kBadInput) throw;
        report.mended.push_back(
            fmt::format("/data/{} lacks a picture of its look: {}", name, error.what()));
      }
    });
    index.Add(IndexEntry::Of(ReadEpisodeRows(from)));
    ++report.episodes_kept;
    report.steps_kept += check.steps;
    index.StoreFull(file.root().Open("understudy"));
    file.Flush();
  }
  // attempts: whole or not at all, which is known when all were read
  h5::KeepCacheSmall(root);
  const auto visit = [&](const EachAttempt& each) {
    VisitAttempts(root.Open("understudy"), objects, each);
  };
  bool whole = true;
  try {
    visit([](const AttemptRecord&) {});
  } catch (const Error& error) {
    report.dropped.push_back({"/understudy/attempts", error.what()});
    whole = false;
  }
  if (whole) CopyAttempts(visit, objects, &file);
  file.root().Open("data").SetInt("total", report.steps_kept);
  std::string hash;
  file.Read([&](const h5::Group& made) { hash = DatasetHash(made, hashes); });
  StoreHash(file.root(), hash, index);
  file.Close();
  RenameDurably(PartOf(output), output);
  report.outcome = fmt::format(
      "{} episodes kept, {} left out; lists of episodes (masks) are not "
      "carried over",
      report.episodes_kept, report.dropped.size());
  return report;
}

}  // namespace understudy
