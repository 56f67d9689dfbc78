#include "core/base/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

const Facts kFacts{
    {"steps", 150}, {"success", true}, {"cause", ""}, {"dr.key.diffuse.0", 0.7}, {"cam-1.x", -2}};

Json ValueOf(const std::string& text) { return Expression(text).Evaluate(kFacts); }

TEST(Expression, MeansWhatItSays) {
  const std::pair<const char*, bool> cases[] = {
      {"success", true},
      {"success && steps < 200 && dr.key.diffuse.0 > 0.5", true},
      {"success && steps < 150", false},
      {"!success || steps >= 150", true},
      {"!(success || false)", false},
      {"steps == 150 && cause == ''", true},
      {"cause != \"dropped\"", true},
      {"contains('dropped cube', 'cube')", true},
      {"1 + 2 * 3 == 7 && (1 + 2) * 3 == 9", true},
      {"8 / 4 / 2 == 1 && 5 - 2 - 1 == 2", true},
      {"-steps < -149.5", true},
      {"- - 3 == 3", true},
      {"min(3, steps, 2) + max(1, 4) == 6", true},
      {"abs(cam-1.x) == 2", true},
      {"true || steps < 'a'", true},  // the right side is not looked at
      {"'abc' < 'abd'", true},
      {"1e-3 == .001", true},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(Expression(text).Holds(kFacts), expected) << text;
  }
}

// What is not known chooses nothing, whichever way the question is put.
TEST(Expression, TheUnknownIsNoReason) {
  for (const char* text : {"gone < 3", "gone >= 3", "gone == 3", "gone", "gone + 1 > 0",
                           "contains(gone, 'x')", "abs(gone) == 0", "steps < 200 && gone > 0"}) {
    EXPECT_FALSE(Expression(text).Holds(kFacts)) << text;
  }
  EXPECT_TRUE(Expression("gone == null && steps != null").Holds(kFacts));
  EXPECT_TRUE(Expression("gone != 3").Holds(kFacts));
  EXPECT_TRUE(ValueOf("gone * 2").is_null());
}

TEST(Expression, NamesAreListedOnce) {
  EXPECT_THAT(Expression("a.b > 1 && c-2 < a.b || success").names(),
              testing::ElementsAre("a.b", "c-2", "success"));
  EXPECT_TRUE(Expression("true").names().empty());
}

TEST(Expression, SlipsAreShownWhereTheyStand) {
  const std::pair<const char*, const char*> cases[] = {
      {"steps <", "a value or a name is missing here: 'the end'"},
      {"steps = 3", "equality is written ==: '= 3'"},
      {"success & steps > 3", "'and' is written &&"},
      {"success and steps > 3", "an operator is missing here: 'and steps > 3'"},
      {"(steps > 3", "a ) is missing here"},
      {"cause == 'x", "a text that does not end"},
      {"mean(steps) > 3", "unknown function 'mean'"},
      {"abs(1, 2) > 3", "abs takes another number of values"},
      {"", "a value or a name is missing here"},
      {"1 < 2 < 3", "an operator is missing here: '< 3'"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT([&text = text] { Expression expression(text); },
                ThrowsMessage<Error>(HasSubstr(message)))
        << text;
  }
  const std::pair<const char*, const char*> kinds[] = {
      {"steps", "steps is no condition"},
      {"steps > 'many'", "compares two numbers or two texts"},
      {"steps == 'many'", "different kinds"},
      {"cause + 1 == 2", "+ is for numbers"},
      {"contains(steps, 1)", "contains is for texts"},
  };
  for (const auto& [text, message] : kinds) {
    EXPECT_THAT([&text = text] { Expression(text).Holds(kFacts); },
                ThrowsMessage<Error>(AllOf(HasSubstr(text), HasSubstr(message))));
  }
}

// Whatever stands there, it is read or refused; deep nesting does not end the stack.
TEST(Expression, HostileTextsAreRefused) {
  for (const char* piece : {"(", "!", "-", "abs("}) {
    std::string deep;
    while (deep.size() < 9000) deep += piece;
    EXPECT_THROW(Expression expression(deep), Error);
  }
  EXPECT_THROW(Expression expression(std::string(20000, 'a')), Error);
  std::string chain = "1";
  while (chain.size() < 9000) chain += "+1";
  EXPECT_EQ(ValueOf(chain + " == 0"), false);
  Rng rng(RngKey{5});
  const std::string alphabet = "ab.1 ()!&|<>=+-*/'\",e";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (uint64_t n = rng.UniformInt(uint64_t{12}); n > 0; --n) {
      text += alphabet[rng.UniformInt(alphabet.size())];
    }
    try {
      Expression(text).Evaluate(kFacts);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage) << text;
    }
  }
}

TEST(AddFacts, FlattensWhatIsNested) {
  Facts facts;
  AddFacts("q", Json{{"a", {1, {{"b", true}}}}, {"c", "x"}, {"none", Json::array()}}, facts);
  EXPECT_EQ(facts, (Facts{{"q.a.0", 1}, {"q.a.1.b", true}, {"q.c", "x"}}));
}

}  // namespace
}  // namespace understudy
