#include "train/policies/bc_rnn_gmm/bc_rnn_gmm_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "train/policies/bc_rnn_gmm/robomimic_config.h"

namespace understudy {
namespace {

struct ModalityOnly {
  BcModality modality = BcModality::kImage;
  template <class V>
  void Visit(V& v) {
    v("modality", modality, "preset");
  }
};

BcModality ModalityOf(const Json& json) {
  Json only = Json::object();
  if (json.is_object() && json.contains("modality")) only["modality"] = json["modality"];
  return FromJson<ModalityOnly>(only, "policy").modality;
}

BcRnnGmmConfig Preset(BcModality modality) {
  BcRnnGmmConfig config;
  config.modality = modality;
  if (modality == BcModality::kLowDim) {
    config.hidden = 400;
    config.objects = true;
  }
  return config;
}

// Adam at a constant rate, without clipping, weight decay and averaging: as robomimic trains.
Json TrainingPreset(BcModality modality) {
  const bool image = modality == BcModality::kImage;
  Json preset{{"horizon", 1},
              {"execute", 1},
              {"batch", image ? 16 : 100},
              {"action_normalizer", "min_max"},
              {"trainer",
               {{"learning_rate", image ? 1e-4 : 1e-3},
                {"warmup", 0},
                {"final_fraction", 1.0},
                {"weight_decay", 0.0},
                {"beta2", 0.999},
                {"clip", 0.0},
                {"ema", 0.0}}}};
  if (!image) {
    preset["pictures"] = false;
    // of small matrices: in halves it takes two thirds of the time of the usual quarters
    preset["trainer"]["microbatches"] = 2;
  }
  return preset;
}

}  // namespace

BcRnnGmmConfig ReadBcRnnGmmConfig(const Json& json) {
  return FromJson(json, "policy", Preset(ModalityOf(json)));
}

BcRnnGmmShape BcRnnGmmShapeOf(const SampleLayout& layout, const BcRnnGmmConfig& config) {
  BcRnnGmmShape shape;
  for (const ColumnLayout& column : layout.columns) {
    const ColumnInfo& info = column.info;
    if (IsImageColumn(info.name)) {
      shape.images.push_back(info.name);
      shape.height = info.shape[0];
      shape.width = info.shape[1];
    } else if (info.name == kActionColumn) {
      shape.action = info.size();
    } else {
      shape.numbers.push_back(info.name);
      shape.numbers_size += info.size();
    }
  }
  if (shape.images.empty()) return shape;
  if (config.crop > std::min(shape.height, shape.width)) {
    ThrowBadInput(fmt::format(
        "policy: crop = {}: pictures are {}x{}; give --policy.crop of at most {}, or 0 for all of "
        "a picture",
        config.crop, shape.width, shape.height, std::min(shape.height, shape.width)));
  }
  const int width = config.crop > 0 ? config.crop : shape.width;
  const int height = config.crop > 0 ? config.crop : shape.height;
  if (std::max(width, height) <= 32) {
    ThrowBadInput(
        fmt::format("policy: pictures of {}x{} px are one cell to ResNet18, in which no keypoint "
                    "has a place: 33 px at least",
                    width, height));
  }
  return shape;
}

PolicyType BcRnnGmmPolicy() {
  PolicyType type;
  type.name = "bc_rnn_gmm";
  type.summary =
      "LSTM over pictures or objects and state, mixture of Gaussians over each action: robomimic's "
      "baseline with MimicGen's settings";
  type.fields = ListFields(BcRnnGmmConfig{});
  type.resolve = [](const Json& options) { return ToJson(ReadBcRnnGmmConfig(options)); };
  type.memory = [](const Json& options) { return ReadBcRnnGmmConfig(options).sequence; };
  type.bounded = true;
  type.preset = [](const Json& options) { return TrainingPreset(ModalityOf(options)); };
  type.columns = [](const Json& options, const ColumnOffer& offer) {
    const BcRnnGmmConfig config = ReadBcRnnGmmConfig(options);
    const std::vector<int> steps = ChunkOffsets(config.sequence);
    std::vector<ColumnRequest> requests;
    for (const ColumnInfo& column : offer.columns) {
      if (config.modality == BcModality::kImage && IsImageColumn(column.name)) {
        requests.push_back({column.name, steps});
      }
    }
    if (config.modality == BcModality::kImage && requests.empty()) {
      ThrowBadInput(
          "policy: modality = image: the data hold no pictures; give --policy.modality low_dim");
    }
    requests.push_back({kStateColumn, steps});
    if (config.objects) {
      const bool known = std::ranges::any_of(offer.columns, [](const ColumnInfo& column) {
        return column.name == kSeenObjectsColumn;
      });
      if (!known) {
        ThrowBadInput(
            "policy: objects = true: the data do not say in every episode where all objects are; "
            "--no-policy.objects does without");
      }
      requests.push_back({kSeenObjectsColumn, steps});
    }
    requests.push_back({kActionColumn, steps});
    return requests;
  };
  type.open_foreign = ReadRobomimicPolicy;
  return type;
}

}  // namespace understudy
