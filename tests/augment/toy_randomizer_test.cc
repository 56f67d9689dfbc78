// A randomizer is added by a pair of files and one line of the list: docs/add_a_randomizer.md.
#include "tests/augment/toy_randomizer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "augment/plan.h"
#include "tests/support/fake_renderer.h"

namespace understudy {
namespace {

// ---- step 3: one line in the list --------------------------------------------------------------

// The program's list with one more at its end.
template <class List, class One>
struct Append;
template <class... T, class One>
struct Append<std::variant<T...>, One> {
  using List = std::variant<T..., One>;
};
using WithToy = Append<Randomizer, BlackoutRandomizer>::List;

// ---- what the page promises --------------------------------------------------------------------

const RngKey kToyKey = RngKey{.seed = 3}.WithStage("augment").WithParent(7).WithVariant(1);

PlanOf<WithToy> ToyPlan(const std::string& toy) {
  return FromJson<PlanOf<WithToy>>(
      ParseYaml("randomizers:\n  lamps: {type: light, position: 0.3}\n  dark: " + toy, "plan"),
      "plan");
}

TEST(AddARandomizer, IsListedWithItsLine) {
  const std::vector<RandomizerLine> lines = ListRandomizers<WithToy>();
  ASSERT_EQ(lines.size(), RandomizerLines().size() + 1);
  EXPECT_EQ(lines.back().name, "blackout");
  EXPECT_EQ(lines.back().summary, "lights: on or off");
  EXPECT_TRUE(lines.back().label_safe);
}

TEST(AddARandomizer, IsReadCheckedAndDrawn) {
  const SceneInventory scene = FakeRenderer().inventory();
  const PlanOf<WithToy> plan = ToyPlan("{type: blackout, probability: 0.5}");
  EXPECT_TRUE(Validate(plan, scene).empty());
  int dark = 0;
  for (uint64_t v = 0; v < 100; ++v) {
    const SceneVariation drawn = Draw(plan, scene, kToyKey.WithVariant(v));
    ASSERT_EQ(drawn.edits.size(), 2u);
    // randomizers are applied in the order of their names
    dark += !*std::get<LightEdit>(drawn.edits[0]).active;
  }
  EXPECT_GT(dark, 30);
  EXPECT_LT(dark, 70);

  // its faults are reported with those of the others
  EXPECT_THAT(Validate(ToyPlan("{type: blackout, lights: [tpo]}"), scene),
              testing::ElementsAre(testing::HasSubstr("randomizers.dark.lights: 'tpo'")));
  try {
    ToyPlan("{type: blackuot}");
    FAIL() << "an unknown type is an error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("did you mean 'blackout'?"));
  }
}

// The document shows the two files of this randomizer as they are.
TEST(AddARandomizer, TheDocumentIsWhatIsTested) {
  const std::filesystem::path root = UNDERSTUDY_SOURCE_DIR;
  const std::string document = ReadText(root / "docs/add_a_randomizer.md");
  for (const char* name : {"toy_randomizer.h", "toy_randomizer.cc"}) {
    const std::string block =
        fmt::format("```cpp {}\n{}```", name, ReadText(root / "tests/augment" / name));
    EXPECT_NE(document.find(block), std::string::npos) << name;
  }
}

// A new randomizer leaves the draws of the others as they were.
TEST(AddARandomizer, OthersDrawAsBefore) {
  const SceneInventory scene = FakeRenderer().inventory();
  AugmentPlan without;
  LightRandomizer lamps;
  lamps.position = 0.3;
  without.randomizers["lamps"] = lamps;
  const SceneVariation before = Draw(without, scene, kToyKey);
  const SceneVariation after = Draw(ToyPlan("{type: blackout}"), scene, kToyKey);
  EXPECT_EQ(ToJson(after.edits.at(1)), ToJson(before.edits.at(0)));
}

}  // namespace
}  // namespace understudy
