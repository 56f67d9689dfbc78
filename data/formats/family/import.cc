#include "data/formats/family/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/base/version.h"
#include "data/formats/base/joint_poses.h"
#include "data/formats/base/unread_poses.h"
#include "data/formats/family/foreign_parts.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/files.h"
#include "data/store/skip_bad.h"
#include "data/store/success_known.h"
#include "data/store/writer.h"

namespace understudy {
namespace {

void RefuseOurs(const EpisodeSource& reader) {
  if (!reader.content_hash().empty()) {
    ThrowUsage(fmt::format("{}: is a dataset of this program already", reader.path().string()));
  }
}

// Readers count on time that rises.
void SetTimes(Episode* episode) {
  const auto at = [&](size_t k) -> Observation& {
    return k < episode->length() ? episode->steps[k].observation : episode->final_observation;
  };
  bool rises = true;
  for (size_t k = 1; k <= episode->length(); ++k) {
    rises &= at(k).sim_time_s > at(k - 1).sim_time_s;
  }
  for (size_t k = 0; !rises && k <= episode->length(); ++k) {
    at(k).sim_time_s = static_cast<double>(k) / episode->meta.control_hz;
  }
}

// Our datasets have pictures of one size.
bool HasFirstSize(const DatasetHeader& header, size_t camera) {
  return header.size_of(camera) == header.size_of(0);
}

}  // namespace

std::vector<std::string> LostOfFile(const DatasetHeader& header, const Episode* first,
                                    const std::vector<std::string>& written) {
  std::vector<std::string> lost;
  const Json& settings = header.settings;
  if (const auto masks = settings.find(foreign::kMissingInMasks); masks != settings.end()) {
    for (const auto& [key, names] : masks->items()) {
      lost.push_back(
          fmt::format("of mask '{}' the names {}: no such episodes are there", key, names.dump()));
    }
  }
  for (const std::string& what :
       settings.value(foreign::kPicturesBecome, std::vector<std::string>{})) {
    lost.push_back(what);
  }
  if (const auto numbers = settings.find(kNoPictures); numbers != settings.end()) {
    for (const auto& [path, why] : numbers->items()) {
      lost.push_back(fmt::format("pictures: {} {}", path, why.get<std::string>()));
    }
  }
  for (const std::string& what :
       settings.value(foreign::kWrongInFile, std::vector<std::string>{})) {
    lost.push_back(what);
  }
  if (settings.contains(foreign::kExtraRow)) lost.push_back(settings[foreign::kExtraRow]);
  std::vector<std::string> columns;
  for (const std::string& path :
       settings.value(foreign::kUnreadColumns, std::vector<std::string>{})) {
    if (std::find(written.begin(), written.end(), path) != written.end()) continue;
    // numbers of objects that a translation gave names to
    const bool named = first != nullptr && !first->steps[0].observation.X_WO.empty() &&
                       first->unnamed_objects.place.ends_with("/" + path);
    if (!named) columns.push_back(path);
  }
  if (!columns.empty()) {
    lost.push_back(fmt::format("columns without a place in it: {}", fmt::join(columns, ", ")));
  }
  return lost;
}

std::string RefusalHint(const DatasetHeader& header) {
  const Json& settings = header.settings;
  std::string hint;
  if (settings.contains(foreign::kActionsAre)) {
    hint += fmt::format("; its actions are {}", settings.value(foreign::kActionsAre, ""));
  }
  if (settings.contains(foreign::kNextStep)) {
    return hint + "; " + settings.value(foreign::kNextStep, "");
  }
  return hint +
         "; if some columns are poses of a hand and its targets, --map FILE says which "
         "(`understudy "
         "data info DATASET --map-template FILE` writes one); `--to lerobot` takes all columns as "
         "they are";
}

void RequireAlike(const EpisodeSource& reader, size_t index, const Episode& episode,
                  std::string* usual) {
  std::vector<std::string> arms;
  for (const ArmObservation& arm : episode.steps[0].observation.arms) {
    arms.push_back(
        fmt::format("{} joints and {} of fingers", arm.joint_q.size(), arm.gripper_q.size()));
  }
  const std::string has = fmt::format("{}", fmt::join(arms, ", "));
  if (usual->empty()) *usual = has;
  if (has == *usual) return;
  ThrowBadInput(fmt::format("{}: {}: has {}, the episodes before it {}{}", reader.path().string(),
                            reader.episodes()[index].name, has, *usual, kSkipBadHint));
}

std::vector<std::string> LostInImport(const EpisodeSource& reader, const Translation& from) {
  RefuseOurs(reader);
  RequirePoses(reader);
  DatasetHeader header = reader.header();
  from.ToOurs(&header);
  std::vector<std::string> lost{
      "states of the other program's simulator: they do not fit ours, so that nothing can be "
      "replayed or rendered from the result",
      "the last action of every episode: where it led is not recorded, and its row becomes the "
      "state "
      "after the last action"};
  const SimulatorInfo& info = header.simulator;
  if (!from.KnowsTask(info.task)) {
    lost.push_back(fmt::format(
        "nothing is known here of the task '{}': names and frames stay those of the file "
        "(`foreign` in a task.yaml says which task it is)",
        info.task));
  }
  if (header.settings.contains(kJointsOf)) {
    lost.push_back(fmt::format(
        "nothing, but assumed: poses of the hand from joints, by the kinematics of '{}'",
        info.robot));
  }
  if (info.objects.empty()) {
    lost.push_back("poses of objects: the file has none, so that mimic cannot use the result");
  }
  if (info.signals.empty()) {
    lost.push_back("signals of subtasks: the file has none, so that mimic cannot use the result");
  }
  std::optional<Episode> first;
  if (!reader.episodes().empty()) {
    first = reader.ReadEpisode(0);
    from.ToOurs(&*first);
  }
  for (std::string& line : LostOfFile(reader.header(), first ? &*first : nullptr, {})) {
    lost.push_back(std::move(line));
  }
  for (size_t c = 0; c < header.cameras.size(); ++c) {
    if (HasFirstSize(header, c)) continue;
    const PictureSize size = header.size_of(c);
    lost.push_back(fmt::format("pictures of {}: {} x {} pixels, those of {} have {} x {}",
                               header.cameras[c], size.width, size.height, header.cameras[0],
                               header.image_width, header.image_height));
  }
  std::map<std::string, int> how;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    const Json settings = reader.ReadMeta(i).settings;
    ++how["nothing, but assumed: success from " + settings.value("success_from", "")];
    ++how["nothing, but assumed: targets from " + settings.value("target_from", "nothing")];
  }
  for (const auto& [what, count] : how) {
    lost.push_back(fmt::format("{} ({} episodes)", what, count));
  }
  if (header.settings.contains(foreign::kUnlistedSources)) {
    lost.push_back("src_demo_inds and src_demo_labels: they count in a list that is not there");
  }
  return lost;
}

ForeignReport ImportForeign(const EpisodeSource& reader, const std::filesystem::path& output,
                            const ImportOptions& options, const Translation& from,
                            Progress& progress) {
  RefuseOurs(reader);
  RequireEpisodes(reader);
  RequirePoses(reader);
  CheckOutput(output, options.overwrite, {reader.path()});
  DatasetHeader header = reader.header();
  from.ToOurs(&header);
  Json imported{{"imported_from", reader.path().filename().string()},
                {"format", header.stage},
                {"env_args", header.settings.value("env_args", Json::object())}};
  if (header.settings.contains(kJointsOf)) imported[kJointsOf] = header.settings[kJointsOf];
  header.settings = std::move(imported);
  header.stage = "import";
  header.family.clear();
  header.task = options.task;
  std::vector<std::string> cameras;
  for (size_t c = 0; c < header.cameras.size(); ++c) {
    if (HasFirstSize(header, c)) cameras.push_back(header.cameras[c]);
  }
  if (cameras != header.cameras) header.cameras = header.simulator.cameras = cameras;
  header.picture_sizes.clear();
  SimulatorInfo& info = header.simulator;
  info.state_size = info.flat_state_size = 0;
  if (options.control_hz > 0) info.control_hz = options.control_hz;
  if (!(info.control_hz > 0)) {
    ThrowUsage(fmt::format("{}: stores no control rate (rows per second): say --control-hz",
                           reader.path().string()));
  }

  if (options.edit_header) options.edit_header(&header);

  UnfinishedFile part(output);
  ForeignReport report;
  const auto count = static_cast<int64_t>(reader.episodes().size());
  progress.Start("writing " + output.string(), count, "episodes");
  {
    DatasetWriter writer(output, header,
                         {.overwrite = options.overwrite,
                          .compression = options.compression,
                          .flush_episodes = false,
                          .keep_names = true});
    part.Begin();
    std::map<std::string, std::string> uuids;
    std::string usual;  // arms
    for (size_t i = 0; i < reader.episodes().size(); ++i) {
      if (InterruptRequested()) ThrowFailed("interrupted: nothing was written");
      const std::string& name = reader.episodes()[i].name;
      Episode episode = reader.ReadEpisode(i);
      from.ToOurs(&episode);
      const auto refuse = [&](const std::string& what) {
        ThrowBadInput(fmt::format("{}: {} {}", reader.path().string(), name, what));
      };
      const std::string hint = RefusalHint(reader.header());
      const Step& first = episode.steps[0];
      const size_t arms = first.observation.arms.size();
      if (arms == 0) refuse("holds no poses of an arm" + hint);
      if (first.action.arms.size() != arms || first.delta.size() != arms) {
        refuse(
            "holds no actions that are understood here (7 numbers per arm of an OSC_POSE "
            "controller, actions_abs, or target poses)" +
            hint);
      }
      RequireAlike(reader, i, episode, &usual);
      if (episode.meta.uuid.empty()) refuse("has an attribute 'uuid' that cannot be read");
      if (const auto [twin, fresh] = uuids.emplace(episode.meta.uuid, name); !fresh) {
        refuse(
            fmt::format("is the same episode as {}: `understudy data filter {} --drop {} --out "
                        "FILE` leaves it out",
                        twin->second, reader.path().string(), name));
      }
      if (!EndAtLastObservation(&episode)) refuse(kNoStateAfter);
      if (options.edit_episode) options.edit_episode(i, &episode);
      if (episode.meta.objects != info.objects) {
        refuse("holds the poses of other objects than the first episode");
      }
      // their states do not fit our simulator
      for (Step& step : episode.steps) step.state.clear();
      episode.final_state.clear();
      episode.meta.control_hz = info.control_hz;
      episode.meta.program_version = ProgramVersion();
      if (!reader.episodes()[i].success_known) episode.meta.settings[kSuccessKnown] = false;
      episode.meta.settings["imported_from"] = reader.path().filename().string() + ":" + name;
      SetTimes(&episode);

      std::vector<CameraParameters> parameters(
          cameras.size(), CameraParameters{header.image_width, header.image_height, 0, {}});
      writer.BeginEpisode(episode, parameters);
      for (size_t k = 0; k < episode.length() && !cameras.empty(); ++k) {
        std::vector<Image> row;
        for (const std::string& camera : cameras) row.push_back(reader.ReadImage(i, camera, k));
        report.frames += static_cast<int64_t>(row.size());
        writer.AddFrames(row);
      }
      writer.EndEpisode();
      ++report.episodes;
      report.steps += static_cast<int64_t>(episode.length());
      progress.Advance(report.episodes);
    }
    writer.WriteMasksOf(reader);
    report.names = writer.NamesOf(reader);
    writer.Finish();
  }
  part.Keep();
  progress.Finish();
  return report;
}

bool EndAtLastObservation(Episode* episode) {
  if (!episode->final_observation.arms.empty()) return true;
  if (episode->length() < 2) return false;
  episode->final_observation = episode->steps.back().observation;
  episode->final_state = episode->steps.back().state;
  episode->steps.pop_back();
  return true;
}

}  // namespace understudy
