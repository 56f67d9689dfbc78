// Episodes that are written down run as those that were drawn.
#include "train/evaluate/suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/base/error.h"
#include "tests/support/fake_renderer.h"
#include "tests/support/fake_simulator.h"
#include "wandering_policy.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

RendererFactory SuiteRenderers() {
  return [] { return std::make_unique<FakeRenderer>(); };
}

EvalOptions SuiteOptions(int workers) {
  EvalOptions options;
  options.episodes = 6;
  options.seed = 7;
  options.workers = workers;
  options.horizon = 60;
  return options;
}

SceneVariation Lamp(const SceneInventory& scene, const RngKey& key) {
  LightEdit edit{.light = scene.lights[0].name};
  edit.diffuse = Eigen::Vector3d::Constant(Rng(key).Uniform());
  return {{edit}};
}

PhysicsVariation WeakArm(const PhysicsInventory&, const RngKey& key) {
  return {{ActuatorGainEdit{"arm", Rng(key).Uniform(0.3, 0.9)}}};
}

// What a rollout came to.
std::vector<std::tuple<int64_t, bool, int, double, uint64_t>> Ends(const EvalReport& report) {
  std::vector<std::tuple<int64_t, bool, int, double, uint64_t>> ends;
  for (const EvalEpisode& one : report.episodes) {
    ends.emplace_back(one.index, one.success, one.steps, one.jerk_rms, one.end_state);
  }
  return ends;
}

// Stays, and writes down what it is asked for; one worker.
class Hearing : public Policy {
 public:
  explicit Hearing(const SimulatorInfo& simulator) : info_(InfoFor(simulator)) {}
  mutable std::set<std::string> heard;

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey&) const override {
    heard.insert(input.instruction);
    Action stay;
    for (const ArmObservation& arm : input.arms) stay.arms.push_back({arm.X_WE, -1});
    return {stay};
  }
  PolicyInfo info_;
};

class SuiteTest : public testing::Test {
 protected:
  Suite Freeze(const Variations& vary) {
    return FreezeSuite(simulators_, SuiteRenderers(), SuiteOptions(1), vary, quiet_);
  }
  EvalReport Run(const Policy& policy, const Suite& suite, int workers = 1) {
    EvalOptions options;
    options.workers = workers;
    return Evaluate(policy, simulators_, SuiteRenderers(), options, {}, {}, quiet_, {}, &suite);
  }
  EvalReport Drawn(const Policy& policy, const Variations& vary) {
    return Evaluate(policy, simulators_, SuiteRenderers(), SuiteOptions(1), vary, {}, quiet_);
  }
  SimulatorFactory simulators_ = FakeSimulatorFactory(FakeTask());
  SimulatorInfo info_ = simulators_()->info();
  Progress quiet_;
};

TEST_F(SuiteTest, RunsWhatWasDrawn) {
  const WanderingPolicy sees(info_);
  const HoldPolicy blind(InfoFor(info_));
  for (const auto& [policy, vary] : {std::pair<const Policy*, Variations>(&sees, {}),
                                     {&sees, Variations(Lamp)},
                                     {&blind, Variations({}, WeakArm)}}) {
    const Suite suite = Freeze(vary);
    const EvalReport drawn = Drawn(*policy, vary);
    // as it comes from a file
    const Suite read = ReadSuite(Json::parse(suite.ToText()), "suite.json");
    EXPECT_EQ(read.ToText(), suite.ToText());
    EXPECT_EQ(read.Hash(), suite.Hash());
    for (const int workers : {1, 3}) {
      const EvalReport run = Run(*policy, read, workers);
      EXPECT_EQ(Ends(run), Ends(drawn));
      EXPECT_EQ(run.suite, suite.Hash());
      EXPECT_EQ(run.options.variant, "D0");
      EXPECT_EQ(run.options.horizon, 60);
      EXPECT_EQ(run.varied, drawn.varied);
    }
  }
  EXPECT_NE(Ends(Drawn(sees, {})), Ends(Drawn(sees, Variations(Lamp)))) << "looks are seen";
}

// An episode is what its line says, whichever others there are.
TEST_F(SuiteTest, EpisodesAreTheirOwn) {
  const WanderingPolicy policy(info_);
  const Suite all = Freeze(Variations(Lamp));
  const auto ends = Ends(Run(policy, all));
  Suite some = all;
  std::swap(some.episodes[0], some.episodes[4]);
  some.episodes.resize(2);
  const EvalReport run = Run(policy, some);
  EXPECT_EQ(Ends(run), (std::vector{ends[4], ends[1]}));
  EXPECT_NE(run.suite, all.Hash());
  EXPECT_THAT([&] { ComparePaired(run, Run(policy, all)); },
              ThrowsMessage<Error>(HasSubstr("suites " + some.Hash() + " and " + all.Hash())));
  EXPECT_THAT([&] { ComparePaired(run, Drawn(policy, {})); },
              ThrowsMessage<Error>(HasSubstr(" and none")));
  EXPECT_EQ(ComparePaired(run, ReadEvalReport(run.ToJson(), "report"))["pairs"], 2);

  // other words reach the policy, and are said to be unknown
  EXPECT_FALSE(run.unknown_instruction);
  some.episodes[1].instruction = "lift the other cube";
  const Hearing hearing(info_);
  const EvalReport asked = Run(hearing, some);
  EXPECT_THAT(hearing.heard,
              testing::UnorderedElementsAre(info_.instruction, "lift the other cube"));
  EXPECT_TRUE(asked.unknown_instruction);
  EXPECT_THAT(asked.warnings, testing::ElementsAre(HasSubstr("'lift the other cube' of task")));
}

TEST_F(SuiteTest, RolloutsOfASuiteAreItsOwn) {
  const WanderingPolicy policy(info_);
  Suite suite = Freeze({});
  suite.episodes.erase(suite.episodes.begin());
  suite.episodes[2].instruction = "lift the other cube";
  std::vector<Episode> saved;
  EvalOptions options;
  options.workers = 1;
  Evaluate(
      policy, simulators_, SuiteRenderers(), options, {}, {}, quiet_,
      [&](const Episode& episode) { saved.push_back(episode); }, &suite);
  ASSERT_EQ(saved.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(saved[i].steps[0].state, suite.episodes[i].start);
    EXPECT_EQ(saved[i].meta.instruction, suite.episodes[i].instruction);
    EXPECT_EQ(saved[i].meta.attempt, static_cast<uint64_t>(suite.episodes[i].number));
  }
}

TEST_F(SuiteTest, WhatDoesNotFitIsNamed) {
  const Suite suite = Freeze(Variations(Lamp));
  const Json sound = Json::parse(suite.ToText());
  const auto read = [&](const std::string& pointer, const Json& value) {
    return [=, this] {
      Json json = sound;
      json[Json::json_pointer(pointer)] = value;
      const Suite changed = ReadSuite(json, "suite.json");
      Progress quiet;
      CheckSuite(changed, "suite.json", simulators_, SuiteRenderers(), quiet);
    };
  };
  CheckSuite(suite, "suite.json", simulators_, SuiteRenderers(), quiet_);
  EXPECT_THAT(
      read("/suite", 2),
      ThrowsMessage<Error>(HasSubstr("suite.json: suite = 2: this program reads version 1")));
  EXPECT_THAT([&] { ReadSuite(Json::array(), "suite.json"); },
              ThrowsMessage<Error>(HasSubstr("suite.json: was not written by")));
  EXPECT_THAT(read("/episodes", Json::array()), ThrowsMessage<Error>(HasSubstr("there is none")));
  EXPECT_THAT(read("/episodes/3/number", 1),
              ThrowsMessage<Error>(HasSubstr("episode 1 is listed twice")));
  EXPECT_THAT(
      read("/episodes/3/start", {1, 2}),
      ThrowsMessage<Error>(HasSubstr("episode 3: start has 2 numbers, a state of its world")));
  EXPECT_THAT(
      read("/episodes/2/start/1", ".nan"),
      ThrowsMessage<Error>(HasSubstr("episode 2: start holds a number that is not finite")));
  EXPECT_THAT(read("/episodes/2/sart", 1), ThrowsMessage<Error>(HasSubstr("sart")));
  EXPECT_THAT(read("/task", "coffee"),
              ThrowsMessage<Error>(AllOf(HasSubstr("task: the suite has coffee, the simulator"),
                                         testing::Not(HasSubstr("scene")))));
  EXPECT_THAT(read("/scene", "0"), ThrowsMessage<Error>(HasSubstr("scene: the suite has 0")));
  // every fault at once
  Json json = sound;
  json["episodes"][1]["world"] = {{"edits", {{{"type", "mass"}, {"body", "moon"}}}}};
  json["episodes"][4]["start"] = Json::array();
  const Suite changed = ReadSuite(json, "suite.json");
  EXPECT_THAT([&] { CheckSuite(changed, "suite.json", simulators_, SuiteRenderers(), quiet_); },
              ThrowsMessage<Error>(AllOf(HasSubstr("episode 1: "),
                                         HasSubstr("the fake varies its arm only"),
                                         HasSubstr("; episode 4: start has 0 numbers"))));
}

}  // namespace
}  // namespace understudy
