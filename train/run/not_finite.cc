#include "train/run/not_finite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

template <class T>
TensorBlob Blob(const char* dtype, const std::vector<T>& values, std::vector<int64_t> shape) {
  TensorBlob blob{dtype, std::move(shape), std::vector<uint8_t>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(blob.data.data(), values.data(), blob.data.size());
  return blob;
}

}  // namespace

std::string NameRows(const Batch& batch, const std::vector<size_t>& samples,
                     const TrainingSets& sets) {
  std::vector<size_t> chosen = samples;
  for (size_t b = 0; samples.empty() && b < batch.row_B.size(); ++b) chosen.push_back(b);
  // by dataset and episode, in order
  std::map<std::string, std::map<std::pair<size_t, std::string>, std::vector<size_t>>> rows;
  for (const size_t b : chosen) {
    if (b >= batch.row_B.size()) continue;
    const SampleRow& row = batch.row_B[b];
    const TrainingSet& set = *sets.at(row.set);
    const TrainingEpisode& episode = set.episodes.at(row.episode);
    rows[set.datasets.at(episode.dataset).path][{episode.index, episode.name}].push_back(row.row);
  }
  std::vector<std::string> texts;
  for (auto& [path, episodes] : rows) {
    std::vector<std::string> of_dataset;
    for (auto& [episode, numbers] : episodes) {
      std::ranges::sort(numbers);
      of_dataset.push_back(fmt::format("{}, {} {}", episode.second,
                                       numbers.size() == 1 ? "row" : "rows",
                                       fmt::join(numbers, ", ")));
    }
    texts.push_back(fmt::format("{}: {}", path, fmt::join(of_dataset, "; ")));
  }
  return fmt::format("{}", fmt::join(texts, "; "));
}

void WriteBatch(const std::filesystem::path& file, const Batch& batch, const SampleLayout& layout,
                const std::string& rows) {
  TensorMap tensors;
  const int64_t B = batch.size;
  for (const BatchColumn& column : batch.columns) {
    const ColumnLayout& asked = layout[column.name];
    std::vector<int64_t> shape{B, asked.steps()};
    shape.insert(shape.end(), asked.info.shape.begin(), asked.info.shape.end());
    tensors[column.name] = !column.pixels.empty()   ? Blob("U8", column.pixels, shape)
                           : !column.tokens.empty() ? Blob("I32", column.tokens, shape)
                                                    : Blob("F32", column.numbers, shape);
    tensors[column.name + "/real"] = Blob("U8", column.real_BT, {B, asked.steps()});
  }
  tensors["embodiment"] = Blob("I32", batch.embodiment_B, {B});
  tensors["sample"] = Blob("I64", batch.sample_B, {B});
  std::vector<int64_t> places;
  for (const SampleRow& row : batch.row_B) {
    for (const size_t number : {row.set, row.episode, row.row}) {
      places.push_back(static_cast<int64_t>(number));
    }
  }
  tensors["place"] = Blob("I64", places, {static_cast<int64_t>(batch.row_B.size()), 3});
  WriteSafetensors(file, tensors, {{"rows", rows}});
}

}  // namespace understudy
