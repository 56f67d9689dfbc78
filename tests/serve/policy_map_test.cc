// Policies of other programs: what is sent and what is done, in every form, by formulas of its own.
#include "serve/policy_map.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <thread>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "serve/wire_value.h"
#include "serve/zmq_server.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// A server of some other program.
class Foreign {
 public:
  using Reply = std::function<WireValue(const WireValue& request)>;
  explicit Foreign(Reply reply) : reply_(std::move(reply)) {
    thread_ = std::thread([this] {
      while (!ends_) {
        server_.Serve(20, [this](const std::string&, std::string_view bytes) {
          const WireValue request = Unpack(bytes).value;
          if (*request.Find("endpoint") == WireValue("ping"))
            return Pack(WireMap{{"status", "ok"}});
          last_ = *request.Find("data");
          return Pack(reply_(last_));
        });
      }
    });
  }
  ~Foreign() {
    ends_ = true;
    thread_.join();
  }
  RemoteOptions options() const {
    return {.address = server_.address(), .token = "", .timeout_ms = 5000};
  }
  const WireValue& last() const { return last_; }

 private:
  Reply reply_;
  ZmqServer server_{"tcp://127.0.0.1:0", {}};
  WireValue last_;
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

SimulatorInfo Panda(ActionKind kind = ActionKind::kPose) {
  SimulatorInfo info;
  info.robot = "toy";
  info.arms = {"left", "right"};
  info.cameras = {"front", "wrist"};
  info.joint_names = {{"a", "b", "c"}, {"d", "e", "f"}};
  info.gripper_joint_names = {{"g", "h"}, {"i", "j"}};
  info.action_kind = kind;
  info.X_WB = {PoseFromYaw(0.4, {0.1, 0.2, 0.9}), PoseFromYaw(-1.1, {0.3, -0.5, 0.8})};
  return info;
}

Pose RandomPose(Rng& rng) {
  return Pose(Eigen::Quaterniond(rng.Normal(), rng.Normal(), rng.Normal(), rng.Normal()),
              {rng.Normal(), rng.Normal(), rng.Normal()});
}

PolicyInput Seen(Rng& rng, int cameras = 0) {
  PolicyInput input;
  for (int c = 0; c < cameras; ++c) input.images.emplace_back(3, 2);
  for (int a = 0; a < 2; ++a) {
    ArmObservation arm;
    arm.X_WE = RandomPose(rng);
    arm.joint_q = Eigen::Vector3d(rng.Normal(), rng.Normal(), rng.Normal());
    arm.gripper_q = Eigen::Vector2d(0.01, -0.02);
    input.arms.push_back(arm);
  }
  input.instruction = "stack";
  return input;
}

// The numbers of a rotation by Eigen's own conversions.
std::vector<double> Written(const Eigen::Matrix3d& R, RotationForm form) {
  const Eigen::Quaterniond q(R);
  const Eigen::AngleAxisd turn(R);
  const Eigen::Vector3d zyx = R.eulerAngles(2, 1, 0);
  switch (form) {
    case RotationForm::kWxyz:
      return {q.w(), q.x(), q.y(), q.z()};
    case RotationForm::kXyzw:
      return {q.x(), q.y(), q.z(), q.w()};
    case RotationForm::k6dColumns:
      return {R(0, 0), R(1, 0), R(2, 0), R(0, 1), R(1, 1), R(2, 1)};
    case RotationForm::k6dRows:
      return {R(0, 0), R(0, 1), R(0, 2), R(1, 0), R(1, 1), R(1, 2)};
    case RotationForm::kAxisAngle: {
      const Eigen::Vector3d v = turn.angle() * turn.axis();
      return {v.x(), v.y(), v.z()};
    }
    case RotationForm::kEulerXyz:
      return {zyx[2], zyx[1], zyx[0]};
  }
  return {};
}

constexpr RotationForm kForms[] = {RotationForm::kWxyz,      RotationForm::kXyzw,
                                   RotationForm::k6dColumns, RotationForm::k6dRows,
                                   RotationForm::kAxisAngle, RotationForm::kEulerXyz};

// What a policy means is done, whatever the form, frame and meaning it is said in.
TEST(PolicyMap, ActionsOfEveryFormAreTheTargetsThatTheyMean) {
  Rng rng(RngKey{11});
  const SimulatorInfo robot = Panda();
  for (const RotationForm form : kForms) {
    for (const PartFrame frame : {PartFrame::kBase, PartFrame::kWorld, PartFrame::kHand}) {
      for (const ActionMeaning meaning :
           {ActionMeaning::kAbsolute, ActionMeaning::kFromObservation, ActionMeaning::kFromLast}) {
        SCOPED_TRACE(fmt::format("form {} frame {} meaning {}", static_cast<int>(form),
                                 static_cast<int>(frame), static_cast<int>(meaning)));
        const PolicyInput input = Seen(rng);
        // their frame of the hand in ours
        const Pose X_ES = RandomPose(rng);
        const Eigen::Matrix4d E_S = X_ES.Matrix();
        // targets of arm 1 over three steps; arm 0 is told its own in plain words
        std::vector<Pose> targets;
        for (int k = 0; k < 3; ++k) targets.push_back(RandomPose(rng));
        std::vector<double> p, r, still_p, still_r, open;
        for (size_t k = 0; k < targets.size(); ++k) {
          const Pose& observed = input.arms[1].X_WE;
          const Pose& from =
              meaning == ActionMeaning::kFromLast && k > 0 ? targets[k - 1] : observed;
          const Eigen::Matrix4d T = targets[k].Matrix() * E_S, F = from.Matrix() * E_S;
          const Eigen::Matrix4d B = robot.X_WB[1].Matrix();
          Eigen::Matrix4d A = Eigen::Matrix4d::Identity();  // the frame of the numbers
          if (frame == PartFrame::kBase) A = B;
          if (frame == PartFrame::kHand) A = F;
          const Eigen::Matrix3d R_A = A.topLeftCorner<3, 3>();
          Eigen::Vector3d position;
          Eigen::Matrix3d rotation;
          if (meaning == ActionMeaning::kAbsolute) {
            const Eigen::Matrix4d in_A = A.inverse() * T;
            position = in_A.topRightCorner<3, 1>();
            rotation = in_A.topLeftCorner<3, 3>();
          } else {
            position = R_A.transpose() * (T - F).topRightCorner<3, 1>();
            // T = turn F, the turn's axis seen from A
            rotation = R_A.transpose() * T.topLeftCorner<3, 3>() *
                       F.topLeftCorner<3, 3>().transpose() * R_A;
          }
          const std::vector<double> numbers = Written(rotation, form);
          p.insert(p.end(), position.begin(), position.end());
          r.insert(r.end(), numbers.begin(), numbers.end());
          still_p.insert(still_p.end(), {0, 0, 0});
          still_r.insert(still_r.end(), {1, 0, 0, 0});
          open.push_back(0.75);
        }
        const auto width = static_cast<int64_t>(r.size()) / 3;
        Foreign server([&](const WireValue&) {
          return WireMap{{"p", WireArray::Float64({1, 3, 3}, p)},
                         {"r", WireArray::Float64({3, width}, r)},
                         {"hold_p", WireArray::Float64({3, 3}, still_p)},
                         {"hold_r", WireArray::Float64({3, 4}, still_r)},
                         {"grip", WireArray::Float64({3}, open)}};
        });
        PolicyMap map;
        map.X_SE = X_ES.Inverse();
        map.action = {{.key = "p",
                       .to = Quantity::kEefPosition,
                       .arm = 1,
                       .frame = frame,
                       .meaning = meaning},
                      {.key = "r",
                       .to = Quantity::kEefRotation,
                       .arm = 1,
                       .form = form,
                       .frame = frame,
                       .meaning = meaning},
                      {.key = "grip", .to = Quantity::kGripper, .arm = 1, .scale = 2, .offset = -1},
                      {.key = "hold_p",
                       .to = Quantity::kEefPosition,
                       .meaning = ActionMeaning::kFromObservation},
                      {.key = "hold_r",
                       .to = Quantity::kEefRotation,
                       .meaning = ActionMeaning::kFromObservation},
                      {.key = "grip", .to = Quantity::kGripper, .scale = 4}};
        const auto policy = OpenMappedPolicy(server.options(), map, robot, "m.yaml");
        const ActionChunk chunk = policy->Act(input, {});
        ASSERT_EQ(chunk.size(), 3u);
        for (size_t k = 0; k < 3; ++k) {
          EXPECT_TRUE(chunk[k].arms[1].X_WE_cmd.Matrix().isApprox(targets[k].Matrix(), 1e-9));
          EXPECT_NEAR(chunk[k].arms[1].gripper, 0.5, 1e-12);
          EXPECT_TRUE(
              chunk[k].arms[0].X_WE_cmd.Matrix().isApprox(input.arms[0].X_WE.Matrix(), 1e-9));
          EXPECT_EQ(chunk[k].arms[0].gripper, 1) << "clipped to what a gripper takes";
        }
      }
    }
  }
}

TEST(PolicyMap, WhatIsSeenIsSentUnderTheirNames) {
  Rng rng(RngKey{12});
  SimulatorInfo robot = Panda();
  robot.objects = {"tray", "spoon", "cup"};
  Foreign server([](const WireValue&) { return WireMap{}; });
  PolicyMap map;
  map.cameras = {{"wrist", "cam_b"}, {"front", "cam_a"}};
  map.image_width = 3;
  map.image_height = 2;
  map.history = 2;
  const Pose X_ES = RandomPose(rng);
  map.X_SE = X_ES.Inverse();
  map.X_SH = RandomPose(rng);
  for (const RotationForm form : kForms) {
    map.state.push_back({.key = "turns", .from = Quantity::kEefRotation, .arm = 1, .form = form});
  }
  map.state.push_back({.key = "p", .from = Quantity::kEefPosition, .frame = PartFrame::kWorld});
  map.state.push_back({.key = "p", .from = Quantity::kEefPosition, .arm = 1});
  map.state.push_back({.key = "width", .from = Quantity::kGripperWidth, .scale = 10, .offset = 1});
  map.state.push_back({.key = "fingers", .from = Quantity::kGripper});
  map.state.push_back({.key = "q", .from = Quantity::kJoints, .arm = 1});
  for (const char* object : {"cup", "tray", "cup"}) {
    map.state.push_back({.key = "objects",
                         .from = Quantity::kObjectPosition,
                         .arm = 1,
                         .object = object,
                         .frame = PartFrame::kWorld});
  }
  map.state.push_back(
      {.key = "turn", .from = Quantity::kObjectRotation, .arm = 1, .object = "tray"});
  map.action = {{.key = "p", .to = Quantity::kEefPosition},
                {.key = "r", .to = Quantity::kEefRotation},
                {.key = "g", .to = Quantity::kGripper},
                {.key = "p", .to = Quantity::kEefPosition, .arm = 1},
                {.key = "r", .to = Quantity::kEefRotation, .arm = 1},
                {.key = "g", .to = Quantity::kGripper, .arm = 1}};
  const auto policy = OpenMappedPolicy(server.options(), map, robot, "m.yaml");
  EXPECT_EQ(policy->info().cameras, (std::vector<std::string>{"front", "wrist"}));
  EXPECT_THAT(policy->info().objects, ElementsAre("cup", "tray")) << "as the map names them";
  PolicyInput input = Seen(rng, 2);
  input.X_WO = {RandomPose(rng), RandomPose(rng)};
  input.images[0].rgb[0] = 7;
  EXPECT_THROW(policy->Act(input, {}), Error);  // the answer is empty; the request is looked at

  const WireValue& seen = *server.last().Find("observation");
  const WireArray& front = *seen.Find("video")->Find("cam_a")->As<WireArray>();
  EXPECT_THAT(front.shape, ElementsAre(1, 2, 2, 3, 3));  // the first observation, twice
  EXPECT_EQ(front.data[0], 7);
  EXPECT_EQ(seen.Find("video")->Find("cam_b")->As<WireArray>()->data[0], 0);
  EXPECT_EQ(*seen.Find("language")->Find(map.language), WireValue(WireList{WireList{"stack"}}));
  const auto part = [&](const char* key) {
    return seen.Find("state")->Find(key)->As<WireArray>()->Numbers();
  };
  std::vector<double> turns;
  const Eigen::Matrix4d E_H = X_ES.Matrix() * map.X_SH.Matrix();
  const Eigen::Matrix4d B_H = robot.X_WB[1].Matrix().inverse() * input.arms[1].X_WE.Matrix() * E_H;
  const Eigen::Matrix3d R_BH = B_H.topLeftCorner<3, 3>();
  for (const RotationForm form : kForms) {
    const std::vector<double> numbers = Written(R_BH, form);
    turns.insert(turns.end(), numbers.begin(), numbers.end());
  }
  const std::vector<double> sent = part("turns");
  ASSERT_EQ(sent.size(), 2 * turns.size());
  // a quaternion has two signs, and angles several forms: compare what they turn
  const auto same_turn = [&](size_t at, size_t size) {
    double plus = 0, minus = 0;
    for (size_t i = at; i < at + size; ++i) {
      plus += std::abs(sent[i] - turns[i]);
      minus += std::abs(sent[i] + turns[i]);
    }
    return std::min(plus, minus);
  };
  EXPECT_LT(same_turn(0, 4), 1e-5);
  EXPECT_LT(same_turn(4, 4), 1e-5);
  for (size_t i = 8; i < 20; ++i) EXPECT_NEAR(sent[i], turns[i], 1e-6) << i;
  const Eigen::Vector3d turn(sent[20], sent[21], sent[22]);
  EXPECT_TRUE(
      Eigen::AngleAxisd(turn.norm(), turn.normalized()).toRotationMatrix().isApprox(R_BH, 1e-5));
  const Eigen::Matrix3d euler = (Eigen::AngleAxisd(sent[25], Eigen::Vector3d::UnitZ()) *
                                 Eigen::AngleAxisd(sent[24], Eigen::Vector3d::UnitY()) *
                                 Eigen::AngleAxisd(sent[23], Eigen::Vector3d::UnitX()))
                                    .toRotationMatrix();
  EXPECT_TRUE(euler.isApprox(R_BH, 1e-5));
  EXPECT_NEAR(part("p")[1], (input.arms[0].X_WE.Matrix() * E_H)(1, 3), 1e-6);
  EXPECT_NEAR(part("p")[3], B_H(0, 3), 1e-6);
  EXPECT_NEAR(part("width")[0], 1.3, 1e-6);
  EXPECT_NEAR(part("fingers")[1], -0.02, 1e-8);
  EXPECT_NEAR(part("q")[2], input.arms[1].joint_q[2], 1e-6);
  const std::vector<double> objects = part("objects");
  ASSERT_EQ(objects.size(), 2u * 9);
  for (size_t i = 0; i < 9; ++i) {
    const Eigen::Vector3d p_WO = input.X_WO[i / 3 == 1 ? 1 : 0].translation();
    EXPECT_NEAR(objects[i], p_WO[static_cast<Eigen::Index>(i % 3)], 1e-6) << i;
  }
  const std::vector<double> turn_BO = part("turn");
  const Eigen::Matrix3d R_BO = robot.X_WB[1].Matrix().topLeftCorner<3, 3>().transpose() *
                               input.X_WO[1].Matrix().topLeftCorner<3, 3>();
  EXPECT_TRUE(Eigen::Quaterniond(turn_BO[0], turn_BO[1], turn_BO[2], turn_BO[3])
                  .toRotationMatrix()
                  .isApprox(R_BO, 1e-5));
}

TEST(PolicyMap, JointsAndOneVectorOfAction) {
  Rng rng(RngKey{13});
  const SimulatorInfo robot = Panda(ActionKind::kJoints);
  const PolicyInput input = Seen(rng);
  // two steps of one vector: three joints and the gripper of each arm
  const std::vector<double> numbers{1, 2, 3, 0, 4, 5, 6, 1, 7, 8, 9, 1, 10, 11, 12, 0};
  Foreign server([&](const WireValue& data) {
    EXPECT_NE(data.Find("state.q"), nullptr);
    EXPECT_EQ(*data.Find("annotation.human.task_description"), WireValue(WireList{"stack"}));
    return WireMap{{"action.all", WireArray::Float32({1, 2, 8}, numbers)}};
  });
  PolicyMap map;
  map.layout = RequestLayout::kFlat;
  map.state = {{.key = "q", .from = Quantity::kJoints}};
  map.action = {
      {.key = "all", .to = Quantity::kJoints},
      {.key = "all", .to = Quantity::kGripper, .first = 3, .scale = 2, .offset = -1},
      {.key = "all",
       .to = Quantity::kJoints,
       .arm = 1,
       .first = 4,
       .meaning = ActionMeaning::kFromLast,
       .scale = 0.1},
      {.key = "all", .to = Quantity::kGripper, .arm = 1, .first = 7, .scale = -2, .offset = 1}};
  const ActionChunk chunk =
      OpenMappedPolicy(server.options(), map, robot, "m.yaml")->Act(input, {});
  ASSERT_EQ(chunk.size(), 2u);
  EXPECT_EQ(chunk[1].arms[0].q_cmd, JointVector(Eigen::Vector3d(7, 8, 9)));
  EXPECT_EQ(chunk[1].arms[0].gripper, 1);
  EXPECT_NEAR(chunk[1].arms[1].q_cmd[2], input.arms[1].joint_q[2] + 0.6 + 1.2, 1e-9);
  EXPECT_EQ(chunk[0].arms[1].gripper, -1);
}

// Steps that are done from where the arm is then: a chunk is asked for once, and each of its
// actions is made of the observation of its own step.
TEST(PolicyMap, StepsFromWhereTheArmIsMeasured) {
  Rng rng(RngKey{15});
  SimulatorInfo robot = Panda();
  robot.arms.resize(1);
  int asked = 0;
  std::vector<double> said;
  Foreign server([&](const WireValue&) {
    ++asked;
    said.clear();
    for (int i = 0; i < 4 * 7; ++i) said.push_back(static_cast<float>(0.1 * rng.Normal()));
    return WireList{WireMap{{"a", WireArray::Float32({1, 4, 7}, said)}}, WireMap{}};
  });
  PolicyMap map;
  map.state = {{.key = "p", .from = Quantity::kEefPosition}};
  map.action = {{.key = "a",
                 .to = Quantity::kEefPosition,
                 .frame = PartFrame::kWorld,
                 .meaning = ActionMeaning::kFromMeasured,
                 .scale = 0.05},
                {.key = "a",
                 .to = Quantity::kEefRotation,
                 .first = 3,
                 .form = RotationForm::kAxisAngle,
                 .frame = PartFrame::kHand,
                 .meaning = ActionMeaning::kFromMeasured},
                {.key = "a", .to = Quantity::kGripper, .first = 6}};
  map.horizon = 4;
  map.execute = 3;
  const auto policy = OpenMappedPolicy(server.options(), map, robot, "m.yaml");
  EXPECT_EQ(policy->info().execute, 1);
  PolicyInput input;
  for (int64_t step = 0; step < 9; ++step) {
    SCOPED_TRACE(step);
    // as a rollout hands over what was seen before
    const auto keep = static_cast<size_t>(policy->info().EarlierAt(step));
    std::vector<PolicyObservation> earlier = std::move(input.earlier);
    if (step > 0) earlier.push_back(input);
    earlier.erase(earlier.begin(), earlier.end() - static_cast<std::ptrdiff_t>(keep));
    input = Seen(rng);
    input.arms.resize(1);
    input.earlier = std::move(earlier);
    const ActionChunk chunk = policy->Act(input, {});
    EXPECT_EQ(asked, step / 3 + 1);
    ASSERT_EQ(chunk.size(), 1u);
    const double* n = &said[static_cast<size_t>(step % 3) * 7];
    const Pose& measured = input.arms[0].X_WE;
    EXPECT_TRUE(chunk[0].arms[0].X_WE_cmd.translation().isApprox(
        measured.translation() + 0.05 * Eigen::Vector3d(n[0], n[1], n[2]), 1e-9));
    const Eigen::Vector3d turn(n[3], n[4], n[5]);
    EXPECT_TRUE(chunk[0].arms[0].X_WE_cmd.rotation().toRotationMatrix().isApprox(
        measured.rotation().toRotationMatrix() *
            Eigen::AngleAxisd(turn.norm(), turn.normalized()).toRotationMatrix(),
        1e-9));
    EXPECT_EQ(chunk[0].arms[0].gripper, std::clamp(n[6], -1.0, 1.0));
  }

  // a chunk that begins is asked for, whatever was seen before
  asked = 0;
  input.earlier.clear();
  for (int i = 0; i < 2; ++i) policy->Act(input, {});
  EXPECT_EQ(asked, 2);

  // a server that answers with less than the map executes
  map.horizon = map.execute = 6;
  const auto longer = OpenMappedPolicy(server.options(), map, robot, "m.yaml");
  input.earlier.assign(4, input);
  try {
    longer->Act(input, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("its answer has 4 actions, of which the map executes 6"));
  }
  // what would need the rest of the chunk
  map.history = 2;
  map.action[1].meaning = ActionMeaning::kFromLast;
  EXPECT_THAT(CheckMap(map, robot),
              testing::UnorderedElementsAre(HasSubstr("history: with from_measured"),
                                            HasSubstr("action[1]: meaning: beside from_measured")));
}

TEST(PolicyMap, WhatDoesNotFitIsSaidAtOnce) {
  PolicyMap map;
  map.cameras = {{"top", "x"}};
  map.state = {{.key = "p", .arm = 2},
               {.key = "p", .frame = PartFrame::kHand},
               {.key = "o", .from = Quantity::kObjectPosition, .object = "cup"},
               {.key = "p", .object = "tray"}};
  map.action = {
      {.key = "a", .to = Quantity::kJoints},
      {.key = "a", .to = Quantity::kGripper, .arm = 5},
      {.key = "a", .to = Quantity::kGripper},
      {.key = "a", .to = Quantity::kGripper},
      {.key = "a", .to = Quantity::kEefRotation, .scale = 2},
      {.key = "a", .to = Quantity::kObjectPosition},
      {.key = "a", .to = Quantity::kGripper, .arm = 1, .meaning = ActionMeaning::kFromLast}};
  SimulatorInfo robot = Panda();
  robot.objects = {"tray"};
  try {
    OpenMappedPolicy({.address = "tcp://127.0.0.1:9"}, map, robot, "m.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(
        error.what(),
        AllOf(HasSubstr("m.yaml: cameras: unknown camera 'top'"),
              HasSubstr("state[2]: unknown object 'cup'"),
              HasSubstr("state[3]: object: is of object_position"),
              HasSubstr("to: nothing commands an object"),
              HasSubstr("state[0]: arm 2: toy has 2, numbered from 0"),
              HasSubstr("state[1]: frame: hand is of steps"), HasSubstr("action[1]: arm 5"),
              HasSubstr("action[4]: scale is of turns in the form axis_angle"),
              HasSubstr("action: arm 0 takes no joints: the robot toy is commanded by poses"),
              HasSubstr("action: arm 0: gripper comes 2 times"),
              HasSubstr("action: arm 0 has no eef_position"),
              HasSubstr("action: arm 1 has no eef_rotation"),
              HasSubstr("action[6]: meaning: a gripper's command is absolute")));
  }
}

TEST(PolicyMap, AnswersThatAreNotWhatTheMapSaysAreNamed) {
  Rng rng(RngKey{14});
  WireMap answer;
  Foreign server([&](const WireValue&) { return WireList{answer, WireMap{}}; });
  PolicyMap map;
  for (const int arm : {0, 1}) {
    map.action.push_back({.key = "p", .to = Quantity::kEefPosition, .arm = arm});
    map.action.push_back({.key = "r", .to = Quantity::kEefRotation, .arm = arm});
    map.action.push_back({.key = "g", .to = Quantity::kGripper, .arm = arm});
  }
  const auto policy = OpenMappedPolicy(server.options(), map, Panda(), "m.yaml");
  const PolicyInput input = Seen(rng);
  const auto complaint = [&](WireMap given) -> std::string {
    answer = std::move(given);
    try {
      policy->Act(input, {});
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFailed);
      return error.what();
    }
    return "accepted";
  };
  const WireArray p = WireArray::Float32({1, 1, 3}, {0, 0, 0}),
                  r = WireArray::Float32({1, 1, 4}, {1, 0, 0, 0}),
                  g = WireArray::Float32({1, 1, 1}, {0});
  EXPECT_EQ(complaint({{"p", p}, {"r", r}, {"g", g}}), "accepted");
  EXPECT_EQ(complaint({{"p", p}, {"r", r}, {"g", WireArray::Float32({1, 1}, {0})}}), "accepted");
  EXPECT_THAT(complaint({{"x", p}}), HasSubstr("its answer has no 'p'; it has x"));
  EXPECT_THAT(complaint({{"p", r}, {"r", p}, {"g", g}}),
              HasSubstr("'r' of its answer has the shape [1, 1, 3]: [1, T, D] with D of 4"));
  EXPECT_THAT(complaint({{"p", WireArray::Float32({1, 1, 3}, {0, NAN, 0})}, {"r", r}, {"g", g}}),
              HasSubstr("'p' of its answer holds a number that is not finite"));
  EXPECT_THAT(complaint({{"p", p}, {"r", WireArray::Float32({1, 1, 4}, {0, 0, 0, 0})}, {"g", g}}),
              HasSubstr("'r' of its answer is no rotation"));
}

}  // namespace
}  // namespace understudy
