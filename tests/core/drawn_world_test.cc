// A drawn world that holds no start is drawn again.
#include "core/seam/drawn_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/support/fake_simulator.h"
#include "tests/support/simulator_around.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Finds no place where the arm is weaker than `least`.
class Crowded : public SimulatorAround {
 public:
  explicit Crowded(double least) : SimulatorAround(MakeFakeSimulator(FakeTask())), least_(least) {}

 private:
  void DoSetWorld(const PhysicsVariation& world) override {
    gain_ = std::get<ActuatorGainEdit>(world.edits.at(0)).gain;
    SimulatorAround::DoSetWorld(world);
  }
  void DoReset(const std::string& variant, const RngKey& key) override {
    if (gain_ < least_) ThrowFailed("no free place");
    SimulatorAround::DoReset(variant, key);
  }
  double least_, gain_ = 1;
};

// By a term of its own, as randomizers do.
PhysicsVariation Weak(const PhysicsInventory&, const RngKey& key) {
  return {{ActuatorGainEdit{"arm", Rng(key.WithTerm("weak/arm")).Uniform(0.1, 0.9)}}};
}
double GainOf(const PhysicsVariation& world) {
  return std::get<ActuatorGainEdit>(world.edits.at(0)).gain;
}

TEST(StartInDrawnWorld, TakesTheFirstWorldThatHoldsAStart) {
  Crowded open(0), crowded(0.6);
  int again = 0;
  for (uint64_t i = 0; i < 40; ++i) {
    const RngKey key = RngKey{3}.WithParent(i), start = RngKey{4}.WithParent(i);
    const double first = GainOf(Weak({}, key));
    EXPECT_EQ(GainOf(StartInDrawnWorld(open, Weak, key, "D0", start)), first);
    const SimState wanted = open.Save();
    const double gain = GainOf(StartInDrawnWorld(crowded, Weak, key, "D0", start));
    EXPECT_GE(gain, 0.6);
    if (first >= 0.6) {
      EXPECT_EQ(gain, first);
    } else {
      ++again;
    }
    // the start is that of its own key; the same call gives the same world
    EXPECT_EQ(crowded.Save(), wanted);
    EXPECT_EQ(GainOf(StartInDrawnWorld(crowded, Weak, key, "D0", start)), gain);
  }
  EXPECT_GT(again, 10);
}

TEST(StartInDrawnWorld, SaysWhereNoneDoes) {
  Crowded never(1);
  int draws = 0;
  const DrawWorld count = [&](const PhysicsInventory& inventory, const RngKey& key) {
    ++draws;
    return Weak(inventory, key);
  };
  EXPECT_THAT([&] { StartInDrawnWorld(never, count, RngKey{1}, "D0", RngKey{2}); },
              ThrowsMessage<Error>(HasSubstr("20 worlds drawn, and none of them holds a start, the "
                                             "last one: no free place")));
  EXPECT_EQ(draws, 20);
  // what is no matter of the draw is said at once
  Crowded open(0);
  draws = 0;
  EXPECT_THROW(StartInDrawnWorld(open, count, RngKey{1}, "D7", RngKey{2}), Error);
  EXPECT_EQ(draws, 1);
}

}  // namespace
}  // namespace understudy
