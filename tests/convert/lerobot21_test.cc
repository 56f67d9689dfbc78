// LeRobot v2.1 datasets, and what GR00T looks for in them.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/statistics.h"
#include "tests/convert/lerobot_fixture.h"
#include "tests/support/read_film.h"

namespace understudy::store_test {
namespace {

std::vector<Json> Lines(const fs::path& file) {
  std::vector<Json> lines;
  std::istringstream text(ReadText(file));
  for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
  return lines;
}

class Lerobot21Test : public LerobotTest {
 protected:
  LerobotReport Convert21(LerobotOptions options = {}) {
    options.version = LerobotVersion::kV21;
    return Convert(options);
  }
  std::shared_ptr<arrow::Table> Episode(int number) {
    return ReadTable(folder_ / fmt::format("out/data/chunk-000/episode_{:06d}.parquet", number));
  }
};

TEST_F(Lerobot21Test, EveryEpisodeIsAFile) {
  const LerobotReport report = Convert21();
  EXPECT_EQ(report.data_files, 3);
  EXPECT_EQ(report.video_files, 6);
  int64_t index = 0;
  for (int e = 0; e < 3; ++e) {
    const auto table = Episode(e);
    const auto length = static_cast<int64_t>(episodes_[static_cast<size_t>(e)].length());
    ASSERT_EQ(table->num_rows(), length);
    const std::vector<double> action = Numbers(*table, "action"),
                              time = Numbers(*table, "timestamp"),
                              rotation = Numbers(*table, "eef_rotation.state"),
                              state = Numbers(*table, "observation.state"),
                              task = Numbers(*table, "annotation.human.task_description");
    for (int64_t k = 0; k < length; ++k) {
      const auto row = static_cast<size_t>(k);
      const Step& step = episodes_[static_cast<size_t>(e)].steps[row];
      EXPECT_EQ(action[row * 7 + 3], static_cast<float>(step.delta[0].value[3]));
      EXPECT_EQ(time[row], static_cast<float>(static_cast<double>(k) / 20));
      EXPECT_EQ(Numbers(*table, "index")[row], static_cast<double>(index + k));
      EXPECT_EQ(Numbers(*table, "episode_index")[row], e);
      EXPECT_EQ(Numbers(*table, "task_index")[row], e == 1 ? 1 : 0);
      EXPECT_EQ(task[row], e == 1 ? 1 : 0);
      // GR00T's quaternions have their real part first, ours last
      EXPECT_EQ(rotation[row * 4], state[row * 16 + 6]);
      EXPECT_EQ(rotation[row * 4 + 1], state[row * 16 + 3]);
    }
    index += length;
    for (size_t c = 0; c < 2; ++c) {
      const DecodedFilm film = ReadFilm(
          folder_ / fmt::format("out/videos/chunk-000/observation.images.{}/episode_{:06d}.mp4",
                                header_.cameras[c], e));
      ASSERT_EQ(film.frames.size(), static_cast<size_t>(length));
      for (size_t k = 0; k < film.pts.size(); ++k) {
        const AVRational at = av_mul_q({static_cast<int>(film.pts[k]), 1}, film.time_base);
        EXPECT_EQ(av_cmp_q(at, {static_cast<int>(k), 20}), 0) << "times are whole fractions";
      }
    }
  }
}

TEST_F(Lerobot21Test, MetaSaysWhatThereIs) {
  Convert21();
  const fs::path meta = folder_ / "out/meta";
  const Json info = LoadJson(meta / "info.json");
  EXPECT_EQ(info["codebase_version"], "v2.1");
  EXPECT_EQ(info["robot_type"], "panda");
  EXPECT_EQ(info["total_episodes"], 3);
  EXPECT_EQ(info["total_frames"], 24);
  EXPECT_EQ(info["total_tasks"], 2);
  EXPECT_EQ(info["total_videos"], 6);
  EXPECT_EQ(info["total_chunks"], 1);
  EXPECT_EQ(info["chunks_size"], 1000);
  EXPECT_EQ(info["splits"]["train"], "0:3");
  EXPECT_EQ(info["data_path"],
            "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet");
  const Json& film = info["features"]["observation.images.wrist"];
  EXPECT_EQ(film["shape"], Json({kHeight, kWidth, 3}));
  EXPECT_EQ(film["info"]["video.codec"], "h264");
  const auto episodes = Lines(meta / "episodes.jsonl");
  ASSERT_EQ(episodes.size(), 3u);
  EXPECT_EQ(episodes[1], Json({{"episode_index", 1}, {"tasks", {"another task"}}, {"length", 8}}));
  const auto tasks = Lines(meta / "tasks.jsonl");
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(tasks[1], Json({{"task_index", 1}, {"task", "another task"}}));
}

TEST_F(Lerobot21Test, StatisticsAreThoseOfTheNumbers) {
  Convert21();
  const auto stats = Lines(folder_ / "out/meta/episodes_stats.jsonl");
  ASSERT_EQ(stats.size(), 3u);
  const std::vector<double> action = Numbers(*Episode(2), "action");
  std::vector<double> x;
  for (size_t row = 0; row < 10; ++row) x.push_back(action[row * 7 + 1]);
  const Json& own = stats[2]["stats"]["action"];
  EXPECT_EQ(stats[2]["episode_index"], 2);
  EXPECT_EQ(own["count"], Json({10}));
  EXPECT_NEAR(own["max"][1].get<double>(), *std::max_element(x.begin(), x.end()), 1e-6);
  EXPECT_NEAR(own["q01"][1].get<double>(), Quantile(x, 0.01), 1e-6);
  // pictures in three nested lists, a number per colour
  EXPECT_EQ(stats[0]["stats"]["observation.images.wrist"]["mean"].size(), 3u);
  EXPECT_EQ(stats[0]["stats"]["observation.images.wrist"]["mean"][0].size(), 1u);
  // GR00T's, of all episodes
  const Json all = LoadJson(folder_ / "out/meta/stats.json");
  for (const char* name : {"mean", "std", "min", "max", "q01", "q99"}) {
    EXPECT_EQ(all["observation.state"][name].size(), 16u) << name;
    EXPECT_EQ(all["eef_rotation.target"][name].size(), 4u) << name;
  }
}

// Every slice lies in its feature, and is what its name says.
TEST_F(Lerobot21Test, ModalityNamesSlicesOfTheFeatures) {
  EpisodeShape shape = kShape;
  shape.arms = 2;
  header_ = HeaderFor(shape);
  header_.cameras = {"agentview"};
  header_.image_width = kWidth;
  header_.image_height = kHeight;
  for (size_t e = 0; e < episodes_.size(); ++e) episodes_[e] = RandomEpisode(e, shape);
  Convert21();
  const Json modality = LoadJson(folder_ / "out/meta/modality.json");
  const Json info = LoadJson(folder_ / "out/meta/info.json");
  const auto names = [&](const char* kind, const char* key) {
    const Json& slice = modality[kind][key];
    const Json& feature = info["features"][slice["original_key"].get<std::string>()];
    EXPECT_EQ(slice["dtype"], feature["dtype"]) << key;
    std::vector<std::string> found;
    for (int i = slice["start"]; i < slice["end"].get<int>(); ++i) {
      found.push_back(feature["names"].at(static_cast<size_t>(i)));
    }
    return found;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(names("state", "robot1_eef_position"), (List{"robot1_x", "robot1_y", "robot1_z"}));
  EXPECT_EQ(names("state", "robot1_eef_rotation"),
            (List{"robot1_qw", "robot1_qx", "robot1_qy", "robot1_qz"}));
  EXPECT_EQ(names("state", "robot1_joints").size(), 6u);
  EXPECT_EQ(names("state", "robot1_gripper"), (List{"robot1_finger1", "robot1_finger2"}));
  EXPECT_EQ(names("action", "robot1_eef_position_delta"),
            (List{"robot1_dx", "robot1_dy", "robot1_dz"}));
  EXPECT_EQ(names("action", "robot1_gripper"), (List{"robot1_gripper"}));
  EXPECT_EQ(names("action", "robot1_eef_position"), (List{"robot1_x", "robot1_y", "robot1_z"}));
  EXPECT_EQ(modality["state"]["robot0_eef_rotation"]["rotation_type"], "quaternion");
  EXPECT_EQ(modality["action"]["robot0_eef_position_delta"]["absolute"], false);
  EXPECT_EQ(modality["video"]["agentview"]["original_key"], "observation.images.agentview");
  EXPECT_TRUE(modality["annotation"].contains("human.task_description"));
}

}  // namespace
}  // namespace understudy::store_test
