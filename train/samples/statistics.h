#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "train/samples/normalizer.h"
#include "train/samples/training_set.h"

namespace understudy {

// Over which actions a mean or range is taken: those of a step of the chunk, or of all of them.
enum class ActionStatisticsOf { kPerStep, kAllSteps };
template <>
struct EnumNames<ActionStatisticsOf> {
  static constexpr std::array kNames{"per_step", "all_steps"};
};

// Statistics of the states; and of the actions, as one vector of horizon x action_size() numbers: a
// set of its own for each step of the chunk (GR00T's way for relative actions: step 0 spans
// centimetres, step 15 decimetres), or one for all. Actions that are columns are the same seen from
// anywhere: there each row then counts once.
Normalizer StateStatistics(const TrainingSet& set, const NormalizerRules& rules);
Normalizer ActionStatistics(const TrainingSet& set, int horizon, const NormalizerRules& rules,
                            ActionStatisticsOf of = ActionStatisticsOf::kPerStep);

// What is worth knowing of one number of the states, or of the actions at their own row, before it
// is learnt from.
struct NumberReport {
  std::string column, name;  // "action", "robot0_x"
  double min = 0, max = 0, q01 = 0, q99 = 0, mean = 0, std = 0;
  bool constant = false;
  bool rare = false;        // it varies, and 98 % of the rows hold the same
  bool floored = false;     // its range or deviation is below the floor, which scales it instead
  int64_t outliers = 0;     // values further outside of [q01, q99] than ten times its width
  double worst = 0;         // the one that lies farthest
  std::string worst_place;  // "demo_3, row 17, of looks.h5"
};

// Of every number, states first. Constant, floored and scaled as the rules say.
std::vector<NumberReport> ReportNumbers(const TrainingSet& set, const NormalizerRules& state,
                                        const NormalizerRules& action);

// One line for each thing that a user should look at; none: nothing to say.
std::vector<std::string> Warnings(const std::vector<NumberReport>& numbers);
Json ToJson(const NumberReport& number);

}  // namespace understudy
