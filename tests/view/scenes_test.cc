// Stored episodes in 3-D: what the page asks for.
#include <gmock/gmock.h>

#include <cstring>

#include "data/formats/formats.h"
#include "tests/view/fake_view.h"
#include "tests/view/session.h"

namespace understudy::view_test {
namespace {

using testing::HasSubstr;

TEST_F(ServerTest, EpisodesHaveScenes) {
  int made = 0;
  Session session(folder_ / "looks.h5", {.scenes = [&made] {
                    ++made;
                    return std::make_unique<FakeView>();
                  }});
  EXPECT_EQ(made, 0) << "a scene that nobody has asked for";
  EXPECT_EQ(session.GetJson("/api/scenes"), (Json{{"shown", true}, {"why", ""}}));
  const auto [status, scene] = session.Get("/api/episode/1/scene");
  EXPECT_EQ(status, 200);
  EXPECT_THAT(scene, HasSubstr(R"("bodies":["world","hand","cube"])"));
  const std::string poses = session.Get("/api/episode/1/poses").second;
  const Episode episode = OpenDataset(folder_ / "looks.h5")->ReadEpisode(1);
  ASSERT_EQ(poses.size(), 71u * 3 * 7 * sizeof(float));  // 70 steps and the state after them
  for (size_t k = 0; k <= 70; ++k) {
    const SimState& state = k < 70 ? episode.steps[k].state : episode.final_state;
    float x = 0;
    std::memcpy(&x, poses.data() + (k * 21 + 14) * sizeof(float), sizeof x);
    EXPECT_EQ(x, static_cast<float>(state[0])) << k;
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(session.Get("/api/episode/3/scene").first, 404);
  EXPECT_EQ(session.Get("/api/episode/1/poses?from=3").first, 400);
}

TEST_F(ServerTest, SaysWhyThereAreNoScenes) {
  {
    Session session(folder_ / "looks.h5");
    EXPECT_EQ(session.GetJson("/api/scenes")["shown"], false);
    EXPECT_EQ(session.Get("/api/episode/1/scene").first, 400);
  }
  Session session(folder_ / "looks.h5", {.scenes = []() -> std::unique_ptr<SceneView> {
                    ThrowBadInput("no task of that name");
                  }});
  EXPECT_THAT(session.GetJson("/api/scenes")["why"].get<std::string>(),
              HasSubstr("no task of that name"));
  const auto [status, body] = session.Get("/api/episode/1/poses");
  EXPECT_EQ(status, 422);
  EXPECT_THAT(body, HasSubstr("no task of that name"));
}

}  // namespace
}  // namespace understudy::view_test
