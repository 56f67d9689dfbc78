// The table of factors: what it counts, and that it finds what is planted and nothing else.
#include "train/evaluate/factors.h"

#include <gmock/gmock.h>

#include <mutex>
#include <set>

#include "core/base/error.h"
#include "tests/support/fake_renderer.h"
#include "tests/support/fake_simulator.h"
#include "tests/support/simulator_around.h"
#include "train/evaluate/baselines.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Succeeds or fails by lot with its first step: 8 of 10 starts in the nominal world. In a world of
// one friction edit the lot is the friction that was drawn, and the geom says how many succeed of
// 100, so that the two settings are as independent as can be.
class LotSimulator final : public SimulatorAround {
 public:
  LotSimulator() : SimulatorAround(MakeFakeSimulator(FakeTask())) {}

 private:
  void DoSetWorld(const PhysicsVariation& variation) override { world_ = variation; }
  void DoReset(const std::string& variant, const RngKey& key) override {
    SimulatorAround::DoReset(variant, key);
    lot_ = Rng(key.WithTerm("lot")).Uniform();
    share_ = 0.8;
    for (const PhysicsEdit& edit : world_.edits) {
      const auto& friction = std::get<FrictionEdit>(edit);
      lot_ = friction.sliding;
      share_ = std::min(share_, std::stod(friction.geom) / 100);
    }
    stepped_ = false;
  }
  void DoSave(SimState* state) const override {
    SimulatorAround::DoSave(state);
    if (!world_.edits.empty()) (*state)[0] += 1 + lot_;
  }
  const Observation& DoObserve() const override {
    observed_ = SimulatorAround::DoObserve();
    observed_.success = stepped_ && lot_ < share_;
    return observed_;
  }
  StepOutcome DoStep(const Action& action) override {
    stepped_ = true;
    return SimulatorAround::DoStep(action);
  }
  PhysicsVariation world_;
  double lot_ = 0, share_ = 0;
  bool stepped_ = false;
  mutable Observation observed_;
};

SimulatorFactory Lots() {
  return [] { return std::make_unique<LotSimulator>(); };
}

// Factors of LotSimulator: of 100 starts so many succeed at severity 1, and at others so many fewer
// than 80 as the severity says.
Factors LotFactors(const std::map<std::string, int>& of_100) {
  Factors factors;
  for (const auto& [name, share] : of_100) factors.factors.push_back({name, "friction", false});
  factors.vary = [of_100](const std::vector<std::string>& names, double severity) {
    return Variations({}, [=](const PhysicsInventory&, const RngKey& key) {
      PhysicsVariation world;
      for (const std::string& name : names) {
        const double share = 80 - severity * (80 - of_100.at(name));
        world.edits.push_back(
            FrictionEdit{std::to_string(share), Rng(key.WithTerm(name)).Uniform()});
      }
      return world;
    });
  };
  return factors;
}

EvalOptions LotOptions(int64_t episodes, int workers, uint64_t seed = 1) {
  EvalOptions options;
  options.episodes = episodes;
  options.workers = workers;
  options.horizon = 1;
  options.seed = seed;
  return options;
}

class FactorsTest : public testing::Test {
 protected:
  FactorReport Run(const Factors& factors, const EvalOptions& options,
                   const FactorOptions& how = {}) {
    return EvaluateFactors(hold_, Lots(), {}, options, how, factors, quiet_);
  }
  const HoldPolicy hold_{InfoFor(Lots()()->info())};
  Progress quiet_;
};

// An effect of 15 points is found, and one that is not there is not: 100 repeats of 200 pairs.
TEST_F(FactorsTest, FindsWhatIsPlantedAndNothingElse) {
  const Factors factors = LotFactors({{"null", 80}, {"planted", 65}});
  FactorOptions alone;
  alone.severities = {1};
  alone.pairs = alone.all = false;
  int found = 0, false_alarms = 0, corrected = 0, covered = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const FactorReport report = Run(factors, LotOptions(200, 2, seed), alone);
    ASSERT_EQ(report.rows.size(), 2u);
    const FactorRow &null = report.rows[0], &planted = report.rows[1];
    ASSERT_EQ(null.factors[0], "null");
    found += planted.p_value < 0.01;
    corrected += planted.p_holm < 0.05;
    false_alarms += null.p_value < 0.01;
    covered +=
        planted.difference_interval.low <= -0.15 && planted.difference_interval.high >= -0.15;
  }
  EXPECT_GE(found, 60);
  EXPECT_GE(corrected, 60);
  EXPECT_LE(false_alarms, 5);
  EXPECT_GE(covered, 88) << "of 95 that a 95 % interval should";
}

// The same text, hash for hash, for any number of workers and on a repeat.
TEST_F(FactorsTest, TheReportDependsOnNoWorker) {
  const Factors factors = LotFactors({{"a", 70}, {"b", 30}, {"c", 50}, {"d", 60}});
  const std::string one = Run(factors, LotOptions(40, 1)).ToJson().dump();
  EXPECT_EQ(Run(factors, LotOptions(40, 2)).ToJson().dump(), one);
  EXPECT_EQ(Run(factors, LotOptions(40, 4)).ToJson().dump(), one);
  EXPECT_EQ(Run(factors, LotOptions(40, 1)).ToJson().dump(), one);
  EXPECT_EQ(Json::parse(one)["hash"].get<std::string>().size(), 32u);
  EXPECT_FALSE(Json::parse(one)["nominal"].contains("p_value")) << "it is compared with nothing";
  EXPECT_TRUE(Json::parse(one)["rows"][0].contains("p_value"));
  EXPECT_NE(Run(factors, LotOptions(40, 1, 2)).ToJson()["hash"], Json::parse(one)["hash"]);
}

// One by one at each severity, the three worst in pairs, all together; each against the nominal
// setting.
TEST_F(FactorsTest, RowsAndSums) {
  const FactorReport report =
      Run(LotFactors({{"a", 70}, {"b", 20}, {"c", 45}, {"d", 35}}), LotOptions(200, 2));
  ASSERT_EQ(report.rows.size(), 4u * 3 + 3 + 1);
  EXPECT_EQ(report.control.outcomes.size(), 200u);
  EXPECT_NEAR(report.control.rate(), 0.8, 0.1);
  std::set<std::vector<std::string>> pairs;
  double largest = 0;
  for (const FactorRow& row : report.rows) {
    int64_t successes = 0, only_nominal = 0, only_varied = 0;
    for (size_t i = 0; i < 200; ++i) {
      successes += row.outcomes[i];
      only_nominal += report.control.outcomes[i] && !row.outcomes[i];
      only_varied += !report.control.outcomes[i] && row.outcomes[i];
    }
    EXPECT_EQ(row.successes, successes);
    EXPECT_EQ(row.only_nominal, only_nominal);
    EXPECT_EQ(row.only_varied, only_varied);
    EXPECT_NEAR(row.difference, (only_varied - only_nominal) / 200.0, 1e-12);
    EXPECT_LE(row.difference_interval.low, row.difference);
    EXPECT_GE(row.difference_interval.high, row.difference);
    EXPECT_EQ(row.p_value, McNemarExact(only_nominal, only_varied));
    EXPECT_GE(row.p_holm, row.p_value);
    largest = std::max(largest, row.p_holm);
    int64_t failed = 0;
    for (const auto& [cause, count] : row.causes) failed += count;
    EXPECT_EQ(failed + row.successes, 200);
    if (row.factors.size() == 2) pairs.insert(row.factors);
  }
  EXPECT_LE(largest, 1);
  EXPECT_THAT(pairs, testing::UnorderedElementsAre(testing::ElementsAre("b", "d"),
                                                   testing::ElementsAre("b", "c"),
                                                   testing::ElementsAre("d", "c")));
  EXPECT_THAT(report.rows.back().factors, testing::ElementsAre("a", "b", "c", "d"));
  // 80 at 0, 50 at 0.5, 20 at 1 and none at 2: half of 80 lies between the first two
  ASSERT_TRUE(report.r50.at("b"));
  EXPECT_NEAR(*report.r50.at("b"), 0.67, 0.15);
  EXPECT_NEAR(report.r50.at("c").value(), 1.14, 0.25);
  EXPECT_FALSE(report.r50.at("a"));
}

// The lot of LotSimulator is the friction that it draws: success depends on nothing else.
TEST_F(FactorsTest, DrawnValuesStandBesideSuccess) {
  const FactorReport report = Run(LotFactors({{"a", 60}, {"b", 40}}), LotOptions(100, 2));
  for (const char* name : {"a", "b"}) {
    const std::vector<DrawnBins>& rows = report.drawn.at(name);
    // the name of the geom is the share, one for each severity
    ASSERT_EQ(rows.size(), 3u) << name;
    EXPECT_THAT(rows[0].value, HasSubstr("sliding"));
    EXPECT_LT(rows[0].p_holm, 1e-9);
    int64_t episodes = 0;
    for (const DrawnBin& bin : rows[0].bins) episodes += bin.episodes;
    EXPECT_EQ(episodes, 100) << "each geom is a part of its own";
  }
  const Json json = report.ToJson()["drawn"]["b"];
  EXPECT_EQ(json["values"], report.drawn_values.at("b"));
  EXPECT_EQ(json["shown"].size(), 3u);
  EXPECT_THAT(report.films, testing::IsEmpty()) << "nobody asked for any";
}

TEST_F(FactorsTest, AFactorThatDoesNothingIsAnError) {
  Factors nothing = LotFactors({{"idle", 80}});
  nothing.vary = [](const auto&, double) {
    return Variations({},
                      [](const PhysicsInventory&, const RngKey&) { return PhysicsVariation{}; });
  };
  EXPECT_THAT([&] { Run(nothing, LotOptions(5, 1)); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("factor 'idle' (friction)"),
                                                  HasSubstr("changes no state in 5 episodes"))));
  // one that says label-safe and is not
  Factors posing = LotFactors({{"posing", 70}});
  posing.factors[0].label_safe = true;
  EXPECT_THAT([&] { Run(posing, LotOptions(5, 1)); },
              ThrowsMessage<Error>(HasSubstr("'posing' (friction) is label-safe, but changes the "
                                             "state that episodes start from")));
  EXPECT_THAT([&] { Run({}, LotOptions(5, 1)); },
              ThrowsMessage<Error>(HasSubstr("the plan has no randomizers")));
}

// Sees pictures and writes down all that it is told in words.
class ListeningPolicy : public Policy {
 public:
  explicit ListeningPolicy(const SimulatorInfo& simulator) : info_(InfoFor(simulator)) {
    info_.name = "listener";
    info_.cameras = {"agentview"};
    info_.image_width = info_.image_height = 8;
  }
  std::set<std::string> heard() const { return heard_; }

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey&) const override {
    const std::lock_guard lock(mutex_);
    heard_.insert(input.instruction);
    Action stay;
    for (const ArmObservation& arm : input.arms) stay.arms.push_back({arm.X_WE, -1});
    return {stay};
  }
  PolicyInfo info_;
  mutable std::mutex mutex_;
  mutable std::set<std::string> heard_;
};

// An instruction in the place of the task's is a row like others, in the nominal
// world.
TEST_F(FactorsTest, InstructionsAreHeardAndCompared) {
  const SimulatorFactory simulators = FakeSimulatorFactory(FakeTask());
  const ListeningPolicy policy(simulators()->info());
  const RendererFactory renderers = [] { return std::make_unique<FakeRenderer>(); };
  Factors factors;
  factors.factors = {{"instruction", "light", true}};  // a factor may be called so too
  factors.vary = [](const std::vector<std::string>&, double severity) {
    return Variations([=](const SceneInventory& scene, const RngKey&) {
      LightEdit edit{.light = scene.lights[0].name};
      edit.diffuse = Eigen::Vector3d::Constant(0.2 * severity);
      return SceneVariation{{edit}};
    });
  };
  FactorOptions how;
  how.severities = {1};
  how.instructions = {"", "lift the other cube"};
  EvalOptions options = LotOptions(3, 2);
  options.horizon = 4;
  const FactorReport report =
      EvaluateFactors(policy, simulators, renderers, options, how, factors, quiet_);
  EXPECT_THAT(policy.heard(),
              testing::ElementsAre("", "lift the other cube", simulators()->info().instruction));
  ASSERT_EQ(report.rows.size(), 3u);
  EXPECT_EQ(report.rows[0].instruction, "");
  EXPECT_EQ(report.rows[1].instruction, "lift the other cube");
  EXPECT_FALSE(report.rows[2].instruction);
  EXPECT_EQ(report.rows[1].outcomes, report.control.outcomes);
  EXPECT_EQ(report.rows[1].p_value, 1);
  const Json json = report.ToJson();
  EXPECT_EQ(json["rows"][0]["instruction"], "");
  EXPECT_FALSE(json["rows"][2].contains("instruction"));
  EXPECT_EQ(report.r50.size(), 1u);
}

// LIBERO-Plus' users found names of variants in their policies' prompts.
TEST_F(FactorsTest, NoNameReachesThePolicy) {
  const SimulatorFactory simulators = FakeSimulatorFactory(FakeTask());
  const ListeningPolicy policy(simulators()->info());
  const RendererFactory renderers = [] { return std::make_unique<FakeRenderer>(); };
  Factors factors;
  factors.factors = {{"lamp_from_the_left", "light", true}, {"weak_arm", "actuator_gain", false}};
  factors.vary = [](const std::vector<std::string>& names, double severity) {
    Variations vary;
    for (const std::string& name : names) {
      if (name == "weak_arm") {
        vary.world = [=](const PhysicsInventory&, const RngKey&) {
          return PhysicsVariation{{ActuatorGainEdit{"arm", 0.7 / (1 + severity)}}};
        };
      } else {
        vary.look = [=](const SceneInventory& scene, const RngKey&) {
          LightEdit edit{.light = scene.lights[0].name};
          edit.diffuse = Eigen::Vector3d::Constant(0.2 * severity);
          return SceneVariation{{edit}};
        };
      }
    }
    return vary;
  };
  EvalOptions options = LotOptions(3, 2);
  options.horizon = 4;
  // a hand that stays shows no weakness, so that only the look is tried alone
  const Factors looks{{factors.factors[0]}, factors.vary};
  const FactorReport report =
      EvaluateFactors(policy, simulators, renderers, options, {}, looks, quiet_);
  EXPECT_EQ(report.rows.size(), 3u);
  EXPECT_THAT(policy.heard(), testing::ElementsAre(simulators()->info().instruction));
  EXPECT_THAT(*policy.heard().begin(), testing::Not(HasSubstr("lamp")));

  // pictures that stay the same are no look
  Factors idle = looks;
  idle.vary = [](const auto&, double) {
    return Variations([](const SceneInventory&, const RngKey&) { return SceneVariation{}; });
  };
  EXPECT_THAT(
      [&] { EvaluateFactors(policy, simulators, renderers, options, {}, idle, quiet_); },
      ThrowsMessage<Error>(HasSubstr("'lamp_from_the_left' (light) changes no picture that the "
                                     "policy sees, in 3 episodes at severity 0.5")));
  EXPECT_THAT([&] { EvaluateFactors(hold_, simulators, renderers, options, {}, looks, quiet_); },
              ThrowsMessage<Error>(HasSubstr("the policy sees no pictures")));
}

}  // namespace
}  // namespace understudy
