// predict: what a policy would do on recorded rows, beside what was done.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "app/commands.h"
#include "app/html.h"
#include "app/models.h"
#include "app/page.h"
#include "data/store/files.h"
#include "train/command.h"
#include "train/evaluate/predict.h"

namespace understudy {
namespace {

struct PredictFlags {
  std::string checkpoint;
  PredictOptions options;
  std::string out, report;
  static constexpr auto kUnwritten = PredictOptions::kUnwritten;
  template <class V>
  void Visit(V& v) {
    v("checkpoint", checkpoint, "run, checkpoint or pretrained_model folder", kRequired);
    options.Visit(v);
    v("out", out, "JSON to write, with every number", kOutput);
    v("report", report, "page to write, with a plot of each number of an action", kOutput);
  }
};

// Recorded and predicted numbers along an episode. A chunk is seen from its first row: curves jump
// there.
std::string PlotsOf(const Json& report, const Json& episode) {
  std::string html = "<div class=\"plots\">";
  for (size_t i = 0; i < report["names"].size(); ++i) {
    PlotSeries recorded{.label = "recorded", .colour = "#555", .x = {}, .y = {}},
        predicted{.label = "predicted", .colour = "#c33", .x = {}, .y = {}},
        starts{.label = "asked here", .colour = "#c33", .x = {}, .y = {}, .dots = true};
    for (const Json& chunk : episode["chunks"]) {
      const double row = chunk["row"];
      const size_t shown = std::min<size_t>(chunk["recorded"].size(), report["execute"]);
      for (size_t k = 0; k < shown; ++k) {
        const double x = row + static_cast<double>(k);
        recorded.x.push_back(x);
        recorded.y.push_back(chunk["recorded"][k][i]);
        predicted.x.push_back(x);
        predicted.y.push_back(chunk["predicted"][k][i]);
      }
      starts.x.push_back(row);
      starts.y.push_back(chunk["predicted"][0][i]);
    }
    html += PlotSvg({recorded, predicted, starts},
                    {.title = report["names"][i], .x_label = "row", .y_label = "", .width = 460});
  }
  return html + "</div>";
}

void WritePage(const std::string& file, const PredictFlags& flags, const Json& report) {
  std::string html = BeginPage(
      "Predicted actions",
      fmt::format("{} on {}: {} actions of every chunk beside the recorded ones, as seen from the "
                  "row where the chunk begins.",
                  flags.checkpoint, flags.options.dataset, report["execute"].dump()));
  for (const Json& episode : report["episodes"]) {
    html += "<h2>" + EscapeHtml(episode["name"]) + "</h2>" + PlotsOf(report, episode);
  }
  WriteTextAtomically(file, html + EndPage());
}

// Throws Error where the JSON is no report that `understudy predict --out` writes.
void ReadPrediction(const Json& report) {
  for (const char* key : {"names", "error", "root_mean_square", "episodes"}) {
    if (!report.is_object() || !report.contains(key)) ThrowBadInput("no report");
  }
}

std::string Describe(const Json& report) {
  std::string text;
  const Json& episode = report["episodes"][0];
  if (report["episodes"].size() == 1 && episode["chunks"].size() == 1) {
    // one row: the actions themselves
    const Json& chunk = episode["chunks"][0];
    text += fmt::format("{}, row {}: what would be done\n  {:>4}",
                        episode["name"].get<std::string>(), chunk["row"].dump(), "step");
    for (const Json& name : report["names"]) {
      text += fmt::format(" {:>14}", name.get<std::string>());
    }
    text += "\n";
    for (size_t k = 0; k < chunk["predicted"].size(); ++k) {
      text += fmt::format("  {:>4}", k);
      for (const Json& number : chunk["predicted"][k]) {
        text += fmt::format(" {:>14.5g}", number.get<double>());
      }
      text += "\n";
    }
  }
  text += fmt::format("  {:<28} {:>14} {:>16}\n", "error", "mean absolute", "root mean square");
  for (const auto& [name, error] : report["error"].items()) {
    text += fmt::format("  {:<28} {:>14.5g} {:>16.5g}\n", name, error.get<double>(),
                        report["root_mean_square"][name].get<double>());
  }
  text += fmt::format("{:.1f} ms a chunk (p90 {:.1f} ms)\n",
                      report["timing"]["latency_p50_ms"].get<double>(),
                      report["timing"]["latency_p90_ms"].get<double>());
  if (report["interrupted"].get<bool>()) text += "interrupted: some rows were not asked\n";
  return text;
}

}  // namespace

Command PredictCommand() {
  Command command = MakeCommand<PredictFlags>(
      "predict", "ask a policy on recorded rows, and compare with what was done",
      [](const PredictFlags& flags, CommandContext& context) -> Json {
        OlderReport(flags.out, "out", "report of `understudy predict`", ReadPrediction);
        CheckRemade(flags.report, kPageStart, "page");
        for (const auto& [file, option] : {std::pair(flags.out, "out"), {flags.report, "report"}}) {
          if (!file.empty() && !context.plan) TryToWrite(file, option);
        }
        if (context.plan) {
          return {{"checkpoint", flags.checkpoint}, {"dataset", flags.options.dataset}};
        }
        const Json report =
            RunPredict(flags.checkpoint, flags.options, Models(), *context.progress).ToJson();
        if (!flags.out.empty()) WriteTextAtomically(flags.out, report.dump() + "\n");
        if (!flags.report.empty()) WritePage(flags.report, flags, report);
        return report;
      },
      Describe);
  command.positional = {"checkpoint", "dataset"};
  return command;
}

}  // namespace understudy
