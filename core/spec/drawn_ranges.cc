#include "core/spec/drawn_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/base/error.h"
#include "core/spec/drawn_values.h"

namespace understudy {
namespace {

// The numbers and the words of a value, in order.
void Flatten(const Json& value, std::vector<double>* numbers, std::vector<std::string>* words) {
  if (value.is_string()) {
    words->push_back(value.get<std::string>());
  } else if (value.is_boolean()) {
    numbers->push_back(value.get<bool>());
  } else if (value.is_number()) {
    numbers->push_back(value.get<double>());
  } else {
    for (const Json& one : value) Flatten(one, numbers, words);
  }
}

std::string KeyOf(const DrawnValue& value) {
  return fmt::format("{}/{}/{}", value.kind, value.part, value.field);
}

// Moves each end to the number by it where `beyond` says so.
template <class Beyond>
void Widen(const std::vector<double>& by, const Beyond& beyond, std::vector<double>* ends) {
  for (size_t i = 0; i < by.size(); ++i) {
    if (i == ends->size()) ends->push_back(by[i]);
    if (beyond(by[i], (*ends)[i])) (*ends)[i] = by[i];
  }
}

}  // namespace

DrawnRanges::DrawnRanges(const Json& json, const std::string& name) {
  try {
    for (const auto& [key, range] : json.items()) {
      ranges_[key] = {range.at("low").get<std::vector<double>>(),
                      range.at("high").get<std::vector<double>>(),
                      range.at("words").get<std::set<std::string>>()};
    }
  } catch (const Json::exception& error) {
    ThrowBadInput(fmt::format("{}: are no ranges of draws: {}", name, error.what()));
  }
}

void DrawnRanges::Add(const SceneVariation& look, const PhysicsVariation& world) {
  for (const DrawnValue& value : DrawnValues(look, world)) {
    std::vector<double> numbers;
    std::vector<std::string> words;
    Flatten(value.value, &numbers, &words);
    Range& range = ranges_[KeyOf(value)];
    Widen(numbers, std::less<>(), &range.low);
    Widen(numbers, std::greater<>(), &range.high);
    range.words.insert(words.begin(), words.end());
  }
}

void DrawnRanges::Add(const DrawnRanges& other) {
  for (const auto& [key, range] : other.ranges_) {
    Range& own = ranges_[key];
    Widen(range.low, std::less<>(), &own.low);
    Widen(range.high, std::greater<>(), &own.high);
    own.words.insert(range.words.begin(), range.words.end());
  }
}

bool DrawnRanges::Hold(const SceneVariation& look, const PhysicsVariation& world) const {
  const std::vector<DrawnValue> values = DrawnValues(look, world);
  return !values.empty() && std::all_of(values.begin(), values.end(), [&](const DrawnValue& value) {
    const auto found = ranges_.find(KeyOf(value));
    if (found == ranges_.end()) return false;
    const Range& range = found->second;
    std::vector<double> numbers;
    std::vector<std::string> words;
    Flatten(value.value, &numbers, &words);
    if (numbers.size() > range.low.size()) return false;
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i] < range.low[i] || numbers[i] > range.high[i]) return false;
    }
    return std::all_of(words.begin(), words.end(),
                       [&](const std::string& word) { return range.words.contains(word); });
  });
}

Json DrawnRanges::ToJson() const {
  Json json = Json::object();
  for (const auto& [key, range] : ranges_) {
    json[key] = {{"low", range.low}, {"high", range.high}, {"words", range.words}};
  }
  return json;
}

}  // namespace understudy
