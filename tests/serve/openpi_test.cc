// Policies behind openpi's protocol: what is sent, and what a server's answers and its end lead to.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cmath>
#include <functional>
#include <mutex>
#include <thread>

#include "core/base/error.h"
#include "serve/openpi_client.h"
#include "serve/policy_map.h"
#include "serve/remote_policy.h"
#include "serve/zmq_server.h"

namespace understudy {
namespace {

namespace beast = boost::beast;
namespace net = boost::asio;
namespace websocket = beast::websocket;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using tcp = net::ip::tcp;

// What a scripted server does with a request.
struct Said {
  enum class How { kBinary, kText, kSilence, kDrop, kClose } how = How::kBinary;
  std::string bytes = "";  // message, or reason
  std::string stray = "";  // a second message right after
  uint16_t code = 1011;    // of kClose
};

// A server of openpi's protocol, a thread for each connection, that answers by a script.
class OpenpiServer {
 public:
  using Script = std::function<Said(const std::string& request)>;
  explicit OpenpiServer(Script script, uint16_t port = 0, std::string key = "")
      : script_(std::move(script)), key_(std::move(key)), acceptor_(io_) {
    const tcp::endpoint endpoint(net::ip::make_address("127.0.0.1"), port);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(net::socket_base::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
    thread_ = std::thread([this] { Accept(); });
  }
  ~OpenpiServer() {
    ends_ = true;
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }
  uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  RemoteOptions options(int timeout_ms = 5000) const {
    return {.address = fmt::format("ws://127.0.0.1:{}", port_), .timeout_ms = timeout_ms};
  }
  // Ends the connections that are open, as a server that is killed.
  void Drop() {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  Said greeting{Said::How::kBinary, Pack(WireMap{{"policy", "toy"}})};

 private:
  void Accept() {
    while (!ends_) {
      tcp::socket socket(io_);
      beast::error_code error;
      acceptor_.accept(socket, error);
      if (error) continue;
      ++connections_;
      const std::lock_guard lock(mutex_);
      sockets_.push_back(socket.native_handle());
      threads_.emplace_back([this, held = std::make_shared<tcp::socket>(std::move(socket))] {
        try {
          Serve(std::move(*held));
        } catch (const std::exception&) {
          // the client or the test ended it
        }
      });
    }
  }

  void Serve(tcp::socket socket) {
    const int handle = socket.native_handle();
    websocket::stream<tcp::socket> stream(std::move(socket));
    // its number may be given away once it is closed: it is not shut down by Drop then
    const std::shared_ptr<void> gone(nullptr, [this, handle](void*) {
      const std::lock_guard lock(mutex_);
      std::erase(sockets_, handle);
    });
    beast::flat_buffer buffer;
    beast::http::request<beast::http::string_body> request;
    beast::http::read(stream.next_layer(), buffer, request);
    if (!key_.empty() && request["Authorization"] != "Api-Key " + key_) {
      beast::http::response<beast::http::string_body> refusal(beast::http::status::unauthorized,
                                                              request.version());
      refusal.prepare_payload();
      beast::http::write(stream.next_layer(), refusal);
      return;
    }
    stream.accept(request);
    if (!Say(stream, greeting)) return;
    while (true) {
      buffer.clear();
      stream.read(buffer);
      if (!Say(stream, script_(beast::buffers_to_string(buffer.data())))) return;
    }
  }

  // False: the connection ends.
  static bool Say(websocket::stream<tcp::socket>& stream, const Said& said) {
    using How = Said::How;
    if (said.how == How::kDrop) return false;
    if (said.how == How::kSilence) return true;
    if (said.how == How::kClose) {
      stream.close(
          websocket::close_reason(static_cast<websocket::close_code>(said.code), said.bytes));
      return false;
    }
    stream.binary(said.how == How::kBinary);
    stream.write(net::buffer(said.bytes));
    if (!said.stray.empty()) stream.write(net::buffer(said.stray));
    return true;
  }

  Script script_;
  std::string key_;
  net::io_context io_;
  tcp::acceptor acceptor_;
  uint16_t port_ = 0;
  std::atomic<bool> ends_ = false;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread thread_;
};

SimulatorInfo OneArm() {
  SimulatorInfo info;
  info.robot = "toy";
  info.arms = {"arm"};
  info.cameras = {"front", "wrist"};
  info.joint_names = {{"a", "b"}};
  info.gripper_joint_names = {{"g", "h"}};
  info.X_WB = {Pose()};
  return info;
}

// Keys as those of openpi's policies for LIBERO.
PolicyMap LiberoMap() {
  PolicyMap map;
  map.layout = RequestLayout::kOpenpi;
  map.cameras = {{"front", "observation/image"}, {"wrist", "observation/wrist_image"}};
  map.image_width = 3;
  map.image_height = 2;
  map.language = "prompt";
  map.state = {{.key = "observation/state", .from = Quantity::kEefPosition},
               {.key = "observation/state",
                .from = Quantity::kEefRotation,
                .form = RotationForm::kAxisAngle},
               {.key = "observation/state", .from = Quantity::kGripper}};
  map.action = {{.key = "actions",
                 .to = Quantity::kEefPosition,
                 .meaning = ActionMeaning::kFromObservation,
                 .scale = 0.05},
                {.key = "actions",
                 .to = Quantity::kEefRotation,
                 .first = 3,
                 .form = RotationForm::kAxisAngle,
                 .meaning = ActionMeaning::kFromObservation},
                {.key = "actions", .to = Quantity::kGripper, .first = 6}};
  return map;
}

PolicyInput SeenByOneArm(double x = 0.5) {
  PolicyInput input;
  for (int c = 0; c < 2; ++c) {
    Image image(3, 2);
    for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(100 * c + i);
    input.images.push_back(image);
  }
  ArmObservation arm;
  arm.X_WE =
      Pose(Eigen::Quaterniond(Eigen::AngleAxisd(0.5, Eigen::Vector3d::UnitZ())), {x, -0.25, 1.5});
  arm.gripper_q = Eigen::Vector2d(0.03125, -0.0625);
  input.arms.push_back(arm);
  input.instruction = "put the bowl on the plate";
  return input;
}

Said Actions(WireArray actions) {
  return {Said::How::kBinary, Pack(WireMap{{"actions", std::move(actions)},
                                           {"server_timing", WireMap{{"infer_ms", 1.5}}}},
                                   ArrayForm::kOpenpi)};
}

// A chunk of two steps, whose first goes `x` of 5 cm along x.
WireArray Chunk(double x) {
  return WireArray::Float32({2, 7}, {x, 0, 0, 0, 0, 0.25, -1, 0, 0, 0, 0, 0, 0, 1});
}

std::string ComplaintOf(const std::function<void()>& act, ErrorKind kind = ErrorKind::kFailed) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Openpi, AnObservationIsSentWholeAndTheColumnsOfItsActionsAreDone) {
  std::string request;
  OpenpiServer server([&](const std::string& bytes) {
    request = bytes;
    return Actions(Chunk(2));
  });
  const auto policy = OpenMappedPolicy(server.options(), LiberoMap(), OneArm(), "m.yaml");
  const ActionChunk chunk = policy->Act(SeenByOneArm(), {});

  const WireValue seen = Unpack(request).value;
  ASSERT_EQ(seen.As<WireMap>()->size(), 4u);
  const WireArray& front = *seen.Find("observation/image")->As<WireArray>();
  EXPECT_EQ(front.dtype, "|u1");
  EXPECT_THAT(front.shape, ElementsAre(2, 3, 3));
  EXPECT_EQ(front.data[17], 17);
  EXPECT_EQ(seen.Find("observation/wrist_image")->As<WireArray>()->data[1], 101);
  const WireArray& state = *seen.Find("observation/state")->As<WireArray>();
  EXPECT_THAT(state.shape, ElementsAre(8));
  EXPECT_THAT(state.Numbers(), ElementsAre(0.5, -0.25, 1.5, 0, 0, 0.5, 0.03125, -0.0625));
  EXPECT_EQ(*seen.Find("prompt"), WireValue("put the bowl on the plate"));

  ASSERT_EQ(chunk.size(), 2u);
  const ArmAction& first = chunk[0].arms[0];
  EXPECT_TRUE(first.X_WE_cmd.translation().isApprox(Eigen::Vector3d(0.6, -0.25, 1.5), 1e-9));
  EXPECT_NEAR(Eigen::AngleAxisd(first.X_WE_cmd.rotation()).angle(), 0.75, 1e-9);
  EXPECT_EQ(first.gripper, -1);
  EXPECT_EQ(chunk[1].arms[0].gripper, 1);
}

TEST(Openpi, AnswersThatAreNotWhatTheMapSaysAreNamed) {
  Said said;
  OpenpiServer server([&](const std::string&) { return said; });
  const auto policy = OpenMappedPolicy(server.options(), LiberoMap(), OneArm(), "m.yaml");
  const auto complaint = [&](Said given) {
    said = std::move(given);
    return ComplaintOf([&] { policy->Act(SeenByOneArm(), {}); });
  };
  const auto raw = [](std::string bytes) { return Said{Said::How::kBinary, std::move(bytes)}; };
  const std::string start = fmt::format("policy server {}: ", server.options().address);

  EXPECT_EQ(complaint(Actions(Chunk(0))), "accepted");
  EXPECT_EQ(complaint(Actions(WireArray::Float64({1, 8}, {0, 0, 0, 0, 0, 0, 0, 0}))), "accepted");
  // invalid arrays
  EXPECT_THAT(complaint(Actions({"|O8", {1, 7}, std::string(56, '\0')})), HasSubstr("no objects"));
  EXPECT_THAT(complaint(Actions({">f4", {1, 7}, std::string(28, '\0')})),
              HasSubstr("little-endian"));
  EXPECT_THAT(complaint(Actions({"<U7", {1}, std::string(28, '\0')})), HasSubstr("'<U7'"));
  EXPECT_THAT(complaint(Actions({"<f4", {2, 7}, std::string(55, '\0')})),
              HasSubstr(start + "its answer to infer is an array of shape [2, 7] and type '<f4' "
                                "with 55 bytes"));
  EXPECT_THAT(complaint(Actions({"<f4", {int64_t{1} << 40, int64_t{1} << 40}, "1234"})),
              HasSubstr("an array of shape [1099511627776, 1099511627776]"));
  EXPECT_THAT(complaint(Actions({"<f4", {INT64_MAX, 7}, "1234"})), HasSubstr("no list of sizes"));
  // arrays of another shape
  EXPECT_THAT(complaint(Actions(WireArray::Float32({1, 6}, {0, 0, 0, 0, 0, 0}))),
              HasSubstr("'actions' of its answer has the shape [1, 6]: [T, D] with D of 7"));
  EXPECT_THAT(complaint(Actions(WireArray::Float32({1, 1, 7}, std::vector<double>(7)))),
              HasSubstr("has the shape [1, 1, 7]: [T, D]"));
  EXPECT_THAT(complaint(Actions(WireArray::Float32({0, 7}, {}))), HasSubstr("the shape [0, 7]"));
  EXPECT_THAT(complaint(Actions(Chunk(NAN))), HasSubstr("holds a number that is not finite"));
  EXPECT_THAT(complaint(Actions(Chunk(INFINITY))), HasSubstr("a number that is not finite"));
  // messages that are no answers
  EXPECT_THAT(complaint(raw(Pack(WireMap{{"action", 1}, {"timing", 2}}))),
              HasSubstr("its answer has no 'actions'; it has action, timing"));
  EXPECT_THAT(complaint(raw(Pack(WireMap{{"actions", WireList{1, 2}}}))),
              HasSubstr("its answer has no 'actions'"));
  EXPECT_THAT(complaint(raw(Pack(WireList{}))), HasSubstr("is a list, not a map"));
  EXPECT_THAT(complaint(raw("")), HasSubstr("its answer to infer is no msgpack message"));
  EXPECT_THAT(complaint(raw("\xdd\xff\xff\xff\xff")), HasSubstr("no msgpack message"));
  // the server's own words
  EXPECT_EQ(complaint({Said::How::kText, "Traceback:\n  line\nKeyError: 'state'\n"}),
            start + "infer: Traceback:\n  line\nKeyError: 'state'");
  const std::string last = "ValueError: too long";
  const std::string words = complaint(
      {Said::How::kText, std::string(9000, 'x') + "\n" + std::string(3000, 'y') + "\n" + last});
  EXPECT_THAT(words, AllOf(HasSubstr("yyy\n" + last), testing::Not(HasSubstr("x\n"))));
  EXPECT_THAT(complaint({Said::How::kText, " \n"}), HasSubstr("refused without a reason"));
  // none of it harms the next one
  EXPECT_EQ(complaint(Actions(Chunk(0))), "accepted");
}

TEST(Openpi, WhoIsNotThereOrDoesNotAnswerIsNamed) {
  EXPECT_THAT(ComplaintOf([] { OpenpiClient({.address = "ws://127.0.0.1:9", .timeout_ms = 200}); }),
              HasSubstr("policy server ws://127.0.0.1:9: no answer to connect within 0.2 s "
                        "(Connection refused)"));
  for (const char* address : {"nowhere", "wss://127.0.0.1:9", "ws://127.0.0.1", "ws://:8000",
                              "ws://127.0.0.1:port", "ws://a b:1", "tcp://127.0.0.1:9"}) {
    EXPECT_THAT(ComplaintOf([&] { OpenpiClient({.address = address}); }, ErrorKind::kUsage),
                AllOf(HasSubstr(address), HasSubstr("ws://HOST:PORT")));
  }
  // one that takes the connection and says nothing
  Said said{Said::How::kSilence};
  OpenpiServer server([&](const std::string&) { return said; });
  server.greeting.how = Said::How::kSilence;
  EXPECT_THAT(ComplaintOf([&] { OpenpiClient client(server.options(200)); }),
              HasSubstr("no answer to connect within 0.2 s"));
  server.greeting.how = Said::How::kBinary;
  OpenpiClient client(server.options(300));
  EXPECT_EQ(client.metadata(), WireValue(WireMap{{"policy", "toy"}}));
  EXPECT_THAT(ComplaintOf([&] { client.Infer(WireMap{}); }),
              HasSubstr("no answer to infer within 0.3 s"));
  said = Actions(Chunk(0));
  EXPECT_NE(client.Infer(WireMap{}).Find("actions"), nullptr);
}

TEST(Openpi, AServerThatEndsOrStartsAgain) {
  auto server =
      std::make_unique<OpenpiServer>([](const std::string&) { return Actions(Chunk(1)); });
  const uint16_t port = server->port();
  OpenpiClient client(server->options(1000));
  client.Infer(WireMap{});
  server.reset();
  EXPECT_THAT(ComplaintOf([&] { client.Infer(WireMap{}); }),
              HasSubstr("no answer to infer within 1.0 s (Connection refused)"));

  // between two questions
  server =
      std::make_unique<OpenpiServer>([](const std::string&) { return Actions(Chunk(2)); }, port);
  EXPECT_EQ(*client.Infer(WireMap{}).Find("actions"), WireValue(Chunk(2)));
  server->Drop();
  EXPECT_EQ(*client.Infer(WireMap{}).Find("actions"), WireValue(Chunk(2)));
  EXPECT_EQ(server->connections(), 2);

  // while it is asked, and back after a while
  server.reset();
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    int asked = 0;
    server = std::make_unique<OpenpiServer>(
        [asked](const std::string&) mutable {
          return ++asked == 1 ? Said{Said::How::kDrop} : Actions(Chunk(3));
        },
        port);
  });
  OpenpiClient patient({.address = fmt::format("ws://127.0.0.1:{}", port), .timeout_ms = 10000});
  later.join();
  EXPECT_EQ(*patient.Infer(WireMap{}).Find("actions"), WireValue(Chunk(3)));
}

// An answer belongs to its question, whatever comes late or twice.
TEST(Openpi, WhatNobodyAskedForIsNoAnswer) {
  std::atomic<int> asked = 0;
  OpenpiServer server([&](const std::string&) {
    const int turn = ++asked;
    Said said = Actions(Chunk(turn));
    if (turn == 1) said.stray = Actions(Chunk(99)).bytes;
    if (turn == 2) std::this_thread::sleep_for(std::chrono::milliseconds(600));
    return said;
  });
  OpenpiClient client(server.options(400));
  EXPECT_EQ(*client.Infer(WireMap{}).Find("actions"), WireValue(Chunk(1)));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_THAT(ComplaintOf([&] { client.Infer(WireMap{}); }), HasSubstr("no answer to infer"));
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_EQ(*client.Infer(WireMap{}).Find("actions"), WireValue(Chunk(3)));
}

TEST(Openpi, ARefusalIsFinalAndSaysWhy) {
  OpenpiServer locked([](const std::string&) { return Actions(Chunk(0)); }, 0, "secret");
  RemoteOptions options = locked.options();
  EXPECT_THAT(ComplaintOf([&] { OpenpiClient client(options); }),
              HasSubstr("connect: HTTP 401 Unauthorized"));
  options.token = "secret";
  EXPECT_NE(OpenpiClient(options).Infer(WireMap{}).Find("actions"), nullptr);

  // codes that say that the request is at fault; one that does not is asked again
  Said said{Said::How::kClose, "message too big", "", 1009};
  int asked = 0;
  OpenpiServer server([&](const std::string&) {
    ++asked;
    return said;
  });
  EXPECT_THAT(ComplaintOf([&] { OpenpiClient(server.options(2000)).Infer(WireMap{}); }),
              HasSubstr("infer: the server closed the connection, code 1009: message too big"));
  EXPECT_EQ(asked, 2) << "a used connection that is closed is opened again, once";
  asked = 0;
  said.code = 1001;
  EXPECT_THAT(ComplaintOf([&] { OpenpiClient(server.options(300)).Infer(WireMap{}); }),
              HasSubstr("no answer to infer within 0.3 s (the server closed the connection, code "
                        "1001: message too big)"));
  EXPECT_GT(asked, 2);

  // servers of something else
  ZmqServer other("tcp://127.0.0.1:0", {});
  std::string address = other.address();
  address.replace(0, 3, "ws");
  EXPECT_THAT(ComplaintOf([&] { OpenpiClient client({.address = address, .timeout_ms = 2000}); }),
              HasSubstr("does not speak WebSocket"));
  server.greeting = {Said::How::kText, "no policy"};
  EXPECT_THAT(ComplaintOf([&] { OpenpiClient client(server.options()); }),
              HasSubstr("connect: no policy"));
  server.greeting = {Said::How::kBinary, Pack(WireList{})};
  EXPECT_THAT(ComplaintOf([&] { OpenpiClient client(server.options()); }),
              HasSubstr("its answer to connect is a list, not a map"));
  server.greeting = {Said::How::kBinary, std::string((64 << 20) + 1, 'x')};
  EXPECT_THAT(ComplaintOf([&] { OpenpiClient client(server.options()); }),
              HasSubstr("message is too long"));
}

TEST(Openpi, SeveralThreadsAskAtOnce) {
  OpenpiServer server([](const std::string& request) {
    const WireValue seen = Unpack(request).value;
    const double x = seen.Find("observation/state")->As<WireArray>()->Numbers()[0];
    return Actions(Chunk(x));
  });
  const auto policy = OpenMappedPolicy(server.options(), LiberoMap(), OneArm(), "m.yaml");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const double x = 0.25 * (t + 4 * i);
        const ActionChunk chunk = policy->Act(SeenByOneArm(x), {});
        EXPECT_NEAR(chunk[0].arms[0].X_WE_cmd.translation().x(), 1.05 * x, 1e-9);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(server.connections(), 4);
}

TEST(Openpi, MapsAndAddressesThatDoNotFitAreNamed) {
  PolicyMap map = LiberoMap();
  map.history = 2;
  map.arrays = ArrayForm::kMsgpackNumpy;
  map.cameras["wrist"] = "observation/state";
  map.language = "observation/image";
  EXPECT_THAT(
      CheckMap(map, OneArm()),
      testing::UnorderedElementsAre(HasSubstr("arrays: layout openpi has its own form"),
                                    HasSubstr("history: layout openpi sends one observation"),
                                    "cameras.front: 'observation/image' is the key of language too",
                                    "state: 'observation/state' is the key of cameras.wrist too"));
  map = LiberoMap();
  map.arrays = ArrayForm::kOpenpi;
  EXPECT_THAT(CheckMap(map, OneArm()), testing::IsEmpty());
  map.layout = RequestLayout::kFlat;
  EXPECT_THAT(CheckMap(map, OneArm()), ElementsAre("arrays: openpi is of layout openpi"));

  map.arrays = ArrayForm::kNpy;
  const auto open = [&](const char* address) {
    return ComplaintOf([&] { OpenMappedPolicy({.address = address}, map, OneArm(), "m.yaml"); },
                       ErrorKind::kUsage);
  };
  EXPECT_THAT(open("ws://127.0.0.1:9"), HasSubstr("the map needs `layout: openpi`"));
  map.layout = RequestLayout::kOpenpi;
  EXPECT_THAT(open("tcp://127.0.0.1:9"), HasSubstr("ws://HOST:PORT"));
  EXPECT_THAT(
      ComplaintOf([] { OpenRemotePolicy({.address = "ws://127.0.0.1:9"}); }, ErrorKind::kUsage),
      HasSubstr("--policy-map FILE does"));
}

}  // namespace
}  // namespace understudy
