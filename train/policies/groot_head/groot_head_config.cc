#include "train/policies/groot_head/groot_head_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/json.h"
#include "train/policies/groot_head/release_config.h"

namespace understudy {
namespace {

// Reads one config.json and gathers what is wrong with it.
class ReleasedConfig {
 public:
  ReleasedConfig(const std::filesystem::path& file, const Json& json) : file_(file), json_(json) {}

  template <class T>
  T Get(const Json& from, const char* key) {
    const auto found = from.find(key);
    if (found == from.end() || found->is_null()) {
      problems_.push_back(fmt::format("'{}' is missing", key));
      return {};
    }
    try {
      return found->get<T>();
    } catch (const Json::exception&) {
      problems_.push_back(fmt::format("'{}' is {}", key, found->dump()));
      return {};
    }
  }
  template <class T>
  T GetOr(const Json& from, const char* key, T otherwise) {
    return from.contains(key) && !from[key].is_null() ? Get<T>(from, key) : otherwise;
  }
  // What a head that is built here must say.
  void MustBe(const Json& from, const char* key, const Json& wanted, const Json& unsaid) {
    const Json found = from.contains(key) ? from[key] : unsaid;
    if (found != wanted) {
      problems_.push_back(
          fmt::format("'{}' is {}, and {} is built here", key, found.dump(), wanted.dump()));
    }
  }
  Json Section(const Json& from, const char* key) {
    const Json section = from.value(key, Json());
    if (section.is_object()) return section;
    problems_.push_back(fmt::format("'{}' is no object", key));
    return Json::object();
  }
  void Problem(std::string what) { problems_.push_back(std::move(what)); }
  void Finish() const {
    if (!problems_.empty()) {
      ThrowBadInput(fmt::format("{}: no action head of GR00T that is built here: {}",
                                file_.string(), fmt::join(problems_, "; ")));
    }
  }

 private:
  const std::filesystem::path file_;
  const Json& json_;
  Problems problems_;
};

constexpr std::array<std::pair<const char*, GrootRelease>, 3> kModels{
    {{"gr00t_n1_5", GrootRelease::kN15},
     {"Gr00tN1d6", GrootRelease::kN16},
     {"Gr00tN1d7", GrootRelease::kN17}}};

}  // namespace

GrootHeadConfig GrootHeadPreset(GrootRelease version) {
  GrootHeadConfig config;
  config.version = version;
  if (version == GrootRelease::kN17) return config;
  config.feature_blocks = 0;
  if (version == GrootRelease::kN16) {
    config.max_state = config.max_action = 128;
    config.max_horizon = 50;
    config.mask_token = true;
    return config;
  }
  config.max_state = 64;
  config.max_action = 32;
  config.max_horizon = 16;
  config.blocks = 16;
  config.feature_blocks = 4;
  config.alternate = false;
  config.future_tokens = 32;
  config.state_dropout = 0;
  return config;
}

GrootHeadConfig ReleasedHeadConfig(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "config.json";
  const Json json = LoadJson(file);
  ReleasedConfig read(file, json);
  const std::string model = read.GetOr<std::string>(json, "model_type", "");
  const auto known = std::ranges::find_if(kModels, [&](const auto& m) { return m.first == model; });
  if (known == kModels.end()) {
    read.Problem(
        fmt::format("'model_type' is '{}', and gr00t_n1_5, Gr00tN1d6 and Gr00tN1d7 are", model));
    read.Finish();
  }
  GrootHeadConfig config = GrootHeadPreset(known->second);
  const bool n15 = config.version == GrootRelease::kN15;
  const Json head = n15 ? read.Section(json, "action_head_cfg") : json;
  const Json dit = read.Section(head, "diffusion_model_cfg");

  config.max_state = read.Get<int>(head, "max_state_dim");
  config.max_action = read.Get<int>(
      head, n15 && !head.contains("max_action_dim") ? "action_dim" : "max_action_dim");
  config.max_horizon = read.Get<int>(head, "action_horizon");
  config.state_history = read.GetOr(head, "state_history_length", 1);
  config.hidden = read.Get<int>(head, "hidden_size");
  config.width = read.Get<int>(head, "input_embedding_dim");
  config.feature_width = read.Get<int>(head, "backbone_embedding_dim");
  config.blocks = read.Get<int>(dit, "num_layers");
  config.heads = read.Get<int>(dit, "num_attention_heads");
  config.dropout = read.GetOr(dit, "dropout", 0.1);
  if (config.width != config.heads * read.Get<int>(dit, "attention_head_dim")) {
    read.Problem("'input_embedding_dim' is not num_attention_heads x attention_head_dim");
  }
  if (config.hidden != read.Get<int>(dit, "output_dim")) {
    read.Problem("'output_dim' is not hidden_size");
  }
  read.MustBe(dit, "norm_type", "ada_norm", "ada_norm");
  read.MustBe(dit, "interleave_self_attention", true, false);
  read.MustBe(dit, "positional_embeddings", nullptr, "sinusoidal");
  read.MustBe(dit, "final_dropout", true, true);
  config.alternate = !n15 && read.GetOr(head, "use_alternate_vl_dit", true);
  config.text_every = read.GetOr(head, "attend_text_every_n_blocks", 2);
  config.feature_norm = read.GetOr(head, "use_vlln", true);
  config.future_tokens = n15 ? read.GetOr(head, "num_target_vision_tokens", 32) : 0;
  config.positions =
      read.GetOr(head, "add_pos_embed", true) ? read.GetOr(head, "max_seq_len", 1024) : 0;
  read.MustBe(head, "strict_action_padding_mask", false, false);
  read.MustBe(head, "use_tactile", false, false);

  const Json features = head.value("vl_self_attention_cfg", Json());
  config.feature_blocks = 0;
  if (features.is_object() && (!n15 || config.feature_norm)) {
    config.feature_blocks = read.GetOr(features, "num_layers", n15 ? 12 : 0);
    config.feature_heads = read.GetOr(features, "num_attention_heads", 8);
    if (config.feature_blocks > 0) {
      read.MustBe(features, "positional_embeddings", nullptr, "sinusoidal");
      read.MustBe(features, "final_dropout", true, true);
      read.MustBe(features, "dropout", config.dropout, 0.1);
      if (config.feature_width !=
          config.feature_heads * read.GetOr(features, "attention_head_dim", 64)) {
        read.Problem("'backbone_embedding_dim' is not that of 'vl_self_attention_cfg'");
      }
    }
  }
  config.state_dropout = n15 ? 0 : read.GetOr(head, "state_dropout_prob", 0.0);
  config.mask_token = config.version == GrootRelease::kN16 && config.state_dropout > 0;
  config.state_noise = read.GetOr(head, "state_additive_noise_scale", 0.0);
  config.time_alpha = read.GetOr(head, "noise_beta_alpha", 1.5);
  config.time_beta = read.GetOr(head, "noise_beta_beta", 1.0);
  config.time_scale = read.GetOr(head, "noise_s", 0.999);
  config.time_buckets = read.GetOr(head, "num_timestep_buckets", 1000);
  config.sampling_steps = read.GetOr(head, "num_inference_timesteps", 4);
  read.Finish();
  return config;
}

GrootHeadConfig ReadGrootHeadConfig(const Json& json) {
  // what the other values start from
  GrootHeadConfig base;
  const Json release = json.is_object() ? json.value("release", Json()) : Json();
  const Json version = json.is_object() ? json.value("version", Json()) : Json();
  const bool whole = json.is_object() && json.size() >= ToJson(base).size();
  if (!whole && release.is_string() && !release.get<std::string>().empty()) {
    base = ReleasedHeadConfig(release.get<std::string>());
    const std::string here = ToJson(base)["version"];
    if (version.is_string() && version != here) {
      ThrowBadInput(fmt::format("policy: version = {}: {} is {}", version.get<std::string>(),
                                release.get<std::string>(), here));
    }
  } else if (version.is_string()) {
    base = GrootHeadPreset(FromJson<GrootHeadConfig>({{"version", version}}, "policy").version);
  }
  Json all = ToJson(base);
  if (json.is_object()) {
    all.update(json);
  } else {
    all = json;
  }
  auto config = FromJson<GrootHeadConfig>(all, "policy");
  // a checkpoint is opened from anywhere
  if (!config.release.empty()) config.release = std::filesystem::absolute(config.release);
  Problems problems;
  const auto multiple = [&](const char* what, int value, const char* of, int divisor) {
    if (value % divisor != 0) {
      problems.push_back(
          fmt::format("{} = {}: must be a multiple of {} = {}", what, value, of, divisor));
    }
  };
  multiple("width", config.width, "heads", config.heads);
  if (config.width % 2 != 0) {
    problems.push_back(
        fmt::format("width = {}: must be even (the time code is sines and cosines)", config.width));
  }
  if (config.feature_blocks > 0) {
    multiple("feature_width", config.feature_width, "feature_heads", config.feature_heads);
  }
  if (config.positions > 0 && config.positions < config.max_horizon) {
    problems.push_back(fmt::format("positions = {}: a chunk has max_horizon = {}", config.positions,
                                   config.max_horizon));
  }
  if (config.sampling_steps > config.time_buckets) {
    problems.push_back(fmt::format("sampling_steps = {}: at most time_buckets = {}",
                                   config.sampling_steps, config.time_buckets));
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("policy: {}", fmt::join(problems, "; ")));
  return config;
}

int SlotOfRelease(const GrootHeadConfig& config) {
  if (config.embodiment_slot >= 0) return config.embodiment_slot;
  const std::filesystem::path file = std::filesystem::path(config.release) / "embodiment_id.json";
  if (std::filesystem::exists(file)) {
    const Json ids = LoadJson(file);
    const Json slot = ids.is_object() ? ids.value("new_embodiment", Json()) : Json();
    if (slot.is_number_integer()) return slot.get<int>();
  }
  return config.version == GrootRelease::kN15 ? 31 : 10;
}

GrootHeadShape GrootHeadShapeOf(const SampleLayout& layout, const GrootHeadConfig& config) {
  const GrootHeadShape shape{layout[kStateColumn].info.size(), layout[kActionColumn].info.size(),
                             layout[kActionColumn].steps(),
                             layout[kFeaturesColumn].info.shape.at(0)};
  Problems problems;
  const auto fits = [&](const char* what, int size, const char* room, int most) {
    if (size > most) {
      problems.push_back(
          fmt::format("{} has {}, and the head has {} = {}", what, size, room, most));
    }
  };
  fits("a state", shape.state, "max_state", config.max_state);
  fits("an action", shape.action, "max_action", config.max_action);
  fits("a chunk", shape.horizon, "max_horizon", config.max_horizon);
  const int width = layout[kFeaturesColumn].info.shape.at(1);
  if (width != config.feature_width) {
    problems.push_back(fmt::format("features have {} channels, and the head has feature_width = {}",
                                   width, config.feature_width));
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("policy: {}", fmt::join(problems, "; ")));
  return shape;
}

PolicyType GrootHeadPolicy() {
  PolicyType type;
  type.name = "groot_head";
  type.summary = "action head of NVIDIA's GR00T N1.5 to N1.7, on features of its backbone";
  type.fields = ListFields(GrootHeadConfig{});
  type.resolve = [](const Json& options) { return ToJson(ReadGrootHeadConfig(options)); };
  type.columns = [](const Json& options, const ColumnOffer& offer) {
    const bool features = std::ranges::any_of(
        offer.columns, [](const ColumnInfo& info) { return info.name == kFeaturesColumn; });
    if (!features) {
      ThrowBadInput(
          "policy 'groot_head' sees features of GR00T's backbone, and none are given: name their "
          "folders by --features (docs/with_groot.md). It cannot act in a simulator by itself: "
          "`policy export` puts it back into its checkpoint, for GR00T's own server");
    }
    std::vector<int> history;
    for (int k = 1 - ReadGrootHeadConfig(options).state_history; k <= 0; ++k) history.push_back(k);
    return std::vector<ColumnRequest>{{kFeaturesColumn},
                                      {kFeatureKindsColumn},
                                      {kStateColumn, history},
                                      {kActionColumn, ChunkOffsets(offer.horizon)}};
  };
  // as Isaac-GR00T fine-tunes
  type.preset = [](const Json& options) {
    const GrootHeadConfig config = ReadGrootHeadConfig(options);
    const char* normalizer = config.version == GrootRelease::kN17 ? "quantile" : "min_max";
    return Json{{"horizon", config.max_horizon},
                {"batch", 32},
                {"state_normalizer", normalizer},
                {"action_normalizer", normalizer},
                {"action_statistics", "all_steps"},
                {"normal_clip", 1.0},
                {"pictures", false},
                {"trainer",
                 {{"learning_rate", 1e-4},
                  {"warmup", 500},
                  {"final_fraction", 0.0},
                  {"weight_decay", 1e-5},
                  {"beta1", config.version == GrootRelease::kN15 ? 0.95 : 0.9},
                  {"beta2", 0.999},
                  {"epsilon", 1e-8},
                  {"clip", 1.0},
                  {"ema", 0.0}}}};
  };
  type.foreign = "gr00t";
  type.write_foreign = WriteReleasedHead;
  return type;
}

}  // namespace understudy
