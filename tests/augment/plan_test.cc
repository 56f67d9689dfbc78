#include "augment/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_renderer.h"

namespace understudy {
namespace {

using testing::HasSubstr;

const RngKey kKey = RngKey{.seed = 3}.WithStage("augment").WithParent(7).WithVariant(1);

// One of each listed randomizer, with widths.
AugmentPlan FullPlan() {
  return FromJson<AugmentPlan>(ParseYaml(R"(
randomizers:
  lights: {type: light, position: 0.3, direction: 0.4, intensity: [0.5, 1.5], ambient: [0.8, 1.2], tint: 0.2}
  head: {type: headlight, ambient: [0.5, 1.5], diffuse: [0.5, 1.5]}
  colours: {type: material, materials: [cube_*], hue: 0.1, saturation: 0.2, value: 0.2, shine: 0.3}
  paint: {type: texture}
  swap: {type: material_swap, geoms: [table_top], materials: ["*"]}
  views: {type: camera, position: 0.05, rotation: 0.1, fovy_deg: 4}
)",
                                         "plan"),
                               "plan");
}

TEST(Plan, EveryListedRandomizerIsInTheFullPlan) {
  std::vector<std::string> used;
  for (const auto& [name, randomizer] : FullPlan().randomizers) {
    used.push_back(ToJson(randomizer)["type"]);
  }
  EXPECT_THAT(used, testing::UnorderedElementsAreArray(RandomizerNames()));
}

TEST(Plan, SameKeySameDrawOtherKeyOtherDraw) {
  const SceneInventory scene = FakeRenderer().inventory();
  const Json first = ToJson(Draw(FullPlan(), scene, kKey));
  EXPECT_EQ(ToJson(Draw(FullPlan(), scene, kKey)), first);
  EXPECT_NE(ToJson(Draw(FullPlan(), scene, kKey.WithVariant(2))), first);
  EXPECT_NE(ToJson(Draw(FullPlan(), scene, kKey.WithParent(8))), first);
}

TEST(Plan, DrawsSurviveJson) {
  const SceneVariation drawn = Draw(FullPlan(), FakeRenderer().inventory(), kKey);
  const Json json = ToJson(drawn);
  const Json back = Json::parse(json.dump());
  EXPECT_EQ(ToJson(FromJson<SceneVariation>(back, "v")).dump(), json.dump());
}

// Adding a randomizer or dropping one leaves the draws of the others as they were.
TEST(Plan, RandomizersHaveStreamsOfTheirOwn) {
  const SceneInventory scene = FakeRenderer().inventory();
  const AugmentPlan full = FullPlan();
  const Json all = ToJson(Draw(full, scene, kKey))["edits"];
  for (const auto& [name, randomizer] : full.randomizers) {
    AugmentPlan alone;
    alone.randomizers[name] = randomizer;
    const Json drawn = ToJson(Draw(alone, scene, kKey));
    for (const Json& edit : drawn["edits"]) {
      EXPECT_THAT(all, testing::Contains(edit)) << name;
    }
  }
}

// Zero-width ranges are the nominal scene, to the last bit.
TEST(Plan, ZeroWidthIsNominal) {
  const SceneInventory scene = FakeRenderer().inventory();
  AugmentPlan plan;
  plan.randomizers["l"] = LightRandomizer{};
  plan.randomizers["h"] = HeadlightRandomizer{};
  plan.randomizers["m"] = MaterialRandomizer{};
  plan.randomizers["c"] = CameraRandomizer{};
  TextureRandomizer never;
  never.probability = 0;
  plan.randomizers["t"] = never;
  int seen = 0;
  for (const SceneEdit& edit : Draw(plan, scene, kKey).edits) {
    if (const auto* light = std::get_if<LightEdit>(&edit)) {
      EXPECT_EQ(*light->position, scene.lights[0].position);
      EXPECT_LT((*light->direction - scene.lights[0].direction).norm(), 1e-15);
      EXPECT_EQ(*light->diffuse, scene.lights[0].diffuse);
      EXPECT_EQ(*light->specular, scene.lights[0].specular);
      EXPECT_EQ(*light->ambient, scene.lights[0].ambient);
      ++seen;
    } else if (const auto* material = std::get_if<MaterialEdit>(&edit)) {
      const auto& nominal = scene.materials[material->material == "table" ? 0 : 1];
      EXPECT_EQ(*material->rgba, nominal.rgba);
      EXPECT_EQ(*material->specular, nominal.specular);
      ++seen;
    } else if (const auto* camera = std::get_if<CameraEdit>(&edit)) {
      const auto& nominal = scene.cameras[camera->camera == "agentview" ? 0 : 1];
      EXPECT_LT((camera->X_PC.Matrix() - nominal.X_PC.Matrix()).norm(), 1e-15);
      EXPECT_EQ(camera->fovy_deg, nominal.fovy_deg);
      ++seen;
    } else {
      EXPECT_TRUE(std::holds_alternative<HeadlightEdit>(edit));
    }
  }
  EXPECT_EQ(seen, 5);
}

// Draws stay inside their ranges and reach most of them.
TEST(Plan, DrawsFillTheirRange) {
  const SceneInventory scene = FakeRenderer().inventory();
  double least = 1e9, most = -1e9, farthest = 0;
  for (uint64_t v = 0; v < 500; ++v) {
    for (const SceneEdit& edit : Draw(FullPlan(), scene, kKey.WithVariant(v)).edits) {
      if (const auto* camera = std::get_if<CameraEdit>(&edit);
          camera && camera->camera == "wrist") {
        least = std::min(least, camera->fovy_deg);
        most = std::max(most, camera->fovy_deg);
        farthest = std::max(farthest, camera->X_PC.translation().cwiseAbs().maxCoeff());
      }
      if (const auto* light = std::get_if<LightEdit>(&edit)) {
        EXPECT_LE(light->diffuse->maxCoeff(), 1);
        EXPECT_NEAR(light->direction->norm(), 1, 1e-9);
      }
    }
  }
  EXPECT_GE(least, 71);
  EXPECT_LE(most, 79);
  EXPECT_GT(most - least, 7.5);
  EXPECT_LE(farthest, 0.05);
  EXPECT_GT(farthest, 0.049);
}

TEST(Plan, ValidateListsEveryFault) {
  AugmentPlan plan;
  LightRandomizer light;
  light.lights = {"tpo"};
  light.intensity = {2, 1};
  plan.randomizers["l"] = light;
  CameraRandomizer camera;
  camera.cameras = {"agent*", "side"};
  plan.randomizers["c"] = camera;
  const std::string faults =
      fmt::format("{}", fmt::join(Validate(plan, FakeRenderer().inventory()), "\n"));
  EXPECT_THAT(faults, HasSubstr("randomizers.l.lights: 'tpo' matches nothing"));
  EXPECT_THAT(faults, HasSubstr("did you mean 'top'?"));
  EXPECT_THAT(faults, HasSubstr("randomizers.l.intensity: [2, 1] is no range"));
  EXPECT_THAT(faults, HasSubstr("randomizers.c.cameras: 'side'"));
  EXPECT_TRUE(Validate(FullPlan(), FakeRenderer().inventory()).empty());
}

TEST(Glob, StarsAndQuestionMarks) {
  EXPECT_TRUE(GlobMatch("*", ""));
  EXPECT_TRUE(GlobMatch("table_*", "table_wood"));
  EXPECT_TRUE(GlobMatch("*_w??d", "table_wood"));
  EXPECT_TRUE(GlobMatch("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(GlobMatch("a*b*c", "aXbYbZ"));
  EXPECT_FALSE(GlobMatch("table", "table_wood"));
  EXPECT_FALSE(GlobMatch("?", ""));
  EXPECT_TRUE(GlobMatch("*a*a*a", "aaaaaa"));
}

}  // namespace
}  // namespace understudy
