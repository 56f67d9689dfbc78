#include "augment/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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

// Whatever an edit says of a part of the scene is what the nominal scene says of it.
struct IsNominal {
  const SceneInventory& scene;

  template <class T>
  const T& Named(const std::vector<T>& things, const std::string& name) const {
    return *std::find_if(things.begin(), things.end(),
                         [&](const T& thing) { return thing.name == name; });
  }
  void operator()(const LightEdit& edit) const {
    const auto& nominal = Named(scene.lights, edit.light);
    EXPECT_EQ(edit.position, nominal.position);
    EXPECT_EQ(edit.direction, nominal.direction);
    EXPECT_EQ(edit.diffuse, nominal.diffuse);
    EXPECT_EQ(edit.specular, nominal.specular);
    EXPECT_EQ(edit.ambient, nominal.ambient);
    EXPECT_FALSE(edit.active);
  }
  void operator()(const HeadlightEdit& edit) const {
    EXPECT_EQ(edit.ambient, scene.headlight_ambient);
    EXPECT_EQ(edit.diffuse, scene.headlight_diffuse);
    EXPECT_FALSE(edit.specular);
  }
  void operator()(const MaterialEdit& edit) const {
    const auto& nominal = Named(scene.materials, edit.material);
    EXPECT_EQ(edit.rgba, nominal.rgba);
    EXPECT_EQ(edit.specular, nominal.specular);
    EXPECT_EQ(edit.shininess, nominal.shininess);
    EXPECT_FALSE(edit.reflectance || edit.emission);
  }
  void operator()(const GeomMaterialEdit& edit) const {
    EXPECT_EQ(edit.material, Named(scene.geoms, edit.geom).material);
  }
  void operator()(const TextureEdit& edit) const { ADD_FAILURE() << edit.texture << " is painted"; }
  void operator()(const CameraEdit& edit) const {
    const auto& nominal = Named(scene.cameras, edit.camera);
    EXPECT_EQ(edit.X_PC.Matrix(), nominal.X_PC.Matrix());
    EXPECT_EQ(edit.fovy_deg, nominal.fovy_deg);
  }
};

// Zero-width ranges are the nominal scene, to the last bit. Only a repainted texture and a swap
// among several materials have no width: they are left out by their probability.
TEST(Plan, ZeroWidthIsNominal) {
  const SceneInventory scene = FakeRenderer().inventory();
  AugmentPlan plan;
  plan.randomizers["l"] = LightRandomizer{};
  plan.randomizers["h"] = HeadlightRandomizer{};
  plan.randomizers["m"] = MaterialRandomizer{};
  plan.randomizers["c"] = CameraRandomizer{};
  // the only material that may be chosen is the one that the geom has
  MaterialSwapRandomizer same;
  same.geoms = {"table_top"};
  same.materials = {"table"};
  plan.randomizers["s"] = same;
  MaterialSwapRandomizer never_swapped = same;
  never_swapped.materials = {"*"};
  never_swapped.probability = 0;
  plan.randomizers["n"] = never_swapped;
  TextureRandomizer never;
  never.probability = 0;
  plan.randomizers["t"] = never;
  for (uint64_t v = 0; v < 20; ++v) {
    const SceneVariation drawn = Draw(plan, scene, kKey.WithVariant(v));
    EXPECT_EQ(drawn.edits.size(), 7u);  // light, headlight, 2 materials, swap, 2 cameras
    for (const SceneEdit& edit : drawn.edits) std::visit(IsNominal{scene}, edit);
  }
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

// Tilts and turns go about axes of the whole sphere: each half holds half of them, along any axis.
TEST(Plan, AxesFillTheSphere) {
  const SceneInventory scene = FakeRenderer().inventory();
  AugmentPlan plan;
  CameraRandomizer turn;
  turn.cameras = {"wrist"};  // nominally the identity: the drawn rotation is the turn
  turn.rotation = 1;
  plan.randomizers["turn"] = turn;
  constexpr int kDraws = 2000;
  Eigen::Vector3i positive = Eigen::Vector3i::Zero();
  for (uint64_t v = 0; v < kDraws; ++v) {
    const SceneVariation drawn = Draw(plan, scene, kKey.WithVariant(v));
    const auto& edit = std::get<CameraEdit>(drawn.edits.at(0));
    const Eigen::Vector3d axis = RotationLog(edit.X_PC.rotation());
    for (int i = 0; i < 3; ++i) positive[i] += axis[i] > 0;
  }
  // 6 standard deviations
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(positive[i], kDraws / 2, 6 * std::sqrt(kDraws) / 2) << i;

  // a light that points down tilts to every side
  LightRandomizer tilt;
  tilt.direction = 0.5;
  plan.randomizers = {{"tilt", tilt}};
  Eigen::Vector2i sides = Eigen::Vector2i::Zero();
  for (uint64_t v = 0; v < kDraws; ++v) {
    const SceneVariation drawn = Draw(plan, scene, kKey.WithVariant(v));
    const auto& edit = std::get<LightEdit>(drawn.edits.at(0));
    for (int i = 0; i < 2; ++i) sides[i] += (*edit.direction)[i] > 0;
  }
  for (int i = 0; i < 2; ++i) EXPECT_NEAR(sides[i], kDraws / 2, 6 * std::sqrt(kDraws) / 2) << i;
}

// One draw of brightness and tint holds for the diffuse and the specular light.
TEST(Plan, SpecularLightFollowsDiffuse) {
  const SceneInventory scene = FakeRenderer().inventory();
  AugmentPlan plan;
  LightRandomizer light;
  light.intensity = {0.5, 1.2};
  light.tint = 0.2;
  plan.randomizers["light"] = light;
  const auto& nominal = scene.lights.at(0);
  double least = 10, most = 0;
  for (uint64_t v = 0; v < 200; ++v) {
    const SceneVariation drawn = Draw(plan, scene, kKey.WithVariant(v));
    const auto& edit = std::get<LightEdit>(drawn.edits.at(0));
    const Eigen::Vector3d factor = edit.diffuse->cwiseQuotient(nominal.diffuse);
    const Eigen::Vector3d specular = edit.specular->cwiseQuotient(nominal.specular);
    EXPECT_LT((specular - factor).norm(), 1e-12);
    least = std::min(least, specular.mean());
    most = std::max(most, specular.mean());
  }
  EXPECT_LT(least, 0.6);
  EXPECT_GT(most, 1.1);
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
  EXPECT_THAT(faults, HasSubstr("randomizers.l.intensity: [2, 1]: the low end"));
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
