// A robot at the end of a wire, message by message.
#include "serve/robot_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/base/error.h"
#include "serve/robots/simulated_robot.h"
#include "serve/wire_robot.h"
#include "serve/zmq_server.h"
#include "tests/support/fake_renderer.h"
#include "tests/support/fake_simulator.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct RobotProtocolTest : public testing::Test {
  RobotProtocolTest() : robot(MakeSimulatedRobot(MakeFakeSimulator(FakeTask()), "D0")) {
    const auto pictures = [](const std::vector<std::string>& cameras, int width, int height) {
      const auto fakes = [] { return std::make_unique<FakeRenderer>(); };
      return SimulatedCameras(fakes, cameras, width, height)();
    };
    protocol = std::make_unique<RobotProtocol>(*robot, pictures, MonotonicNs);
  }
  WireValue Ask(const std::string& endpoint, WireValue data = {}) {
    WireMap request{{"endpoint", endpoint}};
    if (!data.is_null()) request.emplace_back("data", std::move(data));
    return Unpack(protocol->Answer(Pack(request))).value;
  }
  std::string ErrorOf(const WireValue& answer) {
    const WireValue* error = answer.Find("error");
    return error ? *error->As<std::string>() : "";
  }
  std::unique_ptr<Robot> robot;
  std::unique_ptr<RobotProtocol> protocol;
};

// Readings and commands cross the wire whole.
TEST_F(RobotProtocolTest, NothingIsLostOnTheWay) {
  const RobotCard card = ReadRobotCard(Ask("robot_info"), "it");
  EXPECT_EQ(card.arms, robot->info().arms);
  EXPECT_EQ(card.objects, robot->info().objects);
  const std::unique_ptr<Robot> here = MakeSimulatedRobot(MakeFakeSimulator(FakeTask()), "D0");
  RobotReading reading;
  const RngKey key = RngKey{~uint64_t{0} - 3}.WithStage("drive").WithParent(2);
  const Action hold = here->Begin(key, false, &reading);
  WireList numbers;
  for (const uint64_t field : {key.seed, key.stage, key.parent, key.variant, key.term}) {
    numbers.emplace_back(static_cast<int64_t>(field));
  }
  const WireValue begun = Ask("begin", WireMap{{"key", numbers}});
  EXPECT_EQ(ReadWireAction(*begun.Find("hold"), card, ""), hold);
  Rng rng(RngKey{2});
  for (int step = 0; step < 50; ++step) {
    Action action = hold;
    action.arms[0].X_WE_cmd = Pose(hold.arms[0].X_WE_cmd.rotation(),
                                   hold.arms[0].X_WE_cmd.translation() +
                                       0.01 * Eigen::Vector3d(rng.Normal(), rng.Normal(), 0));
    action.arms[0].gripper = rng.Uniform(-1, 1);
    Ask("step", WireMap{{"action", ToWire(action, card.arms)}});
    protocol->Tick();
    here->Send(action);
    here->Read(&reading);
    RobotReading there;
    ReadWireReading(Ask("step", WireMap{}), card, {}, MonotonicNs(), "it", &there);
    ASSERT_EQ(there.state, reading.state);
    ASSERT_EQ(there.observation.arms[0].X_WE, reading.observation.arms[0].X_WE);
    ASSERT_EQ(there.observation.arms[0].joint_q, reading.observation.arms[0].joint_q);
    ASSERT_EQ(there.observation.X_WO, reading.observation.X_WO);
  }
  const WireValue seen = Ask("pictures", WireMap{{"cameras", WireList{WireValue("agentview")}},
                                                 {"width", int64_t{8}},
                                                 {"height", int64_t{6}}});
  std::vector<Image> images;
  FakeRenderer().Render(reading.state, {"agentview"}, 8, 6, &images);
  EXPECT_EQ(seen.Find("video")->Find("agentview")->As<WireArray>()->data,
            std::string(images[0].rgb.begin(), images[0].rgb.end()));
}

// What a client sends wrong is refused with words, and moves nothing.
TEST_F(RobotProtocolTest, WhatIsWrongIsRefused) {
  const RobotCard card = CardOf(robot->info());
  const Action before = protocol->command();
  const auto refused = [&](const std::string& endpoint, WireValue data, const char* words) {
    EXPECT_THAT(ErrorOf(Ask(endpoint, std::move(data))), HasSubstr(words));
    EXPECT_EQ(protocol->command(), before);
  };
  const auto with = [&](const char* name, WireValue value) {
    WireValue action = ToWire(before, card.arms);
    WireMap changed;
    for (const auto& [key, old] : *action.As<WireMap>()) {
      changed.emplace_back(key, key == name ? value : old);
    }
    return WireValue(WireMap{{"action", changed}});
  };
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  refused("step", WireMap{{"action", WireMap{}}}, "'robot0_eef_position' is missing");
  refused("step", with("robot0_eef_position", WireArray::Float64({2}, {1, 2})),
          "'robot0_eef_position' has 2 numbers, it should have 3");
  refused("step", with("robot0_eef_rotation", WireArray::Float64({4}, {0, 0, 0, 0})),
          "'robot0_eef_rotation' is no unit quaternion");
  refused("step", with("robot0_gripper", WireArray::Float64({1}, {nothing})),
          "'robot0_gripper' holds a number that is not finite");
  refused("step", with("robot0_gripper", "closed"), "'robot0_gripper' is no array");
  refused("begin", WireMap{{"key", WireList{WireValue(int64_t{1})}}}, "five whole numbers");
  refused("jump", {}, "endpoint 'jump' is unknown");
  refused("ju\x1bmp", {}, "endpoint 'ju?mp' is unknown");
  refused(
      "pictures",
      WireMap{
          {"cameras", WireList{WireValue("moon")}}, {"width", int64_t{8}}, {"height", int64_t{8}}},
      "moon");
  refused("pictures",
          WireMap{{"cameras", WireList{WireValue("agentview")}},
                  {"width", int64_t{1} << 40},
                  {"height", int64_t{8}}},
          "'width'");
  Rng rng(RngKey{1});
  const std::string sound = Pack(with("", {}));
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = sound;
    for (int k = 0; k < 3; ++k) {
      bytes[static_cast<size_t>(rng.UniformInt(0, static_cast<int>(bytes.size()) - 1))] =
          static_cast<char>(rng.NextU32());
    }
    protocol->Answer(std::string_view(bytes).substr(0, rng.NextU32() % (bytes.size() + 1)));
  }
  EXPECT_EQ(protocol->command(), before);
  EXPECT_EQ(ErrorOf(Ask("ping")), "");
}

// A robot that says other things of itself, or lies, is refused by the one who drives it.
TEST_F(RobotProtocolTest, AnotherRobotIsRefused) {
  const WireValue card = ToWire(CardOf(robot->info()));
  const auto with = [&](const char* name, WireValue value) {
    WireMap changed;
    for (const auto& [key, old] : *card.As<WireMap>()) {
      changed.emplace_back(key, key == name ? value : old);
    }
    return WireValue(changed);
  };
  const auto read = [](const WireValue& value) { return [&] { ReadRobotCard(value, "it"); }; };
  EXPECT_THAT(read(with("version", int64_t{7})), ThrowsMessage<Error>(HasSubstr("version 7")));
  EXPECT_THAT(read(with("joints", WireList{})), ThrowsMessage<Error>(HasSubstr("'joints'")));
  EXPECT_THAT(read(with("command", "torque")), ThrowsMessage<Error>(HasSubstr("torque")));
  EXPECT_THAT(read(with("arms", int64_t{1})), ThrowsMessage<Error>(HasSubstr("'arms'")));
  RobotReading reading = protocol->reading();
  const RobotCard sound = CardOf(robot->info());
  const WireValue wire = ToWire(reading, sound, reading.captured_ns - 5'000'000'000);
  EXPECT_THAT([&] { ReadWireReading(wire, sound, {}, 0, "it", &reading); },
              ThrowsMessage<Error>(HasSubstr("a reading of 5 s in the future")));
}

// Where nobody answers, or somebody else, one sentence.
TEST(WireRobot, NeedsARobot) {
  const ServerLimits limits;
  ZmqServer server("tcp://127.0.0.1:0", limits);
  std::atomic<bool> ends = false;
  std::thread other([&] {
    while (!ends) {
      server.Serve(10, [](const std::string&, std::string_view) {
        return Pack(WireMap{{"error", "endpoint 'robot_info' is unknown"}});
      });
    }
  });
  EXPECT_THAT([&] { OpenWireRobot(server.address(), MakeFakeSimulator(FakeTask())); },
              ThrowsMessage<Error>(HasSubstr("'robot_info' is unknown")));
  EXPECT_THAT([] { OpenWireRobot("tcp:/nowhere", MakeFakeSimulator(FakeTask())); },
              ThrowsMessage<Error>(HasSubstr("tcp://HOST:PORT")));
  ends = true;
  other.join();
}

// On the wire it is the robot that it is here; pulled out, readings end, and come back with it.
TEST(WireRobot, IsTheRobotAtTheOtherEnd) {
  std::unique_ptr<Robot> robot = MakeSimulatedRobot(MakeFakeSimulator(FakeTask()), "D0");
  RobotProtocol protocol(*robot, {}, MonotonicNs);
  ZmqServer server("tcp://127.0.0.1:0", {});
  std::atomic<bool> ends = false, deaf = false;
  std::thread there([&] {
    while (!ends) {
      if (deaf) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        continue;
      }
      server.Serve(5, [&](const std::string&, std::string_view request) {
        std::string answer = protocol.Answer(request);
        protocol.Tick();
        return answer;
      });
    }
  });
  {
    const std::unique_ptr<Robot> wired =
        OpenWireRobot(server.address(), MakeFakeSimulator(FakeTask()));
    RobotReading reading;
    const Action hold = wired->Begin(RngKey{5}, false, &reading);
    EXPECT_EQ(hold.arms[0].X_WE_cmd, reading.observation.arms[0].X_WE);
    EXPECT_EQ(reading.state.size(), wired->info().state_size);
    Action goal = hold;
    goal.arms[0].X_WE_cmd = Pose(goal.arms[0].X_WE_cmd.rotation(),
                                 goal.arms[0].X_WE_cmd.translation() + Eigen::Vector3d(0, 0.05, 0));
    const auto steps = [&](int count) {
      int read = 0;
      for (int i = 0; i < count; ++i) {
        wired->Send(goal);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        read += wired->Read(&reading);
      }
      return read;
    };
    EXPECT_GT(steps(60), 30);
    EXPECT_NEAR(
        (reading.observation.arms[0].X_WE.translation() - goal.arms[0].X_WE_cmd.translation())
            .norm(),
        0, 1e-6);
    deaf = true;
    steps(60);
    EXPECT_EQ(steps(10), 0);
    EXPECT_THAT(wired->problem(), HasSubstr("no answer to step within 0."));
    deaf = false;
    steps(30);
    EXPECT_GT(steps(30), 10);
    EXPECT_EQ(wired->problem(), "");
  }
  ends = true;
  there.join();
}

}  // namespace
}  // namespace understudy
