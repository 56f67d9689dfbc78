#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"

namespace understudy {

// How often something succeeded on one variant of a task.
struct MeasuredRate {
  std::string variant = "D0";
  std::string what;
  int64_t tries = 0, successes = 0;
  template <class V>
  void Visit(V& v) {
    v("variant", variant, "reset distribution");
    v("what", what, "policy and looks, or how it was generated");
    v("tries", tries, "attempts or episodes", Limits{0, 1e12});
    v("successes", successes, "of them", Limits{0, 1e12});
  }
};

struct TaskRates {
  std::vector<MeasuredRate> generation;
  std::vector<MeasuredRate> policy;
  template <class V>
  void Visit(V& v) {
    v("generation", generation, "attempts of mimic");
    v("policy", policy, "episodes of evaluate");
  }
};

// By task.
struct Rates {
  std::map<std::string, TaskRates> tasks;
  template <class V>
  void Visit(V& v) {
    v("tasks", tasks, "by name");
  }
};

// The rates that ship with the program: demo/rates.yaml of HomeFolder(), and the record of every
// shipped checkpoint.
Rates ShippedRates();

// Adds what `file` reports: a dataset that `mimic` generated, or a report of `evaluate` (.json). A
// shipped rate of the same task, variant and kind gives way to reports. Throws Error(kBadInput) if
// it is neither.
class RateReports {
 public:
  void Add(const std::filesystem::path& file);
  // `shipped` with what was added in its place.
  Rates Over(Rates shipped) const;

 private:
  Rates reported_;
};

}  // namespace understudy
