#include "serve/request_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/error.h"

namespace understudy {
namespace {

// bounds of one request: more of either is no robot
constexpr int64_t kMostBatch = 64;
constexpr size_t kLongestInstruction = 4096;

// An array of an observation with its axes [B, T, …]; `batched` where it came with the first.
struct Seen {
  const WireArray* array = nullptr;
  int64_t batch = 1, moments = 1;
  bool batched = true;
};

// One request: parsed part by part, every fault collected.
class RequestReader {
 public:
  RequestReader(const ServedContract& contract, const WireValue& observation,
                const WireValue* options, WireKeys keys)
      : contract_(contract),
        observation_(observation),
        committed_(options ? options->Find("committed") : nullptr),
        keys_(keys) {}

  RequestedChunks Read() {
    for (const ServedCamera& camera : contract_.cameras) {
      pictures_.push_back(ReadPictures(camera));
    }
    for (const ServedPart& part : contract_.state) numbers_.push_back(ReadPart(part));
    if (problems_.empty()) CheckAxes();
    if (problems_.empty() && committed_) ReadCommitted();
    std::vector<ServedObservation> read;
    if (problems_.empty()) {
      for (int64_t b = 0; b < batch_ && problems_.empty(); ++b) read.push_back(Take(b));
    }
    if (!problems_.empty()) ThrowBadInput(fmt::format("{}", fmt::join(problems_, "; ")));
    return {std::move(read), batched_};
  }

 private:
  std::string NameOf(const char* modality, const std::string& key) const {
    return fmt::format("{}.{}", modality, key);
  }

  const WireValue* Find(const char* modality, const std::string& key) const {
    if (keys_ == WireKeys::kFlat) return observation_.Find(NameOf(modality, key));
    const WireValue* parts = observation_.Find(modality);
    return parts ? parts->Find(key) : nullptr;
  }

  // What the request has of a modality, to name it where something is missing.
  std::vector<std::string> Given(const char* modality) const {
    std::vector<std::string> names;
    const WireValue* parts = keys_ == WireKeys::kFlat ? &observation_ : observation_.Find(modality);
    const WireMap* map = parts ? parts->As<WireMap>() : nullptr;
    const std::string prefix = keys_ == WireKeys::kFlat ? std::string(modality) + "." : "";
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

  static bool AllFinite(const std::vector<double>& numbers) {
    return std::ranges::all_of(numbers, [](double value) { return std::isfinite(value); });
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
    if (!AllFinite(numbers.values)) {
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

  // The first actions of each answer: arrays [B, k, D], or [k, D] for one.
  void ReadCommitted() {
    int64_t steps = -1;
    for (const ServedPart& part : contract_.action) {
      const std::string name = "options.committed." + part.name;
      const WireValue* value = committed_->Find(part.name);
      const WireArray* array = value ? value->As<WireArray>() : nullptr;
      if (!array) {
        problems_.push_back(fmt::format("{} is {}, not an array", name,
                                        value ? std::string(value->TypeName()) : "missing"));
        return;
      }
      const std::vector<int64_t>& shape = array->shape;
      const size_t axes = shape.size();
      const bool fits = axes == 3   ? shape[0] == batch_ && shape[2] == part.size
                        : axes == 2 ? batch_ == 1 && shape[1] == part.size
                                    : false;
      if (!fits || (steps >= 0 && shape[axes - 2] != steps)) {
        problems_.push_back(fmt::format("{} has the shape [{}], not [{}, {}, {}]", name,
                                        fmt::join(shape, ", "), batch_,
                                        steps < 0 ? "k" : std::to_string(steps), part.size));
        return;
      }
      steps = shape[axes - 2];
      committed_numbers_.push_back(array->Numbers());
      if (!AllFinite(committed_numbers_.back())) {
        problems_.push_back(fmt::format("{} holds a number that is not finite", name));
      }
    }
    if (contract_.info.max_delay == 0) {
      problems_.push_back("options.committed: this policy was not trained to be given actions");
    } else if (steps > contract_.info.max_delay) {
      problems_.push_back(fmt::format(
          "options.committed has {} steps: the policy was trained for a delay of at most {}", steps,
          contract_.info.max_delay));
    }
    committed_steps_ = static_cast<size_t>(std::max<int64_t>(0, steps));
  }

  ServedChunk TakeCommitted(int64_t b) const {
    ServedChunk taken;
    for (size_t p = 0; p < committed_numbers_.size(); ++p) {
      const auto size = static_cast<std::ptrdiff_t>(contract_.action[p].size);
      auto from = committed_numbers_[p].begin() + static_cast<std::ptrdiff_t>(b) * size *
                                                      static_cast<std::ptrdiff_t>(committed_steps_);
      std::vector<std::vector<double>>& part = taken.emplace_back();
      for (size_t k = 0; k < committed_steps_; ++k, from += size) {
        part.emplace_back(from, from + size);
      }
    }
    return taken;
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
    const WireValue* parts =
        keys_ == WireKeys::kFlat ? &observation_ : observation_.Find("language");
    const WireMap* map = parts ? parts->As<WireMap>() : nullptr;
    for (const auto& [name, value] : map ? *map : WireMap()) {
      const bool language = keys_ == WireKeys::kNested || name.starts_with("annotation.") ||
                            name.starts_with("language.") || name == "task";
      if (language) return TextOf(value, b);
    }
    if (contract_.info.tasks.size() == 1) return contract_.info.tasks.front();
    problems_.push_back(fmt::format("language.{} is missing, and the policy knows {} instructions",
                                    kLanguageKey, contract_.info.tasks.size()));
    return "";
  }

  ServedObservation Take(int64_t b) {
    ServedObservation taken{
        .moments = {}, .instruction = Instruction(b), .committed = TakeCommitted(b)};
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
  const WireValue* committed_;  // or null
  WireKeys keys_;
  std::vector<Seen> pictures_;
  std::vector<Numbers> numbers_;
  std::vector<std::vector<double>> committed_numbers_;  // of each part of the action
  size_t committed_steps_ = 0;
  int64_t batch_ = 1, moments_ = 1;
  bool batched_ = true;
  std::vector<std::string> problems_;
};

}  // namespace

RequestedChunks ReadRequest(const ServedContract& contract, const WireValue& observation,
                            const WireValue* options, WireKeys keys) {
  return RequestReader(contract, observation, options, keys).Read();
}

}  // namespace understudy
