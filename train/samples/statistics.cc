#include "train/samples/statistics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

namespace understudy {
namespace {

// Visits one vector of each row.
using EachRow = std::function<void(
    const std::function<void(const TrainingEpisode&, size_t row, const float*)>&)>;

EachRow StatesOf(const TrainingSet& set) {
  return [&set](const auto& visit) {
    const auto size = static_cast<size_t>(set.embodiment.state_size());
    for (const TrainingEpisode& episode : set.episodes) {
      for (size_t t = 0; t < episode.length; ++t) {
        if (episode.Learns(t)) visit(episode, t, &episode.state_TS[t * size]);
      }
    }
  };
}

EachRow ActionsOf(const TrainingSet& set) {
  return [&set](const auto& visit) {
    std::vector<float> action(static_cast<size_t>(set.embodiment.action_size()));
    const std::vector<int> now{0};
    uint8_t real = 0;
    for (const TrainingEpisode& episode : set.episodes) {
      for (size_t t = 0; t < episode.length; ++t) {
        if (!episode.Learns(t)) continue;
        set.Chunk(episode, t, now, action.data(), &real);
        visit(episode, t, action.data());
      }
    }
  };
}

constexpr double kFar = 10;  // widths of [q01, q99]

std::vector<NumberReport> ReportColumn(const TrainingSet& set, const std::string& column,
                                       const std::vector<std::string>& names,
                                       const EachRow& each_row, const NormalizerRules& rules) {
  const size_t size = names.size();
  StatisticsBuilder builder(static_cast<int>(size));
  each_row([&](const TrainingEpisode&, size_t, const float* values) { builder.Add(values); });
  const Normalizer all = builder.Build(rules, names);
  std::vector<NumberReport> numbers;
  for (size_t d = 0; d < size; ++d) {
    NumberReport number{column,     names[d],   all.min[d],  all.max[d],
                        all.q01[d], all.q99[d], all.mean[d], all.std[d]};
    number.constant = all.max[d] == all.min[d];
    number.floored = !number.constant && all.Range(d) < rules.range_floor;
    number.rare = !number.constant && all.q01[d] == all.q99[d];
    numbers.push_back(std::move(number));
  }

  // what is far outside, and where the farthest stands
  std::vector<double> farthest(size);
  each_row([&](const TrainingEpisode& episode, size_t row, const float* values) {
    for (size_t d = 0; d < size; ++d) {
      NumberReport& number = numbers[d];
      const double width = std::max(number.q99 - number.q01, rules.range_floor);
      const double out = std::max(number.q01 - values[d], values[d] - number.q99);
      if (number.rare || out <= kFar * width) continue;
      ++number.outliers;
      if (out <= farthest[d]) continue;
      farthest[d] = out;
      number.worst = values[d];
      number.worst_place =
          fmt::format("{}, row {}, of {}", episode.name, row, set.datasets[episode.dataset].path);
    }
  });
  return numbers;
}

}  // namespace

Normalizer StateStatistics(const TrainingSet& set, const NormalizerRules& rules) {
  StatisticsBuilder builder(set.embodiment.state_size());
  StatesOf(set)([&](const TrainingEpisode&, size_t, const float* state) { builder.Add(state); });
  return builder.Build(rules, set.embodiment.StateNames());
}

Normalizer ActionStatistics(const TrainingSet& set, int horizon, const NormalizerRules& rules,
                            ActionStatisticsOf of) {
  const bool shared = of == ActionStatisticsOf::kAllSteps;
  const size_t size = static_cast<size_t>(set.embodiment.action_size());
  const size_t steps = static_cast<size_t>(horizon);
  std::vector<StatisticsBuilder> builders(shared ? 1 : steps,
                                          StatisticsBuilder(static_cast<int>(size)));
  const std::vector<int> offsets =
      ChunkOffsets(shared && set.embodiment.of_columns() ? 1 : horizon);
  std::vector<float> chunk(size * offsets.size());
  std::vector<uint8_t> mask(offsets.size());
  size_t longest = 1;  // steps that at least one chunk reaches
  for (const TrainingEpisode& episode : set.episodes) {
    for (size_t row = 0; row < episode.length; ++row) {
      if (!episode.Learns(row)) continue;
      set.Chunk(episode, row, offsets, chunk.data(), mask.data());
      for (size_t k = 0; k < offsets.size(); ++k) {
        if (mask[k] == 0) continue;
        builders[shared ? 0 : k].Add(&chunk[k * size]);
        longest = std::max(longest, k + 1);
      }
    }
  }

  // one vector for the whole chunk, step after step; steps beyond every episode are as the last
  const std::vector<std::string> names = set.embodiment.ActionNames();
  Normalizer all, step;
  for (size_t k = 0; k < steps; ++k) {
    if (k < (shared ? 1 : longest)) step = builders[k].Build(rules, names);
    all.Append(step);
  }
  return all;
}

std::vector<NumberReport> ReportNumbers(const TrainingSet& set, const NormalizerRules& state,
                                        const NormalizerRules& action) {
  std::vector<NumberReport> numbers =
      ReportColumn(set, kStateColumn, set.embodiment.StateNames(), StatesOf(set), state);
  std::vector<NumberReport> actions =
      ReportColumn(set, kActionColumn, set.embodiment.ActionNames(), ActionsOf(set), action);
  numbers.insert(numbers.end(), std::make_move_iterator(actions.begin()),
                 std::make_move_iterator(actions.end()));
  return numbers;
}

std::vector<std::string> Warnings(const std::vector<NumberReport>& numbers) {
  std::vector<std::string> lines;
  for (const NumberReport& number : numbers) {
    if (number.outliers == 0) continue;
    lines.push_back(fmt::format(
        "{} {}: {} far outside what 98 % of the rows hold ({:.4g} to {:.4g}): {:.4g} in {}; such "
        "values set its scale: leave the episode out (`understudy data filter`), or train with "
        "--{}-normalizer quantile",
        number.column, number.name,
        number.outliers == 1 ? std::string("1 value lies")
                             : fmt::format("{} values lie", number.outliers),
        number.q01, number.q99, number.worst, number.worst_place, number.column));
  }
  const auto list = [&](const char* what, const auto& is) {
    std::map<std::string, std::vector<std::string>> names;
    for (const NumberReport& number : numbers) {
      if (is(number)) names[number.column].push_back(number.name);
    }
    for (const auto& [column, of_column] : names) {
      lines.push_back(fmt::format("{}: {}: {}", column, fmt::join(of_column, ", "), what));
    }
  };
  list("constant in all rows", [](const NumberReport& n) { return n.constant; });
  list("vary less than the floor, which scales them instead",
       [](const NumberReport& n) { return n.floored && !n.rare; });
  for (const NumberReport& number : numbers) {
    if (!number.rare) continue;
    lines.push_back(fmt::format("{} {}: {:.4g} in 98 % of the rows, and {:.4g} to {:.4g} at most",
                                number.column, number.name, number.q01, number.min, number.max));
  }
  return lines;
}

Json ToJson(const NumberReport& number) {
  Json json{{"column", number.column},   {"name", number.name}, {"min", number.min},
            {"max", number.max},         {"q01", number.q01},   {"q99", number.q99},
            {"mean", number.mean},       {"std", number.std},   {"constant", number.constant},
            {"floored", number.floored}, {"rare", number.rare}, {"outliers", number.outliers}};
  if (number.outliers > 0) {
    json["worst"] = number.worst;
    json["worst_place"] = number.worst_place;
  }
  return json;
}

}  // namespace understudy
