#include "app/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>

#include "app/html.h"
#include "app/mimic_report.h"
#include "app/page.h"
#include "app/planned_steps.h"
#include "core/base/locks.h"
#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kColours[] = {"#2563eb", "#16a34a", "#d97706",
                                    "#9333ea", "#dc2626", "#0891b2"};

// A finished step as the report needs it.
struct StepView {
  std::string name, command;
  Json state;
  fs::path output;
  const Json& result() const { return state.at("result"); }
  // its output may hold links as its inputs do
  ReadOptions read() const {
    return {.outside_links =
                state.value("options", Json::object()).value(ReadOptions::kOutsideLinks, false)};
  }
};

// An evaluation in closed loop; tables of factors and of recorded rows have pages of their own.
bool HasRate(const StepView& step) {
  return step.command == "evaluate" && step.result().contains("successes");
}

// ---- the table of the experiment ----

std::string SuccessTable(const std::vector<StepView>& steps) {
  std::string html =
      "<table><tr><th>policy</th><th>condition</th><th>episodes</th><th>successes</th>"
      "<th>success</th><th>95 % interval</th><th></th></tr>";
  int rows = 0;
  std::vector<std::string> policies;
  for (const StepView& step : steps) {
    if (!HasRate(step)) continue;
    const Json& result = step.result();
    const std::string policy = step.state.value("policy", "");
    if (std::find(policies.begin(), policies.end(), policy) == policies.end())
      policies.push_back(policy);
    const size_t place =
        static_cast<size_t>(std::find(policies.begin(), policies.end(), policy) - policies.begin());
    const double episodes = result.value("episodes", 0.0),
                 successes = result.value("successes", 0.0);
    const double share = episodes > 0 ? successes / episodes : 0;
    const double low = result["interval"][0].get<double>(),
                 high = result["interval"][1].get<double>();
    html += fmt::format(
        "<tr><td>{}</td><td>{}</td><td class=\"n\">{:.0f}</td><td class=\"n\">{:.0f}</td>"
        "<td class=\"n\">{}</td><td class=\"n\">{} – {}</td><td><div class=\"bar\">"
        "<i style=\"width:{:.1f}%;background:{}\"></i><b "
        "style=\"left:{:.1f}%;width:{:.1f}%\"></b></div></td></tr>",
        EscapeHtml(policy), EscapeHtml(step.state.value("condition", "")), episodes, successes,
        Percent(share), Percent(low), Percent(high), 100 * share,
        kColours[place % std::size(kColours)], 100 * low, 100 * (high - low));
    ++rows;
  }
  return rows ? html + "</table>" : "";
}

// Several evaluations of one policy, and policies against the first one on the same starts.
std::string MeansTables(const Json& summary) {
  std::string html;
  if (summary["means"].size() < summary["rows"].size()) {
    html +=
        "<h3>Means</h3><table><tr><th>policy</th><th>condition</th><th>evaluations</th>"
        "<th>mean</th><th>deviation</th><th>least</th><th>most</th></tr>";
    for (const Json& row : summary["means"]) {
      html += fmt::format(
          "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
          "<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
          EscapeHtml(row["policy"]), EscapeHtml(row["condition"]), row["evaluations"].dump(),
          Percent(row["mean"]), row["deviation"].is_null() ? "" : Percent(row["deviation"]),
          Percent(row["least"]), Percent(row["most"]));
    }
    html += "</table>";
  }
  std::string pairs;
  for (const Json& pair : summary["paired"]) {
    if (pair.contains("reason")) continue;
    pairs += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{:+.1f}</td>"
        "<td class=\"n\">{:+.1f} to {:+.1f}</td><td class=\"n\">{}</td></tr>",
        EscapeHtml(pair["condition"]), EscapeHtml(pair["policy"]), EscapeHtml(pair["against"]),
        100 * pair["difference"].get<double>(), 100 * pair["interval"][0].get<double>(),
        100 * pair["interval"][1].get<double>(), pair["starts"].dump());
  }
  if (pairs.empty()) return html;
  return html +
         "<h3>On the same starts</h3><table><tr><th>condition</th><th>policy</th><th>against</th>"
         "<th>difference, points</th><th>95 % interval</th><th>starts</th></tr>" +
         pairs + "</table>";
}

// ---- demonstrations: paths, starts, reasons ----

// Paths of E seen from above and from the side, at most `most` episodes.
std::string PathPlots(const EpisodeSource& reader, const std::string& title, size_t most,
                      const char* colour, double opacity) {
  std::vector<PlotSeries> top, side;
  for (size_t e = 0; e < std::min(most, reader.episodes().size()); ++e) {
    const Episode episode = reader.ReadEpisode(e);
    PlotSeries above{"", colour, {}, {}, false, opacity, 1.2}, beside = above;
    for (const Step& step : episode.steps) {
      const Eigen::Vector3d p_WE = step.observation.arms.at(0).X_WE.translation();
      above.x.push_back(p_WE.y());
      above.y.push_back(-p_WE.x());  // the operator stands at the robot and looks along +x
      beside.x.push_back(p_WE.y());
      beside.y.push_back(p_WE.z());
    }
    top.push_back(above);
    side.push_back(beside);
  }
  return PlotSvg(top, {.title = title + ", from above",
                       .x_label = "y (m)",
                       .y_label = "-x (m)",
                       .equal_axes = true,
                       .legend = false}) +
         PlotSvg(side, {.title = title + ", from the front",
                        .x_label = "y (m)",
                        .y_label = "z (m)",
                        .equal_axes = true,
                        .legend = false});
}

std::string RecordSection(const StepView& step) {
  const std::unique_ptr<EpisodeSource> opened = OpenDataset(step.output, step.read());
  const EpisodeSource& reader = *opened;
  const Json& result = step.result();
  std::string html = fmt::format("<h2>Source demonstrations: {}</h2>", EscapeHtml(step.name));
  html +=
      "<p>A scripted operator moved the hand of a virtual headset; its samples came through the "
      "OpenXR loader, the clutch and the limiter to the controller.</p><div class=\"cards\">";
  html += Card(fmt::format("{}", reader.episodes().size()), "demonstrations");
  double steps = 0, worst = 0;
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    const Episode episode = reader.ReadEpisode(e);
    steps += static_cast<double>(episode.length());
    worst = std::max(worst, episode.meta.quality.value("replay_worst_error", 0.0));
  }
  const double seconds = steps / reader.header().simulator.control_hz;
  html += Card(fmt::format("{:.1f} s", seconds / std::max<size_t>(1, reader.episodes().size())),
               "mean length");
  html += Card(fmt::format("{:.1f} ×", seconds / std::max(1e-9, step.state.value("seconds", 1.0))),
               "real time");
  html += Card(worst == 0 ? "bit-exact" : fmt::format("{:.2g}", worst), "worst replay error");
  if (result.contains("attempts"))
    html += Card(fmt::format("{}", result["attempts"].size()), "attempts");
  return html + "</div><div class=\"row\">" +
         PathPlots(reader, "hand path of E", 20, "#2563eb", 0.8) + "</div>";
}

std::string MimicSection(const StepView& step) {
  const std::unique_ptr<EpisodeSource> opened = OpenDataset(step.output, step.read());
  const EpisodeSource& reader = *opened;
  return fmt::format("<h2>Generated demonstrations: {}</h2>", EscapeHtml(step.name)) +
         MimicNumbers(step.result()) + "<div class=\"row\">" +
         PathPlots(reader, "generated paths", 60, "#16a34a", 0.3) + "</div>" +
         MimicSections(step.result(), SubtaskNames(reader.header().task),
                       reader.header().simulator.control_hz);
}

// ---- pictures ----

std::string AugmentSection(const StepView& step) {
  const std::unique_ptr<EpisodeSource> opened = OpenDataset(step.output, step.read());
  const EpisodeSource& reader = *opened;
  const DatasetHeader& header = reader.header();
  std::string html = fmt::format("<h2>Looks: {}</h2><div class=\"cards\">", EscapeHtml(step.name));
  html += Card(fmt::format("{}", reader.episodes().size()), "rendered episodes");
  html += Card(step.result().value("frames", Json(0)).dump(), "frames");
  html += Card(fmt::format("{:.0f}", step.result().value("frames_per_second", 0.0)),
               "frames per second");
  html += Card(step.result().value("renderer", ""), "renderer");
  html += "</div>";
  for (const std::string& camera : header.cameras) {
    html += fmt::format("<p>{}: nominal first, then drawn looks</p><div class=\"strip\">",
                        EscapeHtml(camera));
    // one nominal picture, then variants of different episodes
    int shown = 0;
    for (const int wanted : {0, 1}) {
      for (size_t e = 0; e < reader.episodes().size() && shown < (wanted == 0 ? 1 : 8); ++e) {
        const EpisodeSummary& summary = reader.episodes()[e];
        if ((summary.variant_index > 0) != (wanted > 0) || summary.length == 0) continue;
        html +=
            "<figure>" + ImageTag(reader.ReadImage(e, camera, summary.length / 2)) + "</figure>";
        ++shown;
      }
    }
    html += "</div>";
  }
  return html;
}

// ---- training ----

std::string TrainSection(const std::vector<StepView>& steps) {
  std::vector<PlotSeries> loss, groups;
  std::string table =
      "<table><tr><th>policy</th><th>updates</th><th>batch</th><th>samples/s</th>"
      "<th>waiting for data</th><th>parameters</th><th>precision</th><th>final loss</th></tr>";
  int shown = 0;
  for (const StepView& step : steps) {
    if (step.command != "train") continue;
    const Json& result = step.result();
    PlotSeries curve{step.name, kColours[static_cast<size_t>(shown) % std::size(kColours)], {}, {}};
    const fs::path log = step.output / "log.json";
    double final_loss = 0;
    if (fs::exists(log)) {
      const Json rows = LoadJson(log).value("rows", Json::array());
      for (const Json& row : rows) {
        curve.x.push_back(row.value("step", 0.0));
        curve.y.push_back(final_loss = row.value("loss", 0.0));
      }
    }
    loss.push_back(curve);
    const Json timing = result.value("timing", Json::object());
    const Json engine = result.value("engine", Json::object());
    const auto text = [](const Json& from, const char* key) -> std::string {
      if (!from.contains(key)) return "";
      return from[key].is_string() ? from[key].get<std::string>() : from[key].dump();
    };
    table += fmt::format(
        "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.0f}</td>"
        "<td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td class=\"n\">{:.4f}</td></tr>",
        EscapeHtml(step.name), text(result, "steps"), text(step.state["options"], "batch"),
        timing.value("samples_per_s", 0.0), Percent(timing.value("data_wait_share", 0.0)),
        text(engine, "parameters"), EscapeHtml(text(engine, "precision")), final_loss);
    ++shown;
  }
  if (shown == 0) return "";
  return "<h2>Training</h2>" + table + "</table><div class=\"row\">" +
         PlotSvg(loss, {.title = "flow-matching loss",
                        .x_label = "updates",
                        .y_label = "loss",
                        .width = 700,
                        .height = 300,
                        .log_y = true}) +
         "</div>";
}

// ---- evaluation ----

std::string VideoOf(const fs::path& file) {
  const std::vector<uint8_t> bytes = ReadBytes(file);
  return bytes.empty() ? "" : VideoTag(bytes);
}

// Two policies on the same starts: who succeeded where the other failed.
std::string PairedTable(const Json& paired, const std::string& name, const std::string& other) {
  const double difference = paired.value("difference", 0.0);
  const double p = paired.value("p_value", 1.0);
  return fmt::format(
             "<h3>Compared with {} on the same {} seeds</h3><table><thead><tr>"
             "<th class=\"n\">both succeed</th><th class=\"n\">only {}</th>"
             "<th class=\"n\">only {}</th><th class=\"n\">neither</th></tr></thead><tbody><tr>",
             EscapeHtml(other), paired.value("pairs", 0), EscapeHtml(name), EscapeHtml(other)) +
         fmt::format(
             "<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
             "<td class=\"n\">{}</td></tr></tbody></table><p>Difference {:+.1f} percentage points; "
             "exact McNemar test: p {}.</p>",
             paired.value("both", 0), paired.value("only_a", 0), paired.value("only_b", 0),
             paired.value("neither", 0), 100 * difference,
             p < 1e-4 ? std::string("&lt; 0.0001") : fmt::format("= {:.4f}", p));
}

std::string EvaluateSection(const StepView& step) {
  const Json& result = step.result();
  std::string html =
      fmt::format("<h2>Evaluation: {}</h2><div class=\"cards\">", EscapeHtml(step.name));
  html += Card(fmt::format("{} / {}", result.value("successes", 0), result.value("episodes", 0)),
               "successes");
  const Json timing = result.value("timing", Json::object());
  html += Card(fmt::format("{:.0f} ms", timing.value("latency_p50_ms", 0.0)), "per chunk, median");
  html += Card(fmt::format("{:.0f} ms", timing.value("latency_p99_ms", 0.0)), "per chunk, 99 %");
  const Json causes = result.value("causes", Json::object());
  for (const auto& [cause, count] : causes.items()) {
    html += Card(count.dump(), cause);
  }
  html += "</div>";
  if (result.value("interrupted", false)) html += Notice("Interrupted: a part of the episodes.");
  if (result.contains("paired")) {
    const std::string other = step.state["options"].value("compare", "");
    html += PairedTable(result["paired"], step.name, fs::path(other).stem().string());
  }
  std::string videos;
  for (const Json& video : result.value("videos", Json::array())) {
    const std::string tag = VideoOf(video.value("file", ""));
    if (tag.empty()) continue;
    const bool success = video.value("success", false);
    videos += fmt::format(
        "<figure>{}<figcaption>episode {}: <span class=\"{}\">{}</span></figcaption></figure>", tag,
        video.value("episode", 0), success ? "ok" : "bad",
        success ? "success" : EscapeHtml(video.value("cause", "failure")));
  }
  return html + (videos.empty() ? "" : "<div class=\"video\">" + videos + "</div>");
}

// ---- exactly what was run ----

std::string ProvenanceSection(const std::vector<StepView>& steps) {
  std::string html =
      "<h2>Exactly what was run</h2><table><tr><th>step</th><th>command</th><th>inputs</th>"
      "<th>seconds</th><th>finished</th><th>key</th></tr>";
  for (const StepView& step : steps) {
    std::string inputs;
    for (const Json& input : step.state["inputs"])
      inputs += (inputs.empty() ? "" : ", ") + input.get<std::string>();
    html += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td "
        "class=\"n\">{:.1f}</td><td>{}</td><td><code>{}</code></td></tr>",
        EscapeHtml(step.name), EscapeHtml(step.command), EscapeHtml(inputs),
        step.state.value("seconds", 0.0), EscapeHtml(step.state.value("finished_utc", "")),
        EscapeHtml(step.state.value("key", "").substr(0, 16)));
  }
  html += "</table>";
  for (const StepView& step : steps) {
    html +=
        fmt::format("<details><summary>{}: settings and result</summary><pre>{}</pre></details>",
                    EscapeHtml(step.name), EscapeHtml(step.state.dump(2)));
  }
  return html;
}

// Which steps of a run are not done.
std::string Unfinished(const std::vector<StepView>& steps, const std::vector<std::string>& order) {
  std::vector<std::string> open;
  for (const std::string& name : order) {
    const bool done = std::any_of(steps.begin(), steps.end(),
                                  [&](const StepView& step) { return step.name == name; });
    if (!done) open.push_back(name);
  }
  return fmt::format("This run is not finished: {} of {} steps are done. Not done: {}.",
                     steps.size(), order.size(), fmt::join(open, ", "));
}

}  // namespace

void WriteReport(const Pipeline& pipeline, const std::vector<std::string>& order,
                 const Json& summary, const fs::path& out) {
  std::vector<StepView> steps;
  for (const std::string& name : order) {
    Json state = LoadStepState(out, name);
    if (!state.is_object()) continue;
    const std::string command = state["command"], output = state["output"];
    steps.push_back({name, command, std::move(state), output});
  }

  std::string html =
      BeginPage(pipeline.title.empty() ? pipeline.name : pipeline.title, pipeline.description);
  if (steps.size() < order.size()) html += Notice(Unfinished(steps, order));
  html += SuccessTable(steps);
  html += MeansTables(summary);
  for (const StepView& step : steps) {
    if (step.command == "teleop") html += RecordSection(step);
    if (step.command == "mimic") html += MimicSection(step);
    if (step.command == "augment") html += AugmentSection(step);
  }
  html += TrainSection(steps);
  for (const StepView& step : steps) {
    if (HasRate(step)) html += EvaluateSection(step);
  }
  html += ProvenanceSection(steps);
  html += EndPage();
  const OutputLock lock(out / "report.html");
  WriteTextAtomically(out / "report.html", html);
}

}  // namespace understudy
