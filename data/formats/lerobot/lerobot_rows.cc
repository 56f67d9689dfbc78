#include "data/formats/lerobot/lerobot_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/base/error.h"
#include "data/formats/lerobot/picture_shape.h"
#include "data/formats/lerobot/whole_numbers.h"
#include "data/video/png.h"

namespace understudy {
namespace {

std::string Place(const LerobotEpisode& episode, const std::string& column, size_t row) {
  return fmt::format("{}: episode {}, row {}: {}", episode.data.string(), episode.number, row,
                     column);
}

}  // namespace

void LerobotRowReader::Open(const LerobotEpisode& episode) {
  if (!episode.fault.empty()) ThrowBadInput(episode.fault);
  if (file_ && file_->file() == episode.data) return;
  file_.reset();
  RequireThere(folder_, episode.data);
  file_.emplace(episode.data);
  const int64_t expected = folder_.rows.at(episode.data);
  if (file_->rows() != expected) {
    ThrowBadInput(fmt::format("{}: has {} rows, its episodes in meta/ have {}",
                              episode.data.string(), file_->rows(), expected));
  }
  for (const std::string& column : file_->columns()) {
    const auto known = [&](const std::string& unread) { return unread.starts_with(column + " ("); };
    const bool listed =
        folder_.Find(column) != nullptr ||
        std::find(folder_.texts.begin(), folder_.texts.end(), column) != folder_.texts.end() ||
        std::any_of(folder_.unread.begin(), folder_.unread.end(), known) ||
        std::find(folder_.films.begin(), folder_.films.end(), column) != folder_.films.end() ||
        std::find(folder_.pictures.begin(), folder_.pictures.end(), column) !=
            folder_.pictures.end();
    if (!listed) unlisted_.insert(column);
  }
}

// CheckIndices says whether frame_index is sound.
std::vector<double> LerobotRowReader::MustBe(const LerobotEpisode& episode,
                                             const LerobotFeature& feature) const {
  std::vector<double> values;
  const bool time = feature.name == "timestamp" && folder_.Find("frame_index") != nullptr;
  if (!folder_.mended || feature.width() != 1 || (!time && feature.name != "index")) return values;
  for (int64_t k = 0; k < episode.length; ++k) {
    values.push_back(time ? static_cast<double>(k) / folder_.fps
                          : static_cast<double>(episode.first_index + k));
  }
  return values;
}

std::vector<double> LerobotRowReader::ReadFeature(const LerobotEpisode& episode,
                                                  const LerobotFeature& feature) {
  std::string beyond;
  std::vector<double> values = Rounded(episode, feature, &beyond);
  if (!beyond.empty()) {
    ThrowBadInput(beyond +
                  ", which is beyond 2^53: it cannot be read as a number of 64 bits with "
                  "a fraction; copies of the folder keep it");
  }
  return values;
}

std::vector<int64_t> LerobotRowReader::ReadWhole(const LerobotEpisode& episode,
                                                 const LerobotFeature& feature) {
  Open(episode);
  return InOrder(episode,
                 file_->Integers(feature.name, episode.first_row, SpanOf(episode), feature.width()),
                 feature.width());
}

std::vector<double> LerobotRowReader::Rounded(const LerobotEpisode& episode,
                                              const LerobotFeature& feature, std::string* beyond) {
  Open(episode);
  std::vector<double> required = MustBe(episode, feature);
  if (!required.empty()) return required;
  try {
    return Stored(episode, feature, beyond);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kBadInput) RefuseGaps(episode, feature);
    throw;
  }
}

void LerobotRowReader::RefuseGaps(const LerobotEpisode& episode, const LerobotFeature& feature) {
  int64_t gap = file_->FirstGap(feature.name, episode.first_row, SpanOf(episode));
  if (gap < 0) return;
  const auto row = std::ranges::find(episode.order, gap);
  if (row != episode.order.end()) gap = row - episode.order.begin();
  ThrowBadInput(Place(episode, feature.name, static_cast<size_t>(gap)) + " lacks a value");
}

std::vector<double> LerobotRowReader::Stored(const LerobotEpisode& episode,
                                             const LerobotFeature& feature, std::string* beyond) {
  const int64_t first = episode.first_row, count = SpanOf(episode);
  const auto rounded = [&](const auto& whole) {
    std::vector<double> values;
    for (const auto v : InOrder(episode, whole, feature.width())) {
      const auto value = static_cast<double>(v);
      if (beyond->empty() && std::abs(value) >= static_cast<double>(kMostExact) &&
          v != static_cast<std::decay_t<decltype(v)>>(kMostExact)) {
        *beyond = fmt::format("{} = {}",
                              Place(episode, feature.name, values.size() / feature.width()), v);
      }
      values.push_back(value);
    }
    return values;
  };
  if (feature.dtype == "int64") {
    return rounded(file_->Integers(feature.name, first, count, feature.width()));
  }
  if (feature.dtype == "uint64") {
    return rounded(file_->Unsigned(feature.name, first, count, feature.width()));
  }
  return InOrder(episode, file_->Numbers(feature.name, first, count, feature.width()),
                 feature.width());
}

LerobotRows LerobotRowReader::Read(const LerobotEpisode& episode) {
  Open(episode);
  LerobotRows rows;
  for (const LerobotFeature& feature : folder_.features) {
    std::string beyond;  // copies keep them as they are, FindBeyondDouble names them to others
    std::vector<double> values = Rounded(episode, feature, &beyond);
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      ThrowBadInput(fmt::format("{} holds {}, which is no number",
                                Place(episode, feature.name, i / feature.width()), values[i]));
    }
    rows.values.push_back(std::move(values));
  }
  CheckIndices(episode, rows);
  for (const std::string& name : folder_.texts) {
    const bool there = file_->Has(name) && file_->IsTexts(name);
    rows.texts.push_back(
        there ? InOrder(episode, file_->Texts(name, episode.first_row, SpanOf(episode), true))
              : std::vector<std::string>{});
    if (!there) without_texts_.insert(name);
  }

  // tasks
  const LerobotFeature* task = folder_.Find("task_index");
  if (task == nullptr || task->width() != 1) return rows;
  const std::vector<double>& tasks =
      rows.values[static_cast<size_t>(task - folder_.features.data())];
  for (size_t k = 0; k < tasks.size(); ++k) {
    if (folder_.tasks.count(static_cast<int64_t>(tasks[k])) == 0) {
      ThrowBadInput(fmt::format("{} = {}: the list of tasks in meta/ has no such task",
                                Place(episode, "task_index", k), tasks[k]));
    }
    rows.several_tasks |= tasks[k] != tasks[0];
  }
  rows.task = folder_.tasks.at(static_cast<int64_t>(tasks[0]));
  return rows;
}

void LerobotRowReader::RequirePictures(const LerobotEpisode& episode) {
  Open(episode);
  for (const std::string& feature : folder_.pictures) {
    file_->RequireFiles(feature, episode.first_row, SpanOf(episode), folder_.path);
  }
}

Image LerobotRowReader::ReadPicture(const LerobotEpisode& episode, const std::string& feature,
                                    int64_t row) {
  return DecodePicture(PictureFile(episode, feature, row),
                       Place(episode, feature, static_cast<size_t>(row)));
}

std::string LerobotRowReader::PictureFile(const LerobotEpisode& episode, const std::string& feature,
                                          int64_t row) {
  Open(episode);
  const int64_t at = episode.order.empty() ? row : episode.order[static_cast<size_t>(row)];
  return std::move(file_->Files(feature, episode.first_row + at, 1, folder_.path).at(0));
}

void LerobotRowReader::CheckIndices(const LerobotEpisode& episode, const LerobotRows& rows) const {
  const auto column = [&](const char* name) -> const std::vector<double>* {
    const LerobotFeature* feature = folder_.Find(name);
    if (feature == nullptr || feature->width() != 1) return nullptr;
    return &rows.values[static_cast<size_t>(feature - folder_.features.data())];
  };
  const auto check = [&](const char* name, double first, double step) {
    const std::vector<double>* values = column(name);
    for (size_t k = 0; values != nullptr && k < values->size(); ++k) {
      const double wanted = first + step * static_cast<double>(k);
      if ((*values)[k] == wanted) continue;
      ThrowBadInput(
          fmt::format("{} = {}, must be {}", Place(episode, name, k), (*values)[k], wanted));
    }
  };
  check("episode_index", static_cast<double>(episode.number), 0);
  check("frame_index", 0, 1);
  check("index", static_cast<double>(episode.first_index), 1);
  const std::vector<double>* times = column("timestamp");
  for (size_t k = 0; times != nullptr && k < times->size(); ++k) {
    const double wanted = static_cast<double>(k) / folder_.fps;
    // float32 has no more digits
    const double tolerance = tolerance_s_ + wanted * 1.2e-7;
    if (std::abs((*times)[k] - wanted) <= tolerance) continue;
    ThrowBadInput(
        fmt::format("{} = {} s, must be {:.6f} s at {} frames/s: `understudy data repair` makes "
                    "times of the frames, `data convert` with a larger "
                    "--lerobot-import.tolerance-s lets them pass",
                    Place(episode, "timestamp", k), (*times)[k], wanted, folder_.fps));
  }
}

const VideoReader& LerobotPictures::Open(const LerobotEpisode& episode, size_t film) {
  if (!episode.fault.empty()) ThrowBadInput(episode.fault);
  const LerobotEpisode::Place& place = episode.films[film];
  std::optional<VideoReader>& reader = readers_[film];
  if (!reader || reader->file() != place.file) {
    reader.reset();
    if (const auto known = refused_.find(place.file); known != refused_.end()) {
      ThrowBadInput(known->second);
    }
    try {
      reader.emplace(OpenFilm(place.file, film));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kBadInput) refused_[place.file] = error.what();
      throw;
    }
  }
  RequireFrames(folder_, episode, film, *reader);
  return *reader;
}

VideoReader LerobotPictures::OpenFilm(const std::filesystem::path& file, size_t film) {
  VideoReader reader = OpenFilmOf(folder_, file, tolerance_s_);
  const int64_t used = folder_.frames.at(file);
  if (reader.frames() > used && !folder_.matched.contains(file)) {
    notes_.insert(fmt::format("{}: frames {} to {} belong to no row",
                              file.lexically_relative(folder_.path).string(), used,
                              reader.frames() - 1));
  }
  if (reader.bits() > 8 && !folder_.depths.contains(folder_.films[film])) {
    notes_.insert(fmt::format("{}: of the {} bits of each colour the upper 8 are kept",
                              folder_.films[film], reader.bits()));
  }
  return reader;
}

VideoReader OpenFilmOf(const LerobotFolder& folder, const std::filesystem::path& file,
                       double tolerance_s) {
  RequireThere(folder, file);
  VideoReader reader(file);
  if (folder.matched.contains(file)) return reader;
  reader.RequireTimes(
      folder.fps, tolerance_s,
      reader.frames() < folder.frames.at(file)
          ? "; `understudy data repair` takes the frames that are nearest to the times of the rows"
          : "; the film has a frame for every row all the same: "
            "`data convert` with --lerobot-import.tolerance-s {:.2f} takes them "
            "one by one, and so does `understudy data repair`");
  return reader;
}

void RequireFrames(const LerobotFolder& folder, const LerobotEpisode& episode, size_t film,
                   const VideoReader& reader) {
  if (folder.matched.contains(reader.file())) return;
  const int64_t first = episode.films[film].first_frame;
  if (reader.frames() >= first + episode.length) return;
  ThrowBadInput(
      fmt::format("{}: holds {} frames; the {} rows of episode {} in '{}' begin at frame {}",
                  reader.file().string(), reader.frames(), episode.length, episode.number,
                  episode.data.string(), first));
}

namespace {

// Sizes of pictures, by what their files say of them.
class PictureSizes {
 public:
  explicit PictureSizes(const LerobotFolder& folder)
      : folder_(folder), rows_(folder, 0), wanted_(Cameras()) {}

  // From now on pictures must have the size that most episodes begin with.
  void GoByMost() {
    for (size_t c = 0; c < wanted_.size(); ++c) {
      std::map<std::pair<int, int>, int> counts;
      for (const LerobotEpisode& episode : folder_.episodes) {
        const auto size = Size(episode, c, 0);
        if (size.first == 0) continue;
        const int count = ++counts[size];
        if (count > counts[wanted_[c]]) wanted_[c] = size;
      }
    }
  }
  // Throws where they have another size than those before.
  void Check(const LerobotEpisode& episode) {
    for (size_t c = 0; c < wanted_.size(); ++c) {
      // a film has one size
      const int64_t count = IsFilm(c) ? 1 : episode.length;
      for (int64_t row = 0; row < count; ++row) {
        const auto size = Size(episode, c, row);
        if (size.first == 0) continue;
        const std::string place =
            IsFilm(c) ? fmt::format("{}: episode {}: {}", episode.films[c].file.string(),
                                    episode.number, folder_.films[c])
                      : Place(episode, Key(c), static_cast<size_t>(row));
        RequireOneSize(size, place, wanted_[c].first, wanted_[c].second);
      }
    }
  }

 private:
  size_t Cameras() const { return folder_.films.size() + folder_.pictures.size(); }
  bool IsFilm(size_t camera) const { return camera < folder_.films.size(); }
  const std::string& Key(size_t camera) const {
    return folder_.pictures[camera - folder_.films.size()];
  }
  // Zero where it cannot be read.
  std::pair<int, int> Size(const LerobotEpisode& episode, size_t camera, int64_t row) {
    if (!episode.fault.empty()) return {0, 0};
    try {
      if (!IsFilm(camera)) return SizeOfPicture(rows_.PictureFile(episode, Key(camera), row));
      const auto& file = episode.films[camera].file;
      const auto known = films_.find(file);
      if (known != films_.end()) return known->second;
      return films_[file] = VideoReader::SizeOf(file);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
      return {0, 0};
    }
  }

  const LerobotFolder& folder_;
  LerobotRowReader rows_;
  std::map<std::filesystem::path, std::pair<int, int>> films_;
  std::vector<std::pair<int, int>> wanted_;  // per camera; zero: none yet
};

}  // namespace

void RequireOneSizes(const LerobotFolder& folder) {
  PictureSizes sizes(folder);
  for (const LerobotEpisode& episode : folder.episodes) sizes.Check(episode);
}

std::vector<std::string> FaultsOfEpisodes(const LerobotFolder& folder, double tolerance_s) {
  std::vector<std::string> faults;
  LerobotRowReader rows(folder, tolerance_s);
  LerobotPictures pictures(folder, tolerance_s);
  PictureSizes sizes(folder);
  sizes.GoByMost();
  for (const LerobotEpisode& episode : folder.episodes) {
    std::string& fault = faults.emplace_back();
    try {
      rows.Read(episode);
      rows.RequirePictures(episode);
      for (size_t f = 0; f < folder.films.size(); ++f) pictures.Open(episode, f);
      sizes.Check(episode);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
      fault = error.what();
    }
  }
  return faults;
}

const Image& LerobotPictures::Read(const LerobotEpisode& episode, size_t film, int64_t row) {
  Open(episode, film);
  return readers_[film]->Read(folder_.FrameOf(episode.films[film], row));
}

void RequireOneSize(const std::pair<int, int>& found, const std::string& place, int& width,
                    int& height) {
  if (width == 0) std::tie(width, height) = found;
  if (found == std::pair(width, height)) return;
  ThrowBadInput(fmt::format("{}: pictures of {} x {} pixels, others have {} x {}", place,
                            found.first, found.second, width, height));
}

}  // namespace understudy
