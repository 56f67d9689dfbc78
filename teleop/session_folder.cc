#include "teleop/session_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/base/error.h"
#include "core/base/names.h"
#include "data/store/files.h"
#include "data/store/reader.h"
#include "data/store/recorder.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// What a demonstration that is to be recorded again is called behind its name.
constexpr const char* kSetAside = ".again";

// The number in attempt_<n>.h5 and its set-aside forms; -1 for other files.
int64_t AttemptNumber(const fs::path& file) {
  const std::string name = file.filename().string();
  constexpr std::string_view kPrefix = "attempt_";
  if (!name.starts_with(kPrefix)) return -1;
  int64_t number = -1;
  const char* begin = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), number);
  return error == std::errc{} && end != begin && *end == '.' ? number : -1;
}

fs::path AttemptFile(const fs::path& folder, int64_t number) {
  return folder / fmt::format("attempt_{}.h5", number);
}

std::string NameOf(RecordEnd end) { return ToJson(end).get<std::string>(); }

bool WasCutShort(const DatasetReader& reader) {
  if (reader.episodes().empty()) return false;
  const auto end = static_cast<size_t>(RecordEnd::kInterrupted);
  return reader.ReadMeta(0).cause == EnumNames<RecordEnd>::kNames.at(end);
}

// The start of the attempt in a file.
int64_t StartOf(const DatasetReader& reader) {
  return reader.episodes().empty() ? -1 : reader.ReadMeta(0).attempt;
}

bool IsDemonstration(const DatasetReader& reader) {
  return !reader.episodes().empty() && reader.episodes().front().success;
}

// Whether an attempt has used up its start: it ended by itself once it had begun, or another start
// was drawn for it.
bool UsesStart(const std::string& end, int64_t steps) {
  return (steps > 0 || end == NameOf(RecordEnd::kReset)) && end != NameOf(RecordEnd::kInterrupted);
}

// The settings of the session in `file` that differ from `settings`; all of them where it cannot be
// read. Older programs wrote fewer.
std::vector<std::string> Differences(const fs::path& file, const Json& settings) {
  Json before;
  try {
    before = LoadJson(file);
  } catch (const Error&) {
  }
  if (!before.is_object()) return {"session.json cannot be read"};
  std::vector<std::string> different;
  for (const auto& [key, value] : before.items()) {
    if (!settings.contains(key) || settings[key] != value) different.push_back(key);
  }
  return different;
}

// What a folder holds that is of other settings, in words; empty: nothing.
std::string HeldByOthers(const fs::path& folder, const Json& settings, bool overwrite) {
  const fs::path file = folder / "session.json";
  if (!fs::exists(file)) return "";
  const std::vector<std::string> different = Differences(file, settings);
  if (different.empty()) return "";
  const std::string what =
      fmt::format("attempts of a session with other settings ({})", fmt::join(different, ", "));
  if (!overwrite) {
    ThrowBadInput(fmt::format("{}: holds {}: start over with --overwrite, or choose another --out",
                              folder.string(), what));
  }
  return what;
}

void Open(const fs::path& folder, const Json& settings, bool overwrite, Progress& progress) {
  const std::string what = HeldByOthers(folder, settings, overwrite);
  const fs::path file = folder / "session.json";
  if (what.empty() && fs::exists(file)) return;
  if (!what.empty()) {
    fs::remove_all(folder);
    progress.Message(fmt::format("{}: held {}: removed", folder.string(), what));
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    ThrowFailed(fmt::format("{}: cannot be made ({}): choose another --out", folder.string(),
                            error.message()));
  }
  WriteTextAtomically(file, settings.dump(2) + "\n");
}

fs::path FolderOf(const fs::path& out) { return out.string() + ".episodes"; }

}  // namespace

SessionFolder::SessionFolder(const fs::path& out, const Json& settings, bool overwrite,
                             const SessionBegin& begin, Progress& progress)
    : out_(out), folder_(FolderOf(out)), begin_(begin) {
  Open(folder_, settings, overwrite, progress);
  for (const SalvageReport& salvage : Salvage(folder_)) {
    salvaged_.push_back(fmt::format("{}: {} rows: {}", salvage.file.filename().string(),
                                    salvage.rows, salvage.outcome));
    progress.Message(salvaged_.back());
  }
  if (fs::exists(ends_file())) {
    ends_ = FromJson<std::vector<AttemptEnd>>(LoadJson(ends_file()), ends_file().string());
  }
  const fs::path starts = folder_ / "starts.json";
  if (fs::exists(starts)) {
    for (const auto& [start, candidate] :
         FromJson<std::map<std::string, uint64_t>>(LoadJson(starts), starts.string())) {
      candidates_[std::stoll(start)] = candidate;
    }
  }
  FindAttempts();
}

// The list of ends is written after an attempt's file: a kill between them leaves the file alone,
// a kill before it (or in the middle of a file) leaves an attempt that did not end.
void SessionFolder::FindAttempts() {
  next_ = begin_.attempt;
  std::set<int64_t> listed, starts, set_aside, recorded;
  for (const AttemptEnd& end : ends_) {
    next_ = std::max(next_, end.attempt + 1);
    listed.insert(end.attempt);
    if (UsesStart(end.end, end.steps)) starts.insert(end.start < 0 ? end.attempt : end.start);
  }
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const int64_t number = AttemptNumber(entry.path());
    if (number < 0) continue;
    next_ = std::max(next_, number + 1);
    const std::string form = entry.path().extension();
    if (form == kSetAside) {
      set_aside.insert(StartOf(DatasetReader(entry.path())));
    } else if (entry.path() == AttemptFile(folder_, number)) {
      const DatasetReader reader(entry.path());
      const bool good = IsDemonstration(reader);
      if (good) recorded.insert(StartOf(reader));
      if (!WasCutShort(reader)) starts.insert(StartOf(reader));
      (good ? good_ : bad_)[number] = entry.path();
    } else if (form == ".rejected" && !listed.contains(number)) {
      starts.insert(-1 - number);
    }
  }
  std::set_difference(set_aside.begin(), set_aside.end(), recorded.begin(), recorded.end(),
                      std::back_inserter(again_));
  used_ = static_cast<int64_t>(starts.size());
}

SessionFolder::Next SessionFolder::next() const {
  const int64_t start = again_.empty() ? begin_.start + used_ : again_.front();
  return {next_, start, AttemptFile(folder_, next_)};
}

std::optional<uint64_t> SessionFolder::Candidate(int64_t start) const {
  const auto found = candidates_.find(start);
  return found == candidates_.end() ? std::nullopt : std::optional(found->second);
}

void SessionFolder::StoreCandidate(int64_t start, uint64_t candidate) {
  candidates_[start] = candidate;
  Json json = Json::object();
  for (const auto& [number, chosen] : candidates_) json[std::to_string(number)] = chosen;
  WriteTextAtomically(folder_ / "starts.json", json.dump() + "\n");
}

void SessionFolder::Count(const Next& attempt, const RecordOutcome& outcome) {
  next_ = attempt.attempt + 1;
  // a start that is recorded again is not a new one
  if (again_.empty()) {
    used_ += UsesStart(NameOf(outcome.end), outcome.steps);
  } else if (outcome.success) {
    again_.erase(again_.begin());
  }
  if (outcome.kept) (outcome.success ? good_ : bad_)[attempt.attempt] = attempt.file;
}

void SessionFolder::Store(const AttemptEnd& end) {
  ends_.push_back(end);
  WriteEnds();
  // one that ended before its first row leaves nothing to keep
  if (end.end == NameOf(RecordEnd::kInterrupted) && end.steps == 0) {
    fs::remove(AttemptFile(folder_, end.attempt).string() + ".rejected");
  }
}

std::optional<int64_t> SessionFolder::SetLastAside() {
  if (good_.empty()) return std::nullopt;
  const auto [number, file] = *good_.rbegin();
  again_.insert(again_.begin(), StartOf(DatasetReader(file)));
  fs::rename(file, file.string() + kSetAside);
  for (AttemptEnd& end : ends_) {
    if (end.attempt != number) continue;
    end.end = "repeated";
    end.success = false;
    end.cause = "recorded again";
  }
  WriteEnds();
  good_.erase(number);
  return number;
}

void SessionFolder::WriteEnds() const {
  WriteTextAtomically(ends_file(), ToJson(ends_).dump() + "\n");
}

Json SessionFolder::Report() const {
  const bool all = std::all_of(ends_.begin(), ends_.end(), [](const AttemptEnd& end) {
    return end.success && end.operator_name.empty() && end.station.empty();
  });
  return all ? Json::object() : Json{{"attempts", ToJson(ends_)}};
}

std::string SessionFolder::Close(const std::vector<fs::path>& merged) {
  const fs::path kept = out_.string() + ".set_aside";
  std::vector<fs::path> rest;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const bool done = std::find(merged.begin(), merged.end(), entry.path()) != merged.end();
    if (AttemptNumber(entry.path()) >= 0 && !done) rest.push_back(entry.path());
  }
  if (!rest.empty()) fs::create_directories(kept);
  for (const fs::path& file : rest) {
    fs::path to = kept / file.filename();
    for (int i = 1; fs::exists(to); ++i)
      to = kept / fmt::format("{}.{}", file.filename().string(), i);
    fs::rename(file, to);
  }
  fs::remove_all(folder_);
  return rest.empty() ? "" : kept.string();
}

int64_t CountDemonstrations(const fs::path& out, const Json& settings, bool overwrite) {
  const fs::path folder = FolderOf(out);
  if (!HeldByOthers(folder, settings, overwrite).empty()) return 0;
  int64_t count = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const int64_t number = AttemptNumber(entry.path());
    if (number < 0 || entry.path() != AttemptFile(folder, number)) continue;
    count += IsDemonstration(DatasetReader(entry.path()));
  }
  return count;
}

}  // namespace understudy
