// One plan for mimic, augment and evaluate, as a user gives it.
#include <fmt/format.h>

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

  // the sheet alone, and over an older one; somebody's own file is not lost to one
  const std::string sheet = ReadText(folder_ / "sheet.png");
  Expect(augment + "--looks-only --seed 2 --preview sheet.png", 0, "sheet.png");
  EXPECT_NE(ReadText(folder_ / "sheet.png"), sheet);
  EXPECT_EQ(ReadText(folder_ / "sheet.png").substr(1, 3), "PNG");
  Write("notes.txt", "mine");
  for (const std::string more : {"", " --plan", " --out x.h5"}) {
    Expect(augment + "--looks-only --preview notes.txt" + more, 2,
           "notes.txt: exists already, and is no picture of this program");
    EXPECT_EQ(ReadText(folder_ / "notes.txt"), "mine");
  }
  Expect(augment + "--looks-only --preview plan.png --plan", 0, "episodes");
  EXPECT_EQ(ReadText(folder_ / "plan.png").substr(1, 3), "PNG");
  EXPECT_FALSE(fs::exists(folder_ / "x.h5"));
  Expect("data verify looks.h5 --replay", 0, "replayed: 12 of 12 bit-exact");

  // another hash of settings, another run
  Expect("mimic s.h5 --plan-file layout --attempts 7 --keep-failed --seed 4 --out g.h5", 2,
         "exists");
  Expect("mimic s.h5 --plan-file looks --attempts 1 --out h.h5", 2, "varies looks alone");
}

// Depth and segmentation of stored states, as NumPy reads them; the same bytes for any number of
// threads.
TEST_F(GenCli, RenderWritesArrays) {
  Expect("teleop --task stack --demos 2 --seed 1 --out s.h5 --quiet", 0, "2 demonstrations");
  const std::string render = "data render s.h5 --width 24 --height 16 --every 20 --quiet ";
  Expect(render + "--out one --threads 1", 0, "one: 2 episodes");
  Expect(render + "--out two --threads 2", 0, "two: 2 episodes");
  const Json names = LoadJson(folder_ / "one" / "shapes.json");
  EXPECT_THAT(names["instances"].get<std::vector<std::string>>(),
              testing::IsSupersetOf({"cubeA", "cubeB", "robot0"}));
  const Json record = LoadJson(folder_ / "one" / "render.json");
  EXPECT_EQ(record["task"], "stack");
  EXPECT_EQ(record["robot"], "panda");
  const size_t rows = (DatasetReader(folder_ / "s.h5").episodes()[0].length + 19) / 20;
  for (const auto& [file, bytes] : {std::pair{"agentview_rgb.npy", size_t{3}},
                                    {"agentview_depth.npy", 4},
                                    {"agentview_shapes.npy", 4},
                                    {"robot0_eye_in_hand_instances.npy", 4}}) {
    const std::string array = ReadText(folder_ / "one" / "demo_0" / file);
    EXPECT_EQ(array.substr(1, 5), "NUMPY") << file;
    EXPECT_THAT(array, HasSubstr(fmt::format("'shape': ({}, 16, 24", rows))) << file;
    const size_t data = rows * 16 * 24 * bytes;
    EXPECT_EQ(array.size() % 64, data % 64) << "data begin at a multiple of 64";
    EXPECT_GT(array.size(), data);
    EXPECT_EQ(array, ReadText(folder_ / "two" / "demo_0" / file)) << file;
  }
  const Json cameras = LoadJson(folder_ / "one" / "demo_1" / "cameras.json");
  EXPECT_EQ(cameras["agentview"]["fovy_deg"], 45);
  EXPECT_GT(cameras["robot0_eye_in_hand"]["X_WC"].size(), 1u);
  // what is there stays; other settings are another folder
  Expect(render + "--out one", 0, "one: 2 episodes, 0 pictures");
  Expect(render + "--out one --channels depth", 2, "with other settings");
  Write("notes.txt", "mine");
  fs::create_directories(folder_ / "mine");
  fs::rename(folder_ / "notes.txt", folder_ / "mine" / "notes.txt");
  Expect(render + "--out mine", 2, "is no folder of this command");
  Expect(render + "--out three --cameras side", 3, "unknown camera 'side'");
}

// Scenes that are composed go the whole way: generated, replayed, shown, written for others, and
// evaluated. Their states are longer than those of the plain scene.
TEST_F(GenCli, ComposedScenesGoTheWholeWay) {
  Expect("teleop --task stack --demos 2 --seed 1 --out s.h5 --quiet", 0, "2 demonstrations");
  Expect("mimic s.h5 --plan-file scenes --attempts 4 --keep-failed --seed 3 --out g.h5 --quiet", 0,
         "attempts succeeded");
  Expect("data verify g.h5 --replay --quiet", 0, "replayed: 4 of 4 bit-exact");
  Expect("data info g.h5", 0, "episodes: 4");
  const DatasetReader reader(folder_ / "g.h5");
  const size_t plain = reader.header().simulator.state_size;
  std::set<size_t> sizes;
  for (size_t i = 0; i < 4; ++i) sizes.insert(reader.ReadEpisode(i).steps[0].state.size());
  EXPECT_GT(*sizes.begin(), plain);
  EXPECT_GT(sizes.size(), 1u) << "scenes of several sizes in one file";
  // the same run again, and as it was
  Expect(
      "mimic s.h5 --plan-file scenes --attempts 4 --keep-failed --seed 3 --threads 2 --out h.h5 "
      "--quiet",
      0, "attempts succeeded");
  EXPECT_EQ(DatasetReader(folder_ / "h.h5").content_hash(), reader.content_hash());
  Expect("mimic s.h5 --plan-file scenes --attempts 2 --keep-failed --seed 4 --out k.h5 --quiet", 0,
         "attempts succeeded");
  Expect("data merge g.h5 k.h5 --out m.h5 --quiet", 0, "6 episodes");
  Expect("data verify m.h5 --quiet", 0, "0 faults");

  Expect(
      "augment g.h5 --looks-only --plan-file scenes --variants 0 --width 24 --height 24 --out "
      "looks.h5 --quiet",
      0, "4 episodes");
  Expect("data verify looks.h5 --replay --quiet", 0, "replayed: 4 of 4 bit-exact");
  Expect("data render g.h5 --out maps --width 24 --height 24 --every 50 --quiet", 0, "4 episodes");
  const std::string names = LoadJson(folder_ / "maps" / "demo_0" / "shapes.json").dump();
  EXPECT_THAT(names, HasSubstr("clutter_"));
  Expect("data convert g.h5 robomimic.hdf5 --to robomimic --quiet", 0, "robomimic.hdf5");
  Expect("data convert g.h5 isaaclab.hdf5 --to isaaclab --quiet", 0, "isaaclab.hdf5");

  const std::string evaluate =
      "evaluate --task stack --baseline hold --plan-file scenes --episodes 3 --seed 2 --horizon 5 ";
  Expect(evaluate + "--freeze suite.json --quiet", 0, "suite.json");
  Expect(evaluate + "--save r.h5 --quiet", 0, "0 of 3");
  Expect("data verify r.h5 --replay --quiet", 0, "replayed: 3 of 3 bit-exact");
  Expect("evaluate --task stack --baseline hold --suite suite.json --save f.h5 --quiet", 0,
         "0 of 3");
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(DatasetReader(folder_ / "r.h5").ReadEpisode(i).final_state,
              DatasetReader(folder_ / "f.h5").ReadEpisode(i).final_state);
  }
}

// A table of factors says which rows draw what the policy's training data hold.
TEST_F(GenCli, RowsThatAreNotHeldOutAreMarked) {
  Expect("teleop --task stack --demos 2 --seed 1 --out s.h5 --quiet", 0, "2 demonstrations");
  Write("p.yaml",
        "randomizers:\n"
        "  head: {type: headlight, diffuse: [0.8, 1.2], ambient: [0.8, 1.2]}\n"
        "  heavy: {type: mass, bodies: [cubeA], draw: {type: uniform, low: 0.5, high: 2}}\n");
  Expect(
      "augment s.h5 --plan-file p.yaml --looks-only --variants 8 --width 24 --height 24 --out "
      "l.h5 --quiet",
      0, "18 episodes");
  Expect("train l.h5 --steps 2 --batch 4 --out run --quiet", 0, "");
  const Json run =
      LoadJson(folder_ / "run" / "checkpoints" / "last" / "pretrained_model" / "training_run.json");
  EXPECT_GT(run["draws"].size(), 1u);
  const std::string evaluate =
      "evaluate run --task stack --factors p.yaml --episodes 2 --horizon 4 "
      "--factor-rows.severities 0.2 3 --out f.json --report f.html --quiet";
  Expect(evaluate, 0,
         "not held out, with the share of draws within what the training data hold: "
         "head × 0.2");
  const Json seen = LoadJson(folder_ / "f.json")["seen_in_training"];
  for (const Json& row : seen) EXPECT_EQ(row["factor"], "head");
  EXPECT_GT(seen[0]["share"], 0.5);
  EXPECT_THAT(ReadText(folder_ / "f.html"), HasSubstr("not held out"));
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
  Json table = LoadJson(folder_ / "one.json"), two = LoadJson(folder_ / "two.json");
  // three failures of each factor alone are filmed, and stand in the page
  ASSERT_EQ(table["videos"].size(), 9u);
  for (const Json& video : table["videos"]) {
    EXPECT_TRUE(fs::exists(folder_ / video["file"].get<std::string>()));
    EXPECT_EQ(video["severity"], 1);
  }
  EXPECT_THAT(ReadText(folder_ / "f.html"), AllOf(HasSubstr("<video"), HasSubstr("start 0, × 1")));
  EXPECT_THAT(ReadText(folder_ / "f.html"), HasSubstr("drawn values"));
  table.erase("videos");
  two.erase("videos");
  EXPECT_EQ(table, two);
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

// Episodes that are written down run in MuJoCo as those that were drawn, worlds and noise included.
TEST_F(GenCli, ASuiteRunsAgainToTheBit) {
  const std::string drawn =
      "evaluate --task stack --plan-file everything --episodes 4 --seed 3 --horizon 12 ";
  Expect(drawn + "--freeze suite.json", 0, "suite.json: 4 episodes");
  Expect(drawn + "--freeze suite.json --plan", 0, "4");
  Expect("evaluate --baseline hold --suite suite.json --out a.json --save a.h5 --safety", 0,
         "guarded, of 48 steps");
  Expect("evaluate --baseline hold --suite suite.json --out a.json --save a.h5", 2, "exists");
  fs::remove(folder_ / "a.h5");
  Expect("evaluate --baseline hold --suite suite.json --out a.json --save a.h5", 0,
         "0 of 4 episodes succeeded");
  Expect(drawn + "--baseline hold --out b.json --save b.h5", 0, "0 of 4 episodes succeeded");
  const DatasetReader a(folder_ / "a.h5"), b(folder_ / "b.h5");
  ASSERT_EQ(a.episodes().size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    const Episode x = a.ReadEpisode(i), y = b.ReadEpisode(i);
    EXPECT_EQ(x.final_state, y.final_state);
    EXPECT_EQ(x.steps[5].state, y.steps[5].state);
    EXPECT_EQ(ToJson(x.meta.physics), ToJson(y.meta.physics));
    EXPECT_GT(x.meta.physics.edits.size(), 12u);
    EXPECT_NE(x.meta.uuid, y.meta.uuid) << "a suite is a setting";
  }
  Expect("data verify a.h5 --replay", 0, "replayed: 4 of 4 bit-exact");
  Json suite = LoadJson(folder_ / "suite.json");
  EXPECT_EQ(LoadJson(folder_ / "a.json")["suite"].get<std::string>().size(), 32u);
  Expect("evaluate --baseline hold --suite suite.json --compare a.json --out c.json", 0, "0 of 4");
  Expect("evaluate --baseline hold --suite suite.json --compare b.json --out c.json", 3, "suites ");

  // what cannot be said beside it, and files that are others
  Expect("evaluate --baseline hold --suite suite.json --seed 4 --plan-file looks", 2,
         "suite: it says what is run: leave out plan_file, seed");
  Expect(drawn + "--freeze other.json --out r.json", 2, "freeze: it runs nothing: leave out out");
  Expect(drawn + "--freeze a.json", 2, "a.json: exists already, and is no suite");
  Expect("evaluate --baseline hold --task coffee --suite suite.json", 3,
         "task: the suite has stack, the simulator coffee");
  Expect("evaluate --baseline hold --task stack --suite a.json", 3,
         "a.json: was not written by `understudy evaluate --freeze`");
  suite["episodes"][2]["world"]["edits"][0] = {{"type", "mass"}, {"body", "moon"}, {"factor", 2}};
  Write("wrong.json", suite.dump());
  Expect("evaluate --baseline hold --suite wrong.json", 3, "moon");
}

}  // namespace
}  // namespace understudy
