// What data annotate refuses, and what it does not claim.
#include <fmt/format.h>

#include <cmath>

#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"
#include "data/store/edit/replay.h"
#include "data/store/edit/select.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/mimic/annotate_fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

class AnnotateFaults : public AnnotateDatasetTest {};

// Poses do not tell for how long something was held: the states keep their counters, and the file
// says whose they are, until somebody looks at the states.
TEST_F(AnnotateFaults, CountersThatNobodyLookedAtStayThoseOfTheRecording) {
  TaskSpec changed = task_;
  std::get<HeldPredicate>(changed.predicates["stacked"]).of = "grasp";
  std::get<HeldPredicate>(changed.predicates["stacked"]).steps = 4;
  changed.subtasks[0].signal = "stacked";
  options_.path = File("full.h5");
  options_.evidence = SignalEvidence::kPoses;
  Run(changed);
  {
    const DatasetReader poses(options_.out);
    EXPECT_EQ(CountedPredicates(poses.header()), ToJson(task_)["predicates"]);
    EXPECT_EQ(poses.ReadEpisode(0).final_state, demos_[0].final_state);
    EXPECT_TRUE(VerifyDataset(options_.out).faults.empty());
    // nor can they be replayed as what they are not
    Progress quiet;
    const auto replay = [&](const TaskSpec& task) {
      const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
      return VerifyReplay(*OpenDataset(options_.out), simulator->info(), FakeSimulatorFactory(task),
                          {.predicates = ToJson(task)["predicates"]}, quiet);
    };
    EXPECT_EQ(replay(task_).bit_exact, kDemos);
    try {
      replay(changed);
      ADD_FAILURE() << "was replayed";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("--evidence states"));
    }
  }
  // annotated from poses again, they still are what they were
  options_.path = File("out.h5");
  options_.out = File("again.h5");
  Run(changed);
  EXPECT_EQ(CountedPredicates(DatasetReader(options_.out).header()), ToJson(task_)["predicates"]);
  // from states, they become what recording under the changed task would have written
  options_.path = File("again.h5");
  options_.out = File("states.h5");
  options_.evidence = SignalEvidence::kStates;
  Run(changed);
  const DatasetReader made(options_.out);
  EXPECT_EQ(made.header().task, ToJson(changed));
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(changed);
  for (size_t e = 0; e < kDemos; ++e) {
    const Episode wanted = ScriptedStack(*simulator, changed, "D0",
                                         RngKey{.seed = 77}.WithParent(static_cast<uint64_t>(e)));
    const Episode got = made.ReadEpisode(e);
    EXPECT_EQ(got.final_state, wanted.final_state);
    for (size_t i = 0; i < CountInstants(wanted); ++i) {
      ASSERT_EQ(ObservationAt(got, i).signals, ObservationAt(wanted, i).signals) << i;
    }
  }
}

// Poses of an object come from states, but none of where the attempts started.
TEST_F(AnnotateFaults, AttemptsOfOtherObjectsAreRefused) {
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
  DatasetHeader header;
  header.simulator = simulator->info();
  header.simulator.objects = {"cubeA"};
  header.task = ToJson(task_);
  const auto store = [&](const std::vector<Pose>& X_WO_start) {
    DatasetWriter writer(File("lacks.h5"), header, {.overwrite = true});
    writer.AppendAttempt({.attempt = 3, .cause = "dropped", .X_WO_start = X_WO_start});
    for (Episode demo : demos_) {
      demo.meta.objects = {"cubeA"};
      for (size_t i = 0; i < CountInstants(demo); ++i) ObservationAt(demo, i).X_WO.resize(1);
      writer.Append(demo);
    }
    writer.Finish();
  };
  options_.path = File("lacks.h5");
  store({Pose()});
  for (const bool dry : {true, false}) {
    options_.dry = dry;
    EXPECT_THAT(Refused(), HasSubstr("its attempts say where cubeA started, but not cubeB"));
  }
  // as the message says
  Progress quiet;
  FilterDataset(options_.path, File("filtered.h5"), {}, quiet);
  options_.path = File("filtered.h5");
  Run();
  const Episode made = DatasetReader(options_.out).ReadEpisode(1);
  EXPECT_EQ(made.meta.objects, task_.object_names());
  EXPECT_EQ(made.steps[7].observation.X_WO, demos_[1].steps[7].observation.X_WO);
  // attempts that do not tell where they started come over
  options_.path = File("lacks.h5");
  options_.overwrite = true;
  store({});
  Run();
  EXPECT_EQ(DatasetReader(options_.out).attempts().at(0).cause, "dropped");
}

// A wish for one subtask has nothing to do with a signal that rises in the last row.
TEST_F(AnnotateFaults, AnEdgeInTheLastRowIsNoWish) {
  std::vector<Episode> demos = demos_;
  Episode& cut = demos[1];
  size_t first = 0;
  while (cut.steps.at(first).observation.signals[0] == 0) ++first;
  // the tenth row of the grasp is the last
  cut.final_state = cut.steps.at(first + 10).state;
  cut.final_observation = cut.steps[first + 10].observation;
  cut.steps.resize(first + 10);
  for (Episode& demo : demos) Strip(&demo);
  Store(demos, "late.h5");
  task_.subtasks.push_back(task_.subtasks[1]);
  task_.subtasks[1].signal = "late";
  task_.predicates["late"] = HeldPredicate{"grasp", 10};
  options_.path = File("late.h5");
  options_.rules.debounce = 1;
  options_.review =
      Edited(fmt::format("demo,uuid,subtask,end\ndemo_1,{},0,{}\n", demos[1].meta.uuid, first + 3));
  const AnnotateReport report = Run();
  EXPECT_EQ(report.demos[1].ends[1].end, static_cast<int>(first + 10));
  EXPECT_EQ(report.demos[1].ends[0].end, static_cast<int>(first + 3));
}

TEST_F(AnnotateFaults, AReviewThatDoesNotFitNamesItsLine) {
  const std::string head = "demo,uuid,subtask,end\n", uuid = demos_[1].meta.uuid;
  const auto refused = [&](const std::string& lines) {
    options_.review = Edited(head + lines);
    return Refused();
  };
  EXPECT_THAT(refused("demo_9," + uuid + ",0,20\n"), HasSubstr("edited.csv:2: demo_9: "));
  EXPECT_THAT(refused("demo_0," + uuid + ",0,20\n"), HasSubstr("is of another dataset"));
  EXPECT_THAT(refused("demo_1," + uuid + ",0,20\ndemo_1," + uuid + ",0,21\n"),
              HasSubstr("edited.csv:3: demo_1: subtask 0 stands in line 2 already"));
  EXPECT_THAT(refused("\ndemo_1," + uuid + ",0,2000\n"),
              HasSubstr("edited.csv:3: demo_1: end 2000 lies outside [2, "));
  EXPECT_THAT(refused("demo_1," + uuid + ",2,20\n"), HasSubstr("subtask 2 of a task with 2"));
  EXPECT_THAT(refused("demo_1," + uuid + ",1,20\n"), HasSubstr("ends with the demonstration"));
  options_.review = File("nowhere.csv");
  EXPECT_THAT(Refused(), HasSubstr("nowhere.csv"));
}

TEST_F(AnnotateFaults, WrongInputsAreNamed) {
  TaskSpec other = task_;
  other.name = "another";
  EXPECT_THAT(Refused(ErrorKind::kBadInput, other),
              HasSubstr("is of task 'fake_stack', not of 'another'"));
  // states that are none, or of another scene
  std::vector<Episode> demos = demos_;
  demos[3].steps[7].state[2] = std::nan("");
  Store(demos, "nan.h5");
  options_.path = File("nan.h5");
  EXPECT_THAT(Refused(), HasSubstr("demo_3: the state holds a non-finite value: --evidence poses"));
  demos = demos_;
  for (Step& step : demos[0].steps) step.state[2] += 0.01;
  Store(demos, "moved.h5");
  options_.path = File("moved.h5");
  EXPECT_THAT(Run().why_poses, HasSubstr("by 10.0 mm"));
  options_.overwrite = true;
  options_.evidence = SignalEvidence::kStates;
  EXPECT_THAT(Refused(), HasSubstr("demo_0: its states lead to other poses"));
  // files
  options_.path = File("bare.h5");
  options_.overwrite = false;
  EXPECT_THAT(Refused(ErrorKind::kUsage), HasSubstr("exists"));
  options_.path.clear();
  EXPECT_THAT(Refused(ErrorKind::kUsage), HasSubstr("path"));
}

}  // namespace
}  // namespace understudy
