// Tasks with moving parts beside the drawer (drawer_test.cc), recorded and generated as they are
// written: a button, a lid, and a hinge on what is carried.
#include "core/base/names.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

class MovingParts : public Cli {
 protected:
  // Demonstrates and generates the task of tests/tasks; returns the rate of success.
  double Rate(const std::string& task) {
    const std::string place = kSource + "/tests/tasks/" + task + "/task.yaml";
    Expect("teleop --task " + place + " --demos 10 --seed 2 --out s.h5", 0, "10 demonstrations");
    const CommandResult made =
        Run("mimic s.h5 --task " + place + " --attempts 40 --seed 2 --out g.h5 --json --quiet");
    EXPECT_EQ(made.exit_code, 0) << made.output;
    Expect("data verify g.h5 --replay", 0, "bit-exact");
    const Json report = Json::parse(made.output);
    EXPECT_EQ(report.at("sources").size(), 10u);
    return report.at("rate").get<double>();
  }
};

// A button in a panel is a subtask's reference, a spring lifts it again; a lid starts half open.
TEST_F(MovingParts, AButtonIsPressedAndALidClosed) {
  EXPECT_GE(Rate("box"), 0.9);
  const DatasetReader reader(folder_ / "g.h5");
  const std::vector<std::string>& objects = reader.header().simulator.objects;
  const auto place = [&](const char* name) { return static_cast<size_t>(IndexOf(objects, name)); };
  double least = 4, most = 0;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    const Episode episode = reader.ReadEpisode(i);
    double deepest = 0;  // m
    for (const Step& row : episode.steps) {
      const std::vector<Pose>& X_WO = row.observation.X_WO;
      const Pose X_PB = X_WO[place("panel")].Inverse() * X_WO[place("button")];
      deepest = std::max(deepest, 0.05 - X_PB.translation().z());
    }
    EXPECT_GE(deepest, 0.01) << i;
    const auto opened = [&](const Observation& seen) {
      return AngleBetween(seen.X_WO[place("box")].rotation(), seen.X_WO[place("lid")].rotation());
    };
    least = std::min(least, opened(episode.steps[0].observation));
    most = std::max(most, opened(episode.steps[0].observation));
    EXPECT_LT(opened(episode.final_observation), 0.08) << i;
  }
  EXPECT_GE(least, 0.3 - 1e-9);
  EXPECT_LE(most, 0.6 + 1e-9);
  EXPECT_GT(most - least, 0.2);
}

// A free body with a flap on a hinge of its own, among further free bodies.
TEST_F(MovingParts, AHingeMayHangFromWhatIsCarried) { EXPECT_GE(Rate("freehinge"), 0.9); }

}  // namespace
}  // namespace understudy
