#include "data/store/edit/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/episode/motion.h"
#include "core/spec/drawn_values.h"
#include "data/store/edit/assemble.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/reader.h"
#include "data/store/success_known.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kMotion = "motion.";
const std::map<std::string, double> kUsualParts{{"train", 0.9}, {"valid", 0.1}};

// Fields of an edit under the name of what it edits: {type: light, light: key, diffuse: [..]} is
// dr.key.diffuse.0 …
void AddDraws(const EpisodeMeta& meta, Facts& facts) {
  for (const DrawnValue& drawn : DrawnValues(meta.variation, meta.physics)) {
    const std::string& name = drawn.part.empty() ? drawn.kind : drawn.part;
    AddFacts("dr." + name + "." + drawn.field, drawn.value, facts);
  }
}

std::vector<std::string> NamesOf(const std::vector<EpisodeSummary>& episodes) {
  std::vector<std::string> names;
  for (const EpisodeSummary& episode : episodes) names.push_back(episode.name);
  return names;
}

// Groups in an order that the seed draws from their names alone.
std::vector<std::vector<size_t>> DrawOrder(const std::vector<std::string>& group_of,
                                           uint64_t seed) {
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t i = 0; i < group_of.size(); ++i) groups[group_of[i]].push_back(i);
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto& [name, members] : groups) {
    Rng rng(RngKey{seed}.WithStage("data split").WithParent(HashOf(name)));
    order.emplace_back(rng.NextU64(), name);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::vector<size_t>> result;
  for (const auto& [draw, name] : order) result.push_back(groups[name]);
  return result;
}

// The first `share` of the groups, at least one.
std::vector<size_t> Beginning(const std::vector<std::vector<size_t>>& groups, double share) {
  const auto wanted = std::llround(share * static_cast<double>(groups.size()));
  std::vector<size_t> members;
  for (size_t g = 0; g < static_cast<size_t>(std::max(1ll, wanted)) && g < groups.size(); ++g) {
    members.insert(members.end(), groups[g].begin(), groups[g].end());
  }
  std::sort(members.begin(), members.end());
  return members;
}

// For which episodes of a dataset a condition holds.
std::vector<bool> EpisodesWhere(const EpisodeSource& reader, const std::string& condition,
                                Progress& progress) {
  RequireEpisodes(reader);
  const Expression where(condition.empty() ? "true" : condition);
  const bool motion = AsksForMotion(where);
  const std::vector<Facts> masks = MaskFacts(reader);
  const auto facts_of = [&](size_t i) {
    Facts facts = FactsOf(reader, i, motion);
    facts.insert(masks[i].begin(), masks[i].end());
    progress.Advance(static_cast<int64_t>(i) + 1);
    return facts;
  };
  progress.Start("reading " + reader.path().string(), static_cast<int64_t>(masks.size()),
                 "episodes");
  std::vector<bool> holds = HoldsFor(where, masks.size(), facts_of, reader.path().string());
  progress.Finish();
  return holds;
}

void Validate(const SplitOptions& options) {
  Problems problems;
  double sum = 0;
  for (const auto& [name, share] : options.parts) {
    if (!(share > 0 && share <= 1)) {
      problems.push_back(fmt::format("parts.{} = {}: must lie in (0, 1]", name, share));
    }
    sum += share;
  }
  if (sum > 1 + 1e-9) problems.push_back(fmt::format("parts: add up to {}, more than 1", sum));
  for (const int percent : options.percent) {
    if (percent < 1 || percent > 99) {
      problems.push_back(fmt::format("percent = {}: must lie in [1, 99]", percent));
    }
  }
  if (options.files && !options.percent.empty()) {
    problems.push_back("percent: filter keys only, not for files");
  }
  if (!problems.empty()) ThrowUsage(fmt::format("data split: {}", fmt::join(problems, "; ")));
}

}  // namespace

Facts FactsOf(const EpisodeSource& reader, size_t episode, bool with_motion) {
  const EpisodeSummary& summary = reader.episodes().at(episode);
  const Episode whole = with_motion ? reader.ReadEpisode(episode) : Episode{};
  const EpisodeMeta meta = with_motion ? whole.meta : reader.ReadMeta(episode);
  Facts facts{{"name", summary.name},
              {"number", episode},
              {"uuid", summary.uuid},
              {"steps", summary.length},
              {"success", summary.success},
              {"cause", meta.cause},
              {"task", meta.task},
              {"variant", meta.variant},
              {"robot", meta.robot},
              {"instruction", meta.instruction},
              {"variant_index", meta.variant_index},
              {"seed", meta.seed},
              {"attempt", meta.attempt},
              {"control_hz", meta.control_hz}};
  AddFacts("quality", meta.quality, facts);
  AddDraws(meta, facts);
  if (with_motion) AddFacts("motion", MotionToJson(MeasureMotion(whole)), facts);
  return facts;
}

bool AsksForMotion(const Expression& where) {
  const auto asks = [](const std::string& name) { return name.starts_with(kMotion); };
  return std::any_of(where.names().begin(), where.names().end(), asks);
}

std::vector<Facts> MaskFacts(const EpisodeSource& reader) {
  const std::vector<EpisodeSummary>& episodes = reader.episodes();
  std::vector<Facts> facts(episodes.size());
  for (const std::string& key : reader.MaskNames()) {
    const std::vector<std::string> names = reader.ReadMask(key);
    const std::set<std::string> members(names.begin(), names.end());
    for (size_t i = 0; i < episodes.size(); ++i) {
      facts[i]["mask." + key] = members.contains(episodes[i].name);
    }
  }
  return facts;
}

std::vector<bool> HoldsFor(const Expression& where, size_t episodes,
                           const std::function<Facts(size_t)>& facts_of,
                           const std::string& dataset) {
  std::set<std::string> known;
  std::vector<bool> holds;
  for (size_t i = 0; i < episodes; ++i) {
    const Facts facts = facts_of(i);
    for (const auto& [name, value] : facts) known.insert(name);
    holds.push_back(where.Holds(facts));
  }
  for (const std::string& name : where.names()) {
    if (!known.contains(name)) {
      ThrowUsage(fmt::format("{}: where: {}", dataset,
                             UnknownName("name", name, {known.begin(), known.end()})));
    }
  }
  return holds;
}

std::string VariantGroup(const EpisodeMeta& meta) {
  const bool variant = meta.parents.size() == 1 && meta.parents != meta.sources;
  return variant ? meta.parents[0] : meta.uuid;
}

std::vector<size_t> EpisodesToKeep(const EpisodeSource& reader, const FilterOptions& options,
                                   Progress& progress) {
  RequireEpisodes(reader);
  const std::string dataset = reader.path().string();
  const std::vector<std::string> known = NamesOf(reader.episodes());
  for (const std::string& name : options.drop) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      ThrowUsage(fmt::format("{}: drop: {}", dataset, UnknownName("episode", name, known)));
    }
  }
  const std::vector<bool> holds = EpisodesWhere(reader, options.where, progress);
  std::vector<size_t> kept;
  for (size_t i = 0; i < known.size(); ++i) {
    const bool dropped =
        std::find(options.drop.begin(), options.drop.end(), known[i]) != options.drop.end();
    if (holds[i] && !dropped) kept.push_back(i);
  }
  if (kept.empty()) {
    ThrowBadInput(fmt::format("{}: none of its {} episodes is left by where '{}' and drop", dataset,
                              known.size(), options.where));
  }
  return kept;
}

FilterReport FilterDataset(const fs::path& input, const fs::path& output,
                           const FilterOptions& options, Progress& progress) {
  std::vector<DatasetReader> readers;
  const DatasetReader& reader = readers.emplace_back(input, options.read);
  Assembly assembly{.settings = {{"where", options.where}, {"drop", options.drop}},
                    .by_reference = options.by_reference,
                    .overwrite = options.overwrite,
                    .outside_links = options.read.outside_links};
  for (const size_t i : EpisodesToKeep(reader, options, progress)) {
    assembly.episodes.push_back({0, i});
  }
  Assemble(readers, assembly, output);
  const auto kept = static_cast<int64_t>(assembly.episodes.size());
  return {kept, static_cast<int64_t>(reader.episodes().size()) - kept};
}

std::vector<bool> EpisodesToRelabel(const EpisodeSource& reader, const RelabelOptions& options,
                                    Progress& progress) {
  if (!options.instruction && !options.cause && !options.success) {
    ThrowUsage("data relabel: nothing to change: give instruction, success or cause");
  }
  std::vector<bool> holds = EpisodesWhere(reader, options.where, progress);
  if (std::count(holds.begin(), holds.end(), true) == 0) {
    ThrowBadInput(fmt::format("{}: where '{}' holds for none of its {} episodes",
                              reader.path().string(), options.where, holds.size()));
  }
  return holds;
}

int64_t RelabelDataset(const fs::path& input, const fs::path& output, const RelabelOptions& options,
                       Progress& progress) {
  std::vector<DatasetReader> readers;
  const DatasetReader& reader = readers.emplace_back(input, options.read);
  const std::vector<bool> holds = EpisodesToRelabel(reader, options, progress);
  Assembly assembly{.keep_attempts = true,
                    .settings = {{"relabelled", options.where}},
                    .edit =
                        [&](const Assembly::Pick& pick, EpisodeMeta& meta) {
                          if (!holds[pick.episode]) return;
                          if (options.instruction) meta.instruction = *options.instruction;
                          if (options.success) SetSuccess(*options.success, meta);
                          if (options.cause) meta.cause = *options.cause;
                        },
                    .overwrite = options.overwrite,
                    .outside_links = options.read.outside_links};
  for (size_t i = 0; i < holds.size(); ++i) assembly.episodes.push_back({0, i});
  Assemble(readers, assembly, output);
  return std::count(holds.begin(), holds.end(), true);
}

fs::path FileOfPart(const fs::path& output, const std::string& part) {
  fs::path file = output;
  file.replace_filename(output.stem().string() + "." + part + output.extension().string());
  return file;
}

std::map<std::string, std::vector<size_t>> DrawParts(const EpisodeSource& reader,
                                                     const SplitOptions& given) {
  SplitOptions options = given;
  if (options.parts.empty()) options.parts = kUsualParts;
  Validate(options);
  RequireEpisodes(reader);
  std::vector<std::string> group_of;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    group_of.push_back(VariantGroup(reader.ReadMeta(i)));
  }

  // parts are stretches of one order
  const std::vector<std::vector<size_t>> groups = DrawOrder(group_of, options.seed);
  std::map<std::string, std::vector<size_t>> keys;
  double share = 0;
  size_t begin = 0;
  for (const auto& [name, part_share] : options.parts) {
    share += part_share;
    const double groups_so_far = share * static_cast<double>(groups.size());
    const size_t end = std::min(groups.size(), static_cast<size_t>(std::llround(groups_so_far)));
    if (end <= begin) {
      ThrowUsage(fmt::format("{}: parts.{} = {} of {} episodes{} is none", reader.path().string(),
                             name, part_share, groups.size(),
                             groups.size() < group_of.size() ? " with their variants" : ""));
    }
    const std::vector<std::vector<size_t>> part(groups.begin() + static_cast<ptrdiff_t>(begin),
                                                groups.begin() + static_cast<ptrdiff_t>(end));
    keys[name] = Beginning(part, 1);
    for (const int percent : options.percent) {
      keys[fmt::format("{}_percent_{}", percent, name)] = Beginning(part, percent / 100.0);
    }
    begin = end;
  }
  for (const int percent : options.percent) {
    keys[fmt::format("{}_percent", percent)] = Beginning(groups, percent / 100.0);
  }
  return keys;
}

std::map<std::string, int64_t> SplitDataset(const fs::path& input, const fs::path& output,
                                            const SplitOptions& given) {
  SplitOptions options = given;
  if (options.parts.empty()) options.parts = kUsualParts;
  Validate(options);
  std::vector<DatasetReader> readers;
  const DatasetReader& reader = readers.emplace_back(input, options.read);
  const std::map<std::string, std::vector<size_t>> keys = DrawParts(reader, options);
  const Json settings{{"parts", ToJson(options.parts)}, {"seed", options.seed}};
  std::map<std::string, int64_t> counts;
  for (const auto& [key, members] : keys) counts[key] = static_cast<int64_t>(members.size());
  if (!options.files) {
    Assembly assembly{.masks = keys,
                      .keep_attempts = true,
                      .settings = settings,
                      .by_reference = options.by_reference,
                      .overwrite = options.overwrite,
                      .outside_links = options.read.outside_links};
    for (size_t i = 0; i < reader.episodes().size(); ++i) assembly.episodes.push_back({0, i});
    Assemble(readers, assembly, output);
    return counts;
  }
  for (const auto& [key, members] : keys) {
    Assembly assembly{.settings = settings,
                      .by_reference = options.by_reference,
                      .overwrite = options.overwrite,
                      .outside_links = options.read.outside_links};
    for (const size_t member : members) assembly.episodes.push_back({0, member});
    Assemble(readers, assembly, FileOfPart(output, key));
  }
  return counts;
}

}  // namespace understudy
