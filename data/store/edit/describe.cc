#include "data/store/edit/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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

// How the episodes move. One whose rows cannot be read is named; looking at a damaged file is what
// `data info` is for.
Json DescribeMotion(const EpisodeSource& reader) {
  std::vector<std::string> names;
  std::vector<double> steps, path, jerk, idle;
  int64_t missing = 0, idle_rows = 0, rows = 0;
  Json unreadable = Json::object();
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    const EpisodeSummary& summary = reader.episodes()[i];
    MotionStatistics motion;
    try {
      motion = MeasureMotion(reader.ReadEpisode(i));
    } catch (const Error& error) {
      unreadable[summary.name] = error.what();
      continue;
    }
    const double length = static_cast<double>(summary.length);
    names.push_back(summary.name);
    steps.push_back(length);
    path.push_back(motion.path_m);
    jerk.push_back(motion.jerk_rms);
    idle.push_back(motion.idle_share);
    missing += motion.missing;
    idle_rows += std::llround(motion.idle_share * length);
    rows += static_cast<int64_t>(summary.length);
  }
  Json json{
      {"idle_share", rows > 0 ? static_cast<double>(idle_rows) / static_cast<double>(rows) : 0},
      {"rows_with_missing_values", missing},
      {"steps", Spread(names, steps, kStepsNoise)},
      {"path_m", Spread(names, path, kPathNoise_m)},
      {"jerk_rms", Spread(names, jerk, kJerkNoise)},
      {"idle_share_by_episode", Spread(names, idle, kIdleNoise)}};
  if (!unreadable.empty()) json["unreadable"] = unreadable;
  return json;
}

}  // namespace

Json DescribeDataset(const EpisodeSource& reader) {
  const bool own = !reader.content_hash().empty();
  std::vector<size_t> lengths;
  size_t successes = 0, steps = 0;
  std::map<std::string, int64_t> tasks, variants, causes, files, success_from;
  // running sums per number of `actions`
  std::vector<double> low, high, sum, squares;
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    const EpisodeSummary& episode = reader.episodes()[e];
    lengths.push_back(episode.length);
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
    const auto actions = reader.ReadStoredActions(e);
    if (!actions) continue;
    const size_t n = actions->empty() ? 0 : actions->front().size();
    if (low.empty()) {
      low.assign(n, std::numeric_limits<double>::infinity());
      high.assign(n, -std::numeric_limits<double>::infinity());
      sum.assign(n, 0);
      squares.assign(n, 0);
    }
    if (n != low.size()) continue;
    for (const std::vector<double>& row : *actions) {
      for (size_t i = 0; i < n; ++i) {
        const double v = row[i];
        low[i] = std::min(low[i], v);
        high[i] = std::max(high[i], v);
        sum[i] += v;
        squares[i] += v * v;
      }
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
    std::sort(lengths.begin(), lengths.end());
    json["length"] = {{"min", lengths.front()},
                      {"median", lengths[lengths.size() / 2]},
                      {"mean", static_cast<double>(steps) / static_cast<double>(lengths.size())},
                      {"max", lengths.back()}};
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
  // statistics of the normalised actions, per number
  Json mean = Json::array(), deviation = Json::array();
  for (size_t i = 0; i < low.size(); ++i) {
    const double n = static_cast<double>(steps), m = sum[i] / n;
    mean.push_back(m);
    deviation.push_back(std::sqrt(std::max(0.0, squares[i] / n - m * m)));
  }
  json["actions"] = {{"min", low}, {"max", high}, {"mean", mean}, {"std", deviation}};
  json["motion"] = DescribeMotion(reader);
  return json;
}

}  // namespace understudy
