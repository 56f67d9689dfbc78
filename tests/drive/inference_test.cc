// A policy on a thread of its own, and what a person says.
#include "serve/drive/inference.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/input.h>
#include <pty.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "serve/drive/drive_input.h"
#include "serve/robots/simulated_robot.h"
#include "tests/support/fake_renderer.h"
#include "tests/support/fake_simulator.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class FunctionPolicy : public Policy {
 public:
  using Act = std::function<ActionChunk(const PolicyInput&, const RngKey&)>;
  FunctionPolicy(PolicyInfo info, Act act) : info_(std::move(info)), act_(std::move(act)) {}

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override {
    return act_(input, key);
  }
  PolicyInfo info_;
  Act act_;
};

ChunkAnswer WaitFor(Inference& inference) {
  ChunkAnswer answer;
  while (!inference.Take(&answer)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return answer;
}

struct InferenceTest : public testing::Test {
  InferenceTest() {
    simulator->Reset("D0", RngKey{1});
    reading.observation = simulator->Observe();
    reading.state = simulator->Save();
    reading.captured_ns = MonotonicNs();
    policy.name = "p";
  }
  ChunkRequest Request(int64_t step) {
    return {.run = 3, .step = step, .reading = reading, .committed = {}, .key = RngKey{9}};
  }
  std::unique_ptr<Simulator> simulator = MakeFakeSimulator(FakeTask());
  const SimulatorInfo& info = simulator->info();
  RobotReading reading;
  PolicyInfo policy;
};

// The loop that asks goes on meanwhile, and the answer says what it answers.
TEST_F(InferenceTest, AnswersBesideTheLoop) {
  std::atomic<bool> may_answer = false;
  policy.objects = {"cubeB"};
  const FunctionPolicy slow(policy, [&](const PolicyInput& input, const RngKey& key) {
    while (!may_answer) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(input.instruction, "stack");
    EXPECT_EQ(input.X_WO.size(), 1u);
    EXPECT_EQ(input.X_WO[0], reading.observation.X_WO[1]);
    EXPECT_EQ(key, RngKey{9});
    return ActionChunk{{{ArmAction{input.arms[0].X_WE, 0.5, {}}}}};
  });
  Inference inference(slow, "stack", info, {}, 1);
  EXPECT_FALSE(inference.busy());
  ChunkRequest request = Request(7);
  inference.Ask(&request);
  ChunkAnswer answer;
  EXPECT_TRUE(inference.busy());
  EXPECT_FALSE(inference.Take(&answer));
  may_answer = true;
  answer = WaitFor(inference);
  EXPECT_FALSE(inference.busy());
  EXPECT_EQ(answer.run, 3);
  EXPECT_EQ(answer.step, 7);
  EXPECT_EQ(answer.problem, "");
  ASSERT_EQ(answer.chunk.size(), 1u);
  EXPECT_EQ(answer.chunk[0].arms[0].X_WE_cmd, reading.observation.arms[0].X_WE);
}

TEST_F(InferenceTest, SaysWhatWentWrongAndGoesOn) {
  int calls = 0;
  const FunctionPolicy stumbles(policy, [&](const PolicyInput& input, const RngKey&) {
    if (++calls == 1) ThrowFailed("no memory left");
    return ActionChunk{{{ArmAction{input.arms[0].X_WE, 0.5, {}}}}};
  });
  Inference inference(stumbles, "", info, {}, 1);
  ChunkRequest request = Request(0);
  inference.Ask(&request);
  EXPECT_EQ(WaitFor(inference).problem, "no memory left");
  request = Request(1);
  inference.Ask(&request);
  EXPECT_EQ(WaitFor(inference).chunk.size(), 1u);
}

// Pictures as old as `age_s`.
class OldCameras : public RobotCameras {
 public:
  explicit OldCameras(double age_s) : age_s_(age_s) {}
  int64_t Take(const RobotReading&, std::vector<Image>* images) override {
    images->assign(1, Image(4, 4));
    return MonotonicNs() - static_cast<int64_t>(1e9 * age_s_);
  }

 private:
  double age_s_;
};

TEST_F(InferenceTest, OldPicturesAreNotShown) {
  const FunctionPolicy sees(policy, [&](const PolicyInput& input, const RngKey&) {
    EXPECT_EQ(input.images.size(), 1u);
    return ActionChunk{{{ArmAction{input.arms[0].X_WE, 0.5, {}}}}};
  });
  for (const double age : {0.01, 2.0}) {
    Inference inference(
        sees, "", info, [age] { return std::make_unique<OldCameras>(age); }, 0.5);
    ChunkRequest request = Request(0);
    inference.Ask(&request);
    const ChunkAnswer answer = WaitFor(inference);
    EXPECT_NEAR(answer.picture_age_s, age, 0.4);
    if (age < 0.5) {
      EXPECT_EQ(answer.problem, "");
    } else {
      EXPECT_THAT(answer.problem, HasSubstr("the newest pictures are 2.0"));
      EXPECT_TRUE(answer.chunk.empty());
    }
  }
}

TEST_F(InferenceTest, ASimulatedRobotIsSeenWhereItIs) {
  policy.cameras = {"agentview", "wrist"};
  std::vector<Image> seen;
  const FunctionPolicy sees(policy, [&](const PolicyInput& input, const RngKey&) {
    seen = input.images;
    return ActionChunk{{{ArmAction{input.arms[0].X_WE, 0.5, {}}}}};
  });
  const auto fakes = [] { return std::make_unique<FakeRenderer>(); };
  Inference inference(sees, "", info, SimulatedCameras(fakes, policy.cameras, 8, 6), 1);
  ChunkRequest request = Request(0);
  inference.Ask(&request);
  EXPECT_EQ(WaitFor(inference).problem, "");
  std::vector<Image> expected;
  FakeRenderer().Render(reading.state, policy.cameras, 8, 6, &expected);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].rgb, expected[0].rgb);
  EXPECT_EQ(seen[1].rgb, expected[1].rgb);
}

TEST_F(InferenceTest, WhatCannotBeShownIsRefused) {
  const auto none = [](const PolicyInput&, const RngKey&) { return ActionChunk{}; };
  policy.history = 10;
  EXPECT_THAT([&] { Inference(FunctionPolicy(policy, none), "", info, {}, 1); },
              ThrowsMessage<Error>(HasSubstr("sees 10 observations of the past")));
  policy.history = 1;
  policy.objects = {"teapot"};
  EXPECT_THAT([&] { Inference(FunctionPolicy(policy, none), "", info, {}, 1); },
              ThrowsMessage<Error>(HasSubstr("the place of 'teapot'")));
  policy.objects.clear();
  const RobotCamerasFactory broken = []() -> std::unique_ptr<RobotCameras> {
    ThrowFailed("camera 'wrist': no such device");
  };
  EXPECT_THAT([&] { Inference(FunctionPolicy(policy, none), "", info, broken, 1); },
              ThrowsMessage<Error>(HasSubstr("camera 'wrist'")));
}

// The space bar is held as long as it is repeated; other keys let go.
TEST(DriveInput, TheTerminalsKeys) {
  int outside = -1, inside = -1;
  ASSERT_EQ(openpty(&outside, &inside, nullptr, nullptr, nullptr), 0);
  const auto press = [&](const char* keys) {
    ASSERT_EQ(write(outside, keys, strlen(keys)), static_cast<ssize_t>(strlen(keys)));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  {
    const std::unique_ptr<DriveInput> input = OpenTerminalInput(inside, 0.3);
    EXPECT_FALSE(input->Poll().held);
    press("  ");
    EXPECT_TRUE(input->Poll().held);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    EXPECT_FALSE(input->Poll().held);
    press(" s");
    DriveKeys keys = input->Poll();
    EXPECT_FALSE(keys.held);
    EXPECT_TRUE(keys.stop);
    EXPECT_EQ(keys.mark, 0);
    EXPECT_FALSE(input->Poll().stop);
    press("y");
    EXPECT_EQ(input->Poll().mark, 1);
    press("3");
    keys = input->Poll();
    EXPECT_EQ(keys.mark, -1);
    EXPECT_EQ(keys.cause, 3);
    press("q");
    EXPECT_TRUE(input->Poll().quit);
  }
  EXPECT_TRUE(OpenTerminalInput(inside, 0.3, true)->Poll().held);
  close(outside);
  close(inside);
  EXPECT_THAT([] { OpenTerminalInput(-1, 0.3); },
              ThrowsMessage<Error>(HasSubstr("no terminal to read keys from")));
}

// A pedal: held while a key is down, and let go of where it is unplugged.
TEST(DriveInput, AnEventDevice) {
  const OwnFolder folder;
  const std::string device = folder / "event";
  ASSERT_EQ(mkfifo(device.c_str(), 0600), 0);
  std::unique_ptr<DriveInput> input = OpenEventInput(device, nullptr);
  int pedal = open(device.c_str(), O_WRONLY);
  const auto send = [&](uint16_t type, uint16_t code, int value) {
    input_event event{};
    event.type = type;
    event.code = code;
    event.value = value;
    ASSERT_EQ(write(pedal, &event, sizeof event), static_cast<ssize_t>(sizeof event));
  };
  send(EV_SYN, SYN_REPORT, 0);
  EXPECT_FALSE(input->Poll().held);
  send(EV_KEY, KEY_A, 1);
  send(EV_KEY, KEY_B, 1);
  EXPECT_TRUE(input->Poll().held);
  send(EV_KEY, KEY_A, 0);
  send(EV_KEY, KEY_B, 2);  // repeats
  EXPECT_TRUE(input->Poll().held);
  send(EV_KEY, KEY_B, 0);
  EXPECT_FALSE(input->Poll().held);
  send(EV_KEY, KEY_B, 1);
  EXPECT_TRUE(input->Poll().held);
  send(EV_SYN, SYN_DROPPED, 0);
  EXPECT_FALSE(input->Poll().held);
  send(EV_KEY, KEY_B, 1);
  EXPECT_TRUE(input->Poll().held);
  close(pedal);
  EXPECT_FALSE(input->Poll().held);
  EXPECT_THAT([&] { OpenEventInput(folder / "none", nullptr); },
              ThrowsMessage<Error>(HasSubstr("cannot be read")));
}

}  // namespace
}  // namespace understudy
