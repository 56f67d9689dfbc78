// What a hostile world does to the program: no driver, full disks, damaged files, Ctrl-C.
#include "core/base/rng.h"
#include "core/seam/dataset_header.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

class CliFaults : public Cli {
 protected:
  void Record(int demos) {
    const CommandResult result = Run("teleop --task stack --demos " + std::to_string(demos) +
                                     " --seed 1 --out sources.h5 --quiet");
    ASSERT_EQ(result.exit_code, 0) << result.output;
  }
};

TEST_F(CliFaults, MissingDriversAreOneClearError) {
  Expect("teleop --device openxr --task stack --out x.h5", 1, "XR_RUNTIME_JSON",
         "XR_RUNTIME_JSON=/nowhere/runtime.json");
  EXPECT_FALSE(fs::exists(folder_ / "x.h5"));
  // no OpenGL: the pictures cannot be made, everything without pictures can
  const std::string no_egl = "__EGL_VENDOR_LIBRARY_FILENAMES=/nowhere/egl.json";
  Record(1);
  Expect("augment sources.h5 --variants 0 --out looks.h5", 1, "libegl-mesa0", no_egl);
  EXPECT_FALSE(fs::exists(folder_ / "looks.h5"));
  Expect("mimic --source sources.h5 --attempts 2 --seed 1 --out g.h5 --quiet", 0, "", no_egl);
  Expect("doctor", 0, "libegl-mesa0", no_egl);
}

// A disk that fills up is told, and what was flushed before can be mended.
TEST_F(CliFaults, FullDiskIsToldAndLeavesWhatWasWritten) {
  Record(2);
  // files may grow to 6 MB: blocks of 512 bytes
  const CommandResult full =
      RunShell("cd " + folder_.string() + " && (ulimit -f 12000; " + kProgram +
               " mimic --source sources.h5 --attempts 60 --seed 5 --quiet --out g.h5 2>&1)");
  EXPECT_EQ(full.exit_code, 1) << full.output;
  EXPECT_THAT(full.output, HasSubstr("g.h5"));
  EXPECT_THAT(full.output, HasSubstr("File too large"));
  EXPECT_FALSE(fs::exists(folder_ / "g.h5"));
  Expect("data info g.h5", 3, "run the same command again to resume it");
  Expect("data repair g.h5.part --out kept.h5", 0, "episodes_kept");
  Expect("data verify --replay kept.h5", 0, " 0 faults");
  EXPECT_GT(DatasetReader(folder_ / "kept.h5").episodes().size(), 2u);
  // with room again, the same command ends as if nothing had been
  const std::string generate = "mimic --source sources.h5 --attempts 60 --seed 5 --quiet --out ";
  ASSERT_EQ(Run(generate + "g.h5").exit_code, 0);
  ASSERT_EQ(Run(generate + "whole.h5").exit_code, 0);
  EXPECT_EQ(DatasetReader(folder_ / "g.h5").content_hash(),
            DatasetReader(folder_ / "whole.h5").content_hash());
  // a folder that nothing can be written to
  Expect("augment sources.h5 --variants 0 --out /proc/looks.h5", 1, "/proc/looks.h5");
}

TEST_F(CliFaults, DamagedAndStrangersDatasetsAreRefused) {
  Record(2);
  const auto cut = [&](uintmax_t size) {
    fs::copy_file(folder_ / "sources.h5", folder_ / "cut.h5", fs::copy_options::overwrite_existing);
    fs::resize_file(folder_ / "cut.h5", size);
  };
  const uintmax_t whole = fs::file_size(folder_ / "sources.h5");
  for (const uintmax_t size : {whole / 2, whole - 1}) {
    cut(size);
    for (const char* command :
         {"data info cut.h5", "mimic --source cut.h5 --demos 1 --out y.h5",
          "augment cut.h5 --out y.h5", "train cut.h5 --out y", "data filter cut.h5 --out y.h5"}) {
      Expect(command, 3, "cut.h5: is truncated");
    }
  }
  // an arm that this task is not for
  const DatasetReader sources(folder_ / "sources.h5");
  DatasetHeader header = sources.header();
  header.simulator.robot = "kuka";
  {
    DatasetWriter writer(folder_ / "kuka.h5", header);
    for (size_t e = 0; e < 2; ++e) {
      Episode episode = sources.ReadEpisode(e);
      episode.meta.robot = "kuka";
      writer.Append(episode);
    }
    writer.Finish();
  }
  Expect("mimic --source kuka.h5 --task stack --demos 1 --out y.h5", 3, "kuka");
  Expect("data merge sources.h5 kuka.h5 --out y.h5", 3, "kuka");
  EXPECT_FALSE(fs::exists(folder_ / "y.h5"));
  EXPECT_FALSE(fs::exists(folder_ / "y.h5.part"));
  EXPECT_FALSE(fs::exists(folder_ / "y"));
}

// Ctrl-C leaves a file that the same command goes on with, to the same content.
TEST_F(CliFaults, InterruptedGenerationResumesToTheSameContent) {
  Record(2);
  const std::string generate = "mimic --source sources.h5 --attempts 40 --seed 5 --quiet --out ";
  ASSERT_EQ(Run(generate + "whole.h5").exit_code, 0);

  const CommandResult interrupted = RunShell(
      "cd " + folder_.string() + " && (" + kProgram + " " + generate +
      "cut.h5 >/dev/null 2>&1 & "
      "pid=$!; for i in $(seq 200); do sleep 0.05; [ -s cut.h5.part ] && break; done; sleep 0.3; "
      "kill -INT $pid; wait $pid; echo code $?)");
  EXPECT_FALSE(fs::exists(folder_ / "cut.h5")) << interrupted.output;
  EXPECT_TRUE(fs::exists(folder_ / "cut.h5.part")) << interrupted.output;
  EXPECT_THAT(interrupted.output, HasSubstr("code 1"));
  const CommandResult resumed = Run(generate + "cut.h5");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_EQ(DatasetReader(folder_ / "cut.h5").content_hash(),
            DatasetReader(folder_ / "whole.h5").content_hash());
  // and what exists is not replaced unasked
  Expect(generate + "cut.h5", 2, "overwrite");
}

// What is cut short in the middle of an attempt keeps its rows, and the attempt begins anew from
// the same start: the demonstrations are those of a session that was left alone.
TEST_F(CliFaults, RecordingCutShortGoesOnToTheSameDemonstrations) {
  const std::string record = "teleop --task stack --demos 12 --seed 1 --quiet --out ";
  ASSERT_EQ(Run(record + "whole.h5").exit_code, 0);
  for (const std::string signal : {"INT", "KILL"}) {
    const std::string cut = signal + ".h5";
    const CommandResult result =
        RunShell("cd " + folder_.string() + " && (" + kProgram + " " + record + cut +
                 " >/dev/null 2>&1 & pid=$!; for i in $(seq 1000); do sleep 0.02; "
                 "[ -e " +
                 cut +
                 ".episodes/attempt_2.h5.part ] && break; done; "
                 "kill -" +
                 signal + " $pid; wait $pid; echo code $?)");
    EXPECT_FALSE(fs::exists(folder_ / cut)) << result.output;
    ASSERT_TRUE(fs::exists(folder_ / (cut + ".episodes"))) << result.output;
    const CommandResult resumed = Run(record + cut);
    ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
    ExpectSameEpisodes(DatasetReader(folder_ / cut), DatasetReader(folder_ / "whole.h5"));
  }
}

// Whatever step a pipeline is interrupted in, and however often: it goes on, to the same end.
TEST_F(CliFaults, PipelineInterruptedAgainAndAgainEndsTheSame) {
  std::string pipeline = Replaced(TinyPipeline(), "demos: 3, seed: 2", "demos: 40, seed: 2");
  pipeline = Replaced(pipeline, "steps: 6,", "steps: 24,");
  Write("whole.yaml", Replaced(pipeline, "out: tiny", "out: whole"));
  Write("cut.yaml", Replaced(pipeline, "out: tiny", "out: cut"));
  const CommandResult whole = Run("run whole.yaml --quiet");
  ASSERT_EQ(whole.exit_code, 0) << whole.output;

  Rng rng(RngKey{.seed = 3});
  int interrupted = 0;
  CommandResult last;
  for (int round = 0; round < 60; ++round) {
    // later rounds wait longer, so that it comes to an end on any machine
    const double seconds = rng.Uniform(0.2, 1.0) + 0.2 * round;
    last = RunShell("cd " + folder_.string() + " && timeout --signal=INT --kill-after=60 " +
                    std::to_string(seconds) + " " + kProgram + " run cut.yaml --quiet 2>&1");
    if (last.exit_code == 0) break;
    // 124: timeout interrupted it
    ASSERT_EQ(last.exit_code, 124) << last.output;
    ++interrupted;
  }
  EXPECT_EQ(last.exit_code, 0) << last.output;
  EXPECT_GT(interrupted, 4);
  for (const char* dataset : {"sources.h5", "generated.h5", "looks.h5"}) {
    // the clocks of a recording tell in which session it was made
    ExpectSameEpisodes(DatasetReader(folder_ / "cut" / dataset),
                       DatasetReader(folder_ / "whole" / dataset));
  }
  EXPECT_EQ(LoadJson(folder_ / "cut/summary.json").at("rows"),
            LoadJson(folder_ / "whole/summary.json").at("rows"));
}

}  // namespace
}  // namespace understudy
