#include "view/dataset/marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include "core/base/error.h"
#include "core/base/locks.h"
#include "data/formats/formats.h"
#include "data/store/edit/assemble.h"
#include "data/store/edit/mask_copy.h"
#include "data/store/reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kVersionKey = "understudy_marks";
constexpr int kVersion = 1;
constexpr uintmax_t kMaxBytes = uintmax_t{1} << 28;

// A program saves its marks within moments.
constexpr std::chrono::seconds kLockPatience(10);

// Locks `file` against other programs that save marks into it, once they have let go of it. Throws
// Error(kUsage) naming the holder after kLockPatience, Error(kFailed) where no lock can be made.
// Null: the folder is missing, so that nothing can be saved either.
std::unique_ptr<OutputLock> LockMarks(const fs::path& file) {
  std::error_code none;
  if (file.has_parent_path() && !fs::is_directory(file.parent_path(), none)) return nullptr;
  const auto end = std::chrono::steady_clock::now() + kLockPatience;
  for (;;) {
    try {
      return std::make_unique<OutputLock>(file);
    } catch (const Error& error) {
      const bool held = error.kind() == ErrorKind::kUsage;
      if (!held || std::chrono::steady_clock::now() > end) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

// A filter key is a name in a group of HDF5 and in conditions.
void RequireKey(const std::string& key) {
  const auto fine = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  if (key.empty() || key.size() > 64 || !std::all_of(key.begin(), key.end(), fine)) {
    ThrowUsage(fmt::format("filter key '{}': must be 1 to 64 letters, digits and _", key));
  }
}

std::vector<std::string> KeysOf(const std::vector<EpisodeSummary>& episodes) {
  std::map<std::string, int> count;
  for (const EpisodeSummary& episode : episodes) ++count[episode.uuid];
  std::vector<std::string> keys;
  for (const EpisodeSummary& episode : episodes) {
    const bool known = !episode.uuid.empty() && count[episode.uuid] == 1;
    keys.push_back(known ? episode.uuid : "name:" + episode.name);
  }
  return keys;
}

}  // namespace

Marks::Marks(const EpisodeSource& reader, fs::path file)
    : file_(std::move(file)),
      dataset_(reader.path()),
      content_hash_(reader.content_hash()),
      keys_(KeysOf(reader.episodes())) {
  for (const EpisodeSummary& episode : reader.episodes()) names_.push_back(episode.name);
  if (file_.empty()) file_ = dataset_.string() + ".marks.json";
  std::string hash;
  entries_ = Load(&hash);
  if (entries_.empty()) return;
  const std::set<std::string> here(keys_.begin(), keys_.end());
  const auto known = std::count_if(entries_.begin(), entries_.end(),
                                   [&](const auto& entry) { return here.contains(entry.first); });
  const auto count = static_cast<int64_t>(entries_.size());
  if (hash != content_hash_ || known < count) {
    notice_ = fmt::format(
        "{} was written for other content than '{}' holds now: {} of its {} marked episodes are "
        "here{}",
        file_.string(), dataset_.string(), known, count,
        known < count ? "; the other marks stay in the file" : "");
  }
}

Marks::Entries Marks::Load(std::string* content_hash) const {
  Entries entries;
  std::error_code none;
  if (!fs::exists(file_, none)) return entries;
  const auto refuse = [&](const std::string& what) {
    ThrowBadInput(fmt::format("{}: {}; move it away, or name another file with --marks",
                              file_.string(), what));
  };
  if (!fs::is_regular_file(file_, none)) refuse("is not a regular file");
  if (fs::file_size(file_, none) > kMaxBytes) refuse("is too large for a file of marks");
  Json json;
  try {
    json = LoadJson(file_);
  } catch (const Error& error) {
    ThrowBadInput(fmt::format("{}; move it away, or name another file with --marks", error.what()));
  }
  if (!json.is_object() || !json.contains(kVersionKey)) refuse("does not hold marks");
  if (json[kVersionKey] != kVersion) {
    refuse(
        fmt::format("is of version {}, this program knows {}", json[kVersionKey].dump(), kVersion));
  }
  if (content_hash != nullptr && json.contains("content_hash") && json["content_hash"].is_string())
    *content_hash = json["content_hash"];
  for (const Mark mark : {Mark::kKeep, Mark::kDrop}) {
    const std::string list = ToJson(mark);
    if (!json.contains(list)) continue;
    if (!json[list].is_object()) refuse(fmt::format("'{}' must be a mapping", list));
    for (const auto& [key, name] : json[list].items()) {
      if (!name.is_string()) refuse(fmt::format("{}.{} must be text", list, key));
      if (!entries.emplace(key, Entry{mark, name}).second) {
        refuse(fmt::format("{} is in both keep and drop", key));
      }
    }
  }
  return entries;
}

std::vector<Mark> Marks::All() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Mark> marks;
  for (const std::string& key : keys_) {
    const auto found = entries_.find(key);
    marks.push_back(found == entries_.end() ? Mark::kNone : found->second.mark);
  }
  return marks;
}

void Marks::Set(const std::map<size_t, Mark>& changes) {
  const std::scoped_lock lock(mutex_);
  const std::unique_ptr<OutputLock> alone = LockMarks(file_);
  // what another program marked meanwhile stays
  Entries entries = Load(nullptr);
  for (const auto& [episode, mark] : changes) {
    Require(episode < keys_.size(), "an episode of the dataset");
    entries.erase(keys_[episode]);
    if (mark != Mark::kNone) entries[keys_[episode]] = {mark, names_[episode]};
  }
  Json json{{kVersionKey, kVersion},
            {"dataset", dataset_.filename().string()},
            {"content_hash", content_hash_},
            {"keep", Json::object()},
            {"drop", Json::object()}};
  for (const auto& [key, entry] : entries)
    json[ToJson(entry.mark).get<std::string>()][key] = entry.name;
  WriteTextAtomically(file_, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  entries_ = std::move(entries);
}

ApplyReport ApplyMarks(const fs::path& input, const std::vector<Mark>& marks,
                       const fs::path& output, const ApplyOptions& options) {
  RequireKey(options.keep_key);
  RequireKey(options.drop_key);
  if (options.keep_key == options.drop_key) {
    ThrowUsage(
        fmt::format("filter key '{}': kept and dropped episodes need two", options.keep_key));
  }
  const std::unique_ptr<EpisodeSource> source = OpenDataset(input, options.read);
  const std::vector<EpisodeSummary>& episodes = source->episodes();
  Require(marks.size() == episodes.size(), "one mark per episode");
  if (std::all_of(marks.begin(), marks.end(), [](Mark mark) { return mark == Mark::kNone; })) {
    ThrowUsage(fmt::format("{}: no episode is marked: mark some with `understudy data view {}`",
                           input.string(), input.string()));
  }
  std::map<std::string, std::vector<size_t>> places{{options.keep_key, {}}, {options.drop_key, {}}};
  for (size_t i = 0; i < marks.size(); ++i) {
    const Mark mark = marks[i] == Mark::kNone ? options.unmarked : marks[i];
    if (mark == Mark::kKeep) places[options.keep_key].push_back(i);
    if (mark == Mark::kDrop) places[options.drop_key].push_back(i);
  }
  const ApplyReport report{static_cast<int64_t>(episodes.size()),
                           static_cast<int64_t>(places[options.keep_key].size()),
                           static_cast<int64_t>(places[options.drop_key].size())};
  if (source->content_hash().empty()) {
    if (options.by_reference) {
      ThrowUsage(
          fmt::format("{}: was written by another program: such files are copied, not "
                      "linked",
                      input.string()));
    }
    if (fs::is_directory(source->path())) {
      std::vector<std::string> dropped;
      for (const size_t member : places[options.drop_key]) dropped.push_back(episodes[member].name);
      ThrowUsage(
          fmt::format("{}: a folder of this kind has no filter keys; `understudy data filter {} "
                      "--drop \"[{}]\" "
                      "--out FOLDER` makes one without the episodes that are dropped",
                      input.string(), input.string(), fmt::join(dropped, ", ")));
    }
    std::map<std::string, std::vector<std::string>> names;
    for (const auto& [key, members] : places) {
      names[key];
      for (const size_t member : members) names[key].push_back(episodes[member].name);
    }
    CopyWithMasks(input, output, names, options.overwrite);
    return report;
  }
  Assembly assembly{.masks = places,
                    .keep_attempts = true,
                    .settings = {{"marks", {{"unmarked", ToJson(options.unmarked)}}}},
                    .by_reference = options.by_reference,
                    .overwrite = options.overwrite,
                    .outside_links = options.read.outside_links};
  for (size_t i = 0; i < episodes.size(); ++i) assembly.episodes.push_back({0, i});
  std::vector<DatasetReader> readers;
  readers.emplace_back(input, options.read);
  Assemble(readers, assembly, output);
  return report;
}

}  // namespace understudy
