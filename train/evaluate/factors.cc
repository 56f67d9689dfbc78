#include "train/evaluate/factors.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/statistics.h"
#include "core/base/version.h"

namespace understudy {
namespace {

constexpr size_t kWorst = 3;   // factors that are paired
constexpr size_t kValues = 5;  // drawn values in the report, of each factor
constexpr const char* kInstruction = "instruction";

FactorRow Summarize(const EvalReport& report, std::vector<std::string> names, double severity) {
  FactorRow row{.factors = std::move(names), .severity = severity};
  for (const EvalEpisode& episode : report.episodes) {
    row.outcomes.push_back(episode.success);
    row.collided += episode.collisions > 0;
    row.at_limits += episode.joint_limits > 0;
    row.clipped += episode.clipped > 0;
  }
  row.events = EpisodesWith(report.episodes);
  row.successes = report.successes;
  row.interval = report.interval;
  row.causes = report.causes;
  row.reached = report.reached;
  return row;
}

void Compare(const FactorRow& control, FactorRow* row) {
  const auto pairs = static_cast<int64_t>(row->outcomes.size());
  for (size_t i = 0; i < row->outcomes.size(); ++i) {
    row->only_nominal += control.outcomes[i] && !row->outcomes[i];
    row->only_varied += !control.outcomes[i] && row->outcomes[i];
  }
  row->difference = row->rate() - control.rate();
  row->difference_interval = PairedDifferenceInterval(row->only_varied, row->only_nominal, pairs);
  row->p_value = McNemarExact(row->only_nominal, row->only_varied);
}

// A factor that does nothing would be a row of the nominal setting under another name.
void CheckEffect(const Factor& factor, double severity, const EvalReport& nominal,
                 const EvalReport& varied) {
  bool pictures = false, states = false, starts = false;
  for (size_t i = 0; i < varied.episodes.size(); ++i) {
    const EvalEpisode &a = nominal.episodes[i], &b = varied.episodes[i];
    pictures |= a.start_pictures != b.start_pictures;
    states |= a.end_state != b.end_state;
    starts |= a.start_state != b.start_state;
  }
  const std::string who = fmt::format("factor '{}' ({})", factor.name, factor.type);
  if (factor.label_safe && starts) {
    ThrowBadInput(
        fmt::format("{} is label-safe, but changes the state that episodes start from", who));
  }
  if (factor.label_safe && !pictures) {
    ThrowBadInput(fmt::format(
        "{} changes no picture that the policy sees, in {} episodes at severity {}: {}", who,
        varied.episodes.size(), severity,
        nominal.policy.cameras.empty() ? "the policy sees no pictures; leave the factor out"
                                       : "choose other parts of the scene, or leave it out"));
  }
  if (!factor.label_safe && !states && !starts) {
    ThrowBadInput(fmt::format(
        "{} changes no state in {} episodes at severity {}: choose other parts of the world, widen "
        "its range, or leave it out",
        who, varied.episodes.size(), severity));
  }
}

std::optional<double> HalvedAt(const FactorRow& control,
                               const std::vector<const FactorRow*>& rows) {
  const double half = control.rate() / 2;
  double severity = 0, rate = control.rate();
  if (rate == 0) return std::nullopt;
  for (const FactorRow* row : rows) {
    if (row->rate() <= half) {
      const double share = rate == row->rate() ? 1 : (rate - half) / (rate - row->rate());
      return severity + share * (row->severity - severity);
    }
    severity = row->severity;
    rate = row->rate();
  }
  return std::nullopt;
}

Json RowToJson(const FactorRow& row) {
  std::string outcomes;
  for (const bool success : row.outcomes) outcomes += success ? '1' : '0';
  Json causes = Json::object(), reached = Json::array();
  for (const auto& [cause, count] : row.causes) causes[cause] = count;
  for (const auto& [signal, count] : row.reached) {
    reached.push_back({{"signal", signal}, {"episodes", count}});
  }
  Json events{
      {"collided", row.collided}, {"at_joint_limits", row.at_limits}, {"clipped", row.clipped}};
  for (size_t i = 0; i < kRolloutEvents; ++i) {
    events[EnumNames<RolloutEvent>::kNames[i]] = row.events[i];
  }
  Json json{{"factors", row.factors},
            {"severity", row.severity},
            {"episodes", row.outcomes.size()},
            {"successes", row.successes},
            {"rate", row.rate()},
            {"interval", {row.interval.low, row.interval.high}},
            {"events", events},
            {"reached", reached},
            {"causes", causes},
            {"outcomes", outcomes}};
  if (row.factors.empty()) return json;
  if (row.instruction) json["instruction"] = *row.instruction;
  json["only_nominal"] = row.only_nominal;
  json["only_varied"] = row.only_varied;
  json["difference"] = row.difference;
  json["difference_interval"] = {row.difference_interval.low, row.difference_interval.high};
  json["p_value"] = row.p_value;
  json["p_holm"] = row.p_holm;
  return json;
}

// Of the options that change results; no row is filmed.
Json SettingsOf(const EvalOptions& options) {
  Json settings = ResultOptions(options);
  for (const char* key : {"videos_success", "videos_failure", "video_width", "video_height"}) {
    settings.erase(key);
  }
  return settings;
}

}  // namespace

FactorReport EvaluateFactors(const Policy& policy, const SimulatorFactory& simulators,
                             const RendererFactory& renderers, const EvalOptions& options,
                             const FactorOptions& how, const Factors& factors, Progress& progress,
                             const FactorSink& sink) {
  std::vector<double> severities = how.severities;
  std::sort(severities.begin(), severities.end());
  if (factors.factors.empty()) ThrowUsage("factors: the plan has no randomizers");
  if (severities.empty()) ThrowUsage("severities: name at least one");
  if (const auto twice = std::adjacent_find(severities.begin(), severities.end());
      twice != severities.end()) {
    ThrowUsage(fmt::format("severities: {} is listed twice", *twice));
  }

  FactorReport report;
  report.factors = factors.factors;
  report.nominal = Evaluate(policy, simulators, renderers, options, {}, {}, progress);
  report.control = Summarize(report.nominal, {}, 0);
  report.interrupted = report.nominal.interrupted;
  // the nominal run says how many episodes there are: rows are compared in pairs
  EvalOptions same = options;
  same.until_width = 0;
  same.episodes = static_cast<int64_t>(report.nominal.episodes.size());
  same.videos_success = 0;

  const double middle =
      *std::min_element(severities.begin(), severities.end(),
                        [](double a, double b) { return std::abs(a - 1) < std::abs(b - 1); });
  std::map<std::string, std::vector<DrawnOutcome>> drawn;  // by factor
  const auto film = [&](const Factor& factor) -> SinkFactory {
    if (!sink) return {};
    return [&](int64_t episode, bool, const std::vector<std::string>& cameras, double control_hz) {
      return sink(factor.name, episode, cameras, control_hz);
    };
  };

  // runs one row; null: it was interrupted. `alone` is its only factor, null: there are several, or
  // none of the plan
  const auto run = [&](const std::string& title, const EvalOptions& setting, const Variations& vary,
                       const std::vector<std::string>& names, double severity,
                       const Factor* alone) -> FactorRow* {
    if (report.interrupted) return nullptr;
    progress.Message(title);
    const bool filmed = alone != nullptr && severity == middle;
    const EvalReport varied = Evaluate(policy, simulators, renderers, setting, vary,
                                       filmed ? film(*alone) : SinkFactory(), progress);
    report.interrupted = varied.interrupted;
    if (report.interrupted) return nullptr;
    if (alone != nullptr) CheckEffect(*alone, severity, report.nominal, varied);
    int left = filmed && sink ? same.videos_failure : 0;
    for (const EvalEpisode& episode : varied.episodes) {
      if (alone != nullptr) drawn[alone->name].push_back({episode.drawn, episode.success});
      if (episode.success || left-- <= 0) continue;
      report.films.push_back({alone->name, severity, episode.index, episode.cause});
    }
    FactorRow& row = report.rows.emplace_back(Summarize(varied, names, severity));
    Compare(report.control, &row);
    return &row;
  };
  const auto run_factors = [&](const std::vector<std::string>& names, double severity,
                               const Factor* alone) {
    run(fmt::format("{} at severity {}", fmt::join(names, " with "), severity), same,
        factors.vary(names, severity), names, severity, alone);
  };
  for (const std::string& text : how.instructions) {
    EvalOptions asked = same;
    asked.instruction = text;
    FactorRow* row =
        run(fmt::format("instruction '{}'", text), asked, {}, {kInstruction}, 1, nullptr);
    if (row != nullptr) row->instruction = text;
  }
  for (const Factor& factor : factors.factors) {
    for (const double severity : severities) run_factors({factor.name}, severity, &factor);
  }

  // by what each costs at the severity of the plan, or the one next to it
  std::vector<const FactorRow*> worst;
  std::vector<std::string> names;
  for (const FactorRow& row : report.rows) {
    if (row.severity == middle && !row.instruction) worst.push_back(&row);
  }
  std::stable_sort(worst.begin(), worst.end(), [](const FactorRow* a, const FactorRow* b) {
    return a->difference < b->difference;
  });
  for (const FactorRow* row : worst) names.push_back(row->factors[0]);
  names.resize(std::min(names.size(), kWorst));
  for (size_t i = 0; how.pairs && i < names.size(); ++i) {
    for (size_t j = i + 1; j < names.size(); ++j) run_factors({names[i], names[j]}, 1, nullptr);
  }
  // of two, their pair is all
  if (how.all && factors.factors.size() > (how.pairs ? 2u : 1u)) {
    std::vector<std::string> all;
    for (const Factor& factor : factors.factors) all.push_back(factor.name);
    run_factors(all, 1, nullptr);
  }

  std::vector<double> p;
  for (const FactorRow& row : report.rows) p.push_back(row.p_value);
  const std::vector<double> adjusted = HolmAdjusted(p);
  for (size_t i = 0; i < adjusted.size(); ++i) report.rows[i].p_holm = adjusted[i];
  for (const Factor& factor : factors.factors) {
    std::vector<const FactorRow*> curve;
    for (const FactorRow& row : report.rows) {
      if (row.factors == std::vector{factor.name} && !row.instruction) curve.push_back(&row);
    }
    if (curve.size() == severities.size()) {
      report.r50[factor.name] = HalvedAt(report.control, curve);
    }
    std::vector<DrawnBins> bins = BinDrawn(drawn[factor.name]);
    report.drawn_values[factor.name] = static_cast<int64_t>(bins.size());
    bins.resize(std::min(bins.size(), kValues));
    report.drawn[factor.name] = std::move(bins);
  }
  return report;
}

Json FactorReport::ToJson() const {
  Json listed = Json::array(), table = Json::array(), halves = Json::object();
  Json values = Json::object();
  for (const Factor& factor : factors) {
    listed.push_back(
        {{"name", factor.name}, {"type", factor.type}, {"label_safe", factor.label_safe}});
  }
  for (const FactorRow& row : rows) table.push_back(RowToJson(row));
  for (const auto& [name, severity] : r50) halves[name] = severity ? Json(*severity) : Json();
  for (const auto& [name, rows_of_factor] : drawn) {
    Json shown = Json::array();
    for (const DrawnBins& row : rows_of_factor) shown.push_back(understudy::ToJson(row));
    values[name] = {{"values", drawn_values.at(name)}, {"shown", shown}};
  }
  Json json{{"policy", {{"name", nominal.policy.name}, {"hash", nominal.policy.hash}}},
            {"task", nominal.task},
            {"robot", nominal.robot},
            {"renderer", nominal.renderer},
            {"options", SettingsOf(nominal.options)},
            {"warnings", nominal.warnings},
            {"interrupted", interrupted},
            {"factors", listed},
            {"nominal", RowToJson(control)},
            {"rows", table},
            {"r50", halves},
            {"drawn", values}};
  json["hash"] = ContentHash(json.dump());
  // the same numbers of another version have the same hash
  json["program"] = ProgramVersion();
  return json;
}

}  // namespace understudy
