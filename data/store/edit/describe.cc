#include "data/store/edit/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/base/statistics.h"
#include "core/episode/attempt_end.h"
#include "core/episode/motion.h"
#include "data/store/files.h"
#include "data/store/index.h"

namespace understudy {
namespace {

// Spread of one number over the episodes, and the episodes that stand apart, farthest first.
Json Spread(const std::vector<std::string>& names, const std::vector<double>& values,
            double noise) {
  const std::vector<double> scores = OutlierScores(values, noise);
  std::vector<std::pair<double, size_t>> far;
  for (size_t i = 0; i < values.size(); ++i) {
    if (scores[i] > kOutlierScore) far.emplace_back(-scores[i], i);
  }
  std::sort(far.begin(), far.end());
  Json outliers = Json::object();
  for (const auto& [score, i] : far) outliers[names[i]] = values[i];
  return {{"min", Quantile(values, 0)},
          {"median", Quantile(values, 0.5)},
          {"max", Quantile(values, 1)},
          {"outliers", outliers}};
}

// Rows whose numbers are those of the row before.
int64_t IdleRows(const std::vector<std::vector<double>>& rows) {
  int64_t idle = 0;
  for (size_t k = 1; k < rows.size(); ++k) idle += rows[k] == rows[k - 1];
  return idle;
}

// The sums of rows as a list of rows.
NumberSums SumsOf(const std::vector<std::vector<double>>& table) {
  std::vector<double> values;
  const size_t width = table.empty() ? 0 : table.front().size();
  for (const std::vector<double>& row : table) {
    if (row.size() != width) return {};
    values.insert(values.end(), row.begin(), row.end());
  }
  NumberSums sums;
  sums.Add(values, width);
  return sums;
}

// What the dataset says of its episodes, or what their rows say.
struct Measured {
  DatasetFigures figures;
  // One whose rows cannot be read is named: looking at a damaged file is what `data info` is for.
  Json unreadable = Json::object();
};

Measured Measure(const EpisodeSource& reader) {
  if (std::optional<DatasetFigures> stored = reader.StoredFigures()) {
    return {std::move(*stored), {}};
  }
  Measured measured;
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    EpisodeFigures& figures = measured.figures.episodes.emplace_back();
    try {
      const Episode episode = reader.ReadEpisode(e);
      figures = FiguresOf(episode);
      const auto actions = reader.ReadStoredActions(e);
      if (!actions) continue;
      measured.figures.actions.Add(SumsOf(*actions));
      if (!std::isfinite(figures.idle_share) && !actions->empty()) {
        // no targets: actions that do not change stand for commands that do not
        figures.idle_share =
            static_cast<double>(IdleRows(*actions)) / static_cast<double>(actions->size());
      }
    } catch (const Error& error) {
      constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
      measured.unreadable[reader.episodes()[e].name] = error.what();
      try {
        IndexEntry entry;
        entry.SetMeta(reader.ReadMeta(e));
        figures = entry.figures;
      } catch (const Error&) {  // the same
      }
      figures.path_m = figures.jerk_rms = figures.idle_share = kNone;
    }
  }
  return measured;
}

// Signals that rise more than once, with the first episodes that they do it in; null: none.
Json DescribeRises(const EpisodeSource& reader, const Measured& measured) {
  constexpr size_t kFew = 10;
  std::map<std::string, std::vector<std::string>> episodes;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    for (const std::string& signal : measured.figures.episodes[i].rise_again) {
      episodes[signal].push_back(reader.episodes()[i].name);
    }
  }
  Json json;
  for (auto& [signal, names] : episodes) {
    const size_t count = names.size();
    names.resize(std::min(count, kFew));
    json[signal] = {{"episodes", count}, {"first", names}};
  }
  return json;
}

// Rollouts in which a person took over, and the rows in which the person acted; null: none.
Json DescribeCorrections(const Measured& measured) {
  int64_t episodes = 0, rows = 0;
  for (const EpisodeFigures& figures : measured.figures.episodes) {
    episodes += figures.corrected_rows > 0;
    rows += figures.corrected_rows;
  }
  return episodes == 0 ? Json() : Json{{"episodes", episodes}, {"rows", rows}};
}

// How the episodes move. Figures that no episode has are absent.
Json DescribeMotion(const EpisodeSource& reader, const Measured& measured) {
  struct Figure {
    std::vector<std::string> names;
    std::vector<double> values;
    void Add(const std::string& name, double value) {
      if (!std::isfinite(value)) return;
      names.push_back(name);
      values.push_back(value);
    }
  };
  Figure steps, path, jerk, idle;
  int64_t missing = 0, idle_rows = 0, rows = 0;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    const EpisodeSummary& summary = reader.episodes()[i];
    const EpisodeFigures& figures = measured.figures.episodes[i];
    const double length = static_cast<double>(summary.length);
    if (summary.length > 0) steps.Add(summary.name, length);
    path.Add(summary.name, figures.path_m);
    jerk.Add(summary.name, figures.jerk_rms);
    idle.Add(summary.name, figures.idle_share);
    missing += figures.missing;
    if (!std::isfinite(figures.idle_share)) continue;
    idle_rows += std::llround(figures.idle_share * length);
    rows += static_cast<int64_t>(summary.length);
  }
  Json json{{"rows_with_missing_values", missing}};
  if (rows > 0) json["idle_share"] = static_cast<double>(idle_rows) / static_cast<double>(rows);
  const auto say = [&](const char* name, const Figure& figure, double noise) {
    if (!figure.values.empty()) json[name] = Spread(figure.names, figure.values, noise);
  };
  say("steps", steps, kStepsNoise);
  say("path_m", path, kPathNoise_m);
  say("jerk_rms", jerk, kJerkNoise);
  say("idle_share_by_episode", idle, kIdleNoise);
  if (!measured.unreadable.empty()) json["unreadable"] = measured.unreadable;
  return json;
}

Json StatisticsOf(const NumberSums& sums) {
  if (sums.rows == 0) {
    const Json none = Json::array();
    return {{"min", none}, {"max", none}, {"mean", none}, {"std", none}};
  }
  Json mean = Json::array(), deviation = Json::array();
  for (size_t i = 0; i < sums.low.size(); ++i) {
    const double n = static_cast<double>(sums.rows), m = sums.sum[i] / n;
    mean.push_back(m);
    deviation.push_back(std::sqrt(std::max(0.0, sums.squares[i] / n - m * m)));
  }
  return {{"min", sums.low}, {"max", sums.high}, {"mean", mean}, {"std", deviation}};
}

// Distances of an episode's mean that count as noise, as a share of the range of all rows.
constexpr double kMeanNoise = 0.05;
// Columns with more numbers per row are described by their shape only.
constexpr size_t kWidestColumn = 64;

const char* NameOf(ColumnRole role) {
  switch (role) {
    case ColumnRole::kState:
      return "state";
    case ColumnRole::kAction:
      return "action";
    case ColumnRole::kOther:
      return "";
  }
  return "";
}

// The columns of another program's dataset: names, shapes, statistics over all rows, and the
// episodes whose mean of a number stands apart.
Json DescribeColumns(const EpisodeSource& reader) {
  struct Figures {
    ColumnSpec column;
    NumberSums sums;
    std::vector<std::vector<double>> means;  // per number, of the episodes
    std::vector<std::string> episodes;
  };
  std::vector<Figures> all;
  std::map<std::string, size_t> place;
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    const EpisodeSummary& episode = reader.episodes()[e];
    std::vector<ColumnSpec> narrow;
    std::vector<std::vector<double>> values;
    try {
      for (const ColumnSpec& column : reader.ColumnsOf(e)) {
        const auto [known, fresh] = place.emplace(column.name, all.size());
        if (fresh) all.push_back({column, {}, std::vector<std::vector<double>>(column.size()), {}});
        const bool shown = column.size() > 0 && column.size() <= kWidestColumn;
        if (shown && all[known->second].column.shape == column.shape) narrow.push_back(column);
      }
      values = reader.ReadColumns(e, narrow);
    } catch (const Error&) {
      continue;  // Measure names it
    }
    const bool sound = std::all_of(values.begin(), values.end(), [](const auto& column) {
      return std::all_of(column.begin(), column.end(), [](double v) { return std::isfinite(v); });
    });
    if (!sound) continue;
    for (size_t c = 0; c < narrow.size(); ++c) {
      Figures& figures = all[place.at(narrow[c].name)];
      const size_t width = narrow[c].size();
      figures.sums.Add(values[c], width);
      figures.episodes.push_back(episode.name);
      std::vector<double> mean(width);
      for (size_t at = 0; at < values[c].size(); ++at) mean[at % width] += values[c][at];
      for (size_t i = 0; i < width; ++i) {
        figures.means[i].push_back(mean[i] / static_cast<double>(episode.length));
      }
    }
  }
  Json json = Json::object();
  for (const auto& [column, sums, means, episodes] : all) {
    Json& entry = json[column.name] = {{"dtype", column.dtype}, {"shape", column.shape}};
    if (column.role != ColumnRole::kOther) entry["role"] = NameOf(column.role);
    if (!column.parts.empty()) entry["names"] = column.parts;
    if (sums.rows == 0) continue;
    if (episodes.size() < reader.episodes().size()) entry["episodes"] = episodes.size();
    entry.update(StatisticsOf(sums));
    for (size_t i = 0; i < means.size() && column.role != ColumnRole::kOther; ++i) {
      const std::vector<double> scores =
          OutlierScores(means[i], kMeanNoise * (sums.high[i] - sums.low[i]));
      for (size_t e = 0; e < scores.size(); ++e) {
        if (scores[e] <= kOutlierScore) continue;
        entry["outliers"][episodes[e]].push_back(column.parts.empty() ? std::to_string(i)
                                                                      : column.parts[i]);
      }
    }
  }
  return json;
}

}  // namespace

std::vector<AttemptEnd> RecordedAttempts(const EpisodeSource& reader) {
  try {
    const Json report = reader.report();
    if (!report.contains("attempts") || !report["attempts"].is_array()) return {};
    return FromJson<std::vector<AttemptEnd>>(report["attempts"], reader.path().string());
  } catch (const Error&) {
    return {};
  }
}

Json SkippedToJson(const std::vector<SkippedEpisode>& skipped) {
  Json reasons = Json::object();
  for (const SkippedEpisode& episode : skipped) reasons[episode.name] = episode.reason;
  return {{"count", skipped.size()}, {"episodes", reasons}};
}

Json DescribeDataset(const EpisodeSource& reader) {
  const bool own = !reader.content_hash().empty();
  std::vector<double> lengths;
  size_t successes = 0, unknown = 0, steps = 0;
  std::map<std::string, int64_t> tasks, variants, causes, files, success_from;
  const Measured measured = Measure(reader);
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    const EpisodeSummary& episode = reader.episodes()[e];
    // one that cannot be read has no length either
    if (episode.length > 0) lengths.push_back(static_cast<double>(episode.length));
    steps += episode.length;
    successes += episode.success_known && episode.success;
    unknown += !episode.success_known;
    if (!episode.linked_file.empty()) ++files[episode.linked_file];
    if (own) {
      const EpisodeFigures& figures = measured.figures.episodes[e];
      ++tasks[figures.task];
      ++variants[figures.variant];
      if (!episode.success && episode.success_known) ++causes[figures.cause];
    } else {
      ++tasks[reader.header().simulator.task];
    }
    if (!episode.success_from.empty()) ++success_from[episode.success_from];
  }
  const std::filesystem::path& path = reader.path();
  Json json = Json::object();
  json["file"] = path.string();
  json["bytes"] = BytesOnDisk(path);
  json["written_by"] = own ? "understudy" : "another program";
  json["format"] = own ? "understudy" : reader.header().stage;
  json["content_hash"] = reader.content_hash();
  json["stage"] = reader.header().stage;
  json["robot"] = reader.header().simulator.robot;
  const size_t scene_files = reader.header().scene_files.size();
  if (scene_files > 0) json["scene_files"] = scene_files;  // carried
  json["control_hz"] = reader.header().simulator.control_hz;
  json["episodes"] = reader.episodes().size();
  json["steps"] = steps;
  // absent where no episode says how it ended
  if (unknown < reader.episodes().size() || unknown == 0) json["successes"] = successes;
  if (!success_from.empty()) json["success_from"] = success_from;
  if (!lengths.empty()) {
    const auto whole = [](double length) { return static_cast<int64_t>(length); };
    json["length"] = {{"min", whole(Quantile(lengths, 0))},
                      {"median", Quantile(lengths, 0.5)},
                      {"mean", static_cast<double>(steps) / static_cast<double>(lengths.size())},
                      {"max", whole(Quantile(lengths, 1))}};
  }
  if (!own) {
    const SimulatorInfo& info = reader.header().simulator;
    json["arms"] = info.arms;
    json["objects"] = info.objects;
    json["signals"] = info.signals;
    if (reader.header().settings.contains("quaternions")) {
      json["quaternions"] = reader.header().settings["quaternions"];
    }
    // where poses and targets come from, by the first episode that can be read
    for (size_t i = 0; i < reader.episodes().size() && !json.contains("pose_from"); ++i) {
      try {
        const Json settings = reader.ReadMeta(i).settings;
        for (const char* key : {"pose_from", "target_from"}) {
          json[key] = settings.value(key, "nothing");
        }
      } catch (const Error&) {
        // Measure names it
      }
    }
  }
  json["tasks"] = tasks;
  json["variants"] = variants;
  json["causes_of_failure"] = causes;
  json["cameras"] = reader.header().cameras;
  json["image_size"] = {reader.header().image_width, reader.header().image_height};
  for (const PictureSize& size : reader.header().picture_sizes) {
    json["image_sizes"].push_back({size.width, size.height});
  }
  json["parents"] = reader.header().parents;
  for (const std::string& key : reader.MaskNames()) {
    json["masks"][key] = reader.ReadMask(key).size();
  }
  const Json& settings = reader.header().settings;
  for (const char* key : {"instructions", "missing_in_masks", "next_step", "extra_row",
                          "no_pictures", "wrong_in_file", "unread_poses"}) {
    if (!own && settings.contains(key)) json[key] = settings[key];
  }
  int64_t started = 0, good = 0;
  std::map<std::string, int64_t> failed;
  const auto count = [&](const auto& attempt) {
    ++started;
    good += attempt.success;
    if (!attempt.success) ++failed[attempt.cause];
  };
  reader.VisitAttempts(count);
  for (const AttemptEnd& end : RecordedAttempts(reader)) count(end);
  if (started > 0) {
    json["attempts"] = {{"started", started},
                        {"succeeded", good},
                        {"rate", static_cast<double>(good) / static_cast<double>(started)},
                        {"causes", failed}};
  }
  if (!files.empty()) json["linked_files"] = files;
  json["actions"] = StatisticsOf(measured.figures.actions);  // of the normalised ones, per number
  if (!own) json["columns"] = DescribeColumns(reader);
  json["motion"] = DescribeMotion(reader, measured);
  const Json rises = DescribeRises(reader, measured);
  if (!rises.is_null()) json["signals_that_rise_again"] = rises;
  if (const Json corrected = DescribeCorrections(measured); !corrected.is_null()) {
    json["corrected"] = corrected;
  }
  if (!reader.skipped().empty()) json["skipped"] = SkippedToJson(reader.skipped());
  return json;
}

}  // namespace understudy
