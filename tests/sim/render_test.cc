#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <thread>

#include "core/base/error.h"
#include "sim/probe.h"
#include "sim_fixture.h"

namespace understudy {
namespace {

constexpr int kSize = 84;

// A state of the stack task and a renderer for it. Skipped only where nothing can draw.
class RenderTest : public SimTest {
 protected:
  void SetUp() override {
    SimTest::SetUp();
    static const RenderProbe probe = ProbeRenderer();
    if (!probe.renderer) GTEST_SKIP() << "no EGL on this machine: " << probe.problem;
    simulator_ = MakeSimulator(StackScene());
    simulator_->Reset("D0", RngKey{7});
    state_ = simulator_->Save();
    renderer_ = MakeRenderer(StackScene());
  }

  Image Show(const std::string& camera = "agentview", int size = kSize) {
    std::vector<Image> images;
    renderer_->Render(state_, {camera}, size, size, &images);
    return images[0];
  }

  Image ShowWith(const SceneVariation& variation, const std::string& camera = "agentview",
                 int size = kSize) {
    renderer_->SetVariation(variation);
    return Show(camera, size);
  }

  std::unique_ptr<Simulator> simulator_;
  SimState state_;
  std::unique_ptr<Renderer> renderer_;
};

int64_t ChangedPixels(const Image& a, const Image& b) {
  int64_t changed = 0;
  for (size_t i = 0; i < a.rgb.size(); i += 3) {
    changed += !std::equal(&a.rgb[i], &a.rgb[i] + 3, &b.rgb[i]);
  }
  return changed;
}

// Every quarter of it in another colour; larger than any texture of the scene, and not square.
Image FourColours(int width = 300, int height = 200) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = &image.rgb[3 * (static_cast<size_t>(y) * width + x)];
      pixel[0] = 2 * x < width ? 250 : 20;
      pixel[1] = 2 * y < height ? 240 : 10;
      pixel[2] = 60;
    }
  }
  return image;
}

struct NamedVariation {
  std::string name;
  SceneVariation variation;
};

// One variation per kind of edit and per field that must show.
std::vector<NamedVariation> EveryEdit(const SceneInventory& scene) {
  std::vector<NamedVariation> all;
  const auto add = [&](const std::string& name, const SceneEdit& edit) {
    all.push_back({name, {{edit}}});
  };
  LightEdit light;
  light.light = scene.lights.at(0).name;
  LightEdit moved = light, tinted = light, off = light;
  moved.direction = Eigen::Vector3d(1, 0.2, -0.4);
  tinted.diffuse = Eigen::Vector3d(0.9, 0.4, 0.2);
  off.active = false;
  add("light direction", moved);
  add("light diffuse", tinted);
  add("light off", off);
  LightEdit ambient = light;
  ambient.ambient = Eigen::Vector3d(0.3, 0.1, 0.3);
  add("light ambient", ambient);
  HeadlightEdit headlight;
  headlight.ambient = Eigen::Vector3d(0.6, 0.6, 0.2);
  add("headlight", headlight);
  MaterialEdit material;
  material.material = "cube_red";
  MaterialEdit colour = material, glow = material;
  colour.rgba = Eigen::Vector4d(0.1, 0.2, 0.9, 1);
  glow.emission = 0.9;
  add("material colour", colour);
  add("material emission", glow);
  MaterialEdit shiny;
  shiny.material = "robot0_white";
  shiny.specular = 1;
  shiny.shininess = 0.1;
  add("material specular", shiny);
  MaterialEdit mirror;
  mirror.material = "floor";
  mirror.reflectance = 0.8;
  add("material reflectance", mirror);
  add("geom material", GeomMaterialEdit{"table_top", "table_cloth"});
  for (const char* pattern : EnumNames<TexturePattern>::kNames) {
    TextureEdit texture;
    texture.texture = "table_wood";
    Problems problems;
    ReadJson(Json(pattern), texture.pattern, "pattern", {}, problems);
    add(fmt::format("texture {}", pattern), texture);
  }
  TextureEdit picture;
  picture.texture = "table_wood";
  picture.image = MakeShownPicture("four", FourColours());
  add("texture picture", picture);
  picture.image_repeat = 3;
  add("texture picture repeated", picture);
  picture.image_repeat = 1;
  picture.image = MakeShownPicture("small", FourColours(30, 20));
  add("texture picture small", picture);
  add("sky",
      SkyEdit{.image = MakeShownPicture("four", FourColours(256, 128)), .hidden = {"wall_back"}});
  add("sky turned", SkyEdit{.image = MakeShownPicture("four", FourColours(256, 128)),
                            .yaw = 1,
                            .exposure = -1,
                            .hidden = {"wall_back"}});
  add("hidden", SkyEdit{.hidden = {"cubeA"}});
  for (const auto& camera : scene.cameras) {
    if (camera.name != "agentview") continue;
    CameraEdit turned{camera.name, camera.X_PC, camera.fovy_deg + 10};
    CameraEdit placed{camera.name, camera.X_PC, camera.fovy_deg};
    placed.X_PC =
        Pose(camera.X_PC.rotation(), camera.X_PC.translation() + Eigen::Vector3d(0, 0.06, 0.03));
    add("camera field of view", turned);
    add("camera pose", placed);
  }
  return all;
}

// A camera from which each edit can be seen: floor and horizon only from the front.
std::string Viewpoint(const std::string& edit) {
  return edit == "material reflectance" || edit.starts_with("sky") ? "frontview" : "agentview";
}

TEST_F(RenderTest, SaysWhatDraws) {
  EXPECT_THAT(renderer_->info().api, testing::HasSubstr("EGL"));
  EXPECT_FALSE(renderer_->info().device.empty());
  const bool llvmpipe = renderer_->info().device.find("llvmpipe") != std::string::npos;
  if (llvmpipe) {
    EXPECT_TRUE(renderer_->info().software);
  }
  EXPECT_THAT(MujocoVersion(), testing::MatchesRegex("[0-9]+\\.[0-9]+.*"));
}

// A machine without a GPU says so; asking for one must not end in software unnoticed.
TEST_F(RenderTest, GpuIsNeverSoftwareUnnoticed) {
  const RenderProbe gpu = ProbeRenderer(RenderDevice::kGpu);
  if (gpu.renderer) {
    EXPECT_FALSE(gpu.renderer->software);
  } else {
    EXPECT_THAT(gpu.problem, testing::AllOf(testing::HasSubstr("no GPU to draw on"),
                                            testing::HasSubstr("install")));
  }
}

TEST_F(RenderTest, SameStateSamePixels) {
  const Image first = Show();
  Show("robot0_eye_in_hand", 128);
  EXPECT_EQ(Show(), first);
  EXPECT_EQ(MakeRenderer(StackScene())->info().device, renderer_->info().device);
  EXPECT_EQ(Show(), first) << "another renderer on this thread changed this one";
}

TEST_F(RenderTest, FlatStatesOfOtherToolsShowTheSame) {
  const Image whole = Show();
  state_.resize(simulator_->info().flat_state_size);
  EXPECT_EQ(Show(), whole);
  state_.pop_back();
  EXPECT_THROW(Show(), ContractError);
}

TEST_F(RenderTest, CamerasTogetherAndAloneAgree) {
  const std::vector<std::string> cameras{"agentview", "robot0_eye_in_hand", "frontview",
                                         "agentview"};
  for (const auto& [width, height] : std::vector<std::array<int, 2>>{{84, 84}, {224, 128}}) {
    std::vector<Image> together, alone;
    renderer_->Render(state_, cameras, width, height, &together);
    ASSERT_EQ(together.size(), cameras.size());
    for (size_t i = 0; i < cameras.size(); ++i) {
      renderer_->Render(state_, {cameras[i]}, width, height, &alone);
      EXPECT_EQ(together[i].width, width);
      EXPECT_EQ(together[i].height, height);
      EXPECT_EQ(together[i], alone[0]) << cameras[i] << " at " << width << " x " << height;
    }
    EXPECT_EQ(together[0], together[3]);
    EXPECT_GT(ChangedPixels(together[0], together[1]), width * height / 4);
  }
}

TEST_F(RenderTest, EveryEditIsSeen) {
  for (const auto& [name, variation] : EveryEdit(renderer_->inventory())) {
    const std::string camera = Viewpoint(name);
    const Image nominal = ShowWith({}, camera);
    EXPECT_GT(ChangedPixels(ShowWith(variation, camera), nominal), 10) << name;
  }
}

// What an earlier draw did must never show in a later one.
TEST_F(RenderTest, VariationsLeaveNoTrace) {
  const auto all = EveryEdit(renderer_->inventory());
  for (const char* camera : {"agentview", "frontview"}) {
    const Image nominal = ShowWith({}, camera);
    std::vector<Image> forward;
    for (const auto& [name, variation] : all) forward.push_back(ShowWith(variation, camera));
    EXPECT_EQ(ShowWith({}, camera), nominal);
    for (size_t i = all.size(); i-- > 0;) {
      EXPECT_EQ(ShowWith(all[i].variation, camera), forward[i]) << all[i].name;
      EXPECT_EQ(ShowWith(all[i].variation, camera), forward[i]) << all[i].name << " twice";
    }
    EXPECT_EQ(ShowWith({}, camera), nominal);
  }
}

TEST_F(RenderTest, ReplayedDrawsGiveTheSamePixels) {
  // everything at once, through the form in which draws are stored
  SceneVariation all;
  for (const auto& [name, variation] : EveryEdit(renderer_->inventory())) {
    all.edits.insert(all.edits.end(), variation.edits.begin(), variation.edits.end());
  }
  const Image drawn = ShowWith(all);
  SceneVariation stored =
      FromJson<SceneVariation>(Json::parse(ToJson(all).dump()), "variation of an episode");
  EXPECT_THROW(renderer_->SetVariation(stored), Error) << "its pictures are not at hand";
  EXPECT_EQ(Show(), drawn) << "what cannot be shown changes nothing";
  // a dataset has the pixels by their hash
  EachPicture(stored, [&](ShownPicture& picture) {
    EachPicture(all, [&](const ShownPicture& one) {
      if (one.hash == picture.hash) picture.read = one.read;
    });
  });
  renderer_ = MakeRenderer(StackScene());
  EXPECT_EQ(ShowWith(stored), drawn);
}

// The whole surroundings are where they should be: what a camera sees in the direction of x, y, -x
// and -y, straight up and down, and with a turn.
TEST_F(RenderTest, TheSkyStandsWhereItShould) {
  // by longitude from the left edge, which is -x, over y... : one colour for each quarter
  const std::array<std::array<uint8_t, 3>, 6> colours{{{250, 0, 0},      // x
                                                       {0, 250, 0},      // y
                                                       {0, 0, 250},      // -x
                                                       {250, 250, 0},    // -y
                                                       {250, 0, 250},    // up
                                                       {0, 250, 250}}};  // down
  Image all(256, 128);
  for (int row = 0; row < all.height; ++row) {
    for (int column = 0; column < all.width; ++column) {
      // the middle is x, and what is left of it is seen by turning left
      const double turn = 0.5 - (column + 0.5) / all.width;
      size_t colour = static_cast<size_t>(std::lround(4 * (turn + 1))) % 4;
      if (row < all.height / 4) colour = 4;
      if (row >= 3 * all.height / 4) colour = 5;
      std::copy_n(colours[colour].begin(), 3,
                  &all.rgb[3 * (static_cast<size_t>(row) * all.width + column)]);
    }
  }
  SceneVariation look;
  SkyEdit sky{.image = MakeShownPicture("six", all)};
  for (const auto& geom : renderer_->inventory().geoms) sky.hidden.push_back(geom.name);
  const auto middle = [&](const Eigen::Matrix3d& R_WC, double yaw) {
    sky.yaw = yaw;
    // far above all that has no name and cannot be hidden
    const Pose X_WC(Eigen::Quaterniond(R_WC), Eigen::Vector3d(0, 0, 30));
    const Image image = ShowWith({{sky, CameraEdit{"agentview", X_WC, 30}}});
    const uint8_t* pixel = &image.rgb[3 * (static_cast<size_t>(kSize / 2) * kSize + kSize / 2)];
    return std::array<uint8_t, 3>{pixel[0], pixel[1], pixel[2]};
  };
  const auto looking = [](const Eigen::Vector3d& towards, const Eigen::Vector3d& up) {
    Eigen::Matrix3d R;
    R << towards.cross(up), up, -towards;
    return R;
  };
  const Eigen::Vector3d x(1, 0, 0), y(0, 1, 0), z(0, 0, 1);
  EXPECT_EQ(middle(looking(x, z), 0), colours[0]);
  EXPECT_EQ(middle(looking(y, z), 0), colours[1]);
  EXPECT_EQ(middle(looking(-x, z), 0), colours[2]);
  EXPECT_EQ(middle(looking(-y, z), 0), colours[3]);
  EXPECT_EQ(middle(looking(z, x), 0), colours[4]);
  EXPECT_EQ(middle(looking(-z, x), 0), colours[5]);
  // turned to the left, what was at x is at y
  EXPECT_EQ(middle(looking(y, z), std::numbers::pi / 2), colours[0]);
  // upright, and not mirrored: a little left of x is what is left of the middle
  Image halves = FourColours(256, 128);
  sky.image = MakeShownPicture("halves", halves);
  const auto corner = [&](double left, double above) {
    return middle(
        looking((x + left * y + above * z).normalized(), (z - above * (x + left * y)).normalized()),
        0);
  };
  EXPECT_EQ(corner(0.1, 0.1), (std::array<uint8_t, 3>{250, 240, 60}));
  EXPECT_EQ(corner(-0.1, 0.1), (std::array<uint8_t, 3>{20, 240, 60}));
  EXPECT_EQ(corner(0.1, -0.1), (std::array<uint8_t, 3>{250, 10, 60}));
}

// A picture is drawn whole, in its colours, however large: on a table top all four are seen.
TEST_F(RenderTest, PicturesShowTheirColours) {
  SceneVariation look;
  TextureEdit edit;
  edit.texture = "table_wood";
  edit.image = MakeShownPicture("four", FourColours(512, 400));
  HeadlightEdit bright;
  bright.ambient = Eigen::Vector3d::Ones();
  const Image shown = ShowWith({{edit, bright}}, "agentview", 256);
  std::array<int64_t, 4> seen{};
  for (size_t i = 0; i < shown.rgb.size(); i += 3) {
    if (shown.rgb[i + 2] > 110) continue;
    const bool red = shown.rgb[i] > 200, green = shown.rgb[i + 1] > 200;
    const bool clear = (red || shown.rgb[i] < 60) && (green || shown.rgb[i + 1] < 60);
    if (clear) ++seen[static_cast<size_t>(2 * red + green)];
  }
  for (const int64_t count : seen) EXPECT_GT(count, 500);
}

// The pixels that an edit asks for, or nothing: neither another picture nor the one before.
TEST_F(RenderTest, PicturesThatCannotBeReadAreTold) {
  TextureEdit edit;
  edit.texture = "table_wood";
  edit.image = {.name = "wood/oak", .hash = "0123"};
  const Image nominal = Show();
  EXPECT_THAT([&] { renderer_->SetVariation({{edit}}); },
              testing::ThrowsMessage<Error>(testing::AllOf(testing::HasSubstr("wood/oak"),
                                                           testing::HasSubstr("make assets"))));
  EXPECT_THAT([&] { renderer_->SetVariation({{SkyEdit{.hidden = {"wall_bcak"}}}}); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("did you mean 'wall_back'")));
  EXPECT_EQ(Show(), nominal);
}

// Other worlds have looks too, and depth and shapes do not see a sky.
TEST_F(RenderTest, PicturesStayInOtherWorlds) {
  TextureEdit edit;
  edit.texture = "table_wood";
  edit.image = MakeShownPicture("four", FourColours());
  const SkyEdit sky{.image = MakeShownPicture("sky", FourColours(256, 128)),
                    .hidden = {"wall_back"}};
  const Image shown = ShowWith({{edit, sky}}, "frontview");
  renderer_->SetWorld({{ObjectSizeEdit{"cubeA", 1.2}}});
  const Image other = Show("frontview");
  renderer_->SetWorld({});
  EXPECT_EQ(Show("frontview"), shown);
  EXPECT_LT(ChangedPixels(other, shown), kSize * kSize / 20);
  std::vector<PixelMaps> with, without;
  renderer_->RenderMaps(state_, {"agentview"}, kSize, kSize, &with);
  renderer_->SetVariation({});
  renderer_->RenderMaps(state_, {"agentview"}, kSize, kSize, &without);
  int64_t differ = 0;
  for (size_t i = 0; i < with[0].shape.size(); ++i) {
    differ += with[0].shape[i] != without[0].shape[i] &&
              renderer_->shapes()[static_cast<size_t>(without[0].shape[i])].geom != "wall_back";
  }
  EXPECT_EQ(differ, 0);
}

TEST_F(RenderTest, NoiseFollowsItsSeed) {
  TextureEdit edit;
  edit.texture = "table_wood";
  for (const TexturePattern pattern : {TexturePattern::kNoise, TexturePattern::kWood}) {
    edit.pattern = pattern;
    edit.seed = 1;
    const Image one = ShowWith({{edit}});
    edit.seed = 2;
    EXPECT_GT(ChangedPixels(ShowWith({{edit}}), one), 300);
    edit.seed = 1;
    EXPECT_EQ(ShowWith({{edit}}), one);
  }
}

TEST_F(RenderTest, LaterEditsWin) {
  MaterialEdit red, blue;
  red.material = blue.material = "cube_green";
  red.rgba = Eigen::Vector4d(1, 0, 0, 1);
  blue.rgba = Eigen::Vector4d(0, 0, 1, 1);
  EXPECT_EQ(ShowWith({{red, blue}}), ShowWith({{blue}}));
}

TEST_F(RenderTest, UnknownNamesAreToldAndChangeNothing) {
  const Image nominal = Show();
  MaterialEdit good;
  good.material = "cube_red";
  good.rgba = Eigen::Vector4d(0, 0, 1, 1);
  const auto message_of = [&](const SceneEdit& edit) -> std::string {
    try {
      renderer_->SetVariation({{good, edit}});
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "no error";
  };
  LightEdit light;
  light.light = "kye";
  EXPECT_THAT(message_of(light), testing::AllOf(testing::HasSubstr("unknown light 'kye'"),
                                                testing::HasSubstr("did you mean 'key'")));
  LightEdit pointless;
  pointless.light = "key";
  pointless.direction = Eigen::Vector3d::Zero();
  EXPECT_THAT(message_of(pointless), testing::HasSubstr("other than zero"));
  MaterialEdit material;
  material.material = "cube_rad";
  EXPECT_THAT(message_of(material), testing::HasSubstr("did you mean 'cube_red'"));
  EXPECT_THAT(message_of(GeomMaterialEdit{"table_tip", "cube_red"}),
              testing::HasSubstr("did you mean 'table_top'"));
  EXPECT_THAT(message_of(GeomMaterialEdit{"table_top", "cube_rad"}),
              testing::HasSubstr("unknown material"));
  TextureEdit texture;
  texture.texture = "table_wod";
  EXPECT_THAT(message_of(texture), testing::HasSubstr("did you mean 'table_wood'"));
  CameraEdit camera;
  camera.camera = "agentveiw";
  EXPECT_THAT(message_of(camera), testing::HasSubstr("did you mean 'agentview'"));
  EXPECT_EQ(Show(), nominal);

  std::vector<Image> images;
  EXPECT_THROW(renderer_->Render(state_, {"agentveiw"}, 84, 84, &images), Error);
}

// Several renderers in several threads draw what one draws alone.
TEST_F(RenderTest, ThreadsDrawTheSame) {
  const auto all = EveryEdit(renderer_->inventory());
  std::vector<Image> alone;
  for (const auto& [name, variation] : all) alone.push_back(ShowWith(variation));
  std::vector<std::vector<Image>> drawn(3);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < drawn.size(); ++t) {
    threads.emplace_back([&, t] {
      const std::unique_ptr<Renderer> renderer = MakeRenderer(StackScene());
      for (const auto& [name, variation] : all) {
        std::vector<Image> images;
        renderer->SetVariation(variation);
        renderer->Render(state_, {"agentview"}, kSize, kSize, &images);
        drawn[t].push_back(images[0]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& images : drawn) EXPECT_EQ(images, alone);
}

TEST_F(RenderTest, BelongsToItsThread) {
  bool refused = false;
  std::thread other([&] {
    try {
      Show();
    } catch (const ContractError&) {
      refused = true;
    }
  });
  other.join();
  EXPECT_TRUE(refused);
}

// Where a point of the world is seen, in pixels from the top left corner, by CameraParameters
// alone.
Eigen::Vector2d Project(const CameraParameters& camera, const Eigen::Vector3d& p_W) {
  const Eigen::Vector3d p_C = camera.X_WC.Inverse() * p_W;
  const double focal_px =
      camera.height / 2.0 / std::tan(camera.fovy_deg * std::numbers::pi / 180 / 2);
  return {camera.width / 2.0 + focal_px * p_C.x() / -p_C.z(),
          camera.height / 2.0 - focal_px * p_C.y() / -p_C.z()};
}

// Middle of the pixels that differ; `count` of them.
Eigen::Vector2d MiddleOfChange(const Image& a, const Image& b, int* count) {
  Eigen::Vector2d sum(0, 0);
  *count = 0;
  for (int y = 0; y < a.height; ++y) {
    for (int x = 0; x < a.width; ++x) {
      const size_t at = (static_cast<size_t>(y) * a.width + x) * 3;
      if (std::equal(&a.rgb[at], &a.rgb[at] + 3, &b.rgb[at])) continue;
      sum += Eigen::Vector2d(x + 0.5, y + 0.5);
      ++*count;
    }
  }
  return sum / std::max(1, *count);
}

// A cube is seen where its pose and the camera's parameters say; a picture upside down, mirrored or
// with another field of view would miss it.
TEST_F(RenderTest, CubesAppearWhereParametersSay) {
  struct View {
    std::string camera;
    int width, height;
  };
  const std::vector<View> views{{"agentview", 84, 84},
                                {"frontview", 84, 84},
                                {"agentview", 224, 224},
                                {"agentview", 160, 96},
                                {"robot0_eye_in_hand", 84, 84}};
  int seen = 0;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    simulator_->Reset("D1", RngKey{seed});
    state_ = simulator_->Save();
    for (const View& view : views) {
      for (size_t object = 0; object < 2; ++object) {
        std::vector<Image> plain, marked;
        renderer_->SetVariation({});
        renderer_->Render(state_, {view.camera}, view.width, view.height, &plain);
        MaterialEdit mark;
        mark.material = object == 0 ? "cube_red" : "cube_green";
        mark.rgba = Eigen::Vector4d(1, 0, 1, 1);
        mark.emission = 1;
        renderer_->SetVariation({{mark}});
        renderer_->Render(state_, {view.camera}, view.width, view.height, &marked);
        int count = 0;
        const Eigen::Vector2d middle = MiddleOfChange(plain[0], marked[0], &count);
        const Eigen::Vector3d p_WO = simulator_->Observe().X_WO[object].translation();
        const CameraParameters camera = renderer_->Parameters(view.camera);
        const Eigen::Vector2d expected = Project(camera, p_WO);
        // one that the edge cuts has its middle elsewhere; the fingers fill the lower part of the
        // wrist's view
        const bool wrist = view.camera == "robot0_eye_in_hand";
        const double margin = 0.12 * view.height, low = wrist ? 0.4 * view.height : margin;
        const bool inside = expected.x() > margin && expected.x() < view.width - margin &&
                            expected.y() > margin && expected.y() < view.height - low;
        if (!inside) continue;
        ++seen;
        if (wrist) {
          // so near that sides show and shift the middle: its centre lies on it
          const auto x = static_cast<size_t>(expected.x()), y = static_cast<size_t>(expected.y());
          const size_t at = (y * view.width + x) * 3;
          EXPECT_FALSE(std::equal(&plain[0].rgb[at], &plain[0].rgb[at] + 3, &marked[0].rgb[at]))
              << "seed " << seed << " at " << expected.transpose();
          continue;
        }
        EXPECT_NEAR(middle.x(), expected.x(), 1.5) << view.camera << " seed " << seed;
        EXPECT_NEAR(middle.y(), expected.y(), 1.5) << view.camera << " seed " << seed;
        EXPECT_GT(count, 3) << view.camera;
      }
    }
  }
  EXPECT_GT(seen, 30);
}

// The wrist camera moves with the hand; edits of cameras show in their parameters.
TEST_F(RenderTest, ParametersFollowHandAndEdits) {
  Show("agentview");
  const CameraParameters wrist = renderer_->Parameters("robot0_eye_in_hand");
  EXPECT_NEAR(wrist.fovy_deg, 75, 1e-9);
  const Pose X_WE = simulator_->Observe().arms[0].X_WE;
  EXPECT_LT((wrist.X_WC.translation() - X_WE.translation()).norm(), 0.2);
  for (const auto& camera : renderer_->inventory().cameras) {
    EXPECT_EQ(camera.on_robot, camera.name == "robot0_eye_in_hand") << camera.name;
    if (camera.on_robot) continue;
    const CameraParameters before = renderer_->Parameters(camera.name);
    EXPECT_LT((before.X_WC.translation() - camera.X_PC.translation()).norm(), 1e-12);
    EXPECT_LT(AngleBetween(before.X_WC.rotation(), camera.X_PC.rotation()), 1e-6);
    EXPECT_EQ(before.width, kSize);
    CameraEdit edit{camera.name, Pose(camera.X_PC.rotation(), {1, 2, 3}), 60};
    renderer_->SetVariation({{edit}});
    const CameraParameters after = renderer_->Parameters(camera.name);
    EXPECT_EQ(after.fovy_deg, 60);
    EXPECT_LT((after.X_WC.translation() - Eigen::Vector3d(1, 2, 3)).norm(), 1e-12);
    renderer_->SetVariation({});
    EXPECT_EQ(renderer_->Parameters(camera.name).fovy_deg, before.fovy_deg);
  }
}

// Row 0 is on top: the front camera sees the wall above and the floor below.
TEST_F(RenderTest, PicturesAreUpright) {
  MaterialEdit wall, floor;
  wall.material = "wall";
  floor.material = "floor";
  wall.emission = floor.emission = 0;
  wall.rgba = Eigen::Vector4d(0, 0, 1, 1);
  floor.rgba = Eigen::Vector4d(1, 0, 0, 1);
  const Image image = ShowWith({{wall, floor}}, "frontview");
  const auto at = [&](int x, int y) {
    return &image.rgb[(static_cast<size_t>(y) * kSize + x) * 3];
  };
  for (const int x : {2, kSize - 3}) {
    EXPECT_GT(at(x, 1)[2], at(x, 1)[0]) << "the wall is blue and above";
    EXPECT_GT(at(x, kSize - 2)[0], at(x, kSize - 2)[2]) << "the floor is red and below";
  }
}

// Pictures are a view of the simulation, never a part of it.
TEST_F(RenderTest, PhysicsDoesNotNotice) {
  const auto all = EveryEdit(renderer_->inventory());
  const auto run = [&](bool pictures) {
    const std::unique_ptr<Simulator> simulator = MakeSimulator(StackScene());
    simulator->Reset("D0", RngKey{3});
    Pose X_WE_cmd = simulator->Observe().arms[0].X_WE;
    for (int k = 0; k < 20; ++k) {
      if (pictures) {
        renderer_->SetVariation(all[static_cast<size_t>(k) % all.size()].variation);
        std::vector<Image> images;
        renderer_->Render(simulator->Save(), {"agentview", "robot0_eye_in_hand"}, kSize, kSize,
                          &images);
      }
      X_WE_cmd = Pose(X_WE_cmd.rotation(), X_WE_cmd.translation() + Eigen::Vector3d(0, 0, -0.01));
      simulator->Step(OneArm(X_WE_cmd, -1));
    }
    return simulator->Save();
  };
  EXPECT_EQ(run(true), run(false));
}

TEST_F(RenderTest, InventoryNamesWhatCanBeVaried) {
  const SceneInventory& scene = renderer_->inventory();
  const auto& info = simulator_->info();
  for (const std::string& camera : info.cameras) {
    EXPECT_TRUE(std::any_of(scene.cameras.begin(), scene.cameras.end(), [&](const auto& one) {
      return one.name == camera;
    })) << camera;
  }
  EXPECT_FALSE(scene.lights.empty());
  EXPECT_THAT(scene.textures, testing::Contains("table_wood"));
  for (const auto& material : scene.materials) {
    EXPECT_TRUE((material.rgba.array() >= 0).all() && (material.rgba.array() <= 1).all());
    if (material.texture.empty()) continue;
    EXPECT_THAT(scene.textures, testing::Contains(material.texture));
  }
  for (const auto& geom : scene.geoms) {
    EXPECT_FALSE(geom.body.empty());
    if (geom.name != "table_top") continue;
    EXPECT_EQ(geom.material, "table_wood");
  }
}

// Nominal values written back as edits are the nominal look.
TEST_F(RenderTest, NominalValuesAsEditsChangeNothing) {
  const SceneInventory& scene = renderer_->inventory();
  SceneVariation same;
  for (const auto& light : scene.lights) {
    same.edits.push_back(LightEdit{light.name, light.position, light.direction, light.ambient,
                                   light.diffuse, light.specular, true});
  }
  same.edits.push_back(
      HeadlightEdit{scene.headlight_ambient, scene.headlight_diffuse, scene.headlight_specular});
  for (const auto& material : scene.materials) {
    same.edits.push_back(MaterialEdit{material.name, material.rgba, material.specular,
                                      material.shininess, material.reflectance, material.emission});
  }
  for (const auto& camera : scene.cameras) {
    same.edits.push_back(CameraEdit{camera.name, camera.X_PC, camera.fovy_deg});
  }
  for (const char* camera : {"agentview", "robot0_eye_in_hand", "frontview"}) {
    const Image nominal = ShowWith({}, camera);
    EXPECT_LE(ChangedPixels(ShowWith(same, camera), nominal), kSize * kSize / 200) << camera;
  }
}

}  // namespace
}  // namespace understudy
