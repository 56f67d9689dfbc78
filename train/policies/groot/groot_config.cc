#include "train/policies/groot/groot_config.h"

#include "core/base/error.h"

namespace understudy {
namespace {

// `tiny` trains on two processor cores, `small` on one graphics card.
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
  if (config.sampling_steps > config.time_buckets) {
    ThrowBadInput(fmt::format("policy: sampling_steps = {}: at most time_buckets = {}",
                              config.sampling_steps, config.time_buckets));
  }
  return config;
}

GrootShape GrootShapeOf(const SampleLayout& layout) {
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
  type.word_table = "text.words";
  type.slots = "embodiments";
  type.slot_tables = {"state_encoder.*", "action_encoder.*", "action_decoder.*"};
  return type;
}

}  // namespace understudy
