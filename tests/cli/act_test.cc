// Policies `act` from the command line, and their way to LeRobot and back.

#include "cli_support.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

TEST_F(Cli, APolicyTypeBringsDefaultsOfTraining) {
  const auto shown = [&](const std::string& more) {
    return Run("train a.h5 --out o " + more + " --print-config").output;
  };
  EXPECT_THAT(shown("--type act"), AllOf(HasSubstr("horizon: 100   # preset"),
                                         HasSubstr("trainer.learning_rate: 1e-05   # preset"),
                                         HasSubstr("trainer.seed: null   # default"),
                                         HasSubstr("policy.dim_model: 512   # default")));
  // what is said comes first, wherever it is said
  Write("act.yaml", "type: act\nbatch: 3\ntrainer: {clip: 2}\n");
  EXPECT_THAT(shown("--config act.yaml --trainer.ema 0.5"),
              testing::AllOf(HasSubstr("batch: 3   # file act.yaml"),
                             HasSubstr("trainer.clip: 2.0   # file act.yaml"),
                             HasSubstr("trainer.learning_rate: 1e-05   # preset"),
                             HasSubstr("trainer.ema: 0.5   # command line"),
                             HasSubstr("horizon: 100   # preset")));
  EXPECT_THAT(
      shown("--config act.yaml --type groot"),
      testing::AllOf(HasSubstr("horizon: 16   # default"), HasSubstr("batch: 3   # file act.yaml"),
                     HasSubstr("trainer.learning_rate: 0.002")));
  EXPECT_THAT(shown("--type act --set trainer.learning_rate=0.1"),
              testing::AllOf(HasSubstr("trainer.learning_rate: 0.1   # command line"),
                             HasSubstr("trainer.beta2: 0.999   # preset")));
  Expect("train a.h5 --out o --type act --policy.width 3", 2, "unknown key 'width'");
}

// LeRobot's folder is trained on, exported to LeRobot, opened again and trained on from there.
TEST_F(Cli, ActGoesToLerobotAndBack) {
  const std::string data = kSource + "/tests/golden/lerobot_v30";
  const std::string some = " --no-selection.only-successes --quiet";
  Expect("train " + data +
             " --type act --policy.dim-model 16 --policy.n-heads 2 --policy.dim-feedforward 24"
             " --policy.n-encoder-layers 1 --policy.n-vae-encoder-layers 1 --policy.latent-dim 4"
             " --horizon 4 --execute 3 --steps 2 --batch 4 --out run" +
             some,
         0, "2 updates");
  Expect("policy export run --out lerobot --plan", 0, "columns");
  EXPECT_FALSE(fs::exists(folder_ / "lerobot"));
  Expect("policy export run --out lerobot", 0, "162 weights; state and action are those of");
  Expect("policy export run --out lerobot", 2, "holds something");
  Expect("policy export", 2, "policy export needs a checkpoint");
  Expect("policy export missing --out x", 3, "missing: no such checkpoint or run");
  EXPECT_EQ(ReadSafetensors(folder_ / "lerobot/model.safetensors").tensors,
            ReadSafetensors(folder_ / "run/checkpoints/000002/pretrained_model/model.safetensors")
                .tensors);

  const auto errors = [&](const std::string& policy) -> Json {
    const CommandResult result =
        Run("evaluate " + policy + " --datasets " + data + some + " --json");
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return Json::parse(result.output.substr(result.output.find('{')))["error"];
  };
  const Json ours = errors("run"), theirs = errors("lerobot");
  ASSERT_EQ(ours.size(), 3u);
  for (const auto& [name, error] : ours.items()) {
    EXPECT_NEAR(theirs[name].get<double>(), error.get<double>(), 1e-5) << name;
  }
  Expect("evaluate lerobot --task stack --episodes 1", 3,
         "the policy answers with columns of its dataset");

  // the network is that of the policy that it starts from
  Expect("train " + data +
             " --type act --from lerobot --horizon 4 --execute 3 --steps 1 --batch 2"
             " --out tuned --no-selection.only-successes",
         0, "lerobot: 162 weights taken, 0 begin anew");
  Expect("train " + data + " --from lerobot --out other" + some, 2,
         "unknown key 'backbone_channels'");
}

}  // namespace
}  // namespace understudy
