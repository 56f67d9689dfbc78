#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace understudy {

// & < > " ' as entities: every text that comes from a file or a user goes through here.
std::string EscapeHtml(const std::string& text);

// RFC 4648.
std::string Base64(const std::vector<uint8_t>& bytes);

// One curve or cloud of a plot.
struct PlotSeries {
  std::string label;
  std::string colour;  // CSS
  std::vector<double> x, y;
  bool dots = false;  // a cloud instead of a line
  double opacity = 1, width = 1.5;
};

struct PlotOptions {
  std::string title, x_label, y_label;
  int width = 340, height = 260;
  bool equal_axes = false;  // a metre is as long in x as in y
  bool log_y = false;
  bool legend = true;
};

// An inline SVG with axes, round ticks and, where asked for, a legend. Series without points are
// left out; a plot without any says so.
std::string PlotSvg(const std::vector<PlotSeries>& series, const PlotOptions& options);

}  // namespace understudy
