// A network that begins with the weights of another policy.
#include "train/run/warm_start.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PolicyArtefact Policy() {
  PolicyArtefact policy;
  policy.hash = "abc";
  policy.folder = "runs/a/checkpoints/000040/pretrained_model";
  policy.config.tokenizer.words = {"cube", "red", "stack"};
  policy.weights = {{"image.w", FloatTensor({1, 2}, {2})},
                    {"head.w", FloatTensor({3, 4}, {2})},
                    {"old.w", FloatTensor({5}, {1})},
                    {"text.words", FloatTensor({0, 10, 20, 30, 40}, {5, 1})}};
  return policy;
}

PolicyType Type(const std::string& word_table) {
  PolicyType type;
  type.word_table = word_table;
  return type;
}

PolicyConfig Config(const Tokenizer& tokenizer) {
  PolicyConfig config;
  config.tokenizer = tokenizer;
  return config;
}

TEST(StartFrom, TakesWhatAgreesInNameAndShape) {
  TensorMap state{{"weights/image.w", FloatTensor({7, 7}, {2})},
                  {"average/image.w", FloatTensor({8, 8}, {2})},
                  {"first_moment/image.w", FloatTensor({9, 9}, {2})},
                  {"weights/head.w", FloatTensor({7, 7, 7}, {3})},
                  {"weights/new.w", FloatTensor({7}, {1})},
                  {"updates", FloatTensor({0}, {})}};
  const TensorMap before = state;
  const WarmStart start = StartFrom(Policy(), Type("text.words"), {}, &state);
  EXPECT_EQ(start.policy, "abc");
  EXPECT_THAT(start.taken, ElementsAre("image.w"));
  EXPECT_THAT(start.fresh, ElementsAre("head.w", "new.w"));
  EXPECT_THAT(start.unused, ElementsAre("head.w", "old.w", "text.words"));
  EXPECT_EQ(state["weights/image.w"], FloatTensor({1, 2}, {2}));
  EXPECT_EQ(state["average/image.w"], FloatTensor({1, 2}, {2}));
  for (const char* same : {"first_moment/image.w", "weights/head.w", "weights/new.w", "updates"}) {
    EXPECT_EQ(state[same], before.at(same)) << same;
  }
}

// Another vocabulary: rows follow their words, and new words keep what they begin with.
TEST(StartFrom, WordsKeepTheirMeaning) {
  TensorMap state{{"weights.text.words", FloatTensor({7, 7, 7, 7, 7, 7}, {6, 1})}};
  const Tokenizer tokenizer{{"big", "cube", "green", "stack"}};
  const WarmStart start = StartFrom(Policy(), Type("text.words"), Config(tokenizer), &state);
  EXPECT_THAT(start.words, ElementsAre("cube", "stack"));
  EXPECT_THAT(start.taken, ElementsAre("text.words"));
  EXPECT_EQ(state["weights.text.words"], FloatTensor({0, 10, 7, 20, 7, 40}, {6, 1}));
  // a table of the same size is of other words all the same
  TensorMap equal{{"weights/text.words", FloatTensor({7, 7, 7, 7, 7}, {5, 1})}};
  StartFrom(Policy(), Type("text.words"), Config({{"a", "b", "red"}}), &equal);
  EXPECT_EQ(equal["weights/text.words"], FloatTensor({0, 10, 7, 7, 30}, {5, 1}));
}

TEST(StartFrom, NothingThatFitsIsAnError) {
  TensorMap state{{"weights/image.w", FloatTensor({7, 7, 7}, {3})}};
  EXPECT_THAT([&] { StartFrom(Policy(), Type(""), {}, &state); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("000040/pretrained_model: none of its 4 weights fits the network")));
}

}  // namespace
}  // namespace understudy
