#include "app/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "app/planned_steps.h"
#include "core/base/error.h"
#include "train/evaluate/evaluate.h"

namespace understudy {
namespace {

// The evaluations of one policy under one condition.
struct Group {
  std::string policy, condition;
  std::vector<double> rates;
  std::vector<std::filesystem::path> reports;
};

// `reports`: where the evaluation of each row is.
std::vector<Group> GroupsOf(const Json& rows, const std::vector<std::filesystem::path>& reports) {
  std::vector<Group> groups;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Json& row = rows[i];
    const std::string policy = row["policy"], condition = row["condition"];
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) {
      return g.policy == policy && g.condition == condition;
    });
    if (group == groups.end()) {
      group = groups.insert(group, Group{policy, condition, {}, {}});
    }
    const double episodes = row["episodes"];
    group->rates.push_back(episodes > 0 ? row["successes"].get<double>() / episodes : 0);
    group->reports.push_back(reports[i]);
  }
  return groups;
}

Json MeansOf(const std::vector<Group>& groups) {
  Json means = Json::array();
  for (const Group& group : groups) {
    const auto n = static_cast<double>(group.rates.size());
    double mean = 0, squares = 0;
    for (const double rate : group.rates) mean += rate / n;
    for (const double rate : group.rates) squares += (rate - mean) * (rate - mean);
    const auto [low, high] = std::minmax_element(group.rates.begin(), group.rates.end());
    means.push_back({{"policy", group.policy},
                     {"condition", group.condition},
                     {"evaluations", group.rates.size()},
                     {"mean", mean},
                     // of the evaluations, not of the mean; null for one
                     {"deviation", n > 1 ? Json(std::sqrt(squares / (n - 1))) : Json()},
                     {"least", *low},
                     {"most", *high}});
  }
  return means;
}

// Share of a group's evaluations that succeed, by start.
std::vector<double> RateOfStarts(const std::vector<EvalReport>& reports) {
  size_t starts = reports.front().episodes.size();
  for (const EvalReport& report : reports) starts = std::min(starts, report.episodes.size());
  std::vector<double> rates(starts, 0);
  for (const EvalReport& report : reports) {
    for (size_t i = 0; i < starts; ++i) {
      rates[i] += report.episodes[i].success / static_cast<double>(reports.size());
    }
  }
  return rates;
}

Json Compare(const Group& group, const Group& against) {
  Json result{
      {"policy", group.policy}, {"against", against.policy}, {"condition", group.condition}};
  std::vector<EvalReport> a, b;
  try {
    for (const auto& file : group.reports) a.push_back(ReadEvalReport(LoadJson(file), file));
    for (const auto& file : against.reports) b.push_back(ReadEvalReport(LoadJson(file), file));
    // all are of the same starts
    for (const EvalReport& left : a) {
      for (const EvalReport& right : b) ComparePaired(left, right);
    }
  } catch (const Error& error) {
    result["reason"] = error.what();
    return result;
  }
  const std::vector<double> of_a = RateOfStarts(a), of_b = RateOfStarts(b);
  const size_t starts = std::min(of_a.size(), of_b.size());
  const auto n = static_cast<double>(starts);
  double mean = 0, squares = 0;
  for (size_t i = 0; i < starts; ++i) mean += (of_a[i] - of_b[i]) / n;
  for (size_t i = 0; i < starts; ++i) {
    squares += (of_a[i] - of_b[i] - mean) * (of_a[i] - of_b[i] - mean);
  }
  const double half = n > 1 ? 1.959963984540054 * std::sqrt(squares / (n - 1) / n) : 1;
  result["starts"] = starts;
  result["difference"] = mean;
  result["interval"] = {mean - half, mean + half};
  return result;
}

Json PairsOf(const std::vector<Group>& groups) {
  Json pairs = Json::array();
  for (const Group& group : groups) {
    const auto first = std::find_if(groups.begin(), groups.end(),
                                    [&](const Group& g) { return g.condition == group.condition; });
    if (&*first != &group) pairs.push_back(Compare(group, *first));
  }
  return pairs;
}

size_t WidestOf(const Json& rows, const char* column) {
  size_t widest = std::string_view(column).size();
  for (const Json& row : rows) widest = std::max(widest, row[column].get<std::string>().size());
  return widest;
}

}  // namespace

Json Summarise(const Pipeline& pipeline, const std::vector<std::string>& order,
               const std::filesystem::path& out) {
  Json rows = Json::array();
  std::vector<std::filesystem::path> reports;
  for (const std::string& step : order) {
    const Json state = LoadStepState(out, step);
    if (!state.is_object() || state["command"] != "evaluate") continue;
    const Json& result = state["result"];
    if (!result.contains("successes")) continue;  // a table of factors, or of recorded rows
    // labels may have changed since
    const auto spec = pipeline.steps.find(step);
    const bool known = spec != pipeline.steps.end();
    rows.push_back({{"policy", known ? spec->second.policy : state.value("policy", "")},
                    {"condition", known ? spec->second.condition : state.value("condition", "")},
                    {"episodes", result.value("episodes", 0)},
                    {"successes", result.value("successes", 0)},
                    {"interval", result.value("interval", Json::array({0, 1}))},
                    {"step", step}});
    reports.emplace_back(state["output"].get<std::string>());
  }
  const std::vector<Group> groups = GroupsOf(rows, reports);
  return {{"name", pipeline.name},
          {"rows", rows},
          {"means", MeansOf(groups)},
          {"paired", PairsOf(groups)},
          {"report", (out / "report.html").string()}};
}

std::string DescribeSummary(const Json& summary) {
  const Json& rows = summary["rows"];
  const size_t policy = std::max<size_t>(12, WidestOf(rows, "policy")),
               condition = std::max<size_t>(12, WidestOf(rows, "condition"));
  std::string text =
      fmt::format("\n{:<{}} {:<{}} {:>9} {:>10} {:>9}   {}\n", "policy", policy, "condition",
                  condition, "episodes", "successes", "success", "95 % interval");
  for (const Json& row : rows) {
    const double episodes = row["episodes"].get<double>();
    text +=
        fmt::format("{:<{}} {:<{}} {:>9} {:>10} {:>7.1f} %   [{:.1f} %, {:.1f} %]\n",
                    row["policy"].get<std::string>(), policy, row["condition"].get<std::string>(),
                    condition, row["episodes"].get<int64_t>(), row["successes"].get<int64_t>(),
                    episodes > 0 ? 100 * row["successes"].get<double>() / episodes : 0,
                    100 * row["interval"][0].get<double>(), 100 * row["interval"][1].get<double>());
  }

  // several trainings of one policy
  if (summary["means"].size() < rows.size()) {
    text += fmt::format("\n{:<{}} {:<{}} {:>11} {:>9} {:>10}   {}\n", "policy", policy, "condition",
                        condition, "evaluations", "mean", "deviation", "least and most");
    for (const Json& row : summary["means"]) {
      const std::string deviation =
          row["deviation"].is_null()
              ? "-"
              : fmt::format("{:.1f} %", 100 * row["deviation"].get<double>());
      text +=
          fmt::format("{:<{}} {:<{}} {:>11} {:>7.1f} % {:>10}   {:.1f} %, {:.1f} %\n",
                      row["policy"].get<std::string>(), policy, row["condition"].get<std::string>(),
                      condition, row["evaluations"].get<int64_t>(), 100 * row["mean"].get<double>(),
                      deviation, 100 * row["least"].get<double>(), 100 * row["most"].get<double>());
    }
  }

  if (!summary["paired"].empty()) text += "\non the same starts, in percentage points:\n";
  for (const Json& pair : summary["paired"]) {
    const std::string what =
        fmt::format("{}: {} against {}", pair["condition"].get<std::string>(),
                    pair["policy"].get<std::string>(), pair["against"].get<std::string>());
    if (pair.contains("reason")) {
      text += fmt::format("  {}: {}\n", what, pair["reason"].get<std::string>());
      continue;
    }
    text +=
        fmt::format("  {}: {:+.1f} [{:+.1f}, {:+.1f}], {} starts\n", what,
                    100 * pair["difference"].get<double>(), 100 * pair["interval"][0].get<double>(),
                    100 * pair["interval"][1].get<double>(), pair["starts"].get<int64_t>());
  }
  return text + fmt::format("\nreport: {}\n", summary["report"].get<std::string>());
}

}  // namespace understudy
