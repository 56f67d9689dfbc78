#include "data/formats/lerobot/lerobot_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "core/base/error.h"
#include "data/formats/lerobot/feature_statistics.h"
#include "data/formats/lerobot/lerobot_import_parts.h"
#include "data/formats/lerobot/lerobot_rows.h"
#include "data/formats/lerobot/lerobot_statistics.h"
#include "data/formats/lerobot/picture_shape.h"
#include "data/formats/lerobot/whole_numbers.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// What LeRobot's own sums in single precision are off by, relative to the largest number: they grow
// with the rows of an episode (measured on constants with lerobot 0.3.3 and 0.4.4).
constexpr double kRounding = 1e-5, kRoundingPerRow = 6e-8;
constexpr double kSquares = 1e-6, kSquaresPerRow = 1.2e-7;
// Beyond that: of the range, and a variance of the sample instead of the population.
constexpr double kMeanOfRange = 1e-3, kVariance = 0.02;
// Quantiles come from a histogram whose ends stand a little apart.
constexpr double kOrder = 1e-9;
// Means of pictures in [0, 1]: of some frames before a lossy codec.
constexpr double kPictureMean = 0.1;
constexpr size_t kColours = 3;

// Numbers of rows, episodes and tasks: nothing is normalised by them, and programs that take
// episodes out of a dataset leave their statistics as they were.
bool IsCounter(const std::string& feature) {
  return feature == "index" || feature == "episode_index" || feature == "task_index" ||
         feature.starts_with("annotation.");
}

class FolderCheck {
 public:
  FolderCheck(const fs::path& path, const LerobotImportOptions& options)
      : path_(path.has_filename() ? path : path.parent_path()), options_(options) {}

  VerifyReport Run(Progress& progress);

 private:
  // What throws becomes a fault, once.
  bool Try(const std::function<void()>& work);
  void Fail(const std::string& place, const std::string& what);
  void CheckEpisode(const LerobotEpisode& episode);
  void AddNumbers(const LerobotEpisode& episode, const LerobotRows& rows);
  void AddPictures(const LerobotEpisode& episode);
  void CheckDataset();
  void CheckExtras();
  // Statistics of an episode, if this version stores them.
  void CompareEpisode(const LerobotEpisode& episode, const std::string& feature, size_t width,
                      const FeatureStatistics& found, bool picture);
  // `rows` of the longest episode that they are of.
  void Compare(const std::string& at, const StoredStatistics& stored,
               const FeatureStatistics& found, bool picture, int64_t rows);
  std::string Relative(const fs::path& file) const {
    return file.lexically_relative(path_).string();
  }

  const fs::path path_;
  const LerobotImportOptions options_;
  VerifyReport report_;
  std::set<std::string> reported_;
  LerobotFolder folder_;
  std::optional<LerobotRowReader> rows_;
  std::optional<LerobotPictures> films_;
  std::optional<LerobotStatistics> statistics_;
  std::vector<VectorStatistics> numbers_;  // per feature of the folder, of the dataset
  std::vector<ImageStatistics> pictures_;  // per film, then per image feature
  std::vector<std::pair<int, int>> sizes_;
  std::set<fs::path> broken_;                 // films that cannot be read on
  std::set<std::string> without_statistics_;  // features, each reported once
  int64_t longest_ = 0;                       // episode
  bool whole_ = true;                         // every row of the dataset was read
};

void FolderCheck::Fail(const std::string& place, const std::string& what) {
  if (reported_.insert(place + what).second) report_.faults.push_back({place, what});
}

bool FolderCheck::Try(const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const Error& error) {
    // errors begin with the file that they are about
    const std::string text = error.what(), root = path_.string() + "/";
    const bool within = text.starts_with(root);
    const size_t end = within ? text.find(": ", root.size()) : std::string::npos;
    if (end == std::string::npos) {
      Fail("/", text);
    } else {
      Fail(text.substr(root.size(), end - root.size()), text.substr(end + 2));
    }
    return false;
  }
}

void FolderCheck::Compare(const std::string& at, const StoredStatistics& stored,
                          const FeatureStatistics& found, bool picture, int64_t rows) {
  const auto numbers = [&](const char* name) -> const std::vector<double>* {
    const auto it = stored.find(name);
    return it == stored.end() ? nullptr : &it->second;
  };
  const size_t width = found.min.size();
  for (const auto& [name, values] : stored) {
    if (name != "count" && values.size() != width) {
      return Fail(at, fmt::format("{} of {} numbers, must be of {}", name, values.size(), width));
    }
    for (const double v : values) {
      if (!std::isfinite(v)) return Fail(at, fmt::format("{} is not finite", name));
    }
  }
  for (const char* name : {"min", "max", "mean", "std"}) {
    if (numbers(name) == nullptr) return Fail(at, fmt::format("has no {}", name));
  }

  const char* order[] = {"min", "q01", "q10", "q50", "q90", "q99", "max"};
  const auto length = static_cast<double>(rows);
  for (size_t i = 0; i < width; ++i) {
    const double range = found.max[i] - found.min[i];
    const double scale = std::max(std::abs(found.max[i]), std::abs(found.min[i]));
    const double slack = kRounding * (scale + range) + kOrder;
    // in order, quantiles between the ends
    const char* before = nullptr;
    for (const char* name : order) {
      if (numbers(name) == nullptr) continue;
      if (before != nullptr && (*numbers(before))[i] > (*numbers(name))[i] + slack) {
        return Fail(at, fmt::format("number {}: {} = {} is above {} = {}", i, before,
                                    (*numbers(before))[i], name, (*numbers(name))[i]));
      }
      before = name;
    }
    const auto differs = [&](const char* name, double right, double tolerance) {
      const double v = (*numbers(name))[i];
      if (std::abs(v - right) <= tolerance) return false;
      Fail(at, fmt::format("number {}: {} = {}, its {} have {}", i, name, v,
                           picture ? "pictures" : "rows", right));
      return true;
    };
    if (picture) {
      if ((*numbers("min"))[i] < -kRounding || (*numbers("max"))[i] > 1 + kRounding) {
        return Fail(at, "must lie in [0, 1]");
      }
      if (differs("mean", found.mean[i], kPictureMean)) return;
      continue;
    }
    const double mean = kMeanOfRange * range + slack + scale * kRoundingPerRow * length;
    if (differs("min", found.min[i], slack) || differs("max", found.max[i], slack) ||
        differs("mean", found.mean[i], mean)) {
      return;
    }
    const double told_std = (*numbers("std"))[i], variance = found.std[i] * found.std[i];
    const double squares = scale * scale * (kSquares + kSquaresPerRow * length);
    const double off = std::abs(told_std * told_std - variance);
    if (told_std < 0 || off > kVariance * variance + squares + kOrder * kOrder) {
      return Fail(at,
                  fmt::format("number {}: std = {}, its rows have {}", i, told_std, found.std[i]));
    }
  }
  // of pictures some are looked at
  const std::vector<double>* count = numbers("count");
  const double most = static_cast<double>(found.count);
  if (count == nullptr || count->empty()) return;
  if (picture ? (*count)[0] > most : (*count)[0] != most) {
    Fail(at, fmt::format("count = {}, there are {}", (*count)[0], found.count));
  }
}

void FolderCheck::CompareEpisode(const LerobotEpisode& episode, const std::string& feature,
                                 size_t width, const FeatureStatistics& found, bool picture) {
  if (!statistics_->has_episodes()) return;
  Try([&] {
    const std::optional<StoredStatistics> stored =
        statistics_->OfEpisode(episode.number, feature, width);
    const std::string at = fmt::format(
        "{}: episode {}: {}", Relative(statistics_->file_of_episodes()), episode.number, feature);
    if (stored) return Compare(at, *stored, found, picture, episode.length);
    // v3.0's policies normalise by the dataset's
    if (folder_.version == "v3.0" || !without_statistics_.insert(feature).second) return;
    Fail(at, "has no statistics: nothing can normalise by them");
  });
}

void FolderCheck::AddNumbers(const LerobotEpisode& episode, const LerobotRows& rows) {
  for (size_t f = 0; f < folder_.features.size(); ++f) {
    const LerobotFeature& feature = folder_.features[f];
    const auto width = static_cast<std::ptrdiff_t>(feature.width());
    VectorStatistics own(static_cast<int>(width), false);
    for (auto row = rows.values[f].begin(); row != rows.values[f].end(); row += width) {
      const std::vector<double> vector(row, row + width);
      own.Add(vector);
      numbers_[f].Add(vector);
    }
    // which axes LeRobot takes together changed between its versions
    if (IsCounter(feature.name) || feature.shape.size() > 1) continue;
    CompareEpisode(episode, feature.name, feature.width(), own.Result(), false);
  }
}

void FolderCheck::AddPictures(const LerobotEpisode& episode) {
  const size_t films = folder_.films.size();
  for (size_t c = 0; c < films + folder_.pictures.size(); ++c) {
    const std::string& key = c < films ? folder_.films[c] : folder_.pictures[c - films];
    const fs::path& file = c < films ? episode.films[c].file : episode.data;
    ImageStatistics own;
    // what the episode lacks of its film is no fault of the others in it
    const bool there = c >= films || Try([&] { films_->Open(episode, c); });
    const bool read = there && !broken_.contains(file) && Try([&] {
                        Image picture;
                        for (int64_t row = 0; row < episode.length; ++row) {
                          if (c >= films) picture = rows_->ReadPicture(episode, key, row);
                          const Image& image = c < films ? films_->Read(episode, c, row) : picture;
                          auto& [width, height] = sizes_[c];
                          RequireOneSize({image.width, image.height},
                                         fmt::format("{}: episode {}, row {}: {}", file.string(),
                                                     episode.number, row, key),
                                         width, height);
                          own.Add(image);
                          pictures_[c].Add(image);
                        }
                      });
    if (read) {
      // of depths LeRobot's statistics are in another unit
      if (folder_.depths.contains(key)) continue;
      CompareEpisode(episode, key, kColours, own.Result(), true);
      continue;
    }
    // a film is reported once: what follows an undecodable frame is not where it should be
    whole_ = false;
    if (c < films && there) broken_.insert(file);
  }
}

void FolderCheck::CheckEpisode(const LerobotEpisode& episode) {
  whole_ &= Try([&] { AddNumbers(episode, rows_->Read(episode)); });
  AddPictures(episode);
  longest_ = std::max(longest_, episode.length);
  ++report_.episodes;
  report_.steps += episode.length;
}

void FolderCheck::CheckDataset() {
  for (size_t c = 0; c < sizes_.size(); ++c) {
    const size_t films = folder_.films.size();
    const std::string& key = c < films ? folder_.films[c] : folder_.pictures[c - films];
    if (sizes_[c].first == 0) continue;
    const std::string fault =
        SizeFault(folder_.info["features"][key], sizes_[c].first, sizes_[c].second);
    if (fault.empty()) continue;
    Fail("meta/info.json",
         fmt::format("feature '{}': {}; `understudy data repair {} --out FOLDER` writes the true "
                     "size",
                     key, fault, path_.string()));
  }
  const std::string episodes = Relative(statistics_->file_of_episodes());
  if (folder_.version == "v2.1" && !statistics_->has_episodes()) {
    Fail(episodes, "is missing: nothing can normalise by it");
  }
  const fs::path& file = statistics_->file_of_dataset();
  if (file.empty()) return;
  const std::string place = Relative(file);
  if (!statistics_->has_dataset()) return Fail(place, "is missing: nothing can normalise by it");
  const auto compare = [&](const std::string& name, const auto& numbers, bool picture,
                           bool values) {
    Try([&] {
      const std::optional<StoredStatistics> stored = statistics_->OfDataset(name);
      const std::string at = fmt::format("{}: {}", place, name);
      // GR00T's v2.0 stores none of pictures
      if (!stored && picture && folder_.version == "v2.0") return;
      if (!stored) return Fail(at, "has no statistics: nothing can normalise by them");
      // faults of the rows were reported
      if (whole_ && values) Compare(at, *stored, numbers.Result(), picture, longest_);
    });
  };
  for (size_t f = 0; f < folder_.features.size(); ++f) {
    const LerobotFeature& feature = folder_.features[f];
    if (IsCounter(feature.name)) continue;
    compare(feature.name, numbers_[f], false, feature.shape.size() == 1);
  }
  for (size_t c = 0; c < pictures_.size(); ++c) {
    const size_t films = folder_.films.size();
    const std::string& key = c < films ? folder_.films[c] : folder_.pictures[c - films];
    compare(key, pictures_[c], true, !folder_.depths.contains(key));
  }
}

void FolderCheck::CheckExtras() {
  if (!options_.extras || !HasExtras(path_)) return;
  // faults are listed without the option that would leave them out
  LerobotImportOptions options = options_;
  options.skip_bad = true;
  Try([&] {
    const Extras extras = OpenExtras(path_);
    CompareWithExtras(folder_, extras, options,
                      [&](const std::function<void()>& episode) { Try(episode); });
  });
}

VerifyReport FolderCheck::Run(Progress& progress) {
  const bool opened = Try([&] {
    folder_ = OpenLerobot(path_);
    statistics_.emplace(folder_);
  });
  if (!opened) return report_;
  for (const auto& [place, what] : folder_.faults) Fail(place, what);
  Try([&] {
    for (const auto& [place, what] : ModalityFaults(folder_)) {
      Fail(place, what + "; `understudy data repair` leaves it out");
    }
  });
  rows_.emplace(folder_, options_.tolerance_s);
  films_.emplace(folder_, options_.tolerance_s);
  for (const LerobotFeature& feature : folder_.features) {
    numbers_.emplace_back(static_cast<int>(feature.width()), false);
  }
  pictures_.resize(folder_.films.size() + folder_.pictures.size());
  sizes_.resize(pictures_.size());
  std::error_code none;
  for (const auto* files : {&folder_.rows, &folder_.frames}) {
    for (const auto& [file, count] : *files) {
      const uintmax_t bytes = fs::file_size(file, none);
      if (!none) report_.bytes_read += static_cast<int64_t>(bytes);
    }
  }

  progress.Start("verifying " + path_.string(), static_cast<int64_t>(folder_.episodes.size()),
                 "episodes");
  for (const LerobotEpisode& episode : folder_.episodes) {
    if (InterruptRequested()) ThrowFailed("interrupted");
    CheckEpisode(episode);
    progress.Advance(report_.episodes);
  }
  CheckDataset();
  CheckExtras();
  for (const auto& [name, beyond] : FindBeyondDouble(folder_)) {
    progress.Message(
        fmt::format("note: {}, beyond 2^53: copies of the folder keep it, other "
                    "formats have no column {}",
                    beyond.first, name));
  }
  for (const std::string& note : folder_.notes) progress.Message("note: " + note);
  for (const std::string& note : films_->notes()) progress.Message("note: " + note);
  if (InterruptRequested()) ThrowFailed("interrupted");
  progress.Finish();
  return report_;
}

}  // namespace

VerifyReport VerifyLerobot(const fs::path& folder, const LerobotImportOptions& options,
                           Progress& progress) {
  return FolderCheck(folder, options).Run(progress);
}

}  // namespace understudy
