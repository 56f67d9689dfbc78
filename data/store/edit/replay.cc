#include "data/store/edit/replay.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "core/seam/replay.h"

namespace understudy {
namespace {

void CheckTwin(const EpisodeSource& reader, const SimulatorInfo& info, const Json& predicates) {
  const SimulatorInfo& recorded = reader.header().simulator;
  const auto refuse = [&](const char* what, const auto& there, const auto& here) {
    ThrowBadInput(fmt::format("{}: {} is {}, that of the simulator {}: it cannot be replayed here",
                              reader.path().string(), what, there, here));
  };
  if (reader.content_hash().empty()) {
    ThrowBadInput(fmt::format("{}: was written by another program and holds no exact states",
                              reader.path().string()));
  }
  if (recorded.task != info.task) refuse("task", recorded.task, info.task);
  if (recorded.robot != info.robot) refuse("robot", recorded.robot, info.robot);
  if (recorded.state_size != info.state_size) {
    refuse("size of a state", recorded.state_size, info.state_size);
  }
  const DatasetHeader& header = reader.header();
  const bool others = header.task.is_object() && header.task.contains(kCountedPredicates);
  const Json counted = CountedPredicates(header);
  if (!others || counted.is_null() || predicates.is_null() || counted == predicates) return;
  const std::string path = reader.path().string();
  ThrowBadInput(fmt::format(
      "{}: its signals were annotated from poses, and its states still count the predicates of the "
      "task.yaml that they were recorded under: replay it under that one (--task), or let `data "
      "annotate {} --evidence states` give them the counters of this one",
      path, path));
}

ReplayCheck Replay(const EpisodeSource& reader, size_t index, Simulator& simulator) {
  const Episode episode = reader.ReadEpisode(index);
  std::vector<SimState> states;
  std::vector<Action> actions;
  for (const Step& step : episode.steps) {
    states.push_back(step.state);
    actions.push_back(step.action);
  }
  states.push_back(episode.final_state);
  simulator.SetWorld(episode.meta.physics);
  return CheckReplay(simulator, states, actions);
}

}  // namespace

Json CountedPredicates(const DatasetHeader& header) {
  const Json& task = header.task;
  if (!task.is_object()) return Json();
  return task.contains(kCountedPredicates) ? task[kCountedPredicates]
                                           : task.value("predicates", Json());
}

ReplayReport VerifyReplay(const EpisodeSource& reader, const SimulatorInfo& info,
                          const SimulatorFactory& simulators, const ReplayOptions& options,
                          Progress& progress) {
  CheckTwin(reader, info, options.predicates);
  const auto episodes = static_cast<int64_t>(reader.episodes().size());
  const int threads = ThreadCount(options.threads, episodes);
  std::vector<std::unique_ptr<Simulator>> workers(static_cast<size_t>(threads));
  ReplayReport report;
  progress.Start("replaying " + reader.path().string(), episodes, "episodes");
  RunOrdered<ReplayCheck>(
      threads, 0, episodes,
      [&](int worker, int64_t index) {
        std::unique_ptr<Simulator>& simulator = workers[static_cast<size_t>(worker)];
        if (!simulator) simulator = simulators();
        return Replay(reader, static_cast<size_t>(index), *simulator);
      },
      [&](int64_t index, ReplayCheck&& check) {
        ++report.episodes;
        report.bit_exact += check.bit_exact;
        report.worst_error = std::max(report.worst_error, check.worst_error);
        // bit by bit, -0 is not 0
        if (options.tolerance > 0 ? check.worst_error > options.tolerance : !check.bit_exact) {
          const std::string& name = reader.episodes()[static_cast<size_t>(index)].name;
          report.faults.push_back(
              {fmt::format("/data/{}/understudy/state[{}]", name, check.first_row),
               fmt::format("the actions lead elsewhere from here on; at most {:.3g} off, in row {}",
                           check.worst_error, check.worst_row)});
        }
        progress.Advance(report.episodes);
        return !InterruptRequested();
      });
  progress.Finish(fmt::format("{} of {} bit-exact", report.bit_exact, report.episodes));
  return report;
}

}  // namespace understudy
