// teleop with the scripted operator, in a task of one's own.
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
    EXPECT_THAT(result.output, HasSubstr("there.h5: exists: choose another --out"));
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
