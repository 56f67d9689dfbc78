#include "app/describe_evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "app/factors.h"

namespace understudy {
namespace {

// Of a comparison with recorded actions.
std::string DescribeComparison(const Json& result) {
  std::string text = fmt::format(
      "{} rows of {} episodes: the error of the actions is {:.3f} of that of the mean chunk\n",
      result["rows"].dump(), result["episodes"].dump(), result["share"].get<double>());
  text += fmt::format("  {:<28} {:>12} {:>12}\n", "mean absolute error", "policy", "mean chunk");
  for (const auto& [name, error] : result["error"].items()) {
    text += fmt::format("  {:<28} {:>12.5g} {:>12.5g}\n", name, error.get<double>(),
                        result["error_of_mean_chunk"][name].get<double>());
  }
  if (result["interrupted"].get<bool>()) text += "interrupted: some rows were not asked\n";
  return text;
}

// Where the time of the workers went.
std::string DescribeTime(const Json& timing, int episodes) {
  const double act = timing["act_s"], render = timing["render_s"], step = timing["step_s"],
               all = std::max(1e-9, act + render + step);
  return fmt::format(
      "  {:.2f} episodes/s; physics {:.0f} %, rendering {:.0f} %, policy {:.0f} % of the time\n",
      episodes / std::max(1e-9, timing["wall_s"].get<double>()), 100 * step / all,
      100 * render / all, 100 * act / all);
}

}  // namespace

std::string DescribeEvaluation(const Json& result) {
  if (result.contains("share")) return DescribeComparison(result);
  if (result.contains("r50")) return DescribeFactors(result);
  if (!result.contains("rows") && result["interrupted"].get<bool>()) {
    return fmt::format("interrupted: {} is not written\n", result.value("suite", ""));
  }
  if (!result.contains("rows")) {
    return fmt::format("{}: {} episodes\n", result.value("suite", ""), result["episodes"].dump());
  }
  std::string text = fmt::format(
      "{} of {} episodes succeeded: {:.1f} % [{:.1f} %, {:.1f} %]\n", result.value("successes", 0),
      result.value("episodes", 0),
      100.0 * result.value("successes", 0) / std::max(1, result.value("episodes", 0)),
      100 * result["interval"][0].get<double>(), 100 * result["interval"][1].get<double>());
  for (const Json& reached : result.value("reached", Json::array())) {
    text += fmt::format("  reached '{}': {}\n", reached["signal"].get<std::string>(),
                        reached["episodes"].dump());
  }
  const Json causes = result.value("causes", Json::object());
  for (const auto& [cause, count] : causes.items()) {
    text += fmt::format("  {}: {}\n", cause, count.dump());
  }
  std::string events;
  const Json counts = result.value("events", Json::object());
  for (const auto& [event, count] : counts.items()) {
    if (count != 0) events += fmt::format(" {} {}", event, count.dump());
  }
  if (!events.empty()) text += fmt::format("  episodes with events:{}\n", events);
  text += fmt::format("  jerk of the hands: {:.0f} m/s^3\n", result.value("jerk_rms", 0.0));
  if (const Json taken = result.value("takeover", Json()); taken.is_object()) {
    text += fmt::format(
        "  taken over: {} episodes, {} rows corrected; {} of these episodes were solved, none "
        "counts "
        "as a success of the policy\n",
        taken["episodes"].dump(), taken["rows"].dump(), taken["solved"].dump());
  }
  if (result.contains("guarded")) {
    int64_t steps = 0;
    for (const Json& row : result["rows"]) steps += row["steps"].get<int64_t>();
    text += fmt::format("  guarded, of {} steps:", steps);
    for (const auto& [cause, count] : result["guarded"].items()) {
      text += fmt::format(" {} {}", cause, count.dump());
    }
    text += "\n";
  }
  text += DescribeTime(result["timing"], result.value("episodes", 0));
  for (const Json& warning : result.value("warnings", Json::array())) {
    text += fmt::format("warning: {}\n", warning.get<std::string>());
  }
  if (result.value("interrupted", false)) {
    text += "partial: the evaluation was interrupted; the same command starts it again\n";
  }
  return text;
}

}  // namespace understudy
