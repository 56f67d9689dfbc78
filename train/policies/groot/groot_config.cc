#include "train/policies/groot/groot_config.h"

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

}  // namespace understudy
