// LeRobot v3.0 datasets: what Arrow, libav and our own reader find in them.

#include "data/formats/lerobot/lerobot.h"

#include <sys/resource.h>

#include <csignal>

#include "core/base/statistics.h"
#include "data/formats/formats.h"
#include "data/formats/lerobot/feature_statistics.h"
#include "tests/convert/lerobot_fixture.h"
#include "tests/support/effects.h"
#include "tests/support/read_film.h"

namespace understudy::store_test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST_F(LerobotTest, RowsHoldWhatTheEpisodesHold) {
  const LerobotReport report = Convert();
  EXPECT_EQ(report.episodes, 3);
  EXPECT_EQ(report.frames, 24);
  const auto table = Frames();
  ASSERT_EQ(table->num_rows(), 24);
  const std::vector<double> state = Numbers(*table, "observation.state"),
                            action = Numbers(*table, "action"),
                            target = Numbers(*table, "action.target"),
                            time = Numbers(*table, "timestamp"),
                            frame = Numbers(*table, "frame_index"),
                            number = Numbers(*table, "episode_index"),
                            index = Numbers(*table, "index"), task = Numbers(*table, "task_index"),
                            done = Numbers(*table, "next.done"),
                            success = Numbers(*table, "next.success");
  ASSERT_EQ(state.size(), 24u * 16);
  ASSERT_EQ(action.size(), 24u * 7);
  ASSERT_EQ(target.size(), 24u * 8);
  size_t row = 0;
  for (size_t e = 0; e < 3; ++e) {
    for (size_t k = 0; k < episodes_[e].length(); ++k, ++row) {
      const Step& step = episodes_[e].steps[k];
      const Pose& X_WE = step.observation.arms[0].X_WE;
      EXPECT_EQ(state[row * 16], static_cast<float>(X_WE.translation().x()));
      EXPECT_EQ(state[row * 16 + 6], static_cast<float>(X_WE.rotation().w()));
      EXPECT_EQ(state[row * 16 + 15], static_cast<float>(step.observation.arms[0].gripper_q[1]));
      for (int i = 0; i < 7; ++i) {
        EXPECT_EQ(action[row * 7 + static_cast<size_t>(i)],
                  static_cast<float>(step.delta[0].value[i]));
      }
      // exact: what the controller consumed
      EXPECT_EQ(target[row * 8 + 1], step.action.arms[0].X_WE_cmd.translation().y());
      EXPECT_EQ(target[row * 8 + 3], step.action.arms[0].X_WE_cmd.rotation().x());
      EXPECT_EQ(target[row * 8 + 7], step.action.arms[0].gripper);
      EXPECT_EQ(time[row], static_cast<float>(static_cast<double>(k) / 20));
      EXPECT_EQ(frame[row], static_cast<double>(k));
      EXPECT_EQ(number[row], static_cast<double>(e));
      EXPECT_EQ(index[row], static_cast<double>(row));
      EXPECT_EQ(task[row], e == 1 ? 1 : 0);
      const bool last = k + 1 == episodes_[e].length();
      EXPECT_EQ(done[row], last);
      const Observation& next =
          last ? episodes_[e].final_observation : episodes_[e].steps[k + 1].observation;
      EXPECT_EQ(success[row], next.success);
    }
  }
}

TEST_F(LerobotTest, FilmsHoldTheFramesThatTheEpisodesPointAt) {
  const LerobotReport report = Convert({.quality = 5});
  EXPECT_EQ(report.video_files, 2);
  const auto episodes = ReadTable(folder_ / "out/meta/episodes/chunk-000/file-000.parquet");
  const char* cameras[] = {"agentview", "wrist"};
  for (size_t c = 0; c < 2; ++c) {
    const std::string key = std::string("videos/observation.images.") + cameras[c];
    const std::vector<double> from = Numbers(*episodes, key + "/from_timestamp"),
                              to = Numbers(*episodes, key + "/to_timestamp");
    const DecodedFilm film =
        ReadFilm(folder_ / "out/videos" / (std::string("observation.images.") + cameras[c]) /
                 "chunk-000/file-000.mp4");
    EXPECT_EQ(film.codec, "h264");
    ASSERT_EQ(film.frames.size(), 24u);
    EXPECT_EQ(to.back(), 24 / 20.0);
    for (size_t e = 0; e < 3; ++e) {
      ASSERT_NEAR(to[e] - from[e], static_cast<double>(episodes_[e].length()) / 20, 1e-12);
      for (size_t k = 0; k < episodes_[e].length(); ++k) {
        // the frame shown at the time that LeRobot asks for
        const double wanted = from[e] + static_cast<double>(k) / 20;
        size_t at = film.frames.size();
        for (size_t f = 0; f < film.frames.size(); ++f) {
          const double shown = static_cast<double>(film.pts[f]) * av_q2d(film.time_base);
          if (std::abs(shown - wanted) < 1e-4) at = f;
        }
        ASSERT_LT(at, film.frames.size()) << wanted;
        const Image expected = Picture(e, c, k);
        double error = 0;
        for (size_t p = 0; p < expected.rgb.size(); ++p) {
          error += std::abs(film.frames[at].rgb[p] - expected.rgb[p]);
        }
        EXPECT_LT(error / static_cast<double>(expected.rgb.size()), 4) << e << " " << k;
      }
    }
  }
}

TEST_F(LerobotTest, MetaSaysWhatThereIs) {
  Convert();
  const Json info = LoadJson(folder_ / "out/meta/info.json");
  EXPECT_EQ(info["codebase_version"], "v3.0");
  EXPECT_EQ(info["fps"], 20);
  EXPECT_EQ(info["total_frames"], 24);
  EXPECT_EQ(info["total_tasks"], 2);
  EXPECT_EQ(info["splits"]["train"], "0:3");
  EXPECT_EQ(info["features"]["observation.state"]["shape"], Json({16}));
  EXPECT_EQ(info["features"]["observation.state"]["names"][6], "robot0_qw");
  EXPECT_EQ(info["features"]["observation.images.wrist"]["shape"], Json({kHeight, kWidth, 3}));
  EXPECT_TRUE(info["features"]["timestamp"]["names"].is_null());

  const auto episodes = ReadTable(folder_ / "out/meta/episodes/chunk-000/file-000.parquet");
  EXPECT_EQ(Numbers(*episodes, "length"), (std::vector<double>{6, 8, 10}));
  EXPECT_EQ(Numbers(*episodes, "dataset_from_index"), (std::vector<double>{0, 6, 14}));
  EXPECT_EQ(Numbers(*episodes, "dataset_to_index"), (std::vector<double>{6, 14, 24}));
  const auto tasks =
      std::static_pointer_cast<arrow::ListArray>(episodes->GetColumnByName("tasks")->chunk(0));
  EXPECT_EQ(tasks->value_slice(1)->GetScalar(0).ValueOrDie()->ToString(), "another task");

  // pandas finds its index
  const auto task_table = ReadTable(folder_ / "out/meta/tasks.parquet");
  const Json pandas = Json::parse(task_table->schema()->metadata()->Get("pandas").ValueOrDie());
  EXPECT_EQ(pandas["index_columns"][0], "task");
  EXPECT_EQ(Numbers(*task_table, "task_index"), (std::vector<double>{0, 1}));
}

TEST_F(LerobotTest, StatisticsAreThoseOfTheNumbers) {
  Convert();
  const Json stats = LoadJson(folder_ / "out/meta/stats.json");
  const std::vector<double> state = Numbers(*Frames(), "observation.state");
  std::vector<double> x;
  for (size_t row = 0; row < 24; ++row) x.push_back(state[row * 16 + 2]);
  double mean = 0, squares = 0;
  for (const double v : x) mean += v / 24;
  for (const double v : x) squares += (v - mean) * (v - mean) / 24;
  const Json& own = stats["observation.state"];
  EXPECT_NEAR(own["mean"][2].get<double>(), mean, 1e-6);
  EXPECT_NEAR(own["std"][2].get<double>(), std::sqrt(squares), 1e-6);
  EXPECT_NEAR(own["q10"][2].get<double>(), Quantile(x, 0.1), 1e-6);
  EXPECT_NEAR(own["max"][2].get<double>(), *std::max_element(x.begin(), x.end()), 1e-6);
  EXPECT_EQ(own["count"], Json({24}));
  // pictures: three colours, one number each, in [0, 1]
  const Json& picture = stats["observation.images.wrist"];
  EXPECT_NEAR(picture["min"][1][0][0].get<double>(), 110 / 255.0, 1e-12);
  EXPECT_NEAR(picture["max"][1][0][0].get<double>(), 150 / 255.0, 1e-12);
  EXPECT_NEAR(picture["q50"][1][0][0].get<double>(), 130 / 255.0, 1e-12);
  const auto episodes = ReadTable(folder_ / "out/meta/episodes/chunk-000/file-000.parquet");
  const auto means = Numbers(*episodes, "stats/observation.images.wrist/mean");
  ASSERT_EQ(means.size(), 9u);
  EXPECT_NEAR(means[4], 130 / 255.0, 1e-12);
  EXPECT_EQ(Numbers(*episodes, "stats/action/count"), (std::vector<double>{6, 8, 10}));
}

// What LeRobot has no place for lies beside it, bit for bit.
TEST_F(LerobotTest, ExtrasLoseNothingButPictures) {
  Convert();
  const DatasetReader extras(folder_ / "out/extras/understudy.h5");
  EXPECT_TRUE(VerifyDataset(extras.path()).faults.empty());
  for (size_t e = 0; e < 3; ++e) {
    Episode expected = episodes_[e];
    expected.meta.cameras = {"agentview", "wrist"};  // it had pictures
    ExpectSame(extras.ReadEpisode(e, true), expected);
  }
  EXPECT_EQ(extras.ReadMask("train"), (std::vector<std::string>{"demo_0", "demo_2"}));
  EXPECT_EQ(extras.report()["cameras"], Json({"agentview", "wrist"}));
  const DatasetReader reader(folder_ / "in.h5");
  EXPECT_EQ(LostInLerobot(reader, {}).size(), 1u);
  EXPECT_GT(LostInLerobot(reader, {.extras = false}).size(), 3u);
  Convert({.extras = false, .overwrite = true});
  EXPECT_FALSE(fs::exists(folder_ / "out/extras"));
}

TEST_F(LerobotTest, FilesAreSplitBySize) {
  const LerobotReport report = Convert({.data_file_mb = 0.001, .video_file_mb = 0.001});
  EXPECT_EQ(report.data_files, 3);
  int64_t rows = 0;
  for (int file = 0; file < 3; ++file) {
    const auto table = Frames(file);
    EXPECT_EQ(Numbers(*table, "episode_index").front(), file);
    EXPECT_EQ(Numbers(*table, "index").front(), rows);
    rows += table->num_rows();
  }
  const auto episodes = ReadTable(folder_ / "out/meta/episodes/chunk-000/file-000.parquet");
  EXPECT_EQ(Numbers(*episodes, "data/file_index"), (std::vector<double>{0, 1, 2}));
  // each film begins anew
  const auto files = Numbers(*episodes, "videos/observation.images.wrist/file_index");
  const auto from = Numbers(*episodes, "videos/observation.images.wrist/from_timestamp");
  for (size_t e = 1; e < 3; ++e) {
    if (files[e] != files[e - 1]) {
      EXPECT_EQ(from[e], 0);
    }
  }
}

TEST_F(LerobotTest, NothingIsHalfConverted) {
  Convert();
  EXPECT_THAT([&] { Convert(); }, ThrowsMessage<Error>(HasSubstr("exists already")));
  fs::remove_all(folder_ / "out");
  episodes_[2].meta.instruction.clear();
  header_.simulator.instruction.clear();
  EXPECT_THAT([&] { Convert(); }, ThrowsMessage<Error>(HasSubstr("demo_2 has no instruction")));
  EXPECT_FALSE(fs::exists(folder_ / "out"));
  EXPECT_FALSE(fs::exists(folder_ / "out.part"));
  header_.simulator.control_hz = 12.5;
  EXPECT_THAT([&] { Convert(); }, ThrowsMessage<Error>(HasSubstr("12.5 rows per second")));
}

// A limit on the size of files stands for a full disk.
TEST_F(LerobotTest, AFullDiskLeavesNothing) {
  const DatasetReader reader(Write());
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{3000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(WriteLerobot(reader, folder_ / "out", {}, quiet_), Error);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(fs::exists(folder_ / "out"));
  EXPECT_FALSE(fs::exists(folder_ / "out.part"));
}

TEST(FeatureStatistics, QuantilesOfManyVectorsStayClose) {
  VectorStatistics statistics(1);
  const int64_t count = 1 << 19;
  for (int64_t i = 0; i < count; ++i) {
    // 0 … 1 in a mixed order
    statistics.Add({static_cast<double>(i * 7919 % count) / count});
  }
  const FeatureStatistics result = statistics.Result();
  EXPECT_EQ(result.count, count);
  EXPECT_NEAR(result.q01[0], 0.01, 1e-3);
  EXPECT_NEAR(result.q50[0], 0.5, 1e-3);
  EXPECT_NEAR(result.mean[0], 0.5, 1e-5);
  EXPECT_NEAR(result.std[0], std::sqrt(1.0 / 12), 1e-5);
}

TEST(PictureStride, FollowsLerobotsRule) {
  EXPECT_EQ(PictureStride(50), 1);
  EXPECT_EQ(PictureStride(150), 1);
  EXPECT_EQ(PictureStride(1000), 5);  // 1000^0.75 = 178
  EXPECT_EQ(PictureStride(1000000), 100);
}

// Films are lossy: another preset makes other pixels.
TEST(LerobotOptions, EveryOptionChangesTheDataset) {
  EXPECT_TRUE(OtherEffects<LerobotOptions>().empty());
}

}  // namespace
}  // namespace understudy::store_test
