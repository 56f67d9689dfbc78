#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/spec/drawn_values.h"

namespace understudy {

// The draws of an episode and how it ended.
struct DrawnOutcome {
  std::vector<DrawnValue> drawn;
  bool success = false;
};

// Episodes whose value lies in one bin: from `low` to `high`, or one word.
struct DrawnBin {
  double low = 0, high = 0;
  std::string word;  // empty: the value is a number
  int64_t episodes = 0, successes = 0;
};

// Success by what was drawn of one number or word. Numbers are in bins of about as many episodes
// each.
struct DrawnBins {
  std::string value;  // "light/key/diffuse.0"
  std::vector<DrawnBin> bins;
  double p_value = 1;  // Pearson's chi-square test: success does not depend on the bin
  double p_holm = 1;   // over all values
};

// Every value that differs between the episodes which have it, the one on which success depends
// most clearly first.
std::vector<DrawnBins> BinDrawn(const std::vector<DrawnOutcome>& episodes);

Json ToJson(const DrawnBins& bins);

}  // namespace understudy
