// Datasets without signals become sources of mimic.
#include "mimic/sources/annotate_dataset.h"

#include "data/formats/family/foreign_writer.h"
#include "data/formats/formats.h"
#include "data/formats/isaaclab/isaaclab.h"
#include "data/formats/robosuite/robosuite.h"
#include "data/store/writer.h"
#include "mimic/command.h"
#include "tests/mimic/annotate_fixture.h"
#include "tests/support/cameras.h"

namespace understudy {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(AnnotateDatasetTest, StatesGiveBackWhatWasTakenAway) {
  const AnnotateReport report = Run();
  EXPECT_EQ(report.restored, kDemos);
  EXPECT_EQ(report.judged, 0);
  const std::unique_ptr<EpisodeSource> made_source = OpenDataset(options_.out);
  const EpisodeSource& made = *made_source;
  const std::unique_ptr<EpisodeSource> full_source = OpenDataset(File("full.h5"));
  const EpisodeSource& full = *full_source;
  const std::unique_ptr<EpisodeSource> bare_source = OpenDataset(File("bare.h5"));
  const EpisodeSource& bare = *bare_source;
  EXPECT_EQ(made.header().simulator.signals, full.header().simulator.signals);
  EXPECT_EQ(made.header().stage, "teleop");
  EXPECT_THAT(made.header().parents, ElementsAre(bare.content_hash()));
  EXPECT_NE(made.content_hash(), bare.content_hash());
  EXPECT_EQ(made.ReadMask("few"), full.ReadMask("few"));
  ASSERT_EQ(made.attempts().size(), 1u);
  EXPECT_EQ(made.attempts()[0].cause, "dropped");
  for (size_t e = 0; e < kDemos; ++e) {
    const Episode got = made.ReadEpisode(e), wanted = full.ReadEpisode(e);
    EXPECT_TRUE(SameContent(got, wanted));
    EXPECT_EQ(got.meta.signals, wanted.meta.signals);
    for (size_t i = 0; i < CountInstants(wanted); ++i) {
      ASSERT_EQ(ObservationAt(got, i).signals, ObservationAt(wanted, i).signals);
    }
  }
  EXPECT_TRUE(VerifyDataset(options_.out).faults.empty());
  // the table says where and why, and that poses agree
  const std::vector<ReviewLine> lines = ReadReview(report.review_file);
  ASSERT_EQ(lines.size(), 2u * kDemos);
  EXPECT_EQ(lines[0].wanted.end, report.demos[0].ends[0].end);
  EXPECT_EQ(report.agreement.at("grasp").ends, kDemos);
  EXPECT_LE(report.agreement.at("grasp").worst, 1);
}

TEST_F(AnnotateDatasetTest, PicturesComeOver) {
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
  DatasetHeader header;
  header.simulator = simulator->info();
  header.task = ToJson(task_);
  header.cameras = {"front", "wrist"};
  header.image_width = header.image_height = 8;
  DatasetWriter writer(File("seen.h5"), header);
  for (size_t e = 0; e < 2; ++e) {
    std::vector<std::vector<Image>> images(2);
    for (size_t k = 0; k < demos_[e].length(); ++k) {
      for (size_t c = 0; c < 2; ++c) {
        Image image(8, 8);
        for (size_t b = 0; b < image.rgb.size(); ++b)
          image.rgb[b] = uint8_t(7 * k + 31 * c + b + e);
        images[c].push_back(std::move(image));
      }
    }
    writer.Append(demos_[e], images, CamerasOf(header));
  }
  writer.Finish();
  options_.path = File("seen.h5");
  Run();
  const std::unique_ptr<EpisodeSource> before_source = OpenDataset(options_.path);
  const EpisodeSource& before = *before_source;
  const std::unique_ptr<EpisodeSource> after_source = OpenDataset(options_.out);
  const EpisodeSource& after = *after_source;
  ASSERT_EQ(after.header().cameras, header.cameras);
  for (size_t e = 0; e < 2; ++e) {
    for (size_t k = 0; k < demos_[e].length(); ++k) {
      for (const std::string& camera : header.cameras) {
        ASSERT_EQ(after.ReadImage(e, camera, k).rgb, before.ReadImage(e, camera, k).rgb);
      }
    }
  }
}

TEST_F(AnnotateDatasetTest, MimicMakesTheSameOfIt) {
  MimicOptions mimic;
  mimic.run.attempts = 30;
  mimic.run.threads = 2;
  FakeOptions clumsy;
  clumsy.grasp_radius = 0.004;
  const auto generate = [&](const std::string& source, const std::string& out) {
    Progress quiet;
    mimic.sources = {File(source)};
    mimic.out = File(out);
    return RunMimic(mimic, task_, FakeSimulatorFactory(task_, clumsy), quiet);
  };
  EXPECT_THROW(generate("bare.h5", "none.h5"), Error);
  Run();
  const MimicReport wanted = generate("full.h5", "a.h5"), got = generate("out.h5", "b.h5");
  ASSERT_GT(wanted.successes, 3);
  EXPECT_EQ(got.attempts, wanted.attempts);
  EXPECT_EQ(got.successes, wanted.successes);
  const std::unique_ptr<EpisodeSource> a_source = OpenDataset(File("a.h5"));
  const EpisodeSource& a = *a_source;
  const std::unique_ptr<EpisodeSource> b_source = OpenDataset(File("b.h5"));
  const EpisodeSource& b = *b_source;
  for (size_t e = 0; e < a.episodes().size(); ++e) {
    EXPECT_TRUE(SameContent(a.ReadEpisode(e), b.ReadEpisode(e)));
  }
}

// A recording that was cut while something was held for a while: its states know for how long.
TEST_F(AnnotateDatasetTest, CountersOfOurOwnStatesCount) {
  std::vector<Episode> demos = demos_;
  for (Episode& demo : demos) {
    size_t holds = 0;
    while (!demo.steps.at(holds).observation.success) ++holds;
    demo.steps.erase(demo.steps.begin(), demo.steps.begin() + static_cast<long>(holds) - 2);
  }
  Store(demos, "cut.h5");
  options_.path = File("cut.h5");
  options_.judge = true;
  EXPECT_EQ(Run().judged, kDemos);
  const std::unique_ptr<EpisodeSource> made_source = OpenDataset(options_.out);
  const EpisodeSource& made = *made_source;
  for (size_t e = 0; e < kDemos; ++e) {
    const Episode got = made.ReadEpisode(e);
    for (size_t i = 0; i < got.length(); ++i) {
      EXPECT_EQ(got.steps[i].observation.success, i >= 2) << e << " " << i;
    }
  }
}

// What a task with other predicates would have recorded: signals, success by row, and states.
TEST_F(AnnotateDatasetTest, ChangedPredicatesAreAskedAnew) {
  TaskSpec changed = task_;
  std::get<HeldPredicate>(changed.predicates["stacked"]).steps = 9;
  changed.predicates["carried"] = HeldPredicate{"grasp", 4};
  changed.subtasks[0].signal = "carried";
  options_.path = File("full.h5");
  const AnnotateReport report = Run(changed);
  EXPECT_EQ(report.restored, kDemos);
  const std::unique_ptr<EpisodeSource> made_source = OpenDataset(options_.out);
  const EpisodeSource& made = *made_source;
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(changed);
  EXPECT_EQ(made.header().simulator.state_size, simulator->info().state_size);
  EXPECT_EQ(made.header().task, ToJson(changed));
  for (size_t e = 0; e < kDemos; ++e) {
    const Episode wanted = ScriptedStack(*simulator, changed, "D0",
                                         RngKey{.seed = 77}.WithParent(static_cast<uint64_t>(e)));
    const Episode got = made.ReadEpisode(e);
    ASSERT_EQ(got.length(), wanted.length());
    EXPECT_EQ(got.final_state, wanted.final_state);
    EXPECT_THAT(got.meta.signals, ElementsAre("carried", "grasp"));
    for (size_t i = 0; i < CountInstants(wanted); ++i) {
      ASSERT_EQ(ObservationAt(got, i).signals, ObservationAt(wanted, i).signals) << i;
      ASSERT_EQ(ObservationAt(got, i).success, ObservationAt(wanted, i).success) << i;
      if (i < got.length()) {
        ASSERT_EQ(got.steps[i].state, wanted.steps[i].state) << i;
      }
    }
  }
  EXPECT_TRUE(VerifyDataset(options_.out).faults.empty());
}

// What was asked for stands in the file.
TEST_F(AnnotateDatasetTest, SettingsAreStored) {
  options_.judge = true;
  options_.rules.debounce = 2;
  Run();
  const Json settings = OpenDataset(options_.out)->header().settings["annotated"];
  EXPECT_EQ(settings["judge"], true);
  EXPECT_EQ(settings["debounce"], 2);
  EXPECT_EQ(settings["evidence"], "best");
}

TEST_F(AnnotateDatasetTest, PosesAloneNeedNoSimulator) {
  options_.evidence = SignalEvidence::kPoses;
  Progress quiet;
  const AnnotateReport report = AnnotateDataset(options_, task_, robot_, {}, quiet);
  EXPECT_EQ(report.restored, 0);
  const std::unique_ptr<EpisodeSource> made_source = OpenDataset(options_.out);
  const EpisodeSource& made = *made_source;
  for (size_t e = 0; e < kDemos; ++e) {
    int differ = 0;
    const Episode got = made.ReadEpisode(e);
    EXPECT_EQ(got.final_state, demos_[e].final_state) << "everything else stays";
    for (size_t i = 0; i < got.length(); ++i) {
      differ += got.steps[i].observation.signals != demos_[e].steps[i].observation.signals;
    }
    EXPECT_LE(differ, 2);
    EXPECT_THAT(report.demos[e].ends[0].evidence, HasSubstr("inferred: gripper closes at"));
  }
}

// Other programs' files: poses where there are no states that fit.
TEST_F(AnnotateDatasetTest, OtherProgramsFilesBecomeSources) {
  Progress quiet;
  for (const auto& [target, name] : {std::pair{&foreign::kMimicgenWriter, "mimicgen.hdf5"},
                                     {&foreign::kIsaacLabWriter, "isaaclab.hdf5"}}) {
    const Translation into(target == &foreign::kIsaacLabWriter ? kIsaacLabFamily : kRobosuiteFamily,
                           &task_, &robot_);
    ForeignWriteOptions writing;
    writing.isaaclab.quaternions = IsaacLabOrder::kWxyz;
    WriteForeign(*target, *OpenDataset(File("bare.h5")), File(name), writing, Translation(), into,
                 quiet);
    options_.path = File(name);
    options_.overwrite = true;
    const AnnotateReport report = Run();
    EXPECT_EQ(report.restored, 0);
    EXPECT_FALSE(report.why_poses.empty());
    const std::unique_ptr<EpisodeSource> made_source = OpenDataset(options_.out);
    const EpisodeSource& made = *made_source;
    EXPECT_EQ(made.header().stage, "import");
    ASSERT_EQ(made.header().parents.size(), 1u);
    for (size_t e = 0; e < kDemos; ++e) {
      const Episode got = made.ReadEpisode(e);
      EXPECT_EQ(got.meta.uuid, demos_[e].meta.uuid);
      EXPECT_EQ(got.meta.signals, demos_[e].meta.signals);
      EXPECT_TRUE(got.meta.success);
      const std::vector<Observation> seen = [&] {
        std::vector<Observation> all;
        for (const Step& step : demos_[e].steps) all.push_back(step.observation);
        all.push_back(demos_[e].final_observation);
        return all;
      }();
      EXPECT_NEAR(report.demos[e].ends[0].end, Annotate(task_, demos_[e], &seen, {}).ends[0].end,
                  1);
    }
    EXPECT_TRUE(VerifyDataset(options_.out).faults.empty());
    // its own table changes nothing, and looking sees what writing does
    const std::string hash = made.content_hash();
    Json json = report.ToJson();
    options_.review = report.review_file;
    Run();
    EXPECT_EQ(OpenDataset(options_.out)->content_hash(), hash);
    options_.dry = true;
    json["review"] = "";
    EXPECT_EQ(Run().ToJson(), json);
    options_.dry = false;
    options_.review.clear();
    options_.evidence = SignalEvidence::kStates;
    EXPECT_THAT(Refused(), HasSubstr("--evidence poses"));
    options_.evidence = SignalEvidence::kBest;
  }
}

TEST_F(AnnotateDatasetTest, AFileWithoutPosesIsRefusedWithWhatIsMissing) {
  Progress quiet;
  const Translation into(kRobosuiteFamily, &task_, &robot_);
  WriteForeign(foreign::kRobomimicWriter, *OpenDataset(File("bare.h5")), File("r.hdf5"), {},
               Translation(), into, quiet);
  options_.path = File("r.hdf5");
  EXPECT_THAT(Refused(), HasSubstr("holds no poses of cubeA, cubeB, and no states that hold them "
                                   "(the fake does not know from poses what it holds)"));
}

TEST_F(AnnotateDatasetTest, SuccessIsFoundWhereNobodyToldIt) {
  std::vector<Episode> demos = demos_;
  for (Episode& demo : demos) {
    Strip(&demo);
    demo.meta.success = false;
    demo.meta.settings["success_from"] = "not told: taken for none";
  }
  // one ends too early
  demos[1].final_state = demos[1].steps[40].state;
  demos[1].final_observation = demos[1].steps[40].observation;
  demos[1].steps.resize(40);
  Store(demos, "untold.h5");
  options_.path = File("untold.h5");
  for (const SignalEvidence evidence : {SignalEvidence::kBest, SignalEvidence::kPoses}) {
    options_.evidence = evidence;
    options_.overwrite = true;
    EXPECT_EQ(Run().judged, kDemos);
    const std::unique_ptr<EpisodeSource> made_source = OpenDataset(options_.out);
    const EpisodeSource& made = *made_source;
    for (size_t e = 0; e < kDemos; ++e) {
      EXPECT_EQ(made.episodes()[e].success, e != 1) << e;
      EXPECT_EQ(made.ReadMeta(e).cause.empty(), e != 1);
    }
  }
  // told successes stay unless they are to be judged
  demos[1].meta.success = true;
  for (Episode& demo : demos) demo.meta.settings.erase("success_from");
  fs::remove(File("untold.h5"));
  Store(demos, "untold.h5");
  options_.evidence = SignalEvidence::kBest;
  const AnnotateReport told = Run();
  EXPECT_EQ(told.judged, 0);
  EXPECT_TRUE(OpenDataset(options_.out)->episodes()[1].success);
  EXPECT_THAT(told.demos[1].ends.back().flags, Contains(HasSubstr("--judge")));
  options_.judge = true;
  Run();
  EXPECT_FALSE(OpenDataset(options_.out)->episodes()[1].success);
}

TEST_F(AnnotateDatasetTest, AnEditedReviewChangesExactlyTheEditedEnds) {
  const AnnotateReport first = Run();
  std::string table = ReadText(first.review_file);
  const int end = first.demos[2].ends[0].end, wanted = end + 3;
  const std::string uuid = demos_[2].meta.uuid;
  const auto replace = [&](const std::string& from, const std::string& to) {
    const size_t at = table.find(from);
    ASSERT_NE(at, std::string::npos);
    table.replace(at, from.size(), to);
  };
  replace(uuid + ",0,grasp," + std::to_string(end), uuid + ",0,grasp," + std::to_string(wanted));
  options_.review = Edited(table);
  options_.out = File("second.h5");
  const AnnotateReport second = Run();
  const std::unique_ptr<EpisodeSource> a_source = OpenDataset(File("out.h5"));
  const EpisodeSource& a = *a_source;
  const std::unique_ptr<EpisodeSource> b_source = OpenDataset(File("second.h5"));
  const EpisodeSource& b = *b_source;
  EXPECT_NE(a.content_hash(), b.content_hash());
  for (size_t e = 0; e < kDemos; ++e) {
    EXPECT_EQ(second.demos[e].ends[0].end, e == 2 ? wanted : first.demos[e].ends[0].end);
    EXPECT_EQ(second.demos[e].flagged(), e == 2);
    const Episode x = a.ReadEpisode(e), y = b.ReadEpisode(e);
    EXPECT_TRUE(SameContent(x, y));
    for (size_t i = 0; i < CountInstants(x); ++i) {
      const bool moved =
          e == 2 && static_cast<int>(i) >= end - 1 && static_cast<int>(i) < wanted - 1;
      EXPECT_EQ(ObservationAt(y, i).signals[0], moved ? 0 : ObservationAt(x, i).signals[0])
          << e << " " << i;
    }
  }
  // skip: mimic leaves it out, and says why
  replace(uuid + ",0,grasp," + std::to_string(wanted), uuid + ",0,grasp,skip");
  options_.review = Edited(table);
  options_.overwrite = true;
  EXPECT_EQ(Run().demos[2].ends[0].end, -1);
  const std::unique_ptr<EpisodeSource> skipped_source = OpenDataset(options_.out);
  const EpisodeSource& skipped = *skipped_source;
  std::vector<Episode> episodes;
  for (size_t e = 0; e < kDemos; ++e) episodes.push_back(skipped.ReadEpisode(e));
  const SourceSet sources(episodes, DemoNames(kDemos), task_, MakeFakeSimulator(task_)->info(), 3);
  ASSERT_EQ(sources.skipped().size(), 1u);
  EXPECT_THAT(sources.skipped()[0].reasons[0], HasSubstr("signal 'grasp' does not rise"));
  // the written table says all that the edited one said
  const std::string written = ReadText(options_.out + ".review.csv");
  options_.review = Edited(written);
  EXPECT_EQ(Run().demos[2].ends[0].end, -1);
  EXPECT_EQ(OpenDataset(options_.out)->content_hash(), skipped.content_hash());
  EXPECT_EQ(ReadText(options_.out + ".review.csv"), written);
}

TEST_F(AnnotateDatasetTest, LookingWritesNothingAndThreadsDoNotMatter) {
  options_.dry = true;
  const Json looked = Run().ToJson();
  EXPECT_FALSE(fs::exists(options_.out));
  options_.dry = false;
  Json made = Run().ToJson();
  made["review"] = "";
  EXPECT_EQ(made, looked);
  const std::string hash = OpenDataset(options_.out)->content_hash();
  options_.overwrite = true;
  Progress quiet;
  options_.threads = 1;
  AnnotateDataset(options_, task_, robot_, FakeSimulatorFactory(task_), quiet);
  EXPECT_EQ(OpenDataset(options_.out)->content_hash(), hash);
}

}  // namespace
}  // namespace understudy
