// Draws and plan texts are identities: they key looks, and their text is hashed into datasets.
#include <gtest/gtest.h>

#include "augment/command.h"
#include "augment/plan.h"
#include "core/base/json.h"
#include "tests/augment/golden_scene.h"

namespace understudy {
namespace {

// A plan with one of each randomizer.
constexpr const char* kOneOfEach = R"(
randomizers:
  lights: {type: light, position: 0.3, direction: 0.4, intensity: [0.5, 1.5], ambient: [0.8, 1.2], tint: 0.2}
  head: {type: headlight, ambient: [0.5, 1.5], diffuse: [0.5, 1.5]}
  colours: {type: material, materials: [cube_*], hue: 0.1, saturation: 0.2, value: 0.2, shine: 0.3}
  paint: {type: texture}
  swap: {type: material_swap, geoms: [table_top], materials: ["*"]}
  views: {type: camera, position: 0.05, rotation: 0.1, fovy_deg: 4}
)";

// golden/draws.json was written by the program before randomizers had files of their own. A change
// of it changes every augmented dataset.
TEST(AugmentGolden, TextsAndDrawsStay) {
  const Json golden = LoadJson(UNDERSTUDY_SOURCE_DIR "/tests/augment/golden/draws.json");
  const std::vector<AugmentPlan> plans{
      FromJson<AugmentPlan>(LoadYaml(UNDERSTUDY_SOURCE_DIR "/demo/randomised.yaml"), "plan"),
      FromJson<AugmentPlan>(ParseYaml(kOneOfEach, "plan"), "plan")};
  ASSERT_EQ(golden.size(), plans.size());
  for (size_t i = 0; i < plans.size(); ++i) {
    EXPECT_EQ(ToJson(plans[i]).dump(), golden[i]["plan"].dump());
    for (int variant : {1, 2}) {
      const RngKey key = VariantKey(3, "0123456789abcdef", variant);
      EXPECT_EQ(ToJson(Draw(plans[i], GoldenScene(), key)).dump(),
                golden[i]["draws"][static_cast<size_t>(variant - 1)].dump());
    }
  }
}

// Settings of a run are hashed into the dataset's header: options that came later are written only
// where they differ from the default.
TEST(AugmentGolden, SettingsStay) {
  EXPECT_EQ(ToJson(AugmentOptions{}).dump(),
            R"({"inputs":[],"out":"","plan":{"randomizers":{}},"variants":1,"nominal":true,)"
            R"("cameras":[],"width":84,"height":84,"max_episodes":0,"successes_only":true,)"
            R"("seed":0,"threads":0,"compression":1,"overwrite":false,"resume":true})");
}

}  // namespace
}  // namespace understudy
