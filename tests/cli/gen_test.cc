// One plan for mimic, augment and evaluate, as a user gives it.
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

class GenCli : public Cli {};

TEST_F(GenCli, OnePlanDrivesEveryStage) {
  Expect("teleop --task stack --demos 2 --seed 1 --out s.h5 --quiet", 0, "2 demonstrations");

  // worlds are drawn, stored and replayed bit for bit
  Expect("mimic s.h5 --plan-file everything --attempts 6 --keep-failed --seed 4 --out g.h5 --quiet",
         0, "of 6 attempts");
  const DatasetReader generated(folder_ / "g.h5");
  ASSERT_EQ(generated.episodes().size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    const EpisodeMeta meta = generated.ReadMeta(i);
    EXPECT_GT(meta.physics.edits.size(), 12u);
    EXPECT_THAT(meta.model_text, HasSubstr("<mujoco"));
    EXPECT_NE(meta.model_text, generated.header().model_text);
  }
  Expect("data verify g.h5 --replay", 0, "replayed: 6 of 6 bit-exact");
  Expect("data filter g.h5 --where 'dr.cubeA.factor > 0' --out f.h5", 0, "6 episodes kept");
  Expect("data verify f.h5 --replay", 0, "replayed: 6 of 6 bit-exact");

  // looks follow in the worlds that the states are of
  const std::string augment =
      "augment g.h5 --no-successes-only --plan-file everything --variants 1 --width 32 --height "
      "32 ";
  Expect(augment + "--out looks.h5", 2, "--looks-only draws the looks alone");
  Expect(augment + "--looks-only --preview sheet.png --out looks.h5 --quiet", 0, "12 episodes");
  EXPECT_EQ(ReadText(folder_ / "sheet.png").substr(1, 3), "PNG");
  Expect("data verify looks.h5 --replay", 0, "replayed: 12 of 12 bit-exact");

  // another hash of settings, another run
  Expect("mimic s.h5 --plan-file layout --attempts 7 --keep-failed --seed 4 --out g.h5", 2,
         "exists");
  Expect("mimic s.h5 --plan-file looks --attempts 1 --out h.h5", 2, "varies looks alone");
}

TEST_F(GenCli, BadPlansAreRefusedAtOnce) {
  Expect("teleop --task stack --demos 1 --seed 1 --out s.h5 --quiet", 0, "1 demonstration");
  Write("bad.yaml",
        "randomizers:\n"
        "  a: {type: mass, bodies: [cubeC], draw: {type: uniform, low: 0.5, high: 2}}\n"
        "  b: {type: mass, draw: {type: uniform, low: 2, high: 0.5}}\n"
        "  c: {type: object_size, draw: {type: uniform, low: -1, high: 1}}\n"
        "  d: {type: friction}\n");
  for (const char* text :
       {"randomizers.a.bodies: 'cubeC' matches nothing", "randomizers.b.draw: [2, 0.5]",
        "randomizers.c.draw: -1 must be above 0", "randomizers.d: friction changes nothing here"}) {
    Expect("mimic s.h5 --plan-file bad.yaml --attempts 1 --out g.h5", 3, text);
    Expect("evaluate --task stack --baseline hold --plan-file bad.yaml --episodes 1", 3, text);
  }
  EXPECT_FALSE(fs::exists(folder_ / "g.h5.part"));
}

TEST_F(GenCli, FactorsMakeATable) {
  Write("plan.yaml",
        "randomizers:\n"
        "  posture: {type: start_posture, draw: {type: uniform, low: -0.1, high: 0.1}}\n"
        "  table: {type: table_height, shift: [-0.02, 0.02]}\n"
        "  size: {type: object_size, draw: {type: uniform, low: 0.9, high: 1.1}}\n");
  const std::string evaluate =
      "evaluate --task stack --baseline hold --factors plan.yaml --episodes 3 --horizon 4 --quiet ";
  Expect(evaluate + "--plan", 0, "rows");
  Expect(evaluate + "--workers 1 --out one.json --report f.html", 0, "nominal");
  Expect(evaluate + "--workers 2 --out two.json", 0, "posture with");
  EXPECT_EQ(ReadText(folder_ / "one.json"), ReadText(folder_ / "two.json"));
  const Json table = LoadJson(folder_ / "one.json");
  EXPECT_EQ(table["rows"].size(), 3u * 3 + 3 + 1);
  EXPECT_THAT(ReadText(folder_ / "f.html"), HasSubstr("Factor by severity"));
  // made anew as often as one likes, and never over somebody's own
  Expect(evaluate + "--out one.json --report f.html", 0, "nominal");
  Write("mine.json", "{\"mine\": 1}");
  Expect(evaluate + "--out mine.json", 2, "is no report of this program");
  Expect("evaluate --task stack --baseline hold --factors looks --episodes 2 --horizon 2 --quiet",
         3, "the policy sees no pictures");
  Expect("evaluate --task stack --baseline hold --factors plan.yaml --plan-file looks", 2,
         "leave out plan_file");
  Expect("evaluate --task stack --baseline hold --report f.html", 2, "--factors");
  Expect("list", 0, "looks-held-out");
  Expect("list", 0, "bodies: mass with inertia (label-unsafe)");
}

}  // namespace
}  // namespace understudy
