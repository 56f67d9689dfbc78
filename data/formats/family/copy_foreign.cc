// Editing of files of robomimic's family: episodes are copied as they are.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/foreign_source.h"
#include "data/store/files.h"
#include "data/store/hdf5/copy.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/meta.h"

namespace understudy::foreign {
namespace fs = std::filesystem;
namespace {

constexpr size_t kFlushEvery = 20;  // episodes: memory holds their lists until then

std::string ShapeOf(const ColumnSpec& column) {
  return fmt::format("({})", fmt::join(column.shape, ", "));
}

// What one file says once, by what it is called in messages. Widths of the simulator's states and
// of lists of objects differ from scene to scene, within one file too.
std::map<std::string, std::string> CommonFacts(const EpisodeSource& input) {
  const DatasetHeader& header = input.header();
  const Json env = header.settings.value("env_args", Json::object());
  const auto env_text = [&](const char* key) { return env.value(key, Json()).dump(); };
  const Json kwargs = env.value("env_kwargs", Json::object());
  std::map<std::string, std::string> facts{
      {"env_name", env_text("env_name")},
      {"type of env_args", env_text("type")},
      {"robots", kwargs.is_object() ? kwargs.value("robots", Json()).dump() : ""},
      {"controller_configs",
       kwargs.is_object() ? kwargs.value("controller_configs", Json()).dump() : ""},
      {"control rate", fmt::format("{} Hz", header.simulator.control_hz)},
      {"order of quaternions", header.settings.value("quaternions", "")},
      {"order of the rows of pictures",
       header.settings.value(kBottomUp, false) ? "bottom up" : "top down"}};
  for (const ColumnSpec& column : input.ListColumns()) {
    const bool varies = column.name == "states" || column.name == "obs/object";
    facts["column " + column.name] = varies ? "there" : ShapeOf(column);
  }
  for (size_t c = 0; c < header.cameras.size(); ++c) {
    const PictureSize size = header.size_of(c);
    facts["pictures of " + header.cameras[c]] = fmt::format("{}x{}", size.width, size.height);
  }
  return facts;
}

// Appends why `other` cannot stand in one file with `first`.
void Compare(const Dialect& dialect, const EpisodeSource& first, const EpisodeSource& other,
             Problems& problems) {
  const auto a = CommonFacts(first), b = CommonFacts(other);
  const auto value = [](const auto& facts, const std::string& key) -> std::string {
    const auto found = facts.find(key);
    return found == facts.end() ? "missing" : found->second;
  };
  std::set<std::string> keys;
  for (const auto* facts : {&a, &b}) {
    for (const auto& [key, text] : *facts) keys.insert(key);
  }
  const auto add = [&](const std::string& what, const std::string& x, const std::string& y) {
    if (x == y) return;
    problems.push_back(fmt::format("{} is {} in '{}' and {} in '{}'", what, x,
                                   first.path().string(), y, other.path().string()));
  };
  for (const std::string& key : keys) add(key, value(a, key), value(b, key));
  if (dialect.one_instruction) {
    add("the instruction, of which a file holds one (`understudy data convert --to lerobot` makes "
        "datasets of each that `understudy data merge` joins),",
        first.header().simulator.instruction, other.header().simulator.instruction);
  }
}

void RequireFit(const Dialect& dialect, const std::vector<const EpisodeSource*>& inputs,
                const CopyPlan& plan) {
  Problems problems;
  for (size_t i = 1; i < inputs.size(); ++i) Compare(dialect, *inputs[0], *inputs[i], problems);
  std::map<std::string, const CopyPlan::Pick*> seen;
  for (const CopyPlan::Pick& pick : plan.episodes) {
    const EpisodeSummary& episode = inputs[pick.input]->episodes()[pick.episode];
    if (episode.uuid.empty()) continue;
    const auto [twin, fresh] = seen.emplace(episode.uuid, &pick);
    // a file that holds an episode twice is its owner's matter
    if (fresh || twin->second->input == pick.input) continue;
    const EpisodeSource& other = *inputs[twin->second->input];
    problems.push_back(fmt::format(
        "{} of '{}' is the same episode as {} of '{}': leave one out by `understudy data filter "
        "--drop {}`",
        episode.name, inputs[pick.input]->path().string(),
        other.episodes()[twin->second->episode].name, other.path().string(), episode.name));
  }
  if (problems.empty()) return;
  ThrowBadInput(fmt::format("these files cannot stand in one: {}", fmt::join(problems, "; ")));
}

// What the format has no place for.
void RequirePlaces(const Dialect& dialect, const std::vector<const EpisodeSource*>& inputs,
                   const CopyPlan& plan) {
  Problems problems;
  const std::string file = inputs[0]->path().string();
  const bool some = std::any_of(plan.episodes.begin(), plan.episodes.end(),
                                [](const auto& p) { return !p.relabel; });
  if (plan.instruction && dialect.set_instruction == nullptr) {
    problems.push_back(fmt::format("files of {} have no place for an instruction", dialect.stage));
  } else if (plan.instruction && dialect.one_instruction && some) {
    problems.push_back(fmt::format(
        "files of {} have one instruction for all episodes: leave `where` empty, or filter first",
        dialect.stage));
  }
  if (plan.cause) {
    problems.push_back(
        fmt::format("files of {} have no place for a cause of failure", dialect.stage));
  }
  const auto tells_success = [&](const CopyPlan::Pick& pick) {
    const EpisodeSummary& episode = inputs[pick.input]->episodes()[pick.episode];
    return !pick.relabel || episode.success_from == kSuccessAttribute;
  };
  if (plan.success && !dialect.success_attribute &&
      !std::all_of(plan.episodes.begin(), plan.episodes.end(), tells_success)) {
    problems.push_back(
        fmt::format("files of {} have no place for success but their rewards", dialect.stage));
  }
  if (problems.empty()) return;
  ThrowUsage(fmt::format(
      "{}: {}; `understudy data convert {} --to understudy` makes a dataset that holds all labels",
      file, fmt::join(problems, "; "), file));
}

// Sets the number of row `row`; false for a type that is not known here.
bool SetNumber(Column& column, size_t row, double number) {
  const auto set = [&]<class T>(T value) {
    std::memcpy(&column.bytes[row * sizeof(T)], &value, sizeof(T));
    return true;
  };
  switch (column.type) {
    case ColumnType::kF64:
      return set(number);
    case ColumnType::kF32:
      return set(static_cast<float>(number));
    case ColumnType::kI64:
      return set(static_cast<int64_t>(number));
    case ColumnType::kI32:
      return set(static_cast<int32_t>(number));
    case ColumnType::kU32:
      return set(static_cast<uint32_t>(number));
    case ColumnType::kU8:
    case ColumnType::kBool:
      return set(static_cast<uint8_t>(number));
    case ColumnType::kI8:
      return set(static_cast<int8_t>(number));
    case ColumnType::kI16:
      return set(static_cast<int16_t>(number));
    case ColumnType::kU16:
      return set(static_cast<uint16_t>(number));
    case ColumnType::kU64:
      return set(static_cast<uint64_t>(number));
  }
  return false;
}

// An episode that ends earlier ends as it did: the largest reward and the end of the rows that were
// cut off are those of its last row. `to` holds the rows of `from` before `end`.
void EndAt(const h5::Group& from, size_t end, const h5::Group& to) {
  for (const char* name : {"rewards", "dones"}) {
    if (!to.IsArray(name)) continue;
    const h5::DatasetInfo info = to.Info(name);
    const bool flat = info.dims.size() == 1 || (info.dims.size() == 2 && info.dims[1] == 1);
    if (!flat || !info.is_number()) continue;
    const Column all = OptionalNumbers(from, name, LengthOf(from));
    double last = all.At<double>(end - 1);
    for (size_t k = end; k < all.rows; ++k) last = std::max(last, all.At<double>(k));
    Column kept = to.Read(name);
    if (kept.rows == 0 || all.At<double>(end - 1) == last) continue;
    if (!SetNumber(kept, kept.rows - 1, last)) continue;
    to.Delete(name);
    to.Write(kept);
  }
}

void RemoveBrokenJson(const h5::Group& group, const char* attribute) {
  std::string fault;
  JsonAttribute(group, attribute, &fault);
  if (!fault.empty()) group.RemoveAttribute(attribute);
}

void RemoveBrokenSuccess(const h5::Group& demo) {
  if (!demo.HasAttribute(kSuccess)) return;
  try {
    StoredSuccess(demo);
  } catch (const Error&) {
    demo.RemoveAttribute(kSuccess);
  }
}

// Files count their episodes and rows in attributes, each of them in its own.
void Recount(const h5::Group& data, int64_t episodes, int64_t rows) {
  if (data.HasAttribute("total")) data.SetInt("total", rows);
  if (data.HasAttribute("num_demos")) data.SetInt("num_demos", episodes);
}

class Copying {
 public:
  Copying(const Dialect& dialect, const std::vector<const EpisodeSource*>& inputs,
          const CopyPlan& plan)
      : dialect_(dialect), inputs_(inputs), plan_(plan), renamed_(inputs.size()) {
    for (const EpisodeSource* input : inputs) {
      roots_.push_back(h5::OpenForReading(input->path(), plan.read.outside_links));
    }
  }

  // Everything but episodes and filter keys, from the first file.
  void WriteRoot(const h5::Group& root) const {
    h5::CopyGroupBut(roots_[0], root, {"data", "mask"});
    const h5::Group from = roots_[0].Open("data");
    std::set<std::string> episodes;
    for (const std::string& name : EpisodeNames(from)) episodes.insert(name);
    const h5::Group data = root.Create("data");
    h5::CopyGroupBut(from, data, episodes);
    if (!plan_.mend) return;
    for (const char* name : kFileJson) RemoveBrokenJson(data, name);
  }

  void WriteEpisode(const CopyPlan::Pick& pick, const h5::Group& data) {
    const EpisodeSummary& episode = inputs_[pick.input]->episodes()[pick.episode];
    const std::string name =
        inputs_.size() > 1 ? fmt::format("demo_{}", names_.size()) : episode.name;
    renamed_[pick.input][episode.name] = name;
    names_.push_back(name);
    const h5::Group from = OpenEpisode(roots_[pick.input].Open("data"), episode.name, plan_.mend);
    const h5::Group to = h5::CreateFor(from, data, name);
    const size_t end = pick.end_row.value_or(episode.length);
    rows_ += static_cast<int64_t>(end - pick.first_row);
    const bool whole = end - pick.first_row == episode.length;
    if (whole && (!plan_.mend || ExtraRowsOf(from).empty())) {
      h5::CopyGroup(from, to);
    } else if (whole) {
      h5::CopyGroupRows(from, to, {episode.length, 0, end});
    } else {
      h5::CopyGroupRows(from, to, {episode.length, pick.first_row, end});
      to.SetInt("num_samples", static_cast<int64_t>(end - pick.first_row));
      // other rows are another episode
      if (to.HasAttribute("uuid")) {
        const RngKey key = RngKey{.parent = pick.first_row, .variant = end}.WithStage("data trim");
        to.SetText("uuid", MakeUuid(episode.uuid, key));
      }
      if (dialect_.start_at != nullptr && pick.first_row > 0) {
        dialect_.start_at(from, pick.first_row, to);
      }
      if (end < episode.length) EndAt(from, end, to);
    }
    if (plan_.mend) {
      RemoveBrokenJson(to, kEpisodeJson);
      RemoveBrokenSuccess(to);
    }
    if (!pick.relabel) return;
    if (plan_.instruction) dialect_.set_instruction(data, to, *plan_.instruction);
    if (plan_.success) to.SetBool("success", *plan_.success);
  }

  void WriteRest(const h5::Group& root, Progress& progress) const {
    std::map<std::string, std::vector<std::string>> masks;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!roots_[i].Has("mask")) continue;
      const std::vector<std::string> known = inputs_[i]->MaskNames();
      for (const std::string& key : roots_[i].Open("mask").Names()) {
        if (std::ranges::find(known, key) != known.end()) continue;
        progress.Message(fmt::format("{}: the filter key '{}' is no list of texts: left out",
                                     inputs_[i]->path().string(), key));
      }
    }
    for (size_t i = 0; i < inputs_.size(); ++i) {
      std::set<std::string> there;
      for (const EpisodeSummary& episode : inputs_[i]->episodes()) there.insert(episode.name);
      for (const std::string& key : inputs_[i]->MaskNames()) {
        if (plan_.masks.contains(key)) continue;
        std::vector<std::string>& members = masks[key];
        for (const std::string& name : inputs_[i]->ReadMask(key)) {
          const auto found = renamed_[i].find(name);
          if (found != renamed_[i].end()) members.push_back(found->second);
          if (there.contains(name)) continue;
          progress.Message(
              fmt::format("{}: the filter key '{}' names {}, which is not there: left out",
                          inputs_[i]->path().string(), key, name));
        }
      }
    }
    for (const auto& [key, places] : plan_.masks) {
      std::vector<std::string>& members = masks[key];
      for (const size_t place : places) members.push_back(names_.at(place));
    }
    for (const auto& [key, members] : masks) root.WriteTexts("mask/" + key, members);
    Recount(root.Open("data"), static_cast<int64_t>(names_.size()), rows_);
  }

 private:
  const Dialect& dialect_;
  const std::vector<const EpisodeSource*>& inputs_;
  const CopyPlan& plan_;
  std::vector<h5::Group> roots_;
  std::vector<std::map<std::string, std::string>> renamed_;  // by input
  std::vector<std::string> names_;                           // of the episodes of the result
  int64_t rows_ = 0;
};

}  // namespace

void CopyForeign(const Dialect& dialect, const std::vector<const EpisodeSource*>& inputs,
                 const CopyPlan& plan, const fs::path& output, Progress& progress) {
  Require(!inputs.empty() && !plan.episodes.empty(), "something to put together");
  std::vector<fs::path> paths;
  for (const EpisodeSource* input : inputs) paths.push_back(input->path());
  CheckOutput(output, plan.overwrite, paths);
  RequireFit(dialect, inputs, plan);
  RequirePlaces(dialect, inputs, plan);
  std::error_code none;
  if (!output.parent_path().empty()) fs::create_directories(output.parent_path(), none);
  const h5::Guard guard;
  UnfinishedFile part(output);
  h5::GrowingFile file = h5::GrowingFile::Create(part.part());
  part.Begin();
  progress.Start("writing " + output.string(), static_cast<int64_t>(plan.episodes.size()),
                 "episodes");
  {
    Copying copying(dialect, inputs, plan);
    copying.WriteRoot(file.root());
    for (size_t i = 0; i < plan.episodes.size(); ++i) {
      if (InterruptRequested()) ThrowFailed("interrupted: nothing was written");
      copying.WriteEpisode(plan.episodes[i], file.root().Open("data"));
      if ((i + 1) % kFlushEvery == 0) {
        file.Flush();
        file.Trim();
      }
      progress.Advance(static_cast<int64_t>(i) + 1);
    }
    copying.WriteRest(file.root(), progress);
  }
  file.Close();
  part.Rename();
  progress.Finish();
}

}  // namespace understudy::foreign
