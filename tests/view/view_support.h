#pragma once

// Datasets that look like work: a hand that reaches, grasps, carries and lets go, over pictures
// whose pixels are a formula of their place.

#include <cmath>

#include "core/episode/episode.h"
#include "core/image/image.h"
#include "data/store/writer.h"
#include "tests/data/store_support.h"
#include "tests/support/cameras.h"

namespace understudy::view_test {

using namespace store_test;

inline constexpr int kWidth = 32, kHeight = 24;

// Pixel of episode `e` (its place in the file), camera, step, row, column, channel.
inline uint8_t PixelOf(size_t e, size_t camera, size_t step, size_t y, size_t x, size_t c) {
  return static_cast<uint8_t>(7 * e + 50 * camera + 5 * step + 3 * y + x + 11 * c);
}

inline Image PictureOf(size_t e, size_t camera, size_t step) {
  Image image(kWidth, kHeight);
  size_t i = 0;
  for (size_t y = 0; y < kHeight; ++y) {
    for (size_t x = 0; x < kWidth; ++x) {
      for (size_t c = 0; c < 3; ++c) image.rgb[i++] = PixelOf(e, camera, step, y, x, c);
    }
  }
  return image;
}

inline const EpisodeShape kHandShape{.length = 150, .arms = 1, .objects = 2, .signals = 2};

// `shake` in m makes the hand tremble.
inline Episode PickAndPlace(uint64_t seed, size_t length = kHandShape.length, double shake = 0) {
  EpisodeShape shape = kHandShape;
  shape.length = length;
  Episode episode = RandomEpisode(seed, shape);
  Rng rng(RngKey{.seed = seed, .term = 1});
  const Eigen::Vector3d cube(rng.Uniform(-0.1, 0.1), rng.Uniform(-0.1, 0.1), 0.82);
  const Eigen::Vector3d place(rng.Uniform(-0.1, 0.1), rng.Uniform(0.15, 0.25), 0.87);
  const Eigen::Vector3d start(-0.1, 0, 1.0);
  Pose X_WE_last;
  for (size_t k = 0; k <= length; ++k) {
    const bool last = k == length;
    Observation& o = last ? episode.final_observation : episode.steps[k].observation;
    const double t = static_cast<double>(k) / static_cast<double>(length);
    const bool grasped = t > 0.42;
    const double reach = std::clamp(t / 0.4, 0.0, 1.0);
    const double carry = std::clamp((t - 0.45) / 0.45, 0.0, 1.0);
    const auto smooth = [](double s) { return s * s * (3 - 2 * s); };
    Eigen::Vector3d p = start + smooth(reach) * (cube - start) + smooth(carry) * (place - cube);
    p.z() += 0.15 * std::sin(M_PI * smooth(carry));
    if (shake > 0) p += shake * Eigen::Vector3d(rng.Normal(), rng.Normal(), rng.Normal());
    const Pose X_WE = PoseFromYaw(0.4 * smooth(carry), p);
    o.sim_time_s = 0.05 * static_cast<double>(k);
    o.arms[0].X_WE = X_WE;
    for (int j = 0; j < 7; ++j) o.arms[0].joint_q[j] = std::sin(t * (j + 1));
    o.arms[0].gripper_q = Eigen::Vector2d(grasped ? 0.02 : 0.04, grasped ? -0.02 : -0.04);
    o.X_WO = {grasped ? Pose::FromTranslation(p) : Pose::FromTranslation(cube),
              Pose::FromTranslation({place.x(), place.y(), 0.82})};
    o.signals = {grasped, static_cast<uint8_t>(t > 0.93)};
    o.success = t > 0.95;
    if (k > 0) {
      Step& before = episode.steps[k - 1];
      const ArmAction target{X_WE, grasped ? 1.0 : -1.0};
      before.action.arms = {target};
      before.action_clean = before.action;
      before.delta = {DeltaFromTarget(X_WE_last, target, {0.05, 0.5})};
      before.subtask = grasped ? 1 : 0;
      const bool bridge = (t > 0.1 && t < 0.25) || (t > 0.5 && t < 0.7);
      before.label = bridge ? StepLabel::kBridge : StepLabel::kSegment;
      before.source = bridge ? -1 : 0;
      before.source_step = bridge ? -1 : static_cast<int32_t>(k);
    }
    X_WE_last = X_WE;
  }
  EpisodeMeta& meta = episode.meta;
  meta.sources = meta.parents;
  meta.objects = {"red_cube", "plate"};
  meta.signals = {"grasp", "placed"};
  meta.success = true;
  meta.cause = "";
  meta.variant_index = 0;
  meta.variation.edits.clear();
  return episode;
}

inline DatasetHeader HandHeader(bool pictures) {
  DatasetHeader header = HeaderFor(kHandShape);
  header.simulator.control_hz = 20;
  header.simulator.objects = {"red_cube", "plate"};
  header.simulator.signals = {"grasp", "placed"};
  header.task = {{"name", "place"},
                 {"subtasks",
                  {{{"object", "red_cube"}, {"instruction", "pick up the cube"}},
                   {{"object", "plate"}, {"instruction", "put it on the plate"}}}}};
  if (pictures) {
    header.cameras = {"agentview", "wrist"};
    header.image_width = kWidth;
    header.image_height = kHeight;
  }
  return header;
}

inline std::vector<std::vector<Image>> PicturesOf(size_t e, size_t length) {
  std::vector<std::vector<Image>> images(2);
  for (size_t camera = 0; camera < 2; ++camera) {
    for (size_t k = 0; k < length; ++k) images[camera].push_back(PictureOf(e, camera, k));
  }
  return images;
}

// `bases` episodes in three looks each: variant 0 nominal, as augment leaves them.
inline std::filesystem::path WriteLooks(const std::filesystem::path& file, size_t bases = 2,
                                        size_t length = kHandShape.length) {
  DatasetHeader header = HandHeader(true);
  header.stage = "augment";
  DatasetWriter writer(file, header);
  size_t place = 0;
  for (size_t base = 0; base < bases; ++base) {
    for (int variant = 0; variant < 3; ++variant, ++place) {
      Episode episode = PickAndPlace(base, length);
      EpisodeMeta& meta = episode.meta;
      const std::string parent = meta.uuid;
      meta.parents = {parent};
      meta.uuid = MakeUuid(parent, RngKey{.variant = static_cast<uint64_t>(variant)});
      meta.variant_index = variant;
      // what all looks share is no difference
      meta.variation.edits = {MaterialEdit{.material = "wall", .specular = 0.5}};
      if (variant > 0) {
        const double v = 0.3 * variant;
        std::vector<SceneEdit>& edits = meta.variation.edits;
        edits.push_back(LightEdit{.light = "key", .diffuse = Eigen::Vector3d(v, 0.5, 1 - v)});
        edits.push_back(HeadlightEdit{.ambient = Eigen::Vector3d(0.2, 0.2, 0.2)});
        edits.push_back(TextureEdit{.texture = "table", .cells = 4.0 * variant});
      }
      writer.Append(episode, PicturesOf(place, length), CamerasOf(header));
    }
  }
  writer.WriteMask("train", {"demo_0", "demo_1", "demo_2"});
  writer.Finish();
  return file;
}

// Episodes without pictures, of which one trembles, one is long and one failed. All are idle for
// some rows; one for more, but not for so many that it is worth a word.
inline std::filesystem::path WritePlain(const std::filesystem::path& file, size_t count = 12) {
  DatasetWriter writer(file, HandHeader(false));
  for (size_t e = 0; e < count; ++e) {
    Episode episode = PickAndPlace(100 + e, e == 5 ? 400 : 90 + e, e == 3 ? 0.01 : 0.0002);
    for (size_t k = 41; k < 43 + (e == 9 ? 10 : e % 3); ++k) {
      episode.steps[k].action = episode.steps[40].action;
    }
    if (e == 7) {
      episode.meta.success = false;
      episode.meta.cause = "dropped the cube";
    }
    writer.Append(episode);
  }
  writer.Finish();
  return file;
}

inline std::filesystem::path ForeignFile() {
  return std::filesystem::path(UNDERSTUDY_SOURCE_DIR) / "tests/golden/h5py_robomimic.h5";
}

}  // namespace understudy::view_test
