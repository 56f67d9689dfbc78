#include "data/formats/lerobot/episode_table.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr size_t kEpisodesPerRowGroup = 100;

}  // namespace

void EpisodeTable::Int(const std::string& name, int64_t value) {
  std::get<std::vector<int64_t>>(Next(name, std::vector<int64_t>{}).values).push_back(value);
}

void EpisodeTable::Double(const std::string& name, double value) {
  std::get<std::vector<double>>(Next(name, std::vector<double>{}).values).push_back(value);
}

void EpisodeTable::Texts(const std::string& name, const std::vector<std::string>& texts) {
  using Lists = std::vector<std::vector<std::string>>;
  std::get<Lists>(Next(name, Lists{}).values).push_back(texts);
}

void EpisodeTable::Statistics(const std::string& feature, const FeatureStatistics& statistics,
                              const std::vector<int>& dims) {
  for (const auto& [name, values] : NamedStatistics(statistics)) {
    if (values.empty()) continue;
    ParquetColumn& column = Next(fmt::format("stats/{}/{}", feature, name), std::vector<double>{});
    column.dims = dims;
    auto& all = std::get<std::vector<double>>(column.values);
    all.insert(all.end(), values.begin(), values.end());
  }
  ParquetColumn& count = Next(fmt::format("stats/{}/count", feature), std::vector<int64_t>{});
  count.dims = {1};
  std::get<std::vector<int64_t>>(count.values).push_back(statistics.count);
}

void EpisodeTable::End() {
  if (++rows_ == kEpisodesPerRowGroup) Flush();
}

void EpisodeTable::Finish() {
  Flush();
  writer_.Finish();
}

template <class Values>
ParquetColumn& EpisodeTable::Next(const std::string& name, const Values& empty) {
  if (at_ == columns_.size()) columns_.push_back({.name = name, .values = empty});
  Require(columns_[at_].name == name, "every episode has the same columns");
  return columns_[at_++];
}

void EpisodeTable::Flush() {
  if (rows_ == 0) return;
  writer_.Append(columns_);
  columns_.clear();
  rows_ = 0;
}

}  // namespace understudy
