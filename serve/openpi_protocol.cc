#include "serve/openpi_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "serve/requests.h"

namespace understudy {
namespace {

constexpr size_t kLongestPrompt = 4096;
constexpr const char* kPromptKey = "prompt";

std::string ObservationKey(const std::string& name) { return "observation/" + name; }

// Takes an observation apart, of which nothing is trusted.
class ObservationReader {
 public:
  ObservationReader(const ServedContract& contract, const WireValue& observation)
      : contract_(contract), observation_(observation) {}

  // Throws Error(kBadInput) with every fault.
  ServedObservation Read() {
    if (!observation_.As<WireMap>()) {
      ThrowBadInput(fmt::format("an observation is a map, this is {}", observation_.TypeName()));
    }
    ServedMoment moment;
    for (const ServedCamera& camera : contract_.cameras) moment.images.push_back(ReadImage(camera));
    for (const ServedPart& part : contract_.state) moment.state.push_back(ReadPart(part));
    ServedObservation read{.moments = {std::move(moment)}, .instruction = ReadPrompt()};
    if (!problems_.empty()) ThrowBadInput(fmt::format("{}", fmt::join(problems_, "; ")));
    return read;
  }

 private:
  // Null, with a problem, if `key` holds no array of `shape`.
  const WireArray* ReadArray(const std::string& key, const std::vector<int64_t>& shape) {
    const WireValue* value = observation_.Find(key);
    const WireArray* array = value ? value->As<WireArray>() : nullptr;
    if (!array) {
      problems_.push_back(
          fmt::format("{} is {}, not an array", key, value ? value->TypeName() : "missing"));
    } else if (array->shape != shape) {
      problems_.push_back(fmt::format("{} has the shape [{}], the policy sees [{}]", key,
                                      fmt::join(array->shape, ", "), fmt::join(shape, ", ")));
      return nullptr;
    }
    return array;
  }

  Image ReadImage(const ServedCamera& camera) {
    const std::string key = ObservationKey(camera.name);
    Image image(camera.width, camera.height);
    const WireArray* array = ReadArray(key, {camera.height, camera.width, 3});
    if (array && !array->dtype.ends_with("u1")) {
      problems_.push_back(
          fmt::format("{} holds '{}': pictures are uint8, 0 to 255", key, array->dtype));
    } else if (array) {
      std::copy(array->data.begin(), array->data.end(), image.rgb.begin());
    }
    return image;
  }

  std::vector<double> ReadPart(const ServedPart& part) {
    const std::string key = ObservationKey(part.name);
    const WireArray* array = ReadArray(key, {part.size});
    if (!array) return {};
    std::vector<double> numbers = array->Numbers();
    if (!std::ranges::all_of(numbers, [](double value) { return std::isfinite(value); })) {
      problems_.push_back(fmt::format("{} holds a number that is not finite", key));
    }
    return numbers;
  }

  std::string ReadPrompt() {
    const std::vector<std::string>& known = contract_.info.tasks;
    const WireValue* value = observation_.Find(kPromptKey);
    if (!value && known.size() == 1) return known.front();
    const std::string* text = value ? value->As<std::string>() : nullptr;
    if (!text) {
      problems_.push_back(
          fmt::format("{} is {}, not a text", kPromptKey, value ? value->TypeName() : "missing"));
      return "";
    }
    if (text->size() > kLongestPrompt) {
      problems_.push_back(fmt::format("{} has {} bytes, at most {} are read", kPromptKey,
                                      text->size(), kLongestPrompt));
    }
    return *text;
  }

  const ServedContract& contract_;
  const WireValue& observation_;
  std::vector<std::string> problems_;
};

}  // namespace

OpenpiProtocol::OpenpiProtocol(std::shared_ptr<const ServedPolicy> policy, uint64_t seed)
    : policy_(std::move(policy)), seed_(seed) {}

std::string OpenpiProtocol::Metadata() const {
  const ServedContract& contract = policy_->contract();
  const PolicyInfo& info = contract.info;
  WireMap observation, columns;
  for (const ServedCamera& camera : contract.cameras) {
    observation.emplace_back(ObservationKey(camera.name), WireList{camera.height, camera.width, 3});
  }
  for (const ServedPart& part : contract.state) {
    observation.emplace_back(ObservationKey(part.name), WireList{part.size});
  }
  int first = 0;
  for (const ServedPart& part : contract.action) {
    columns.emplace_back(part.name, WireList{first, first + part.size});
    first += part.size;
  }
  return Pack(WireMap{{"policy", info.name},
                      {"hash", info.hash},
                      {"robot", info.robot},
                      {"control_hz", info.control_hz},
                      {"horizon", info.horizon},
                      {"execute", info.execute},
                      {"prompts", TextsOf(info.tasks)},
                      {"observation", std::move(observation)},
                      {"actions", std::move(columns)}},
              ArrayForm::kOpenpi);
}

WebsocketServer::Reply OpenpiProtocol::Answer(std::string_view request, bool binary) {
  std::string answer;
  const bool answered = answers_.Try([&] {
    if (!binary) ThrowBadInput("an observation is a binary message, this is a text");
    const WireValue observation = Unpack(request).value;
    const RngKey noise = RngKey{seed_}.WithStage("serve").WithParent(HashOf(request));
    answer = Pack(Infer(observation, noise), ArrayForm::kOpenpi);
    ++chunks_;
  });
  if (!answered) return {AsUtf8(last_refusal()), false};
  return {std::move(answer), true};
}

WireValue OpenpiProtocol::Infer(const WireValue& observation, const RngKey& noise) const {
  const ServedContract& contract = policy_->contract();
  const ServedObservation seen = ObservationReader(contract, observation).Read();
  const double begin = MonotonicSeconds();
  const ServedChunk chunk = policy_->Answer(seen, noise);
  const double infer_ms = 1000 * (MonotonicSeconds() - begin);

  // the parts side by side
  const size_t steps = chunk.front().size();
  std::vector<double> numbers;
  for (size_t k = 0; k < steps; ++k) {
    for (const std::vector<std::vector<double>>& part : chunk) {
      numbers.insert(numbers.end(), part[k].begin(), part[k].end());
    }
  }
  const auto rows = static_cast<int64_t>(steps);
  const int64_t width = static_cast<int64_t>(numbers.size()) / rows;
  return WireMap{{"actions", WireArray::Float32({rows, width}, numbers)},
                 {"server_timing", WireMap{{"infer_ms", infer_ms}}}};
}

}  // namespace understudy
