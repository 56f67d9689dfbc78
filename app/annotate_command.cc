// data annotate: subtask signals for recordings that have none.
#include <fmt/format.h>

#include "app/data_commands.h"
#include "app/joint_robot.h"
#include "app/say_skipped.h"
#include "app/twin.h"
#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"
#include "mimic/sources/annotate_dataset.h"

namespace understudy {
namespace {

struct AnnotateFlags {
  std::string task, robot;
  AnnotateOptions options;
  template <class V>
  void Visit(V& v) {
    v("path", options.path, "dataset of any known program", kRequired);
    v("task", task, "listed task or path of a task.yaml; empty: the dataset's own");
    v("robot", robot, "listed robot or path of a robot.yaml; empty: the dataset's own");
    v("out", options.out, "dataset to write; the table goes to OUT.review.csv", kRequired, kOutput);
    v("review", options.review,
      "table of an earlier run with changed ends (a step, or skip): its ends count");
    v("evidence", options.evidence,
      "states: restore them in the simulator and ask the task's predicates; poses: infer from "
      "the gripper and from how objects move; best: states where they fit");
    v("debounce", options.rules.debounce, "steps that a signal must stay to end a subtask",
      Limits{1, 1000});
    v("tolerance", options.rules.tolerance,
      "steps that states and poses may differ by without a flag", Limits{0, 1e6});
    v("judge", options.judge, "recompute success even if the file stores it");
    v("variant", options.variant,
      "reset distribution for files that store none: where their fixed objects stand");
    v("control_hz", options.control_hz,
      "control rate for files that store none, Hz; 0: the stored rate", Limits{0, 1000});
    v("threads", options.threads, "0: one per core", Limits{0, 4096}, Effect::kSpeed);
    v("overwrite", options.overwrite, "replace output and table where they exist", Effect::kPlace);
    options.read.Visit(v);
  }
};

Json Run(const AnnotateFlags& flags, CommandContext& context) {
  AnnotateOptions options = flags.options;
  Given(options.path, "annotate", "path");
  options.dry = context.plan;
  if (!options.dry) Given(options.out, "annotate", "out");
  options.read.joint_robot = JointRobotFor(flags.task, flags.robot);
  const auto source = OpenDataset(options.path, options.read);
  SayPosesOfJoints(*source, *context.progress);
  const std::string robot = RobotOfJoints(*source, flags.task, flags.robot);
  // poses need no simulator, and so no program that has one
  TaskSpecs specs;
  SimulatorFactory simulators;
  if (options.evidence == SignalEvidence::kPoses) {
    specs = LoadSpecsOf(*source, flags.task, robot);
  } else {
    const Twin twin = LoadTwinOf(*source, flags.task, robot);
    specs = {twin.task, twin.robot};
    simulators = twin.simulators;
  }
  const AnnotateReport report =
      AnnotateDataset(options, specs.task, specs.robot, simulators, *context.progress);
  Json result{{"out", options.dry ? "" : options.out}};
  result.update(report.ToJson());
  return result;
}

// The review in a result.
std::vector<DemoReview> DemosOf(const Json& result) {
  std::vector<DemoReview> demos;
  for (const Json& row : result["demos"]) {
    DemoReview demo{row["demo"], row["uuid"], row["steps"], {}};
    const auto end_of = [](const Json& end) { return end.is_null() ? -1 : end.get<int>(); };
    for (const Json& subtask : row["subtasks"]) {
      SubtaskEnd end{.signal = subtask["signal"],
                     .end = end_of(subtask["end"]),
                     .confidence = subtask["confidence"],
                     .evidence = subtask["evidence"],
                     .flags = subtask["flags"],
                     .skipped = subtask.contains("skipped")};
      if (subtask.contains("poses_end")) end.inferred = end_of(subtask["poses_end"]);
      demo.ends.push_back(std::move(end));
    }
    demos.push_back(std::move(demo));
  }
  return demos;
}

std::string DescribeAnnotation(const Json& result) {
  std::string text = ReviewToText(DemosOf(result));
  text += fmt::format(
      "{} demonstrations: {} by restored states, {} with every end, {} with flags{}\n",
      result["demonstrations"].dump(), result["restored"].dump(), result["complete"].dump(),
      result["flagged"].dump(),
      result["judged"] == 0 ? "" : fmt::format(", success found for {}", result["judged"].dump()));
  if (result.contains("no_states")) {
    text += "by poses, since " + result["no_states"].get<std::string>() + "\n";
  }
  text += RenamedToText(result);
  if (result["review"] == "") return text;
  text += fmt::format("table: {} (change ends or write skip, then --review it)\n",
                      result["review"].get<std::string>());
  return text;
}

}  // namespace

Command AnnotateCommand() {
  return MakeCommand<AnnotateFlags>(
      "data annotate",
      "the signals that end a task's subtasks, found in recordings without them, as a new dataset "
      "with a table to look over (a data command: dataset in, dataset out, like filter and trim)",
      Run, DescribeAnnotation);
}

}  // namespace understudy
