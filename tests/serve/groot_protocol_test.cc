// What a policy server answers, message by message, and the same over a socket.
#include "serve/groot_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "core/base/error.h"
#include "serve/remote_policy.h"
#include "serve/zmq_server.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Two arms, the first led by poses; answers with what it saw and with its noise.
class EchoPolicy : public Policy {
 public:
  explicit EchoPolicy(int history = 1) {
    info_.name = "echo";
    info_.hash = "0123";
    info_.robot = "toy";
    info_.cameras = {"front", "wrist"};
    info_.image_width = 3;
    info_.image_height = 2;
    info_.tasks = {"stack", "sort"};
    info_.horizon = 4;
    info_.execute = 2;
    info_.arms = 2;
    info_.objects = {"cube"};
    info_.history = history;
    info_.max_delay = 2;
    info_.action_meaning = "relative_eef";
    info_.X_WB = PoseFromYaw(0.3, {0.1, -0.2, 0.9});
  }

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override {
    Rng rng(key);
    ActionChunk chunk(4);
    for (Action& action : chunk) {
      const double earlier = static_cast<double>(input.earlier.size());
      const Eigen::Vector3d step(rng.Normal(), input.images[0].rgb[0] / 255.0, earlier);
      action.arms.push_back(
          {Pose(input.arms[0].X_WE.rotation(), input.arms[0].X_WE.translation() + step),
           input.arms[0].gripper_q[1],
           {}});
      action.arms.push_back({Pose(input.X_WO[0].rotation(), input.arms[1].X_WE.translation()),
                             input.instruction == "sort" ? 1.0 : -1.0,
                             {}});
    }
    std::copy(input.committed.begin(), input.committed.end(), chunk.begin());
    return chunk;
  }
  PolicyInfo info_;
};

const std::vector<ServedArm> kArms{{"left", 0, 2}, {"right", 0, 0}};

std::shared_ptr<const ServedPolicy> Echo(int history = 1) {
  return ServeArms(std::make_shared<EchoPolicy>(history), kArms);
}

WireMap State(int64_t batch = 1, int64_t moments = 1) {
  const auto n = static_cast<size_t>(batch * moments);
  const auto part = [&](int64_t size, std::vector<double> row) {
    std::vector<double> all;
    for (size_t i = 0; i < n; ++i) all.insert(all.end(), row.begin(), row.end());
    return WireArray::Float32({batch, moments, size}, all);
  };
  return {
      {"left_eef_position", part(3, {1, 2, 3})},     {"left_eef_rotation", part(4, {1, 0, 0, 0})},
      {"left_gripper", part(2, {0.5, 0.25})},        {"right_eef_position", part(3, {4, 5, 6})},
      {"right_eef_rotation", part(4, {0, 1, 0, 0})}, {"cube_position", part(3, {0, 0, 0})},
      {"cube_rotation", part(4, {0, 0, 1, 0})}};
}

WireMap Video(int64_t batch = 1, int64_t moments = 1) {
  const WireArray pictures = WireArray::Bytes(
      {batch, moments, 2, 3, 3}, std::string(static_cast<size_t>(batch * moments) * 18, '\xff'));
  return {{"front", pictures}, {"wrist", pictures}};
}

WireMap Asked(const std::string& text = "sort", int64_t batch = 1, int64_t moments = 1) {
  return {{"video", Video(batch, moments)},
          {"state", State(batch, moments)},
          {"language", WireMap{{"annotation.human.task_description", WireList{WireList{text}}}}}};
}

WireValue Request(const char* endpoint, WireValue data = {}, const char* token = nullptr) {
  WireMap request{{"endpoint", endpoint}};
  if (!data.is_null()) request.emplace_back("data", std::move(data));
  if (token) request.emplace_back("api_token", token);
  return request;
}

WireValue Ask(GrootProtocol& server, const WireValue& request, const char* client = "a") {
  return Unpack(server.Answer(client, Pack(request))).value;
}

std::string ErrorOf(const WireValue& reply) {
  const WireValue* error = reply.Find("error");
  return error && error->As<std::string>() ? *error->As<std::string>() : "no error";
}

std::vector<double> Part(const WireValue& reply, const std::string& name) {
  const WireList* list = reply.As<WireList>();
  const WireValue* value = (list ? list->at(0) : reply).Find(name);
  EXPECT_TRUE(value && value->As<WireArray>()) << name << " " << ErrorOf(reply);
  return value && value->As<WireArray>() ? value->As<WireArray>()->Numbers()
                                         : std::vector<double>();
}

// Changes one part of an observation.
WireValue With(WireMap observation, const std::string& modality, const std::string& key,
               WireValue value) {
  for (auto& [name, parts] : observation) {
    if (name != modality) continue;
    WireMap changed;
    for (const auto& [part, old] : *parts.As<WireMap>()) {
      if (part != key) changed.emplace_back(part, old);
    }
    if (!value.is_null()) changed.emplace_back(key, value);
    parts = changed;
  }
  return WireMap{{"observation", observation}};
}

TEST(GrootProtocol, EveryOneOfABatchIsAnsweredByWhatItSaw) {
  GrootProtocol server(Echo(), {.seed = 3, .token = "", .allow_kill = false});
  const WireValue apart = With(Asked("sort", 2), "state", "right_eef_position",
                               WireArray::Float32({2, 1, 3}, {4, 5, 6, 7, 8, 9}));
  const WireValue reply = Ask(server, Request("get_action", apart));
  const std::vector<double> targets = Part(reply, "right_eef_position");
  ASSERT_EQ(targets.size(), 2u * 4 * 3);
  EXPECT_EQ(targets[2], 6);
  EXPECT_EQ(targets[12 + 2], 9);
}

TEST(GrootProtocol, AnswersWithAChunkOfNamedParts) {
  GrootProtocol server(Echo(), {.seed = 3, .token = "", .allow_kill = false});
  const WireValue reply = Ask(server, Request("get_action", WireMap{{"observation", Asked()}}));
  const WireArray* position =
      reply.As<WireList>()->at(0).Find("left_eef_position")->As<WireArray>();
  EXPECT_THAT(position->shape, ElementsAre(1, 4, 3));
  EXPECT_EQ(position->dtype, "<f4");
  EXPECT_EQ(Part(reply, "left_eef_position")[1], 2 + 1);  // a white picture
  EXPECT_EQ(Part(reply, "left_gripper"), (std::vector<double>(4, 0.25)));
  EXPECT_EQ(Part(reply, "right_gripper"), (std::vector<double>(4, 1)));
  EXPECT_EQ(Part(reply, "right_eef_position")[2], 6);
  EXPECT_EQ(Part(reply, "right_eef_rotation")[2], 1);
  EXPECT_EQ(*reply.As<WireList>()->at(1).Find("unknown_instruction"), WireValue(false));
  EXPECT_EQ(*Ask(server, Request("get_action", WireMap{{"observation", Asked("fly")}}))
                 .As<WireList>()
                 ->at(1)
                 .Find("unknown_instruction"),
            WireValue(true));
}

// Keys as simulators and N1.5 have them, with and without the axis of the batch.
TEST(GrootProtocol, FlatKeysGiveTheSame) {
  GrootProtocol server(Echo(), {});
  const std::vector<double> nested = Part(
      Ask(server, Request("get_action", WireMap{{"observation", Asked()}})), "left_eef_position");
  for (const bool batched : {true, false}) {
    WireMap flat;
    const auto add = [&](const char* modality, const WireMap& parts) {
      for (const auto& [name, value] : parts) {
        WireArray array = *value.As<WireArray>();
        if (!batched) array.shape.erase(array.shape.begin());
        flat.emplace_back(std::string(modality) + "." + name, array);
      }
    };
    add("video", Video());
    add("state", State());
    flat.emplace_back("annotation.human.action.task_description", WireList{"sort"});
    const WireValue reply = Ask(server, Request("get_action", flat), batched ? "b" : "c");
    EXPECT_EQ(Part(reply, "action.left_eef_position"), nested);
    EXPECT_EQ(Part(reply, "action.right_gripper")[0], 1);
    EXPECT_EQ(reply.Find("action.left_gripper")->As<WireArray>()->shape.size(), batched ? 3u : 2u);
    // old clients get arrays in the form that they sent
    const WireMessage old = Unpack(
        server.Answer(batched ? "d" : "e", Pack(Request("get_action", flat), ArrayForm::kNpy)));
    EXPECT_EQ(old.arrays, ArrayForm::kNpy);
    EXPECT_EQ(Part(old.value, "action.left_eef_position"), nested);
  }
}

TEST(GrootProtocol, NoiseIsThatOfTheClientsOwnChunks) {
  GrootProtocol server(Echo(), {.seed = 3, .token = "", .allow_kill = false});
  const WireValue request = Request("get_action", WireMap{{"observation", Asked()}});
  const auto noise = [&](const char* client) {
    return Part(Ask(server, request, client), "left_eef_position")[0];
  };
  const double first = noise("a"), second = noise("a");
  EXPECT_NE(first, second);
  EXPECT_EQ(noise("b"), first) << "another client must not change it";
  EXPECT_EQ(noise("b"), second);
  // an episode begins: other noise, the same for both
  Ask(server, Request("reset"), "a");
  Ask(server, Request("reset", WireMap{{"options", WireValue()}}), "b");
  const double third = noise("a");
  EXPECT_NE(third, first);
  EXPECT_EQ(noise("b"), third);
  // named noise is that of the policy
  const RngKey key{1, 2, 3, 4, 5};
  const WireMap named{
      {"observation", Asked()},
      {"options", WireMap{{"noise", WireList{1, 2, 3, 4, 5}}, {"dtype", "float64"}}}};
  EXPECT_EQ(Part(Ask(server, Request("get_action", named)), "left_eef_position")[0],
            1 + Rng(key).Normal());
}

TEST(GrootProtocol, BatchesAndThePast) {
  GrootProtocol server(Echo(3), {});
  // two robots at once: shapes follow
  const WireValue two =
      Ask(server, Request("get_action", WireMap{{"observation", Asked("sort", 2, 1)}}));
  EXPECT_THAT(two.As<WireList>()->at(0).Find("left_gripper")->As<WireArray>()->shape,
              ElementsAre(2, 4, 1));
  EXPECT_EQ(Part(two, "right_gripper"), std::vector<double>(8, 1));
  // as much of the past as the policy sees, of what there is
  for (const auto& [given, seen] : {std::pair(1, 0), {2, 1}, {3, 2}, {5, 2}}) {
    const WireValue reply =
        Ask(server, Request("get_action", WireMap{{"observation", Asked("sort", 1, given)}}));
    EXPECT_EQ(Part(reply, "left_eef_position")[2], 3 + seen);
  }
}

TEST(GrootProtocol, SaysWhatThePolicyIs) {
  GrootProtocol server(Echo(3), {});
  const WireValue config = Ask(server, Request("get_modality_config"));
  EXPECT_EQ(*config.Find("video")->Find("modality_keys"), WireValue(WireList{"front", "wrist"}));
  EXPECT_EQ(*config.Find("video")->Find("delta_indices"), WireValue(WireList{-2, -1, 0}));
  EXPECT_EQ(*config.Find("action")->Find("delta_indices"), WireValue(WireList{0, 1, 2, 3}));
  EXPECT_EQ(config.Find("understudy")->Find("state")->As<WireMap>()->size(), 7u);
  EXPECT_EQ(*Ask(server, Request("ping")).Find("status"), WireValue("ok"));
}

TEST(GrootProtocol, WhatIsWrongIsOneSentenceThatNamesIt) {
  GrootProtocol server(Echo(), {});
  const auto refused = [&](WireValue data) {
    return ErrorOf(Ask(server, Request("get_action", std::move(data))));
  };
  EXPECT_THAT(refused(With(Asked(), "video", "wrist", {})),
              HasSubstr("video.wrist is missing; the request has front"));
  EXPECT_THAT(refused(With(Asked(), "video", "front", "png")),
              HasSubstr("video.front is a text, not an array"));
  EXPECT_THAT(
      refused(
          With(Asked(), "video", "front", WireArray::Bytes({1, 1, 4, 4, 3}, std::string(48, 'x')))),
      HasSubstr("video.front has pictures of 4 x 4 x 3 (height, width, colours), the policy "
                "sees 2 x 3 x 3"));
  EXPECT_THAT(refused(With(Asked(), "video", "front",
                           WireArray::Float32({1, 1, 2, 3, 3}, std::vector<double>(18, 0.5)))),
              HasSubstr("video.front holds '<f4': pictures are uint8"));
  EXPECT_THAT(
      refused(With(Asked(), "state", "left_gripper", WireArray::Float32({1, 1, 3}, {1, 2, 3}))),
      HasSubstr("state.left_gripper has 3 numbers, the policy sees 2"));
  EXPECT_THAT(
      refused(With(Asked(), "state", "left_gripper", WireArray::Float32({1, 1, 2}, {1, NAN}))),
      HasSubstr("state.left_gripper holds a number that is not finite"));
  EXPECT_THAT(
      refused(With(Asked(), "state", "left_gripper", WireArray::Float32({1, 2, 2}, {1, 1, 1, 1}))),
      HasSubstr("state.left_gripper has B = 1 and T = 2, video.front has 1 and 1"));
  EXPECT_THAT(refused(With(Asked(), "state", "left_gripper", WireArray::Float32({2}, {1, 1}))),
              HasSubstr("has the shape [2]: 3 axes are read"));
  EXPECT_THAT(
      refused(With(Asked(), "state", "cube_rotation", WireArray::Float32({1, 1, 4}, {0, 0, 0, 0}))),
      HasSubstr("cube_rotation: [0, 0, 0, 0] is no rotation"));
  EXPECT_THAT(
      refused(With(Asked(), "language", "annotation.human.task_description", {})),
      HasSubstr("language.annotation.human.task_description is missing, and the policy knows 2"));
  // all of it at once
  EXPECT_THAT(refused(WireMap{{"observation", WireMap{{"video", WireMap()}}}}),
              AllOf(HasSubstr("video.front is missing; the request has none of its kind"),
                    HasSubstr("state.cube_rotation is missing")));
  EXPECT_THAT(refused({}), HasSubstr("data is missing"));
  EXPECT_THAT(ErrorOf(Ask(server, Request("get_acton"))), HasSubstr("did you mean 'get_action'?"));
  EXPECT_THAT(ErrorOf(Ask(server, WireList{})), HasSubstr("a request is a map with 'endpoint'"));
  EXPECT_THAT(ErrorOf(Unpack(server.Answer("a", "\xc1")).value), HasSubstr("no msgpack message"));
  EXPECT_THAT(
      refused(WireMap{{"observation", Asked()}, {"options", WireMap{{"noise", WireList{1, 2}}}}}),
      HasSubstr("options.noise: five whole numbers"));
  // nothing that a client sends is taken without a bound
  WireMap many;
  for (const auto& [name, value] : State(1, 1)) many.emplace_back("state." + name, value);
  many[0].second = WireArray::Bytes({65, 1, 3}, std::string(195, '\x01'));
  EXPECT_THAT(refused(many), HasSubstr("left_eef_position has a batch of 65: at most 64"));
  EXPECT_THAT(refused(WireMap{{"observation", Asked(std::string(5000, 'x'))}}),
              HasSubstr("the instruction has 5000 bytes, at most 4096 are read"));
  const std::string long_name = ErrorOf(Ask(server, Request(std::string(1 << 20, 'a').c_str())));
  EXPECT_LT(long_name.size(), 300u);
  EXPECT_THAT(ErrorOf(Ask(server, Request("\x1b[2J\n"))), HasSubstr("'?[2J?'"));
  EXPECT_THAT(
      refused(With(Asked(), "video", "front", WireArray{"?", {1, 1, 2, 3, 3}, std::string(18, 1)})),
      HasSubstr("pictures are uint8"));
  EXPECT_EQ(server.refused(), 21);
  // and it lives
  EXPECT_EQ(*Ask(server, Request("ping")).Find("status"), WireValue("ok"));
}

TEST(GrootProtocol, TokensAndKill) {
  GrootProtocol closed(Echo(), {.seed = 1, .token = "secret", .allow_kill = false});
  for (const char* token : {"", "secre", "secret1", "Secret"}) {
    EXPECT_THAT(ErrorOf(Ask(closed, Request("ping", {}, token))), HasSubstr("Unauthorized"))
        << token;
  }
  EXPECT_THAT(ErrorOf(Ask(closed, Request("ping"))), HasSubstr("Unauthorized"));
  EXPECT_EQ(*Ask(closed, Request("ping", {}, "secret")).Find("status"), WireValue("ok"));
  EXPECT_THAT(ErrorOf(Ask(closed, Request("kill", {}, "secret"))), HasSubstr("not allowed"));
  EXPECT_FALSE(closed.killed());
  GrootProtocol open(Echo(), {.seed = 1, .token = "", .allow_kill = true});
  Ask(open, Request("kill"));
  EXPECT_TRUE(open.killed());
}

// ---- over a socket ----

class Served : public testing::Test {
 protected:
  void Start(int history = 1, int64_t message_bytes = 1 << 20, std::string token = "") {
    protocol_ =
        std::make_unique<GrootProtocol>(Echo(history), ProtocolOptions{.seed = 1, .token = token});
    server_ = std::make_unique<ZmqServer>("tcp://127.0.0.1:0",
                                          ServerLimits{.message_bytes = message_bytes});
    address_ = server_->address();
    thread_ = std::thread([this] {
      while (!ends_) {
        server_->Serve(20, [this](const std::string& client, std::string_view request) {
          return protocol_->Answer(client, request);
        });
      }
    });
  }
  void Stop() {
    ends_ = true;
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }
  void TearDown() override { Stop(); }

  std::unique_ptr<GrootProtocol> protocol_;
  std::unique_ptr<ZmqServer> server_;
  std::string address_;
  std::thread thread_;
  std::atomic<bool> ends_ = false;
};

PolicyInput Input(int i, int earlier) {
  Rng rng(RngKey{7}.WithParent(static_cast<uint64_t>(i)));
  const auto pose = [&] {
    return Pose(Eigen::Quaterniond(rng.Normal(), rng.Normal(), rng.Normal(), rng.Normal()),
                {rng.Normal(), rng.Normal(), rng.Normal()});
  };
  const auto seen = [&] {
    PolicyObservation observation;
    for (int c = 0; c < 2; ++c) {
      Image image(3, 2);
      for (uint8_t& value : image.rgb) value = static_cast<uint8_t>(rng.NextU32());
      observation.images.push_back(image);
    }
    for (const int fingers : {2, 0}) {
      ArmObservation arm;
      arm.X_WE = pose();
      arm.gripper_q = Eigen::VectorXd::Constant(fingers, rng.Normal());
      observation.arms.push_back(arm);
    }
    observation.X_WO.push_back(pose());
    return observation;
  };
  PolicyInput input;
  static_cast<PolicyObservation&>(input) = seen();
  for (int k = 0; k < earlier; ++k) input.earlier.push_back(seen());
  input.instruction = i % 2 ? "sort" : "stack";
  return input;
}

TEST_F(Served, ARemotePolicyActsBitForBitAsTheLocalOne) {
  Start(3);
  const std::unique_ptr<Policy> remote = OpenRemotePolicy({.address = address_});
  const EchoPolicy local(3);
  EXPECT_EQ(remote->info().hash, local.info().hash);
  EXPECT_EQ(remote->info().cameras, local.info().cameras);
  EXPECT_EQ(remote->info().image_width, 3);
  EXPECT_EQ(remote->info().image_height, 2);
  EXPECT_EQ(remote->info().horizon, 4);
  EXPECT_EQ(remote->info().execute, 2);
  EXPECT_EQ(remote->info().history, 3);
  EXPECT_EQ(remote->info().arms, 2);
  EXPECT_EQ(remote->info().objects, local.info().objects);
  EXPECT_EQ(remote->info().tasks, local.info().tasks);
  EXPECT_EQ(remote->info().X_WB, local.info().X_WB);
  EXPECT_EQ(remote->info().limits.linear, local.info().limits.linear);
  // from several threads, as the evaluator asks
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < 60; i += 3) {
        const PolicyInput input = Input(i, i % 3);
        const RngKey key{~uint64_t{0}, 2, static_cast<uint64_t>(i), 4, HashOf("term")};
        const ActionChunk here = local.Act(input, key), there = remote->Act(input, key);
        EXPECT_EQ(here, there) << i;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(protocol_->refused(), 0);
}

TEST_F(Served, WhoIsNotThereIsNamed) {
  try {
    OpenRemotePolicy({.address = "tcp://127.0.0.1:9", .token = "", .timeout_ms = 200});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_THAT(
        error.what(),
        HasSubstr("policy server tcp://127.0.0.1:9: no answer to get_modality_config within "
                  "0.2 s"));
  }
  EXPECT_THROW(OpenRemotePolicy({.address = "nowhere"}), Error);
  // one that is lost on the way
  Start();
  const std::unique_ptr<Policy> remote =
      OpenRemotePolicy({.address = address_, .token = "", .timeout_ms = 300});
  remote->Act(Input(0, 0), {});
  Stop();
  try {
    remote->Act(Input(0, 0), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no answer to get_action"));
  }
}

TEST_F(Served, APortThatIsInUseIsNamed) {
  Start();
  try {
    ZmqServer second(address_, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), AllOf(HasSubstr(address_), HasSubstr("the port is in use")));
  }
}

TEST_F(Served, TheServersWordsReachTheClient) {
  Start(1, 1 << 20, "secret");
  try {
    OpenRemotePolicy({.address = address_, .token = "wrong"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("get_modality_config: Unauthorized"));
  }
  EXPECT_EQ(OpenRemotePolicy({.address = address_, .token = "secret"})->info().name, "echo");
}

// The first actions of an answer, for each of a batch.
WireMap Committed(int64_t batch, int64_t steps) {
  WireMap parts;
  for (const auto& [name, size] : {std::pair("left_eef_position", 3),
                                   {"left_eef_rotation", 4},
                                   {"left_gripper", 1},
                                   {"right_eef_position", 3},
                                   {"right_eef_rotation", 4},
                                   {"right_gripper", 1}}) {
    std::vector<double> numbers;
    for (int64_t i = 0; i < batch * steps; ++i) {
      for (int n = 0; n < size; ++n) {
        numbers.push_back(size == 4 ? n == 0 : 0.125 * static_cast<double>(i + n));
      }
    }
    parts.emplace_back(name, WireArray::Float64({batch, steps, size}, numbers));
  }
  return parts;
}

WireValue WithCommitted(WireMap committed, int64_t batch = 1) {
  return Request("get_action", WireMap{{"observation", Asked("sort", batch)},
                                       {"options", WireMap{{"committed", std::move(committed)}}}});
}

TEST(GrootProtocol, AnswersGoOnFromCommittedActions) {
  GrootProtocol server(Echo(), {.seed = 3, .token = "", .allow_kill = false});
  const WireValue reply = Ask(server, WithCommitted(Committed(2, 2), 2));
  const std::vector<double> targets = Part(reply, "left_eef_position");
  ASSERT_EQ(targets.size(), 2u * 4 * 3);
  EXPECT_THAT(std::vector(targets.begin(), targets.begin() + 6),
              ElementsAre(0, 0.125, 0.25, 0.125, 0.25, 0.375));
  EXPECT_EQ(targets[12], 0.25);  // the second of the batch has its own
  // without a first axis, for one
  WireMap parts = Committed(1, 1);
  for (auto& [name, value] : parts) {
    const WireArray* array = value.As<WireArray>();
    value = WireArray::Float64({1, array->shape[2]}, array->Numbers());
  }
  EXPECT_EQ(Part(Ask(server, WithCommitted(parts)), "left_eef_position")[2], 0.25);
}

TEST(GrootProtocol, CommittedActionsThatDoNotFitAreRefused) {
  GrootProtocol server(Echo(), {});
  const auto refused = [&](WireMap committed, int64_t batch = 1) {
    return ErrorOf(Ask(server, WithCommitted(std::move(committed), batch)));
  };
  const auto changed = [](const char* part, WireValue value) {
    WireMap parts;
    for (auto& [name, old] : Committed(1, 2)) {
      if (name != part) {
        parts.emplace_back(name, old);
      } else if (!value.is_null()) {
        parts.emplace_back(name, value);
      }
    }
    return parts;
  };
  EXPECT_THAT(refused(Committed(1, 3)),
              HasSubstr("options.committed has 3 steps: the policy was trained for a delay of at "
                        "most 2"));
  EXPECT_THAT(refused(Committed(1, 2), 2),
              HasSubstr("options.committed.left_eef_position has the shape [1, 2, 3], not [2, k, "
                        "3]"));
  EXPECT_THAT(refused(changed("right_gripper", {})),
              HasSubstr("options.committed.right_gripper is missing, not an array"));
  EXPECT_THAT(refused(changed("left_gripper", WireArray::Float64({1, 1, 1}, {0}))),
              HasSubstr("options.committed.left_gripper has the shape [1, 1, 1], not [1, 2, 1]"));
  EXPECT_THAT(refused(changed("left_gripper", WireArray::Float64({1, 2, 1}, {0, NAN}))),
              HasSubstr("options.committed.left_gripper holds a number that is not finite"));
  EXPECT_THAT(refused(changed("left_eef_rotation",
                              WireArray::Float64({1, 2, 4}, std::vector<double>(8, 0.0)))),
              HasSubstr("options.committed.left_eef_rotation: [0, 0, 0, 0] is no rotation"));
  const auto turned = [&](double w) {
    return changed("left_eef_rotation", WireArray::Float64({1, 2, 4}, {w, 0, 0, 0, 1, 0, 0, 0}));
  };
  EXPECT_THAT(refused(turned(1e200)), HasSubstr("is no rotation"));
  EXPECT_EQ(server.refused(), 7);
}

}  // namespace
}  // namespace understudy
