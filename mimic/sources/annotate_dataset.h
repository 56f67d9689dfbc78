#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/seam/simulator.h"
#include "core/spec/robot_spec.h"
#include "core/spec/task_spec.h"
#include "data/store/read_options.h"
#include "mimic/sources/review.h"

namespace understudy {

// What signals are read from.
enum class SignalEvidence {
  kBest,    // states where they fit this task's scene, else poses
  kStates,  // states, or the demonstrations are refused
  kPoses,   // poses and the gripper alone, without a simulator
};
template <>
struct EnumNames<SignalEvidence> {
  static constexpr std::array kNames{"best", "states", "poses"};
};

struct AnnotateOptions {
  std::string path, out;
  std::string review;  // table whose ends count; empty: none
  SignalEvidence evidence = SignalEvidence::kBest;
  AnnotateRules rules;
  bool judge = false;     // recompute success even if the file stores it
  std::string variant;    // reset distribution of episodes that store none; empty: unknown
  double control_hz = 0;  // for files that store none, Hz; 0: use the stored rate
  bool overwrite = false;
  bool dry = false;  // look only: write nothing
  int threads = 0;   // 0: one per core
  ReadOptions read;  // how the dataset is read; its control_hz is that above
};

// How poses and states agree on the ends of one signal's subtask.
struct EndAgreement {
  int64_t ends = 0;    // that states found
  int64_t missed = 0;  // of them poses found none
  int64_t exact = 0, within_one = 0, within_two = 0;
  int worst = 0;   // steps, the largest difference
  double sum = 0;  // of the differences, poses minus states
};

struct AnnotateReport {
  std::string review_file;  // the table, beside the output
  std::vector<DemoReview> demos;
  int64_t restored = 0;   // demonstrations whose states were used
  int64_t judged = 0;     // whose success was found
  std::string why_poses;  // why the first demonstration without states had none; empty: all had
  std::map<std::string, EndAgreement> agreement;  // by signal, where both are known
  std::map<std::string, std::string> renamed;     // demonstrations: from, to

  Json ToJson() const;
};

// Finds the signals of `task` in every demonstration of options.path and writes them, everything
// else unchanged, as a new dataset of ours, with options.path as its parent and the review beside
// it. Episodes keep their uuids, and their names where those are demo_<i>. Of a dataset of ours
// that was made with other predicates, the states get the counters of the new ones. Another
// program's file is imported (ImportForeign), with poses of objects from its states where it has
// none itself, and of fixed objects from where the episode's reset distribution always places them.
// `robot` translates its frames; `simulators` make the task's twin and may be empty for
// SignalEvidence::kPoses. Throws Error(kUsage) without path or output, where that exists, and for
// an unknown variant; Error(kBadInput) for a dataset of another task, one that holds neither poses
// of the objects nor states that fit, one whose attempts started with other objects than the
// task's, and a review that does not fit the dataset, naming its line.
AnnotateReport AnnotateDataset(const AnnotateOptions& options, const TaskSpec& task,
                               const RobotSpec& robot, const SimulatorFactory& simulators,
                               Progress& progress);

}  // namespace understudy
