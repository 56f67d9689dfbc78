#include "app/rates.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/registry.h"
#include "app/shipped.h"
#include "core/base/error.h"
#include "data/formats/formats.h"
#include "train/evaluate/evaluate.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// The rate that a report of `evaluate` states, with its task.
std::pair<std::string, MeasuredRate> EvaluatedRate(const fs::path& file) {
  const Json json = LoadJson(file);
  const EvalReport report = ReadEvalReport(json, file.string());
  MeasuredRate rate;
  rate.variant = report.options.variant;
  rate.what =
      fmt::format("{}, {}{}", file.stem().string(), report.varied ? "drawn looks" : "nominal looks",
                  json.value("interrupted", false) ? ", partial" : "");
  rate.tries = static_cast<int64_t>(report.episodes.size());
  rate.successes = report.successes;
  return {report.task, rate};
}

// The rate of the run that generated a dataset, with its task.
std::pair<std::string, MeasuredRate> GeneratedRate(const fs::path& file) {
  const Json json = OpenDataset(file)->report();
  if (!json.contains("task") || !json.contains("variant") || !json.contains("attempts")) {
    ThrowBadInput(fmt::format(
        "{}: is no dataset that `understudy mimic` generated, and no report of `understudy "
        "evaluate`",
        file.string()));
  }
  MeasuredRate rate;
  rate.variant = json["variant"].get<std::string>();
  rate.what = file.stem().string();
  rate.tries = json["attempts"].get<int64_t>();
  rate.successes = json.value("successes", int64_t{0});
  return {json["task"].get<std::string>(), rate};
}

// `reported` in place of the rows of `shipped` on the same variants.
void Replace(const std::vector<MeasuredRate>& reported, std::vector<MeasuredRate>* shipped) {
  std::erase_if(*shipped, [&](const MeasuredRate& old) {
    return std::any_of(reported.begin(), reported.end(),
                       [&](const MeasuredRate& rate) { return rate.variant == old.variant; });
  });
  shipped->insert(shipped->end(), reported.begin(), reported.end());
  std::stable_sort(
      shipped->begin(), shipped->end(),
      [](const MeasuredRate& a, const MeasuredRate& b) { return a.variant < b.variant; });
}

}  // namespace

Rates ShippedRates() {
  Rates rates;
  const fs::path file = HomeFolder() / "demo" / "rates.yaml";
  if (fs::exists(file)) rates = FromJson<Rates>(LoadYaml(file), file.string());
  for (const ShippedFile& checkpoint : ShippedCheckpoints()) {
    const fs::path record = fs::path(checkpoint.path) / kCheckpointRecord;
    if (!fs::exists(record)) continue;
    auto [task, rate] = EvaluatedRate(record);
    rate.what = "the checkpoint that ships";
    rates.tasks[task].policy.push_back(rate);
  }
  return rates;
}

void RateReports::Add(const fs::path& file) {
  const bool evaluated = file.extension() == ".json";
  const auto [task, rate] = evaluated ? EvaluatedRate(file) : GeneratedRate(file);
  TaskRates& rates = reported_.tasks[task];
  (evaluated ? rates.policy : rates.generation).push_back(rate);
}

Rates RateReports::Over(Rates shipped) const {
  for (const auto& [task, rates] : reported_.tasks) {
    Replace(rates.generation, &shipped.tasks[task].generation);
    Replace(rates.policy, &shipped.tasks[task].policy);
  }
  return shipped;
}

}  // namespace understudy
