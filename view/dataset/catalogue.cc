#include "view/dataset/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/base/error.h"
#include "core/base/statistics.h"
#include "data/store/edit/select.h"

namespace understudy {
namespace {

constexpr size_t kMaxRows = 1000;  // of one answer

}  // namespace

Catalogue::Catalogue(const EpisodeSource& reader)
    : reader_(reader), thread_([this] { ReadAll(); }) {}

Catalogue::~Catalogue() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  thread_.join();
}

void Catalogue::ReadAll() {
  for (size_t i = 0; i < reader_.episodes().size(); ++i) {
    Row row = ReadRow(i);
    {
      const std::scoped_lock lock(mutex_);
      if (stop_) return;
      rows_.push_back(std::move(row));
    }
    changed_.notify_all();
    // HDF5 has one lock: requests for an episode go first
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

Catalogue::Row Catalogue::ReadRow(size_t episode) const {
  Row row;
  try {
    const Episode whole = reader_.ReadEpisode(episode);
    const EpisodeMeta& meta = whole.meta;
    row.motion = MeasureMotion(whole);
    row.readable = true;
    row.json = {{"variant", meta.variant},
                {"instruction", meta.instruction},
                {"cause", meta.cause},
                {"attempt", meta.attempt},
                {"seed", std::to_string(meta.seed)},
                {"group", VariantGroup(meta)},
                {"look", meta.variation.edits.size()},
                {"motion", MotionToJson(row.motion)}};
  } catch (const std::exception& error) {
    // a damaged episode must not end the viewer
    row.json = {{"error", error.what()}};
  }
  return row;
}

size_t Catalogue::size() const {
  const std::scoped_lock lock(mutex_);
  return rows_.size();
}

void Catalogue::WaitUntilRead() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return rows_.size() == reader_.episodes().size(); });
}

Json Catalogue::Outliers() const {
  // NaN: the episode does not have the figure
  const auto far = [&](auto figure, double noise) {
    std::vector<size_t> places;
    std::vector<double> values;
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (!rows_[i].readable || std::isnan(figure(i))) continue;
      places.push_back(i);
      values.push_back(figure(i));
    }
    if (values.empty()) return Json{{"median", nullptr}, {"episodes", Json::array()}};
    const std::vector<double> scores = OutlierScores(values, noise);
    Json episodes = Json::array();
    for (size_t i = 0; i < values.size(); ++i) {
      if (scores[i] > kOutlierScore) episodes.push_back(places[i]);
    }
    return Json{{"median", Quantile(values, 0.5)}, {"episodes", episodes}};
  };
  const auto steps = [&](size_t i) { return static_cast<double>(reader_.episodes()[i].length); };
  return {{"steps", far(steps, kStepsNoise)},
          {"path_m", far([&](size_t i) { return rows_[i].motion.path_m; }, kPathNoise_m)},
          {"jerk_rms", far([&](size_t i) { return rows_[i].motion.jerk_rms; }, kJerkNoise)},
          {"idle_share", far([&](size_t i) { return rows_[i].motion.idle_share; }, kIdleNoise)}};
}

Json Catalogue::Rows(size_t from) const {
  const std::scoped_lock lock(mutex_);
  Json rows = Json::array();
  const size_t end = std::min(rows_.size(), from + std::min(kMaxRows, rows_.size()));
  for (size_t i = from; i < end; ++i) rows.push_back(rows_[i].json);
  const bool all = rows_.size() == reader_.episodes().size();
  return {{"total", reader_.episodes().size()},
          {"from", from},
          {"rows", rows},
          {"outliers", all ? Outliers() : Json(nullptr)}};
}

std::vector<size_t> Catalogue::Where(const std::string& condition,
                                     const std::vector<Mark>& marks) const {
  const Expression where(condition);
  const size_t count = reader_.episodes().size();
  const bool motion = AsksForMotion(where);
  if (motion && size() < count) {
    ThrowFailed(fmt::format("motion is being measured: {} of {} episodes are done", size(), count));
  }
  const std::vector<Facts> masks = MaskFacts(reader_);
  // an episode that cannot be read has its name and no other facts
  const auto facts_of = [&](size_t i) {
    Facts facts = masks[i];
    const EpisodeSummary& summary = reader_.episodes()[i];
    try {
      facts.merge(FactsOf(reader_, i, false));
    } catch (const Error&) {
      facts["name"] = summary.name;
      facts["number"] = i;
      facts["steps"] = summary.length;
    }
    facts["mark"] = marks.at(i) == Mark::kNone ? Json(nullptr) : ToJson(marks[i]);
    if (motion) {
      const std::scoped_lock lock(mutex_);
      if (rows_[i].readable) AddFacts("motion", ToJson(rows_[i].motion), facts);
    }
    return facts;
  };
  const std::vector<bool> holds =
      HoldsFor(where, count, facts_of, reader_.path().filename().string());
  std::vector<size_t> episodes;
  for (size_t i = 0; i < count; ++i) {
    if (holds[i]) episodes.push_back(i);
  }
  return episodes;
}

}  // namespace understudy
