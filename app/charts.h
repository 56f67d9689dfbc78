#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace understudy {

// Counts of one kind in the bins of a histogram.
struct HistogramSeries {
  std::string label;
  std::string colour;  // CSS
  std::vector<int64_t> counts;
};

struct HistogramOptions {
  std::string title, x_label, y_label;
  double bin_width = 1;  // bin i holds [i, i + 1) * bin_width
  int width = 700, height = 240;
};

// Histogram as an inline SVG, the series stacked in their order. Empty bins at both ends are left
// out, and neighbours are joined where there are too many to see. Says so where there is nothing.
std::string HistogramSvg(const std::vector<HistogramSeries>& series,
                         const HistogramOptions& options);

// Successes of attempts over a plane, in equal bins.
struct HeatMap {
  std::string title;
  std::array<double, 2> x{}, y{};  // ends of the bins
  int bins_x = 1, bins_y = 1;
  std::vector<int64_t> attempts, successes;  // [bin of y * bins_x + bin of x]
};

// Heat map of the success rate as an inline SVG, with "successes/attempts" in every bin that has
// room for it. Lies as plots of paths do: y to the right, -x up. Bins without attempts are empty,
// bins without successes red.
std::string HeatMapSvg(const HeatMap& map);

}  // namespace understudy
