#include "serve/groot_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/error.h"
#include "core/base/options.h"

namespace understudy {
namespace {

constexpr const char* kLanguageKey = "annotation.human.task_description";
constexpr size_t kMostClients = 1024;
// bounds of one request: more of either is no robot
constexpr int64_t kMostBatch = 64;
constexpr size_t kLongestInstruction = 4096;
constexpr size_t kLongestReason = 2048;

// What a client sent, fit for a log: no control characters, not without end.
std::string Printable(std::string text) {
  if (text.size() > kLongestReason) text = text.substr(0, kLongestReason) + " …";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

// Which way a request names its parts.
enum class Keys { kNested, kFlat };

// An array of an observation with its axes [B, T, …]; `batched` where it came with the first.
struct Seen {
  const WireArray* array = nullptr;
  int64_t batch = 1, moments = 1;
  bool batched = true;
};

// The observations of one request: parsed part by part, every fault collected.
class ObservationReader {
 public:
  ObservationReader(const ServedContract& contract, const WireValue& observation, Keys keys)
      : contract_(contract), observation_(observation), keys_(keys) {}

  // One for each element of the batch. Throws Error(kBadInput) with every fault.
  std::vector<ServedObservation> Read() {
    for (const ServedCamera& camera : contract_.cameras) {
      pictures_.push_back(ReadPictures(camera));
    }
    for (const ServedPart& part : contract_.state) numbers_.push_back(ReadPart(part));
    if (problems_.empty()) CheckAxes();
    std::vector<ServedObservation> read;
    if (problems_.empty()) {
      for (int64_t b = 0; b < batch_ && problems_.empty(); ++b) read.push_back(Take(b));
    }
    if (!problems_.empty()) ThrowBadInput(fmt::format("{}", fmt::join(problems_, "; ")));
    return read;
  }
  bool batched() const { return batched_; }

 private:
  std::string NameOf(const char* modality, const std::string& key) const {
    return fmt::format("{}.{}", modality, key);
  }

  const WireValue* Find(const char* modality, const std::string& key) const {
    if (keys_ == Keys::kFlat) return observation_.Find(NameOf(modality, key));
    const WireValue* parts = observation_.Find(modality);
    return parts ? parts->Find(key) : nullptr;
  }

  // What the request has of a modality, to name it where something is missing.
  std::vector<std::string> Given(const char* modality) const {
    std::vector<std::string> names;
    const WireValue* parts = keys_ == Keys::kFlat ? &observation_ : observation_.Find(modality);
    const WireMap* map = parts ? parts->As<WireMap>() : nullptr;
    const std::string prefix = keys_ == Keys::kFlat ? std::string(modality) + "." : "";
    for (const auto& [name, value] : map ? *map : WireMap()) {
      if (name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));
    }
    return names;
  }

  // The array of a part with `inner` axes behind B and T.
  std::optional<Seen> ReadArray(const char* modality, const std::string& key, size_t inner) {
    const std::string name = NameOf(modality, key);
    const WireValue* value = Find(modality, key);
    if (!value) {
      const std::vector<std::string> given = Given(modality);
      problems_.push_back(fmt::format("{} is missing; the request has {}", name,
                                      given.empty() ? std::string("none of its kind")
                                                    : fmt::format("{}", fmt::join(given, ", "))));
      return std::nullopt;
    }
    const WireArray* array = value->As<WireArray>();
    if (!array) {
      problems_.push_back(fmt::format("{} is {}, not an array", name, value->TypeName()));
      return std::nullopt;
    }
    const size_t axes = array->shape.size();
    if (axes != inner + 2 && axes != inner + 1) {
      problems_.push_back(fmt::format("{} has the shape [{}]: {} axes are read, [B, T, …]", name,
                                      fmt::join(array->shape, ", "), inner + 2));
      return std::nullopt;
    }
    Seen seen{array, 1, 1, axes == inner + 2};
    if (seen.batched) seen.batch = array->shape[0];
    if (seen.batch > kMostBatch) {
      problems_.push_back(fmt::format("{} has a batch of {}: at most {} are answered at once", name,
                                      seen.batch, kMostBatch));
      return std::nullopt;
    }
    seen.moments = array->shape[axes - inner - 1];
    if (seen.batch < 1 || seen.moments < 1) {
      problems_.push_back(
          fmt::format("{} has the shape [{}]: it is empty", name, fmt::join(array->shape, ", ")));
      return std::nullopt;
    }
    return seen;
  }

  Seen ReadPictures(const ServedCamera& camera) {
    const std::optional<Seen> seen = ReadArray("video", camera.name, 3);
    if (!seen) return {};
    const std::string name = NameOf("video", camera.name);
    const std::vector<int64_t>& shape = seen->array->shape;
    const size_t n = shape.size();
    if (!seen->array->dtype.ends_with("u1")) {
      problems_.push_back(
          fmt::format("{} holds '{}': pictures are uint8, 0 to 255", name, seen->array->dtype));
    } else if (shape[n - 1] != 3 || shape[n - 2] != camera.width || shape[n - 3] != camera.height) {
      problems_.push_back(
          fmt::format("{} has pictures of {} x {} x {} (height, width, colours), "
                      "the policy sees {} x {} x 3",
                      name, shape[n - 3], shape[n - 2], shape[n - 1], camera.height, camera.width));
    }
    return *seen;
  }

  struct Numbers {
    Seen seen;
    std::vector<double> values;
  };

  Numbers ReadPart(const ServedPart& part) {
    const std::optional<Seen> seen = ReadArray("state", part.name, 1);
    if (!seen) return {};
    const std::string name = NameOf("state", part.name);
    if (seen->array->shape.back() != part.size) {
      problems_.push_back(fmt::format("{} has {} numbers, the policy sees {}", name,
                                      seen->array->shape.back(), part.size));
      return {};
    }
    Numbers numbers{*seen, seen->array->Numbers()};
    if (!std::all_of(numbers.values.begin(), numbers.values.end(),
                     [](double value) { return std::isfinite(value); })) {
      problems_.push_back(fmt::format("{} holds a number that is not finite", name));
    }
    return numbers;
  }

  // All parts are of the same moments.
  void CheckAxes() {
    bool first = true;
    std::string named;
    const auto check = [&](const Seen& seen, const std::string& name) {
      if (first) {
        batch_ = seen.batch;
        moments_ = seen.moments;
        batched_ = seen.batched;
        named = name;
      } else if (seen.batch != batch_ || seen.moments != moments_) {
        problems_.push_back(fmt::format("{} has B = {} and T = {}, {} has {} and {}", name,
                                        seen.batch, seen.moments, named, batch_, moments_));
      }
      first = false;
    };
    for (size_t i = 0; i < pictures_.size(); ++i) {
      check(pictures_[i], NameOf("video", contract_.cameras[i].name));
    }
    for (size_t i = 0; i < numbers_.size(); ++i) {
      check(numbers_[i].seen, NameOf("state", contract_.state[i].name));
    }
  }

  // The text for element `b`: a text, a list of one for each element, or a list of lists.
  std::string TextOf(const WireValue& value, int64_t b) {
    if (const auto* text = value.As<std::string>()) {
      if (text->size() <= kLongestInstruction) return *text;
      problems_.push_back(fmt::format("the instruction has {} bytes, at most {} are read",
                                      text->size(), kLongestInstruction));
      return "";
    }
    const WireList* list = value.As<WireList>();
    if (!list || list->empty()) {
      problems_.push_back(fmt::format("the instruction is {}, not a text", value.TypeName()));
      return "";
    }
    return TextOf(list->size() == 1
                      ? list->front()
                      : (*list)[std::min<size_t>(static_cast<size_t>(b), list->size() - 1)],
                  0);
  }

  std::string Instruction(int64_t b) {
    const WireValue* parts = keys_ == Keys::kFlat ? &observation_ : observation_.Find("language");
    const WireMap* map = parts ? parts->As<WireMap>() : nullptr;
    for (const auto& [name, value] : map ? *map : WireMap()) {
      const bool language = keys_ == Keys::kNested || name.starts_with("annotation.") ||
                            name.starts_with("language.") || name == "task";
      if (language) return TextOf(value, b);
    }
    if (contract_.info.tasks.size() == 1) return contract_.info.tasks.front();
    problems_.push_back(fmt::format("language.{} is missing, and the policy knows {} instructions",
                                    kLanguageKey, contract_.info.tasks.size()));
    return "";
  }

  ServedObservation Take(int64_t b) {
    ServedObservation taken{.moments = {}, .instruction = Instruction(b)};
    const int64_t first = std::max<int64_t>(0, moments_ - contract_.info.history);
    for (int64_t t = first; t < moments_; ++t) {
      ServedMoment moment;
      const int64_t at = b * moments_ + t;
      for (size_t c = 0; c < pictures_.size(); ++c) {
        Image image(contract_.cameras[c].width, contract_.cameras[c].height);
        const auto from =
            pictures_[c].array->data.begin() + static_cast<std::ptrdiff_t>(image.rgb.size()) * at;
        std::copy_n(from, image.rgb.size(), image.rgb.begin());
        moment.images.push_back(std::move(image));
      }
      for (size_t p = 0; p < numbers_.size(); ++p) {
        const auto size = static_cast<std::ptrdiff_t>(contract_.state[p].size);
        const auto from = numbers_[p].values.begin() + size * at;
        moment.state.emplace_back(from, from + size);
      }
      taken.moments.push_back(std::move(moment));
    }
    return taken;
  }

  const ServedContract& contract_;
  const WireValue& observation_;
  Keys keys_;
  std::vector<Seen> pictures_;
  std::vector<Numbers> numbers_;
  int64_t batch_ = 1, moments_ = 1;
  bool batched_ = true;
  std::vector<std::string> problems_;
};

// The draw that a request names, or the next one of the client.
RngKey NoiseOf(const WireValue* options, uint64_t seed, int64_t episode, int64_t chunk) {
  const WireValue* named = options ? options->Find("noise") : nullptr;
  if (!named) {
    return RngKey{seed}
        .WithStage("serve")
        .WithParent(static_cast<uint64_t>(episode))
        .WithVariant(static_cast<uint64_t>(chunk));
  }
  const WireList* list = named->As<WireList>();
  std::array<uint64_t, 5> fields{};
  if (!list || list->size() != fields.size()) {
    ThrowBadInput("options.noise: five whole numbers");
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    const int64_t* field = (*list)[i].As<int64_t>();
    if (!field) ThrowBadInput("options.noise: five whole numbers");
    fields[i] = static_cast<uint64_t>(*field);
  }
  return {fields[0], fields[1], fields[2], fields[3], fields[4]};
}

// Compares in a time that does not say how much of a token is right.
bool SameText(const std::string& a, const std::string& b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i % b.size()]);
  }
  return difference == 0;
}

WireList Texts(const std::vector<std::string>& texts) {
  return WireList(texts.begin(), texts.end());
}

WireMap Modality(int first, int last, const std::vector<std::string>& keys) {
  WireList indices;
  for (int i = first; i <= last; ++i) indices.emplace_back(i);
  return {{"delta_indices", std::move(indices)}, {"modality_keys", Texts(keys)}};
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
  ArrayForm arrays = ArrayForm::kMsgpackNumpy;
  std::string reason;
  try {
    const WireMessage message = Unpack(request);
    arrays = message.arrays;
    return Pack(Call(client, message.value), arrays);
  } catch (const Error& error) {
    reason = error.what();
  } catch (const std::exception& error) {
    // a server outlives its own faults: the client is told, and the log
    reason = fmt::format("internal error: {}", error.what());
  }
  ++refused_;
  reason = last_refusal_ = Printable(std::move(reason));
  return Pack(WireMap{{"error", reason}}, arrays);
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
  ObservationReader reader(policy_->contract(), observation, flat ? Keys::kFlat : Keys::kNested);
  const std::vector<ServedObservation> observations = reader.Read();

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
    if (reader.batched()) shape.insert(shape.begin(), static_cast<int64_t>(observations.size()));
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
               {"instructions", Texts(info.tasks)},
               {"objects", Texts(info.objects)},
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
