// mimic's own commands, as a user gives them.
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

class MimicCli : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    Expect("teleop --task stack --demos 3 --seed 1 --out s.h5 --quiet", 0, "3 demonstrations");
  }
};

// A bad setting goes in, a better one comes out, in a file that mimic takes.
TEST_F(MimicCli, TuneWritesSettingsThatMimicTakes) {
  // the cube is carried off before it is lifted
  Write("hasty.yaml",
        "subtasks:\n- {end_offset: [0, 0]}\n- {replay_within: 0.06, bridge_speed: 0.04}\n");
  const CommandResult tuned =
      Run("mimic tune s.h5 --subtasks hasty.yaml --attempts 16 --trials 12 --check-attempts 40 "
          "--out tuned.yaml --json --quiet");
  ASSERT_EQ(tuned.exit_code, 0) << tuned.output;
  const Json report = ParseJson(tuned.output, "tune");
  EXPECT_GT(report["after"]["successes"].get<int>(), report["before"]["successes"].get<int>());
  EXPECT_EQ(LoadYaml(folder_ / "tuned.yaml")["subtasks"], report["subtasks"]);
  // made anew as often as one likes
  for (int i = 0; i < 2; ++i) {
    Expect("mimic tune s.h5 --attempts 4 --trials 1 --check-attempts 10 --out again.yaml --quiet",
           0, "");
  }

  Expect("mimic s.h5 --subtasks tuned.yaml --attempts 4 --out g.h5 --quiet", 0, "of 4 attempts");
}

TEST_F(MimicCli, SourcesAreLeftOutByName) {
  const CommandResult made =
      Run("mimic s.h5 --leave-out demo_1 s.h5:demo_2 --attempts 2 --out g.h5 --json --quiet");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  const Json sources = ParseJson(made.output, "mimic").at("sources");
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(sources[0].at("name"), "s.h5:demo_0");
  Expect("mimic tune s.h5 --leave-out demo_7 --out t.yaml", 2,
         "leave_out: unknown source 'demo_7'");
  // unset, it stands in no settings
  const CommandResult config = Run("mimic s.h5 --out h.h5 --print-config");
  EXPECT_THAT(config.output, testing::Not(HasSubstr("leave_out")));
}

// What a search has left out stays out in the runs that take its file; a flag adds to that.
TEST_F(MimicCli, TunedSettingsLeaveOutTheSourcesThatSpoil) {
  // a demonstration whose hand goes beside the cube, though its signals say otherwise
  {
    const DatasetReader reader(folder_ / "s.h5");
    DatasetWriter writer(folder_ / "spoilt.h5", reader.header());
    for (size_t e = 0; e < reader.episodes().size(); ++e) {
      Episode episode = reader.ReadEpisode(e, true);
      for (Step& row : episode.steps) {
        for (Action* action : {&row.action, &row.action_clean}) {
          for (ArmAction& arm : action->arms) {
            if (e != 1) continue;
            arm.X_WE_cmd = Pose(arm.X_WE_cmd.rotation(),
                                arm.X_WE_cmd.translation() + Eigen::Vector3d(0.06, 0, 0));
          }
        }
      }
      writer.Append(episode);
    }
    writer.Finish();
  }
  Write("random.yaml", "subtasks:\n- {selection: {type: random}}\n- {selection: {type: random}}\n");
  const CommandResult tuned =
      Run("mimic tune spoilt.h5 --subtasks random.yaml --attempts 24 --trials 2 --check-attempts "
          "20 --out tuned.yaml --json --quiet");
  ASSERT_EQ(tuned.exit_code, 0) << tuned.output;
  ASSERT_EQ(ParseJson(tuned.output, "tune").at("leave_out"), Json({"spoilt.h5:demo_1"}))
      << tuned.output;
  EXPECT_EQ(LoadYaml(folder_ / "tuned.yaml")["leave_out"], Json({"spoilt.h5:demo_1"}));

  const auto sources = [&](const std::string& flags) {
    const CommandResult made = Run("mimic " + flags + " --attempts 1 --overwrite --json --quiet");
    EXPECT_EQ(made.exit_code, 0) << made.output;
    std::vector<std::string> names;
    const Json report = ParseJson(made.output, "mimic");
    for (const Json& use : report.at("sources")) names.push_back(use.at("name"));
    return names;
  };
  using testing::ElementsAre;
  EXPECT_THAT(sources("spoilt.h5 --subtasks tuned.yaml --out g.h5"),
              ElementsAre("spoilt.h5:demo_0", "spoilt.h5:demo_2"));
  EXPECT_THAT(sources("spoilt.h5 --subtasks tuned.yaml --leave-out demo_2 --out g.h5"),
              ElementsAre("spoilt.h5:demo_0"));
  // a dataset says what it was made without
  EXPECT_EQ(DatasetReader(folder_ / "g.h5").header().settings.at("leave_out"),
            Json({"demo_2", "spoilt.h5:demo_1"}));

  // a search that goes on from there, or is told to leave one out, keeps to it
  Expect(
      "mimic tune spoilt.h5 --subtasks tuned.yaml --leave-out demo_2 --attempts 4 --trials 1 "
      "--check-attempts 10 --out again.yaml --quiet",
      0, "");
  EXPECT_EQ(LoadYaml(folder_ / "again.yaml")["leave_out"], Json({"demo_2", "spoilt.h5:demo_1"}));
  Expect("mimic s.h5 --subtasks tuned.yaml --attempts 1 --out h.h5", 2,
         "leave_out: unknown source 'spoilt.h5:demo_1'");
}

TEST_F(MimicCli, SettingsThatDoNotFitAreRefused) {
  Write("one.yaml", "subtasks:\n- {bridge_speed: 0.2}\n");
  Expect("mimic s.h5 --subtasks one.yaml --attempts 1 --out g.h5", 3,
         "one.yaml: subtasks: 1 of them, task 'stack' has 2");
  Write("unknown.yaml", "subtasks:\n- {bridge_sped: 0.2}\n- {bridge_speed: 90}\n");
  Expect("mimic s.h5 --subtasks unknown.yaml --attempts 1 --out g.h5", 3,
         "did you mean 'bridge_speed'?");
  Expect("mimic s.h5 --subtasks unknown.yaml --attempts 1 --out g.h5", 3,
         "subtasks[1].bridge_speed");
  Write("check.yaml", "subtasks:\n- {check: nothing}\n- {}\n");
  Expect("mimic s.h5 --subtasks check.yaml --attempts 1 --out g.h5", 3, "nothing");
  Write("list.yaml", "[1, 2]\n");
  Expect("mimic s.h5 --subtasks list.yaml --attempts 1 --out g.h5", 3, "must hold `subtasks`");
  Expect("mimic tune s.h5", 2, "--out");
  Expect("mimic tune s.h5 --variant D9 --out t.yaml", 2, "D0");
  EXPECT_FALSE(fs::exists(folder_ / "g.h5"));
  EXPECT_FALSE(fs::exists(folder_ / "t.yaml"));
}

// Whoever looks on changes nothing.
TEST_F(MimicCli, WatchingChangesNothing) {
  Expect("mimic s.h5 --attempts 6 --seed 3 --out a.h5 --quiet", 0, "of 6 attempts");
  const CommandResult watched =
      Run("mimic s.h5 --attempts 6 --seed 3 --out b.h5 --watch --watch-speed 1000");
  EXPECT_EQ(watched.exit_code, 0);
  EXPECT_THAT(watched.output, HasSubstr("live: http://127.0.0.1:"));
  EXPECT_EQ(DatasetReader(folder_ / "a.h5").content_hash(),
            DatasetReader(folder_ / "b.h5").content_hash());
  Expect("evaluate --baseline hold --task stack --episodes 2 --horizon 20 --watch --watch-speed 0",
         2, "watch_speed");
}

// Neither a page nor settings take the place of a dataset.
TEST_F(MimicCli, DatasetsAreNotReplacedByText) {
  const std::string before = ReadText(folder_ / "s.h5");
  Expect("mimic s.h5 --attempts 1 --out g.h5 --report s.h5", 2, "s.h5' is a dataset");
  Expect("mimic s.h5 --attempts 1 --out g.h5 --report g.h5", 2, "is the dataset's name");
  Expect("mimic tune s.h5 --out s.h5", 2, "s.h5' is a dataset");
  // not even of one that is unfinished
  fs::copy_file(folder_ / "s.h5", folder_ / "cut.h5.part");
  Expect("mimic tune s.h5 --out cut.h5", 2, "cut.h5.part' is a dataset");
  Expect("mimic s.h5 --attempts 1 --out g.h5 --report cut.h5", 2, "cut.h5.part' is a dataset");
  EXPECT_EQ(ReadText(folder_ / "cut.h5.part"), before);
  EXPECT_EQ(ReadText(folder_ / "s.h5"), before);
  EXPECT_FALSE(fs::exists(folder_ / "g.h5"));
}

// What a search ends in is tried before it begins.
TEST_F(MimicCli, SettingsThatCannotBeWrittenAreToldAtOnce) {
  Write("file", "text");
  fs::create_directories(folder_ / "folder");
  for (const std::string out : {"/proc/tuned.yaml", "file/tuned.yaml", "folder"}) {
    const CommandResult result = Run("mimic tune s.h5 --trials 1 --attempts 4 --out " + out);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, HasSubstr("out: '" + out + "' cannot be written"));
    EXPECT_THAT(result.output, Not(HasSubstr("tune stack"))) << "the search has begun";
    Expect("mimic s.h5 --attempts 1 --out g.h5 --report " + out, 2,
           "report: '" + out + "' cannot be written");
  }
  EXPECT_FALSE(fs::exists(folder_ / "g.h5"));
  Expect("mimic tune s.h5 --trials 1 --attempts 4 --out file", 2,
         "file: exists already, and is no file of tuned settings");
  EXPECT_EQ(ReadText(folder_ / "file"), "text");
  Expect("mimic tune s.h5 --attempts 1000000 --trials 100000 --out t.yaml --plan", 0,
         "100001000400");
  EXPECT_FALSE(fs::exists(folder_ / "t.yaml"));
}

// A page is made anew as often as one likes; somebody's own file is not lost to one.
TEST_F(MimicCli, APageReplacesOnlyAPage) {
  const std::string run = "mimic s.h5 --attempts 1 --overwrite --out g.h5 --quiet --report ";
  for (const std::string& text : {std::string("notes\n"), std::string(),
                                  std::string("<!doctype html><html><body>mine</body></html>")}) {
    Write("page.html", text);
    Expect(run + "page.html", 2, "page.html: exists already, and is no page of this program");
    EXPECT_EQ(ReadText(folder_ / "page.html"), text);
    EXPECT_FALSE(fs::exists(folder_ / "g.h5"));
    fs::remove(folder_ / "page.html");
  }
  Expect(run + "page.html", 0, "of 1 attempts");
  const std::string page = ReadText(folder_ / "page.html");
  Expect(run + "page.html --seed 2", 0, "of 1 attempts");
  EXPECT_NE(ReadText(folder_ / "page.html"), page);
}

// What no attempt could do is told before the first one, all of it at once.
TEST_F(MimicCli, HopelessTasksAreRefused) {
  const std::string tasks = kSource + "/sim/tasks";
  Write("scene.xml", Replaced(ReadText(tasks + "/stack/scene.xml"), "..", tasks));
  const Json stack = LoadYaml(tasks + "/stack/task.yaml");
  const auto expect_refused = [&](const std::function<void(Json&)>& change, const std::string& a,
                                  const std::string& b) {
    Json task = stack;
    change(task);
    Write("task.yaml", DumpYaml(task));
    const std::string run = "mimic s.h5 --task task.yaml --attempts 1 --out g.h5";
    Expect(run, 3, a);
    Expect(run, 3, b);
    EXPECT_FALSE(fs::exists(folder_ / "g.h5.part"));
  };
  expect_refused(
      [](Json& task) {
        for (const char* cube : {"cubeA", "cubeB"}) {
          task["variants"]["D0"]["objects"][cube]["x"] = {1.4, 1.6};
        }
      },
      "'cubeA' starts", "'cubeB' starts");
  expect_refused(
      [](Json& task) {
        task["predicates"]["never"] = {{"type", "any"}, {"of", Json::array()}};
        task["predicates"]["done"] = {{"type", "all"}, {"of", {"never", "success"}}};
        task["success"] = "done";
        task["subtasks"][0]["check"] = "never";
      },
      "success: 'done' can never hold", "subtasks[0].check: 'never' can never hold");
  expect_refused(
      [](Json& task) {
        task["subtasks"][0]["end_offset"] = {-500, 0};
      },
      "s.h5:demo_0: subtask 0: may end at step", "s.h5:demo_2: subtask 0");
}

// A gate that nothing passes ends every attempt with its cause and says what to change.
TEST_F(MimicCli, GatesAreACauseOfFailure) {
  const CommandResult result =
      Run("mimic s.h5 --attempts 6 --set generate.gates.max_speed=0.01 --out g.h5 --json --quiet");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(ParseJson(result.output, "mimic")["failures"]["rough"][0], 6);
  EXPECT_THAT(result.output, HasSubstr("generate.gates"));
}

}  // namespace
}  // namespace understudy
