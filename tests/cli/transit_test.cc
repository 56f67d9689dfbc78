// Planned transits from nothing: demonstrated, multiplied along free ways, replayed.
#include "core/episode/attempt_record.h"
#include "data/store/reader.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

class PlannedTransits : public Cli {
 protected:
  Json Mimic(const std::string& arguments, const std::string& out) const {
    const CommandResult made =
        Run("mimic --source sources.h5 --task square --variant D1 --seed 7 " + arguments +
            " --out " + out + " --json --quiet");
    EXPECT_EQ(made.exit_code, 0) << made.output;
    return made.exit_code == 0 ? Json::parse(made.output) : Json();
  }
  std::string Hash(const std::string& dataset) const {
    return DatasetReader(folder_ / dataset).content_hash();
  }
  // Episodes and attempts of both, in order.
  void ExpectSameRows(const std::string& one, const std::string& other) const {
    const DatasetReader a(folder_ / one), b(folder_ / other);
    ExpectSameEpisodes(a, b);
    const std::vector<AttemptRecord> p = a.attempts(), q = b.attempts();
    ASSERT_EQ(p.size(), q.size());
    for (size_t i = 0; i < p.size(); ++i) {
      EXPECT_EQ(p[i].attempt, q[i].attempt);
      EXPECT_EQ(p[i].cause, q[i].cause) << i;
      EXPECT_EQ(p[i].steps, q[i].steps) << i;
    }
  }
  Json Subtasks(const std::string& dataset) const {
    return DatasetReader(folder_ / dataset).header().settings.at("subtasks");
  }
};

// SkillGen's published rate on Square D2 is 87.7 %; the interval of 30 attempts on D1 must hold it.
TEST_F(PlannedTransits, GenerateReplayAndEndTheSameHoweverTheyRun) {
  Expect("teleop --task square --demos 5 --seed 1 --out sources.h5", 0, "5 demonstrations");
  const Json report = Mimic("--transit plan --attempts 30 --threads 1", "one.h5");
  EXPECT_GE(report.at("interval")[1].get<double>(), 0.877) << report.dump();
  EXPECT_GE(report.at("rate").get<double>(), 0.5) << report.dump();
  Expect("data verify one.h5 --replay", 0, "");
  Mimic("--transit plan --attempts 30 --threads 3", "three.h5");
  EXPECT_EQ(Hash("one.h5"), Hash("three.h5"));

  // parts of the run, merged, are the run
  for (const char* shard : {"0/2", "1/2"}) {
    Mimic(std::string("--transit plan --attempts 30 --shard ") + shard, "part.h5");
  }
  Expect("data merge part.shard-000-of-002.h5 part.shard-001-of-002.h5 --out merged.h5", 0, "");
  ExpectSameRows("one.h5", "merged.h5");

  // killed without warning, again and again, it ends the same
  int killed = 0, went_on = 0;
  CommandResult last;
  for (int round = 0; round < 60; ++round) {
    // later rounds last longer, so that it comes to an end on any machine
    last = RunShell("cd " + folder_.string() + " && timeout --signal=KILL " +
                    std::to_string(0.2 + 0.15 * round) + " " + kProgram +
                    " mimic --source sources.h5 --task square --variant D1 --seed 7 --transit plan "
                    "--attempts 30 --out cut.h5 --quiet 2>&1");
    went_on += last.output.find("resuming cut.h5 at attempt ") != std::string::npos;
    if (last.exit_code == 0) break;
    ASSERT_EQ(last.exit_code, 137) << last.output;
    ++killed;
    // it may die after its last step, which names the dataset, and before it has said so
    if (std::filesystem::exists(folder_ / "cut.h5")) break;
  }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "cut.h5")) << last.output;
  EXPECT_GT(killed, 1);
  EXPECT_GT(went_on, 0);
  EXPECT_EQ(Hash("one.h5"), Hash("cut.h5"));

  // the dataset tells how it was made
  Mimic("--attempts 2", "bridged.h5");
  Mimic(
      "--transit plan --start-shift 0.02 --start-turn 0.2 --action-noise 0.04 "
      "--noise-correlation 0.9 --held-share 0.5 --attempts 2",
      "beside.h5");
  for (const Json& subtask : Subtasks("one.h5")) {
    EXPECT_EQ(subtask.at("transit"), "plan");
    EXPECT_FALSE(subtask.contains("start_shift"));
  }
  for (const Json& subtask : Subtasks("bridged.h5")) {
    EXPECT_FALSE(subtask.contains("transit"));
  }
  // the nut over the peg with half of it
  const Json beside = Subtasks("beside.h5");
  for (size_t i = 0; i < 2; ++i) {
    const double share = i == 0 ? 1 : 0.5;
    EXPECT_EQ(beside.at(i).at("start_shift"), share * 0.02);
    EXPECT_EQ(beside.at(i).at("start_turn"), share * 0.2);
    EXPECT_EQ(beside.at(i).at("action_noise"), share * 0.04);
    EXPECT_EQ(beside.at(i).at("noise_correlation"), 0.9);
  }
}

TEST_F(PlannedTransits, AnUnknownWayNamesTheOthers) {
  Expect("mimic --source none.h5 --task square --transit sideways --attempts 1 --out x.h5", 2,
         "bridge");
}

}  // namespace
}  // namespace understudy
