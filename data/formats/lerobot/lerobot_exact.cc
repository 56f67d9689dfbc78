// LeRobot datasets that this program wrote, back to what they were.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/ordered_pool.h"
#include "data/formats/lerobot/frame_table.h"
#include "data/formats/lerobot/lerobot_import_parts.h"
#include "data/formats/lerobot/lerobot_rows.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/writer.h"

namespace understudy {
namespace {

constexpr const char* kNext =
    "the folder was edited since; --no-lerobot-import.extras takes the LeRobot dataset alone";

// The number as the column of the feature can hold it.
double Stored(const Feature& feature, double value) {
  return feature.dtype == "float32" ? static_cast<double>(static_cast<float>(value)) : value;
}

std::string InstructionOf(const Extras& extras, const Episode& episode) {
  return episode.meta.instruction.empty() ? extras.header.simulator.instruction
                                          : episode.meta.instruction;
}

// What distinguishes episodes: the numbers of action and state, and the task.
std::string Fingerprint(const std::vector<const std::vector<double>*>& columns,
                        const std::string& task) {
  Hasher hasher;
  hasher.Add(task);
  for (const std::vector<double>* column : columns) {
    const std::vector<float> values(column->begin(), column->end());
    hasher.Add(values.data(), values.size() * sizeof(float));
    const uint64_t count = values.size();
    hasher.Add(&count, sizeof(count));
  }
  return hasher.Hex();
}

class ExactImport {
 public:
  ExactImport(const LerobotFolder& folder, const Extras& extras,
              const LerobotImportOptions& options)
      : folder_(folder),
        extras_(extras),
        names_skip_bad_(!options.skip_bad),
        rows_(folder, options.tolerance_s),
        pictures_(folder, options.tolerance_s),
        arms_(ArmsOf(extras.reader->ReadEpisode(0), extras.header.simulator, Place())),
        table_(arms_, LerobotVersion::kV21) {
    CheckCommon();
  }

  // Which episode of the extras each one of the folder is.
  std::vector<size_t> Match();
  // The original of an episode of the folder, compared with it in every number.
  Episode Compared(size_t number, size_t original);
  // Writes `episode`, which Compared gave, with the pictures of the folder.
  void Import(const Episode& episode, size_t number, size_t original, DatasetWriter& writer);

 private:
  std::string Place() const { return extras_.reader->path().string(); }
  void CheckCommon() const;
  void Compare(const LerobotEpisode& place, const LerobotRows& rows, const Episode& episode);
  std::vector<std::string> FingerprintsOfFolder();
  std::vector<std::string> FingerprintsOfExtras();

  const LerobotFolder& folder_;
  const Extras& extras_;
  const bool names_skip_bad_;
  LerobotRowReader rows_;
  LerobotPictures pictures_;
  std::vector<ArmShape> arms_;
  FrameTable table_;
};

void ExactImport::CheckCommon() const {
  const double rate = extras_.header.simulator.control_hz;
  // one that LeRobot cannot say was written as another one
  if (rate != folder_.fps && std::round(rate) == rate) {
    ThrowBadInput(fmt::format("{}: {} rows per second, meta/info.json says {}; {}", Place(), rate,
                              folder_.fps, kNext));
  }
  for (const std::string& camera : extras_.header.cameras) {
    const std::string key = PictureKey(camera);
    if (std::find(folder_.films.begin(), folder_.films.end(), key) != folder_.films.end()) continue;
    ThrowBadInput(
        fmt::format("{}: the dataset has pictures of '{}', the folder has no feature "
                    "'{}'; {}",
                    Place(), camera, key, kNext));
  }
  for (const Feature& feature : table_.features()) {
    const LerobotFeature* theirs = folder_.Find(feature.name);
    if (theirs == nullptr && feature.name != "action") continue;
    if (theirs != nullptr && theirs->width() == static_cast<size_t>(feature.width())) continue;
    ThrowBadInput(fmt::format("{}: '{}' has {} numbers, the folder's has {}; {}", Place(),
                              feature.name, feature.width(),
                              theirs == nullptr ? 0 : theirs->width(), kNext));
  }
}

std::vector<std::string> ExactImport::FingerprintsOfFolder() {
  std::vector<std::string> prints;
  for (const LerobotEpisode& episode : folder_.episodes) {
    const LerobotRows rows = rows_.Read(episode);
    std::vector<const std::vector<double>*> columns;
    for (const char* name : {"action", "observation.state"}) {
      const LerobotFeature* feature = folder_.Find(name);
      if (feature != nullptr) columns.push_back(&rows.values[feature - folder_.features.data()]);
    }
    prints.push_back(Fingerprint(columns, rows.task));
  }
  return prints;
}

std::vector<std::string> ExactImport::FingerprintsOfExtras() {
  std::vector<std::string> prints;
  for (size_t e = 0; e < extras_.reader->episodes().size(); ++e) {
    const Episode episode = extras_.reader->ReadEpisode(e);
    table_.Fill(episode, 0, 0, 0, folder_.fps);
    std::vector<const std::vector<double>*> columns;
    for (const char* name : {"action", "observation.state"}) {
      for (const Feature& feature : table_.features()) {
        if (feature.name == name && folder_.Find(name) != nullptr) {
          columns.push_back(&feature.values);
        }
      }
    }
    prints.push_back(Fingerprint(columns, InstructionOf(extras_, episode)));
  }
  return prints;
}

std::vector<size_t> ExactImport::Match() {
  const size_t count = folder_.episodes.size(), all = extras_.reader->episodes().size();
  std::vector<size_t> matched(count);
  if (count == all) {
    // Import compares every number
    for (size_t i = 0; i < count; ++i) matched[i] = i;
    return matched;
  }
  if (count > all) {
    ThrowBadInput(
        fmt::format("{}: has {} episodes, the folder {}; {}", Place(), all, count, kNext));
  }
  // deleted ones are found where the rest fits in one way only: from the front and from the back
  const std::vector<std::string> theirs = FingerprintsOfFolder(), ours = FingerprintsOfExtras();
  size_t at = 0;
  for (size_t i = 0; i < count; ++i, ++at) {
    while (at < all && ours[at] != theirs[i]) ++at;
    if (at == all) {
      ThrowBadInput(
          fmt::format("{}: episode {} of the folder is none of its {} episodes, in their "
                      "order; {}",
                      Place(), i, all, kNext));
    }
    matched[i] = at;
  }
  at = all;
  for (size_t i = count; i-- > 0;) {
    do {
      --at;
    } while (ours[at] != theirs[i]);
    if (matched[i] == at) continue;
    ThrowBadInput(
        fmt::format("{}: has {} episodes, the folder {}, and episode {} of the folder may be "
                    "number {} or {} of "
                    "them, which differ in their pictures only; {}",
                    Place(), all, count, i, matched[i], at, kNext));
  }
  return matched;
}

void ExactImport::Compare(const LerobotEpisode& place, const LerobotRows& rows,
                          const Episode& episode) {
  const auto where = [&] {
    return fmt::format("{}: episode {}", place.data.string(), place.number);
  };
  const std::string instruction = InstructionOf(extras_, episode);
  if (rows.several_tasks || rows.task != instruction) {
    ThrowBadInput(fmt::format("{}: its task is '{}', in '{}' '{}'; {}", where(), rows.task, Place(),
                              instruction, kNext));
  }
  for (const Feature& feature : table_.features()) {
    const LerobotFeature* theirs = folder_.Find(feature.name);
    // tasks may be numbered in another way
    const bool task = feature.name == "task_index" || feature.name.starts_with("annotation.");
    if (theirs == nullptr || task) continue;
    const std::vector<double>& found = rows.values[theirs - folder_.features.data()];
    // times were compared within their tolerance
    if (feature.name == "timestamp") continue;
    for (size_t i = 0; i < found.size(); ++i) {
      const double expected = Stored(feature, feature.values[i]);
      if (found[i] == expected) continue;
      ThrowBadInput(fmt::format("{}, row {}: {} holds {}, '{}' says {}; {}", where(),
                                i / static_cast<size_t>(feature.width()), feature.name, found[i],
                                Place(), expected, kNext));
    }
  }
}

Episode ExactImport::Compared(size_t number, size_t original) {
  const LerobotEpisode& place = folder_.episodes[number];
  const Episode episode = extras_.reader->ReadEpisode(original, true);
  if (static_cast<int64_t>(episode.length()) != place.length) {
    ThrowBadInput(fmt::format("{}: episode {} has {} rows, {} of '{}' has {}; {}",
                              place.data.string(), number, place.length, episode.meta.name, Place(),
                              episode.length(), kNext));
  }
  if (ArmsOf(episode, extras_.header.simulator, Place()) != arms_) {
    ThrowBadInput(
        fmt::format("{}: {} has other arms than the first episode", Place(), episode.meta.name));
  }
  table_.Fill(episode, place.number, place.first_index, 0, folder_.fps);
  Compare(place, NamingSkipBad(names_skip_bad_, [&] { return rows_.Read(place); }), episode);
  return episode;
}

void ExactImport::Import(const Episode& episode, size_t number, size_t original,
                         DatasetWriter& writer) {
  const LerobotEpisode& place = folder_.episodes[number];
  // pictures: the film is even where the picture was odd
  const int width = extras_.header.image_width, height = extras_.header.image_height;
  std::vector<size_t> films;
  for (const std::string& camera : extras_.header.cameras) {
    const auto found = std::find(folder_.films.begin(), folder_.films.end(), PictureKey(camera));
    films.push_back(static_cast<size_t>(found - folder_.films.begin()));
    const VideoReader& film =
        *NamingSkipBad(names_skip_bad_, [&] { return &pictures_.Open(place, films.back()); });
    if (film.width() != width + width % 2 || film.height() != height + height % 2) {
      ThrowBadInput(fmt::format("{}: pictures of {} x {} pixels, those of the dataset have {} x {}",
                                film.file().string(), film.width(), film.height(), width, height));
    }
  }
  std::vector<CameraParameters> cameras = extras_.cameras[original];
  if (cameras.empty()) cameras.assign(films.size(), {width, height, 0, {}});
  try {
    writer.BeginEpisode(episode, cameras);
  } catch (const ContractError& error) {
    ThrowBadInput(fmt::format("{}: {}: {}", Place(), episode.meta.name, error.what()));
  }
  for (int64_t row = 0; row < place.length && !films.empty(); ++row) {
    std::vector<Image> images;
    for (const size_t film : films) {
      const Image& shown = pictures_.Read(place, film, row);
      Image image(width, height);
      const size_t line = static_cast<size_t>(width) * 3;
      for (int y = 0; y < height; ++y) {
        std::memcpy(
            image.rgb.data() + static_cast<size_t>(y) * line,
            shown.rgb.data() + static_cast<size_t>(y) * static_cast<size_t>(shown.width) * 3, line);
      }
      images.push_back(std::move(image));
    }
    writer.AddFrames(images);
  }
  writer.EndEpisode();
}

}  // namespace

void CompareWithExtras(const LerobotFolder& folder, const Extras& extras,
                       const LerobotImportOptions& options,
                       const std::function<void(const std::function<void()>& compare)>& each) {
  RequireEpisodes(*extras.reader);
  ExactImport import(folder, extras, options);
  const std::vector<size_t> matched = import.Match();
  for (size_t i = 0; i < matched.size() && !InterruptRequested(); ++i) {
    each([&] { import.Compared(i, matched[i]); });
  }
}

void ImportExactly(const LerobotFolder& folder, const Extras& extras,
                   const std::filesystem::path& out, const LerobotImportOptions& options,
                   Progress& progress, LerobotImportReport& report) {
  ExactImport import(folder, extras, options);
  const std::vector<size_t> matched = import.Match();
  DatasetWriter writer(out, extras.header,
                       {.overwrite = options.overwrite, .flush_episodes = false});
  std::map<std::string, std::string> names;  // of the original: of the new dataset
  progress.Start("writing " + out.string(), static_cast<int64_t>(matched.size()), "episodes");
  // one is read and compared while the one before is written
  const auto read = [&](int, int64_t i) {
    const auto at = static_cast<size_t>(i);
    return import.Compared(at, matched[at]);
  };
  const auto write = [&](int64_t i, Episode&& episode) {
    if (InterruptRequested()) ThrowFailed(out.string() + ": interrupted, nothing was written");
    const auto at = static_cast<size_t>(i);
    import.Import(episode, at, matched[at], writer);
    names[extras.reader->episodes()[matched[at]].name] = fmt::format("demo_{}", i);
    report.frames += folder.episodes[at].length;
    progress.Advance(i + 1);
    return true;
  };
  RunOrdered<Episode>(1, 0, static_cast<int64_t>(matched.size()), read, write, 2);
  report.episodes = static_cast<int64_t>(matched.size());
  for (const EpisodeSummary& episode : extras.reader->episodes()) {
    if (names.count(episode.name) == 0) report.dropped.push_back(episode.uuid);
  }
  extras.reader->VisitAttempts(
      [&](const AttemptRecord& attempt) { writer.AppendAttempt(attempt); });
  for (const std::string& key : extras.reader->MaskNames()) {
    std::vector<std::string> kept;
    for (const std::string& name : extras.reader->ReadMask(key)) {
      const auto found = names.find(name);
      if (found != names.end()) kept.push_back(found->second);
    }
    writer.WriteMask(key, kept);
  }
  if (!extras.report.empty()) writer.WriteReport(extras.report);
  writer.Finish();
}

}  // namespace understudy
