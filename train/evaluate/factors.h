#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "train/evaluate/drawn_bins.h"
#include "train/evaluate/evaluate.h"

namespace understudy {

// What a policy loses by each of several factors that vary looks or physics, alone and together,
// against the same starts without them.
struct FactorOptions {
  std::vector<double> severities{0.5, 1, 2};
  bool pairs = true;
  bool all = true;
  std::vector<std::string> instructions;
  template <class V>
  void Visit(V& v) {
    v("severities", severities, "times the plan's ranges, each factor at each", Limits{0.01, 100});
    v("pairs", pairs, "also the three worst factors in pairs, at severity 1");
    v("all", all, "also all factors together, at severity 1");
    v("instructions", instructions,
      "also the nominal setting with each of these in the place of the task's instruction, as '', "
      "a "
      "paraphrase and one of another task: what the policy listens to");
  }
};

struct Factor {
  std::string name;  // in the plan
  std::string type;  // of its randomizer
  bool label_safe = true;
};

// The factors of a plan; `vary` gives what some of them draw at a severity.
struct Factors {
  std::vector<Factor> factors;
  std::function<Variations(const std::vector<std::string>& names, double severity)> vary;
};

// The episodes of one setting, each paired with that of the same number in the nominal setting.
struct FactorRow {
  std::vector<std::string> factors;  // empty: the nominal setting
  double severity = 0;
  std::optional<std::string> instruction;  // in the place of the task's; then it is the one factor
  std::vector<bool> outcomes;              // by episode
  int64_t successes = 0;
  Interval interval;  // of the rate: Wilson, 95 %
  std::map<std::string, int64_t> causes;
  std::vector<std::pair<std::string, int64_t>> reached;  // episodes that reached each signal
  // episodes in which it happened: an arm link touched something, a joint stood at its limit, a
  // target was clipped
  int64_t collided = 0, at_limits = 0, clipped = 0;
  std::array<int, kRolloutEvents> events{};  // episodes with each, by RolloutEvent
  // against the nominal setting
  int64_t only_nominal = 0, only_varied = 0;  // pairs in which one alone succeeded
  double difference = 0;                      // of the rates, negative: it costs
  Interval difference_interval;               // Agresti and Min, 95 %
  double p_value = 1, p_holm = 1;             // McNemar's exact test; over all rows together

  double rate() const {
    return outcomes.empty() ? 0
                            : static_cast<double>(successes) / static_cast<double>(outcomes.size());
  }
};

// A failure that was filmed.
struct FactorFilm {
  std::string factor;
  double severity = 0;
  int64_t episode = 0;
  std::string cause;
};

// Where the film of an episode of a factor goes.
using FactorSink = std::function<std::unique_ptr<FrameSink>(
    const std::string& factor, int64_t episode, const std::vector<std::string>& cameras,
    double control_hz)>;

struct FactorReport {
  EvalReport nominal;  // without rows of its own in the JSON
  FactorRow control;
  std::vector<Factor> factors;
  std::vector<FactorRow> rows;  // instructions, each factor at each severity, pairs, all
  // Severity at which the rate of success is half the nominal one, between severities by a straight
  // line; unset: it does not come to that.
  std::map<std::string, std::optional<double>> r50;
  // By factor, over its severities: values on which success depends most clearly (at most 5), and
  // how many were drawn.
  std::map<std::string, std::vector<DrawnBins>> drawn;
  std::map<std::string, int64_t> drawn_values;
  std::vector<FactorFilm> films;
  bool interrupted = false;  // rows are missing

  // Depends on the policy, the options that change results and nothing else, not on workers or the
  // time; "hash" is that of all the rest.
  Json ToJson() const;
};

// Evaluates the nominal setting, then every row, all on the same starts. What a factor is called
// reaches nobody: a policy gets pictures and numbers. Throws Error(kBadInput) where a factor does
// nothing at all (no picture that the policy sees, no state), or one that is called label-safe
// changes a state; else as Evaluate. Stops with whole rows when an interrupt is requested. With
// `sink`, the first failures (videos_failure) of each factor alone, at the severity next to 1, are
// filmed.
FactorReport EvaluateFactors(const Policy& policy, const SimulatorFactory& simulators,
                             const RendererFactory& renderers, const EvalOptions& options,
                             const FactorOptions& how, const Factors& factors, Progress& progress,
                             const FactorSink& sink = {});

}  // namespace understudy
