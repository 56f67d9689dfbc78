#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "teleop/recorder.h"

namespace understudy {

// `understudy teleop`: a session of recording.
struct TeleopOptions {
  std::string variant = "D0";
  uint64_t seed = 1;
  int demos = 10;
  int max_attempts = 0;
  RecordOptions record;
  std::string operator_name, station;
  int cover = 0;
  std::vector<std::string> covered;
  std::string out;
  bool append = false;
  bool overwrite = false;
  static constexpr std::array kUnwritten{"operator", "station", "cover", "covered", "append"};
  template <class V>
  void Visit(V& v) {
    v("variant", variant, "reset distribution of the task");
    v("seed", seed, "the start of attempt i depends on (seed, i) only");
    v("demos", demos, "demonstrations to accept", Limits{1, 100000});
    v("max_attempts", max_attempts, "at most so many, earlier sessions included; 0: 10 + 5 demos",
      Limits{0, 1000000});
    v("record", record, "how an attempt is recorded");
    v("operator", operator_name,
      "who records: stored with every episode, and draws starts of their own");
    v("station", station, "where: as operator");
    v("cover", cover,
      "starts come first from parts of the reset range, so many per axis of every object, in which "
      "the fewest demonstrations began; 0: as they are drawn",
      Limits{0, 100});
    v("covered", covered, "further datasets whose demonstrations count for --cover");
    v("out", out, "dataset to write", kRequired, kOutput);
    v("append", append, "add to the dataset if it exists; --demos counts those that are added",
      Effect::kPlace);
    v("overwrite", overwrite,
      "replace an existing dataset, and the attempts of an unfinished session with other settings, "
      "task, scene, robot or operator",
      Effect::kPlace);
  }
};

struct TeleopReport {
  std::string out;
  bool complete = false;
  std::string stopped;  // why it ended early, in words; empty where complete
  int64_t kept_before = 0;
  std::vector<RecordOutcome> attempts;
  std::string set_aside;
  std::vector<std::string> salvaged;
  int64_t demonstrations = 0;
  int64_t in_dataset = 0;  // with those of the dataset that was extended; 0: none was
  Json board = Json::object();
  double recorded_s = 0;
  double wall_s = 0;  // outside any content hash
  double worst_replay_error = 0;
  template <class V>
  void Visit(V& v) {
    v("out", out, "dataset");
    v("complete", complete, "the dataset was written");
    v("stopped", stopped, "why not");
    v("kept_before", kept_before, "demonstrations of earlier sessions");
    v("attempts", attempts, "of this session");
    v("set_aside", set_aside, "folder of attempts that are not in the dataset");
    v("salvaged", salvaged, "recovered from a killed session");
    v("demonstrations", demonstrations, "in all");
    v("in_dataset", in_dataset, "with those that stood in the extended dataset");
    v("board", board, "how this session went");
    v("recorded_s", recorded_s, "s of demonstrations, simulated");
    v("wall_s", wall_s, "s that it took");
    v("worst_replay_error", worst_replay_error, "of any state of any demonstration");
  }
};

// Whether a session may write to `out`: to be asked before somebody puts on a headset. Throws
// Error(kUsage) where it may not.
void CheckTeleopOutput(const TeleopOptions& options);

// All that RunTeleop checks before it records, for the same reason. Returns how many demonstrations
// there are already. Throws as it does.
int64_t CheckTeleop(const TeleopOptions& options, const TaskSpec& task, const Simulator& simulator,
                    const Json& made_with = Json::object());

// Records until `demos` demonstrations are accepted. Every attempt is a file of its own in the
// folder <out>.episodes; at the end the demonstrations are merged into `out` (atomically), the
// folder is removed, and attempts that are not in it move to <out>.set_aside. With `append` a
// dataset that exists is extended. A session that ended early, by a button, a signal or a kill,
// resumes where it stopped when it is run again with the same settings; whole rows of a killed
// attempt are salvaged and reported. The next attempt begins while the last is written and, by
// `checker`, replayed. `made_with`: what else must be the same for that, by name. Throws
// Error(kUsage) if `out` exists, Error(kBadInput) if the folder belongs to other settings; with
// `overwrite` both are replaced. `announcer` informs the operator.
TeleopReport RunTeleop(const TeleopOptions& options, const TaskSpec& task, Simulator& simulator,
                       Simulator& checker, TeleopDevice& device, Pacer& pacer, Progress& progress,
                       Announcer& announcer, const Json& made_with = Json::object());

}  // namespace understudy
