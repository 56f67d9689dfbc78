#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/spec/physics_variation.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// What was drawn in the episodes of datasets, by part and field: ranges of numbers and sets of
// words.
class DrawnRanges {
 public:
  DrawnRanges() = default;
  // As ToJson wrote it. Throws Error(kBadInput) under `name` for anything else.
  DrawnRanges(const Json& json, const std::string& name);

  void Add(const SceneVariation& look, const PhysicsVariation& world);
  void Add(const DrawnRanges& other);
  // Whether every value of these edits lies in the range of its part and field, and there is one.
  bool Hold(const SceneVariation& look, const PhysicsVariation& world) const;
  bool empty() const { return ranges_.empty(); }
  Json ToJson() const;

 private:
  struct Range {
    std::vector<double> low, high;  // of each number of a value, in order
    std::set<std::string> words;
    void Widen(const Range& by);
    bool Holds(const Range& other) const;
  };
  static Range RangeOf(const Json& value);  // of one value
  std::map<std::string, Range> ranges_;     // by "kind/part/field"
};

}  // namespace understudy
