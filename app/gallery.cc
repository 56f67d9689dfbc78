#include "app/gallery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "app/html.h"
#include "app/page.h"
#include "app/registry.h"
#include "app/sample_videos.h"
#include "app/twin.h"
#include "core/base/error.h"
#include "core/base/statistics.h"
#include "core/spec/listed.h"
#include "data/store/files.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr int kPictureSize = 360;  // px
constexpr const char* kObjectColours[] = {"#2563eb", "#16a34a", "#d97706",
                                          "#9333ea", "#dc2626", "#0891b2"};

constexpr const char* kGalleryStyle = R"(<style>
.task{display:grid;grid-template-columns:minmax(0,360px) minmax(0,1fr);gap:8px 28px;align-items:start}
.task img{width:100%;border-radius:8px;display:block}
.task p.legend{flex-basis:100%;margin:0;font-size:13px}.legend span{margin-right:12px}.swatch{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
svg.plot text.hand{font-size:9px}
@media (max-width:760px){.task{grid-template-columns:1fr}}
</style>)";

// ---- where things start ----

// Colours of a task's objects, the same in every drawing and table.
std::string ColourOf(const TaskSpec& task, const std::string& object) {
  const auto place = std::distance(task.objects.begin(), task.objects.find(object));
  return kObjectColours[static_cast<size_t>(place) % std::size(kObjectColours)];
}

// The part of the table top that a drawing shows, in metres of W.
struct TableArea {
  double x_low = 1e9, x_high = -1e9, y_low = 1e9, y_high = -1e9;
  void Cover(double x, double y) {
    x_low = std::min(x_low, x);
    x_high = std::max(x_high, x);
    y_low = std::min(y_low, y);
    y_high = std::max(y_high, y);
  }
};

// The same for every variant, so that they compare: all ranges and the arms.
TableArea AreaOf(const TaskSpec& task) {
  TableArea area;
  for (const ArmPlacement& arm : task.arms) {
    area.Cover(arm.X_WB.translation().x(), arm.X_WB.translation().y());
  }
  for (const auto& [name, variant] : task.variants) {
    for (const auto& [object, range] : variant.objects) {
      if (range.joint) continue;
      for (const double x : range.x) {
        for (const double y : range.y) area.Cover(variant.origin.x() + x, variant.origin.y() + y);
      }
    }
  }
  constexpr double kMargin = 0.12;  // m
  return {area.x_low - kMargin, area.x_high + kMargin, area.y_low - kMargin, area.y_high + kMargin};
}

// Reset ranges from above, as somebody behind the first arm sees them: x of W goes up, y to the
// left.
std::string RangesSvg(const TaskSpec& task, const std::string& name, const ResetVariant& variant,
                      const TableArea& area) {
  constexpr double kScale = 200;  // px per m
  constexpr double kTitle = 18;   // px
  const double width = kScale * (area.y_high - area.y_low);
  const double height = kScale * (area.x_high - area.x_low);
  const auto right = [&](double y) { return kScale * (area.y_high - y); };
  const auto down = [&](double x) { return kTitle + kScale * (area.x_high - x); };
  std::string svg = fmt::format(
      "<svg class=\"plot\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "role=\"img\" aria-label=\"reset ranges of {2}\"><text class=\"title\" x=\"2\" y=\"12\">{2}"
      "</text><rect class=\"frame\" x=\"0.5\" y=\"{3}\" width=\"{4:.1f}\" height=\"{5:.1f}\"/>",
      width + 1, height + kTitle + 1, EscapeHtml(name), kTitle, width, height);
  // a line every ten centimetres
  for (double x = std::ceil(area.x_low * 10) / 10; x < area.x_high; x += 0.1) {
    svg += fmt::format("<path class=\"grid\" d=\"M0.5 {0:.1f}H{1:.1f}\"/>", down(x), width);
  }
  for (double y = std::ceil(area.y_low * 10) / 10; y < area.y_high; y += 0.1) {
    svg += fmt::format("<path class=\"grid\" d=\"M{0:.1f} {1:.1f}V{2:.1f}\"/>", right(y), kTitle,
                       kTitle + height);
  }
  for (size_t arm = 0; arm < task.arms.size(); ++arm) {
    const Eigen::Vector3d p_WB = task.arms[arm].X_WB.translation();
    svg += fmt::format(
        "<circle cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"7\" fill=\"#6b7280\"/><text class=\"hand\" "
        "x=\"{2:.1f}\" y=\"{3:.1f}\">arm {4}</text>",
        right(p_WB.y()), down(p_WB.x()), right(p_WB.y()) + 10, down(p_WB.x()) + 3, arm);
  }
  for (const auto& [object, range] : variant.objects) {
    if (range.joint) continue;
    const Eigen::Vector2d low(variant.origin.x() + range.x[0], variant.origin.y() + range.y[0]);
    const Eigen::Vector2d high(variant.origin.x() + range.x[1], variant.origin.y() + range.y[1]);
    // a place that does not vary is a dot
    constexpr double kDot = 5;  // px
    const double wide = std::max(kDot, right(low.y()) - right(high.y()));
    const double tall = std::max(kDot, down(low.x()) - down(high.x()));
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\" fill=\"{}\" "
        "fill-opacity=\"0.25\" stroke=\"{}\"/>",
        (right(low.y()) + right(high.y()) - wide) / 2, (down(low.x()) + down(high.x()) - tall) / 2,
        wide, tall, ColourOf(task, object), ColourOf(task, object));
  }
  return svg + "</svg>";
}

// Which colour is which object.
std::string Legend(const TaskSpec& task) {
  std::string html = "<p class=\"legend\">";
  for (const auto& [object, unused] : task.objects) {
    html += fmt::format("<span><i class=\"swatch\" style=\"background:{}\"></i>{}</span> ",
                        ColourOf(task, object), EscapeHtml(object));
  }
  return html + "</p>";
}

// "0.10" or "-0.12 … 0.23".
std::string RangeText(const std::array<double, 2>& range, double scale, int digits) {
  const std::string low = fmt::format("{:.{}f}", scale * range[0], digits);
  const std::string high = fmt::format("{:.{}f}", scale * range[1], digits);
  return low == high ? low : low + " … " + high;
}

std::string RangesTable(const TaskSpec& task) {
  std::string html =
      "<table><thead><tr><th>variant</th><th>object</th><th class=\"n\">x, m</th>"
      "<th class=\"n\">y, m</th><th class=\"n\">yaw, °</th></tr></thead><tbody>";
  constexpr double kDegrees = 57.29577951308232;
  for (const auto& [name, variant] : task.variants) {
    for (const auto& [object, range] : variant.objects) {
      if (range.joint) {
        html += fmt::format(
            "<tr><td>{}</td><td>{}</td><td class=\"n\" colspan=\"3\">joint: {} m or rad</td></tr>",
            EscapeHtml(name), EscapeHtml(object), RangeText(*range.joint, 1, 3));
        continue;
      }
      html += fmt::format(
          "<tr><td>{}</td><td><i class=\"swatch\" style=\"background:{}\"></i>{}</td>"
          "<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
          EscapeHtml(name), ColourOf(task, object), EscapeHtml(object), RangeText(range.x, 1, 3),
          RangeText(range.y, 1, 3), RangeText(range.yaw, kDegrees, 0));
    }
  }
  return html + "</tbody></table>";
}

// ---- how often it succeeds ----

std::string RateRows(const std::vector<MeasuredRate>& rates, const std::string& kind,
                     const char* colour) {
  std::string html;
  for (const MeasuredRate& rate : rates) {
    const Interval interval = WilsonInterval(rate.successes, rate.tries);
    const double share =
        rate.tries > 0 ? static_cast<double>(rate.successes) / static_cast<double>(rate.tries) : 0;
    html += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{} of {}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{} – {}</td><td>{}</td></tr>",
        EscapeHtml(kind), EscapeHtml(rate.variant), EscapeHtml(rate.what), rate.successes,
        rate.tries, Percent(share), Percent(interval.low), Percent(interval.high),
        ShareBar(share, colour));
  }
  return html;
}

std::string RatesTable(const TaskRates& rates) {
  std::string html =
      "<table><thead><tr><th>rate of</th><th>variant</th><th></th><th class=\"n\">successes</th>"
      "<th class=\"n\">rate</th><th class=\"n\">95 % interval</th><th></th></tr></thead><tbody>";
  html += RateRows(rates.generation, "generation", "#16a34a");
  html += RateRows(rates.policy, "policy", "#2563eb");
  html += "</tbody></table>";
  if (rates.generation.empty()) html += "<p class=\"none\">No generation rate was measured.</p>";
  if (rates.policy.empty()) html += "<p class=\"none\">No policy was evaluated on it yet.</p>";
  return html;
}

std::string TaskSection(const GalleryItem& item) {
  const TaskSpec& task = item.task;
  std::string html = fmt::format(
      "<h2 id=\"{0}\">{0}</h2><p class=\"lead\">{1}. Robot: {2}{3}. Instruction: “{4}”</p>"
      "<div class=\"task\"><div>",
      EscapeHtml(task.name), EscapeHtml(task.description), EscapeHtml(task.robot),
      task.arms.size() > 1 ? fmt::format(", {} arms", task.arms.size()) : "",
      EscapeHtml(task.instruction));
  html += item.note.empty() ? ImageTag(item.picture, "a start of " + task.name)
                            : Notice("No picture: " + item.note);
  html += "</div><div class=\"row\">";
  const TableArea area = AreaOf(task);
  for (const auto& [name, variant] : task.variants) html += RangesSvg(task, name, variant, area);
  html += Legend(task);
  return html + "</div></div>" + RatesTable(item.rates) +
         "<details><summary>reset ranges in numbers, from the origin of the variant</summary>" +
         RangesTable(task) + "</details>";
}

// A start of the first variant, seen by the camera that stands still.
void DrawTask(const std::string& place, GalleryItem* item) {
  const Twin twin = LoadTwin(place);
  item->task = twin.task;
  try {
    const std::unique_ptr<Simulator> simulator = twin.simulators();
    simulator->Reset(twin.task.variants.begin()->first, RngKey{.seed = 1}.WithStage("gallery"));
    const std::unique_ptr<Renderer> renderer =
        twin.renderers_with({.shadows = true, .samples = 4})();
    std::vector<Image> images;
    renderer->Render(simulator->Save(), {StillCamera(*renderer)}, kPictureSize, kPictureSize,
                     &images);
    item->picture = images.at(0);
  } catch (const Error& error) {
    // a machine without OpenGL still gets the page
    item->note = error.what();
  }
}

}  // namespace

std::string GalleryPage(const std::vector<GalleryItem>& items) {
  std::string html =
      BeginPage("Tasks",
                "Every task with a start, the ranges that starts are drawn from, and how often "
                "generated attempts and trained policies succeed.");
  html += kGalleryStyle;
  html +=
      "<p>Ranges are seen from above, from behind the first arm; lines are 10 cm apart. "
      "Intervals are Wilson’s.</p>";
  for (const GalleryItem& item : items) html += TaskSection(item);
  return html + EndPage();
}

Json MakeGallery(const GalleryOptions& options, bool plan, Progress& progress) {
  std::vector<std::string> places = options.tasks;
  if (places.empty()) places = ListedNames(HomeFolder() / "sim" / "tasks", "task.yaml");
  RateReports reports;
  for (const std::string& file : options.reports) reports.Add(file);
  const Rates rates = reports.Over(ShippedRates());
  CheckRemade(options.out, kPageStart, "page");
  const Json result{{"page", options.out}, {"tasks", places}};
  if (plan) {
    for (const std::string& place : places) LoadSpecs(place);
    return result;
  }
  TryToWrite(options.out, "out");
  std::vector<GalleryItem> items;
  std::set<std::string> notes;
  progress.Start("drawing", static_cast<int64_t>(places.size()), "tasks");
  for (const std::string& place : places) {
    if (InterruptRequested()) ThrowFailed("gallery: interrupted; nothing was written");
    GalleryItem item;
    DrawTask(place, &item);
    if (!item.note.empty() && notes.insert(item.note).second) {
      progress.Message("no picture: " + item.note);
    }
    const auto known = rates.tasks.find(item.task.name);
    if (known != rates.tasks.end()) item.rates = known->second;
    items.push_back(std::move(item));
    progress.Advance(static_cast<int64_t>(items.size()));
  }
  progress.Finish();
  WriteTextAtomically(options.out, GalleryPage(items));
  return result;
}

}  // namespace understudy
