// What clients of openpi's protocol are answered, message by message, and over a socket.
#include "serve/openpi_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <thread>

#include "core/base/error.h"
#include "serve/openpi_client.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Two steps: the first number seen and the first pixel, then two numbers of noise.
class EchoColumns : public ServedPolicy {
 public:
  EchoColumns() {
    contract_.info.name = "echo";
    contract_.info.horizon = 2;
    contract_.info.tasks = {"stack"};
    contract_.cameras = {{"front", 3, 2}};
    contract_.state = {{"place", 3}, {"grip", 1}};
    contract_.action = {{"move", 2}, {"noise", 2}};
  }

 private:
  const ServedContract& DoContract() const override { return contract_; }
  ServedChunk DoAnswer(const ServedObservation& seen, const RngKey& key) const override {
    if (seen.instruction == "break") throw std::runtime_error("it broke");
    Rng rng(key);
    const double first = seen.moments.front().state[0][0];
    const double pixel = seen.moments.front().images[0].rgb[0];
    return {{{first, pixel}, {-first, 0}}, {{rng.Normal(), 1}, {rng.Normal(), 2}}};
  }
  ServedContract contract_;
};

WireMap EchoObservation(double first = 0.5) {
  return {{"observation/front", WireArray::Bytes({2, 3, 3}, std::string(18, '\7'))},
          {"observation/place", WireArray::Float64({3}, {first, 2, 3})},
          {"observation/grip", WireArray::Float32({1}, {4})},
          {"prompt", "stack"},
          {"extra", 1}};
}

// The observation with another value of `key`; null: without it.
std::string PackedWith(const std::string& key, const WireValue& value) {
  WireMap changed;
  for (auto& [name, held] : EchoObservation()) {
    if (name != key) changed.emplace_back(name, held);
  }
  if (!value.is_null()) changed.emplace_back(key, value);
  return Pack(changed, ArrayForm::kOpenpi);
}

TEST(OpenpiProtocol, AnswersWithThePartsSideBySide) {
  OpenpiProtocol protocol(std::make_shared<EchoColumns>(), 1);
  const WireValue metadata = Unpack(protocol.Metadata()).value;
  EXPECT_EQ(*metadata.Find("observation"),
            WireValue(WireMap{{"observation/front", WireList{2, 3, 3}},
                              {"observation/place", WireList{3}},
                              {"observation/grip", WireList{1}}}));
  EXPECT_EQ(*metadata.Find("actions"),
            WireValue(WireMap{{"move", WireList{0, 2}}, {"noise", WireList{2, 4}}}));

  const auto actions = [&](OpenpiProtocol& of, const std::string& request) {
    const WebsocketServer::Reply reply = of.Answer(request, true);
    EXPECT_TRUE(reply.binary) << reply.bytes;
    const WireMessage answer = Unpack(reply.bytes);
    EXPECT_EQ(answer.arrays, ArrayForm::kOpenpi);
    const WireArray& array = *answer.value.Find("actions")->As<WireArray>();
    EXPECT_EQ(array.dtype, "<f4");
    EXPECT_THAT(array.shape, ElementsAre(2, 4));
    return array.Numbers();
  };
  const std::string request = Pack(EchoObservation(), ArrayForm::kOpenpi);
  const std::vector<double> said = actions(protocol, request);
  EXPECT_THAT(said, ElementsAre(0.5, 7, testing::_, 1, -0.5, 0, testing::_, 2));
  // noise follows from seed and observation
  EXPECT_NE(actions(protocol, Pack(EchoObservation(1), ArrayForm::kOpenpi))[2], said[2]);
  EXPECT_EQ(actions(protocol, request), said);
  OpenpiProtocol other(std::make_shared<EchoColumns>(), 2);
  EXPECT_NE(actions(other, request)[2], said[2]);
  EXPECT_EQ(actions(protocol, PackedWith("prompt", {})).size(), said.size())
      << "the only instruction may be left out";
  EXPECT_EQ(protocol.chunks(), 4);
  EXPECT_EQ(protocol.refused(), 0);
}

TEST(OpenpiProtocol, WhatIsWrongIsSaidInAText) {
  OpenpiProtocol protocol(std::make_shared<EchoColumns>(), 1);
  const auto complaint = [&](const std::string& request, bool binary = true) -> std::string {
    const WebsocketServer::Reply reply = protocol.Answer(request, binary);
    return reply.binary ? "accepted" : reply.bytes;
  };
  const auto with = [&](const std::string& key, const WireValue& value) {
    return complaint(PackedWith(key, value));
  };
  const std::string place = "observation/place", front = "observation/front";
  EXPECT_THAT(complaint("text", false), HasSubstr("a binary message"));
  EXPECT_THAT(complaint(""), HasSubstr("cut off"));
  EXPECT_THAT(complaint(Pack(WireList{1})), HasSubstr("an observation is a map, this is a list"));
  EXPECT_THAT(complaint(Pack(WireMap{})),
              AllOf(HasSubstr("observation/front is missing"), HasSubstr("observation/grip is")));
  EXPECT_THAT(with(place, WireArray::Float64({1, 3}, {1, 2, 3})),
              HasSubstr("observation/place has the shape [1, 3], the policy sees [3]"));
  EXPECT_THAT(with(place, WireArray::Float64({3}, {1, NAN, 3})), HasSubstr("not finite"));
  EXPECT_THAT(with(place, WireArray{"<f4", {3}, "12345678"}), HasSubstr("with 8 bytes"));
  EXPECT_THAT(with(place, WireArray{"|O8", {3}, std::string(24, '\0')}), HasSubstr("no objects"));
  EXPECT_THAT(with(place, "here"), HasSubstr("not an array"));
  EXPECT_THAT(with(front, WireArray{"<i2", {2, 3, 3}, std::string(36, '\0')}),
              HasSubstr("pictures are uint8"));
  EXPECT_THAT(with(front, WireArray::Bytes({3, 2, 3}, std::string(18, '\0'))),
              HasSubstr("the policy sees [2, 3, 3]"));
  EXPECT_THAT(with("prompt", 5), HasSubstr("prompt is"));
  EXPECT_THAT(with("prompt", std::string(5000, 'x')), HasSubstr("at most 4096"));
  EXPECT_THAT(with("prompt", "break"), HasSubstr("internal error: it broke"));
  EXPECT_EQ(with("prompt", "stack"), "accepted");
  EXPECT_EQ(protocol.refused(), 14);
}

TEST(OpenpiProtocol, OverASocket) {
  OpenpiProtocol protocol(std::make_shared<EchoColumns>(), 1);
  WebsocketServer server({.message_bytes = 4096,
                          .connections = 4,
                          .greeting = protocol.Metadata(),
                          .allows = [](std::string_view key) { return key == "Api-Key open"; }});
  std::atomic<bool> ends = false;
  std::thread thread([&] {
    while (!ends) {
      server.Serve(20, [&](const std::string&, std::string_view request, bool binary) {
        return protocol.Answer(request, binary);
      });
    }
  });
  const auto complaint = [](const std::function<void()>& act) -> std::string {
    try {
      act();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  RemoteOptions options{.address = server.address(), .token = "open", .timeout_ms = 5000};
  {
    OpenpiClient client(options);
    EXPECT_EQ(*client.metadata().Find("policy"), WireValue("echo"));
    EXPECT_NE(client.Infer(EchoObservation()).Find("actions"), nullptr);
    EXPECT_THAT(complaint([&] { client.Infer(WireMap{}); }),
                HasSubstr("infer: observation/front is missing"));
    EXPECT_THAT(complaint([&] {
                  client.Infer(WireMap{{"long", std::string(5000, 'x')}});
                }),
                HasSubstr("code 1009"));
    EXPECT_NE(client.Infer(EchoObservation()).Find("actions"), nullptr);
  }
  RemoteOptions stranger = options;
  stranger.token = "shut";
  EXPECT_THAT(complaint([&] { OpenpiClient client(stranger); }), HasSubstr("HTTP 401"));
  EXPECT_EQ(complaint([&] { OpenpiClient client(options); }), "accepted");
  // no more than four at once
  std::vector<std::unique_ptr<OpenpiClient>> many;
  const std::string full = complaint([&] {
    for (int i = 0; i < 5; ++i) many.push_back(std::make_unique<OpenpiClient>(options));
  });
  EXPECT_THAT(full, HasSubstr("HTTP 503"));
  EXPECT_GE(many.size(), 2u);
  many.clear();
  ends = true;
  thread.join();
  try {
    const std::string port = options.address.substr(options.address.rfind(':') + 1);
    WebsocketServer again({.port = std::stoi(port)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("the port is in use"));
  }
  EXPECT_THROW(WebsocketServer({.host = "nowhere"}), Error);
}

}  // namespace
}  // namespace understudy
