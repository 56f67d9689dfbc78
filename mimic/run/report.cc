#include "mimic/run/report.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "mimic/run/balance.h"

namespace understudy {
namespace {

Coverage EmptyCoverage(const std::string& object, size_t place, const ResetVariant& variant,
                       int bins) {
  Coverage coverage{ResetBins(variant, object, bins), object, place, {}, {}};
  coverage.attempts.assign(coverage.count(), 0);
  coverage.successes = coverage.attempts;
  return coverage;
}

double Ratio(double a, double b) { return b > 0 ? a / b : 0; }

void AddLength(const AttemptRecord& record, LengthHistogram* lengths) {
  const auto bin = static_cast<size_t>(std::max(record.steps, 0) / LengthHistogram::kBinSteps);
  if (bin >= lengths->successes.size()) {
    lengths->successes.resize(bin + 1);
    lengths->failures.resize(bin + 1);
  }
  ++(record.success ? lengths->successes : lengths->failures)[bin];
}

}  // namespace

double Coverage::covered() const {
  const auto hit =
      std::count_if(successes.begin(), successes.end(), [](int64_t n) { return n > 0; });
  return Ratio(static_cast<double>(hit), static_cast<double>(successes.size()));
}

bool IsWritten(const AttemptRecord& record, bool keep_failed) {
  if (record.success) return record.cause != kSurplus;
  return keep_failed && record.steps > 0;
}

double MimicReport::rate() const {
  return Ratio(static_cast<double>(successes), static_cast<double>(attempts));
}

MimicSummary::MimicSummary(const SourceSet& sources, const TaskSpec& task,
                           const std::string& variant, uint64_t seed,
                           const std::vector<std::string>& objects, int bins) {
  Require(bins > 0, "coverage needs bins");
  report_.task = task.name;
  report_.variant = variant;
  report_.seed = seed;
  report_.skipped = sources.skipped();
  report_.notes = sources.notes();
  report_.subtasks.resize(task.subtasks.size());
  for (const SourceDemo& demo : sources.demos()) report_.sources.push_back({demo.name, demo.uuid});
  const ResetVariant& ranges = task.variants.at(variant);
  for (size_t i = 0; i < objects.size(); ++i) {
    if (PlacementOf(ranges, objects[i]) == nullptr) continue;
    report_.coverage.push_back(EmptyCoverage(objects[i], i, ranges, bins));
  }
}

void MimicSummary::Add(const AttemptRecord& record) {
  const auto subtasks = static_cast<int32_t>(report_.subtasks.size());
  Require(record.success || (record.subtask >= 0 && record.subtask < subtasks),
          "a failure names its subtask");
  const auto note = [&](std::vector<int64_t>& first) {
    if (first.size() < MimicReport::kSamples) first.push_back(record.attempt);
  };
  ++report_.attempts;
  if (record.success) {
    if (report_.successes++ == 0) report_.min_success_steps = record.steps;
    report_.min_success_steps = std::min(report_.min_success_steps, record.steps);
    report_.max_success_steps = std::max(report_.max_success_steps, record.steps);
    success_steps_ += record.steps;
    report_.surplus += record.cause == kSurplus;
    note(report_.first_successes);
  } else {
    std::vector<int64_t>& counts = report_.failures[record.cause];
    counts.resize(static_cast<size_t>(subtasks));
    ++counts[static_cast<size_t>(record.subtask)];
    FailureKind& kind = report_.failure_kinds[{record.cause, record.subtask}];
    ++kind.count;
    kind.steps += record.steps;
    failure_steps_ += record.steps;
    note(kind.first);
  }
  for (int32_t i = 0; i < subtasks; ++i) {
    SubtaskUse& use = report_.subtasks[static_cast<size_t>(i)];
    const bool begun = static_cast<size_t>(i) < record.sources.size() && record.sources[i] >= 0;
    use.begun += begun;
    use.ended += begun && (record.success || i != record.subtask);
  }
  for (size_t i = 0; i < record.subtask_steps.size(); ++i) {
    if (record.sources[i] < 0) continue;
    ++report_.subtasks[i].timed;
    report_.subtasks[i].steps += record.subtask_steps[i];
  }
  AddLength(record, &report_.lengths);
  for (int32_t source : record.sources) {
    if (source < 0) continue;
    Require(static_cast<size_t>(source) < report_.sources.size(), "an attempt names its sources");
    ++report_.sources[source].segments;
    report_.sources[source].in_successes += record.success;
  }
  for (Coverage& coverage : report_.coverage) {
    if (coverage.place >= record.X_WO_start.size()) continue;
    const size_t bin = coverage.BinOf(record.X_WO_start[coverage.place]);
    ++coverage.attempts[bin];
    coverage.successes[bin] += record.success;
  }
}

MimicReport MimicSummary::Report() const {
  MimicReport report = report_;
  report.mean_success_steps = Ratio(success_steps_, report.successes);
  report.mean_failure_steps = Ratio(failure_steps_, report.attempts - report.successes);
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
  json["failure_kinds"] = Json::array();
  for (const auto& [place, kind] : failure_kinds) {
    json["failure_kinds"].push_back(
        {{"cause", place.first},
         {"subtask", place.second},
         {"count", kind.count},
         {"mean_steps", Ratio(static_cast<double>(kind.steps), static_cast<double>(kind.count))},
         {"first_attempts", kind.first}});
  }
  json["first_successes"] = first_successes;
  json["subtasks"] = Json::array();
  for (const SubtaskUse& use : subtasks) {
    json["subtasks"].push_back(
        {{"begun", use.begun},
         {"ended", use.ended},
         {"mean_steps", Ratio(static_cast<double>(use.steps), static_cast<double>(use.timed))}});
  }
  json["lengths"] = {{"bin_steps", LengthHistogram::kBinSteps},
                     {"successes", lengths.successes},
                     {"failures", lengths.failures}};
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
  // what came later says nothing where it is not used
  if (surplus > 0) json["surplus"] = surplus;
  if (!source_weights.empty()) json["source_weights"] = source_weights;
  json["skipped"] = Json::array();
  for (const SkippedSource& s : skipped) {
    json["skipped"].push_back({{"name", s.name}, {"reasons", s.reasons}});
  }
  for (const SourceNotes& s : notes) {
    json["source_notes"].push_back({{"name", s.name}, {"notes", s.notes}});
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
