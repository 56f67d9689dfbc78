#include "app/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace understudy {
namespace {

// A step of 1, 2 or 5 times a power of ten that cuts `span` into about `count` pieces.
double RoundStep(double span, int count) {
  const double raw = span / count, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10 * power;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void Add(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  void Pad() {
    const double margin = high > low ? 0.04 * (high - low) : 0.5;
    low -= margin;
    high += margin;
  }
};

std::string TickLabel(double value, bool log) {
  if (log) return fmt::format("{:.2g}", std::pow(10, value));
  return fmt::format("{:g}", std::abs(value) < 1e-12 ? 0 : value);
}

}  // namespace

std::string EscapeHtml(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Base64(const std::vector<uint8_t>& bytes) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    const uint32_t word = (uint32_t{bytes[i]} << 16) |
                          (left > 1 ? uint32_t{bytes[i + 1]} << 8 : 0) |
                          (left > 2 ? bytes[i + 2] : 0);
    text += kAlphabet[word >> 18];
    text += kAlphabet[(word >> 12) & 63];
    text += left > 1 ? kAlphabet[(word >> 6) & 63] : '=';
    text += left > 2 ? kAlphabet[word & 63] : '=';
  }
  return text;
}

std::string PlotSvg(const std::vector<PlotSeries>& series, const PlotOptions& options) {
  const auto value = [&](double y) { return options.log_y ? std::log10(std::max(y, 1e-12)) : y; };
  Range x, y;
  for (const PlotSeries& s : series) {
    for (size_t i = 0; i < s.x.size(); ++i) {
      x.Add(s.x[i]);
      y.Add(value(s.y[i]));
    }
  }
  if (x.low > x.high)
    return fmt::format("<p class=\"none\">{}: nothing to show</p>", EscapeHtml(options.title));
  x.Pad();
  y.Pad();

  // plot area, and equal scales where asked for
  const double left = 46, top = 24, right = 10, bottom = 36;
  const double w = options.width - left - right, h = options.height - top - bottom;
  if (options.equal_axes) {
    const double scale = std::max((x.high - x.low) / w, (y.high - y.low) / h);
    const double extra_x = 0.5 * (scale * w - (x.high - x.low));
    const double extra_y = 0.5 * (scale * h - (y.high - y.low));
    x = {x.low - extra_x, x.high + extra_x};
    y = {y.low - extra_y, y.high + extra_y};
  }
  const auto px = [&](double v) { return left + (v - x.low) / (x.high - x.low) * w; };
  const auto py = [&](double v) { return top + h - (v - y.low) / (y.high - y.low) * h; };

  std::string svg = fmt::format(
      "<svg class=\"plot\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">"
      "<text class=\"title\" x=\"{2}\" y=\"14\">{3}</text>",
      options.width, options.height, left, EscapeHtml(options.title));

  // grid and ticks
  const double step_x = RoundStep(x.high - x.low, 5), step_y = RoundStep(y.high - y.low, 5);
  for (double v = std::ceil(x.low / step_x) * step_x; v <= x.high; v += step_x) {
    svg += fmt::format(
        "<path class=\"grid\" d=\"M{0:.1f} {1:.1f}V{2:.1f}\"/>"
        "<text class=\"tick\" x=\"{0:.1f}\" y=\"{3:.1f}\" text-anchor=\"middle\">{4}</text>",
        px(v), top, top + h, top + h + 13, TickLabel(v, false));
  }
  for (double v = std::ceil(y.low / step_y) * step_y; v <= y.high; v += step_y) {
    svg += fmt::format(
        "<path class=\"grid\" d=\"M{0:.1f} {1:.1f}H{2:.1f}\"/>"
        "<text class=\"tick\" x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>",
        left, py(v), left + w, left - 4, py(v) + 3, TickLabel(v, options.log_y));
  }
  svg +=
      fmt::format("<text class=\"axis\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                  left + w / 2, top + h + 29, EscapeHtml(options.x_label));
  svg += fmt::format(
      "<text class=\"axis\" transform=\"translate(11 {:.1f}) rotate(-90)\" "
      "text-anchor=\"middle\">{}</text>",
      top + h / 2, EscapeHtml(options.y_label));

  // the series themselves
  for (const PlotSeries& s : series) {
    if (s.dots) {
      for (size_t i = 0; i < s.x.size(); ++i) {
        svg += fmt::format(
            "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.4\" fill=\"{}\" opacity=\"{}\"/>",
            px(s.x[i]), py(value(s.y[i])), s.colour, s.opacity);
      }
      continue;
    }
    std::string points;
    for (size_t i = 0; i < s.x.size(); ++i) {
      points += fmt::format("{:.1f},{:.1f} ", px(s.x[i]), py(value(s.y[i])));
    }
    svg += fmt::format(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" "
        "opacity=\"{}\" stroke-linejoin=\"round\"/>",
        points, s.colour, s.width, s.opacity);
  }

  // legend: one entry for each label
  if (options.legend) {
    double at = top + 6;
    std::vector<std::string> seen;
    for (const PlotSeries& s : series) {
      if (s.label.empty() || s.x.empty() ||
          std::find(seen.begin(), seen.end(), s.label) != seen.end())
        continue;
      seen.push_back(s.label);
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"10\" height=\"10\" fill=\"{}\"/>"
          "<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>",
          left + w - 96, at, s.colour, left + w - 82, at + 9, EscapeHtml(s.label));
      at += 15;
    }
  }
  return svg + "</svg>";
}

}  // namespace understudy
