#include "data/store/edit/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/base/error.h"
#include "core/base/statistics.h"
#include "core/episode/motion.h"

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

// How the episodes move. One whose rows cannot be read is named; looking at a damaged file is what
// `data info` is for. Figures that no episode has are absent.
Json DescribeMotion(const EpisodeSource& reader) {
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
  Json unreadable = Json::object();
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    const EpisodeSummary& summary = reader.episodes()[i];
    const double length = static_cast<double>(summary.length);
    if (summary.length > 0) steps.Add(summary.name, length);
    MotionStatistics motion;
    try {
      motion = MeasureMotion(reader.ReadEpisode(i));
      if (!std::isfinite(motion.idle_share)) {
        // no targets: actions that do not change stand for commands that do not
        const auto actions = reader.ReadStoredActions(i);
        if (actions && !actions->empty()) {
          motion.idle_share = static_cast<double>(IdleRows(*actions)) / length;
        }
      }
    } catch (const Error& error) {
      unreadable[summary.name] = error.what();
      continue;
    }
    path.Add(summary.name, motion.path_m);
    jerk.Add(summary.name, motion.jerk_rms);
    idle.Add(summary.name, motion.idle_share);
    missing += motion.missing;
    if (!std::isfinite(motion.idle_share)) continue;
    idle_rows += std::llround(motion.idle_share * length);
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
  if (!unreadable.empty()) json["unreadable"] = unreadable;
  return json;
}

// Numbers of `actions`, summed up. One that is not finite belongs to an episode that is named as
// unreadable, and counts nowhere.
struct ActionSums {
  std::vector<double> low, high, sum, squares;
  int64_t rows = 0;

  void Add(const std::vector<std::vector<double>>& actions) {
    const size_t n = actions.empty() ? 0 : actions.front().size();
    if (low.empty()) {
      low.assign(n, std::numeric_limits<double>::infinity());
      high.assign(n, -std::numeric_limits<double>::infinity());
      sum.assign(n, 0);
      squares.assign(n, 0);
    }
    if (n != low.size()) return;
    for (const std::vector<double>& row : actions) {
      if (!std::all_of(row.begin(), row.end(), [](double v) { return std::isfinite(v); })) return;
    }
    rows += static_cast<int64_t>(actions.size());
    for (const std::vector<double>& row : actions) {
      for (size_t i = 0; i < n; ++i) {
        const double v = row[i];
        low[i] = std::min(low[i], v);
        high[i] = std::max(high[i], v);
        sum[i] += v;
        squares[i] += v * v;
      }
    }
  }

  Json ToJson() const {
    if (rows == 0) {
      const Json none = Json::array();
      return {{"min", none}, {"max", none}, {"mean", none}, {"std", none}};
    }
    Json mean = Json::array(), deviation = Json::array();
    for (size_t i = 0; i < low.size(); ++i) {
      const double n = static_cast<double>(rows), m = sum[i] / n;
      mean.push_back(m);
      deviation.push_back(std::sqrt(std::max(0.0, squares[i] / n - m * m)));
    }
    return {{"min", low}, {"max", high}, {"mean", mean}, {"std", deviation}};
  }
};

}  // namespace

Json SkippedToJson(const EpisodeSource& reader) {
  Json reasons = Json::object();
  for (const SkippedEpisode& episode : reader.skipped()) reasons[episode.name] = episode.reason;
  return {{"count", reader.skipped().size()}, {"episodes", reasons}};
}

Json DescribeDataset(const EpisodeSource& reader) {
  const bool own = !reader.content_hash().empty();
  std::vector<double> lengths;
  size_t successes = 0, steps = 0;
  std::map<std::string, int64_t> tasks, variants, causes, files, success_from;
  ActionSums actions;
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    const EpisodeSummary& episode = reader.episodes()[e];
    // one that cannot be read has no length either
    if (episode.length > 0) lengths.push_back(static_cast<double>(episode.length));
    steps += episode.length;
    successes += episode.success;
    if (!episode.linked_file.empty()) ++files[episode.linked_file];
    if (own) {
      const EpisodeMeta meta = reader.ReadMeta(e);
      ++tasks[meta.task];
      ++variants[meta.variant];
      if (!episode.success) ++causes[meta.cause];
    } else {
      ++tasks[reader.header().simulator.task];
      ++success_from[episode.success_from];
    }
    try {
      if (const auto stored = reader.ReadStoredActions(e)) actions.Add(*stored);
    } catch (const Error&) {
      // DescribeMotion names it
    }
  }
  const std::filesystem::path& path = reader.path();
  std::error_code none;
  Json json = Json::object();
  json["file"] = path.string();
  const auto bytes = std::filesystem::file_size(path, none);
  json["bytes"] = none ? 0 : bytes;  // 0: a folder
  json["written_by"] = own ? "understudy" : "another program";
  json["format"] = own ? "understudy" : reader.header().stage;
  json["content_hash"] = reader.content_hash();
  json["stage"] = reader.header().stage;
  json["robot"] = reader.header().simulator.robot;
  json["control_hz"] = reader.header().simulator.control_hz;
  json["episodes"] = reader.episodes().size();
  json["steps"] = steps;
  json["successes"] = successes;
  if (!lengths.empty()) {
    const auto whole = [](double length) { return static_cast<int64_t>(length); };
    json["length"] = {{"min", whole(Quantile(lengths, 0))},
                      {"median", Quantile(lengths, 0.5)},
                      {"mean", static_cast<double>(steps) / static_cast<double>(lengths.size())},
                      {"max", whole(Quantile(lengths, 1))}};
  }
  if (!own) {
    const SimulatorInfo& info = reader.header().simulator;
    json["success_from"] = success_from;
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
        // DescribeMotion names it
      }
    }
  }
  json["tasks"] = tasks;
  json["variants"] = variants;
  json["causes_of_failure"] = causes;
  json["cameras"] = reader.header().cameras;
  json["image_size"] = {reader.header().image_width, reader.header().image_height};
  json["parents"] = reader.header().parents;
  for (const std::string& key : reader.MaskNames()) {
    json["masks"][key] = reader.ReadMask(key).size();
  }
  const Json& settings = reader.header().settings;
  for (const char* key : {"missing_in_masks", "next_step"}) {
    if (!own && settings.contains(key)) json[key] = settings[key];
  }
  int64_t started = 0, good = 0;
  std::map<std::string, int64_t> failed;
  reader.VisitAttempts([&](const AttemptRecord& attempt) {
    ++started;
    good += attempt.success;
    if (!attempt.success) ++failed[attempt.cause];
  });
  if (started > 0) {
    json["attempts"] = {{"started", started},
                        {"succeeded", good},
                        {"rate", static_cast<double>(good) / static_cast<double>(started)},
                        {"causes", failed}};
  }
  if (!files.empty()) json["linked_files"] = files;
  json["actions"] = actions.ToJson();  // of the normalised ones, per number
  json["motion"] = DescribeMotion(reader);
  if (!reader.skipped().empty()) json["skipped"] = SkippedToJson(reader);
  return json;
}

}  // namespace understudy
