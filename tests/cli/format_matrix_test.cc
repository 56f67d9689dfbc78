// Every command on every format: it works, or says in a sentence what is missing; and what a
// LeRobot dataset does not hold of its source is on the list that was told before.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

#include "core/base/json.h"
#include "tests/cli/cli_support.h"
#include "tests/data/foreign_support.h"
#include "tests/data/stranger.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace {

using store_test::Ramp;

// One small dataset per format; names end as their programs' do.
class FormatMatrix : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    ours_ = store_test::WriteConvertible(folder_ / "ours.h5");
    for (const char* to : {"robomimic", "mimicgen", "isaaclab"}) {
      Expect(fmt::format("data convert ours.h5 --to {0} --out {0}.hdf5", to), 0, "episodes: 3");
    }
    for (const char* to : {"lerobot", "lerobot21"}) {
      Expect(fmt::format("data convert ours.h5 --to {0} --out {0} --no-lerobot.extras", to), 0,
             "episodes: 3");
    }
    store_test::WriteStranger(folder_ / "joints.hdf5", {.episodes = 3, .also = Pictures});
    WriteLibero();
    WriteAloha();
  }

  static Column Frames(const std::string& path, size_t rows) {
    return Ramp(path, ColumnType::kU8, {16, 16, 3}, rows);
  }
  static void Pictures(const h5::Group& demo, size_t, size_t rows) {
    demo.Write(Frames("obs/agentview_image", rows));
  }
  void WriteLibero() const {
    h5::GrowingFile out = h5::GrowingFile::Create(folder_ / "libero.hdf5");
    const h5::Group data = out.root().Create("data");
    const Json controller{{"type", "OSC_POSE"}, {"output_max", 0.05}, {"control_delta", true}};
    data.SetText(
        "env_args",
        Json{{"env_name", "Kitchen"},
             {"type", 1},
             {"bddl_file", "x/put.bddl"},
             {"env_kwargs",
              {{"control_freq", 20}, {"robots", {"Panda"}}, {"controller_configs", controller}}}}
            .dump());
    data.SetText("problem_info", R"({"language_instruction": "put the mug on the plate"})");
    for (size_t e = 0; e < 3; ++e) {
      const size_t rows = 8 + e;
      const h5::Group demo = data.Create(fmt::format("demo_{}", e));
      demo.SetInt("num_samples", static_cast<int64_t>(rows));
      Column actions("actions", ColumnType::kF64, {7});
      actions.rows = rows;
      for (size_t i = 0; i < 7 * rows; ++i) {
        const double row = static_cast<double>(i / 7), number = static_cast<double>(i % 7);
        actions.Push(0.8 * std::sin(0.5 * row + number));
      }
      demo.Write(actions);
      for (const auto& [name, width] : {std::pair{"ee_pos", 3u},
                                        {"ee_ori", 3u},
                                        {"gripper_states", 2u},
                                        {"joint_states", 7u}}) {
        demo.Write(Ramp(std::string("obs/") + name, ColumnType::kF64, {width}, rows));
      }
      demo.Write(Frames("obs/agentview_rgb", rows));
    }
    out.Close();
  }
  void WriteAloha() const {
    fs::create_directories(folder_ / "aloha");
    for (size_t e = 0; e < 3; ++e) {
      const size_t rows = 8 + e;
      h5::GrowingFile out =
          h5::GrowingFile::Create(folder_ / fmt::format("aloha/episode_{}.hdf5", e));
      out.root().SetBool("sim", true);
      for (const char* name : {"action", "observations/qpos", "observations/qvel"}) {
        Column column = Ramp(name, ColumnType::kF32, {14}, rows);
        // no two episodes are alike
        const float first = 1 + static_cast<float>(e);
        std::memcpy(column.bytes.data(), &first, sizeof(first));
        out.root().Write(column);
      }
      out.root().Write(Frames("observations/images/cam_high", rows));
      out.Close();
    }
  }

  // Where there is a result, it is sound.
  void ExpectSound(const std::string& path, const std::string& cell) const {
    if (!fs::exists(folder_ / path)) return;
    const CommandResult verified = Run("data verify " + path);
    EXPECT_EQ(verified.exit_code, 0) << cell << "\n" << verified.output;
  }
  // Runs a cell; its exit code.
  int Cell(const std::string& arguments, const std::string& cell) const {
    const CommandResult result = Run(arguments + " --quiet");
    EXPECT_TRUE(result.exit_code >= 0 && result.exit_code <= 3) << cell << ": " << arguments << "\n"
                                                                << result.output;
    for (const char* never : {"bug in Understudy", "broken contract", "structures are damaged"}) {
      EXPECT_THAT(result.output, Not(HasSubstr(never))) << cell;
    }
    EXPECT_TRUE(result.exit_code == 0 || result.output.size() > 20) << cell;
    return result.exit_code;
  }

  // The result among the messages.
  static Json ResultOf(const CommandResult& result) {
    const size_t at = result.output.starts_with("{") ? 0 : result.output.find("\n{");
    return Json::parse(result.output.substr(at == std::string::npos ? 0 : at));
  }

  fs::path ours_;
  const std::vector<std::string> all_{"ours.h5",       "robomimic.hdf5", "mimicgen.hdf5",
                                      "isaaclab.hdf5", "joints.hdf5",    "libero.hdf5",
                                      "aloha",         "lerobot",        "lerobot21"};
};

TEST_F(FormatMatrix, NoCellIsACrashOrASilentLoss) {
  struct Command {
    std::string name, arguments;    // {} is the dataset, OUT what is written
    std::set<std::string> refuses;  // datasets for which it says what is missing
  };
  const std::set<std::string> no_keys{"aloha", "lerobot", "lerobot21"};
  const std::set<std::string> without_states{"robomimic.hdf5", "mimicgen.hdf5", "isaaclab.hdf5",
                                             "joints.hdf5",    "libero.hdf5",   "aloha",
                                             "lerobot",        "lerobot21"};
  const std::vector<Command> commands{
      {"info", "data info {}", {}},
      {"info --json", "data info {} --json", {}},
      {"verify", "data verify {}", {}},
      {"filter", "data filter {} --drop demo_1 --out OUT", {"aloha"}},
      {"filter --where", "data filter {} --where 'number > 0' --out OUT", {}},
      {"split", "data split {} --parts '{{a: 0.5, b: 0.5}}' --out OUT", no_keys},
      {"trim", "data trim {} --out OUT", {}},
      {"repair", "data repair {} --out OUT", {}},
      {"template", "data info {} --map-template map_OUT.yaml", {}},
      {"train",
       "train {} --out run_OUT --plan --steps 2 --batch 2 --horizon 3 --execute 1 "
       "--no-selection.only-successes",
       {}},
      {"augment", "augment {} --out OUT --plan", without_states},
      {"replay", "data verify {} --replay", without_states},
  };
  for (const std::string& dataset : all_) {
    const bool folder = fs::is_directory(folder_ / dataset);
    for (const Command& command : commands) {
      const std::string cell = command.name + " of " + dataset;
      const std::string out = folder ? "out" : "out.hdf5";
      std::string arguments = Replaced(command.arguments, "{{", "{");
      arguments = Replaced(Replaced(arguments, "}}", "}"), "{}", dataset);
      const int code = Cell(Replaced(arguments, "OUT", out), cell);
      const bool refused = command.refuses.contains(dataset);
      // what a dataset of ours lacks here is a simulator that its made-up robot belongs to
      const bool open =
          dataset == "ours.h5" && (command.name == "augment" || command.name == "replay");
      EXPECT_TRUE(open || (code == 0) == !refused) << cell << ": " << code;
      ExpectSound(out, cell);
      for (const char* name : {"out", "out.hdf5", "map_out.yaml", "map_out.hdf5.yaml", "run_out",
                               "run_out.hdf5", "out.a.hdf5", "out.b.hdf5"}) {
        fs::remove_all(folder_ / name);
      }
    }
  }
}

// What needs no pose is not asked for the order of quaternions, and says that there are none.
TEST_F(FormatMatrix, TheOrderOfQuaternionsIsAskedForWherePosesAreNeeded) {
  Expect("data convert ours.h5 --to isaaclab --isaaclab.quaternions wxyz --out old.hdf5", 0, "");
  {
    const store_test::Surgeon surgeon(folder_ / "old.hdf5");
    for (const std::string demo : {"data/demo_0", "data/demo_1", "data/demo_2"}) {
      H5Ldelete(surgeon.id(), (demo + "/obs/datagen_info").c_str(), H5P_DEFAULT);
    }
    const hid_t data = H5Gopen2(surgeon.id(), "data", H5P_DEFAULT);
    H5Adelete(data, "env_args");
    H5Gclose(data);
  }
  const std::string order =
      "(hand, objects), which need --quaternions wxyz (Isaac Lab before 2026) or --quaternions "
      "xyzw (since), the order of its quaternions, which nothing in it says";
  const std::string note = "old.hdf5: read without poses " + order;
  Expect("data info old.hdf5", 0, "unread_poses");
  Expect("data verify old.hdf5", 0, " 0 faults");
  Expect("data filter old.hdf5 --where 'steps > 1' --out f.hdf5", 0, note);
  Expect("data trim old.hdf5 --out t.hdf5", 0, note);
  Expect("data relabel old.hdf5 --success false --out r.hdf5", 0, note);
  const std::string parts = " --parts '{a: 0.5, b: 0.5}'";
  Expect("data split old.hdf5 --out s.hdf5" + parts, 0, note);
  Expect("data split old.hdf5 --files --out p.hdf5" + parts, 0, note);
  Expect("data merge old.hdf5 --out m.hdf5", 0, note);
  Expect("data repair old.hdf5 --out g.hdf5", 0, note);
  Expect("data view old.hdf5 --plan", 0, "episodes: 3");
  Expect("data convert old.hdf5 --to lerobot --out l --control-hz 20 --lerobot.task x", 0, note);
  Expect("train old.hdf5 --out run --plan --horizon 3 --execute 1 --no-selection.only-successes", 0,
         note);
  const std::string rate = ", and its rows per second (--control-hz, or control_hz in a --map)";
  const std::string question =
      "old.hdf5: poses are needed " + Replaced(order, ", which need", ": give") + rate;
  for (const char* needs : {"data convert old.hdf5 --to robomimic --out n.hdf5",
                            "data convert old.hdf5 --to understudy --out n.h5",
                            "data annotate old.hdf5 --task stack --out n.h5",
                            "mimic --source old.hdf5 --task stack --demos 1 --out n.h5"}) {
    Expect(needs, 2, question);
    EXPECT_THAT(Run(needs).output, Not(HasSubstr("--skip-bad"))) << needs;
  }
}

// Every format into LeRobot's: a column is there with its range, or it was on the list.
TEST_F(FormatMatrix, WhatIsMissingWasTold) {
  const auto dotted = [](const std::string& name) { return Replaced(name, "/", "."); };
  for (const std::string& dataset : all_) {
    if (dataset == "ours.h5") continue;
    const std::string options =
        " --control-hz 20 --lerobot.task 'do it' --lerobot-import.tolerance-s 0.0001 --json "
        "--quiet";
    for (const char* to : {"lerobot", "lerobot21"}) {
      const std::string cell = dataset + " to " + to;
      const std::string command =
          fmt::format("data convert {} --to {} --out result{}", dataset, to, options);
      const CommandResult converted = Run(command);
      ASSERT_EQ(converted.exit_code, 0) << cell << "\n" << converted.output;
      const Json lost = ResultOf(converted)["lost"];
      Expect("data verify result", 0, " 0 faults");
      const Json before = ResultOf(Run("data info " + dataset + " --json --quiet"))["columns"];
      const Json after = ResultOf(Run("data info result --json --quiet"))["columns"];
      // numbers of a column by their names in the result
      std::map<std::string, std::pair<double, double>> parts;
      for (const auto& [name, column] : after.items()) {
        if (!column.contains("names") || !column.contains("min")) continue;
        for (size_t i = 0; i < column["names"].size(); ++i) {
          parts[name + "/" + column["names"][i].get<std::string>()] = {column["min"][i],
                                                                       column["max"][i]};
        }
      }
      for (const auto& [name, column] : before.items()) {
        const bool left_out = std::any_of(lost.begin(), lost.end(), [&](const Json& line) {
          return line.get<std::string>().starts_with(name + ":") &&
                 line.get<std::string>().ends_with("not every episode is alike");
        });
        if (left_out) continue;
        if (!column.contains("min")) continue;
        const std::string leaf = name.substr(name.rfind('/') + 1);
        const std::string role = column.value("role", "");
        const std::string feature = role == "state"    ? "observation.state"
                                    : role == "action" ? "action"
                                                       : "";
        for (size_t i = 0; i < column["min"].size(); ++i) {
          std::vector<std::pair<double, double>> found;
          const auto at = [&](const std::string& key) {
            if (after.contains(key) && after[key].contains("min") && i < after[key]["min"].size()) {
              found.emplace_back(after[key]["min"][i], after[key]["max"][i]);
            }
          };
          at(name);
          at(dotted(name));
          at("stored." + dotted(name));
          if (name.starts_with("lerobot/")) at(dotted(name.substr(8)));
          if (name.starts_with("obs/")) at("observation." + dotted(name.substr(4)));
          if (name == "rewards") at("next.reward");
          if (name == "dones") at("next.done");
          if (!feature.empty()) {
            for (const std::string& part :
                 {fmt::format("{}_{}", leaf, i), fmt::format("{}_{}", dotted(name), i), leaf}) {
              if (parts.contains(feature + "/" + part))
                found.push_back(parts[feature + "/" + part]);
            }
          }
          ASSERT_FALSE(found.empty()) << cell << ": " << name << " number " << i << "\n" << lost;
          const double low = column["min"][i], high = column["max"][i];
          const double tolerance = 1e-6 * std::max({1.0, std::abs(low), std::abs(high)});
          const bool same = std::any_of(found.begin(), found.end(), [&](const auto& range) {
            return std::abs(range.first - low) <= tolerance &&
                   std::abs(range.second - high) <= tolerance;
          });
          // rows are numbered anew
          const bool counter = name == "index" || name == "episode_index" || name == "task_index";
          EXPECT_TRUE(same || counter) << cell << ": " << name << " number " << i;
        }
      }
      fs::remove_all(folder_ / "result");
    }
  }
}

// A policy is trained for 400 updates on each format; its actions are nearer to the recorded ones
// than the mean chunk's.
TEST_F(FormatMatrix, APolicyLearnsFromEveryFormat) {
  for (const std::string& dataset : all_) {
    Expect("train " + dataset +
               " --out run --steps 400 --batch 16 --horizon 3 --execute 2 "
               "--no-selection.only-successes"
               " --policy.width 32 --policy.blocks 2 --policy.feed-forward 64 --trainer.precision "
               "float32 --trainer.microbatches 1 --quiet",
           0, "400 updates");
    const CommandResult compared =
        Run("evaluate run --datasets " + dataset + " --no-selection.only-successes --json --quiet");
    ASSERT_EQ(compared.exit_code, 0) << dataset << "\n" << compared.output;
    const Json report = ResultOf(compared);
    EXPECT_GT(report["rows"].get<int>(), 15) << dataset;
    EXPECT_LT(report["share"].get<double>(), 0.7) << dataset << "\n" << compared.output;
    fs::remove_all(folder_ / "run");
  }
  // another width of action is told
  Expect("train libero.hdf5 --out run --steps 2 --batch 2 --horizon 3 --execute 2 --quiet", 0, "");
  Expect("evaluate run --datasets joints.hdf5", 3, "action meaning");
  Expect("evaluate --datasets joints.hdf5", 2, "--checkpoint");
}

}  // namespace
}  // namespace understudy
