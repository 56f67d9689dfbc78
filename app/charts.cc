#include "app/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/html.h"

namespace understudy {
namespace {

constexpr size_t kMostBars = 60;

// A step of 1, 2 or 5 times a power of ten, at least 1, that cuts `most` into four pieces or fewer.
int64_t CountStep(int64_t most) {
  for (int64_t power = 1;; power *= 10) {
    for (const int64_t factor : {1, 2, 5}) {
      if (4 * factor * power >= most) return factor * power;
    }
  }
}

// Colour of a success rate: pale green to deep green.
std::string RateColour(double rate) {
  const std::array<double, 3> low{220, 252, 231}, high{21, 128, 61};
  std::array<int, 3> rgb{};
  for (size_t i = 0; i < 3; ++i) {
    rgb[i] = static_cast<int>(std::lround(low[i] + rate * (high[i] - low[i])));
  }
  return fmt::format("#{:02x}{:02x}{:02x}", rgb[0], rgb[1], rgb[2]);
}

std::string TextAt(double x, double y, const char* anchor, const std::string& text,
                   const char* style = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>", x, y, anchor,
                     style, EscapeHtml(text));
}

}  // namespace

std::string HistogramSvg(const std::vector<HistogramSeries>& series,
                         const HistogramOptions& options) {
  // bins in use, joined until they are wide enough to see
  size_t begin = SIZE_MAX, end = 0;
  for (const HistogramSeries& s : series) {
    for (size_t i = 0; i < s.counts.size(); ++i) {
      if (s.counts[i] == 0) continue;
      begin = std::min(begin, i);
      end = std::max(end, i + 1);
    }
  }
  if (end == 0) {
    return fmt::format("<p class=\"none\">{}: nothing to show</p>", EscapeHtml(options.title));
  }
  const size_t join = (end - begin + kMostBars - 1) / kMostBars;
  begin = begin / join * join;
  const size_t bars = (end - begin + join - 1) / join;
  std::vector<std::vector<int64_t>> counts(series.size(), std::vector<int64_t>(bars, 0));
  std::vector<int64_t> totals(bars, 0);
  for (size_t s = 0; s < series.size(); ++s) {
    for (size_t i = begin; i < std::min(end, series[s].counts.size()); ++i) {
      counts[s][(i - begin) / join] += series[s].counts[i];
      totals[(i - begin) / join] += series[s].counts[i];
    }
  }
  const int64_t most = *std::max_element(totals.begin(), totals.end());
  const int64_t step = CountStep(most), top_count = (most + step - 1) / step * step;

  const double left = 52, top = 24, right = 10, bottom = 38;
  const double w = options.width - left - right, h = options.height - top - bottom;
  const auto py = [&](int64_t n) {
    return top + h - static_cast<double>(n) / static_cast<double>(top_count) * h;
  };
  const double bar = w / static_cast<double>(bars);
  std::string svg = fmt::format(
      "<svg class=\"plot\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">"
      "<text class=\"title\" x=\"{2}\" y=\"14\">{3}</text>",
      options.width, options.height, left, EscapeHtml(options.title));
  for (int64_t n = 0; n <= top_count; n += step) {
    svg += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", left, py(n), left + w);
    svg += TextAt(left - 5, py(n) + 3, "end", fmt::format("{}", n));
  }

  // the bars, stacked, each with its numbers for who points at it
  const auto edge = [&](size_t i) {
    return options.bin_width * static_cast<double>(begin + i * join);
  };
  for (size_t i = 0; i < bars; ++i) {
    int64_t below = 0;
    std::string parts;
    std::string numbers = fmt::format("{:g} to {:g}", edge(i), edge(i + 1));
    for (size_t s = 0; s < series.size(); ++s) {
      const int64_t n = counts[s][i];
      numbers += fmt::format(", {} {}", n, series[s].label);
      if (n == 0) continue;
      parts += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>",
          left + static_cast<double>(i) * bar + 0.5, py(below + n), std::max(bar - 1, 0.5),
          py(below) - py(below + n), EscapeHtml(series[s].colour));
      below += n;
    }
    if (parts.empty()) continue;
    svg += fmt::format("<g>{}<title>{}</title></g>", parts, EscapeHtml(numbers));
  }
  const size_t tick = std::max<size_t>(1, bars / 8);
  for (size_t i = 0; i <= bars; i += tick) {
    svg += TextAt(left + static_cast<double>(i) * bar, top + h + 14, "middle",
                  fmt::format("{:g}", edge(i)));
  }
  svg += TextAt(left + w / 2, top + h + 31, "middle", options.x_label);
  svg += fmt::format(
      "<text transform=\"translate(12 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
      top + h / 2, EscapeHtml(options.y_label));

  // legend, right of the title, from right to left
  double at = left + w;
  for (auto one = series.rbegin(); one != series.rend(); ++one) {
    const HistogramSeries& s = *one;
    at -= 6.0 * static_cast<double>(s.label.size()) + 26;
    svg += fmt::format("<rect x=\"{:.1f}\" y=\"5\" width=\"10\" height=\"10\" fill=\"{}\"/>", at,
                       EscapeHtml(s.colour));
    svg += TextAt(at + 14, 14, "start", s.label);
  }
  return svg + "</svg>";
}

std::string HeatMapSvg(const HeatMap& map) {
  const auto cell_of = [](int bins, double longest, double shortest) {
    return std::clamp(300.0 / bins, shortest, longest);
  };
  const double cell_w = cell_of(map.bins_y, 40, 4), cell_h = cell_of(map.bins_x, 30, 4);
  const double left = 52, top = 26, bottom = 36;
  const double w = cell_w * map.bins_y, h = cell_h * map.bins_x;
  const double width = left + std::max(w, 150.0) + 24, height = top + h + bottom;
  std::string svg = fmt::format(
      "<svg class=\"plot\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "role=\"img\"><text class=\"title\" x=\"{2}\" y=\"14\">{3}</text>",
      width, height, left, EscapeHtml(map.title));
  for (int iy = 0; iy < map.bins_y; ++iy) {
    for (int ix = 0; ix < map.bins_x; ++ix) {
      const auto bin = static_cast<size_t>(iy * map.bins_x + ix);
      if (bin >= map.attempts.size() || bin >= map.successes.size()) continue;
      const int64_t tried = map.attempts[bin], good = map.successes[bin];
      const double rate = tried > 0 ? static_cast<double>(good) / static_cast<double>(tried) : 0;
      const std::string colour = good == 0 ? "#fca5a5" : RateColour(rate);
      // -x up: the first bin of x lies at the top
      const double x = left + iy * cell_w, y = top + ix * cell_h;
      const double x0 = map.x[0] + (map.x[1] - map.x[0]) * ix / map.bins_x;
      const double y0 = map.y[0] + (map.y[1] - map.y[0]) * iy / map.bins_y;
      svg += fmt::format(
          "<g><rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"{}\" "
          "fill=\"{}\"/><title>x from {:.3f}, y from {:.3f}: {} of {}</title>",
          x, y, cell_w, cell_h, tried == 0 ? "cell empty" : "cell", colour, x0, y0, good, tried);
      if (cell_w >= 30 && cell_h >= 16 && tried > 0) {
        svg += TextAt(x + cell_w / 2, y + cell_h / 2 + 3.5, "middle",
                      fmt::format("{}/{}", good, tried),
                      rate > 0.6 ? " style=\"fill:#fff;font-size:9px\""
                                 : " style=\"fill:#374151;font-size:9px\"");
      }
      svg += "</g>";
    }
  }
  svg += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "class=\"frame\"/>",
      left, top, w, h);
  // where the range begins and ends
  if (map.bins_y > 1) {
    svg += TextAt(left, top + h + 13, "middle", fmt::format("{:.2f}", map.y[0]));
    svg += TextAt(left + w, top + h + 13, "middle", fmt::format("{:.2f}", map.y[1]));
  } else {
    svg += TextAt(left + w / 2, top + h + 13, "middle", fmt::format("{:.2f}", map.y[0]));
  }
  if (map.bins_x > 1) {
    svg += TextAt(left - 5, top + 8, "end", fmt::format("{:.2f}", -map.x[0]));
    svg += TextAt(left - 5, top + h, "end", fmt::format("{:.2f}", -map.x[1]));
  } else {
    svg += TextAt(left - 5, top + h / 2 + 3, "end", fmt::format("{:.2f}", -map.x[0]));
  }
  svg += TextAt(left + w / 2, top + h + 29, "middle", "y (m)");
  svg += fmt::format(
      "<text transform=\"translate(12 {:.1f}) rotate(-90)\" text-anchor=\"middle\">-x (m)</text>",
      top + h / 2);
  return svg + "</svg>";
}

}  // namespace understudy
