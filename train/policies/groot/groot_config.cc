#include "train/policies/groot/groot_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/glob.h"

namespace understudy {
namespace {

// `tiny` trains on two processor cores, `small` and `base` on one graphics card.
GrootConfig Preset(GrootSize size) {
  GrootConfig config;
  config.size = size;
  if (size == GrootSize::kSmall) {
    config.width = 384;
    config.blocks = 8;
    config.heads = 8;
    config.feed_forward = 1536;
    config.text_layers = 2;
    config.stem_channels = 48;
    config.feature_channels = 96;
    config.feature_blocks = 3;
    config.grid_channels = 192;
    config.keypoints = 64;
  }
  if (size == GrootSize::kBase) {
    config.width = 768;
    config.blocks = 8;
    config.heads = 12;
    config.feed_forward = 3072;
    config.text_layers = 2;
    config.keypoints = 64;
  }
  return config;
}

struct SizeOnly {
  GrootSize size = GrootSize::kTiny;
  template <class V>
  void Visit(V& v) {
    v("size", size, "preset");
  }
};

}  // namespace

GrootConfig ReadGrootConfig(const Json& json) {
  // the preset first, then what the file says beside it
  Json size_only = Json::object();
  if (json.is_object() && json.contains("size")) size_only["size"] = json["size"];
  const GrootConfig config =
      FromJson(json, "policy", Preset(FromJson<SizeOnly>(size_only, "policy").size));
  if (config.width % config.heads != 0) {
    ThrowBadInput(fmt::format("policy: width = {}: must be a multiple of heads = {}", config.width,
                              config.heads));
  }
  if (config.width % 2 != 0) {
    ThrowBadInput(
        fmt::format("policy: width = {}: must be even (the time code is sines and "
                    "cosines)",
                    config.width));
  }
  if (config.vit_width % config.vit_heads != 0) {
    ThrowBadInput(fmt::format("policy: vit_width = {}: must be a multiple of vit_heads = {}",
                              config.vit_width, config.vit_heads));
  }
  const GrootEncoder trunk = config.trunk();
  if (!config.encoder_weights.empty() && trunk == GrootEncoder::kSmall) {
    ThrowBadInput(fmt::format(
        "policy: encoder_weights = {}: of resnet18 or vit, and the encoder is small: say which by "
        "encoder",
        config.encoder_weights));
  }
  if (config.rtc_training_max_delay > 0 && config.actions_per_token > 1) {
    ThrowBadInput(
        fmt::format("policy: rtc_training_max_delay = {}: each action is given by itself, and "
                    "actions_per_token = {} puts several into one",
                    config.rtc_training_max_delay, config.actions_per_token));
  }
  if (config.sampling_steps > config.time_buckets) {
    ThrowBadInput(fmt::format("policy: sampling_steps = {}: at most time_buckets = {}",
                              config.sampling_steps, config.time_buckets));
  }
  return config;
}

std::pair<int, int> SeenSize(const GrootShape& shape, const GrootConfig& config, size_t camera) {
  const std::string* longest = nullptr;
  for (const auto& [pattern, height] : config.resolution) {
    if (!GlobMatch(ImageColumn(pattern), shape.images[camera])) continue;
    if (longest == nullptr || pattern.size() > longest->size()) longest = &pattern;
  }
  if (longest == nullptr) return {shape.height, shape.width};
  const int height = config.resolution.at(*longest);
  const double width = static_cast<double>(shape.width) * height / shape.height;
  return {height, std::max(1, static_cast<int>(std::lround(width)))};
}

GrootShape GrootShapeOf(const SampleLayout& layout, const GrootConfig& config) {
  GrootShape shape;
  for (const ColumnLayout& column : layout.columns) {
    const std::vector<int>& size = column.info.shape;
    if (IsImageColumn(column.info.name)) {
      if (!shape.images.empty() && (size[0] != shape.height || size[1] != shape.width)) {
        ThrowBadInput(fmt::format(
            "policy: {} is {}x{}, {} is {}x{}: all cameras must have one size", shape.images[0],
            shape.width, shape.height, column.info.name, size[1], size[0]));
      }
      shape.images.push_back(column.info.name);
      shape.images_of.push_back(column.info.by_embodiment);
      shape.height = size[0];
      shape.width = size[1];
    }
  }
  shape.state = layout[kStateColumn].info.size();
  shape.state_of = layout[kStateColumn].info.by_embodiment;
  shape.action = layout[kActionColumn].info.size();
  shape.action_of = layout[kActionColumn].info.by_embodiment;
  shape.horizon = layout[kActionColumn].steps();
  shape.tokens = layout[kInstructionColumn].info.size();
  if (shape.horizon % config.actions_per_token != 0) {
    ThrowBadInput(fmt::format("policy: actions_per_token = {}: the horizon of {} is no multiple",
                              config.actions_per_token, shape.horizon));
  }
  if (config.rtc_training_max_delay >= shape.horizon) {
    ThrowBadInput(fmt::format("policy: rtc_training_max_delay = {}: a chunk has {} actions",
                              config.rtc_training_max_delay, shape.horizon));
  }
  for (const auto& [pattern, height] : config.resolution) {
    const bool known = std::ranges::any_of(shape.images, [&](const std::string& image) {
      return GlobMatch(ImageColumn(pattern), image);
    });
    if (!known) {
      ThrowBadInput(fmt::format("policy: resolution: no camera matches '{}'; there are {}", pattern,
                                fmt::join(shape.images, ", ")));
    }
  }
  for (size_t camera = 0; camera < shape.images.size(); ++camera) {
    const auto [height, width] = SeenSize(shape, config, camera);
    if (height > shape.height) {
      ThrowBadInput(fmt::format("policy: resolution: {} px are more than the {} that {} has",
                                height, shape.height, shape.images[camera]));
    }
    const int patch = config.vit_patch;
    if (config.trunk() == GrootEncoder::kVit && (height % patch != 0 || width % patch != 0)) {
      ThrowBadInput(fmt::format(
          "policy: encoder = vit: {} is seen at {}x{}, and sides must be multiples of vit_patch = "
          "{}: give --image-width and --image-height, or resolution",
          shape.images[camera], width, height, patch));
    }
    if (config.shared_encoder && SeenSize(shape, config, 0) != std::pair(height, width)) {
      ThrowBadInput(
          fmt::format("policy: shared_encoder: {} and {} are seen in different sizes (resolution)",
                      shape.images[0], shape.images[camera]));
    }
  }
  const ColumnLayout* objects = layout.Find(kObjectsColumn);
  shape.objects = objects == nullptr ? 0 : objects->info.size();
  return shape;
}

PolicyType GrootPolicy() {
  PolicyType type;
  type.name = "groot";
  type.summary =
      "diffusion transformer over images, text and state with flow matching, in the form of GR00T "
      "N1";
  type.fields = ListFields(GrootConfig{});
  type.resolve = [](const Json& options) { return ToJson(ReadGrootConfig(options)); };
  // the current pictures, state and text; the labels of objects where their loss is on
  type.columns = [](const Json& options, const ColumnOffer& offer) {
    const GrootConfig config = ReadGrootConfig(options);
    std::vector<ColumnRequest> requests;
    for (const ColumnInfo& column : offer.columns) {
      const bool labels = column.name == kObjectsColumn && config.object_weight > 0;
      if (IsImageColumn(column.name) || labels) requests.push_back({column.name});
    }
    requests.push_back({kStateColumn});
    requests.push_back({kInstructionColumn});
    requests.push_back({kActionColumn, ChunkOffsets(offer.horizon)});
    return requests;
  };
  type.max_delay = [](const Json& options) {
    return ReadGrootConfig(options).rtc_training_max_delay;
  };
  type.word_table = "text.words";
  type.slots = "embodiments";
  type.slot_tables = {"state_encoder.*", "action_encoder.*", "action_decoder.*"};
  return type;
}

}  // namespace understudy
