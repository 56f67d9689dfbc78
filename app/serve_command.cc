// serve: a checkpoint answers robots and other programs.
#include "app/serve_command.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cmath>
#include <exception>
#include <thread>

#include "app/commands.h"
#include "app/models.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/statistics.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/evaluate/recorded_baselines.h"
#ifdef WITH_SERVE
#include "serve/groot_protocol.h"
#include "serve/openpi_protocol.h"
#include "serve/policy_map.h"
#include "serve/remote_policy.h"
#include "serve/requests.h"
#include "serve/websocket/websocket_server.h"
#include "serve/zmq_server.h"
#endif

namespace understudy {
namespace {

enum class WireProtocol { kGroot, kOpenpi };

}  // namespace
template <>
struct EnumNames<WireProtocol> {
  static constexpr std::array kNames{"groot", "openpi"};
};
namespace {

struct ServeFlags {
  static constexpr std::array kUnwritten{"protocol"};
  std::string checkpoint, replay;
  std::string host = "127.0.0.1";
  int port = 5555;
  WireProtocol protocol = WireProtocol::kGroot;
  std::string token_file;
  bool allow_kill = false;
  uint64_t seed = 1;
  double message_mib = 64;
  template <class V>
  void Visit(V& v) {
    v("checkpoint", checkpoint, "run, checkpoint or pretrained_model folder");
    v("replay", replay,
      "answer with a whole demonstration of this dataset instead, whatever is seen, another one "
      "after each reset: a test of the wiring");
    v("host", host, "address to listen on; 0.0.0.0: every network of this machine");
    v("port", port, "of it; 0: a free one", Limits{0, 65535});
    v("protocol", protocol, "groot: GR00T's, over ZeroMQ; openpi: openpi's, over WebSocket");
    v("token_file", token_file,
      "file whose first line requests must hold as api_token, or openpi's clients as api_key; "
      "empty: none is asked for");
    v("allow_kill", allow_kill, "a client of GR00T's protocol may end the server");
    v("seed", seed, "of the policy's noise");
    v("message_mib", message_mib, "MiB, largest request", Limits{0.001, 4096});
  }
};

#ifdef WITH_SERVE
std::string FirstLine(const std::string& file) {
  if (file.empty()) return "";
  const std::string text = ReadText(file);
  const std::string line = text.substr(0, text.find_first_of("\r\n"));
  if (line.empty()) ThrowBadInput(file + ": its first line is the token, and it is empty");
  return line;
}

std::vector<ServedArm> ArmsOf(const Embodiment& embodiment) {
  std::vector<ServedArm> arms;
  for (const std::string& name : embodiment.arms) {
    const int joints = embodiment.of_joints() ? static_cast<int>(embodiment.joints_per_arm()) : 0;
    arms.push_back({name, joints, embodiment.gripper_joints});
  }
  return arms;
}

// A policy whose state and action are columns of a dataset, as they are stored.
class ServedColumns : public ServedPolicy {
 public:
  explicit ServedColumns(OpenedPolicy opened)
      : config_(opened.policy.config),
        layout_(std::move(opened.layout)),
        model_(std::move(opened.model)) {
    contract_.info = config_.Info(opened.policy.hash);
    RememberBy(layout_, &contract_.info);
    for (const std::string& camera : config_.cameras) {
      contract_.cameras.push_back({camera, config_.layout.width, config_.layout.height});
    }
    const auto parts = [](const std::vector<EmbodimentColumn>& columns) {
      std::vector<ServedPart> named;
      for (const EmbodimentColumn& column : columns) named.push_back({column.name, column.size});
      return named;
    };
    contract_.state = parts(config_.embodiment.state_columns);
    contract_.action = parts(config_.embodiment.action_columns);
  }

 private:
  const ServedContract& DoContract() const override { return contract_; }

  ServedChunk DoAnswer(const ServedObservation& observation, const RngKey& key) const override {
    std::vector<SeenRow> rows;
    for (const ServedMoment& moment : observation.moments) {
      SeenRow row;
      for (const std::vector<double>& part : moment.state) {
        row.state_S.insert(row.state_S.end(), part.begin(), part.end());
      }
      row.pixels = [&moment](size_t camera) { return moment.images[camera].rgb; };
      rows.push_back(std::move(row));
    }
    std::vector<float> committed_kA;
    const ServedChunk& committed = observation.committed;
    for (size_t k = 0; !committed.empty() && k < committed.front().size(); ++k) {
      for (const std::vector<std::vector<double>>& part : committed) {
        committed_kA.insert(committed_kA.end(), part[k].begin(), part[k].end());
      }
    }
    const std::vector<float> actions_TA =
        PredictChunk(config_, layout_, *model_, rows, observation.instruction, key, committed_kA);
    ServedChunk chunk(contract_.action.size());
    for (auto at = actions_TA.begin(); at != actions_TA.end();) {
      for (size_t part = 0; part < chunk.size(); ++part) {
        const auto end = at + contract_.action[part].size;
        chunk[part].emplace_back(at, end);
        at = end;
      }
    }
    return chunk;
  }

  PolicyConfig config_;
  SampleLayout layout_;
  std::unique_ptr<ChunkModel> model_;
  ServedContract contract_;
};

std::shared_ptr<const ServedPolicy> OpenServed(const ServeFlags& flags, Progress& progress) {
  if (!flags.replay.empty()) {
    InputOptions inputs;
    inputs.pictures = false;
    TrainingSet set = LoadTrainingSet({flags.replay}, inputs, {}, progress);
    const std::vector<ServedArm> arms = ArmsOf(set.embodiment);
    if (arms.empty()) {
      ThrowBadInput(flags.replay + ": has no targets of arms to repeat");
    }
    return ServeArms(std::make_shared<ReplayPolicy>(std::move(set)), arms);
  }
  OpenedPolicy opened = OpenListedPolicy(flags.checkpoint, Models());
  const PolicyConfig& config = opened.policy.config;
  RequireThatItActs(config, opened.layout);
  if (config.embodiment.of_columns()) return std::make_shared<ServedColumns>(std::move(opened));
  auto policy = std::make_shared<CheckpointPolicy>(config, opened.policy.hash, opened.layout,
                                                   std::move(opened.model));
  return ServeArms(std::move(policy), ArmsOf(config.embodiment));
}

// How long answers took.
class AnswerTimes {
 public:
  void Add(double seconds) {
    if (seconds_.size() < 4096) seconds_.push_back(0);
    seconds_[next_++ % seconds_.size()] = seconds;
  }
  const std::vector<double>& seconds() const { return seconds_; }

 private:
  std::vector<double> seconds_;  // of the last answers
  size_t next_ = 0;
};

// Serves until it is interrupted, or a client ends it. `answer_some` waits for requests and answers
// them.
template <class Protocol, class Server>
Json ServeOn(const Protocol& protocol, const Server& server, const std::string& served,
             const std::function<bool()>& ended, const std::function<void()>& answer_some,
             const AnswerTimes& times, bool open, CommandContext& context) {
  context.progress->Message(
      fmt::format("serving {} at {}; Ctrl-C ends it", served, server.address()));
  if (open) {
    context.progress->Message("anybody on the network may ask it: --token-file asks for a token");
  }
  RefusalLog refusals(*context.progress);
  while (!InterruptRequested() && !ended()) {
    answer_some();
    refusals.See(protocol.refused(), protocol.last_refusal());
  }
  ClearInterrupt();  // this is how a server ends
  return {{"address", server.address()},
          {"chunks", protocol.chunks()},
          {"refused", protocol.refused()},
          {"dropped", server.dropped()},
          {"latency_p50_ms", 1000 * Quantile(times.seconds(), 0.5)},
          {"latency_p99_ms", 1000 * Quantile(times.seconds(), 0.99)}};
}

Json Serve(const ServeFlags& flags, CommandContext& context) {
  if (flags.checkpoint.empty() == flags.replay.empty()) {
    ThrowUsage("serve needs a checkpoint (of `understudy train`), or --replay DATASET");
  }
  const std::string token = FirstLine(flags.token_file);
  const std::shared_ptr<const ServedPolicy> policy = OpenServed(flags, *context.progress);
  const PolicyInfo& info = policy->contract().info;
  const bool openpi = flags.protocol == WireProtocol::kOpenpi;
  if (openpi && flags.allow_kill) ThrowUsage("serve: --allow-kill is of GR00T's protocol");
  if (openpi && info.history > 1) {
    ThrowUsage(
        fmt::format("serve: openpi's protocol sends one observation, the policy {} sees {}: "
                    "--protocol groot",
                    info.name, info.history));
  }
  std::string wanted = ListenAddress(flags.host, flags.port);
  const bool open = token.empty() && wanted != ListenAddress("localhost", flags.port);
  if (openpi) wanted.replace(0, 3, "ws");
  Json result{{"policy", info.name}, {"hash", info.hash}, {"address", wanted}};
  if (context.plan) return result;

  const std::string served = flags.replay.empty() ? info.name : flags.replay;
  const auto message_bytes = static_cast<int64_t>(flags.message_mib * (1 << 20));
  AnswerTimes times;
  // what `protocol` answers, timed where it is a chunk
  const auto timed = [&times](auto& protocol, const auto& answer) {
    const double begin = MonotonicSeconds();
    const int64_t before = protocol.chunks();
    auto reply = answer();
    if (protocol.chunks() > before) times.Add(MonotonicSeconds() - begin);
    return reply;
  };
  if (openpi) {
    OpenpiProtocol protocol(policy, flags.seed);
    WebsocketServerOptions options{.host = flags.host == "localhost" ? "127.0.0.1" : flags.host,
                                   .port = flags.port,
                                   .message_bytes = message_bytes,
                                   .greeting = protocol.Metadata()};
    if (!token.empty()) {
      options.allows = [key = "Api-Key " + token](std::string_view given) {
        return SameText(std::string(given), key);
      };
    }
    WebsocketServer server(std::move(options));
    const auto answer = [&](const std::string&, std::string_view request, bool binary) {
      return timed(protocol, [&] { return protocol.Answer(request, binary); });
    };
    result.update(ServeOn(
        protocol, server, served, [] { return false; }, [&] { server.Serve(100, answer); }, times,
        open, context));
    return result;
  }
  GrootProtocol protocol(policy, {flags.seed, token, flags.allow_kill});
  ZmqServer server(wanted, {.message_bytes = message_bytes});
  const auto answer = [&](const std::string& client, std::string_view request) {
    return timed(protocol, [&] { return protocol.Answer(client, request); });
  };
  result.update(ServeOn(
      protocol, server, served, [&] { return protocol.killed(); },
      [&] { server.Serve(100, answer); }, times, open, context));
  return result;
}

std::string DescribeServer(const Json& result) {
  return fmt::format("{} chunks answered, {} requests refused; p50 {:.1f} ms, p99 {:.1f} ms\n",
                     result["chunks"].dump(), result["refused"].dump(),
                     result["latency_p50_ms"].get<double>(),
                     result["latency_p99_ms"].get<double>());
}
#else
constexpr const char* kWithout =
    "this program was built without ZeroMQ, which policy servers need: install libzmq3-dev, "
    "cppzmq-dev, libmsgpack-cxx-dev and libboost-dev (`make setup` does), then configure with "
    "-DWITH_SERVE=ON and build again";

Json Serve(const ServeFlags&, CommandContext&) { ThrowUsage(kWithout); }

std::string DescribeServer(const Json&) { return ""; }
#endif

}  // namespace

std::unique_ptr<Policy> PolicyOfServer([[maybe_unused]] const PolicyServerFlags& flags,
                                       [[maybe_unused]] const SimulatorInfo& simulator) {
#ifdef WITH_SERVE
  const RemoteOptions options{
      .address = flags.policy_server,
      .token = FirstLine(flags.token_file),
      .timeout_ms = static_cast<int>(std::lround(1e3 * flags.server_timeout))};
  if (flags.policy_map.empty()) return OpenRemotePolicy(options);
  const PolicyMap map = FromJson<PolicyMap>(LoadYaml(flags.policy_map), flags.policy_map);
  return OpenMappedPolicy(options, map, simulator, flags.policy_map);
#else
  ThrowUsage(kWithout);
#endif
}

std::string ListenAddress(const std::string& host, int port) {
  return fmt::format("tcp://{}:{}", host == "localhost" ? "127.0.0.1" : host, port);
}

void RefusalLog::See(int64_t refused, const std::string& last_refusal) {
  const double now = MonotonicSeconds();
  if (refused <= said_ || now <= said_s_ + 5) return;
  progress_.Message(
      fmt::format("{} requests refused, the last one: {}", refused - said_, last_refusal));
  said_ = refused;
  said_s_ = now;
}

bool WithServed([[maybe_unused]] const std::string& checkpoint,
                [[maybe_unused]] const std::function<void(const Policy& remote)>& use) {
#ifdef WITH_SERVE
  Progress quiet;
  ServeFlags flags;
  flags.checkpoint = checkpoint;
  GrootProtocol protocol(OpenServed(flags, quiet), {});
  ZmqServer server("tcp://127.0.0.1:0", {});
  std::atomic<bool> ends = false;
  std::thread thread([&] {
    while (!ends) {
      server.Serve(10, [&](const std::string& client, std::string_view request) {
        return protocol.Answer(client, request);
      });
    }
  });
  std::exception_ptr problem;
  try {
    use(*OpenRemotePolicy({.address = server.address(), .token = ""}));
  } catch (...) {
    problem = std::current_exception();
  }
  ends = true;
  thread.join();
  if (problem) std::rethrow_exception(problem);
  return true;
#else
  return false;
#endif
}

Command ServeCommand() {
  Command command = MakeCommand<ServeFlags>(
      "serve", "answer robots and other programs with a policy's actions (GR00T's protocol)", Serve,
      DescribeServer);
  command.positional = {"checkpoint"};
  return command;
}

}  // namespace understudy
