#pragma once

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
  std::string out;
  bool overwrite = false;
  template <class V>
  void Visit(V& v) {
    v("variant", variant, "reset distribution of the task");
    v("seed", seed, "the start of attempt i depends on (seed, i) only");
    v("demos", demos, "demonstrations to accept", Limits{1, 100000});
    v("max_attempts", max_attempts, "at most so many, earlier sessions included; 0: 10 + 5 demos",
      Limits{0, 1000000});
    v("record", record, "how an attempt is recorded");
    v("out", out, "dataset to write", kRequired, kOutput);
    v("overwrite", overwrite,
      "replace an existing dataset, and the attempts of an unfinished session with other settings, "
      "task, scene, robot or operator",
      Effect::kPlace);
  }
};

struct TeleopReport {
  std::string out;
  bool complete = false;                // `out` was written
  std::string stopped;                  // why it ended early, in words; empty where complete
  int64_t kept_before = 0;              // demonstrations of earlier sessions
  std::vector<RecordOutcome> attempts;  // of this session
  std::string set_aside;                // folder of attempts that are not in `out`; empty: none
  std::vector<std::string> salvaged;    // attempts recovered from a killed session, one line each
  int64_t demonstrations = 0;           // in all
  double recorded_s = 0;                // simulated seconds of this session's demonstrations
  double wall_s = 0;                    // outside any content hash
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
    v("recorded_s", recorded_s, "s of demonstrations, simulated");
    v("wall_s", wall_s, "s that it took");
    v("worst_replay_error", worst_replay_error, "of any state of any demonstration");
  }
};

// Whether a session may write to `out`: to be asked before somebody puts on a headset. Throws
// Error(kUsage) where it may not.
void CheckTeleopOutput(const TeleopOptions& options);

// Records until `demos` demonstrations are accepted. Every attempt is a file of its own in the
// folder <out>.episodes; at the end the demonstrations are merged into `out` (atomically), the
// folder is removed, and attempts that are not in it move to <out>.set_aside. A session that ended
// early, by a button, a signal or a kill, resumes where it stopped when it is run again with the
// same settings; whole rows of a killed attempt are salvaged and reported. `made_with`: what else
// must be the same for that, by name. Throws Error(kUsage) if `out` exists, Error(kBadInput) if the
// folder belongs to other settings; with `overwrite` both are replaced. The operator is told by
// `announcer`.
TeleopReport RunTeleop(const TeleopOptions& options, const TaskSpec& task, Simulator& simulator,
                       TeleopDevice& device, Pacer& pacer, Progress& progress, Announcer& announcer,
                       const Json& made_with = Json::object());

}  // namespace understudy
