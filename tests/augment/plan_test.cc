#include "augment/plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <type_traits>

#include "tests/support/fake_renderer.h"

namespace understudy {
namespace {

using testing::HasSubstr;

const RngKey kKey = RngKey{.seed = 3}.WithStage("augment").WithParent(7).WithVariant(1);

// Pictures as they would be found: two, of one pixel each.
FoundPictures TwoPictures() {
  FoundPictures found{.looked = true, .hash = "two"};
  for (const std::string name : {"black", "white"}) {
    found.choices.push_back({name, [name] {
                               Image pixel(1, 1);
                               if (name == "white") pixel.rgb.assign(3, 255);
                               return MakeShownPicture(name, pixel);
                             }});
  }
  return found;
}

// One of each listed randomizer, with widths.
AugmentPlan FullPlan() {
  AugmentPlan plan = FromJson<AugmentPlan>(ParseYaml(R"(
randomizers:
  lights: {type: light, position: 0.3, direction: 0.4, intensity: [0.5, 1.5], ambient: [0.8, 1.2], tint: 0.2}
  head: {type: headlight, ambient: [0.5, 1.5], diffuse: [0.5, 1.5]}
  colours: {type: material, materials: [cube_*], hue: 0.1, saturation: 0.2, value: 0.2, shine: 0.3}
  paint: {type: texture}
  swap: {type: material_swap, geoms: [table_top], materials: ["*"]}
  views: {type: camera, position: 0.05, rotation: 0.1, fovy_deg: 4}
  grip: {type: friction, draw: {type: log_uniform, low: 0.5, high: 2}}
  heavy: {type: mass, bodies: ["cube*"], draw: {type: uniform, low: 0.5, high: 2}}
  centre: {type: centre_of_mass, bodies: [cubeA], shift: 0.005}
  damping: {type: joint_damping, operation: add, draw: {type: uniform, low: 0, high: 1}}
  gain: {type: actuator_gain, draw: {type: choice, values: [0.9, 1.1]}}
  delay: {type: actuator_delay, seconds: [0, 0.02]}
  size: {type: object_size, draw: {type: uniform, low: 0.85, high: 1.15}}
  height: {type: table_height, shift: [-0.03, 0.03]}
  mount: {type: robot_mount, position: 0.02, height: 0.01, yaw: 0.05}
  posture: {type: start_posture, draw: {type: truncated_normal, mean: 0, deviation: 0.1, low: -0.2, high: 0.2}}
  range: {type: reset_range, factor: 1.5}
  noise: {type: observation_noise, hand_position: 0.002, object_position: 0.004}
  shape: {type: object_shape, shapes: [box, cross]}
  room: {type: fixtures, layouts: {a: {shelf: {kind: shelf, x: [-2, -1.8]}}, b: {box: {x: [1, 2]}}}, styles: {wood: {materials: [wood], colours: [[0.5, 0.3, 0.1]]}}}
  clutter: {type: distractors, things: [mug], count: [1, 3], relations: [{thing: mug_0, relation: left_of, to: cubeA}]}
  shots: {type: picture, exposure: [-1, 1], tint: 0.2, motion: [0, 0.05], noise: [0, 0.1], jpeg: [10, 90]}
  around: {type: sky, images: ["*"], images_hash: two, hides: ["table*"], yaw: 1, exposure: [-1, 1], probability: 0.9}
)",
                                                     "plan"),
                                           "plan");
  std::get<SkyRandomizer>(plan.randomizers.at("around")).found = TwoPictures();
  return plan;
}

PhysicsInventory World() {
  PhysicsInventory world;
  world.geoms = {{"cubeA", 1}, {"table_top", 0.8}};
  world.bodies = {{"cubeA", 0.064}, {"cubeB", 0.125}, {"hand", 0.7}};
  world.joints = {{"joint1", 0.5}, {"joint2", 0.25}};
  world.actuators = {{"motor1", 1}, {"servo2", 4000}};
  const std::string part = "it hangs from another body";
  world.objects = {{"cubeA", "", "", true}, {"cubeB", "", "", true}, {"lid", part, part, false}};
  world.arms = {{"robot0", PoseFromYaw(0.3, {-0.5, 0, 0.9}), {0.1, -0.4}, {{-1, 1}, {-0.5, 1}}}};
  world.stands = {"table"};
  world.materials = {"wood"};
  world.policy_step = 0.05;
  world.physics_step = 0.002;
  return world;
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
  void operator()(const PictureEdit& edit) const { ADD_FAILURE() << edit.camera << " is changed"; }
  void operator()(const SkyEdit& edit) const { ADD_FAILURE() << edit.image.name << " is shown"; }
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
  plan.randomizers["p"] = PictureRandomizer{};  // no edit at all
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
  never.images = {"*"};
  never.found = TwoPictures();
  plan.randomizers["i"] = never;
  plan.randomizers["a"] = SkyRandomizer{};
  SkyRandomizer no_sky;
  no_sky.images = {"*"};
  no_sky.found = TwoPictures();
  no_sky.probability = 0;
  plan.randomizers["b"] = no_sky;
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
  EXPECT_THAT(Validate(FullPlan(), World()), testing::IsEmpty());
}

// Which picture is shown where is drawn like all the rest: by key, name and part.
TEST(Plan, PicturesAreDrawnByKey) {
  SceneInventory scene = FakeRenderer().inventory();
  scene.textures = {"wood", "floor"};
  AugmentPlan plan;
  TextureRandomizer paint;
  paint.images = {"*"};
  paint.images_hash = "two";
  paint.image_repeat = {0.5, 2};
  paint.found = TwoPictures();
  plan.randomizers["paint"] = paint;
  EXPECT_THAT(Validate(plan, scene), testing::IsEmpty());
  std::map<std::string, int> shown;
  int alike = 0;
  for (uint64_t v = 0; v < 200; ++v) {
    const SceneVariation drawn = Draw(plan, scene, kKey.WithVariant(v));
    EXPECT_EQ(ToJson(drawn), ToJson(Draw(plan, scene, kKey.WithVariant(v))));
    ASSERT_EQ(drawn.edits.size(), 2u);
    const auto &wood = std::get<TextureEdit>(drawn.edits[0]),
               &floor = std::get<TextureEdit>(drawn.edits[1]);
    EXPECT_EQ(wood.image.hash, PixelHash(*wood.image.Pixels()));
    EXPECT_GE(wood.image_repeat, 0.5);
    EXPECT_LE(wood.image_repeat, 2);
    ++shown[wood.image.name];
    alike += wood.image == floor.image;
  }
  EXPECT_GT(shown["black"], 60);
  EXPECT_GT(shown["white"], 60);
  EXPECT_GT(alike, 60);
  EXPECT_LT(alike, 140);
  // the text of a plan without pictures stays as it was
  EXPECT_FALSE(ToJson(TextureRandomizer{}).contains("images"));
  EXPECT_FALSE(ToJson(TextureEdit{}).contains("image"));
}

TEST(Plan, FaultsOfPicturesAreTold) {
  const SceneInventory scene = FakeRenderer().inventory();
  AugmentPlan plan;
  TextureRandomizer paint;
  paint.images = {"wood/*"};
  paint.patterns = {TexturePattern::kWood};
  paint.image_repeat = {2, 1};
  paint.found = {.looked = true, .problems = {"a.png: is broken", "b.png: is broken"}};
  plan.randomizers["paint"] = paint;
  SkyRandomizer sky;
  sky.images = {"sky/*"};
  sky.images_hash = "other";
  sky.found = TwoPictures();
  sky.hides = {"wal"};
  plan.randomizers["sky"] = sky;
  const std::string faults = fmt::format("{}", fmt::join(Validate(plan, scene), "\n"));
  for (const char* fault :
       {"randomizers.paint.images: a.png: is broken", "randomizers.paint.images: b.png: is broken",
        "randomizers.paint.patterns: pictures are drawn instead",
        "randomizers.paint.image_repeat: [2, 1]", "randomizers.sky.hides: 'wal' matches nothing",
        "randomizers.sky.images_hash: other: the pictures here are others (two)"}) {
    EXPECT_THAT(faults, HasSubstr(fault));
  }
  // a command that never looked for them must not draw without them
  paint = {};
  paint.images = {"wood/*"};
  plan.randomizers = {{"paint", paint}};
  EXPECT_THAT(Validate(plan, scene),
              testing::ElementsAre(HasSubstr("pictures are of no use here")));
}

// ---- what is label-safe is a fact of types -----------------------------------------------------

template <class Edit, class Variation>
concept Takes = requires(Variation variation, Edit edit) {
  variation.edits.push_back(edit);
};

template <class Variation, class... Edit>
constexpr bool TakesNone(const std::variant<Edit...>*) {
  return (!Takes<Edit, Variation> && ...);
}

// No label-unsafe edit has a place among the draws of a picture, and no look in a world.
static_assert(TakesNone<SceneVariation>(static_cast<const PhysicsEdit*>(nullptr)));
static_assert(TakesNone<PhysicsVariation>(static_cast<const SceneEdit*>(nullptr)));

TEST(Plan, LooksAndPhysicsAreDrawnApart) {
  const AugmentPlan full = FullPlan();
  const RngKey key = kKey;
  const SceneInventory scene = FakeRenderer().inventory();
  EXPECT_EQ(ToJson(Draw(full, scene, key)), ToJson(Draw(Part(full, true), scene, key)));
  EXPECT_EQ(ToJson(Draw(full, World(), key)), ToJson(Draw(Part(full, false), World(), key)));
  EXPECT_TRUE(Draw(Part(full, false), scene, key).edits.empty());
  EXPECT_TRUE(Draw(Part(full, true), World(), key).edits.empty());
  EXPECT_THAT(UnsafeParts(full), HasSubstr("grip (friction)"));
  EXPECT_EQ(UnsafeParts(Part(full, true)), "");
}

TEST(Plan, PhysicsIsDrawnByNameAndKey) {
  const AugmentPlan full = FullPlan();
  const Json all = ToJson(Draw(full, World(), kKey))["edits"];
  EXPECT_EQ(ToJson(Draw(full, World(), kKey))["edits"], all);
  EXPECT_NE(ToJson(Draw(full, World(), kKey.WithVariant(2)))["edits"], all);
  EXPECT_NE(ToJson(Draw(full, World(), kKey.WithParent(8)))["edits"], all);
  for (const auto& [name, randomizer] : Part(full, false).randomizers) {
    AugmentPlan alone;
    alone.randomizers[name] = randomizer;
    const Json drawn = ToJson(Draw(alone, World(), kKey));
    EXPECT_FALSE(drawn["edits"].empty()) << name;
    for (const Json& edit : drawn["edits"]) EXPECT_THAT(all, testing::Contains(edit)) << name;
  }
  const Json back = Json::parse(all.dump());
  EXPECT_EQ(ToJson(FromJson<PhysicsVariation>(Json{{"edits", back}}, "v"))["edits"].dump(),
            all.dump());
}

// One draw for all that match, or one for each.
TEST(Plan, GroupsAreDrawnTogether) {
  AugmentPlan plan = FromJson<AugmentPlan>(
      ParseYaml("randomizers: {g: {type: friction, draw: {type: uniform, low: 0.5, high: 2}}}",
                "p"),
      "p");
  const auto ratio = [&](uint64_t v) {
    const auto edits = Draw(plan, World(), kKey.WithVariant(v)).edits;
    return std::get<FrictionEdit>(edits[1]).sliding / std::get<FrictionEdit>(edits[0]).sliding;
  };
  for (uint64_t v = 0; v < 20; ++v) EXPECT_NEAR(ratio(v), 0.8, 1e-12);
  std::get<FrictionRandomizer>(plan.randomizers["g"]).together = false;
  std::set<double> ratios;
  for (uint64_t v = 0; v < 20; ++v) ratios.insert(ratio(v));
  EXPECT_EQ(ratios.size(), 20u);
}

TEST(Plan, PhysicsFaultsAreListed) {
  const AugmentPlan plan = FromJson<AugmentPlan>(ParseYaml(R"(
randomizers:
  a: {type: friction, geoms: [cubeC], draw: {type: uniform, low: 2, high: 1}}
  b: {type: mass, operation: add, draw: {type: uniform, low: -0.1, high: 0.1}}
  c: {type: mass, draw: {type: log_uniform, low: 0, high: 1}}
  d: {type: object_size, objects: [lid], draw: {type: uniform, low: 0.9, high: 1.1}}
  e: {type: actuator_delay, seconds: [0, 0.06]}
  f: {type: table_height, body: tabel, shift: [0, 0.1]}
  g: {type: joint_damping}
  h: {type: mass, operation: set, draw: {type: choice, values: []}}
  i: {type: friction, draw: {type: outside, low: 0.5, inner_low: 0.4, inner_high: 1, high: 2}}
  j: {type: friction, operation: set, draw: {type: constant, value: 150}}
  k: {type: actuator_gain, actuators: ['*'], draw: {type: uniform, low: 0.9, high: 1.1}}
  l: {type: actuator_gain, draw: {type: uniform, low: 0.8, high: 1}}
)",
                                                           "plan"),
                                                 "plan");
  const std::string faults = fmt::format("{}", fmt::join(Validate(plan, World()), "\n"));
  for (const char* fault : {
           "randomizers.a.geoms: 'cubeC' matches nothing",
           "randomizers.a.draw: [2, 1]: the low end must not be above the high end",
           "randomizers.b.draw: gives 'cubeA' -0.036",
           "no physical inertia; it must lie in [",
           "randomizers.c.draw: 0 must be above 0",
           "randomizers.d.objects: the size of 'lid' cannot be varied: it hangs from another body",
           "randomizers.e.seconds: 0.06 s must be less than a policy step, 0.05 s",
           "randomizers.f.body: 'tabel' matches nothing",
           "randomizers.g: joint_damping changes nothing here: widen its ranges, or leave it out",
           "randomizers.h.draw.values: empty",
           "randomizers.i.draw: [0.4, 1] must lie in [0.5, 2]",
           " 150 where it has ",
           "; it must lie in [0, 100]",
           "randomizers.l: actuator_gain of '",
           "' is changed by randomizers.k too",
       }) {
    EXPECT_THAT(faults, HasSubstr(fault));
  }
}

TEST(Plan, LooksThatChangeNothingAreFaults) {
  AugmentPlan plan;
  plan.randomizers["lamp"] = HeadlightRandomizer{};
  EXPECT_THAT(Validate(plan, FakeRenderer().inventory()),
              testing::ElementsAre(
                  "randomizers.lamp: headlight changes nothing here: widen its ranges, or leave it "
                  "out"));
}

// ---- severities --------------------------------------------------------------------------------

// The draws of a more severe setting go the same way, farther.
TEST(Plan, SeverityScalesTheSameDraws) {
  const AugmentPlan full = FullPlan();
  const PhysicsInventory world = World();
  const auto friction = [&](double severity) {
    return std::get<FrictionEdit>(Draw(Chosen(full, {"grip"}, severity), world, kKey).edits[0])
        .sliding;
  };
  EXPECT_NEAR(friction(2), friction(1) * friction(1), 1e-12);
  EXPECT_NEAR(friction(0.5), std::sqrt(friction(1)), 1e-12);
  const auto shift = [&](double severity) {
    return std::get<TableHeightEdit>(Draw(Chosen(full, {"height"}, severity), world, kKey).edits[0])
        .shift;
  };
  EXPECT_NEAR(shift(2), 2 * shift(1), 1e-12);
  const SceneInventory scene = FakeRenderer().inventory();
  const auto fovy = [&](double severity) {
    return std::get<CameraEdit>(Draw(Chosen(full, {"views"}, severity), scene, kKey).edits[0])
               .fovy_deg -
           scene.cameras[0].fovy_deg;
  };
  EXPECT_NEAR(fovy(2), 2 * fovy(1), 1e-9);
  EXPECT_NEAR(fovy(0.5), 0.5 * fovy(1), 1e-9);
  // without severity the plan is drawn as it is
  EXPECT_EQ(ToJson(Draw(Chosen(full, {"views", "lights"}, 1), scene, kKey)).dump(),
            ToJson(Draw(Chosen(full, {"lights", "views"}, 1), scene, kKey)).dump());
}

// No camera is put where those of the twin plan are.
TEST(Plan, CamerasBeyondABoxStayBeyondIt) {
  AugmentPlan plan;
  CameraRandomizer far;
  far.position = 0.05;
  far.position_beyond = 0.03;
  plan.randomizers["views"] = far;
  const SceneInventory scene = FakeRenderer().inventory();
  EXPECT_THAT(Validate(plan, scene), testing::IsEmpty());
  for (uint64_t v = 0; v < 200; ++v) {
    const auto edit = std::get<CameraEdit>(Draw(plan, scene, kKey.WithVariant(v)).edits[0]);
    const double away =
        (edit.X_PC.translation() - scene.cameras[0].X_PC.translation()).cwiseAbs().maxCoeff();
    EXPECT_GE(away, 0.03);
    EXPECT_LE(away, 0.05);
  }
  std::get<CameraRandomizer>(plan.randomizers["views"]).position_beyond = 0.05;
  EXPECT_THAT(Validate(plan, scene)[0], HasSubstr("position_beyond: 0.05 m must be less than"));
}

// ---- amounts -----------------------------------------------------------------------------------

Amount AmountOf(const std::string& yaml) {
  return FromJson<Amount>(ParseYaml(yaml, "amount"), "amount");
}

std::vector<double> DrawMany(const Amount& amount, double nominal) {
  Rng rng(kKey);
  std::vector<double> values;
  for (int i = 0; i < 2000; ++i) values.push_back(amount.Draw(rng, nominal));
  std::sort(values.begin(), values.end());
  return values;
}

TEST(Amounts, DistributionsHaveTheirShape) {
  EXPECT_EQ(DrawMany(AmountOf("{draw: {type: constant, value: 3}}"), 2).front(), 6);
  const auto log = DrawMany(AmountOf("{draw: {type: log_uniform, low: 0.25, high: 4}}"), 1);
  EXPECT_NEAR(log[1000], 1, 0.1) << "half of the draws lie below the geometric middle";
  EXPECT_GE(log.front(), 0.25);
  EXPECT_LE(log.back(), 4);
  const auto normal = DrawMany(AmountOf("{operation: set, draw: {type: truncated_normal, mean: 0, "
                                        "deviation: 1, low: -1, high: 2}}"),
                               9);
  EXPECT_GE(normal.front(), -1);
  EXPECT_LE(normal.back(), 2);
  EXPECT_LT(normal[1999] - normal[1000], 2.2);
  const auto choice =
      DrawMany(AmountOf("{operation: add, draw: {type: choice, values: [1, 5]}}"), 1);
  EXPECT_EQ(choice.front(), 2);
  EXPECT_EQ(choice.back(), 6);
  EXPECT_NEAR(std::count(choice.begin(), choice.end(), 2.0), 1000, 150);
  const auto outside = DrawMany(
      AmountOf(
          "{operation: set, draw: {type: outside, low: 0, inner_low: 1, inner_high: 2, high: 4}}"),
      1);
  EXPECT_EQ(std::count_if(outside.begin(), outside.end(), [](double v) { return v > 1 && v < 2; }),
            0);
  EXPECT_NEAR(std::count_if(outside.begin(), outside.end(), [](double v) { return v <= 1; }),
              2000 / 3, 150);
}

TEST(Amounts, WidthZeroIsTheNominalValue) {
  Rng rng(kKey);
  for (const double nominal : {0.1, 0.7, 1e-3, 123.456}) {
    EXPECT_EQ(AmountOf("{}").Draw(rng, nominal), nominal);
    EXPECT_EQ(
        AmountOf("{operation: add, draw: {type: uniform, low: 0, high: 0}}").Draw(rng, nominal),
        nominal);
    EXPECT_EQ(AmountOf("{draw: {type: log_uniform, low: 1, high: 1}}").Draw(rng, nominal), nominal);
    const Amount wide = AmountOf("{draw: {type: uniform, low: 0.2, high: 3}}");
    EXPECT_EQ(wide.Scaled(0).Draw(rng, nominal), nominal);
  }
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

// What cameras do: each camera its own, within the ranges, so many times as far at a severity.
TEST(Plan, PicturesOfEachCameraAreDrawnForItself) {
  const SceneInventory scene = FakeRenderer().inventory();
  PictureRandomizer shots;
  shots.exposure = {-1, 0.5};
  shots.tint = 0.2;
  shots.motion = {0.01, 0.05};
  shots.noise = {0.02, 0.1};
  shots.jpeg = {20, 90};
  for (const double severity : {0.5, 1.0, 2.0}) {
    AugmentPlan plan;
    plan.randomizers["shots"] = shots.Scaled(severity);
    std::set<double> stops, seeds;
    double brightest = 0, noisiest = 0, worst = 100;
    for (uint64_t v = 0; v < 300; ++v) {
      const SceneVariation drawn = Draw(plan, scene, kKey.WithVariant(v));
      ASSERT_EQ(drawn.edits.size(), scene.cameras.size());
      for (const SceneEdit& one : drawn.edits) {
        const auto& edit = std::get<PictureEdit>(one);
        EXPECT_GE(*edit.exposure, -severity);
        EXPECT_LE(*edit.exposure, 0.5 * severity);
        EXPECT_LE((*edit.white_balance - Eigen::Vector3d::Ones()).cwiseAbs().maxCoeff(),
                  0.2 * severity);
        EXPECT_GE(edit.motion->norm(), 0.01 * severity - 1e-12);
        EXPECT_LE(edit.motion->norm(), 0.05 * severity + 1e-12);
        EXPECT_LE(*edit.noise, 0.1 * severity);
        EXPECT_GE(*edit.jpeg, std::max(1.0, 100 - 80 * severity) - 0.5);
        EXPECT_LE(*edit.jpeg, 100 - 10 * severity + 0.5);
        stops.insert(*edit.exposure);
        seeds.insert(static_cast<double>(*edit.seed));
        brightest = std::max(brightest, *edit.exposure);
        noisiest = std::max(noisiest, *edit.noise);
        worst = std::min(worst, *edit.jpeg);
      }
    }
    EXPECT_EQ(stops.size(), 300 * scene.cameras.size());
    EXPECT_EQ(seeds.size(), 300 * scene.cameras.size());
    EXPECT_GT(brightest, 0.48 * severity);
    EXPECT_GT(noisiest, 0.098 * severity);
    EXPECT_LT(worst, std::max(1.0, 100 - 80 * severity) + 2 * severity);
  }
}

}  // namespace
}  // namespace understudy
