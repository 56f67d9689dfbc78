#include "mimic/sources/annotator.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/names.h"
#include "core/episode/attempt_record.h"
#include "core/seam/dataset_header.h"
#include "data/formats/base/mjcf.h"
#include "data/store/edit/replay.h"
#include "data/store/success_known.h"

namespace understudy {
namespace {

// Restored states lead to the recorded poses up to the rounding of formats and of robots' frames.
constexpr double kFits_m = 3e-3, kFits_rad = 0.03;

std::vector<std::string> Missing(const std::vector<std::string>& wanted,
                                 const std::vector<std::string>& have) {
  std::vector<std::string> missing;
  for (const std::string& name : wanted) {
    if (IndexOf(have, name) < 0) missing.push_back(name);
  }
  return missing;
}

// The object's pose at the start of every episode of `variant` (empty: of any); unset: it varies.
std::optional<Pose> FixedPlace(const TaskSpec& task, const std::string& object,
                               const std::string& variant) {
  std::optional<Pose> place;
  for (const auto& [name, ranges] : task.variants) {
    if (!variant.empty() && name != variant) continue;
    const PlacementRange* range = PlacementOf(ranges, object);
    if (range == nullptr) return std::nullopt;
    const Pose X_WO = PoseFromYaw(
        range->yaw[0], ranges.origin + Eigen::Vector3d(range->x[0], range->y[0], range->z));
    const bool varies =
        range->x[0] != range->x[1] || range->y[0] != range->y[1] || range->yaw[0] != range->yaw[1];
    if (varies || (place && !(*place == X_WO))) return std::nullopt;
    place = X_WO;
  }
  return place;
}

}  // namespace

Annotator::Annotator(const AnnotateOptions& options, const TaskSpec& task, const RobotSpec& robot,
                     const SimulatorFactory& simulators, const EpisodeSource& reader)
    : options_(options),
      task_(task),
      reader_(reader),
      translation_(reader.header().family.empty()
                       ? Translation()
                       : Translation(reader.header().family, &task, &robot)),
      header_(reader.header()),
      edits_(ReadReviewEdits(options.review, reader, task.subtasks.size())),
      counted_(CountedPredicates(reader.header())) {
  translation_.ToOurs(&header_);
  CheckTask(header_.simulator.task);
  CheckAttempts();
  if (!options.variant.empty()) VariantOf(task, options.variant);
  if (options.evidence == SignalEvidence::kPoses) {
    why_poses_ = "states were not asked for";
    return;
  }
  Require(simulators != nullptr, "states need a simulator");
  const std::unique_ptr<Simulator> simulator = simulators();
  info_ = simulator->info();
  const std::vector<std::string> joints = mjcf::JointsOf(header_.model_text);
  same_joints_ = !joints.empty() && joints == mjcf::JointsOf(simulator->ModelText());
  ProbeStates(*simulator);
}

void Annotator::EditHeader(DatasetHeader* header) const {
  header->simulator.signals = task_.signal_names();
  if (!Missing(task_.object_names(), header->simulator.objects).empty()) {
    header->simulator.objects = task_.object_names();
  }
  if (needs_simulator() && !foreign() && !same_predicates_) {
    header->simulator.state_size = info_.state_size;
  }
  header->task = ToJson(task_);
  // states that nobody looked at keep the counters that they were recorded with
  const bool kept = !foreign() && !needs_simulator() && header_.simulator.state_size > 0;
  if (kept && counted_ != header->task["predicates"]) {
    header->task[kCountedPredicates] = counted_;
  }
  header->parents = {reader_.content_hash().empty() ? FileHash(reader_.path())
                                                    : reader_.content_hash()};
  header->settings["annotated"] = {
      {"evidence", ToJson(options_.evidence)},
      {"debounce", options_.rules.debounce},
      {"judge", options_.judge},
      {"variant", options_.variant},
      {"review", options_.review.empty() ? "" : FileHash(options_.review)}};
}

Annotator::Outcome Annotator::Annotate(size_t index, Simulator* simulator, Episode* episode) const {
  Outcome outcome;
  const std::string& name = reader_.episodes()[index].name;
  CheckTask(episode->meta.task);
  CheckRows(name, *episode);
  outcome.why_poses = why_poses_;
  std::string& variant = episode->meta.variant;
  if (variant.empty()) variant = options_.variant;
  if (!options_.variant.empty() && variant != options_.variant) {
    Refuse(name, fmt::format("is of variant '{}', not '{}'", variant, options_.variant));
  }
  RevisitedEpisode states;
  std::map<std::string, Pose> fixed;
  if (foreign() || needs_simulator()) fixed = FixedPlaces(*episode);
  if (needs_simulator()) {
    states = RevisitEpisode(*simulator, *episode, same_predicates_, fixed);
    outcome.why_poses = WhyUnfit(states);
    // a dataset of ours has one size of states
    const bool must = options_.evidence == SignalEvidence::kStates || !foreign();
    if (must && !outcome.why_poses.empty()) {
      Refuse(name, outcome.why_poses + ": --evidence poses goes without states");
    }
  }
  outcome.restored = needs_simulator() && outcome.why_poses.empty();
  if (outcome.restored) {
    TakeSeen(states, episode);
  } else {
    TakeFixed(fixed, episode);
  }
  const std::vector<std::string> missing = Missing(task_.object_names(), episode->meta.objects);
  if (!missing.empty()) {
    const bool place = foreign() && variant.empty();
    Refuse(name, fmt::format("holds no poses of {}, and no states that hold them ({}): nothing "
                             "shows when subtasks end{}",
                             fmt::join(missing, ", "), outcome.why_poses,
                             place ? "; --variant says where fixed objects stand, where it always "
                                     "places them alike"
                                   : ""));
  }

  Annotation found = understudy::Annotate(
      task_, *episode, outcome.restored ? &states.seen : nullptr, options_.rules);
  outcome.judged = Judge(outcome.restored && !foreign() && !same_predicates_,
                         !foreign() || (outcome.restored && !fixed.empty()), &found, episode);
  Apply(index, static_cast<int>(episode->length()), &found);
  // an end that a person sets stands, whatever the gripper does
  if (edits_.lines.contains(index)) episode->meta.settings[kSignalsFrom] = "review";
  episode->meta.signals = task_.signal_names();
  for (size_t i = 0; i < CountInstants(*episode); ++i) {
    std::vector<uint8_t>& signals = ObservationAt(*episode, i).signals;
    signals.clear();
    for (const std::vector<uint8_t>& signal_I : found.signals_SI) signals.push_back(signal_I[i]);
  }
  outcome.review = {name, episode->meta.uuid, static_cast<int>(episode->length()),
                    std::move(found.ends)};
  return outcome;
}

void Annotator::Refuse(const std::string& name, const std::string& what) const {
  ThrowBadInput(fmt::format("{}: {}: {}", reader_.path().string(), name, what));
}

// Every row holds what the meta data promises.
void Annotator::CheckRows(const std::string& name, const Episode& episode) const {
  const EpisodeMeta& meta = episode.meta;
  if (meta.arms.empty()) Refuse(name, "holds no poses of an arm");
  for (size_t i = 0; i < CountInstants(episode); ++i) {
    const Observation& observation = ObservationAt(episode, i);
    if (observation.arms.size() != meta.arms.size() ||
        observation.X_WO.size() != meta.objects.size()) {
      Refuse(name, fmt::format("step {}: poses are missing", i));
    }
    if (i < episode.length() && episode.steps[i].action.arms.size() != meta.arms.size()) {
      Refuse(name, fmt::format("step {}: no action that is understood here", i));
    }
  }
}

void Annotator::CheckTask(const std::string& name) const {
  if (name == task_.name) return;
  const char* hint =
      foreign() ? " (if they are the same, say so in `foreign` of its task.yaml)" : "";
  ThrowBadInput(fmt::format("{}: is of task '{}', not of '{}'{}", reader_.path().string(), name,
                            task_.name, hint));
}

// The table of attempts goes with the header's objects.
void Annotator::CheckAttempts() const {
  const std::vector<std::string>& had = header_.simulator.objects;
  const std::vector<std::string> missing = Missing(task_.object_names(), had);
  if (foreign() || missing.empty()) return;
  bool started = false;
  reader_.VisitAttempts([&](const AttemptRecord& a) { started |= !a.X_WO_start.empty(); });
  if (!started) return;
  ThrowBadInput(fmt::format(
      "{}: its attempts say where {} started, but not {} of task '{}', and a table of attempts "
      "says all or none; `understudy data filter {} --out FILE` leaves the attempts out: annotate "
      "that",
      reader_.path().string(), fmt::join(had, ", "), fmt::join(missing, ", "), task_.name,
      reader_.path().string()));
}

// Objects that always stand at the same place join those that the episode stores, where that makes
// all of the task's.
void Annotator::TakeFixed(const std::map<std::string, Pose>& fixed, Episode* episode) const {
  const std::vector<std::string> had = episode->meta.objects, all = task_.object_names();
  const std::vector<std::string> missing = Missing(all, had);
  const auto stands = [&](const std::string& name) { return fixed.contains(name); };
  if (missing.empty() || had.empty() || !std::all_of(missing.begin(), missing.end(), stands))
    return;
  for (size_t i = 0; i < CountInstants(*episode); ++i) {
    Observation& observation = ObservationAt(*episode, i);
    std::vector<Pose> X_WO;
    for (const std::string& name : all) {
      const int place = IndexOf(had, name);
      X_WO.push_back(place < 0 ? fixed.at(name) : observation.X_WO.at(static_cast<size_t>(place)));
    }
    observation.X_WO = std::move(X_WO);
  }
  episode->meta.objects = all;
}

// Poses of objects that the episode does not store and that are the same in every episode of its
// variant.
std::map<std::string, Pose> Annotator::FixedPlaces(const Episode& episode) const {
  std::map<std::string, Pose> places;
  for (const std::string& object : Missing(task_.object_names(), episode.meta.objects)) {
    if (const auto place = FixedPlace(task_, object, episode.meta.variant)) places[object] = *place;
  }
  return places;
}

// Whether states of ours are those of the task; what the first episode says holds for all.
void Annotator::ProbeStates(Simulator& simulator) {
  if (foreign() || reader_.episodes().empty()) return;
  same_predicates_ =
      header_.simulator.state_size == info_.state_size && counted_ == ToJson(task_)["predicates"];
  const Episode first = reader_.ReadEpisode(0);
  CheckRows(reader_.episodes()[0].name, first);
  why_poses_ = WhyUnfit(RevisitEpisode(simulator, first, same_predicates_, FixedPlaces(first)));
  if (options_.evidence != SignalEvidence::kStates || why_poses_.empty()) return;
  Refuse(reader_.episodes()[0].name, why_poses_);
}

// Why restored states are not those of this scene; empty: they are.
std::string Annotator::WhyUnfit(const RevisitedEpisode& states) const {
  if (!states.problem.empty()) return states.problem;
  if (!foreign() && !same_predicates_ && states.states.size() < states.seen.size()) {
    return "its states are [time, qpos, qvel] alone, where this task's counters have no place";
  }
  if (!(states.position_error <= kFits_m && states.angle_error <= kFits_rad)) {
    return fmt::format(
        "its states lead to other poses than were recorded, by {:.1f} mm and {:.3f} "
        "rad: they are of another scene",
        1000 * states.position_error, states.angle_error);
  }
  // two cubes of another program may have changed places, and nothing would show
  const bool trusted = same_joints_ || options_.evidence == SignalEvidence::kStates;
  const bool compared = states.objects_compared == static_cast<int>(info_.objects.size());
  if (foreign() && !compared && !trusted) {
    return "its states have the size of ours, but neither poses of objects nor its model show "
           "that they mean the same: --evidence states takes them for that";
  }
  return "";
}

// Poses that the file lacks, and states with the counters of this task's predicates.
void Annotator::TakeSeen(const RevisitedEpisode& states, Episode* episode) const {
  const std::vector<std::string> had = episode->meta.objects;
  const bool objects = !Missing(info_.objects, had).empty();
  const bool counters = !foreign() && !same_predicates_;
  for (size_t i = 0; i < states.seen.size(); ++i) {
    Observation& observation = ObservationAt(*episode, i);
    if (objects) {
      std::vector<Pose> X_WO = states.seen[i].X_WO;
      for (size_t o = 0; o < had.size(); ++o) {
        const int place = IndexOf(info_.objects, had[o]);
        if (place >= 0) X_WO[static_cast<size_t>(place)] = observation.X_WO.at(o);
      }
      observation.X_WO = std::move(X_WO);
    }
    if (!counters) continue;
    (i < episode->length() ? episode->steps[i].state : episode->final_state) = states.states.at(i);
  }
  if (objects) episode->meta.objects = info_.objects;
}

// Success if the file does not store it, or if it is asked for. `rows_follow`: what rows say of the
// predicate is found anew even where the episode is not judged. `doubt`: a success that is stated
// but not seen is flagged. Returns whether it was judged.
bool Annotator::Judge(bool rows_follow, bool doubt, Annotation* found, Episode* episode) const {
  EpisodeMeta& meta = episode->meta;
  const std::string from = meta.settings.value("success_from", "");
  const bool stored = !from.starts_with("not told") && !from.starts_with("cannot");
  std::vector<std::string>& flags = found->ends.back().flags;
  const bool wanted = !stored || options_.judge;
  if (wanted && !found->success_I) {
    flags.push_back("success is not known: set it with data relabel --success");
  }
  if (!found->success_I) return false;
  for (size_t i = 0; (wanted || rows_follow) && i < found->success_I->size(); ++i) {
    ObservationAt(*episode, i).success = (*found->success_I)[i] != 0;
  }
  const bool success = found->success_I->back() != 0;
  if (!wanted) {
    if (doubt && meta.success && !success) {
      flags.push_back(
          fmt::format("a success, but '{}' does not hold at its end: --judge takes "
                      "that for none",
                      task_.success));
    }
    return false;
  }
  SetSuccess(success, meta);
  meta.cause = success ? "" : fmt::format("'{}' does not hold at the end", task_.success);
  meta.settings["success_from"] = "the task's predicate";
  flags.push_back(success ? "judged a success" : "judged no success: " + meta.cause);
  return true;
}

void Annotator::Apply(size_t index, int length, Annotation* found) const {
  const auto lines = edits_.lines.find(index);
  if (lines == edits_.lines.end()) return;
  std::vector<std::optional<WantedEnd>> wanted(found->ends.size());
  for (const auto& [subtask, line] : lines->second) wanted[subtask] = line.wanted;
  const int debounce = options_.rules.debounce;
  if (const auto refused = RefuseEnds(task_, *found, wanted, length, debounce)) {
    edits_.Refuse(lines->second.at(refused->subtask), refused->why);
  }
  ApplyEnds(task_, wanted, length, debounce, found);
}

}  // namespace understudy
