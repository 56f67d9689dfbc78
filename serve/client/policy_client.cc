#include "serve/client/policy_client.h"

#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "serve/wire_value.h"
#include "serve/zmq_client.h"

namespace understudy::client {
namespace {

// Errors of the library behind become those of this one.
template <class Call>
auto Guarded(const Call& call) {
  try {
    return call();
  } catch (const Error& error) {
    throw PolicyError(error.what());
  }
}

const WireValue& Field(const WireValue& map, const std::string& name) {
  const WireValue* value = map.Find(name);
  if (!value) throw PolicyError("the server's answer lacks '" + name + "'");
  return *value;
}

template <class T>
const T& FieldOf(const WireValue& map, const std::string& name) {
  const T* value = Field(map, name).As<T>();
  if (!value) throw PolicyError("the server's answer has another kind of '" + name + "'");
  return *value;
}

double Number(const WireValue& value) {
  if (const int64_t* whole = value.As<int64_t>()) return static_cast<double>(*whole);
  if (const double* real = value.As<double>()) return *real;
  throw PolicyError("the server's answer holds no number where one is due");
}

int Whole(const WireValue& map, const std::string& name) {
  return static_cast<int>(FieldOf<int64_t>(map, name));
}

std::map<std::string, int> Sizes(const WireValue& map, const std::string& name) {
  std::map<std::string, int> sizes;
  for (const auto& [part, size] : FieldOf<WireMap>(map, name)) {
    sizes[part] = static_cast<int>(Number(size));
  }
  return sizes;
}

PolicyCard ReadCard(const WireValue& config) {
  const WireValue* ours = config.Find("understudy");
  if (!ours || !ours->As<WireMap>()) throw PolicyError("the server is not `understudy serve`");
  if (Whole(*ours, "version") != kOurVersion) {
    throw PolicyError("the server is of another version of the program");
  }
  PolicyCard card;
  card.policy = FieldOf<std::string>(*ours, "policy");
  card.hash = FieldOf<std::string>(*ours, "hash");
  card.robot = FieldOf<std::string>(*ours, "robot");
  card.control_hz = Number(Field(*ours, "control_hz"));
  card.execute = Whole(*ours, "execute");
  card.max_delay = Whole(*ours, "max_delay");
  for (const WireValue& text : FieldOf<WireList>(*ours, "instructions")) {
    if (const std::string* instruction = text.As<std::string>()) {
      card.instructions.push_back(*instruction);
    }
  }
  for (const auto& [camera, size] : FieldOf<WireMap>(*ours, "cameras")) {
    const WireList* shape = size.As<WireList>();
    if (!shape || shape->size() != 3) throw PolicyError("the server's cameras have no size");
    card.cameras[camera] = {static_cast<int>(Number((*shape)[1])),
                            static_cast<int>(Number((*shape)[0]))};
  }
  card.state = Sizes(*ours, "state");
  card.action = Sizes(*ours, "action");
  card.horizon =
      static_cast<int>(FieldOf<WireList>(Field(config, "action"), "delta_indices").size());
  return card;
}

// [1, T, height, width, 3], oldest first.
WireArray Pixels(const std::vector<const Observation*>& moments, const std::string& camera) {
  std::string bytes;
  int width = 0, height = 0;
  for (const Observation* moment : moments) {
    const auto found = moment->video.find(camera);
    if (found == moment->video.end()) {
      throw PolicyError("an observation lacks the picture of '" + camera + "'");
    }
    const Picture& picture = found->second;
    if (picture.rgb == nullptr || picture.width <= 0 || picture.height <= 0) {
      throw PolicyError("the picture of '" + camera + "' is empty");
    }
    width = picture.width;
    height = picture.height;
    bytes.append(reinterpret_cast<const char*>(picture.rgb),
                 3 * static_cast<size_t>(width) * static_cast<size_t>(height));
  }
  return WireArray::Bytes({1, static_cast<int64_t>(moments.size()), height, width, 3},
                          std::move(bytes));
}

// [1, T, D]
WireArray Numbers(const std::vector<const Observation*>& moments, const std::string& part) {
  std::vector<double> numbers;
  for (const Observation* moment : moments) {
    const auto found = moment->state.find(part);
    if (found == moment->state.end()) {
      throw PolicyError("an observation lacks '" + part + "'");
    }
    numbers.insert(numbers.end(), found->second.begin(), found->second.end());
  }
  const auto count = static_cast<int64_t>(moments.size());
  return WireArray::Float64({1, count, static_cast<int64_t>(numbers.size()) / count}, numbers);
}

WireMap Given(const Chunk& given) {
  WireMap parts;
  for (const auto& [part, steps] : given) {
    std::vector<double> numbers;
    for (const std::vector<double>& step : steps) {
      numbers.insert(numbers.end(), step.begin(), step.end());
    }
    const auto count = static_cast<int64_t>(steps.size());
    const int64_t size = count > 0 ? static_cast<int64_t>(numbers.size()) / count : 0;
    parts.emplace_back(part, WireArray::Float64({1, count, size}, numbers));
  }
  return parts;
}

Chunk ReadChunk(const WireValue& answer) {
  const WireList* list = answer.As<WireList>();
  const WireMap* parts = list && !list->empty() ? list->front().As<WireMap>() : nullptr;
  if (!parts) throw PolicyError("the server's answer is no chunk");
  Chunk chunk;
  for (const auto& [part, value] : *parts) {
    const WireArray* array = value.As<WireArray>();
    if (!array || array->shape.size() != 3 || array->shape[0] != 1 || array->shape[2] < 1) {
      throw PolicyError("the server's answer is no chunk: '" + part + "'");
    }
    const std::vector<double> numbers = array->Numbers();
    for (const double number : numbers) {
      if (!std::isfinite(number)) {
        throw PolicyError("'" + part + "' of the answer holds a number that is not finite");
      }
    }
    for (auto at = numbers.begin(); at != numbers.end(); at += array->shape[2]) {
      chunk[part].emplace_back(at, at + array->shape[2]);
    }
  }
  return chunk;
}

}  // namespace

struct PolicyClient::Impl {
  explicit Impl(RemoteOptions options) : client(std::move(options)) {}
  ZmqClient client;
  PolicyCard card;
};

PolicyClient::PolicyClient(const std::string& address, const std::string& token, double timeout_s)
    : impl_(std::make_unique<Impl>(
          RemoteOptions{.address = address,
                        .token = token,
                        .timeout_ms = static_cast<int>(std::lround(1e3 * timeout_s))})) {
  impl_->card = Guarded([&] { return ReadCard(impl_->client.Ask("get_modality_config", {})); });
}

PolicyClient::~PolicyClient() = default;
PolicyClient::PolicyClient(PolicyClient&&) noexcept = default;

const PolicyCard& PolicyClient::card() const { return impl_->card; }

Chunk PolicyClient::Act(const Observation& now, const std::vector<Observation>& history,
                        const Chunk& given) {
  std::vector<const Observation*> moments;
  for (const Observation& earlier : history) moments.push_back(&earlier);
  moments.push_back(&now);
  WireMap video, state;
  for (const auto& [camera, size] : impl_->card.cameras) {
    video.emplace_back(camera, Pixels(moments, camera));
  }
  for (const auto& [part, size] : impl_->card.state) {
    state.emplace_back(part, Numbers(moments, part));
  }
  WireMap options{{"dtype", "float64"}};
  if (!given.empty()) options.emplace_back("committed", Given(given));
  const WireMap language{
      {"annotation.human.task_description", WireList{WireValue(WireList{now.instruction})}}};
  return Guarded([&] {
    return ReadChunk(
        impl_->client.Ask("get_action", WireMap{{"observation", WireMap{{"video", std::move(video)},
                                                                        {"state", std::move(state)},
                                                                        {"language", language}}},
                                                {"options", std::move(options)}}));
  });
}

void PolicyClient::Reset() {
  Guarded([&] { return impl_->client.Ask("reset", WireMap{}); });
}

}  // namespace understudy::client
