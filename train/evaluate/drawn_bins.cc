#include "train/evaluate/drawn_bins.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/statistics.h"

namespace understudy {
namespace {

constexpr size_t kBins = 4;

// What was drawn of one value: by number, or by word.
struct Draws {
  std::vector<std::pair<double, bool>> numbers;
  std::map<std::string, DrawnBin> words;
};

// The numbers of a value have their places behind its name.
void Sort(const std::string& name, const Json& value, bool success,
          std::map<std::string, Draws>* draws) {
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      Sort(fmt::format("{}.{}", name, i), value[i], success, draws);
    }
  } else if (value.is_number() || value.is_boolean()) {
    const double number = value.is_boolean() ? value.get<bool>() : value.get<double>();
    (*draws)[name].numbers.emplace_back(number, success);
  } else if (value.is_string()) {
    DrawnBin& bin = (*draws)[name].words[value.get<std::string>()];
    bin.word = value.get<std::string>();
    ++bin.episodes;
    bin.successes += success;
  }
}

// Equal numbers share a bin.
std::vector<DrawnBin> BinNumbers(std::vector<std::pair<double, bool>> numbers) {
  std::vector<DrawnBin> bins;
  std::sort(numbers.begin(), numbers.end());
  size_t made = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto [number, success] = numbers[i];
    const bool full = i * kBins >= (made + 1) * numbers.size();
    if (bins.empty() || (full && number != bins.back().high)) {
      made = i * kBins / numbers.size();
      bins.push_back({.low = number});
    }
    bins.back().high = number;
    ++bins.back().episodes;
    bins.back().successes += success;
  }
  return bins;
}

// Pearson's statistic of success by bin; 0 where all succeed or fail.
double ChiSquare(const std::vector<DrawnBin>& bins) {
  double episodes = 0, successes = 0, sum = 0;
  for (const DrawnBin& bin : bins) {
    episodes += static_cast<double>(bin.episodes);
    successes += static_cast<double>(bin.successes);
  }
  const double rate = successes / episodes;
  if (rate == 0 || rate == 1) return 0;
  for (const DrawnBin& bin : bins) {
    const auto n = static_cast<double>(bin.episodes);
    const double off = static_cast<double>(bin.successes) - n * rate;
    sum += off * off / (n * rate * (1 - rate));
  }
  return sum;
}

}  // namespace

std::vector<DrawnBins> BinDrawn(const std::vector<DrawnOutcome>& episodes) {
  std::map<std::string, Draws> draws;
  for (const DrawnOutcome& episode : episodes) {
    for (const DrawnValue& value : episode.drawn) {
      const std::string part = value.part.empty() ? "" : "/" + value.part;
      Sort(fmt::format("{}{}/{}", value.kind, part, value.field), value.value, episode.success,
           &draws);
    }
  }
  std::vector<DrawnBins> all;
  std::vector<double> p;
  for (auto& [name, drawn] : draws) {
    DrawnBins row{.value = name, .bins = BinNumbers(std::move(drawn.numbers))};
    for (const auto& [word, bin] : drawn.words) row.bins.push_back(bin);
    if (row.bins.size() < 2) continue;
    row.p_value = ChiSquareTail(ChiSquare(row.bins), static_cast<int>(row.bins.size()) - 1);
    p.push_back(row.p_value);
    all.push_back(std::move(row));
  }
  const std::vector<double> adjusted = HolmAdjusted(p);
  for (size_t i = 0; i < all.size(); ++i) all[i].p_holm = adjusted[i];
  std::stable_sort(all.begin(), all.end(),
                   [](const DrawnBins& a, const DrawnBins& b) { return a.p_value < b.p_value; });
  return all;
}

Json ToJson(const DrawnBins& row) {
  Json bins = Json::array();
  for (const DrawnBin& bin : row.bins) {
    Json one{{"episodes", bin.episodes}, {"successes", bin.successes}};
    if (bin.word.empty()) {
      one["range"] = {bin.low, bin.high};
    } else {
      one["word"] = bin.word;
    }
    bins.push_back(one);
  }
  return {{"value", row.value}, {"bins", bins}, {"p_value", row.p_value}, {"p_holm", row.p_holm}};
}

}  // namespace understudy
