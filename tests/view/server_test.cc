// The server, through a real client on the loopback interface.
#include <gmock/gmock.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "core/episode/episode.h"
#include "core/image/image.h"
#include "data/formats/formats.h"
#include "data/store/reader.h"
#include "tests/view/session.h"

namespace understudy::view_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::vector<double> Numbers(const std::string& bytes) {
  std::vector<double> numbers(bytes.size() / sizeof(double));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(double));
  return numbers;
}

TEST_F(ServerTest, TellsWhatTheDatasetHolds) {
  Session session(folder_ / "looks.h5");
  EXPECT_THAT(session.server.url(),
              testing::StartsWith("http://127.0.0.1:" + std::to_string(session.server.port())));
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(folder_ / "looks.h5");
  const EpisodeSource& reader = *reader_source;
  const Json about = session.GetJson("/api/dataset");
  EXPECT_EQ(about["content_hash"], reader.content_hash());
  EXPECT_EQ(about["stage"], "augment");
  EXPECT_EQ(about["cameras"], (Json{"agentview", "wrist"}));
  EXPECT_EQ(about["subtasks"], (Json{"pick up the cube", "put it on the plate"}));
  EXPECT_EQ(about["masks"]["train"], (Json{0, 1, 2}));
  ASSERT_EQ(about["episodes"].size(), 3u);
  EXPECT_EQ(about["episodes"][1]["uuid"], reader.episodes()[1].uuid);
  EXPECT_EQ(about["episodes"][2]["variant_index"], 2);

  // variants of one episode are one group
  const Json rows = session.Rows();
  EXPECT_EQ(rows["total"], 3);
  EXPECT_EQ(rows["rows"][0]["group"], rows["rows"][2]["group"]);
  EXPECT_EQ(rows["rows"][0]["group"], reader.ReadMeta(0).parents[0]);
  EXPECT_EQ(session.GetJson("/api/rows?from=2")["rows"].size(), 1u);
  EXPECT_EQ(session.GetJson("/api/where?condition=variant_index%20%3D%3D%201")["episodes"],
            Json{1});
  EXPECT_EQ(session.GetJson("/api/where?condition=mask.train%20%26%26%20dr.key.diffuse.0%20%3E%20"
                            "0.5")["episodes"],
            Json{2});

  // the page stands for itself: nothing is fetched from elsewhere
  const auto [status, page] = session.Get("/");
  EXPECT_EQ(status, 200);
  EXPECT_THAT(page, HasSubstr("<!DOCTYPE html>"));
  EXPECT_THAT(page, HasSubstr(session.server.key()));
  for (const char* foreign : {"https://", "@include", "@KEY@", "@NONCE@", "src="}) {
    EXPECT_THAT(page, Not(HasSubstr(foreign)));
  }
}

// Every number of every column is the reader's, bit for bit.
TEST_F(ServerTest, ColumnsAreTheEpisodes) {
  Session session(folder_ / "looks.h5");
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(folder_ / "looks.h5");
  const EpisodeSource& reader = *reader_source;
  const Episode episode = reader.ReadEpisode(1);
  const Json about = session.GetJson("/api/episode/1");
  EXPECT_EQ(about["name"], "demo_1");
  EXPECT_EQ(about["steps"], 70);
  EXPECT_THAT(about["draws"].dump(), HasSubstr(R"("what":"light key","field":"diffuse")"));
  const std::vector<double> numbers = Numbers(session.Get("/api/episode/1/columns").second);
  size_t seen = 0, channels = 0;
  for (const Json& column : about["columns"]) {
    const std::string name = column["name"], kind = column["kind"];
    const size_t first = column["first"];
    EXPECT_EQ(first, channels);
    channels += column["parts"].size();
    const auto expect = [&](auto value) {
      ++seen;
      for (size_t p = 0; p < column["parts"].size(); ++p) {
        for (size_t k = 0; k < 70; ++k) {
          ASSERT_EQ(numbers.at((first + p) * 70 + k), value(episode.steps[k], p))
              << name << " " << k;
        }
      }
    };
    const size_t object = column["of"] == "plate" ? 1 : 0;
    const auto axis = [](size_t p) { return static_cast<Eigen::Index>(p); };
    if (name == "position" && kind == "arm") {
      expect([&](const Step& s, size_t p) {
        return s.observation.arms[0].X_WE.translation()[axis(p)];
      });
    } else if (name == "position") {
      expect([&](const Step& s, size_t p) {
        return s.observation.X_WO[object].translation()[axis(p)];
      });
    } else if (name == "target") {
      expect([&](const Step& s, size_t p) {
        return s.action.arms[0].X_WE_cmd.translation()[axis(p)];
      });
    } else if (name == "gripper") {
      expect([&](const Step& s, size_t) { return s.action.arms[0].gripper; });
    } else if (name == "delta") {
      expect([&](const Step& s, size_t p) { return s.delta[0].value[axis(p)]; });
    } else if (name == "joints") {
      expect([&](const Step& s, size_t p) { return s.observation.arms[0].joint_q[axis(p)]; });
    } else if (name == "fingers") {
      expect([&](const Step& s, size_t p) { return s.observation.arms[0].gripper_q[axis(p)]; });
    } else if (name == "signals") {
      expect([&](const Step& s, size_t p) { return s.observation.signals[p]; });
    } else if (name == "label") {
      expect([&](const Step& s, size_t) { return static_cast<double>(s.label); });
    } else if (name == "subtask") {
      expect([&](const Step& s, size_t) { return s.subtask; });
    } else if (name == "clipped") {
      expect([&](const Step& s, size_t) { return s.delta[0].clipped; });
    }
  }
  EXPECT_EQ(seen, 12u);
  EXPECT_EQ(numbers.size(), channels * 70);
}

TEST_F(ServerTest, FramesAreThePixels) {
  Session session(folder_ / "looks.h5");
  constexpr size_t kBytes = 3 * kWidth * kHeight;
  for (const auto& [from, count, given] : std::vector<std::array<size_t, 3>>{
           {0, 1, 1}, {0, 64, 64}, {64, 64, 6}, {69, 1, 1}, {10, 256, 60}}) {
    for (size_t camera = 0; camera < 2; ++camera) {
      const auto [status, body] =
          session.Get("/api/episode/2/frames?camera=" + std::to_string(camera) +
                      "&from=" + std::to_string(from) + "&count=" + std::to_string(count));
      ASSERT_EQ(status, 200) << body;
      ASSERT_EQ(body.size(), given * kBytes);
      for (size_t k = 0; k < given; ++k) {
        const Image wanted = PictureOf(2, camera, from + k);
        ASSERT_EQ(std::memcmp(body.data() + k * kBytes, wanted.rgb.data(), kBytes), 0)
            << camera << " " << from + k;
      }
    }
  }
}

TEST_F(ServerTest, MarksAreSetAndBadOnesChangeNothing) {
  Session session(folder_ / "looks.h5");
  const auto [status, body] =
      session.Post("/api/marks", R"({"marks": {"0": "keep", "2": "drop"}})");
  EXPECT_EQ(status, 200) << body;
  EXPECT_EQ(Json::parse(body)["keep"], Json{0});
  EXPECT_EQ(session.GetJson("/api/marks")["drop"], Json{2});
  EXPECT_EQ(session.GetJson("/api/where?condition=mark%20%3D%3D%20'drop'")["episodes"], Json{2});
  const std::string before = ReadText(folder_ / "looks.h5.marks.json");
  for (const char* bad : {"", "{", "[]", "null", R"({"marks": []})", R"({"marks": {"3": "keep"}})",
                          R"({"marks": {"-1": "keep"}})", R"({"marks": {"x": "keep"}})",
                          R"({"marks": {"0": "kept"}})", R"({"marks": {"1": "drop", "0": 1}})",
                          R"({"marks": {}, "more": 1})"}) {
    const auto [bad_status, answer] = session.Post("/api/marks", bad);
    EXPECT_EQ(bad_status, 400) << bad << " " << answer;
    EXPECT_FALSE(Json::parse(answer)["error"].get<std::string>().empty());
    EXPECT_EQ(ReadText(folder_ / "looks.h5.marks.json"), before) << bad;
  }
  EXPECT_EQ(session.Post("/api/marks", std::string(size_t{17} << 20, ' ')).first, 413);
  EXPECT_EQ(session.Post("/api/marks", std::string(100'000, '[')).first, 400);
  EXPECT_EQ(session.Post("/api/marks", R"({"marks": {"0": null}})").first, 200);
  EXPECT_EQ(session.GetJson("/api/marks")["keep"], Json::array());
  EXPECT_EQ(session.server.Summary()["dropped"], 1);
}

TEST_F(ServerTest, WritesFilterKeysBesideTheDatasetOnly) {
  Session session(folder_ / "looks.h5");
  EXPECT_THAT(session.Post("/api/apply", R"({"name": "a.h5"})").second,
              HasSubstr("no episode is marked"));
  session.Post("/api/marks", R"({"marks": {"1": "keep", "2": "drop"}})");
  for (const char* name :
       {"../a.h5", "/tmp/a.h5", "x/a.h5", "a.txt", "", ".", "..", "a.h5/", ".h5"}) {
    const auto [status, body] = session.Post("/api/apply", Json{{"name", name}}.dump());
    EXPECT_EQ(status, 400) << name << " " << body;
  }
  EXPECT_THAT(session.Post("/api/apply", R"({"name": "looks.h5"})").second,
              HasSubstr("is input and output"));
  EXPECT_THAT(session.Post("/api/apply", R"({"nam": "a.h5"})").second, HasSubstr("'name'"));
  EXPECT_THAT(session.Post("/api/apply", R"({"name": "a.h5", "unmarked": "both"})").second,
              HasSubstr("unmarked"));
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_.path())) ++files;
  EXPECT_EQ(files, 2u);  // the dataset and its marks
  const auto [status, body] =
      session.Post("/api/apply", R"({"name": "a.h5", "unmarked": "keep", "by_reference": true})");
  EXPECT_EQ(status, 200) << body;
  EXPECT_EQ(Json::parse(body)["keep"], 2);
  EXPECT_THAT(OpenDataset(folder_ / "a.h5")->ReadMask("keep"),
              testing::ElementsAre("demo_0", "demo_1"));
}

// A mark that was answered survives whatever happens to the program.
TEST_F(ServerTest, MarksOutliveAKilledProgram) {
  for (size_t round = 0; round < 3; ++round) {
    int told[2];
    ASSERT_EQ(pipe(told), 0);
    const pid_t child = fork();
    if (child == 0) {
      const ViewServer server(folder_ / "looks.h5", {});
      const int port = server.port();
      if (write(told[1], &port, sizeof port) != sizeof port ||
          write(told[1], server.key().data(), 32) != 32) {
        _exit(3);
      }
      for (;;) pause();
    }
    int port = 0;
    std::string key(32, ' ');
    ASSERT_EQ(read(told[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
    ASSERT_EQ(read(told[0], key.data(), 32), 32);
    close(told[0]);
    close(told[1]);
    const Headers headers{{"X-Understudy-Key", key}, {"Content-Type", kJson}};
    // what the one before was told is there
    const Json marks = Json::parse(Ask(port, "GET", "/api/marks", headers).second);
    EXPECT_EQ(marks["keep"].size(), round);
    const std::string change = Json{{"marks", {{std::to_string(round), "keep"}}}}.dump();
    EXPECT_EQ(Ask(port, "POST", "/api/marks", headers, change).first, 200);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  EXPECT_EQ(Session(folder_ / "looks.h5").GetJson("/api/marks")["keep"], (Json{0, 1, 2}));
}

TEST_F(ServerTest, ManyAtOnceAllGetTheirs) {
  Session session(folder_ / "looks.h5");
  constexpr size_t kBytes = 3 * kWidth * kHeight;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  const std::string columns = session.Get("/api/episode/1/columns").second;
  for (int t = 0; t < 24; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const size_t step = static_cast<size_t>((7 * t + i) % 70), e = static_cast<size_t>(i % 3);
        const std::string frame = session
                                      .Get("/api/episode/" + std::to_string(e) +
                                           "/frames?camera=1&from=" + std::to_string(step))
                                      .second;
        const Image wanted = PictureOf(e, 1, step);
        right +=
            frame.size() == kBytes && std::memcmp(frame.data(), wanted.rgb.data(), kBytes) == 0;
        right += session.Get("/api/episode/1/columns").second == columns;
        const std::string change =
            Json{{"marks", {{std::to_string(e), i % 2 ? "keep" : "drop"}}}}.dump();
        right += session.Post("/api/marks", change).first == 200;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 24 * 10 * 3);
}

// Damage is told in words where it is, and the rest is shown.
TEST_F(ServerTest, ShowsWhatIsSoundOfADamagedFile) {
  {
    const hid_t file = H5Fopen((folder_ / "looks.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t poses = H5Dopen2(file, "/data/demo_1/understudy/eef_pose", H5P_DEFAULT);
    std::vector<double> numbers(71 * 7, std::nan(""));
    ASSERT_GE(H5Dwrite(poses, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()), 0);
    H5Dclose(poses);
    // a frame whose compressed bytes are none
    const hid_t pictures = H5Dopen2(file, "/data/demo_2/obs/agentview_image", H5P_DEFAULT);
    const hsize_t offset[4] = {5, 0, 0, 0};
    const std::string nonsense(40, 'x');
    ASSERT_GE(H5Dwrite_chunk(pictures, H5P_DEFAULT, 0, offset, nonsense.size(), nonsense.data()),
              0);
    H5Dclose(pictures);
    H5Fclose(file);
  }
  Session session(folder_ / "looks.h5");
  const Json rows = session.Rows();
  EXPECT_THAT(rows["rows"][1]["error"].get<std::string>(), HasSubstr("demo_1/understudy/eef_pose"));
  EXPECT_FALSE(rows["rows"][0].contains("error"));
  const auto [status, body] = session.Get("/api/episode/1");
  EXPECT_EQ(status, 422);
  EXPECT_THAT(body, HasSubstr("is no pose"));
  EXPECT_EQ(session.Get("/api/episode/2/columns").first, 200);
  EXPECT_EQ(session.Get("/api/episode/2/frames?from=4").first, 200);
  EXPECT_EQ(session.Get("/api/episode/2/frames?from=5").first, 422);
  // in the middle of an answer the line is cut: never other pixels
  EXPECT_EQ(session.Get("/api/episode/2/frames?from=0&count=64").first, -1);
  EXPECT_EQ(session.GetJson("/api/where?condition=success")["episodes"], (Json{0, 1, 2}));
}

TEST(Server, ShowsFilesOfOtherPrograms) {
  Folder folder;
  Session session(ForeignFile(), {.marks = folder / "marks.json"});
  const Json about = session.GetJson("/api/dataset");
  EXPECT_EQ(about["written_by"], "another program");
  EXPECT_EQ(about["episodes"].size(), 3u);
  EXPECT_EQ(session.Rows()["rows"].size(), 3u);
  const Json episode = session.GetJson("/api/episode/2");
  EXPECT_THAT(episode["columns"].dump(), HasSubstr("\"delta\""));
  EXPECT_THAT(episode["columns"].dump(), Not(HasSubstr("\"label\"")));
  const auto [status, body] = session.Get("/api/episode/2/frames?camera=0&from=3");
  EXPECT_EQ(status, 200);
  // the formula of make_h5py_golden.py
  for (size_t y = 0, i = 0; y < 24; ++y) {
    for (size_t x = 0; x < 32; ++x) {
      for (size_t c = 0; c < 3; ++c, ++i) {
        ASSERT_EQ(static_cast<uint8_t>(body[i]), (7 * 10 + 5 * 3 + 3 * y + x + 11 * c) % 256);
      }
    }
  }
  session.Post("/api/marks", R"({"marks": {"1": "drop"}})");
  EXPECT_THAT(ReadText(folder / "marks.json"),
              HasSubstr(OpenDataset(ForeignFile())->episodes()[1].uuid));
}

TEST(Server, ShowsDatasetsWithoutPictures) {
  Folder folder;
  Session session(WritePlain(folder / "plain.h5", 2));
  EXPECT_EQ(session.GetJson("/api/dataset")["cameras"], Json::array());
  EXPECT_EQ(session.Get("/api/episode/0/columns").first, 200);
  const auto [status, body] = session.Get("/api/episode/0/frames");
  EXPECT_EQ(status, 404);
  EXPECT_THAT(body, HasSubstr("no pictures"));
}

}  // namespace
}  // namespace understudy::view_test
