#pragma once

// Random episodes of every shape, and what equality of episodes means: the same bits in every
// field.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/base/options.h"
#include "core/base/rng.h"
#include "core/episode/episode.h"
#include "core/image/image.h"
#include "core/seam/dataset_header.h"
#include "tests/support/own_folder.h"

namespace understudy::store_test {

using Folder = OwnFolder;

struct EpisodeShape {
  size_t length = 12, arms = 1, objects = 2, signals = 3, state = 23, teleop_arms = 0, raw = 0;
  bool teleop = false;
  bool parts = false;   // every arm at a subtask of its own
  bool joints = false;  // targets are joints
  bool filtered = false;
};

inline Pose RandomPose(Rng& rng) {
  return Pose(Eigen::Quaterniond(rng.Normal(), rng.Normal(), rng.Normal(), rng.Normal()),
              Eigen::Vector3d(rng.Normal(), rng.Normal(), rng.Normal()));
}

inline Eigen::VectorXd RandomVector(Rng& rng, int size) {
  Eigen::VectorXd v(size);
  for (int i = 0; i < size; ++i) v[i] = rng.Normal();
  return v;
}

inline Observation RandomObservation(Rng& rng, const EpisodeShape& shape, size_t k) {
  Observation o;
  o.sim_time_s = 0.05 * static_cast<double>(k);
  for (size_t a = 0; a < shape.arms; ++a) {
    o.arms.push_back({RandomPose(rng), RandomVector(rng, 7 - static_cast<int>(a)),
                      RandomVector(rng, 7), RandomVector(rng, 2), RandomVector(rng, 2)});
  }
  for (size_t i = 0; i < shape.objects; ++i) o.X_WO.push_back(RandomPose(rng));
  for (size_t i = 0; i < shape.signals; ++i) {
    o.signals.push_back(static_cast<uint8_t>(rng.UniformInt(uint64_t{2})));
  }
  o.success = rng.Uniform() < 0.5;
  return o;
}

inline SimState RandomState(Rng& rng, size_t size) {
  SimState state(size);
  for (double& v : state) v = rng.Normal();
  return state;
}

inline Action RandomAction(Rng& rng, const EpisodeShape& shape) {
  Action action;
  for (size_t a = 0; a < shape.arms; ++a) {
    action.arms.push_back({RandomPose(rng), rng.Uniform(-1, 1)});
    if (shape.joints) action.arms[a].q_cmd = RandomVector(rng, 7 - static_cast<int>(a));
  }
  return action;
}

inline RawSample RandomSample(Rng& rng, int64_t id) {
  RawSample s;
  s.id = id;
  s.device_time_ns = 1'000'000'000 + id * 11'111'111;
  s.monotonic_ns = s.device_time_ns + 500;
  s.head_tracking = rng.NextU32();
  s.X_THead = RandomPose(rng);
  s.events = rng.NextU32() & 63;
  for (RawHand& hand : s.hands) {
    hand.active = rng.Uniform() < 0.5;
    hand.tracking = rng.NextU32() & 15;
    hand.X_TH = RandomPose(rng);
    hand.X_TA = RandomPose(rng);
    hand.v_TH = RandomVector(rng, 3);
    hand.w_TH = RandomVector(rng, 3);
    hand.velocity_valid = rng.Uniform() < 0.5;
    hand.trigger = static_cast<float>(rng.Uniform());
    hand.squeeze = static_cast<float>(rng.Uniform());
    hand.stick_x = static_cast<float>(rng.Normal());
    hand.stick_y = static_cast<float>(rng.Normal());
    hand.buttons = rng.NextU32();
  }
  return s;
}

inline Step RandomStep(Rng& rng, const EpisodeShape& shape, size_t k) {
  Step step;
  step.observation = RandomObservation(rng, shape, k);
  step.state = RandomState(rng, shape.state);
  step.action = RandomAction(rng, shape);
  step.action_clean = RandomAction(rng, shape);
  for (size_t a = 0; a < shape.arms; ++a) {
    DeltaAction delta;
    for (int i = 0; i < 7; ++i) delta.value[i] = rng.Uniform(-1, 1);
    delta.clipped = rng.Uniform() < 0.5;
    step.delta.push_back(delta);
  }
  step.label = static_cast<StepLabel>(rng.UniformInt(uint64_t{4}));
  step.subtask = static_cast<int32_t>(rng.UniformInt(uint64_t{5}));
  step.source = static_cast<int32_t>(rng.UniformInt(uint64_t{4})) - 1;
  step.source_step = static_cast<int32_t>(rng.UniformInt(uint64_t{200})) - 1;
  for (size_t a = 0; shape.parts && a < shape.arms; ++a) {
    const auto number = [&](uint64_t end) { return static_cast<int32_t>(rng.UniformInt(end)) - 1; };
    step.parts.push_back(
        {static_cast<StepLabel>(rng.UniformInt(uint64_t{4})), number(5), number(4), number(200)});
  }
  if (shape.teleop) {
    for (size_t a = 0; a < shape.teleop_arms; ++a) {
      step.teleop.arms.push_back({RandomPose(rng), std::nullopt, RandomPose(rng), rng.NextU32()});
      if (shape.filtered) step.teleop.arms.back().X_WE_filtered = RandomPose(rng);
    }
    step.teleop.sample_id = static_cast<int64_t>(k);
    step.teleop.device_time_ns = 7'000'000'000 + static_cast<int64_t>(k) * 50'000'000;
    step.teleop.monotonic_ns = step.teleop.device_time_ns + 1234;
    step.teleop.sample_age_ns = static_cast<int64_t>(rng.UniformInt(uint64_t{1000000}));
  }
  return step;
}

inline Episode RandomEpisode(uint64_t seed, const EpisodeShape& shape) {
  Rng rng(RngKey{.seed = seed});
  Episode e;
  for (size_t k = 0; k < shape.length; ++k) e.steps.push_back(RandomStep(rng, shape, k));
  e.final_state = RandomState(rng, shape.state);
  e.final_observation = RandomObservation(rng, shape, shape.length);
  for (size_t i = 0; i < shape.raw; ++i) {
    e.raw.samples.push_back(RandomSample(rng, static_cast<int64_t>(i)));
  }
  if (shape.raw > 0) {
    e.raw.device = "virtual headset 0.1";
    e.raw.profile = "/interaction_profiles/oculus/touch_controller";
    e.raw.device_minus_monotonic_ns = -123456789012345;
    e.raw.utc_at_start_ns = 1'700'000'000'000'000'000;
  }
  EpisodeMeta& m = e.meta;
  m.uuid = MakeUuid("test", RngKey{.seed = seed});
  m.parents = {MakeUuid("parent", RngKey{.seed = seed})};
  m.sources = {"a", "b\"quoted\"", "ü"};
  m.task = "stack";
  m.variant = "D1";
  m.robot = "panda";
  m.instruction = "put the red cube on the green one";
  m.control_hz = 20;
  m.limits = {0.05, 0.1 + 0.2};
  m.success = rng.Uniform() < 0.5;
  m.cause = m.success ? "" : "dropped cubeA";
  m.seed = ~uint64_t{0} - seed;
  m.attempt = static_cast<int64_t>(seed);
  m.variant_index = 3;
  for (size_t a = 0; a < shape.arms; ++a) m.arms.push_back("robot" + std::to_string(a));
  for (size_t o = 0; o < shape.objects; ++o) m.objects.push_back("cube" + std::to_string(o));
  for (size_t s = 0; s < shape.signals; ++s) m.signals.push_back("signal" + std::to_string(s));
  m.settings = Json{{"noise", 0.05}, {"nested", {{"list", {1, 2.5, "x"}}}}};
  m.quality = Json{{"replay_error", 1e-17}, {"overruns", 3}};
  m.variation.edits.push_back(
      MaterialEdit{.material = "table", .rgba = Eigen::Vector4d(0.1, 0.2, 0.3, 1)});
  m.variation.edits.push_back(TextureEdit{.texture = "wood", .seed = ~uint64_t{0}});
  m.variation.edits.push_back(CameraEdit{.camera = "agentview", .X_PC = RandomPose(rng)});
  m.program_version = "0.1.0";
  return e;
}

inline DatasetHeader HeaderFor(const EpisodeShape& shape) {
  DatasetHeader h;
  SimulatorInfo& s = h.simulator;
  s.task = "stack";
  s.robot = "panda";
  s.instruction = "put the red cube on the green one";
  s.variants = {"D0", "D1"};
  for (size_t a = 0; a < shape.arms; ++a) s.arms.push_back("robot" + std::to_string(a));
  for (size_t o = 0; o < shape.objects; ++o) s.objects.push_back("cube" + std::to_string(o));
  for (size_t i = 0; i < shape.signals; ++i) s.signals.push_back("signal" + std::to_string(i));
  s.joint_names.assign(std::max<size_t>(1, shape.arms), {"joint1", "joint2"});
  s.cameras = {"agentview", "wrist"};
  s.state_size = shape.state;
  s.flat_state_size = shape.state > 4 ? shape.state - 4 : shape.state;
  s.limits = {0.04, 0.3};
  s.X_WB[0] = Pose::FromTranslation({-0.56, 0, 0.8});
  h.stage = "mimic";
  h.model_text = "<mujoco model=\"scene\"/>";
  h.task = Json{{"name", "stack"}, {"horizon", 400}};
  h.settings = Json{{"seed", 1}, {"noise", 0.05}};
  h.parents = {"0123456789abcdef0123456789abcdef"};
  return h;
}

inline Image RandomImage(Rng& rng, int width, int height) {
  Image image(width, height);
  // half noise, half flat: it compresses, but not to nothing
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = i % 2 ? 77 : static_cast<uint8_t>(rng.NextU32());
  }
  return image;
}

// ---- equality, bit for bit ----

inline void ExpectSame(const Pose& a, const Pose& b) { EXPECT_TRUE(a == b); }
inline void ExpectSame(const Observation& a, const Observation& b) {
  EXPECT_EQ(a.sim_time_s, b.sim_time_s);
  EXPECT_EQ(a.signals, b.signals);
  EXPECT_EQ(a.success, b.success);
  EXPECT_EQ(a.X_WO, b.X_WO);
  ASSERT_EQ(a.arms.size(), b.arms.size());
  for (size_t i = 0; i < a.arms.size(); ++i) {
    ExpectSame(a.arms[i].X_WE, b.arms[i].X_WE);
    EXPECT_EQ(a.arms[i].joint_q, b.arms[i].joint_q);
    EXPECT_EQ(a.arms[i].joint_v, b.arms[i].joint_v);
    EXPECT_EQ(a.arms[i].gripper_q, b.arms[i].gripper_q);
    EXPECT_EQ(a.arms[i].gripper_v, b.arms[i].gripper_v);
  }
}

inline void ExpectSame(const RawStream& a, const RawStream& b) {
  EXPECT_EQ(a.device, b.device);
  EXPECT_EQ(a.profile, b.profile);
  EXPECT_EQ(a.device_minus_monotonic_ns, b.device_minus_monotonic_ns);
  EXPECT_EQ(a.utc_at_start_ns, b.utc_at_start_ns);
  ASSERT_EQ(a.samples.size(), b.samples.size());
  for (size_t i = 0; i < a.samples.size(); ++i) {
    const RawSample &x = a.samples[i], &y = b.samples[i];
    EXPECT_EQ(x.id, y.id);
    EXPECT_EQ(x.device_time_ns, y.device_time_ns);
    EXPECT_EQ(x.monotonic_ns, y.monotonic_ns);
    EXPECT_EQ(x.head_tracking, y.head_tracking);
    EXPECT_EQ(x.events, y.events);
    ExpectSame(x.X_THead, y.X_THead);
    for (size_t h = 0; h < 2; ++h) {
      const RawHand &p = x.hands[h], &q = y.hands[h];
      EXPECT_EQ(p.active, q.active);
      EXPECT_EQ(p.tracking, q.tracking);
      ExpectSame(p.X_TH, q.X_TH);
      ExpectSame(p.X_TA, q.X_TA);
      EXPECT_EQ(p.v_TH, q.v_TH);
      EXPECT_EQ(p.w_TH, q.w_TH);
      EXPECT_EQ(p.velocity_valid, q.velocity_valid);
      EXPECT_EQ(p.trigger, q.trigger);
      EXPECT_EQ(p.squeeze, q.squeeze);
      EXPECT_EQ(p.stick_x, q.stick_x);
      EXPECT_EQ(p.stick_y, q.stick_y);
      EXPECT_EQ(p.buttons, q.buttons);
    }
  }
}

// `name` apart: it is the place in the file.
inline void ExpectSame(const EpisodeMeta& a, const EpisodeMeta& b) {
  EXPECT_EQ(a.uuid, b.uuid);
  EXPECT_EQ(a.parents, b.parents);
  EXPECT_EQ(a.sources, b.sources);
  EXPECT_EQ(a.task, b.task);
  EXPECT_EQ(a.variant, b.variant);
  EXPECT_EQ(a.robot, b.robot);
  EXPECT_EQ(a.instruction, b.instruction);
  EXPECT_EQ(a.control_hz, b.control_hz);
  EXPECT_EQ(a.limits, b.limits);
  EXPECT_EQ(a.success, b.success);
  EXPECT_EQ(a.cause, b.cause);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.attempt, b.attempt);
  EXPECT_EQ(a.variant_index, b.variant_index);
  EXPECT_EQ(a.arms, b.arms);
  EXPECT_EQ(a.objects, b.objects);
  EXPECT_EQ(a.signals, b.signals);
  EXPECT_EQ(a.cameras, b.cameras);
  EXPECT_EQ(a.settings, b.settings);
  EXPECT_EQ(a.quality, b.quality);
  EXPECT_EQ(ToJson(a.variation), ToJson(b.variation));
  EXPECT_EQ(a.program_version, b.program_version);
}

inline void ExpectSame(const Episode& a, const Episode& b) {
  ExpectSame(a.meta, b.meta);
  EXPECT_EQ(a.final_state, b.final_state);
  ExpectSame(a.final_observation, b.final_observation);
  ExpectSame(a.raw, b.raw);
  ASSERT_EQ(a.length(), b.length());
  for (size_t k = 0; k < a.length(); ++k) {
    const Step &x = a.steps[k], &y = b.steps[k];
    ExpectSame(x.observation, y.observation);
    EXPECT_EQ(x.state, y.state);
    EXPECT_EQ(x.action, y.action);
    EXPECT_EQ(x.action_clean, y.action_clean);
    ASSERT_EQ(x.delta.size(), y.delta.size());
    for (size_t i = 0; i < x.delta.size(); ++i) {
      EXPECT_EQ(x.delta[i].value, y.delta[i].value);
      EXPECT_EQ(x.delta[i].clipped, y.delta[i].clipped);
    }
    EXPECT_EQ(x.label, y.label);
    EXPECT_EQ(x.subtask, y.subtask);
    EXPECT_EQ(x.source, y.source);
    EXPECT_EQ(x.source_step, y.source_step);
    EXPECT_EQ(x.parts, y.parts);
    ASSERT_EQ(x.teleop.arms.size(), y.teleop.arms.size());
    for (size_t i = 0; i < x.teleop.arms.size(); ++i) {
      ExpectSame(x.teleop.arms[i].X_WE_wanted, y.teleop.arms[i].X_WE_wanted);
      ASSERT_EQ(x.teleop.arms[i].X_WE_filtered.has_value(),
                y.teleop.arms[i].X_WE_filtered.has_value());
      if (x.teleop.arms[i].X_WE_filtered) {
        ExpectSame(*x.teleop.arms[i].X_WE_filtered, *y.teleop.arms[i].X_WE_filtered);
      }
      ExpectSame(x.teleop.arms[i].X_WE_limited, y.teleop.arms[i].X_WE_limited);
      EXPECT_EQ(x.teleop.arms[i].flags, y.teleop.arms[i].flags);
    }
    EXPECT_EQ(x.teleop.sample_id, y.teleop.sample_id);
    EXPECT_EQ(x.teleop.device_time_ns, y.teleop.device_time_ns);
    EXPECT_EQ(x.teleop.monotonic_ns, y.teleop.monotonic_ns);
    EXPECT_EQ(x.teleop.sample_age_ns, y.teleop.sample_age_ns);
  }
}

// The message of the Error that `work` throws; empty where it throws none.
template <class F>
std::string ErrorOf(F work, ErrorKind kind) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

}  // namespace understudy::store_test
