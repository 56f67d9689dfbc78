// Corrections of a policy: rollouts, takeovers by the scripted operator, and what is learnt of
// them.
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

// The whole loop in miniature: a policy that has learnt next to nothing is taken over from, and
// goes on from its weights with the corrections beside the demonstrations.
TEST_F(Cli, APolicyIsCorrectedAndLearnsFromIt) {
  ASSERT_EQ(Run("teleop --task stack --demos 2 --seed 1 --out s.h5").exit_code, 0);
  const std::string train =
      "--type bc_rnn_gmm --policy.modality low_dim --policy.hidden 32 --batch 16 --quiet ";
  Expect("train s.h5 --out run --steps 20 " + train, 0, "20 updates");

  const std::string evaluate = "evaluate run --episodes 2 --seed 3 --takeover virtual ";
  Expect(evaluate, 2, "takeover: name the dataset of the corrections: --save FILE");
  Expect(evaluate + "--save c.h5 --until-width 0.1", 2, "leave out until_width");
  const std::string correct = evaluate + "--correction.patience 1 ";
  const Json plan = Json::parse(Run(correct + "--save c.h5 --plan --json --quiet").output);
  EXPECT_EQ(plan["takeover"], "virtual");
  EXPECT_EQ(plan["corrected_steps_at_most"], 2 * 60 * 20);
  EXPECT_FALSE(fs::exists(folder_ / "c.h5"));

  // a device that does not come leaves nothing in the way
  Expect("evaluate run --episodes 1 --takeover page --save c.h5 --wait-for-headset-s 0.2", 1,
         "no page moved the hand within 0.2 s");
  EXPECT_FALSE(fs::exists(folder_ / "c.h5"));
  const CommandResult run = Run(correct + "--save c.h5 --out c.json");
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("0 of 2 episodes succeeded"));
  EXPECT_THAT(run.output, HasSubstr("taken over: never reached 'grasp': 2"));
  const Json taken = LoadJson(folder_ / "c.json")["takeover"];
  EXPECT_EQ(taken["episodes"], 2);
  EXPECT_EQ(taken["solved"], 2) << run.output;
  EXPECT_THAT(run.output, HasSubstr("taken over: 2 episodes, " + taken["rows"].dump() + " rows"));

  // a dataset like any other, that says who acted, and the same again
  Expect("data verify c.h5 --replay", 0, "2 of 2");
  const Json info = Json::parse(Run("data info c.h5 --json").output);
  EXPECT_EQ(info["corrected"], (Json{{"episodes", 2}, {"rows", taken["rows"]}}));
  EXPECT_EQ(info["successes"], 2);
  Expect("data filter c.h5 --where \"quality.corrected_rows > 0\" --out f.h5", 0, "2");
  const DatasetReader reader(folder_ / "c.h5");
  const Episode episode = reader.ReadEpisode(0, true);
  const auto policys =
      static_cast<size_t>(std::ranges::count(episode.steps, StepLabel::kPolicy, &Step::label));
  EXPECT_EQ(episode.meta.quality["corrected_rows"], episode.length() - policys);
  EXPECT_GE(policys, 20u) << "a second without progress";
  EXPECT_LT(policys, 60u);
  EXPECT_FALSE(episode.raw.samples.empty());
  for (size_t k = 1; k < episode.length(); ++k) {
    if (episode.steps[k].label == StepLabel::kPolicy) continue;
    // the person begins with the policy's last command
    EXPECT_EQ(episode.steps[k].action.arms[0].X_WE_cmd,
              episode.steps[k - 1].action.arms[0].X_WE_cmd);
    break;
  }
  Expect(correct + "--save again.h5", 0, "0 of 2");
  ExpectSameEpisodes(reader, DatasetReader(folder_ / "again.h5"));

  // corrected rows alone are learnt, beside the demonstrations, by weights
  const std::string again = "train s.h5 c.h5 --weights 1 3 --from run --out better " + train;
  const Json planned = Json::parse(Run(again + "--steps 20 --plan --json").output);
  EXPECT_EQ(planned["datasets"][1]["rows"], taken["rows"]);
  const Json all =
      Json::parse(Run(again + "--selection.policy-rows --steps 20 --plan --json").output);
  EXPECT_GT(all["datasets"][1]["rows"], taken["rows"]);
  Expect(again + "--steps 20", 0, "20 updates");
  Expect(again + "--steps 30 --resume --selection.policy-rows", 3, "selection");
  Expect("evaluate better --episodes 1 --horizon 20", 0, "of 1 episodes");
}

}  // namespace
}  // namespace understudy
