// The program as its users meet it: processes, exit codes, texts and files.
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/locks.h"
#include "core/base/version.h"
#include "data/store/reader.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

TEST_F(Cli, HelpListAndDoctor) {
  Expect("--help", 0, "Exit codes: 0 done, 1 ran and failed, 2 usage, 3 bad input.");
  for (const char* command : {"teleop", "mimic", "augment", "train", "evaluate", "run", "report",
                              "data info", "data verify", "data merge", "data repair"}) {
    Expect(std::string(command) + " --help", 0, "--print-config");
  }
  Expect("list", 0, "stack");
  const Json doctor = Json::parse(Run("doctor --json 2>/dev/null").output);
  EXPECT_GT(doctor["parts"].size(), 5u);
  // every part that is not fine says what to do
  for (const Json& part : doctor["parts"]) {
    if (!part["fine"].get<bool>()) {
      EXPECT_FALSE(part["fix"].get<std::string>().empty()) << part;
    }
  }
}

TEST_F(Cli, PrintConfigNamesOrigins) {
  Write("options.yaml", "demos: 5\nseed: 9\n");
  const CommandResult result =
      Run("mimic --config options.yaml --seed 12 --set generate.noise_scale=0.5 --print-config");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("demos: 5   # file options.yaml"));
  EXPECT_THAT(result.output, HasSubstr("seed: 12   # command line"));
  EXPECT_THAT(result.output, HasSubstr("generate.noise_scale: 0.5   # command line"));
  EXPECT_THAT(result.output, HasSubstr("attempts: 0   # default"));
}

// Lists whose default is empty know what they hold: numbers are numbers, names stay names.
TEST_F(Cli, ListsTakeSeveralWordsOrBrackets) {
  const CommandResult result =
      Run("train --datasets 1.h5 b.h5 --selection.variants 0 2 --weights 1 0.5 --out x "
          "--print-config");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("datasets: [\"1.h5\",\"b.h5\"]   # command line"));
  EXPECT_THAT(result.output, HasSubstr("selection.variants: [0,2]   # command line"));
  EXPECT_THAT(result.output, HasSubstr("weights: [1.0,0.5]   # command line"));
  EXPECT_THAT(Run("train --datasets [1.h5,b.h5] --selection.variants [0,2] --print-config").output,
              HasSubstr("selection.variants: [0,2]   # command line"));
  Expect("train --datasets b.h5 --selection.variants first --out x", 2,
         "selection.variants[0]: must be a whole number");
}

// A flag of one word leaves the words behind it to the command.
TEST_F(Cli, FlagsMayStandBeforeTheWords) {
  Expect("data merge --out c.h5 a.h5 b.h5", 3, "a.h5");
  Expect("data info --json a.h5", 3, "a.h5");
  Expect("train --seed 4 a.h5 --print-config", 0, "a.h5");
}

TEST_F(Cli, BadUsageAndBadInputNameTheThingAndTheNextStep) {
  // usage: exit code 2
  Expect("", 2, "subcommand");
  Expect("fly", 2, "unknown command 'fly'");
  Expect("minic --demos 3", 2, "did you mean 'mimic'?");
  Expect("mimic --demoz 3", 2, "--demoz");
  Expect("mimic --set demoz=3", 2, "did you mean 'demos'?");
  Expect("mimic --demos many --task stack --source x.h5 --out y.h5", 2,
         "demos: must be a whole number");
  Expect("teleop --task stak --out x.h5", 2, "unknown task 'stak': did you mean 'stack'?");
  Expect("mimic --task stack --demos 1 --out y.h5", 2, "source");
  // files: exit code 3
  Expect("mimic --source missing.h5 --demos 1 --out y.h5", 3, "missing.h5");
  Write("foreign.h5", "this is no HDF5 file");
  Expect("data info foreign.h5", 3, "foreign.h5");
  Expect("augment foreign.h5 --out y.h5", 3, "foreign.h5");
  Expect("train foreign.h5 --out run", 3, "foreign.h5");
  Expect("evaluate nowhere --task stack", 3, "nowhere");
  Write("bad.yaml", "demoz: 3\n");
  Expect("mimic --config bad.yaml", 3,
         "bad.yaml: mimic: demoz: unknown key 'demoz': did you mean 'demos'?");
  Write("broken.yaml", "demos: [3\n");
  Expect("mimic --config broken.yaml", 3, "broken.yaml:");
  Write("circle.yaml",
        "name: c\nout: c\nsteps:\n"
        "  a: {command: augment, with: {inputs: [\"${b}\"]}}\n"
        "  b: {command: augment, with: {inputs: [\"${a}\"]}}\n");
  Expect("run circle.yaml", 3, "steps.a: depends on itself");
  Write("lost.yaml",
        "name: c\nout: c\nsteps:\n  a: {command: augmint, with: {inputs: [\"${zz}\"]}}\n");
  Expect("run lost.yaml", 3, "did you mean 'augment'?");
  Expect("run lost.yaml", 3, "unknown step 'zz'");
  // nothing half-written was left
  EXPECT_FALSE(fs::exists(folder_ / "y.h5"));
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

TEST_F(Cli, BadTaskFilesListEveryViolation) {
  Json task = LoadYaml(kSource + "/sim/tasks/stack/task.yaml");
  task["predicates"]["stacked"] = {{"type", "all"},
                                   {"of", {"success"}}};  // success → stacked → success
  task["subtasks"][0].erase("signal");
  Write("task.yaml", task.dump());
  Expect("teleop --task task.yaml --out x.h5", 3, "names itself in a circle");
  Expect("teleop --task task.yaml --out x.h5", 3, "subtasks[0].signal: missing");
}

TEST_F(Cli, WholePathInMiniature) {
  std::string pipeline = TinyPipeline();
  Write("tiny.yaml", pipeline);
  const CommandResult first = Run("run tiny.yaml");
  ASSERT_EQ(first.exit_code, 0) << first.output;

  // the table for machines
  const Json summary = LoadJson(folder_ / "tiny/summary.json");
  ASSERT_EQ(summary["rows"].size(), 2u);
  for (const Json& row : summary["rows"]) {
    EXPECT_EQ(row["policy"], "tiny");
    EXPECT_EQ(row["episodes"], 2);
    EXPECT_GE(row["successes"], 0);
    EXPECT_LE(row["interval"][0].get<double>(), row["interval"][1].get<double>());
  }
  EXPECT_EQ(summary["rows"][1]["condition"], "randomised");
  EXPECT_THAT(first.output, HasSubstr("95 % interval"));

  // every dataset is sound, and what was recorded replays bit for bit
  for (const char* dataset : {"sources", "generated", "looks"}) {
    Expect("data verify --replay tiny/" + std::string(dataset) + ".h5", 0, " 0 faults");
  }
  Expect("data verify --replay tiny/looks.h5", 0, "replayed: 6 of 6 bit-exact");

  // new datasets from old ones
  Expect("data filter tiny/looks.h5 --where 'success && variant_index == 0' --out nominal.h5", 0,
         "nominal.h5: 3 episodes kept, 3 left out");
  Expect("data filter tiny/looks.h5 --where 'stepz > 3' --out z.h5", 2, "did you mean 'steps'?");
  Expect("data split nominal.h5 --parts '{train: 0.67, valid: 0.33}' --out split.h5", 0,
         "valid: 1");
  Expect("data relabel split.h5 --where mask.valid --instruction 'pile them up' --out new.h5", 0,
         "changed: 1");
  Expect("data trim new.h5 --margin 0 --out short.h5", 0, "episodes: 3");
  Expect("data info short.h5", 0, "idle_share");
  Expect("data convert tiny/looks.h5 --to lerobot --plan --out lerobot", 0, "pictures: H.264");
  EXPECT_FALSE(fs::exists(folder_ / "lerobot"));
  Expect("data convert tiny/looks.h5 lerobot --to lerobot", 0, "episodes: 6");
  Expect("data convert tiny/looks.h5 --to lerobot --out lerobot", 2, "exists already");
  Expect("data convert tiny/looks.h5 --to zarr --out z", 2, "unknown choice 'zarr'");
  Expect("data convert lerobot --to understudy --plan --out back.h5", 0, "their codec is lossy");
  EXPECT_FALSE(fs::exists(folder_ / "back.h5"));
  Expect("data convert lerobot --to understudy --out back.h5", 0, "exact: true");
  Expect("data verify back.h5 --replay", 0, "replayed: 6 of 6 bit-exact");
  Expect("data convert lerobot --to lerobot21 --out lerobot21", 0, "episodes: 6");
  EXPECT_TRUE(fs::exists(folder_ / "lerobot21/meta/modality.json"));
  for (const char* folder : {"lerobot", "lerobot21"}) {
    Expect("data verify " + std::string(folder), 0, "6 episodes");
  }
  Expect("data verify lerobot --replay", 2, "has no states");
  Expect("data convert lerobot21 --to understudy --no-lerobot-import.extras --out bare.h5", 0,
         "exact: false");
  Expect("data convert tiny/looks.h5 --to understudy --out x.h5", 2,
         "is a dataset of this program already");
  Expect("data convert nothing --to understudy --out x.h5", 3, "nothing: no such file");
  Expect("data verify lerobot/extras/understudy.h5 --replay", 0, "replayed: 6 of 6 bit-exact");
  for (const char* dataset : {"nominal.h5", "split.h5", "new.h5", "short.h5"}) {
    Expect("data verify --replay " + std::string(dataset), 0, "replayed: 3 of 3 bit-exact");
  }
  const DatasetReader sources(folder_ / "tiny/sources.h5");
  ASSERT_EQ(sources.episodes().size(), 2u);
  for (size_t e = 0; e < 2; ++e) {
    const Episode episode = sources.ReadEpisode(e, true);
    EXPECT_EQ(episode.meta.quality.at("replay_worst_error"), 0);
    EXPECT_GT(episode.raw.samples.size(), episode.length());
    EXPECT_NE(episode.raw.device_minus_monotonic_ns, 0);
  }
  const DatasetReader looks(folder_ / "tiny/looks.h5");
  EXPECT_EQ(looks.episodes().size(), 6u);
  EXPECT_TRUE(looks.ReadEpisode(0).meta.variation.edits.empty());
  EXPECT_FALSE(looks.ReadEpisode(1).meta.variation.edits.empty());

  // one self-contained page
  const std::string page = ReadText(folder_ / "tiny/report.html");
  for (const char* part : {"Source demonstrations", "Generated demonstrations", "start of cubeA",
                           "data:image/png;base64,", "flow-matching loss", "data:video/mp4;base64,",
                           "Exactly what was run"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, Not(HasSubstr("src=\"http")));

  // what an evaluation ends in is tried before it begins
  const std::string evaluate = "evaluate tiny/policy --task stack --episodes 1 ";
  Expect(evaluate + "--out tiny/sources.h5", 2, "is a dataset");
  Expect(evaluate + "--out tiny", 2, "cannot be written");
  Expect(evaluate + "--compare nowhere.json --out e.json", 3, "nowhere.json");
  EXPECT_FALSE(fs::exists(folder_ / "e.json"));
  // the checkpoint knows its task
  Expect("evaluate tiny/policy --episodes 1 --horizon 8 --out own.json", 0, "0 of 1 episodes");
  Expect("evaluate --baseline hold --episodes 1", 2, "task: name one");

  // without one, that which ships for the task: here it is the one just trained
  const std::string home = "UNDERSTUDY_HOME=" + (folder_ / "home").string();
  fs::create_directories(folder_ / "home/checkpoints");
  fs::create_directory_symlink(kSource + "/sim", folder_ / "home/sim");
  const std::string shipped = "evaluate --task stack --episodes 1 --horizon 8";
  Expect(shipped, 2, "no checkpoint ships for task 'stack'", home);
  fs::create_directory_symlink(folder_ / "tiny/policy", folder_ / "home/checkpoints/stack");
  Expect(shipped + " --out shipped.json", 0,
         "evaluating the checkpoint that ships: " + (folder_ / "home/checkpoints/stack").string(),
         home);
  const Json own = LoadJson(folder_ / "own.json");
  EXPECT_EQ(own["program"], ProgramVersion());
  const Json engine = LoadJson(
      folder_ / "tiny/policy/checkpoints/last/pretrained_model/training_run.json")["engine"];
  EXPECT_EQ(own["training"], (Json{{"program", ProgramVersion()},
                                   {"precision", engine["precision"]},
                                   {"device", engine["device"]}}));
  EXPECT_EQ(LoadJson(folder_ / "shipped.json")["rows"][0]["cause"],
            LoadJson(folder_ / "own.json")["rows"][0]["cause"]);

  // the page of tasks, with the rates of this run
  Expect("gallery --tasks stack --reports tiny/generated.h5 own.json --out tasks.html", 0,
         "tasks.html");
  const std::string gallery = ReadText(folder_ / "tasks.html");
  for (const char* part :
       {"data:image/png;base64,", "generated</td>", "own, nominal looks", "0 of 1</td>"}) {
    EXPECT_THAT(gallery, HasSubstr(part));
  }
  EXPECT_THAT(gallery, Not(HasSubstr("No picture")));
  Expect("gallery --tasks stacc", 2, "did you mean 'stack'?");

  // a report replaces a report only, and its videos go with it
  Write("notes.txt", "mine");
  for (const char* own : {"notes.txt", "tiny.yaml", "tiny/summary.json"}) {
    const std::string before = ReadText(folder_ / own);
    Expect(evaluate + "--out " + own, 2, "is no report of this program");
    EXPECT_EQ(ReadText(folder_ / own), before);
  }
  const auto videos = [&] {
    std::error_code none;
    return fs::exists(folder_ / "v_videos")
               ? std::distance(fs::directory_iterator(folder_ / "v_videos", none), {})
               : 0;
  };
  const std::string filmed = "evaluate tiny/policy --task stack --horizon 20 --out v.json ";
  Expect(filmed + "--episodes 2", 0, "of 2 episodes");
  EXPECT_EQ(videos(), 2);
  Write("v_videos/own.txt", "mine");
  Expect(filmed + "--episodes 1 --videos-failure 0 --videos-success 0", 0, "of 1 episodes");
  EXPECT_EQ(videos(), 1) << "a file of somebody's own";
  EXPECT_TRUE(LoadJson(folder_ / "v.json")["videos"].empty());

  // a second run finds everything up to date; a changed setting redoes its step and what follows
  const CommandResult second = Run("run tiny.yaml");
  EXPECT_EQ(second.exit_code, 0) << second.output;
  size_t up_to_date = 0;
  for (size_t at = 0; (at = second.output.find("up to date", at)) != std::string::npos; ++at)
    ++up_to_date;
  EXPECT_EQ(up_to_date, 6u) << second.output;
  EXPECT_EQ(LoadJson(folder_ / "tiny/summary.json"), summary);
  pipeline.replace(pipeline.find("episodes: 2, horizon: 24, videos_success: 1"), 11, "episodes: 1");
  Write("tiny.yaml", pipeline);
  const CommandResult third = Run("run tiny.yaml --plan");
  EXPECT_THAT(third.output, HasSubstr("1 of 6 steps to run"));
  EXPECT_THAT(third.output, HasSubstr("tiny/nominal.json: settings, inputs or program changed"));

  // a checkpoint that is gone is made again
  fs::remove_all(folder_ / "tiny/policy/checkpoints");
  EXPECT_THAT(Run("run tiny.yaml --plan").output, HasSubstr("tiny/policy: output changed"));
}

// An option of a nested struct is a flag, in the spelling of files too.
TEST_F(Cli, NestedOptionsAreFlags) {
  for (const char* flag : {"--generate.noise_scale", "--generate.noise-scale"}) {
    Expect("mimic " + std::string(flag) + " 0.5 --print-config", 0,
           "generate.noise_scale: 0.5   # command line");
  }
  Expect("mimic --generate.gates.max_speed=1 --print-config", 0, "generate.gates.max_speed: 1");
  // those of the network too, though it is chosen by an option
  const std::string network =
      Run("train a.h5 --out o --policy.width 64 --trainer.clip=2 --print-config").output;
  EXPECT_THAT(network, HasSubstr("policy.width: 64   # command line"));
  EXPECT_THAT(network, HasSubstr("policy.blocks: 4   # default"));
  EXPECT_THAT(network, HasSubstr("trainer.clip: 2.0   # command line"));
  EXPECT_THAT(network, HasSubstr("trainer.learning_rate: 0.002   # default"));
  Expect("train --help", 0, "--policy.width");
  Expect("train --policy.widht 64", 2, "did you mean --policy.width?");
  Expect("train a.h5 --out o --policy.width 30 --print-config", 2, "multiple of heads = 4");
  Expect("train a.h5 --out o --type grot --print-config", 2, "did you mean 'groot'?");
  Expect("mimic --help", 0, "--generate.gates.max-speed NUMBER (m/s)");
  Expect("mimic --help", 0, "dataset to write (required)");
  Expect("data convert --help", 0, "a file or a folder (required)");
  Expect("mimic --taks stack", 2, "unknown option --taks: did you mean --task?");
  Expect("data info --pth x.h5", 2, "unknown option --pth: did you mean --path?");
  Expect("mimic --generate.gates.max_sped 1", 2, "did you mean --generate.gates.max-speed?");
}

// A policy brings options of the training along, whichever way the others are said.
TEST_F(Cli, APolicyBringsItsTrainingAlong) {
  Write("rnn.yaml", "type: bc_rnn_gmm\npolicy: {modality: low_dim}\ntrainer: {threads: 1}\n");
  for (const char* said :
       {"--config rnn.yaml", "--type bc_rnn_gmm --policy.modality low_dim --trainer.threads 1"}) {
    const std::string resolved =
        Run("train a.h5 --out o --batch 7 --print-config " + std::string(said)).output;
    EXPECT_THAT(resolved, HasSubstr("trainer.learning_rate: 0.001   # preset")) << said;
    EXPECT_THAT(resolved, HasSubstr("action_normalizer: \"min_max\"   # preset")) << said;
    EXPECT_THAT(resolved, HasSubstr("pictures: false   # preset")) << said;
    EXPECT_THAT(resolved, HasSubstr("trainer.threads: 1   # ")) << said;
    EXPECT_THAT(resolved, HasSubstr("batch: 7   # command line")) << said;
    EXPECT_THAT(resolved, HasSubstr("policy.hidden: 400   # ")) << said;
  }
  Expect("train a.h5 --out o --type bc_rnn_gmm --horizon 8", 2,
         "'bc_rnn_gmm' answers with 1 action");
}

// A policy that sees no pictures and remembers: from a recording, which holds none, to rollouts.
TEST_F(Cli, ARecurrentPolicyLearnsWithoutPictures) {
  ASSERT_EQ(Run("teleop --task stack --demos 3 --seed 1 --out s.h5").exit_code, 0);
  Expect("train s.h5 --out run --steps 2", 3, "holds no images");
  Expect("train s.h5 --out run --type bc_rnn_gmm --steps 2", 3,
         "render them first with `understudy augment`");
  const std::string train =
      "train s.h5 --out run --type bc_rnn_gmm --policy.modality low_dim --policy.hidden 128 "
      "--batch 32 --quiet --steps ";
  Expect(train + "200", 0, "200 updates");
  Expect(train + "400 --resume", 0, "400 updates");

  const CommandResult compared = Run("evaluate run --datasets s.h5 --rows 100 --json --quiet");
  ASSERT_EQ(compared.exit_code, 0) << compared.output;
  const Json report = Json::parse(compared.output);
  EXPECT_EQ(report["actions"], 100) << "one action for each row";
  EXPECT_LT(report["share"].get<double>(), 0.9) << compared.output;

  const std::string evaluate = "evaluate run --episodes 1 --horizon 25 --json --quiet";
  const CommandResult tried = Run(evaluate);
  ASSERT_EQ(tried.exit_code, 0) << tried.output;
  EXPECT_EQ(Json::parse(tried.output)["timing"]["chunks"], 25);
  Expect(evaluate + " --execute 2", 3, "execute = 2: a chunk of the policy has 1 actions");
  Expect(evaluate + " --task coffee", 3, "the simulator lacks an object that the policy sees");

  // a pipeline leaves open what the policy brings along
  Write("rnn.yaml", R"(
name: rnn
out: rnn
steps:
  policy:
    command: train
    with: {datasets: [s.h5], type: bc_rnn_gmm, policy: {modality: low_dim, hidden: 8}, steps: 2,
           trainer: {precision: float32}}
)");
  Expect("run rnn.yaml", 0, "policy");
  const Json config =
      LoadJson(folder_ / "rnn/policy/checkpoints/last/pretrained_model/train_config.json");
  EXPECT_EQ(config["trainer"]["learning_rate"], 1e-3);
  EXPECT_EQ(config["trainer"]["precision"], "float32");
  EXPECT_EQ(config["batch"], 100);
}

// What a policy would do beside what was done: along an episode, or at one row.
TEST_F(Cli, PredictAsksOnRecordedRows) {
  ASSERT_EQ(Run("teleop --task stack --demos 2 --seed 1 --out s.h5").exit_code, 0);
  ASSERT_EQ(Run("train s.h5 --out run --type bc_rnn_gmm --policy.modality low_dim --policy.hidden "
                "16 --batch 8 --steps 4 --quiet")
                .exit_code,
            0);
  const CommandResult asked =
      Run("predict run s.h5 --every 10 --out p.json --report p.html --json --quiet");
  ASSERT_EQ(asked.exit_code, 0) << asked.output;
  const Json report = LoadJson(folder_ / "p.json");
  ASSERT_EQ(report["episodes"].size(), 1u);
  const Json& episode = report["episodes"][0];
  const int64_t rows = episode["rows"];
  ASSERT_EQ(static_cast<int64_t>(episode["chunks"].size()), (rows + 9) / 10);
  EXPECT_EQ(episode["chunks"][2]["row"], 20);
  EXPECT_EQ(report["names"].size(), 7u);
  // the errors are those of the numbers
  double sum = 0;
  for (const Json& chunk : episode["chunks"]) {
    sum += std::abs(chunk["predicted"][0][0].get<double>() - chunk["recorded"][0][0].get<double>());
  }
  EXPECT_NEAR(report["error"]["robot0_x"].get<double>(),
              sum / static_cast<double>(episode["chunks"].size()), 1e-9);
  const std::string page = ReadText(folder_ / "p.html");
  EXPECT_THAT(page, HasSubstr("robot0_gripper"));
  EXPECT_THAT(page, HasSubstr("demo_0"));

  // one row gives the same chunk, wherever it is asked
  const CommandResult one =
      Run("predict run s.h5 --episodes demo_0 --row 20 --json --quiet --out one.json");
  ASSERT_EQ(one.exit_code, 0) << one.output;
  EXPECT_EQ(LoadJson(folder_ / "one.json")["episodes"][0]["chunks"][0], episode["chunks"][2]);
  Expect("predict run s.h5 --row 20 --quiet", 0, "demo_0, row 20: what would be done");
  Expect("bench infer run --rounds 5", 0, "of 5 answers came later than the ");
  Expect("bench infer " UNDERSTUDY_SOURCE_DIR "/checkpoints/stack --rounds 5 --out bench.json", 0,
         "denoise");
  const Json bench = Json::parse(ReadText(folder_ / "bench.json"));
  double parts = 0;
  for (const char* phase : {"prepare", "encode", "denoise", "decode"}) {
    EXPECT_GT(bench["phases"][phase]["p50_ms"].get<double>(), 0) << phase;
    parts += bench["phases"][phase]["p50_ms"].get<double>();
  }
  EXPECT_NEAR(parts / bench["phases"]["answer"]["p50_ms"].get<double>(), 1, 0.5);
  Expect("predict run s.h5 --row 100000", 3, "row 100000: it has rows 0 to ");
  Expect("predict run s.h5 --episodes demo_7", 3, "unknown episode 'demo_7'");

  // reports replace reports of their own kind, and a plan writes nothing
  const std::string compare = "evaluate run --datasets s.h5 --rows 4 --quiet ";
  Expect(compare + "--out c.json", 0, "the error of the actions");
  const std::string predict = "predict run s.h5 --row 20 --quiet ";
  const std::string predicted = ReadText(folder_ / "p.json");
  Expect(predict + "--out p.json --report p.html", 0, "what would be done");
  EXPECT_NE(ReadText(folder_ / "p.json"), predicted);
  Expect(compare + "--out c.json", 0, "the error of the actions");
  Write("mine", "{\"mine\": 1}");
  for (const std::string more : {"", " --plan"}) {
    Expect(predict + "--out mine" + more, 2, "mine: exists already, and is no report of");
    Expect(predict + "--out c.json" + more, 2, "c.json: exists already, and is no report of");
    Expect(predict + "--report mine" + more, 2, "mine: exists already, and is no page of");
    Expect(compare + "--out mine" + more, 2, "mine: exists already, and is no report of");
    Expect(compare + "--out p.json" + more, 2, "p.json: exists already, and is no report of");
    Expect("drive run --out p.json" + more, 2, "p.json: exists already, and is no report of");
  }
  EXPECT_EQ(ReadText(folder_ / "mine"), "{\"mine\": 1}");
  Expect(predict + "--out new/p.json --report new/p.html --plan", 0, "s.h5");
  Expect(compare + "--out new/c.json --plan", 0, "s.h5");
  Expect("data info s.h5 --map-template new/map.yaml --plan", 0, "columns");
  EXPECT_FALSE(fs::exists(folder_ / "new"));
}

// Checkpoints are tried by processes of their own while the training goes on.
TEST_F(Cli, TrainingTriesItsCheckpoints) {
  ASSERT_EQ(Run("teleop --task stack --demos 2 --seed 1 --out s.h5").exit_code, 0);
  const std::string train =
      "train s.h5 --out run --type bc_rnn_gmm --policy.modality low_dim --policy.hidden 16 --batch "
      "8 "
      "--save-every 20 --trials.episodes 2 --trials.horizon 8 --json ";
  const CommandResult result = Run(train + "--steps 40 2>/dev/null");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const Json report = LoadJson(folder_ / "run/trials/000040.json");
  EXPECT_EQ(report["episodes"], 2);
  EXPECT_EQ(report["options"]["seed"], 1'000'003);
  EXPECT_TRUE(fs::exists(folder_ / "run/trials/000020.json"));
  EXPECT_EQ(fs::read_symlink(folder_ / "run/checkpoints/best"), "000040");
  // their films lie beside the reports, and stand in the event file
  ASSERT_EQ(report["videos"].size(), 1u);
  EXPECT_TRUE(fs::exists(folder_ / "run/trials/000040_videos/episode_0000.mp4"));
  const std::string events = ReadText(fs::directory_iterator(folder_ / "run/tensorboard")->path());
  EXPECT_THAT(events, HasSubstr("rollout/failure"));
  EXPECT_THAT(events, HasSubstr("GIF89a"));
  EXPECT_THAT(result.output, Not(HasSubstr("is not shown")));
  // a resume knows them
  const CommandResult more = Run(train + "--steps 60 --resume");
  ASSERT_EQ(more.exit_code, 0) << more.output;
  EXPECT_TRUE(fs::exists(folder_ / "run/trials/000060.json"));
  // one that goes wrong is said, and the training ends well
  const CommandResult wrong =
      Run("train s.h5 --out run2 --type bc_rnn_gmm --policy.modality low_dim --policy.hidden 16 "
          "--batch 8 --steps 4 --trials.episodes 1 --trials.task nowhere.yaml");
  EXPECT_EQ(wrong.exit_code, 0) << wrong.output;
  EXPECT_THAT(wrong.output, HasSubstr("the trial of checkpoint 4 went wrong: see "));
  EXPECT_THAT(ReadText(folder_ / "run2/trials/000004.log"), HasSubstr("nowhere.yaml"));
  // an interrupt does not wait for a trial
  const CommandResult stopped =
      RunShell("cd " + folder_.string() +
               " && timeout --foreground --preserve-status -s TERM -k 60 8 " + kProgram +
               " train s.h5 --out run3 --type bc_rnn_gmm --policy.modality low_dim --policy.hidden "
               "16 --batch 8 --steps 20 --trials.episodes 1000000 --quiet 2>&1");
  EXPECT_EQ(stopped.exit_code, 1) << stopped.output;
  EXPECT_TRUE(fs::exists(folder_ / "run3/checkpoints/000020"));
}

// Baselines that repeat a dataset; the nearest row of demonstrations that start here is no chance.
TEST_F(Cli, RecordedBaselinesAct) {
  ASSERT_EQ(Run("teleop --task stack --demos 4 --seed 1 --out s.h5").exit_code, 0);
  const std::string evaluate =
      "evaluate --task stack --episodes 2 --horizon 60 --seed 3 --baseline ";
  Expect(evaluate + "nearest --baseline-dataset s.h5", 0, "of 2 episodes");
  Expect(evaluate + "replay --baseline-dataset s.h5", 0, "of 2 episodes");
  Expect(evaluate + "nearest", 2, "evaluate --baseline nearest needs --baseline-dataset FILE");
  Expect(evaluate + "replay --baseline-dataset s.h5 --robot ur5e", 3, "robot");
}

// Rollouts are a dataset like any other: bit-exact, failures with their cause.
TEST_F(Cli, EvaluateSavesItsRollouts) {
  const std::string evaluate =
      "evaluate --baseline hold --task stack --episodes 3 --horizon 12 --seed 4 ";
  Expect(evaluate + "--save rollouts.h5 --out report.json", 0, "0 of 3");
  Expect("data verify rollouts.h5 --replay", 0, "3 of 3");
  const DatasetReader reader(folder_ / "rollouts.h5");
  ASSERT_EQ(reader.episodes().size(), 3u);
  EXPECT_EQ(reader.header().stage, "evaluate");
  const Json rows = LoadJson(folder_ / "report.json")["rows"];
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(reader.episodes()[i].success);
    EXPECT_EQ(reader.episodes()[i].length, 12u);
    const Episode episode = reader.ReadEpisode(i);
    EXPECT_EQ(episode.meta.cause, rows[i]["cause"].get<std::string>());
    EXPECT_EQ(episode.meta.attempt, static_cast<int64_t>(i));
  }
  // whatever the workers
  Expect(evaluate + "--workers 1 --save again.h5", 0, "0 of 3");
  EXPECT_EQ(DatasetReader(folder_ / "again.h5").content_hash(), reader.content_hash());
  Expect(evaluate + "--save again.h5", 2, "again.h5");
}

TEST_F(Cli, WholeNumbersAreReadExactlyOrNotAtAll) {
  Expect("mimic --seed 18446744073709551615 --print-config", 0, "seed: 18446744073709551615 ");
  for (const char* seed : {"18446744073709551616", "-1", "1e30"}) {
    Expect("mimic --print-config --seed=" + std::string(seed), 2, "is out of range");
  }
}

TEST_F(Cli, PlansCheckAndCountAndWriteNothing) {
  const std::string teleop = "teleop --task stack --demos 3 --plan ";
  Expect(teleop + "--out new/x.h5", 0, "attempts_at_most: 25");
  EXPECT_FALSE(fs::exists(folder_ / "new"));
  Write("there.h5", "mine");
  Expect(teleop + "--out there.h5", 2, "exists: extend it with --append");
  Expect("teleop --plan --variant D9 --out x.h5", 2, "D9");
  Expect("teleop --plan --task stak --out x.h5", 2, "did you mean 'stack'?");
  EXPECT_EQ(Json::parse(Run(teleop + "--out x.h5 --json").output)["demos"], 3);

  // commands that make a dataset from others
  ASSERT_EQ(Run("teleop --task stack --demos 1 --seed 1 --out s.h5 --quiet").exit_code, 0);
  for (const char* command : {"merge", "filter", "split", "trim"}) {
    const std::string planned = "data " + std::string(command) + " s.h5 --plan --out ";
    Expect(planned + "y.h5", 0, "episodes: 1");
    Expect(planned + "there.h5", 2, "exists already");
  }
  Expect("data repair s.h5 --plan --out y.h5", 0, "out: y.h5");
  Expect("mimic s.h5 --attempts 1 --plan --out there.h5", 2, "exists already");
  Expect("augment s.h5 --variants 0 --plan --out there.h5", 2, "exists already");
  EXPECT_FALSE(fs::exists(folder_ / "y.h5"));
  EXPECT_EQ(ReadText(folder_ / "there.h5"), "mine");
}

// Somebody else is writing there.
TEST_F(Cli, ASecondWriterIsToldWhoIsAtWork) {
  const OutputLock lock(folder_ / "busy");
  const std::string holder = "busy: is being written by process " + std::to_string(getpid());
  Expect("teleop --task stack --demos 1 --out busy", 2, holder);
  Expect("train x.h5 --out busy/", 2, "is being written by process");
  Write("p.yaml", "name: p\nout: busy\nsteps:\n  a: {command: teleop, with: {demos: 1}}\n");
  Expect("run p.yaml", 2, holder);
  Expect("run p.yaml --plan", 0, "1 of 1 steps to run");
  EXPECT_FALSE(fs::exists(folder_ / "busy"));
}

TEST_F(Cli, WhatShipsIsListedAndFoundByName) {
  const std::string list = Run("list").output;
  for (const char* part :
       {"variants D0", "camera ", "position, direction and field of view", "formats\n", "robomimic",
        "policies\n", "plans\n", "randomised ", "pipelines\n", "stack_full "}) {
    EXPECT_THAT(list, HasSubstr(part));
  }
  Expect("run stack --out r --plan", 0, "13 of 13 steps to run");
  EXPECT_FALSE(fs::exists(folder_ / "r"));
  Expect("run stak --plan", 2, "unknown pipeline 'stak': did you mean 'stack'?");
  Expect("doctor .", 0, "flock");
  Expect("doctor nowhere", 2, "nowhere");
}

}  // namespace
}  // namespace understudy
