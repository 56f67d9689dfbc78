// The action head of GR00T from the command line: into training, asked, and back into its folder.

#include <cstring>

#include "cli_support.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

// A head of a few hundred weights in a folder of the form of Isaac-GR00T's, by ours of the same
// shape, and features of the two episodes of the golden dataset.
TEST_F(Cli, GrootsHeadIsTrainedAskedAndPutBack) {
  const std::string data = kSource + "/tests/golden/lerobot_v30";
  const std::string some = " --no-selection.only-successes --quiet";
  const auto features = [&](const std::string& episode, int64_t rows, int64_t tokens) {
    TensorBlob kinds{"U8", {rows, tokens}, {}};
    for (int64_t i = 0; i < rows * tokens; ++i) kinds.data.push_back(i % tokens == 1 ? 2 : 1);
    std::vector<float> values;
    for (int64_t i = 0; i < rows * tokens * 20; ++i) {
      values.push_back(static_cast<float>(i * 37 % 101) / 50 - 1);
    }
    fs::create_directories(folder_ / "features");
    WriteSafetensors(folder_ / "features" / (episode + ".safetensors"),
                     {{"features", FloatTensor(values, {rows, tokens, 20})}, {"kinds", kinds}});
  };
  features("demo_0", 4, 5);
  features("demo_1", 6, 3);
  const std::string size =
      " --policy.max-state 9 --policy.max-action 8 --policy.max-horizon 6 --policy.hidden 12"
      " --policy.width 16 --policy.heads 2 --policy.feature-width 20 --policy.feature-heads 2"
      " --policy.blocks 3 --policy.feature-blocks 1 --policy.positions 8";
  const std::string head = "train " + data +
                           " --type groot_head --horizon 4 --execute 4 --steps 2" + " --batch 4" +
                           some;
  Expect(head + size + " --out scratch", 3, "features of GR00T's backbone, and none are given");
  Expect(head + size + " --features features --features features --out scratch", 2,
         "features: 2 folders for 1 datasets");
  Expect(head + size + " --features features --out scratch", 0, "2 updates");
  Expect("policy export scratch --to gr00t --out back", 3, "was not started from a checkpoint of GR00T");

  // a checkpoint of theirs: the same weights, in tables of three embodiments
  fs::create_directories(folder_ / "released");
  TensorMap released;
  for (const auto& [name, blob] :
       ReadSafetensors(folder_ / "scratch/checkpoints/000002/pretrained_model/model.safetensors")
           .tensors) {
    TensorBlob copy = blob;
    if (name.ends_with(".W") || name.ends_with(".b")) {
      copy.shape[0] = 3;
      for (int row = 1; row < 3; ++row) {
        copy.data.insert(copy.data.end(), blob.data.begin(), blob.data.end());
      }
    }
    released["action_head." + name] = copy;
  }
  released["backbone.lm"] = FloatTensor({1, 2}, {2});
  WriteSafetensors(folder_ / "released/model.safetensors", released);
  Write("released/statistics.json", R"({"libero_sim": {}})");
  Write("released/config.json", R"({"model_type": "Gr00tN1d7", "max_state_dim": 9,
    "max_action_dim": 8, "action_horizon": 6, "hidden_size": 12, "input_embedding_dim": 16,
    "backbone_embedding_dim": 20, "max_seq_len": 8, "state_dropout_prob": 0.2,
    "diffusion_model_cfg": {"positional_embeddings": null, "num_layers": 3,
      "num_attention_heads": 2, "attention_head_dim": 8, "norm_type": "ada_norm", "dropout": 0.2,
      "final_dropout": true, "output_dim": 12, "interleave_self_attention": true},
    "vl_self_attention_cfg": {"positional_embeddings": null, "num_layers": 1,
      "num_attention_heads": 2, "attention_head_dim": 10, "dropout": 0.2, "final_dropout": true}})");
  const std::string tuned = head + " --policy.release released --policy.embodiment-slot 2" +
                            " --features features --out tuned";
  Expect(tuned + " --policy.dropout 0.0", 0, "2 updates");
  Expect("predict tuned " + data + some, 2, "name their folder by --features");
  Expect("predict tuned " + data + " --features features" + some, 0, "what would be done");
  Expect("evaluate tuned --datasets " + data + " --features features" + some, 0, "rows");
  Expect("evaluate tuned --task stack --episodes 1", 3, "no simulator or robot gives them");
  Expect("serve tuned --port 0", 3, "no simulator or robot gives them");
  Expect("policy export tuned --out back", 3, "'groot_head' (for gr00t)");
  Expect("policy export tuned --to gr00t --out back", 0, "weights");
  const TensorMap back = ReadSafetensors(folder_ / "back/model.safetensors").tensors;
  ASSERT_EQ(back.size(), released.size());
  EXPECT_EQ(back.at("backbone.lm"), released.at("backbone.lm"));
  const TensorBlob &before = released.at("action_head.action_decoder.layer2.W"),
                   &after = back.at("action_head.action_decoder.layer2.W");
  const size_t row = before.data.size() / 3;
  EXPECT_TRUE(std::equal(after.data.begin(), after.data.begin() + static_cast<long>(2 * row),
                         before.data.begin()));
  EXPECT_FALSE(after == before);
  const Json statistics = LoadJson(folder_ / "back/statistics.json");
  EXPECT_TRUE(statistics.contains("libero_sim"));
  EXPECT_EQ(statistics["new_embodiment"]["action"]["action"]["q99"].size(), 3u);
}

}  // namespace
}  // namespace understudy
