// teleop with the scripted operator, in a task of one's own.
#include <fmt/format.h>

#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

class Teleop : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    fs::copy(kSource + "/sim/tasks/stack", folder_ / "mine", fs::copy_options::recursive);
    for (const char* file : {"mine/task.yaml", "mine/scene.xml"}) {
      Change(file, "../shared", kSource + "/sim/tasks/shared");
    }
  }
  void Change(const std::string& file, const std::string& from, const std::string& to) const {
    Write(file, Replaced(ReadText(folder_ / file), from, to));
  }
};

TEST_F(Teleop, APageIsNotWaitedForInVain) {
  Write("there.h5", "somebody's own");
  for (const char* device : {"page", "webxr"}) {
    const CommandResult result =
        Run(fmt::format("teleop --task stack --device {} --demos 1 --out there.h5", device));
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.output, HasSubstr("there.h5: exists: extend it with --append"));
    EXPECT_THAT(result.output, Not(HasSubstr("live: http"))) << "before the page is opened";
  }
  Expect("teleop --task stack --device page --demos 1 --out a.h5 --wait-for-headset-s 0.2", 1,
         "no page moved the hand within 0.2 s: open http://127.0.0.1:");
  Expect("teleop --task stack --device webxr --demos 1 --out a.h5 --wait-for-headset-s 0.2", 1,
         "no headset moved the hand within 0.2 s");
}

TEST_F(Teleop, SaysWhyAttemptsFailed) {
  const std::string record =
      "teleop --task mine --demos 1 --max-attempts 1 --record.keep-failed --quiet --out ";
  // the finger stays open
  Change("mine/operator.yaml", "trigger: close", "trigger: keep");
  const std::string missed = "phase 'lift': 'grasp' did not hold after 3 tries";
  Expect(record + "a.h5", 1, "  attempt 0 failed: " + missed + "\n");
  const CommandResult told = Run(record + "b.h5 --json");
  const Json attempt = Json::parse(told.output).at("attempts").at(0);
  EXPECT_EQ(attempt.at("attempt"), 0);
  EXPECT_EQ(attempt.at("cause"), missed);
  Expect("data info a.h5.episodes/attempt_0.h5", 0, missed);
  // not enough time
  Expect(record + "c.h5 --record.max-seconds 2", 1, "time limit of 40 steps in phase '");
}

// Two operators record a plan into one folder; each has a file for every task, and is somebody in
// it.
TEST_F(Teleop, ASessionOfAPlan) {
  Write("plan.yaml",
        "seed: 4\n"
        "tasks:\n"
        "- {task: stack, demos: 2, instruction: put red on green}\n"
        "- {task: mine/task.yaml, variant: D1, demos: 1}\n");
  const std::string session = "teleop --session plan.yaml --out recorded ";
  const Json plan = Json::parse(Run(session + "--operator ada --plan --json").output);
  EXPECT_EQ(plan["tasks"][1]["out"], "recorded/mine_D1/ada.h5");
  EXPECT_EQ(plan["tasks"][0]["demos"], 2);
  Expect(session, 2, "say --operator NAME");
  Expect(session + "--operator a/b", 2, "operator = 'a/b': letters, digits");
  EXPECT_FALSE(fs::exists(folder_ / "recorded"));

  Expect(session + "--operator ada --station lab1", 0, "stack_D0: recorded/stack_D0/lab1_ada.h5");
  Expect(session + "--operator bo --station lab1", 0, "mine_D1: recorded/mine_D1/lab1_bo.h5");
  // again: what is there is left alone, or extended
  Expect(session + "--operator ada --station lab1", 0,
         "stack_D0: is recorded (recorded/stack_D0/lab1_ada.h5); --append adds 2 more");
  Expect(session + "--operator ada --station lab1 --append", 0, "it has 4 demonstrations now");
  Expect("data merge recorded/stack_D0/lab1_ada.h5 recorded/stack_D0/lab1_bo.h5 --out all.h5", 0,
         "");
  const Json info = Json::parse(Run("data info all.h5 --by operator --json").output);
  EXPECT_EQ(info["by_operator"]["ada"]["episodes"], 4);
  EXPECT_EQ(info["by_operator"]["bo"]["attempts"]["succeeded"], 2);
  const Json by = Json::parse(Run("data info all.h5 --by instruction --json").output);
  EXPECT_EQ(by["by_instruction"]["put red on green"]["episodes"], 6);
}

TEST_F(Teleop, APlanThatCannotBeSaysAllThatIsWrong) {
  const std::string session = "teleop --session plan.yaml --operator ada --out recorded";
  Write("plan.yaml", "tasks: [{task: stack}, {task: stack}, {task: stack, name: a/b}]\n");
  Expect(session, 3, "tasks[1]: 'stack_D0' is there twice");
  Expect(session, 3, "tasks[2].name = 'a/b'");
  Write("plan.yaml", "tasks: []\n");
  Expect(session, 3, "tasks: none is named");
  Write("plan.yaml", "tasks: [{taks: stack}]\n");
  Expect(session, 3, "taks");
  Write("plan.yaml", "tasks: [{task: stack, variant: D9}]\n");
  Expect(session, 2, "D9");
}

// Killed without warning, again and again, a session ends with the starts of one that was not.
TEST_F(Teleop, KillsSkipNoStart) {
  const std::string record = "teleop --task stack --demos 4 --cover 3 --seed 3 --quiet --out ";
  Expect(record + "whole.h5", 0, "4 demonstrations");
  int killed = 0;
  CommandResult last;
  for (int round = 0; round < 60 && !fs::exists(folder_ / "cut.h5"); ++round) {
    // later rounds last longer, so that it comes to an end on any machine
    last = RunShell("cd " + folder_.string() + " && timeout --signal=KILL " +
                    std::to_string(0.1 + 0.03 * round) + " " + kProgram + " " + record +
                    "cut.h5 2>&1");
    killed += last.exit_code == 137;
    ASSERT_TRUE(last.exit_code == 137 || last.exit_code == 0) << last.output;
  }
  EXPECT_GT(killed, 2);
  ASSERT_TRUE(fs::exists(folder_ / "cut.h5")) << last.output;
  // the same demonstrations; the clock that their samples carry is each run's own
  const DatasetReader whole(folder_ / "whole.h5"), cut(folder_ / "cut.h5");
  ASSERT_EQ(cut.episodes().size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(cut.episodes()[i].uuid, whole.episodes()[i].uuid);
}

// An operator.yaml that was mended starts over, a robot.yaml likewise.
TEST_F(Teleop, AChangedOperatorDoesNotGoOnWithAnothersAttempts) {
  const std::string record = "teleop --task mine --demos 1 --max-attempts 1 --out a.h5 ";
  const std::string operator_yaml = ReadText(folder_ / "mine/operator.yaml");
  Change("mine/operator.yaml", "trigger: close", "trigger: keep");
  Expect(record, 1, "attempt 0 failed");
  Write("mine/operator.yaml", operator_yaml);
  Expect(record, 3, "other settings (operator): start over with --overwrite");
  Expect(record + "--overwrite", 0, "1 demonstrations");
}

}  // namespace
}  // namespace understudy
