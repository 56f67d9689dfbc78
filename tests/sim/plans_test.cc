// The plans that ship: they fit every task, and each is disjoint from its held-out twin.
#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

#include "augment/pictures.h"
#include "augment/plan.h"
#include "sim/looks/model_look.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTwin = "-held-out";

std::map<std::string, AugmentPlan> ShippedPlans() {
  std::map<std::string, AugmentPlan> plans;
  for (const auto& entry : fs::directory_iterator(UNDERSTUDY_SOURCE_DIR "/demo")) {
    if (entry.path().extension() != ".yaml") continue;
    const Json json = LoadYaml(entry.path().string());
    if (!json.contains("randomizers")) continue;
    plans[entry.path().stem().string()] = FromJson<AugmentPlan>(json, entry.path().string());
  }
  return plans;
}

// What `make assets` unpacks, here or in the folder of the environment.
const PictureLibrary& Library() {
  const char* folder = std::getenv("UNDERSTUDY_ASSETS");
  static const PictureLibrary library(
      UNDERSTUDY_SOURCE_DIR "/demo/assets.json",
      folder ? fs::path(folder) : fs::path(UNDERSTUDY_SOURCE_DIR "/.deps/assets"));
  return library;
}

bool AssetsAreInstalled() {
  const AssetState state = Library().State();
  return state.installed == state.listed;
}

// Names of the list of assets that a randomizer may draw.
std::set<std::string> ImagesOf(const Randomizer& randomizer) {
  const auto list =
      FromJson<AssetList>(LoadJson(UNDERSTUDY_SOURCE_DIR "/demo/assets.json"), "assets");
  std::set<std::string> names;
  std::visit(
      [&]<class One>(const One& one) {
        if constexpr (requires { one.images; }) {
          for (const auto& [name, asset] : list.pictures) {
            const bool sky = name.starts_with("sky/");
            if (sky == (One::kUse == PictureUse::kSky) && MatchesAny(one.images, name)) {
              names.insert(name);
            }
          }
        }
      },
      randomizer);
  return names;
}

// What is drawn of one factor, as numbers that tell its plan from the twin's.
struct Measured {
  const SceneInventory& scene;
  const PhysicsInventory& world;

  // How far from nominal the parts of an edit are: one number that both plans bound.
  std::vector<double> Of(const SceneEdit& edit) const {
    if (const auto* light = std::get_if<LightEdit>(&edit)) {
      for (const auto& nominal : scene.lights) {
        if (nominal.name != light->light || nominal.diffuse.maxCoeff() == 0) continue;
        return {light->diffuse->cwiseQuotient(nominal.diffuse).mean()};
      }
    }
    if (const auto* head = std::get_if<HeadlightEdit>(&edit)) {
      return {head->diffuse->cwiseQuotient(scene.headlight_diffuse).mean()};
    }
    if (const auto* texture = std::get_if<TextureEdit>(&edit)) {
      return {static_cast<double>(texture->pattern)};
    }
    if (const auto* camera = std::get_if<CameraEdit>(&edit)) {
      for (const auto& nominal : scene.cameras) {
        if (nominal.name != camera->camera) continue;
        return {(camera->X_PC.translation() - nominal.X_PC.translation()).cwiseAbs().maxCoeff()};
      }
    }
    if (const auto* picture = std::get_if<PictureEdit>(&edit)) {
      for (const auto& value : {picture->exposure, picture->noise, picture->jpeg}) {
        if (value) return {*value};
      }
      if (picture->motion) return {picture->motion->norm()};
    }
    return {};
  }
  std::vector<double> Of(const PhysicsEdit& edit) const {
    if (const auto* friction = std::get_if<FrictionEdit>(&edit)) {
      for (const auto& geom : world.geoms) {
        if (geom.name == friction->geom) return {friction->sliding / geom.sliding};
      }
    }
    if (const auto* mass = std::get_if<MassEdit>(&edit)) return {mass->factor};
    if (const auto* damping = std::get_if<JointDampingEdit>(&edit)) {
      for (const auto& joint : world.joints) {
        if (joint.name == damping->joint && joint.damping > 0) {
          return {damping->damping / joint.damping};
        }
      }
    }
    if (const auto* gain = std::get_if<ActuatorGainEdit>(&edit)) {
      for (const auto& actuator : world.actuators) {
        if (actuator.name == gain->actuator) return {gain->gain / actuator.gain};
      }
    }
    if (const auto* delay = std::get_if<ActuatorDelayEdit>(&edit)) return {delay->seconds};
    if (const auto* size = std::get_if<ObjectSizeEdit>(&edit)) return {size->factor};
    if (const auto* table = std::get_if<TableHeightEdit>(&edit)) return {table->shift};
    // kinds of furniture's layouts, by their names, and of things
    if (const auto* fixture = std::get_if<FixtureEdit>(&edit)) {
      return {static_cast<double>(HashOf(fixture->fixture) % 1000003)};
    }
    if (const auto* thing = std::get_if<DistractorEdit>(&edit)) {
      return {static_cast<double>(thing->kind)};
    }
    if (const auto* start = std::get_if<StartPostureEdit>(&edit)) {
      std::vector<double> offsets;
      for (size_t i = 0; i < start->q.size(); ++i) {
        offsets.push_back(start->q[i] - world.arms[0].home[i]);
      }
      return offsets;
    }
    return {};
  }
};

class PlansTest : public SimTest {};

TEST_F(PlansTest, EveryPlanHasATwin) {
  const auto plans = ShippedPlans();
  for (const char* name : {"looks", "looks-strong", "camera", "sensor", "layout", "physics",
                           "everything", "looks-images", "scenes"}) {
    EXPECT_TRUE(plans.contains(name)) << name;
    EXPECT_TRUE(plans.contains(std::string(name) + kTwin)) << name;
  }
  EXPECT_EQ(UnsafeParts(plans.at("looks")), "");
  EXPECT_EQ(UnsafeParts(plans.at("camera")), "");
  EXPECT_EQ(UnsafeParts(plans.at("sensor")), "");
  EXPECT_TRUE(Part(plans.at("physics"), true).randomizers.empty());
}

TEST_F(PlansTest, EveryPlanFitsEveryTask) {
  for (const std::string& task : ListedTasks()) {
    const auto scene = CompileTask(LoadTaskSpec(task, kTaskRoot));
    const SceneInventory looks = MakeInventory(*scene->model());
    for (auto& [name, plan] : ShippedPlans()) {
      const bool images = name.starts_with("looks-images");
      if (images && !AssetsAreInstalled()) {
        EXPECT_THAT(Validate(plan, looks), testing::Not(testing::IsEmpty())) << name;
        continue;
      }
      FindPictures(Library(), &plan);
      EXPECT_THAT(Validate(plan, looks), testing::IsEmpty()) << name << " for " << task;
      EXPECT_THAT(Validate(plan, scene->inventory()), testing::IsEmpty())
          << name << " for " << task;
    }
  }
}

// Whatever a plan draws, its twin never draws: the values of 200 draws of each lie apart.
TEST_F(PlansTest, TwinsAreDisjoint) {
  const auto plans = ShippedPlans();
  const auto scene = StackScene();
  const SceneInventory looks = MakeInventory(*scene->model());
  const Measured measured{looks, scene->inventory()};
  int compared = 0;
  for (const auto& [name, twin] : plans) {
    if (!name.ends_with(kTwin)) continue;
    const AugmentPlan& plan = plans.at(name.substr(0, name.size() - std::string(kTwin).size()));
    for (const auto& [factor, randomizer] : twin.randomizers) {
      ASSERT_TRUE(plan.randomizers.contains(factor)) << name << ": " << factor;
      // pictures by their names, installed or not
      if (const std::set<std::string> held_out = ImagesOf(randomizer); !held_out.empty()) {
        for (const auto& [other, drawn] : plan.randomizers) {
          for (const std::string& image : ImagesOf(drawn)) {
            EXPECT_FALSE(held_out.contains(image)) << name << ": " << factor << ": " << image;
          }
        }
        EXPECT_FALSE(ImagesOf(plan.randomizers.at(factor)).empty()) << name << ": " << factor;
        ++compared;
        continue;
      }
      const auto values = [&](const AugmentPlan& of) {
        std::vector<double> all;
        for (uint64_t i = 0; i < 200; ++i) {
          const RngKey key = RngKey{i}.WithStage("twins");
          const AugmentPlan alone = Chosen(of, {factor}, 1);
          const auto add = [&](const auto& variation) {
            for (const auto& edit : variation.edits) {
              for (const double value : measured.Of(edit)) all.push_back(value);
            }
          };
          add(Draw(alone, looks, key));
          add(Draw(alone, scene->inventory(), key));
        }
        return all;
      };
      const std::vector<double> trained = values(plan), held_out = values(twin);
      ASSERT_FALSE(trained.empty()) << name << ": " << factor << " is not measured";
      ASSERT_FALSE(held_out.empty()) << name << ": " << factor << " is not measured";
      const std::set<std::string> kinds_only{"texture", "fixtures", "distractors"};
      const bool by_kind = kinds_only.contains(LineOf(randomizer).name);
      const auto [low, high] = std::minmax_element(trained.begin(), trained.end());
      const std::set<double> kinds(trained.begin(), trained.end());
      for (const double value : held_out) {
        const bool inside = by_kind ? kinds.contains(value) : value >= *low && value <= *high;
        EXPECT_FALSE(inside) << name << ": " << factor << " draws " << value
                             << ", as the plan does";
        if (inside) break;
      }
      ++compared;
    }
  }
  EXPECT_GT(compared, 20);
}

}  // namespace
}  // namespace understudy
