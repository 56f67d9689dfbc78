#include "app/factors.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "app/html.h"
#include "app/page.h"
#include "core/base/error.h"

namespace understudy {
namespace {

// Whether the policy was asked for something else, and nothing varied.
bool IsInstruction(const Json& row) { return row.contains("instruction"); }

// Whether it is a row of one factor of the plan.
bool IsAlone(const Json& row) { return row["factors"].size() == 1 && !IsInstruction(row); }

std::string SeverityOf(const Json& row) {
  return row["factors"].empty() || IsInstruction(row) ? "" : row["severity"].dump();
}

// "lamps", "lamps with views", "instruction 'lift the cube'".
std::string NamesOfRow(const Json& row) {
  if (IsInstruction(row))
    return fmt::format("instruction '{}'", row["instruction"].get<std::string>());
  const auto names = row["factors"].get<std::vector<std::string>>();
  return names.empty() ? "nominal" : fmt::format("{}", fmt::join(names, " with "));
}

std::string Points(double difference) { return fmt::format("{:+.0f}", 100 * difference); }

// "-12 [-20, -4]" of a row.
std::string Difference(const Json& row) {
  const Json& ends = row["difference_interval"];
  return fmt::format("{} [{}, {}]", Points(row["difference"].get<double>()),
                     Points(ends[0].get<double>()), Points(ends[1].get<double>()));
}

// From red to green by the rate, pale so that black reads on it.
std::string ColourOf(double rate) {
  return fmt::format("hsl({:.0f},70%,78%)", 120 * std::clamp(rate, 0.0, 1.0));
}

std::string HeatCell(const Json* row) {
  if (row == nullptr) return "<td></td>";
  const double rate = (*row)["rate"];
  const std::string title = fmt::format(
      "{} of {} [{}, {}]; against nominal {} points, p {:.2g}, Holm {:.2g}",
      (*row)["successes"].dump(), (*row)["episodes"].dump(),
      Percent((*row)["interval"][0].get<double>()), Percent((*row)["interval"][1].get<double>()),
      Difference(*row), (*row)["p_value"].get<double>(), (*row)["p_holm"].get<double>());
  const char* mark = (*row)["p_holm"].get<double>() < 0.05 ? " *" : "";
  return fmt::format("<td class=\"n\" style=\"background:{}\" title=\"{}\">{:.0f}{}</td>",
                     ColourOf(rate), EscapeHtml(title), 100 * rate, mark);
}

std::string RowOfTable(const Json& row) {
  const auto cell = [](const std::string& text) {
    return fmt::format("<td class=\"n\">{}</td>", EscapeHtml(text));
  };
  std::string html = fmt::format("<tr><td>{}</td>", EscapeHtml(NamesOfRow(row)));
  const bool varied = !row["factors"].empty();
  html += cell(SeverityOf(row));
  html += cell(row["successes"].dump() + "/" + row["episodes"].dump());
  html += cell(varied ? Difference(row) : "");
  html += cell(varied ? row["only_varied"].dump() + "/" + row["only_nominal"].dump() : "");
  for (const char* p : {"p_value", "p_holm"}) {
    html += cell(varied ? fmt::format("{:.2g}", row[p].get<double>()) : "");
  }
  for (const char* event : {"wrong_grasp", "dropped", "table_hit", "tipped", "collided",
                            "at_joint_limits", "clipped"}) {
    html += cell(row["events"][event].dump());
  }
  return html + "</tr>";
}

}  // namespace

Variations VariationsOf(const AugmentPlan& plan) {
  Variations vary;
  if (AugmentPlan looks = Part(plan, true); !looks.randomizers.empty()) {
    vary.look = [looks](const SceneInventory& scene, const RngKey& key) {
      return Draw(looks, scene, key);
    };
  }
  if (AugmentPlan physics = Part(plan, false); !physics.randomizers.empty()) {
    vary.world = [physics](const PhysicsInventory& world, const RngKey& key) {
      return Draw(physics, world, key);
    };
  }
  return vary;
}

Factors FactorsOf(const AugmentPlan& plan) {
  Factors factors;
  for (const auto& [name, randomizer] : plan.randomizers) {
    const RandomizerLine line = LineOf(randomizer);
    factors.factors.push_back({name, line.name, line.label_safe});
  }
  factors.vary = [plan](const std::vector<std::string>& names, double severity) {
    return VariationsOf(Chosen(plan, names, severity));
  };
  return factors;
}

void CheckPlan(const AugmentPlan& plan, const std::string& name, const SceneInventory& scene,
               const PhysicsInventory& world) {
  Problems problems = Validate(plan, scene);
  for (std::string& problem : Validate(plan, world)) problems.push_back(std::move(problem));
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems, "; ")));
}

Json SeenInTraining(const AugmentPlan& plan, const std::vector<double>& severities,
                    const SceneInventory& scene, const PhysicsInventory& world,
                    const DrawnRanges& draws) {
  constexpr uint64_t kDraws = 200;
  Json seen = Json::array();
  for (const auto& [name, randomizer] : plan.randomizers) {
    for (const double severity : severities) {
      const AugmentPlan alone = Chosen(plan, {name}, severity);
      int held = 0;
      for (uint64_t i = 0; i < kDraws; ++i) {
        const RngKey key = RngKey{i}.WithStage("seen in training");
        try {
          held += draws.Hold(Draw(alone, scene, key), Draw(alone, world, key));
        } catch (const Error& error) {
          if (error.kind() != ErrorKind::kFailed) throw;  // a scene that cannot be is drawn again
        }
      }
      if (held == 0) continue;
      seen.push_back({{"factor", name},
                      {"severity", severity},
                      {"share", held / static_cast<double>(kDraws)}});
    }
  }
  return seen;
}

namespace {

// What of the draws is no held-out one, in a sentence; empty: not known to be.
std::string DescribeSeen(const Json& report) {
  if (!report.contains("seen_in_training")) return "";
  const Json& seen = report["seen_in_training"];
  if (seen.is_null()) {
    return "the policy's record does not say what was drawn in its training data: rows may be of "
           "draws that it knows";
  }
  std::vector<std::string> parts;
  for (const Json& row : seen) {
    parts.push_back(fmt::format("{} × {} ({})", row["factor"].get<std::string>(),
                                row["severity"].get<double>(),
                                Percent(row["share"].get<double>())));
  }
  return parts.empty() ? "no draw lies within what the training data hold"
                       : fmt::format(
                             "not held out, with the share of draws within what the "
                             "training data hold: {}",
                             fmt::join(parts, ", "));
}

// "0.12 to 0.18", "oak".
std::string LabelOf(const Json& bin) {
  if (bin.contains("word")) return bin["word"].get<std::string>();
  const double low = bin["range"][0], high = bin["range"][1];
  return low == high ? fmt::format("{:.3g}", low) : fmt::format("{:.3g} to {:.3g}", low, high);
}

// Success by drawn value, for the values on which it depends most clearly.
std::string DrawnTable(const Json& drawn) {
  std::string html;
  for (const Json& row : drawn["shown"]) {
    html += fmt::format("<tr><td>{}</td><td class=\"n\">{:.2g}</td><td class=\"n\">{:.2g}</td>",
                        EscapeHtml(row["value"].get<std::string>()), row["p_value"].get<double>(),
                        row["p_holm"].get<double>());
    for (const Json& bin : row["bins"]) {
      const auto successes = bin["successes"].get<double>(),
                 episodes = bin["episodes"].get<double>();
      html += fmt::format(
          "<td class=\"n\" style=\"background:{}\">{:.0f}/{:.0f}<br><small>{}</small></td>",
          ColourOf(successes / episodes), successes, episodes, EscapeHtml(LabelOf(bin)));
    }
    html += "</tr>";
  }
  return html;
}

// What was drawn of each factor beside success, and films of its failures.
std::string FactorDetails(const Json& report) {
  const Json films = report.value("videos", Json::array());
  std::string html;
  for (const Json& factor : report["factors"]) {
    const std::string name = factor["name"];
    const Json drawn = report.value("drawn", Json::object()).value(name, Json());
    std::string shown;
    if (drawn.is_object() && !drawn["shown"].empty()) {
      shown += fmt::format(
          "<p>The {} of {} drawn values on which success depends most clearly, over all "
          "severities.</p><div class=\"scroll\"><table><thead><tr><th>value</th>"
          "<th class=\"n\">p (chi-square)</th><th class=\"n\">Holm</th>"
          "<th class=\"n\">successes of episodes, by "
          "value</th></tr></thead><tbody>{}</tbody></table></div>",
          drawn["shown"].size(), drawn["values"].dump(), DrawnTable(drawn));
    }
    std::string row;
    for (const Json& film : films) {
      if (film["factor"] != name) continue;
      const std::vector<uint8_t> mp4 = ReadBytes(film["file"].get<std::string>());
      if (mp4.empty()) continue;
      row += fmt::format("<figure>{}<figcaption>start {}, × {}: {}</figcaption></figure>",
                         VideoTag(mp4), film["episode"].dump(), film["severity"].dump(),
                         EscapeHtml(film["cause"].get<std::string>()));
    }
    if (!row.empty()) shown += "<div class=\"row\">" + row + "</div>";
    if (!shown.empty()) html += "<h3>" + EscapeHtml(name) + "</h3>" + shown;
  }
  return html.empty() ? "" : "<h2>Each factor alone</h2>" + html;
}

}  // namespace

std::string DescribeFactors(const Json& report) {
  const Json& nominal = report["nominal"];
  std::string text = fmt::format("{:<28} {:>8} {:>9} {:>22} {:>9} {:>9}\n", "factor", "severity",
                                 "success", "difference [95 %]", "p", "Holm");
  text +=
      fmt::format("{:<28} {:>8} {:>8.1f}%\n", "nominal", "", 100 * nominal["rate"].get<double>());
  for (const Json& row : report["rows"]) {
    text += fmt::format("{:<28} {:>8} {:>8.1f}% {:>22} {:>9.2g} {:>9.2g}\n", NamesOfRow(row),
                        SeverityOf(row), 100 * row["rate"].get<double>(), Difference(row),
                        row["p_value"].get<double>(), row["p_holm"].get<double>());
  }
  for (const auto& [name, severity] : report["r50"].items()) {
    if (!severity.is_null()) {
      text +=
          fmt::format("success halves at severity {:.2f} of {}\n", severity.get<double>(), name);
    }
  }
  if (const std::string seen = DescribeSeen(report); !seen.empty()) text += seen + "\n";
  if (report["interrupted"].get<bool>()) text += "interrupted: rows are missing\n";
  return text;
}

std::string FactorPage(const Json& report) {
  std::set<double> severities;
  for (const Json& row : report["rows"]) {
    if (IsAlone(row)) severities.insert(row["severity"].get<double>());
  }
  std::string html =
      BeginPage(fmt::format("Factors: {} on {}", report["policy"].value("name", ""),
                            report.value("task", "")),
                "Success on the same starts, nominal and with one factor at a time. Cells: % of "
                "episodes; * differs from nominal with p < 0.05 after Holm's correction over all "
                "rows; hover for intervals.");
  html += "<div class=\"cards\">" +
          Card(Percent(report["nominal"]["rate"].get<double>()), "nominal success") +
          Card(report["nominal"]["episodes"].dump(), "episodes per cell") + "</div>";
  if (report["interrupted"].get<bool>()) html += Notice("Interrupted: rows are missing.");
  if (const std::string seen = DescribeSeen(report); !seen.empty()) html += Notice(seen + ".");
  html +=
      "<h2>Factor by severity</h2><table><thead><tr><th>factor</th><th>type</th><th>labels</th>";
  for (const double severity : severities) {
    html += fmt::format("<th class=\"n\">× {}</th>", severity);
  }
  html += "<th class=\"n\">halves at</th></tr></thead><tbody>";
  for (const Json& factor : report["factors"]) {
    const std::string name = factor["name"];
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td>", EscapeHtml(name),
                        EscapeHtml(factor["type"].get<std::string>()),
                        factor["label_safe"].get<bool>() ? "safe" : "unsafe");
    for (const double severity : severities) {
      const Json* found = nullptr;
      for (const Json& row : report["rows"]) {
        if (IsAlone(row) && row["factors"][0] == name &&
            row["severity"].get<double>() == severity) {
          found = &row;
        }
      }
      html += HeatCell(found);
    }
    const Json half = report["r50"].value(name, Json());
    html += fmt::format("<td class=\"n\">{}</td></tr>",
                        half.is_null() ? "–" : fmt::format("{:.2f}", half.get<double>()));
  }
  html +=
      "</tbody></table><h2>Every row against the nominal setting</h2><div class=\"scroll\"><table>"
      "<thead><tr><th>factors</th><th class=\"n\">severity</th><th class=\"n\">successes</th>"
      "<th class=\"n\">points [95 %]</th><th class=\"n\">only varied / only nominal</th>"
      "<th class=\"n\">p (McNemar)</th><th class=\"n\">Holm</th><th class=\"n\">wrong "
      "grasp</th><th class=\"n\">dropped</th><th class=\"n\">table hit</th>"
      "<th class=\"n\">tipped</th><th class=\"n\">arm touched</th>"
      "<th class=\"n\">joint limit</th><th class=\"n\">clipped</th></tr></thead><tbody>";
  html += RowOfTable(report["nominal"]);
  for (const Json& row : report["rows"]) html += RowOfTable(row);
  return html + "</tbody></table></div>" + FactorDetails(report) + EndPage();
}

}  // namespace understudy
