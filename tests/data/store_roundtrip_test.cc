#include <fmt/format.h>
#include <gmock/gmock.h>

#include <thread>

#include "core/episode/attempt_record.h"
#include "core/episode/episode.h"
#include "core/image/image.h"
#include "core/seam/renderer.h"
#include "data/formats/formats.h"
#include "data/store/meta.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/store_support.h"
#include "tests/support/cameras.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::HasSubstr;

// every shape an episode can have: arms, teleoperation with and without arms, raw, emptiness
std::vector<EpisodeShape> Shapes() {
  return {{},
          {.length = 1, .arms = 1, .objects = 0, .signals = 0, .state = 1},
          {.length = 9,
           .arms = 2,
           .objects = 3,
           .signals = 1,
           .state = 5,
           .teleop_arms = 2,
           .raw = 31,
           .teleop = true,
           .parts = true,
           .joints = true,
           .filtered = true},
          {.length = 70,
           .arms = 1,
           .objects = 1,
           .signals = 2,
           .state = 40,
           .teleop_arms = 1,
           .raw = 200,
           .teleop = true},
          {.length = 4,
           .arms = 3,
           .objects = 2,
           .signals = 0,
           .state = 8,
           .teleop_arms = 0,
           .raw = 0,
           .teleop = true,
           .parts = true}};
}

TEST(StoreRoundTrip, EveryFieldOfEveryShapeBitForBit) {
  for (const EpisodeShape& shape : Shapes()) {
    Folder folder;
    const fs::path file = folder / "x.h5";
    std::vector<Episode> episodes;
    {
      DatasetWriter writer(file, HeaderFor(shape));
      for (uint64_t i = 0; i < 3; ++i) {
        episodes.push_back(RandomEpisode(i, shape));
        writer.Append(episodes.back());
      }
      EXPECT_TRUE(fs::exists(folder / "x.h5.part"));
      EXPECT_FALSE(fs::exists(file));
      writer.Finish();
    }
    EXPECT_FALSE(fs::exists(folder / "x.h5.part"));
    EXPECT_FALSE(fs::exists(folder / "x.h5.part.journal"));
    const DatasetReader reader(file);
    ASSERT_EQ(reader.episodes().size(), 3u);
    EXPECT_EQ(reader.content_hash().size(), 32u);
    for (size_t i = 0; i < 3; ++i) {
      const Episode back = reader.ReadEpisode(i, true);
      EXPECT_EQ(back.meta.name, "demo_" + std::to_string(i));
      EXPECT_EQ(reader.episodes()[i].uuid, episodes[i].meta.uuid);
      EXPECT_EQ(reader.episodes()[i].success, episodes[i].meta.success);
      EXPECT_EQ(reader.episodes()[i].variant_index, 3);
      ExpectSame(episodes[i], back);
      EXPECT_TRUE(reader.ReadEpisode(i).raw.samples.empty());
    }
  }
}

// A file of an older program, which did not tell the steps of subtasks, is gone on with; they are
// no part of the content.
TEST(StoreRoundTrip, StepsOfSubtasksMayBeginLate) {
  Folder folder;
  const DatasetHeader header = HeaderFor({});
  const auto record = [](int64_t i, bool told) {
    AttemptRecord a{.attempt = i, .cause = "dropped", .subtask = 1, .steps = 7};
    a.sources = {3, 4};
    if (told) a.subtask_steps = {5, 2};
    return a;
  };
  for (const int64_t begins : {0, 80, 200}) {
    const fs::path file = folder / fmt::format("{}.h5", begins);
    {
      DatasetWriter old(file, header);
      for (int64_t i = 0; i < begins; ++i) old.AppendAttempt(record(i, false));
    }
    DatasetWriter::Options resume;
    resume.resume = true;
    DatasetWriter writer(file, header, resume);
    ASSERT_EQ(writer.attempts_written(), begins);
    for (int64_t i = begins; i < 200; ++i) writer.AppendAttempt(record(i, true));
    writer.Append(RandomEpisode(1, {}));
    writer.Finish();
    const DatasetReader reader(file);
    const std::vector<AttemptRecord> read = reader.attempts();
    ASSERT_EQ(read.size(), 200u);
    for (int64_t i = 0; i < 200; ++i) {
      EXPECT_EQ(read[static_cast<size_t>(i)].subtask_steps, record(i, i >= begins).subtask_steps);
      EXPECT_EQ(read[static_cast<size_t>(i)].sources, record(i, true).sources);
    }
    EXPECT_EQ(reader.content_hash(), DatasetReader(folder / "0.h5").content_hash());
    const VerifyReport verified = VerifyDataset(file);
    EXPECT_TRUE(verified.faults.empty()) << verified.faults[0].place << verified.faults[0].what;
  }
}

TEST(StoreRoundTrip, HeaderMasksAttemptsReport) {
  Folder folder;
  const EpisodeShape shape;
  DatasetHeader header = HeaderFor(shape);
  std::vector<AttemptRecord> attempts;
  {
    DatasetWriter writer(folder / "x.h5", header);
    for (int64_t i = 0; i < 150; ++i) {
      Rng rng(RngKey{.seed = static_cast<uint64_t>(i)});
      AttemptRecord a{.attempt = i,
                      .success = i % 3 == 0,
                      .cause = i % 3 ? "missed ü" : "",
                      .subtask = static_cast<int32_t>(i % 4),
                      .steps = 100 + static_cast<int>(i)};
      if (i % 5 != 0) a.X_WO_start = {RandomPose(rng), RandomPose(rng)};
      for (int64_t s = 0; s < i % 4; ++s) a.sources.push_back(static_cast<int32_t>(s * i));
      if (i % 7 != 0) {
        for (int64_t s = 0; s < i % 4; ++s) a.subtask_steps.push_back(static_cast<int32_t>(s + i));
      }
      attempts.push_back(a);
      writer.AppendAttempt(a);
      if (i % 50 == 0) writer.Append(RandomEpisode(static_cast<uint64_t>(i), shape));
    }
    writer.WriteMask("train", {"demo_0", "demo_2"});
    writer.WriteMask("valid", {});
    writer.WriteReport(Json{{"rate", 0.875}});
    EXPECT_EQ(writer.attempts_written(), 150);
    EXPECT_EQ(writer.episodes_written(), 3);
    writer.Finish();
  }
  const DatasetReader reader(folder / "x.h5");
  EXPECT_EQ(reader.MaskNames(), (std::vector<std::string>{"train", "valid"}));
  EXPECT_EQ(reader.ReadMask("train"), (std::vector<std::string>{"demo_0", "demo_2"}));
  EXPECT_TRUE(reader.ReadMask("valid").empty());
  EXPECT_THAT(ErrorOf([&] { reader.ReadMask("trian"); }, ErrorKind::kUsage),
              HasSubstr("did you mean 'train'"));
  EXPECT_EQ(reader.report()["rate"], 0.875);
  const DatasetHeader& back = reader.header();
  EXPECT_EQ(back.stage, header.stage);
  EXPECT_EQ(back.model_text, header.model_text);
  EXPECT_EQ(back.task, header.task);
  EXPECT_EQ(back.settings, header.settings);
  EXPECT_EQ(back.parents, header.parents);
  const SimulatorInfo &a = back.simulator, &b = header.simulator;
  EXPECT_EQ(a.task, b.task);
  EXPECT_EQ(a.robot, b.robot);
  EXPECT_EQ(a.instruction, b.instruction);
  EXPECT_EQ(a.variants, b.variants);
  EXPECT_EQ(a.arms, b.arms);
  EXPECT_EQ(a.objects, b.objects);
  EXPECT_EQ(a.signals, b.signals);
  EXPECT_EQ(a.joint_names, b.joint_names);
  EXPECT_EQ(a.gripper_joint_names, b.gripper_joint_names);
  EXPECT_EQ(a.cameras, b.cameras);
  EXPECT_EQ(a.control_hz, b.control_hz);
  EXPECT_EQ(a.substeps, b.substeps);
  EXPECT_EQ(a.horizon, b.horizon);
  EXPECT_EQ(a.state_size, b.state_size);
  EXPECT_EQ(a.flat_state_size, b.flat_state_size);
  EXPECT_EQ(a.limits, b.limits);
  EXPECT_EQ(a.workspace_radius, b.workspace_radius);
  EXPECT_EQ(a.X_WB, b.X_WB);
  const auto read = reader.attempts();
  ASSERT_EQ(read.size(), attempts.size());
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].attempt, attempts[i].attempt);
    EXPECT_EQ(read[i].success, attempts[i].success);
    EXPECT_EQ(read[i].cause, attempts[i].cause);
    EXPECT_EQ(read[i].subtask, attempts[i].subtask);
    EXPECT_EQ(read[i].steps, attempts[i].steps);
    EXPECT_EQ(read[i].X_WO_start, attempts[i].X_WO_start);
    EXPECT_EQ(read[i].sources, attempts[i].sources);
    EXPECT_EQ(read[i].subtask_steps, attempts[i].subtask_steps);
  }
}

TEST(StoreRoundTrip, ImagesAndCamerasFromManyThreads) {
  Folder folder;
  const EpisodeShape shape{.length = 7};
  DatasetHeader header = HeaderFor(shape);
  header.cameras = {"agentview", "wrist"};
  header.image_width = 20;
  header.image_height = 12;
  // images[episode][camera][step]
  std::vector<std::vector<std::vector<Image>>> images;
  Rng rng(RngKey{.seed = 5});
  CameraParameters parameters{20, 12, 45.5, RandomPose(rng)};
  for (const int level : {0, 1, 12}) {
    images.clear();
    const fs::path file = folder / ("x" + std::to_string(level) + ".h5");
    DatasetWriter writer(file, header, {.compression = level});
    for (uint64_t e = 0; e < 3; ++e) {
      images.emplace_back(2);
      for (auto& list : images.back()) {
        for (size_t k = 0; k < shape.length; ++k) list.push_back(RandomImage(rng, 20, 12));
      }
      if (e == 1) {
        writer.BeginEpisode(RandomEpisode(e, shape), {parameters, {}});
        for (size_t k = 0; k < shape.length; ++k) {
          writer.AddFrames({images[e][0][k], images[e][1][k]});
        }
        writer.EndEpisode();
      } else {
        writer.Append(RandomEpisode(e, shape), images[e], CamerasOf(header));
      }
    }
    writer.Finish();
    const DatasetReader reader(file);
    EXPECT_EQ(reader.ReadEpisode(1).meta.cameras, header.cameras);
    const auto cameras = reader.ReadCameras(1);
    ASSERT_EQ(cameras.size(), 2u);
    EXPECT_EQ(cameras[0].width, 20);
    EXPECT_EQ(cameras[0].height, 12);
    EXPECT_EQ(cameras[0].fovy_deg, 45.5);
    EXPECT_EQ(cameras[0].X_WC, parameters.X_WC);
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        Rng draw(RngKey{.seed = t});
        Image image(20, 12);
        for (int i = 0; i < 200; ++i) {
          const size_t e = draw.UniformInt(uint64_t{3}), c = draw.UniformInt(uint64_t{2}),
                       k = draw.UniformInt(uint64_t{7});
          reader.ReadFrame(e, c, k, image.rgb.data());
          wrong += !(image == images[e][c][k]);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(reader.ReadImage(2, "wrist", 6), images[2][1][6]);
    EXPECT_THAT(ErrorOf([&] { reader.ReadImage(0, "wirst", 0); }, ErrorKind::kUsage),
                HasSubstr("did you mean 'wrist'"));
  }
}

// Pictures without the parameters of their cameras cannot be written, so that none stand in a file
// that nobody gave.
template <class Writer>
concept TakesBarePictures = requires(Writer& writer, const Episode& episode,
                                     const std::vector<std::vector<Image>>& images) {
  writer.Append(episode, images);
};
static_assert(!TakesBarePictures<DatasetWriter>);

TEST(StoreRoundTrip, AppendedPicturesKeepTheirCameras) {
  Folder folder;
  const EpisodeShape shape{.length = 3};
  DatasetHeader header = HeaderFor(shape);
  header.cameras = {"agentview", "wrist"};
  header.image_width = 20;
  header.image_height = 12;
  const std::vector<std::vector<Image>> images(2, std::vector<Image>(3, Image(20, 12)));
  std::vector<CameraParameters> cameras = CamerasOf(header);
  DatasetWriter writer(folder / "x.h5", header);
  writer.Append(RandomEpisode(1, shape), images, cameras);
  writer.Append(RandomEpisode(2, shape));
  EXPECT_THROW(writer.Append(RandomEpisode(3, shape), images, {cameras[0]}), ContractError);
  cameras[1].fovy_deg = 0;
  EXPECT_THROW(writer.Append(RandomEpisode(3, shape), images, cameras), ContractError);
  writer.Finish();

  const DatasetReader reader(folder / "x.h5");
  const std::vector<CameraParameters> read = reader.ReadCameras(0), given = CamerasOf(header);
  ASSERT_EQ(read.size(), 2u);
  for (size_t c = 0; c < 2; ++c) {
    EXPECT_EQ(read[c].width, 20);
    EXPECT_EQ(read[c].height, 12);
    EXPECT_EQ(read[c].fovy_deg, given[c].fovy_deg);
    EXPECT_EQ(read[c].X_WC, given[c].X_WC);
  }
  EXPECT_TRUE(reader.ReadCameras(1).empty());
}

// The names of further arms' joints follow from those of the first arm, and stand in the file only
// where they do not.
TEST(StoreRoundTrip, JointNamesOfEveryArm) {
  Folder folder;
  const EpisodeShape shape{.arms = 2};
  DatasetHeader header = HeaderFor(shape);
  SimulatorInfo& info = header.simulator;
  const auto back = [&] {
    { DatasetWriter(folder / "x.h5", header, {.overwrite = true}).Finish(); }
    return DatasetReader(folder / "x.h5").header().simulator;
  };
  info.joint_names = {{"robot0_a", "robot0_b", "wheel"}, {"robot1_a", "robot1_b", "wheel"}};
  info.gripper_joint_names = {{"finger"}, {"finger"}};
  EXPECT_EQ(back().joint_names, info.joint_names);
  EXPECT_EQ(back().gripper_joint_names, info.gripper_joint_names);
  EXPECT_EQ(back().finger_joints(1), 1u);
  const Json json = HeaderToJson(header)["simulator"];
  EXPECT_EQ(json["joint_names"], Json::array({"robot0_a", "robot0_b", "wheel"}));
  EXPECT_EQ(json["gripper_joint_names"], Json::array({"finger"}));
  EXPECT_FALSE(json.contains("further_joint_names"));
  EXPECT_FALSE(json.contains("further_gripper_joint_names"));

  info.joint_names[1] = {"left"};
  info.gripper_joint_names[1] = {"thumb", "index"};
  EXPECT_EQ(back().joint_names, info.joint_names);
  EXPECT_EQ(back().gripper_joint_names, info.gripper_joint_names);
  info.joint_names = info.gripper_joint_names = {};
  EXPECT_TRUE(back().joint_names.empty());
  EXPECT_EQ(back().finger_joints(), 0u);
}

TEST(StoreRoundTrip, ContentHashFollowsContentOnly) {
  Folder folder;
  const EpisodeShape shape{.raw = 3};
  const auto hash = [&](const std::string& name, auto change_header, auto change_episode) {
    DatasetHeader header = HeaderFor(shape);
    change_header(header);
    Episode episode = RandomEpisode(1, shape);
    change_episode(episode);
    DatasetWriter writer(folder / name, header);
    writer.Append(episode);
    writer.WriteReport(Json{{"took_s", name.size()}});
    writer.Finish();
    return DatasetReader(folder / name).content_hash();
  };
  const auto same = [](auto&) {};
  const std::string base = hash("a.h5", same, same);
  // wall clock, settings, version of the program and place in the file do not count
  EXPECT_EQ(base, hash(
                      "bb.h5", [](DatasetHeader& h) { h.settings["noise"] = 1; },
                      [](Episode& e) {
                        e.raw.utc_at_start_ns = 5;
                        e.meta.program_version = "9";
                        e.meta.name = "demo_77";
                        e.meta.settings["threads"] = 3;
                      }));
  // the last bit of anything else does
  EXPECT_NE(base, hash("c.h5", same, [](Episode& e) {
              double& v = e.steps[3].state[2];
              v = std::nextafter(v, 9);
            }));
  EXPECT_NE(base, hash("d.h5", same, [](Episode& e) { e.meta.success = !e.meta.success; }));
  EXPECT_NE(base, hash("e.h5", same, [](Episode& e) { e.raw.samples[2].events ^= 1; }));
  EXPECT_NE(base, hash(
                      "f.h5", [](DatasetHeader& h) { h.model_text += " "; }, same));
  EXPECT_NE(base, hash("g.h5", same, [](Episode& e) { e.meta.variation.edits.pop_back(); }));
}

TEST(StoreRoundTrip, BrokenContractsLeaveTheWriterUsable) {
  Folder folder;
  const EpisodeShape shape;
  DatasetWriter writer(folder / "x.h5", HeaderFor(shape));
  Episode ragged = RandomEpisode(1, shape);
  ragged.steps[4].state.pop_back();
  EXPECT_THROW(writer.Append(ragged), ContractError);
  Episode nameless = RandomEpisode(1, shape);
  nameless.meta.uuid.clear();
  EXPECT_THROW(writer.Append(nameless), ContractError);
  EXPECT_THROW(writer.Append(Episode{}), ContractError);
  EXPECT_THROW(writer.AppendAttempt({.X_WO_start = {Pose()}}), ContractError);
  writer.Append(RandomEpisode(2, shape));
  writer.Finish();
  EXPECT_EQ(DatasetReader(folder / "x.h5").episodes().size(), 1u);
  EXPECT_THROW(writer.Append(RandomEpisode(2, shape)), ContractError);
}

TEST(StoreRoundTrip, ExistingFilesAreKept) {
  Folder folder;
  const EpisodeShape shape;
  const auto write = [&](uint64_t seed, DatasetWriter::Options options) {
    DatasetWriter writer(folder / "x.h5", HeaderFor(shape), options);
    writer.Append(RandomEpisode(seed, shape));
    writer.Finish();
  };
  write(1, {});
  EXPECT_THAT(ErrorOf([&] { write(2, {}); }, ErrorKind::kUsage), HasSubstr("--overwrite"));
  ExpectSame(RandomEpisode(1, shape), DatasetReader(folder / "x.h5").ReadEpisode(0, true));
  write(2, {.overwrite = true});
  ExpectSame(RandomEpisode(2, shape), DatasetReader(folder / "x.h5").ReadEpisode(0, true));
}

}  // namespace
}  // namespace understudy
