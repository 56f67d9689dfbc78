#include "train/samples/features.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "train/tensors/safetensors.h"

namespace understudy {

void FeatureFolder::Open(const std::string& episode, size_t rows) {
  File file;
  file.path = folder_ / (episode + ".safetensors");
  const std::string name = file.path.string();
  if (!std::filesystem::exists(file.path)) {
    ThrowBadInput(
        fmt::format("{}: is missing: every episode has a file of features "
                    "(docs/with_groot.md)",
                    name));
  }
  const TensorIndex index = ReadSafetensorsIndex(file.path);
  const auto wrong = [&](const std::string& what) {
    ThrowBadInput(fmt::format("{}: no features of {}: {}", name, episode, what));
  };
  if (index.tensors.size() != 2 || !index.tensors.contains("features") ||
      !index.tensors.contains("kinds")) {
    wrong("it must hold the tensors 'features' and 'kinds', and no others");
  }
  const TensorPlace &features = index.tensors.at("features"), &kinds = index.tensors.at("kinds");
  const bool floats =
      features.dtype == "BF16" || features.dtype == "F16" || features.dtype == "F32";
  if (!floats || features.shape.size() != 3 || features.shape[1] < 1 || features.shape[1] > 65536 ||
      features.shape[2] < 1 || features.shape[2] > 65536) {
    wrong(
        fmt::format("'features' is {} {}, rows x tokens x channels in BF16, F16 or F32 are wanted",
                    features.dtype, features.shape));
  }
  if (features.shape[0] != static_cast<int64_t>(rows)) {
    wrong(fmt::format("{} rows, the episode has {}", features.shape[0], rows));
  }
  if (kinds.dtype != "U8" ||
      kinds.shape != std::vector<int64_t>{features.shape[0], features.shape[1]}) {
    wrong(fmt::format("'kinds' is {} {}, U8 [{}, {}] is wanted", kinds.dtype, kinds.shape,
                      features.shape[0], features.shape[1]));
  }
  const int width = static_cast<int>(features.shape[2]);
  if (width_ != 0 && width != width_) {
    wrong(fmt::format("{} channels, and {} of the files before", width, width_));
  }
  if (!files_.empty() && index.metadata != made_by_) {
    wrong(fmt::format("made by {}, and the files before by {}", index.metadata, made_by_));
  }

  file.dtype = features.dtype;
  file.features_begin = features.begin;
  file.tokens = static_cast<int>(features.shape[1]);
  file.kinds_TL.resize(kinds.end - kinds.begin);
  ReadBytes(file.path, kinds.begin, file.kinds_TL.size(), file.kinds_TL.data());
  for (size_t row = 0; row < rows; ++row) {
    const auto begin = file.kinds_TL.begin() + static_cast<std::ptrdiff_t>(row) * file.tokens;
    const auto end = begin + file.tokens;
    for (const auto& [kind, what] : {std::pair{kTextToken, "text"}, {kImageToken, "an image"}}) {
      if (std::find(begin, end, kind) == end) {
        wrong(fmt::format("row {} has no token of {}", row, what));
      }
    }
    if (std::any_of(begin, end, [](uint8_t kind) { return kind > kImageToken; })) {
      wrong(fmt::format("row {}: 'kinds' are 0 (nothing), 1 (text) and 2 (image)", row));
    }
  }
  width_ = width;
  made_by_ = index.metadata;
  tokens_ = std::max(tokens_, file.tokens);
  files_.push_back(std::move(file));
}

void FeatureFolder::ReadFeatures(size_t n, size_t row, int tokens, float* out_LW) const {
  const File& file = files_.at(n);
  TensorBlob blob{file.dtype, {}, {}};
  const size_t numbers = static_cast<size_t>(file.tokens) * static_cast<size_t>(width_);
  blob.data.resize(numbers * DtypeSize(file.dtype));
  ReadBytes(file.path, file.features_begin + row * blob.data.size(), blob.data.size(),
            blob.data.data());
  const std::vector<float> values = WidenedFloats(blob);
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
    ThrowBadInput(fmt::format("{}: row {}: a feature is not finite", file.path.string(), row));
  }
  const size_t padding = static_cast<size_t>(tokens - file.tokens) * static_cast<size_t>(width_);
  std::copy(values.begin(), values.end(), std::fill_n(out_LW, padding, 0.0f));
}

void FeatureFolder::ReadKinds(size_t n, size_t row, int tokens, float* out_L) const {
  const File& file = files_.at(n);
  const auto begin = file.kinds_TL.begin() + static_cast<std::ptrdiff_t>(row) * file.tokens;
  std::copy_n(begin, file.tokens,
              std::fill_n(out_L, tokens - file.tokens, static_cast<float>(kNoToken)));
}

}  // namespace understudy
