#include "data/store/index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/episode/motion.h"
#include "core/episode/rises.h"
#include "data/store/episode_columns.h"
#include "data/store/hdf5/lock.h"
#include "data/store/meta.h"
#include "data/store/success_known.h"

namespace understudy {
namespace {

constexpr const char* kIndex = "index";
constexpr const char* kOf = "of";   // attribute: the content hash that it was made for
constexpr size_t kHashDigits = 32;  // of a block, before its text
constexpr uint64_t kMostBlockBytes = uint64_t{1} << 26;

std::string BlockName(size_t first) { return fmt::format("{}/{}", kIndex, first); }

void PutFinite(const char* key, double value, Json& json) {
  if (std::isfinite(value)) json[key] = value;
}

double NumberOr(const Json& json, const char* key, double fallback) {
  return json.contains(key) ? json.at(key).get<double>() : fallback;
}

IndexEntry EntryFrom(const Json& json) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  IndexEntry entry;
  entry.uuid = json.at("uuid").get<std::string>();
  entry.length = json.at("length").get<size_t>();
  entry.success = json.at("success").get<bool>();
  entry.success_known = json.value(kSuccessKnown, true);
  entry.variant_index = json.at("variant_index").get<int>();
  EpisodeFigures& figures = entry.figures;
  figures.task = json.at("task").get<std::string>();
  figures.variant = json.at("variant").get<std::string>();
  figures.cause = json.at("cause").get<std::string>();
  figures.path_m = NumberOr(json, "path_m", kNone);
  figures.jerk_rms = NumberOr(json, "jerk_rms", kNone);
  figures.idle_share = NumberOr(json, "idle_share", kNone);
  figures.missing = json.at("missing").get<int64_t>();
  figures.rise_again = json.value(kRiseAgain, std::vector<std::string>{});
  figures.corrected_rows = json.value(kCorrectedRows, int64_t{0});
  return entry;
}

Json SumsToJson(const NumberSums& sums) {
  if (sums.rows == 0) return {{"rows", 0}};
  return {{"rows", sums.rows},
          {"min", sums.low},
          {"max", sums.high},
          {"sum", sums.sum},
          {"squares", sums.squares}};
}

NumberSums SumsFrom(const Json& json) {
  NumberSums sums;
  sums.rows = json.at("rows").get<int64_t>();
  if (sums.rows == 0) return sums;
  sums.low = json.at("min").get<std::vector<double>>();
  sums.high = json.at("max").get<std::vector<double>>();
  sums.sum = json.at("sum").get<std::vector<double>>();
  sums.squares = json.at("squares").get<std::vector<double>>();
  const size_t width = sums.low.size();
  if (sums.high.size() != width || sums.sum.size() != width || sums.squares.size() != width) {
    ThrowBadInput("sums of different widths");
  }
  return sums;
}

// Appends a block. Throws Error or Json::exception where it is damaged.
void ReadBlock(const h5::Group& understudy, DatasetIndex& index) {
  const std::string name = BlockName(index.entries.size());
  const std::optional<Column> stored = understudy.ReadIf(name, [](const h5::DatasetInfo& info) {
    return info.type() == ColumnType::kU8 && info.dims.size() == 1 && info.dims[0] > kHashDigits &&
           info.dims[0] <= kMostBlockBytes;
  });
  if (!stored) ThrowBadInput(name + ": no block of an index");
  const std::string_view bytes(reinterpret_cast<const char*>(stored->bytes.data()),
                               stored->bytes.size());
  const std::string_view text = bytes.substr(kHashDigits);
  if (ContentHash(text) != bytes.substr(0, kHashDigits)) ThrowBadInput(name + ": is damaged");
  const Json block = Json::parse(text);
  for (const Json& entry : block.at("episodes")) index.entries.push_back(EntryFrom(entry));
  index.actions = SumsFrom(block.at("actions"));  // of this block and those before
}

// All blocks; unset where one is damaged.
std::optional<DatasetIndex> ReadBlocks(const h5::Group& understudy) {
  DatasetIndex index;
  try {
    while (understudy.Has(BlockName(index.entries.size()))) ReadBlock(understudy, index);
    return index;
  } catch (const Error&) {
  } catch (const Json::exception&) {
  }
  return {};
}

// Rows in which a person acted instead of the policy that acted in the others.
int64_t CorrectedRows(const Episode& episode) {
  const auto count = [&](StepLabel label) {
    return std::ranges::count(episode.steps, label, &Step::label);
  };
  return count(StepLabel::kPolicy) > 0 ? count(StepLabel::kDemonstration) : 0;
}

}  // namespace

EpisodeFigures FiguresOf(const Episode& episode) {
  const MotionStatistics motion = MeasureMotion(episode);
  const EpisodeMeta& meta = episode.meta;
  return {meta.task,
          meta.variant,
          meta.cause,
          motion.path_m,
          motion.jerk_rms,
          motion.idle_share,
          motion.missing,
          SignalsThatRiseAgain(episode),
          CorrectedRows(episode)};
}

IndexEntry IndexEntry::Of(const Episode& episode) {
  IndexEntry entry;
  entry.figures = FiguresOf(episode);
  entry.SetMeta(episode.meta);
  entry.length = episode.length();
  std::vector<double> row;
  for (const Step& step : episode.steps) {
    row.clear();
    for (const DeltaAction& arm : step.delta) {
      row.insert(row.end(), arm.value.begin(), arm.value.end());
    }
    entry.actions.Add(row, row.size());
  }
  return entry;
}

void IndexEntry::SetMeta(const EpisodeMeta& meta) {
  uuid = meta.uuid;
  success = meta.success;
  success_known = IsSuccessKnown(meta.settings);
  variant_index = meta.variant_index;
  figures.task = meta.task;
  figures.variant = meta.variant;
  figures.cause = meta.cause;
}

Json IndexEntry::ToJson() const {
  Json json{{"uuid", uuid},           {"length", length},
            {"success", success},     {"variant_index", variant_index},
            {"task", figures.task},   {"variant", figures.variant},
            {"cause", figures.cause}, {"missing", figures.missing}};
  if (!success_known) json[kSuccessKnown] = false;
  if (!figures.rise_again.empty()) json[kRiseAgain] = figures.rise_again;
  if (figures.corrected_rows > 0) json[kCorrectedRows] = figures.corrected_rows;
  PutFinite("path_m", figures.path_m, json);
  PutFinite("jerk_rms", figures.jerk_rms, json);
  PutFinite("idle_share", figures.idle_share, json);
  return json;
}

std::optional<DatasetIndex> ReadIndex(const h5::Group& understudy) {
  const h5::Guard guard;
  try {
    if (!understudy.Has(kIndex)) return {};
    const std::string of = understudy.Open(kIndex).Text(kOf, "");
    if (of.empty() || of != understudy.Text("content_hash", "")) return {};
  } catch (const Error&) {
    return {};  // whoever needs it looks into the episodes; verify says what is wrong
  }
  return ReadBlocks(understudy);
}

void IndexWriter::Add(IndexEntry entry) {
  if (given_up_) return;
  actions_.Add(entry.actions);
  fresh_.push_back(std::move(entry));
}

void IndexWriter::Resume(const h5::Group& understudy) {
  std::optional<DatasetIndex> index = ReadBlocks(understudy);
  if (!index) return GiveUp();
  stored_ = index->entries.size();
  actions_ = std::move(index->actions);
}

void IndexWriter::GiveUp() {
  given_up_ = true;
  fresh_.clear();
}

void IndexWriter::StoreFull(const h5::Group& understudy) {
  if (fresh_.size() >= kIndexBlock) Store(understudy);
}

void IndexWriter::Store(const h5::Group& understudy) {
  if (fresh_.empty()) return;
  Json episodes = Json::array();
  for (const IndexEntry& entry : fresh_) episodes.push_back(entry.ToJson());
  const Json block{{"actions", SumsToJson(actions_)}, {"episodes", episodes}};
  const std::string text = block.dump(-1, ' ', false, Json::error_handler_t::replace);
  understudy.WritePacked(BlockName(stored_), ContentHash(text) + text);
  stored_ += fresh_.size();
  fresh_.clear();
}

void IndexWriter::Finish(const h5::Group& understudy, const std::string& content_hash) {
  Store(understudy);
  if (given_up_ && understudy.Has(kIndex)) understudy.Delete(kIndex);
  if (given_up_ || stored_ == 0) return;
  understudy.Open(kIndex).SetText(kOf, content_hash);
}

Episode ReadEpisodeRows(const h5::Group& demo) {
  const h5::Guard guard;
  Episode episode;
  episode.meta = ReadMeta(demo);
  ReadColumns(demo, ReadLength(demo), false, episode);
  return episode;
}

void StoreHash(const h5::Group& root, const std::string& content_hash, IndexWriter& index) {
  const h5::Guard guard;
  const h5::Group understudy = root.Open("understudy");
  understudy.SetText("content_hash", content_hash);
  index.Finish(understudy, content_hash);
}

}  // namespace understudy
