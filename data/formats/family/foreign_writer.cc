#include "data/formats/family/foreign_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "data/formats/base/unread_poses.h"
#include "data/formats/family/foreign_columns.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/import.h"
#include "data/formats/family/write_dialect.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/files.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/hdf5_source.h"
#include "data/store/image_column.h"
#include "data/store/meta.h"

namespace understudy {
namespace fs = std::filesystem;
using namespace foreign;
namespace {

constexpr int64_t kFlushEpisodes = 100;

// MimicGen counts source demonstrations by their place in the list that it generated from. Ours
// knows that place from its table of attempts, else by the order of uuids.
std::map<std::string, int64_t> PlacesOfSources(const EpisodeSource& reader) {
  std::map<int64_t, std::vector<int32_t>> by_attempt;
  std::set<int64_t> twice;
  for (const AttemptRecord& attempt : reader.attempts()) {
    if (!by_attempt.emplace(attempt.attempt, attempt.sources).second) twice.insert(attempt.attempt);
  }
  std::map<std::string, int64_t> places;
  std::set<std::string> uuids;
  bool sound = !by_attempt.empty();
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    const EpisodeMeta meta = reader.ReadMeta(i);
    uuids.insert(meta.sources.begin(), meta.sources.end());
    const auto found = by_attempt.find(meta.attempt);
    if (meta.sources.empty()) continue;
    if (found == by_attempt.end() || twice.contains(meta.attempt)) {
      sound = false;
      continue;
    }
    // an episode names its sources in the order of the subtasks, those of a failure also where
    // the attempt does not count them
    std::vector<int32_t> used;
    for (const int32_t place : found->second) {
      if (place >= 0 && std::find(used.begin(), used.end(), place) == used.end())
        used.push_back(place);
    }
    if (used.size() != meta.sources.size() && !meta.success) continue;
    sound &= used.size() == meta.sources.size();
    for (size_t s = 0; sound && s < used.size(); ++s) {
      const auto [known, fresh] = places.emplace(meta.sources[s], used[s]);
      sound &= fresh || known->second == used[s];
    }
  }
  for (const std::string& uuid : uuids) sound &= places.contains(uuid);
  if (sound) return places;
  places.clear();
  for (const std::string& uuid : uuids) places.emplace(uuid, static_cast<int64_t>(places.size()));
  return places;
}

// The reset distribution that all episodes were drawn from; empty where they differ.
std::string CommonVariant(const EpisodeSource& reader, const Translation& from) {
  std::string common;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    Episode episode;
    episode.meta = reader.ReadMeta(i);
    from.ToOurs(&episode);
    if (i > 0 && episode.meta.variant != common) return "";
    common = episode.meta.variant;
  }
  return common;
}

// Pictures of one camera by way of their pixels.
void CompressFrames(const EpisodeSource& from, size_t index, size_t camera, const h5::Group& to,
                    const std::string& path, const std::vector<size_t>& frames, int compression,
                    ForeignReport* report) {
  const PictureSize size = from.header().size_of(camera);
  ImageWriter writer(to, path, frames.size(), size.width, size.height, compression);
  const FrameCompressor compressor(compression, 1);
  Image image(size.width, size.height);
  for (const size_t frame : frames) {
    from.ReadFrame(index, camera, frame, image.rgb.data());
    ++report->frames;
    writer.AddCompressed(compressor.Compress({&image})[0]);
  }
}

// Pictures of one camera: frame of each row, copied as it is deflated where it can be.
void CopyFrames(const h5::Group& from, const std::string& camera, const h5::Group& to,
                const std::string& path, const std::vector<size_t>& frames, int compression,
                ForeignReport* report) {
  const ImageReader reader(from, camera);
  ImageWriter writer(to, path, frames.size(), reader.width(), reader.height(), compression);
  const FrameCompressor compressor(compression, 1);
  Image image(reader.width(), reader.height());
  std::vector<uint8_t> packed;
  for (const size_t frame : frames) {
    if (frame >= reader.frames()) {
      h5::FailReading(from.Place(StoredImagePath(from, camera)),
                      fmt::format("has {} frames, row {} needs one", reader.frames(), frame));
    }
    // read in any case: a damaged frame must not travel on
    reader.Read(frame, image.rgb.data());
    ++report->frames;
    if (reader.ReadCompressed(frame, &packed)) {
      writer.AddCompressed(packed);
      ++report->frames_copied;
    } else {
      writer.AddCompressed(compressor.Compress({&image})[0]);
    }
  }
}

class Writing {
 public:
  Writing(const WriteDialect& dialect, const EpisodeSource& reader,
          const ForeignWriteOptions& options, const Translation& from, const Translation& into)
      : dialect_(dialect), reader_(reader), options_(options), from_(from) {
    target_.options = &options;
    target_.into = &into;
    target_.header = reader.header();
    model_ = target_.header.model_text;
    target_.own = !reader.content_hash().empty();
    from.ToOurs(&target_.header);
    if (dialect.numbers_sources) target_.sources = PlacesOfSources(reader);
    if (dialect.prepare != nullptr) dialect.prepare(&target_);
  }

  void WriteRoot(const h5::Group& root) {
    const std::string variant = CommonVariant(reader_, from_);
    const Json arguments = dialect_.arguments(target_, variant);
    const h5::Group data = root.Create("data");
    data.SetText("env_args", arguments.dump(-1, ' ', false, Json::error_handler_t::replace));
    data.SetInt("total", 0);
    if (dialect_.root != nullptr) dialect_.root(target_, root);
    for (const std::string& key : reader_.MaskNames()) {
      root.WriteTexts("mask/" + key, reader_.ReadMask(key));
    }
  }

  void WriteEpisode(size_t index, const h5::Group& data) {
    const std::string& name = reader_.episodes()[index].name;
    Episode episode = reader_.ReadEpisode(index);
    from_.ToOurs(&episode);
    const auto refuse = [&](const char* what) {
      ThrowBadInput(fmt::format("{}: {} {}{}", reader_.path().string(), name, what,
                                RefusalHint(reader_.header())));
    };
    const Step& first = episode.steps[0];
    if (first.observation.arms.empty()) refuse("holds no poses of an arm");
    if (first.action.arms.empty()) {
      refuse("holds no actions that are understood here (7 numbers per arm, or absolute targets)");
    }
    RequireAlike(reader_, index, episode, &usual_);
    if (dialect_.states_after_actions && !EndAtLastObservation(&episode)) {
      refuse(kNoStateAfter);
    }
    TakeModel(index, episode.meta);
    const h5::Group demo = data.Create(name);
    demo.SetInt("num_samples", static_cast<int64_t>(episode.length()));
    if (reader_.episodes()[index].success_known) demo.SetBool("success", episode.meta.success);
    demo.SetUint("seed", episode.meta.seed);
    demo.SetText("uuid", episode.meta.uuid);
    if (!episode.meta.variant.empty()) demo.SetText("variant", episode.meta.variant);
    for (const Column& column : dialect_.columns(target_, episode)) demo.Write(column);
    if (dialect_.attributes != nullptr) dialect_.attributes(target_, episode, demo);
    WritePictures(index, episode.length(), demo);
    ++report.episodes;
    report.steps += static_cast<int64_t>(episode.length());
    data.SetInt("total", report.steps);
  }

  ForeignReport report;

 private:
  // Other programs store a model with every episode, and ours with those of worlds of their own.
  void TakeModel(size_t index, const EpisodeMeta& meta) {
    std::string model = ModelTextOf(meta, reader_.header());
    if (!target_.own) {
      const auto* file = dynamic_cast<const Hdf5Source*>(&reader_);
      if (file == nullptr) return;
      model = file->Demo(index).Text("model_file", "");
    }
    if (model == model_) return;
    model_ = std::move(model);
    target_.header.model_text = model_;
    if (dialect_.prepare != nullptr) dialect_.prepare(&target_);
  }
  void WritePictures(size_t index, size_t length, const h5::Group& demo) {
    std::vector<size_t> now(length), next(length);
    for (size_t k = 0; k < length; ++k) {
      now[k] = k;
      // nobody looked after the last action
      next[k] = std::min(k + 1, length - 1);
    }
    const bool twice = dialect_.next_pictures != nullptr && dialect_.next_pictures(options_);
    // other HDF5 files lend their frames as they are compressed, but those that are turned
    const bool turned =
        reader_.header().settings.is_object() && reader_.header().settings.value(kBottomUp, false);
    const auto* file = turned ? nullptr : dynamic_cast<const Hdf5Source*>(&reader_);
    const std::vector<std::string>& cameras = target_.header.cameras;
    for (size_t c = 0; c < cameras.size(); ++c) {
      const std::string path = dialect_.pictures(cameras[c]);
      if (file == nullptr) {
        CompressFrames(reader_, index, c, demo, path, now, options_.compression, &report);
        if (!twice) continue;
        CompressFrames(reader_, index, c, demo, "next_" + path, next, options_.compression,
                       &report);
        continue;
      }
      const h5::Group source = file->Demo(index);
      if (!source.Has(StoredImagePath(source, cameras[c]))) continue;
      CopyFrames(source, cameras[c], demo, path, now, options_.compression, &report);
      if (!twice) continue;
      CopyFrames(source, cameras[c], demo, "next_" + path, next, options_.compression, &report);
    }
  }

  const WriteDialect& dialect_;
  const EpisodeSource& reader_;
  const ForeignWriteOptions& options_;
  const Translation& from_;
  Target target_;
  std::string model_;  // of the last episode, as the dataset has it
  std::string usual_;  // arms of the episodes
};

}  // namespace

Json ToJson(const ForeignReport& report) {
  Json json{{"episodes", report.episodes},
            {"steps", report.steps},
            {"frames", report.frames},
            {"frames_copied", report.frames_copied}};
  for (const auto& [from, to] : report.names) {
    if (from != to) json["renamed"][from] = to;
  }
  return json;
}

ForeignReport WriteForeign(const WriteDialect& dialect, const EpisodeSource& reader,
                           const fs::path& output, const ForeignWriteOptions& options,
                           const Translation& from, const Translation& into, Progress& progress) {
  RequireEpisodes(reader);
  RequirePoses(reader);
  CheckOutput(output, options.overwrite, {reader.path()});
  std::error_code none;
  if (!output.parent_path().empty()) fs::create_directories(output.parent_path(), none);
  UnfinishedFile part(output);
  Writing writing(dialect, reader, options, from, into);
  const auto count = static_cast<int64_t>(reader.episodes().size());
  progress.Start("writing " + output.string(), count, "episodes");
  {
    h5::GrowingFile file = h5::GrowingFile::Create(part.part());
    part.Begin();
    writing.WriteRoot(file.root());
    for (int64_t i = 0; i < count; ++i) {
      if (InterruptRequested()) ThrowFailed("interrupted: nothing was written");
      writing.WriteEpisode(static_cast<size_t>(i), file.root().Open("data"));
      if ((i + 1) % kFlushEpisodes == 0) {
        file.Flush();
        file.Trim();
      }
      progress.Advance(i + 1);
    }
    file.Close();
  }
  part.Rename();
  progress.Finish();
  return writing.report;
}

std::vector<std::string> LostIn(const WriteDialect& dialect, const EpisodeSource& reader,
                                const ForeignWriteOptions& options, const Translation& into,
                                const Translation& from) {
  RequirePoses(reader);
  const DatasetHeader& header = reader.header();
  WrittenFacts facts{&header, &options, !reader.content_hash().empty()};
  bool teleoperated = false, drawn = false, failed = false, joints_told = false;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    const EpisodeMeta meta = reader.ReadMeta(i);
    facts.generated |= !meta.sources.empty();
    facts.instructed |= !meta.instruction.empty();
    drawn |= !meta.variation.edits.empty() || !meta.physics.edits.empty();
    failed |= !meta.cause.empty();
  }
  std::vector<std::string> of_file;
  if (!reader.episodes().empty()) {
    Episode first = reader.ReadEpisode(0, true);
    teleoperated = !first.raw.samples.empty() || !first.steps[0].teleop.arms.empty();
    const std::vector<ArmAction>& commanded = first.steps[0].action.arms;
    joints_told = !commanded.empty() && commanded[0].q_cmd.size() > 0;
    facts.final_known = !first.final_observation.arms.empty();
    facts.velocities = facts.own && !FindFreeJoints(first, StateSizesOf(first.meta, header).flat,
                                                    ModelTextOf(first.meta, header))
                                         .empty();
    if (!facts.own) {
      // columns are known by what is written of an episode
      from.ToOurs(&first);
      Target target{&options, &into, header, false, {}};
      from.ToOurs(&target.header);
      std::vector<std::string> written;
      const Step& row = first.steps[0];
      const bool known = !row.observation.arms.empty() && !row.action.arms.empty();
      if (known && (!dialect.states_after_actions || EndAtLastObservation(&first))) {
        for (const Column& column : dialect.columns(target, first)) written.push_back(column.path);
      }
      const bool twice = dialect.next_pictures != nullptr && dialect.next_pictures(options);
      for (const std::string& camera : header.cameras) {
        written.push_back(dialect.pictures(camera));
        if (twice) written.push_back("next_" + written.back());
      }
      of_file = LostOfFile(header, &first, written);
    }
  }
  std::vector<std::string> lost;
  const auto say = [&](bool when, const char* what) {
    if (when) lost.push_back(what);
  };
  // what none of them holds
  say(facts.own, "actions before noise, clip flags, labels and subtasks of the rows");
  say(joints_told,
      "targets of the joints, the robot's command: actions are the poses that they lead to (to "
      "LeRobot they are kept)");
  say(teleoperated, "raw device samples, the poses that the operator asked for, clocks");
  say(drawn, "draws of the randomizers");
  say(facts.own && !header.cameras.empty(), "camera parameters");
  say(failed, "causes of failure");
  say(!reader.attempts().empty(), "the table of attempts");
  say(facts.own, "task, settings, parents, quality and content hashes");
  say(!facts.header->scene_files.empty(),
      "the files of the scene: meshes and pictures, which the model names");
  for (std::string& line : of_file) lost.push_back(std::move(line));
  // what this one does not hold, or changes
  for (std::string& line : dialect.lost(facts)) lost.push_back(std::move(line));
  say(!into.same_frame(),
      "our control frame: poses, targets and deltas become those of the other program's frame");
  return lost;
}

}  // namespace understudy
