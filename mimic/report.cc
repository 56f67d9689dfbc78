#include "mimic/report.h"

#include <algorithm>
#include <cmath>

#include "data/base/error.h"

namespace understudy {
namespace {

int Bin(double value, const std::array<double, 2>& range, int bins) {
  if (bins == 1) return 0;
  const double share = (value - range[0]) / (range[1] - range[0]);
  return std::clamp(static_cast<int>(share * bins), 0, bins - 1);
}

Coverage EmptyCoverage(const std::string& object, const ResetVariant& variant, int bins) {
  Coverage coverage;
  coverage.object = object;
  const PlacementRange& range = variant.objects.at(object);
  for (int end = 0; end < 2; ++end) {
    coverage.x[end] = variant.origin.x() + range.x[end];
    coverage.y[end] = variant.origin.y() + range.y[end];
  }
  coverage.bins_x = coverage.x[1] > coverage.x[0] ? bins : 1;
  coverage.bins_y = coverage.y[1] > coverage.y[0] ? bins : 1;
  coverage.attempts.assign(coverage.bins_x * coverage.bins_y, 0);
  coverage.successes = coverage.attempts;
  return coverage;
}

double Ratio(double a, double b) { return b > 0 ? a / b : 0; }

}  // namespace

double Coverage::covered() const {
  const auto hit =
      std::count_if(successes.begin(), successes.end(), [](int64_t n) { return n > 0; });
  return Ratio(static_cast<double>(hit), static_cast<double>(successes.size()));
}

double MimicReport::rate() const {
  return Ratio(static_cast<double>(successes), static_cast<double>(attempts));
}

MimicReport Summarise(const std::vector<AttemptRecord>& records, const SourceSet& sources,
                      const TaskSpec& task, const std::string& variant, uint64_t seed,
                      const std::vector<std::string>& objects, int bins) {
  Require(bins > 0, "coverage needs bins");
  MimicReport report;
  report.task = task.name;
  report.variant = variant;
  report.seed = seed;
  report.skipped = sources.skipped();
  for (const SourceDemo& demo : sources.demos()) report.sources.push_back({demo.name, demo.uuid});
  for (const std::string& object : objects) {
    report.coverage.push_back(EmptyCoverage(object, task.variants.at(variant), bins));
  }

  int64_t success_steps = 0, failure_steps = 0;
  for (const AttemptRecord& record : records) {
    ++report.attempts;
    if (record.success) {
      if (report.successes++ == 0) report.min_success_steps = record.steps;
      report.min_success_steps = std::min(report.min_success_steps, record.steps);
      report.max_success_steps = std::max(report.max_success_steps, record.steps);
      success_steps += record.steps;
    } else {
      std::vector<int64_t>& counts = report.failures[record.cause];
      counts.resize(task.subtasks.size());
      Require(record.subtask >= 0 && static_cast<size_t>(record.subtask) < counts.size(),
              "a failure names its subtask");
      ++counts[record.subtask];
      failure_steps += record.steps;
    }
    for (int32_t source : record.sources) {
      Require(source >= 0 && static_cast<size_t>(source) < report.sources.size(),
              "an attempt names its sources");
      ++report.sources[source].segments;
      report.sources[source].in_successes += record.success;
    }
    for (size_t i = 0; i < objects.size() && i < record.X_WO_start.size(); ++i) {
      Coverage& coverage = report.coverage[i];
      const Eigen::Vector3d& p_WO = record.X_WO_start[i].translation();
      const int bin = Bin(p_WO.y(), coverage.y, coverage.bins_y) * coverage.bins_x +
                      Bin(p_WO.x(), coverage.x, coverage.bins_x);
      ++coverage.attempts[bin];
      coverage.successes[bin] += record.success;
    }
  }
  report.mean_success_steps = Ratio(success_steps, report.successes);
  report.mean_failure_steps = Ratio(failure_steps, report.attempts - report.successes);
  return report;
}

Json MimicReport::ContentJson() const {
  Json json{{"task", task},
            {"variant", variant},
            {"seed", seed},
            {"attempts", attempts},
            {"successes", successes},
            {"rate", rate()},
            {"interval", {interval().low, interval().high}},
            {"episodes", episodes},
            {"complete", complete},
            {"stop_reason", stop_reason}};
  json["failures"] = Json::object();
  for (const auto& [cause, counts] : failures) json["failures"][cause] = counts;
  json["success_steps"] = {
      {"mean", mean_success_steps}, {"min", min_success_steps}, {"max", max_success_steps}};
  json["failure_steps"] = {{"mean", mean_failure_steps}};
  json["sources"] = Json::array();
  for (const SourceUse& s : sources) {
    json["sources"].push_back({{"name", s.name},
                               {"uuid", s.uuid},
                               {"segments", s.segments},
                               {"in_successes", s.in_successes}});
  }
  json["skipped"] = Json::array();
  for (const SkippedSource& s : skipped) {
    json["skipped"].push_back({{"name", s.name}, {"reasons", s.reasons}});
  }
  json["coverage"] = Json::array();
  for (const Coverage& c : coverage) {
    json["coverage"].push_back({{"object", c.object},
                                {"x", c.x},
                                {"y", c.y},
                                {"bins", {c.bins_x, c.bins_y}},
                                {"covered", c.covered()},
                                {"attempts", c.attempts},
                                {"successes", c.successes}});
  }
  json["suggestions"] = suggestions;
  return json;
}

Json MimicReport::ToJson() const {
  Json json = ContentJson();
  json["interrupted"] = interrupted;
  const double substeps = static_cast<double>(times.substeps);
  const double steps = static_cast<double>(times.steps);
  json["times"] = {
      {"wall_s", times.wall_s},
      {"threads", times.threads},
      {"attempts_per_s", Ratio(static_cast<double>(times.attempts), times.wall_s)},
      {"control_steps_per_s", Ratio(steps, times.wall_s)},
      {"physics_share", Ratio(times.physics_s, times.busy_s)},
      {"physics_us_per_substep", Ratio(1e6 * times.physics_s, substeps)},
      {"outside_physics_us_per_substep", Ratio(1e6 * (times.busy_s - times.physics_s), substeps)},
      {"outside_simulator_us_per_control_step", Ratio(1e6 * (times.busy_s - times.step_s), steps)}};
  return json;
}

}  // namespace understudy
