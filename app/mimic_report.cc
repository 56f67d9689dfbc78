#include "app/mimic_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/charts.h"
#include "app/html.h"
#include "app/page.h"

namespace understudy {
namespace {

constexpr const char* kGood = "#16a34a";
constexpr const char* kBad = "#dc2626";
constexpr const char* kNeutral = "#2563eb";

double Ratio(double a, double b) { return b > 0 ? a / b : 0; }

// A member that may be missing, as a list.
const Json& ListOf(const Json& result, const char* key) {
  static const Json none = Json::array();
  return result.contains(key) && result[key].is_array() ? result[key] : none;
}

std::vector<int64_t> Counts(const Json& list) {
  return list.is_array() ? list.get<std::vector<int64_t>>() : std::vector<int64_t>{};
}

std::string NameOf(const std::vector<std::string>& subtasks, int64_t i) {
  const bool known = i >= 0 && static_cast<size_t>(i) < subtasks.size();
  return fmt::format("{}{}", i, known ? ": " + subtasks[static_cast<size_t>(i)] : "");
}

std::string Number(double value) { return fmt::format("<td class=\"n\">{:.0f}</td>", value); }

std::string Suggestions(const Json& result) {
  std::string html = "<h3>What to change</h3>";
  const Json& lines = ListOf(result, "suggestions");
  if (lines.empty()) return html + "<p>Nothing stands out in these numbers.</p>";
  html += "<ul class=\"advice\">";
  for (const Json& line : lines) html += "<li>" + EscapeHtml(line.get<std::string>()) + "</li>";
  return html + "</ul>";
}

std::string Subtasks(const Json& result, const std::vector<std::string>& names, double control_hz) {
  const Json& subtasks = ListOf(result, "subtasks");
  if (subtasks.empty()) return "";
  std::string html =
      "<h3>How far attempts came</h3><table><thead><tr><th>subtask</th><th class=\"n\">ended "
      "or failed in it</th>"
      "<th class=\"n\">ended it well</th><th class=\"n\">rate</th><th></th>"
      "<th class=\"n\">mean steps in it</th><th class=\"n\">seconds</th></tr></thead><tbody>";
  for (size_t i = 0; i < subtasks.size(); ++i) {
    const double begun = subtasks[i].value("begun", 0.0), ended = subtasks[i].value("ended", 0.0);
    const double steps = subtasks[i].value("mean_steps", 0.0);
    html += fmt::format(
        "<tr><td>{}</td>{}{}<td class=\"n\">{}</td><td>{}</td><td class=\"n\">{:.1f}</td>"
        "<td class=\"n\">{:.1f}</td></tr>",
        EscapeHtml(NameOf(names, static_cast<int64_t>(i))), Number(begun), Number(ended),
        Percent(Ratio(ended, begun)), ShareBar(Ratio(ended, begun), kGood), steps,
        Ratio(steps, control_hz));
  }
  return html + "</tbody></table>";
}

// Ways to fail, the most frequent first.
std::vector<Json> FailureKinds(const Json& result) {
  std::vector<Json> kinds;
  for (const Json& kind : ListOf(result, "failure_kinds")) kinds.push_back(kind);
  std::stable_sort(kinds.begin(), kinds.end(), [](const Json& a, const Json& b) {
    return a.value("count", 0) > b.value("count", 0);
  });
  return kinds;
}

std::string Causes(const Json& result, const std::vector<std::string>& names, double control_hz) {
  std::string html = "<h3>Why attempts failed</h3>";
  const double failed = result.value("attempts", 0.0) - result.value("successes", 0.0);
  if (failed <= 0) return html + "<p>No attempt failed.</p>";
  html +=
      "<table><thead><tr><th>cause</th><th>in subtask</th><th class=\"n\">attempts</th>"
      "<th class=\"n\">of the failures</th><th></th><th class=\"n\">mean length, steps</th>"
      "<th class=\"n\">seconds</th><th>first attempts</th></tr></thead><tbody>";
  for (const Json& kind : FailureKinds(result)) {
    const double count = kind.value("count", 0.0), steps = kind.value("mean_steps", 0.0);
    html += fmt::format(
        "<tr><td>{}</td><td>{}</td>{}<td class=\"n\">{}</td><td>{}</td><td class=\"n\">{:.1f}</td>"
        "<td class=\"n\">{:.1f}</td><td>{}</td></tr>",
        EscapeHtml(kind.value("cause", "")),
        EscapeHtml(NameOf(names, kind.value("subtask", int64_t{-1}))), Number(count),
        Percent(Ratio(count, failed)), ShareBar(Ratio(count, failed), kBad), steps,
        Ratio(steps, control_hz),
        fmt::join(Counts(kind.value("first_attempts", Json::array())), ", "));
  }
  return html + "</tbody></table>";
}

std::string Lengths(const Json& result) {
  if (!result.contains("lengths")) return "";
  const Json& lengths = result["lengths"];
  std::string html = "<h3>How long attempts were</h3>";
  const Json steps = result.value("success_steps", Json::object());
  if (result.value("successes", 0) > 0) {
    html += fmt::format("<p>Successes took {} to {} steps, {:.1f} on average",
                        steps.value("min", 0), steps.value("max", 0), steps.value("mean", 0.0));
    if (result.value("successes", 0) < result.value("attempts", 0)) {
      html += fmt::format("; failures ended after {:.1f} steps on average",
                          result.value("failure_steps", Json::object()).value("mean", 0.0));
    }
    html += ".</p>";
  }
  return html + HistogramSvg({{"successes", kGood, Counts(lengths.value("successes", Json()))},
                              {"failures", kBad, Counts(lengths.value("failures", Json()))}},
                             {.title = "length of attempts",
                              .x_label = "steps",
                              .y_label = "attempts",
                              .bin_width = lengths.value("bin_steps", 1.0)});
}

std::string CoverageMaps(const Json& result) {
  const Json& list = ListOf(result, "coverage");
  if (list.empty()) return "";
  std::string html =
      "<h3>Where objects stood</h3><p>Successes of attempts by where an object was at the start: "
      "the greener the better, red where attempts were made and none succeeded. Seen facing the "
      "robot.</p><div class=\"row\">";
  for (const Json& one : list) {
    HeatMap map;
    map.title = fmt::format("start of {}, {:.0f} % covered", one.value("object", ""),
                            100 * one.value("covered", 0.0));
    map.x = one.at("x").get<std::array<double, 2>>();
    map.y = one.at("y").get<std::array<double, 2>>();
    map.bins_x = one.at("bins").at(0);
    map.bins_y = one.at("bins").at(1);
    map.attempts = Counts(one.at("attempts"));
    map.successes = Counts(one.at("successes"));
    html += HeatMapSvg(map);
  }
  return html + "</div>";
}

std::string Sources(const Json& result) {
  const Json& sources = ListOf(result, "sources");
  std::string html =
      "<h3>Use of each source demonstration</h3><div class=\"scroll\"><table><thead><tr>"
      "<th>source</th><th class=\"n\">segments taken</th><th class=\"n\">of them in successes</th>"
      "<th class=\"n\">rate</th><th></th></tr></thead><tbody>";
  for (const Json& source : sources) {
    const double segments = source.value("segments", 0.0), good = source.value("in_successes", 0.0);
    const std::string name = source.value("name", "");
    // the folder is in the way of reading; who points at the name sees it
    html +=
        fmt::format("<tr><td title=\"{}\">{}</td>{}{}<td class=\"n\">{}</td><td>{}</td></tr>",
                    EscapeHtml(name), EscapeHtml(name.substr(name.rfind('/', name.rfind(':')) + 1)),
                    Number(segments), Number(good), segments > 0 ? Percent(good / segments) : "",
                    ShareBar(Ratio(good, segments), kNeutral));
  }
  html += "</tbody></table></div>";
  for (const Json& skipped : ListOf(result, "skipped")) {
    std::vector<std::string> reasons;
    for (const Json& reason : ListOf(skipped, "reasons")) reasons.push_back(reason);
    html += fmt::format("<p class=\"bad\">{} was not used: {}</p>",
                        EscapeHtml(skipped.value("name", "")),
                        EscapeHtml(fmt::format("{}", fmt::join(reasons, ", "))));
  }
  return html;
}

std::string Times(const Json& result) {
  const Json times = result.value("times", Json::object());
  if (times.empty()) return "";
  const double physics = times.value("physics_share", 0.0);
  return fmt::format(
      "<h3>Where the time went</h3><table><tbody>"
      "<tr><td>wall time</td><td class=\"n\">{:.1f} s on {} threads</td><td></td></tr>"
      "<tr><td>control steps</td><td class=\"n\">{:.0f} per second</td><td></td></tr>"
      "<tr><td>inside the physics engine</td><td class=\"n\">{}, {:.2f} µs per physics step</td>"
      "<td>{}</td></tr>"
      "<tr><td>outside of it</td><td class=\"n\">{}, {:.2f} µs per physics "
      "step</td><td>{}</td></tr>"
      "<tr><td>of it outside the simulator</td><td class=\"n\">{:.1f} µs per control step</td>"
      "<td></td></tr></tbody></table>",
      times.value("wall_s", 0.0), times.value("threads", 1),
      times.value("control_steps_per_s", 0.0), Percent(physics),
      times.value("physics_us_per_substep", 0.0), ShareBar(physics, kNeutral), Percent(1 - physics),
      times.value("outside_physics_us_per_substep", 0.0), ShareBar(1 - physics, "#93c5fd"),
      times.value("outside_simulator_us_per_control_step", 0.0));
}

std::string Films(const SampleVideos& samples, const std::vector<std::string>& names) {
  std::string html = "<h3>Sample attempts</h3>";
  if (!samples.note.empty())
    html += fmt::format("<p class=\"none\">{}</p>", EscapeHtml(samples.note));
  if (samples.videos.empty()) return html;
  html +=
      "<p>A success, and attempts of each way to fail, made again from their numbers.</p>"
      "<div class=\"video\">";
  for (const SampleVideo& video : samples.videos) {
    html += fmt::format("<figure>{}<figcaption>attempt {}, {} steps: ", VideoTag(video.mp4),
                        video.attempt, video.steps);
    html += video.success
                ? "<span class=\"ok\">success</span>"
                : fmt::format("<span class=\"bad\">{}</span> in subtask {}<br>{}",
                              EscapeHtml(video.cause), EscapeHtml(NameOf(names, video.subtask)),
                              EscapeHtml(video.detail));
    html += "</figcaption></figure>";
  }
  return html + "</div>";
}

std::string Sections(const Json& result, const std::vector<std::string>& subtasks,
                     double control_hz, const std::string& films) {
  return Suggestions(result) + Subtasks(result, subtasks, control_hz) +
         Causes(result, subtasks, control_hz) + films + Lengths(result) + CoverageMaps(result) +
         Sources(result) + Times(result);
}

}  // namespace

std::vector<std::string> SubtaskNames(const Json& task) {
  std::vector<std::string> names;
  for (const Json& subtask : ListOf(task, "subtasks")) {
    const std::string object = subtask.value("object", ""), signal = subtask.value("signal", "");
    const std::string until = signal.empty() ? "to the end" : fmt::format("until '{}'", signal);
    names.push_back(object.empty() ? until : object + " " + until);
  }
  return names;
}

std::string MimicNumbers(const Json& result) {
  const double attempts = result.value("attempts", 0.0), good = result.value("successes", 0.0);
  const Json times = result.value("times", Json::object());
  std::string html = "<div class=\"cards\">";
  html += Card(Percent(Ratio(good, attempts)), "generation rate");
  const Json& interval = ListOf(result, "interval");
  if (interval.size() == 2) {
    html +=
        Card(fmt::format("{} – {}", Percent(interval[0]), Percent(interval[1])), "95 % interval");
  }
  html += Card(fmt::format("{:.0f} / {:.0f}", good, attempts), "attempts succeeded");
  html += Card(fmt::format("{}", result.value("episodes", 0)), "episodes written");
  // a run in parts has none
  if (!times.empty()) {
    html += Card(fmt::format("{:.1f}", times.value("attempts_per_s", 0.0)), "attempts per second");
    html += Card(Percent(times.value("physics_share", 0.0)), "of the time in physics");
  }
  return html + "</div>";
}

std::string MimicSections(const Json& result, const std::vector<std::string>& subtasks,
                          double control_hz) {
  return Sections(result, subtasks, control_hz, "");
}

std::string MimicPage(const Json& result, const Json& task, const Json& options, double control_hz,
                      const SampleVideos& samples) {
  const std::vector<std::string> names = SubtaskNames(task);
  std::string html =
      BeginPage(fmt::format("Mimic: {} {}", result.value("task", ""), result.value("variant", "")),
                fmt::format("Seed {}: {}.", result.value("seed", uint64_t{0}),
                            result.value("stop_reason", "")));
  if (result.value("interrupted", false)) html += Notice("Interrupted: a part of the attempts.");
  html += MimicNumbers(result) + Sections(result, names, control_hz, Films(samples, names));
  html += fmt::format(
      "<h3>Exactly what was run</h3><details><summary>options</summary><pre>{}</pre></details>",
      EscapeHtml(options.dump(2, ' ', false, Json::error_handler_t::replace)));
  return html +
         EmbeddedJson("report", result.dump(-1, ' ', false, Json::error_handler_t::replace)) +
         EndPage();
}

}  // namespace understudy
