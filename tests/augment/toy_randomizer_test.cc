// docs/add_a_randomizer.md, followed to the letter: a pair of files (here this one and
// toy_randomizer.h) and one line in the list.
#include "tests/augment/toy_randomizer.h"

#include <gmock/gmock.h>

#include "augment/plan.h"
#include "tests/support/fake_renderer.h"

namespace understudy {

// ---- step 2 of the page: toy_randomizer.cc -----------------------------------------------------

void ToyRandomizer::Check(PlanCheck& check) const {
  check.Match("lights", lights, NamesOf(check.scene.lights));
}

void ToyRandomizer::Draw(PlanDraw& draw) const {
  for (const SceneInventory::Light& light : draw.scene.lights) {
    if (!MatchesAny(lights, light.name)) continue;
    Rng rng = draw.StreamOf(light.name);
    LightEdit edit{.light = light.name};
    edit.active = rng.Uniform() >= probability;
    draw.edits.push_back(edit);
  }
}

ToyRandomizer ToyRandomizer::Scaled(double severity) const {
  ToyRandomizer scaled = *this;
  scaled.probability = std::min(severity * probability, 1.0);
  return scaled;
}

namespace {

// ---- step 3: one line in the list --------------------------------------------------------------

// The program's list with one more at its end.
template <class List, class One>
struct Append;
template <class... T, class One>
struct Append<std::variant<T...>, One> {
  using List = std::variant<T..., One>;
};
using WithToy = Append<Randomizer, ToyRandomizer>::List;

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
