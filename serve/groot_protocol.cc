#include "serve/groot_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/error.h"
#include "core/base/options.h"
#include "serve/request_reader.h"
#include "serve/requests.h"

namespace understudy {
namespace {

constexpr size_t kMostClients = 1024;

// The draw that a request names, or the next one of the client.
RngKey NoiseOf(const WireValue* options, uint64_t seed, int64_t episode, int64_t chunk) {
  const WireValue* named = options ? options->Find("noise") : nullptr;
  if (!named) {
    return RngKey{seed}
        .WithStage("serve")
        .WithParent(static_cast<uint64_t>(episode))
        .WithVariant(static_cast<uint64_t>(chunk));
  }
  const std::optional<RngKey> key = ReadWireKey(*named);
  if (!key) ThrowBadInput("options.noise: five whole numbers");
  return *key;
}

WireMap Modality(int first, int last, const std::vector<std::string>& keys) {
  WireList indices;
  for (int i = first; i <= last; ++i) indices.emplace_back(i);
  return {{"delta_indices", std::move(indices)}, {"modality_keys", TextsOf(keys)}};
}

std::vector<std::string> NamesOf(const auto& parts) {
  std::vector<std::string> names;
  for (const auto& part : parts) names.push_back(part.name);
  return names;
}

WireMap SizesOf(const std::vector<ServedPart>& parts) {
  WireMap sizes;
  for (const ServedPart& part : parts) sizes.emplace_back(part.name, part.size);
  return sizes;
}

}  // namespace

GrootProtocol::GrootProtocol(std::shared_ptr<const ServedPolicy> policy, ProtocolOptions options)
    : policy_(std::move(policy)), options_(std::move(options)) {}

GrootProtocol::Client& GrootProtocol::ClientOf(const std::string& name) {
  // clients come and go: those that were silent longest are forgotten
  if (clients_.size() >= kMostClients && !clients_.contains(name)) {
    clients_.erase(std::min_element(
        clients_.begin(), clients_.end(),
        [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
  }
  Client& client = clients_[name];
  client.last = ++requests_;
  return client;
}

std::string GrootProtocol::Answer(const std::string& client, std::string_view request) {
  return answers_.To(request, [&](const WireValue& value) { return Call(client, value); });
}

WireValue GrootProtocol::Call(const std::string& client, const WireValue& request) {
  if (!request.As<WireMap>()) {
    ThrowBadInput(
        fmt::format("a request is a map with 'endpoint', this is {}", request.TypeName()));
  }
  if (!options_.token.empty()) {
    const WireValue* token = request.Find("api_token");
    const std::string* text = token ? token->As<std::string>() : nullptr;
    if (!text || !SameText(*text, options_.token)) {
      ThrowBadInput("Unauthorized: the request's api_token is not the server's");
    }
  }
  const WireValue* endpoint = request.Find("endpoint");
  const std::string* name = endpoint ? endpoint->As<std::string>() : nullptr;
  static const std::vector<std::string> kEndpoints{"ping", "get_action", "reset",
                                                   "get_modality_config", "kill"};
  if (!name) ThrowBadInput("a request is a map with 'endpoint', a text");
  if (*name == "ping") return WireMap{{"status", "ok"}, {"message", "Server is running"}};
  if (*name == "get_action") return GetAction(client, request.Find("data"));
  if (*name == "get_modality_config") return ModalityConfig();
  if (*name == "reset") {
    Client& known = ClientOf(client);
    ++known.episode;
    known.chunk = 0;
    return WireMap{};
  }
  if (*name == "kill") {
    if (!options_.allow_kill) ThrowBadInput("kill is not allowed (`serve --allow-kill`)");
    killed_ = true;
    return WireMap{{"status", "ok"}, {"message", "Server is ending"}};
  }
  ThrowBadInput(UnknownName("endpoint", name->substr(0, 64), kEndpoints));
}

WireValue GrootProtocol::GetAction(const std::string& client, const WireValue* data) {
  if (!data || !data->As<WireMap>()) {
    ThrowBadInput(fmt::format("get_action: data is {}, not a map with the observation",
                              data ? data->TypeName() : "missing"));
  }
  const WireValue* nested = data->Find("observation");
  const WireValue& observation = nested ? *nested : *data;
  // parts by modality, or one map of "video.…" and "state.…"
  const bool flat = observation.As<WireMap>() && !observation.Find("video") &&
                    !observation.Find("state") && !observation.Find("language");
  const WireValue* options = nested ? data->Find("options") : nullptr;
  const RequestedChunks requested = ReadRequest(policy_->contract(), observation, options,
                                                flat ? WireKeys::kFlat : WireKeys::kNested);
  const std::vector<ServedObservation>& observations = requested.observations;

  Client& known = ClientOf(client);
  const RngKey noise = NoiseOf(options, options_.seed, known.episode, known.chunk++);
  const ServedContract& contract = policy_->contract();
  std::vector<std::vector<double>> numbers(contract.action.size());
  int64_t horizon = 0;
  for (size_t b = 0; b < observations.size(); ++b) {
    const RngKey key = b == 0 ? noise : noise.WithTerm(noise.term + b);
    const ServedChunk chunk = policy_->Answer(observations[b], key);
    horizon = static_cast<int64_t>(chunk.front().size());
    for (size_t part = 0; part < chunk.size(); ++part) {
      for (const std::vector<double>& step : chunk[part]) {
        numbers[part].insert(numbers[part].end(), step.begin(), step.end());
      }
    }
  }
  ++chunks_;

  const WireValue* dtype = options ? options->Find("dtype") : nullptr;
  const bool precise = dtype && *dtype == WireValue("float64");
  WireMap action;
  for (size_t part = 0; part < contract.action.size(); ++part) {
    std::vector<int64_t> shape{horizon, contract.action[part].size};
    if (requested.batched) shape.insert(shape.begin(), static_cast<int64_t>(observations.size()));
    action.emplace_back((flat ? "action." : "") + contract.action[part].name,
                        precise ? WireArray::Float64(shape, numbers[part])
                                : WireArray::Float32(shape, numbers[part]));
  }
  if (!nested) return action;
  const auto& known_texts = contract.info.tasks;
  const bool unknown =
      !known_texts.empty() && std::find(known_texts.begin(), known_texts.end(),
                                        observations.front().instruction) == known_texts.end();
  return WireList{std::move(action), WireMap{{"unknown_instruction", unknown}}};
}

WireValue GrootProtocol::ModalityConfig() const {
  const ServedContract& contract = policy_->contract();
  const int first = 1 - contract.info.history;
  WireMap cameras;
  for (const ServedCamera& camera : contract.cameras) {
    cameras.emplace_back(camera.name, WireList{camera.height, camera.width, 3});
  }
  const Eigen::Vector3d& p = contract.info.X_WB.translation();
  const Eigen::Quaterniond& q = contract.info.X_WB.rotation();
  WireList arms;
  for (const ServedArm& arm : contract.arms) {
    arms.emplace_back(
        WireMap{{"name", arm.name}, {"joints", arm.joints}, {"fingers", arm.fingers}});
  }
  const PolicyInfo& info = contract.info;
  WireMap ours{{"version", kOurVersion},
               {"policy", info.name},
               {"hash", info.hash},
               {"robot", info.robot},
               {"control_hz", info.control_hz},
               {"max_linear_delta", info.limits.linear},
               {"max_angular_delta", info.limits.angular},
               {"action_meaning", info.action_meaning},
               {"execute", info.execute},
               {"restart", info.restart},
               {"max_delay", info.max_delay},
               {"instructions", TextsOf(info.tasks)},
               {"objects", TextsOf(info.objects)},
               {"arms", std::move(arms)},
               {"cameras", std::move(cameras)},
               {"state", SizesOf(contract.state)},
               {"action", SizesOf(contract.action)},
               {"base", WireMap{{"p", WireList{p.x(), p.y(), p.z()}},
                                {"q", WireList{q.w(), q.x(), q.y(), q.z()}}}}};
  return WireMap{{"video", Modality(first, 0, NamesOf(contract.cameras))},
                 {"state", Modality(first, 0, NamesOf(contract.state))},
                 {"action", Modality(0, contract.info.horizon - 1, NamesOf(contract.action))},
                 {"language", Modality(0, 0, {kLanguageKey})},
                 {"understudy", std::move(ours)}};
}

}  // namespace understudy
