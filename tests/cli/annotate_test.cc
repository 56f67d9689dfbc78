// data annotate: real recordings, stripped of their signals, become the same sources again.
#include <cmath>
#include <set>

#include "core/base/json.h"
#include "core/seam/dataset_header.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/cli/cli_support.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace {

using store_test::Surgeon;

// A copy with other headers and episodes.
template <class H, class E>
void Edit(const fs::path& from, const fs::path& to, H edit_header, E edit_episode) {
  const DatasetReader reader(from);
  DatasetHeader header = reader.header();
  edit_header(header);
  DatasetWriter writer(to, header);
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    Episode episode = reader.ReadEpisode(e, true);
    edit_episode(episode);
    writer.Append(episode);
  }
  writer.Finish();
}

// A copy as a program without subtask signals would have recorded it.
void Strip(const fs::path& from, const fs::path& to) {
  Edit(
      from, to, [](DatasetHeader& header) { header.simulator.signals.clear(); },
      [](Episode& episode) {
        episode.meta.signals.clear();
        for (Step& step : episode.steps) step.observation.signals.clear();
        episode.final_observation.signals.clear();
      });
}

// Rows of all episodes whose signals differ.
int RowsThatDiffer(const fs::path& a, const fs::path& b) {
  const DatasetReader x(a), y(b);
  EXPECT_EQ(x.episodes().size(), y.episodes().size());
  int differ = 0;
  for (size_t e = 0; e < x.episodes().size(); ++e) {
    const Episode p = x.ReadEpisode(e), q = y.ReadEpisode(e);
    EXPECT_EQ(p.meta.signals, q.meta.signals);
    EXPECT_EQ(p.meta.uuid, q.meta.uuid);
    for (size_t t = 0; t < std::min(p.length(), q.length()); ++t) {
      differ += p.steps[t].observation.signals != q.steps[t].observation.signals;
    }
  }
  return differ;
}

// Of tasks with loose objects, with fixed ones, and with a joint in the scene. How far poses may be
// off: docs/data.md.
TEST_F(Cli, AnnotateGivesBackSignals) {
  for (const char* task : {"stack", "three_piece_assembly", "coffee"}) {
    const std::string name = task, s = name + ".h5", bare = name + ".bare.h5";
    ASSERT_EQ(Run("teleop --task " + name + " --demos 3 --seed 1 --out " + s).exit_code, 0);
    Strip(folder_ / s, folder_ / bare);
    Expect("mimic --source " + bare + " --task " + name + " --attempts 1 --out none.h5", 3,
           "no signal 'grasp");
    Expect("data annotate " + bare + " --out " + name + ".a.h5", 0, "(states restored)");
    EXPECT_EQ(RowsThatDiffer(folder_ / s, folder_ / (name + ".a.h5")), 0) << name;
    Expect("data verify " + name + ".a.h5", 0, " 0 faults");

    const CommandResult poses =
        Run("data annotate " + bare + " --out " + name + ".p.h5 --evidence poses --json --quiet");
    ASSERT_EQ(poses.exit_code, 0) << poses.output;
    const CommandResult both = Run("data annotate " + s + " --plan --json --quiet");
    const Json by_poses = Json::parse(poses.output), by_states = Json::parse(both.output);
    EXPECT_EQ(by_states["restored"], 3);
    for (size_t e = 0; e < 3; ++e) {
      const Json &p = by_poses["demos"][e]["subtasks"], &q = by_states["demos"][e]["subtasks"];
      for (size_t i = 0; i < p.size(); ++i) {
        ASSERT_TRUE(p[i]["end"].is_number()) << name << " " << p[i];
        EXPECT_NEAR(p[i]["end"].get<int>(), q[i]["end"].get<int>(), 2) << name << " " << p[i];
      }
    }
  }

  // what mimic makes of it is what it makes of the original
  const std::string generate = " --task stack --attempts 12 --seed 5 --json --quiet --out ";
  const Json original = Json::parse(Run("mimic --source stack.h5" + generate + "a.h5").output);
  const Json annotated = Json::parse(Run("mimic --source stack.a.h5" + generate + "b.h5").output);
  EXPECT_EQ(annotated["attempts"], original["attempts"]);
  EXPECT_EQ(annotated["successes"], original["successes"]);
  EXPECT_GT(original["successes"].get<int>(), 6);
}

// A fixed object stands in no [time, qpos, qvel]: its place is known where it is always the same.
TEST_F(Cli, AnnotateKnowsWhereFixedObjectsStand) {
  for (const char* task : {"coffee", "square"}) {
    const std::string name = task, s = name + ".h5", untold = name + ".untold.h5";
    ASSERT_EQ(Run("teleop --task " + name + " --demos 2 --seed 1 --out " + s).exit_code, 0);
    Expect("data convert " + s + " --to robomimic --out " + name + ".hdf5", 0, "episodes: 2");
    Expect("data annotate " + name + ".hdf5 --out " + name + ".a.h5", 0, "2 by restored states");
    EXPECT_EQ(RowsThatDiffer(folder_ / s, folder_ / (name + ".a.h5")), 0) << name;
    const DatasetReader made(folder_ / (name + ".a.h5")), recorded(folder_ / s);
    const Episode got = made.ReadEpisode(1), wanted = recorded.ReadEpisode(1);
    ASSERT_EQ(got.meta.objects, wanted.meta.objects);
    for (size_t o = 0; o < got.meta.objects.size(); ++o) {
      const Pose &a = got.steps[9].observation.X_WO[o], &b = wanted.steps[9].observation.X_WO[o];
      EXPECT_LT((a.translation() - b.translation()).norm(), 1e-6) << got.meta.objects[o];
      EXPECT_LT(AngleBetween(a.rotation(), b.rotation()), 1e-6) << got.meta.objects[o];
    }

    // a file that does not tell its variant, and a word that does
    Edit(
        folder_ / s, folder_ / untold, [](DatasetHeader&) {},
        [](Episode& episode) { episode.meta.variant.clear(); });
    Expect("data convert " + untold + " --to robomimic --out " + name + ".u.hdf5", 0, "episodes");
    const std::string annotate = "data annotate " + name + ".u.hdf5 --out " + name + ".u.h5 ";
    Expect(annotate, 3, "has no joint");
    Expect(annotate, 3, "--variant says");
    Expect(annotate + "--variant D1", 3, "has no joint");
    Expect(annotate + "--variant D7", 2, "unknown variant 'D7'");
    Expect("data annotate " + s + " --out " + name + ".u.h5 --variant D1", 3,
           "is of variant 'D0', not 'D1'");
    EXPECT_FALSE(fs::exists(folder_ / (name + ".u.h5")));
    Expect(annotate + "--variant D0", 0, "2 by restored states");
    EXPECT_EQ(RowsThatDiffer(folder_ / s, folder_ / (name + ".u.h5")), 0) << name;
  }
  // where it varies, nothing is made up
  ASSERT_EQ(Run("teleop --task coffee --variant D1 --demos 1 --seed 1 --out d1.h5").exit_code, 0);
  Expect("data convert d1.h5 --to robomimic --out d1.hdf5", 0, "episodes: 1");
  Expect("data annotate d1.hdf5 --out d1.a.h5", 3, "'coffee_machine' has no joint");
}

// States without room for counters, under a task with other ones.
TEST_F(Cli, AnnotateGoesWithoutFlatStatesOfOurs) {
  ASSERT_EQ(Run("teleop --task stack --demos 2 --seed 1 --out s.h5").exit_code, 0);
  size_t flat = 0;
  Edit(
      folder_ / "s.h5", folder_ / "flat.h5",
      [&](DatasetHeader& header) {
        flat = header.simulator.flat_state_size;
        header.simulator.state_size = flat;
      },
      [&](Episode& episode) {
        for (Step& step : episode.steps) step.state.resize(flat);
        episode.final_state.resize(flat);
      });
  Expect("data annotate flat.h5 --out f.h5", 0,
         "by poses, since its states are [time, qpos, qvel]");
  Expect("data verify f.h5", 0, " 0 faults");
  Expect("data annotate flat.h5 --out g.h5 --evidence states", 3, "[time, qpos, qvel] alone");
}

// What robosuite recorded and robomimic's tools wrote, with the poses of objects among unnamed
// numbers, becomes a source.
TEST_F(Cli, AnnotateReadsRobosuitesOwnRecording) {
  const std::string golden = kSource + "/tests/golden/robomimic_stack.h5";
  Expect("mimic --source " + golden + " --attempts 1 --out none.h5", 3, "grasp");
  Expect("data annotate " + golden + " --out a.h5", 0, "2 demonstrations");
  Expect("data verify a.h5", 0, " 0 faults");
  const DatasetReader reader(folder_ / "a.h5");
  EXPECT_EQ(reader.header().simulator.objects, (std::vector<std::string>{"cubeA", "cubeB"}));
  EXPECT_EQ(reader.header().simulator.signals, (std::vector<std::string>{"grasp", "on_b"}));
  // a hasty demonstration of 49 steps, of which the last ones let go
  Expect("mimic --source a.h5 --variant D0 --attempts 40 --seed 5 --out g.h5", 0, "of 40 attempts");
  EXPECT_GE(DatasetReader(folder_ / "g.h5").episodes().size(), 38u);
  Expect("data verify g.h5 --replay", 0, "");
}

// And its square, with the settings of the task as they are: hasty demonstrations that grip next to
// the nut's wall.
TEST_F(Cli, RobosuitesOwnSquareIsMultiplied) {
  const std::string golden = kSource + "/tests/golden/robomimic_square.h5";
  Expect("data annotate " + golden + " --variant D0 --out a.h5", 0,
         "3 demonstrations: 0 by restored states, 3 with every end, 0 with flags");
  Expect("mimic --source a.h5 --variant D0 --attempts 40 --seed 3 --out g.h5", 0, "of 40 attempts");
  EXPECT_GE(DatasetReader(folder_ / "g.h5").episodes().size(), 36u);
}

std::vector<std::string> NamesIn(const fs::path& file) {
  std::vector<std::string> names;
  const DatasetReader reader(file);
  for (const EpisodeSummary& episode : reader.episodes()) names.push_back(episode.name);
  return names;
}

// Demonstrations keep their names where others are left out or missing, so that table and filter
// keys mean the same ones in both files; what is renamed is said.
TEST_F(Cli, AnnotateKeepsNames) {
  using testing::ElementsAre;
  ASSERT_EQ(Run("teleop --task stack --demos 4 --seed 1 --out r.h5 --quiet").exit_code, 0);
  ASSERT_EQ(Run("data split r.h5 --parts '{a: 0.5, b: 0.5}' --out s.h5 --quiet").exit_code, 0);
  Expect("data convert s.h5 --to robomimic --out gap.hdf5", 0, "episodes: 4");
  fs::copy(folder_ / "gap.hdf5", folder_ / "odd.hdf5");
  Surgeon(folder_ / "gap.hdf5").Delete("/data/demo_1");
  Surgeon(folder_ / "s.h5").Delete("/data/demo_1/actions");
  const DatasetReader whole(folder_ / "r.h5");
  const auto uuid = [&](size_t e) { return whole.episodes()[e].uuid; };
  for (const std::string from : {"gap.hdf5", "s.h5"}) {
    Expect("data annotate " + from + " --task stack --skip-bad --overwrite --out o.h5", 0,
           "3 demonstrations");
    EXPECT_THAT(NamesIn(folder_ / "o.h5"), ElementsAre("demo_0", "demo_2", "demo_3")) << from;
    Expect("data verify o.h5", 0, " 0 faults");
    const DatasetReader made(folder_ / "o.h5");
    for (const char* key : {"a", "b"}) {
      std::vector<std::string> members = DatasetReader(folder_ / "s.h5").ReadMask(key);
      std::erase(members, "demo_1");
      EXPECT_EQ(made.ReadMask(key), members) << from << " " << key;
    }
    EXPECT_EQ(made.episodes()[1].uuid, uuid(2)) << from;
    EXPECT_THAT(ReadText(folder_ / "o.h5.review.csv"), HasSubstr("demo_2," + uuid(2) + ",0,grasp"));
    // the table is of both
    Write("edited.csv", "demo,uuid,subtask,end\ndemo_2," + uuid(2) + ",0,30\n");
    for (const std::string& to : {from, std::string("o.h5")}) {
      const CommandResult edited =
          Run("data annotate " + to + " --task stack --skip-bad --review edited.csv --plan --json");
      ASSERT_EQ(edited.exit_code, 0) << edited.output;
      const Json demo = Json::parse(edited.output.substr(edited.output.find("{\n")))["demos"][1];
      EXPECT_EQ(demo["demo"], "demo_2");
      EXPECT_EQ(demo["subtasks"][0]["end"], 30);
    }
  }
  // what others make of such a dataset
  Expect("data filter o.h5 --where 'steps > 0' --out f.h5", 0, "3 episodes kept");
  EXPECT_EQ(DatasetReader(folder_ / "f.h5").episodes()[1].uuid, uuid(2));
  // a name of another kind
  {
    Surgeon odd(folder_ / "odd.hdf5");
    ASSERT_GE(
        H5Lmove(odd.id(), "/data/demo_1", odd.id(), "/data/episode_1", H5P_DEFAULT, H5P_DEFAULT),
        0);
  }
  Expect("data annotate odd.hdf5 --task stack --out n.h5", 0, "renamed: episode_1 is now demo_4");
  EXPECT_THAT(NamesIn(folder_ / "n.h5"), ElementsAre("demo_0", "demo_2", "demo_3", "demo_4"));

  // trim numbers anew, and filter keys follow
  Expect("data trim s.h5 --skip-bad --out t.h5", 0, "");
  const auto members = [&](const std::string& file, const std::string& key) {
    const DatasetReader reader(folder_ / file);
    std::set<std::string> uuids;
    for (const std::string& name : reader.ReadMask(key)) {
      for (size_t e = 0; e < reader.episodes().size(); ++e) {
        if (reader.episodes()[e].name != name) continue;
        const EpisodeMeta meta = reader.ReadMeta(e);
        uuids.insert(meta.quality.contains("trimmed") ? meta.parents[0] : meta.uuid);
      }
    }
    return uuids;
  };
  for (const char* key : {"a", "b"}) EXPECT_EQ(members("t.h5", key), members("o.h5", key)) << key;
}

// A file for robomimic has neither signals nor poses of objects, but states of our scene.
TEST_F(Cli, AnnotateReadsOtherProgramsFiles) {
  ASSERT_EQ(Run("teleop --task stack --demos 3 --seed 1 --out s.h5").exit_code, 0);
  Expect("data convert s.h5 --to robomimic --out r.hdf5", 0, "episodes: 3");
  Expect("data annotate r.hdf5 --task stack --out r.h5", 0, "3 by restored states");
  EXPECT_EQ(RowsThatDiffer(folder_ / "s.h5", folder_ / "r.h5"), 0);
  Strip(folder_ / "s.h5", folder_ / "bare.h5");
  Expect("data convert bare.h5 --to isaaclab --isaaclab.quaternions wxyz --out i.hdf5", 0,
         "episodes: 3");
  Expect("data annotate i.hdf5 --task stack --out i.h5", 0, "by poses, since");
  EXPECT_LE(RowsThatDiffer(folder_ / "s.h5", folder_ / "i.h5"), 3 * 8);
  for (const char* source : {"r.h5", "i.h5"}) {
    const CommandResult made = Run("mimic --source " + std::string(source) +
                                   " --attempts 12 --seed 5 --json --quiet --out g.h5 --overwrite");
    ASSERT_EQ(made.exit_code, 0) << made.output;
    EXPECT_GE(Json::parse(made.output)["successes"].get<int>(), 8) << source;
  }
  // and a person has the last word
  const std::string table = ReadText(folder_ / "r.h5.review.csv");
  EXPECT_THAT(table, HasSubstr("demo,uuid,subtask,signal,end,poses_end,confidence,flags,evidence"));
  Write("edited.csv", "demo,uuid,subtask,end\ndemo_1,another,0,20\n");
  Expect("data annotate r.hdf5 --task stack --review edited.csv --out x.h5", 3,
         "edited.csv:2: demo_1: has the uuid");
  Expect("data annotate r.hdf5 --task square --out x.h5", 3, "is of task");
  Expect("data annotate r.hdf5 --out x.h5 --task stak", 2, "did you mean 'stack'?");
  EXPECT_FALSE(fs::exists(folder_ / "x.h5"));
}

}  // namespace
}  // namespace understudy
