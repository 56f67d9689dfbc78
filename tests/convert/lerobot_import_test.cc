// There and back through LeRobot: laws for both versions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/formats/formats.h"
#include "data/store/writer.h"
#include "data/video/codec.h"
#include "tests/convert/lerobot_fixture.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

double MeanError(const Image& a, const Image& b) {
  double error = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) error += std::abs(a.rgb[i] - b.rgb[i]);
  return error / static_cast<double>(a.rgb.size());
}

class LerobotImportTest : public LerobotTest, public testing::WithParamInterface<LerobotVersion> {
 protected:
  LerobotReport Out(LerobotOptions options = {}) {
    options.version = GetParam();
    options.overwrite = true;
    options.quality = 10;
    return Convert(options);
  }

  // folder_/back.h5 is folder_/in.h5, but for what a codec does to pictures.
  void ExpectEqualDatasets() {
    const std::unique_ptr<EpisodeSource> in_source = OpenDataset(folder_ / "in.h5");
    const EpisodeSource& in = *in_source;
    const std::unique_ptr<EpisodeSource> back_source = OpenDataset(folder_ / "back.h5");
    const EpisodeSource& back = *back_source;
    EXPECT_TRUE(VerifyDataset(back.path()).faults.empty());
    const DatasetHeader &a = in.header(), &b = back.header();
    EXPECT_EQ(a.cameras, b.cameras);
    EXPECT_EQ(a.image_width, b.image_width);
    EXPECT_EQ(a.image_height, b.image_height);
    EXPECT_EQ(a.model_text, b.model_text);
    EXPECT_EQ(a.settings, b.settings);
    EXPECT_EQ(a.parents, b.parents);
    EXPECT_EQ(a.stage, b.stage);
    EXPECT_EQ(in.report(), back.report());
    EXPECT_EQ(in.ReadMask("train"), back.ReadMask("train"));
    ASSERT_EQ(in.attempts().size(), back.attempts().size());
    EXPECT_EQ(in.attempts()[1].cause, back.attempts()[1].cause);
    ASSERT_EQ(in.episodes().size(), back.episodes().size());
    for (size_t e = 0; e < in.episodes().size(); ++e) {
      ExpectSame(back.ReadEpisode(e, true), in.ReadEpisode(e, true));
      const auto cameras = in.ReadCameras(e), found = back.ReadCameras(e);
      ASSERT_EQ(cameras.size(), found.size());
      for (size_t c = 0; c < cameras.size(); ++c) {
        EXPECT_EQ(cameras[c].fovy_deg, found[c].fovy_deg);
        EXPECT_TRUE(cameras[c].X_WC == found[c].X_WC);
        for (size_t k = 0; k < in.episodes()[e].length; ++k) {
          const Image shown = back.ReadImage(e, a.cameras[c], k);
          const double error = MeanError(in.ReadImage(e, a.cameras[c], k), shown);
          EXPECT_LT(error, 4) << "episode " << e << " camera " << c << " row " << k;
          // not the neighbour's
          const size_t other = k > 0 ? k - 1 : k + 1;
          EXPECT_GT(MeanError(in.ReadImage(e, a.cameras[c], other), shown), error);
        }
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, LerobotImportTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotImportTest, ThereAndBackLosesNothing) {
  Out();
  const LerobotImportReport report = Import();
  EXPECT_TRUE(report.exact);
  EXPECT_EQ(report.version, GetParam() == LerobotVersion::kV21 ? "v2.1" : "v3.0");
  EXPECT_EQ(report.episodes, 3);
  EXPECT_EQ(report.frames, 24);
  EXPECT_THAT(report.dropped, testing::IsEmpty());
  EXPECT_THAT(report.not_understood, testing::IsEmpty());
  ExpectEqualDatasets();
  // everything that is no picture has the same hash
  LerobotOptions again;
  again.version = GetParam();
  WriteLerobot(*OpenDataset(folder_ / "back.h5"), folder_ / "again", again, quiet_);
  EXPECT_EQ(OpenDataset(folder_ / "again/extras/understudy.h5")->content_hash(),
            OpenDataset(folder_ / "out/extras/understudy.h5")->content_hash());
}

TEST_P(LerobotImportTest, WhateverTheFilesAreSplitInto) {
  Out({.data_file_mb = 0.001, .video_file_mb = 0.001});
  Import();
  ExpectEqualDatasets();
}

TEST_P(LerobotImportTest, OddPicturesKeepTheirSize) {
  header_.image_width = 33;
  header_.image_height = 25;
  Out();
  Import();
  ExpectEqualDatasets();
}

TEST_P(LerobotImportTest, Av1FilmsComeBack) {
  if (Av1EncoderName().empty()) GTEST_SKIP() << "libav has no AV1 encoder";
  header_.image_width = 72;
  header_.image_height = 64;
  const LerobotReport report = Out({.codec = VideoCodec::kAv1});
  EXPECT_EQ(report.encoder, Av1EncoderName());
  const Json info = LoadJson(folder_ / "out/meta/info.json");
  EXPECT_EQ(info["features"]["observation.images.wrist"]["info"]["video.codec"], "av1");
  Import();
  ExpectEqualDatasets();
}

TEST_P(LerobotImportTest, SeveralArmsAndNoPictures) {
  EpisodeShape shape{.length = 5,
                     .arms = 2,
                     .objects = 0,
                     .signals = 0,
                     .teleop_arms = 2,
                     .raw = 4,
                     .teleop = true};
  header_ = HeaderFor(shape);
  for (size_t e = 0; e < episodes_.size(); ++e) {
    shape.length = 1 + 3 * e;
    episodes_[e] = RandomEpisode(10 + e, shape);
  }
  const fs::path file = folder_ / "in.h5";
  {
    DatasetWriter writer(file, header_);
    for (const Episode& episode : episodes_) writer.Append(episode);
    writer.Finish();
  }
  LerobotOptions options;
  options.version = GetParam();
  WriteLerobot(*OpenDataset(file), folder_ / "out", options, quiet_);
  Import();
  // without pictures nothing at all is lost
  EXPECT_EQ(OpenDataset(folder_ / "back.h5")->content_hash(), OpenDataset(file)->content_hash());
}

// An episode that was deleted on LeRobot's side is missing here too, and its mask entries with it.
TEST_P(LerobotImportTest, DeletedEpisodesStayAway) {
  Out();
  fs::rename(folder_ / "out/extras", folder_ / "extras");
  const std::string deleted = episodes_[1].meta.uuid;
  const std::vector<Episode> all = episodes_;
  episodes_.erase(episodes_.begin() + 1);
  Out();
  fs::remove_all(folder_ / "out/extras");
  fs::rename(folder_ / "extras", folder_ / "out/extras");
  const LerobotImportReport report = Import();
  EXPECT_EQ(report.episodes, 2);
  EXPECT_EQ(report.dropped, std::vector<std::string>{deleted});
  const std::unique_ptr<EpisodeSource> back_source = OpenDataset(folder_ / "back.h5");
  const EpisodeSource& back = *back_source;
  ASSERT_EQ(back.episodes().size(), 2u);
  EXPECT_EQ(back.episodes()[0].uuid, all[0].meta.uuid);
  EXPECT_EQ(back.episodes()[1].uuid, all[2].meta.uuid);
  EXPECT_EQ(back.ReadMask("train"), (std::vector<std::string>{"demo_0", "demo_1"}));
}

// Two looks of one episode have the same rows: which one was deleted cannot be told.
TEST_P(LerobotImportTest, NothingIsGuessed) {
  episodes_[1] = episodes_[0];
  episodes_[1].meta.uuid = MakeUuid("look", RngKey{.seed = 9});
  Out();
  fs::rename(folder_ / "out/extras", folder_ / "extras");
  episodes_.erase(episodes_.begin());
  Out();
  fs::remove_all(folder_ / "out/extras");
  fs::rename(folder_ / "extras", folder_ / "out/extras");
  EXPECT_THAT(ImportError(), AllOf(HasSubstr("understudy.h5"), HasSubstr("pictures only"),
                                   HasSubstr("--no-lerobot-import.extras")));
}

TEST_P(LerobotImportTest, EditedNumbersAreRefused) {
  Out();
  fs::rename(folder_ / "out/extras", folder_ / "extras");
  episodes_[1].steps[4].delta[0].value[2] = 0.5;
  Out();
  fs::remove_all(folder_ / "out/extras");
  fs::rename(folder_ / "extras", folder_ / "out/extras");
  EXPECT_THAT(ImportError(), AllOf(HasSubstr("episode 1, row 4: action holds 0.5"),
                                   HasSubstr("edited"), HasSubstr("parquet")));
  // taken alone, the folder is sound
  EXPECT_FALSE(Import({.extras = false}).exact);
}

TEST_P(LerobotImportTest, EditedTasksAreRefused) {
  Out();
  fs::rename(folder_ / "out/extras", folder_ / "extras");
  episodes_[1].meta.instruction = "a new task";
  Out();
  fs::remove_all(folder_ / "out/extras");
  fs::rename(folder_ / "extras", folder_ / "out/extras");
  EXPECT_THAT(ImportError(), AllOf(HasSubstr("'a new task'"), HasSubstr("'another task'")));
}

// Without extras, what is named as ours gets robosuite's names, and nothing is made up.
TEST_P(LerobotImportTest, WithoutExtrasNumbersKeepTheirMeaning) {
  Out({.extras = false});
  const LerobotImportReport report = Import();
  EXPECT_FALSE(report.exact);
  const std::unique_ptr<EpisodeSource> in_source = OpenDataset(folder_ / "in.h5");
  const EpisodeSource& in = *in_source;
  const std::unique_ptr<EpisodeSource> back_source = OpenDataset(folder_ / "back.h5");
  const EpisodeSource& back = *back_source;
  EXPECT_TRUE(VerifyDataset(back.path()).faults.empty());
  EXPECT_TRUE(back.content_hash().empty()) << "it is no dataset of ours";
  EXPECT_EQ(back.header().cameras, in.header().cameras);
  EXPECT_EQ(back.header().simulator.control_hz, 20);
  ASSERT_EQ(back.episodes().size(), 3u);
  for (size_t e = 0; e < 3; ++e) {
    const Episode found = back.ReadEpisode(e);
    ASSERT_EQ(found.length(), episodes_[e].length());
    EXPECT_EQ(found.meta.success, episodes_[e].final_observation.success);
    for (size_t k = 0; k < found.length(); ++k) {
      const Step &a = found.steps[k], &b = episodes_[e].steps[k];
      ASSERT_EQ(a.observation.arms.size(), 1u);
      const ArmObservation &x = a.observation.arms[0], &y = b.observation.arms[0];
      EXPECT_LT((x.X_WE.translation() - y.X_WE.translation()).norm(), 1e-6);
      EXPECT_LT(AngleBetween(x.X_WE.rotation(), y.X_WE.rotation()), 1e-3);
      EXPECT_LT((x.joint_q - y.joint_q).norm(), 1e-6);
      EXPECT_LT((x.gripper_q - y.gripper_q).norm(), 1e-6);
      EXPECT_EQ(a.delta[0].value[5], static_cast<float>(b.delta[0].value[5]));
      const ArmAction &t = a.action.arms.at(0), &u = b.action.arms[0];
      EXPECT_LT((t.X_WE_cmd.translation() - u.X_WE_cmd.translation()).norm(), 1e-12);
      EXPECT_LT(AngleBetween(t.X_WE_cmd.rotation(), u.X_WE_cmd.rotation()), 1e-6);
      EXPECT_EQ(t.gripper, u.gripper);
      EXPECT_LT(MeanError(in.ReadImage(e, "wrist", k), back.ReadImage(e, "wrist", k)), 4);
    }
  }
}

TEST_P(LerobotImportTest, PlansSayWhatIsLost) {
  Out();
  EXPECT_THAT(LostFromLerobot(folder_ / "out", {}), testing::ElementsAre(HasSubstr("pictures")));
  EXPECT_THAT(LostFromLerobot(folder_ / "out", {.extras = false}),
              testing::Contains(HasSubstr("no simulator states")));
  EXPECT_EQ(LerobotVersionOf(folder_ / "out"),
            GetParam() == LerobotVersion::kV21 ? "v2.1" : "v3.0");
}

TEST_P(LerobotImportTest, NothingIsReplacedUnasked) {
  Out();
  Import();
  EXPECT_THAT(ErrorOf([&] { Import({}); }, ErrorKind::kUsage), HasSubstr("exists already"));
}

}  // namespace
}  // namespace understudy::store_test
