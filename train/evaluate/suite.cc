#include "train/evaluate/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/error.h"
#include "core/base/hash.h"

namespace understudy {
namespace {

constexpr int kSuiteVersion = 1;
constexpr size_t kMostProblems = 10;

[[noreturn]] void ThrowProblems(const std::string& name, std::vector<std::string> problems) {
  const size_t count = problems.size();
  if (count > kMostProblems) {
    problems.resize(kMostProblems);
    problems.push_back(fmt::format("{} more", count - kMostProblems));
  }
  ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems, "; ")));
}

}  // namespace

std::string Suite::ToText() const {
  Json head = ToJson(*this);
  const Json listed = std::move(head["episodes"]);
  head.erase("episodes");
  std::string text = fmt::format("{{\n\"suite\": {},\n", kSuiteVersion);
  for (const auto& [key, value] : head.items()) {
    text += fmt::format("\"{}\": {},\n", key, value.dump());
  }
  text += "\"episodes\": [\n";
  for (size_t i = 0; i < listed.size(); ++i) {
    text += listed[i].dump() + (i + 1 < listed.size() ? ",\n" : "\n");
  }
  return text + "]\n}\n";
}

std::string Suite::Hash() const { return ContentHash(ToText()); }

SuiteEpisode DrawEpisode(const EvalOptions& options, const Variations& vary, int64_t number,
                         Simulator& simulator, Renderer* renderer) {
  const RngKey key = EvaluationKey(options.seed, number);
  SuiteEpisode episode;
  episode.number = number;
  episode.variant = options.variant;
  if (vary.world) {
    episode.world =
        StartInDrawnWorld(simulator, vary.world, key.WithTerm("world"), options.variant, key);
    if (renderer) renderer->SetWorld(episode.world);
  } else {
    simulator.Reset(options.variant, key);
  }
  episode.instruction = options.instruction.value_or(simulator.info().instruction);
  if (renderer && vary.look) episode.look = vary.look(renderer->inventory(), key.WithTerm("look"));
  return episode;
}

Suite FreezeSuite(const SimulatorFactory& simulators, const RendererFactory& renderers,
                  const EvalOptions& options, const Variations& vary, Progress& progress) {
  const std::unique_ptr<Simulator> simulator = simulators();
  const std::unique_ptr<Renderer> renderer = vary.look ? renderers() : nullptr;
  const SimulatorInfo info = simulator->info();
  Suite suite;
  suite.task = info.task;
  suite.robot = info.robot;
  suite.scene = ContentHash(simulator->ModelText());
  suite.seed = options.seed;
  suite.horizon = options.horizon > 0 ? options.horizon : info.horizon;
  progress.Start("writing down starts", options.episodes, "episodes");
  for (int64_t index = 0; index < options.episodes && !InterruptRequested(); ++index) {
    SuiteEpisode episode = DrawEpisode(options, vary, index, *simulator, renderer.get());
    episode.start = simulator->Save();
    suite.episodes.push_back(std::move(episode));
    progress.Advance(index + 1);
  }
  progress.Finish();
  return suite;
}

EvalOptions OptionsOf(const Suite& suite, EvalOptions options) {
  std::set<std::string> variants;
  for (const SuiteEpisode& episode : suite.episodes) variants.insert(episode.variant);
  options.variant = fmt::format("{}", fmt::join(variants, "+"));
  options.episodes = static_cast<int64_t>(suite.episodes.size());
  options.seed = suite.seed;
  options.horizon = suite.horizon;
  options.instruction.reset();
  return options;
}

Suite ReadSuite(const Json& json, const std::string& name) {
  // a report names the suite that was run
  if (!json.is_object() || !json.contains("suite") || !json["suite"].is_number()) {
    ThrowBadInput(fmt::format("{}: was not written by `understudy evaluate --freeze`", name));
  }
  if (json["suite"] != kSuiteVersion) {
    ThrowBadInput(fmt::format("{}: suite = {}: this program reads version {}", name,
                              json["suite"].dump(), kSuiteVersion));
  }
  Json rest = json;
  rest.erase("suite");
  Suite suite = FromJson<Suite>(rest, name);
  std::vector<std::string> problems;
  if (suite.episodes.empty()) problems.push_back("episodes: there is none");
  std::set<int64_t> numbers;
  for (const SuiteEpisode& episode : suite.episodes) {
    if (!numbers.insert(episode.number).second) {
      problems.push_back(fmt::format("episode {} is listed twice", episode.number));
    }
  }
  if (!problems.empty()) ThrowProblems(name, std::move(problems));
  return suite;
}

void CheckSuite(const Suite& suite, const std::string& name, const SimulatorFactory& simulators,
                const RendererFactory& renderers, Progress& progress) {
  const std::unique_ptr<Simulator> simulator = simulators();
  const SimulatorInfo info = simulator->info();
  std::vector<std::string> problems;
  const auto differ = [&](const char* what, const std::string& theirs, const std::string& ours) {
    if (theirs != ours) {
      problems.push_back(fmt::format("{}: the suite has {}, the simulator {}", what, theirs, ours));
    }
  };
  differ("task", suite.task, info.task);
  differ("robot", suite.robot, info.robot);
  if (problems.empty()) differ("scene", suite.scene, ContentHash(simulator->ModelText()));
  if (!problems.empty()) ThrowProblems(name, std::move(problems));

  std::unique_ptr<Renderer> renderer;
  const auto attempt = [&](const SuiteEpisode& episode, const auto& apply) {
    try {
      apply();
      return true;
    } catch (const Error& error) {
      problems.push_back(fmt::format("episode {}: {}", episode.number, error.what()));
      return false;
    }
  };
  progress.Start("checking the suite", static_cast<int64_t>(suite.episodes.size()), "episodes");
  int64_t checked = 0;
  for (const SuiteEpisode& episode : suite.episodes) {
    progress.Advance(++checked);
    const bool built = attempt(episode, [&] { simulator->SetWorld(episode.world); });
    const size_t size = built ? simulator->info().state_size : episode.start.size();
    if (episode.start.size() != size) {
      problems.push_back(fmt::format("episode {}: start has {} numbers, a state of its world {}",
                                     episode.number, episode.start.size(), size));
    } else if (!std::ranges::all_of(episode.start, [](double x) { return std::isfinite(x); })) {
      problems.push_back(
          fmt::format("episode {}: start holds a number that is not finite", episode.number));
    }
    if (!episode.look.edits.empty()) {
      if (!renderer) renderer = renderers();
      attempt(episode, [&] { renderer->SetVariation(episode.look); });
    }
  }
  progress.Finish();
  if (!problems.empty()) ThrowProblems(name, std::move(problems));
}

}  // namespace understudy
