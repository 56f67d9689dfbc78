// The page of tasks, the rates on it, and the checkpoints that ship.
#include "app/gallery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "app/list.h"
#include "app/registry.h"
#include "app/shipped.h"
#include "core/base/error.h"
#include "core/spec/listed.h"
#include "tests/support/own_folder.h"
#include "train/evaluate/evaluate.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// A report of `evaluate`, as far as it is read.
Json Evaluated(const std::string& task, int successes, int episodes, bool varied = false) {
  Json rows = Json::array();
  for (int i = 0; i < episodes; ++i) rows.push_back({{"index", i}, {"success", i < successes}});
  return {{"task", task},
          {"varied", varied},
          {"options", ToJson(EvalOptions{.variant = "D1"})},
          {"rows", rows}};
}

// The message of what `act` throws.
template <class F>
std::string MessageOf(F act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

class Gallery : public testing::Test {
 protected:
  fs::path WriteReport(const std::string& name, const Json& report) {
    WriteTextAtomically(folder_ / name, report.dump());
    return folder_ / name;
  }
  OwnFolder folder_;
};

TEST_F(Gallery, ReportsTakeThePlaceOfShippedRates) {
  Rates shipped;
  shipped.tasks["stack"].policy = {{"D0", "old", 100, 3}, {"D1", "old", 100, 4}};
  shipped.tasks["stack"].generation = {{"D1", "old", 1000, 5}};
  RateReports reports;
  reports.Add(WriteReport("mine.json", Evaluated("stack", 6, 8, true)));
  Json partial = Evaluated("new", 1, 2);
  partial["interrupted"] = true;
  reports.Add(WriteReport("part.json", partial));
  const Rates rates = reports.Over(shipped);
  const TaskRates& stack = rates.tasks.at("stack");
  ASSERT_EQ(stack.policy.size(), 2u);
  EXPECT_EQ(stack.policy[0].successes, 3);
  EXPECT_EQ(stack.policy[1].what, "mine, drawn looks");
  EXPECT_EQ(stack.policy[1].tries, 8);
  EXPECT_EQ(stack.policy[1].successes, 6);
  // another kind of rate stays
  ASSERT_EQ(stack.generation.size(), 1u);
  EXPECT_EQ(stack.generation[0].successes, 5);
  EXPECT_EQ(rates.tasks.at("new").policy.at(0).what, "part, nominal looks, partial");
}

TEST_F(Gallery, FilesThatAreNoReportsAreRejected) {
  RateReports reports;
  const fs::path other = WriteReport("other.json", {{"a", 1}});
  EXPECT_THAT(MessageOf([&] { reports.Add(other); }),
              HasSubstr("no report of `understudy evaluate`"));
  const fs::path golden = UNDERSTUDY_SOURCE_DIR "/tests/golden/h5py_robomimic.h5";
  EXPECT_THAT(MessageOf([&] { reports.Add(golden); }),
              HasSubstr("is no dataset that `understudy mimic` generated"));
}

// The rates that ship name tasks and variants that there are, and no more successes than tries.
TEST_F(Gallery, ShippedRatesAreOfListedTasks) {
  const fs::path tasks = HomeFolder() / "sim" / "tasks";
  const std::vector<std::string> names = ListedNames(tasks, "task.yaml");
  const Rates rates = ShippedRates();
  EXPECT_EQ(rates.tasks.size(), names.size());
  for (const auto& [name, of_task] : rates.tasks) {
    ASSERT_THAT(names, testing::Contains(name));
    const TaskSpec task = LoadTaskSpec(name, tasks);
    EXPECT_EQ(of_task.generation.size(), task.variants.size()) << name;
    for (const auto* kind : {&of_task.generation, &of_task.policy}) {
      for (const MeasuredRate& rate : *kind) {
        EXPECT_TRUE(task.variants.contains(rate.variant)) << name << " " << rate.variant;
        EXPECT_LE(rate.successes, rate.tries) << name;
        EXPECT_GT(rate.tries, 0) << name;
      }
    }
  }
}

TEST_F(Gallery, ThePageShowsRangesAndRates) {
  GalleryItem item;
  item.task = LoadTaskSpec("square", HomeFolder() / "sim" / "tasks");
  item.task.description = "a <b> task";
  item.note = "no OpenGL & no picture";
  item.rates.generation = {{"D0", "", 1000, 904}};
  const std::string page = GalleryPage({item});
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr("a &lt;b&gt; task"));
  EXPECT_THAT(page, HasSubstr("No picture: no OpenGL &amp; no picture"));
  EXPECT_THAT(page, HasSubstr("904 of 1000</td><td class=\"n\">90.4 %"));
  EXPECT_THAT(page, HasSubstr("88.4 % – 92.1 %"));
  EXPECT_THAT(page, HasSubstr("No policy was evaluated on it yet."));
  EXPECT_THAT(page, Not(HasSubstr("No generation rate was measured.")));
  // a drawing of every variant, and its numbers: the nut of D0, in m and degrees
  for (const char* variant : {"D0", "D1", "D2"}) {
    EXPECT_THAT(page, HasSubstr("aria-label=\"reset ranges of " + std::string(variant) + "\""));
  }
  EXPECT_THAT(page, HasSubstr("-0.115 … -0.110</td><td class=\"n\">0.110 … 0.225</td>"
                              "<td class=\"n\">0 … 360</td>"));
  // nothing is fetched from elsewhere
  EXPECT_THAT(page, Not(HasSubstr("http")));
}

// x of W goes up and y to the left: what stands further from the arm is drawn above it.
TEST_F(Gallery, RangesAreDrawnFromBehindTheArm) {
  GalleryItem item;
  item.note = "none is drawn";
  item.task.name = "t";
  item.task.arms[0].X_WB = Pose(Eigen::Quaterniond::Identity(), {-0.5, 0, 0});
  item.task.objects["cube"] = {};
  item.task.variants["D0"].objects["cube"] = {.x = {0.1, 0.2}, .y = {0.3, 0.4}};
  const std::string page = GalleryPage({item});
  // 0.12 m of margin, 200 px to the metre, below a title of 18 px
  EXPECT_THAT(page, HasSubstr("<circle cx=\"104.0\" cy=\"182.0\""));
  EXPECT_THAT(page, HasSubstr("<rect x=\"24.0\" y=\"42.0\" width=\"20.0\" height=\"20.0\""));
}

TEST_F(Gallery, OtherFilesAreNotReplaced) {
  WriteTextAtomically(folder_ / "notes.txt", "mine");
  Progress quiet;
  const GalleryOptions options{.out = (folder_ / "notes.txt").string(), .tasks = {}, .reports = {}};
  EXPECT_THAT(MessageOf([&] { MakeGallery(options, false, quiet); }), HasSubstr("notes.txt"));
  EXPECT_EQ(ReadText(folder_ / "notes.txt"), "mine");
}

// ---- checkpoints that ship ----

// The program's data are looked for in another folder while this lives.
class OtherHome {
 public:
  explicit OtherHome(const fs::path& folder) {
    fs::create_directories(folder / "sim");
    fs::create_directory_symlink(UNDERSTUDY_SOURCE_DIR "/sim/tasks", folder / "sim" / "tasks");
    fs::create_directory_symlink(UNDERSTUDY_SOURCE_DIR "/sim/robots", folder / "sim" / "robots");
    fs::create_directory_symlink(UNDERSTUDY_SOURCE_DIR "/sim/grippers",
                                 folder / "sim" / "grippers");
    setenv("UNDERSTUDY_HOME", folder.c_str(), 1);
  }
  ~OtherHome() { unsetenv("UNDERSTUDY_HOME"); }
};

TEST_F(Gallery, AMissingCheckpointIsOneSentenceThatSaysWhatToDo) {
  const OtherHome home(folder_.path());
  EXPECT_TRUE(ShippedCheckpoints().empty());
  const std::string message = MessageOf([] { ShippedCheckpoint("stack"); });
  EXPECT_THAT(message, HasSubstr("no checkpoint ships for task 'stack'"));
  EXPECT_THAT(message, HasSubstr((folder_ / "checkpoints/stack").string()));
  EXPECT_THAT(message, HasSubstr("--checkpoint FOLDER"));
}

TEST_F(Gallery, CheckpointsThatShipAreFoundAndListed) {
  const OtherHome home(folder_.path());
  fs::create_directories(folder_ / "checkpoints/stack/pretrained_model");
  fs::create_directories(folder_ / "checkpoints/coffee");
  WriteTextAtomically(folder_ / "checkpoints/README.md", "no checkpoint");
  WriteReport("checkpoints/stack/record.json", Evaluated("stack", 80, 100));
  EXPECT_EQ(ShippedCheckpoint("stack"), (folder_ / "checkpoints/stack").string());
  ASSERT_EQ(ShippedCheckpoints().size(), 2u);
  const Json listed = ListParts()["checkpoints"];
  EXPECT_EQ(listed[0]["name"], "coffee");
  EXPECT_EQ(listed[1]["name"], "stack");
  EXPECT_EQ(listed[1]["description"], "succeeded in 80 of 100 episodes of D1");
  // its record is on the page of tasks
  const TaskRates stack = ShippedRates().tasks.at("stack");
  ASSERT_EQ(stack.policy.size(), 1u);
  EXPECT_EQ(stack.policy[0].successes, 80);
  EXPECT_EQ(stack.policy[0].what, "the checkpoint that ships");
}

}  // namespace
}  // namespace understudy
