#include "core/spec/drawn_ranges.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/spec/drawn_values.h"

namespace understudy {
namespace {

// The numbers and the words of a value.
void Flatten(const Json& value, std::vector<double>* numbers, std::set<std::string>* words) {
  if (value.is_string()) {
    words->insert(value.get<std::string>());
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

DrawnRanges::Range DrawnRanges::RangeOf(const Json& value) {
  Range range;
  Flatten(value, &range.low, &range.words);
  range.high = range.low;
  return range;
}

void DrawnRanges::Range::Widen(const Range& by) {
  for (size_t i = 0; i < by.low.size(); ++i) {
    if (i == low.size()) {
      low.push_back(by.low[i]);
      high.push_back(by.high[i]);
    }
    low[i] = std::min(low[i], by.low[i]);
    high[i] = std::max(high[i], by.high[i]);
  }
  words.insert(by.words.begin(), by.words.end());
}

bool DrawnRanges::Range::Holds(const Range& other) const {
  if (other.low.size() > low.size()) return false;
  for (size_t i = 0; i < other.low.size(); ++i) {
    if (other.low[i] < low[i] || other.high[i] > high[i]) return false;
  }
  return std::includes(words.begin(), words.end(), other.words.begin(), other.words.end());
}

void DrawnRanges::Add(const SceneVariation& look, const PhysicsVariation& world) {
  for (const DrawnValue& value : DrawnValues(look, world)) {
    ranges_[KeyOf(value)].Widen(RangeOf(value.value));
  }
}

void DrawnRanges::Add(const DrawnRanges& other) {
  for (const auto& [key, range] : other.ranges_) ranges_[key].Widen(range);
}

bool DrawnRanges::Hold(const SceneVariation& look, const PhysicsVariation& world) const {
  const std::vector<DrawnValue> values = DrawnValues(look, world);
  return !values.empty() && std::all_of(values.begin(), values.end(), [&](const DrawnValue& value) {
    const auto found = ranges_.find(KeyOf(value));
    return found != ranges_.end() && found->second.Holds(RangeOf(value.value));
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
