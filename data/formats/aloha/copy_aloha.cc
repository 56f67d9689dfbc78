#include "data/formats/aloha/copy_aloha.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "core/base/error.h"
#include "data/formats/aloha/aloha_file.h"
#include "data/store/files.h"
#include "data/store/hdf5/copy.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/growing_file.h"

namespace understudy::aloha {
namespace fs = std::filesystem;
namespace {

void RequirePlaces(const EpisodeSource& input, const CopyPlan& plan) {
  const std::string file = input.path().string();
  if (plan.cause || plan.success) {
    ThrowUsage(fmt::format(
        "{}: files of ALOHA have no place for success or cause; `understudy data convert` makes a "
        "dataset that has",
        file));
  }
  if (!plan.masks.empty()) {
    ThrowUsage(fmt::format(
        "{}: folders of ALOHA have no place for filter keys: say --files for one folder per part",
        file));
  }
}

void RequireFit(const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan) {
  Problems problems;
  const auto facts_of = [](const EpisodeSource& input) {
    std::map<std::string, std::string> facts;
    for (const ColumnSpec& column : input.ListColumns()) {
      facts["column " + column.name] = fmt::format("({})", fmt::join(column.shape, ", "));
    }
    const DatasetHeader& header = input.header();
    for (size_t c = 0; c < header.cameras.size(); ++c) {
      const PictureSize size = header.size_of(c);
      facts["pictures of " + header.cameras[c]] = fmt::format("{}x{}", size.width, size.height);
    }
    return facts;
  };
  const auto first = facts_of(*inputs[0]);
  for (size_t i = 1; i < inputs.size(); ++i) {
    const auto other = facts_of(*inputs[i]);
    std::set<std::string> keys;
    for (const auto* facts : {&first, &other}) {
      for (const auto& [key, value] : *facts) keys.insert(key);
    }
    for (const std::string& key : keys) {
      const auto value = [&](const auto& facts) -> std::string {
        const auto found = facts.find(key);
        return found == facts.end() ? "missing" : found->second;
      };
      if (value(first) == value(other)) continue;
      problems.push_back(fmt::format("{} is {} in '{}' and {} in '{}'", key, value(first),
                                     inputs[0]->path().string(), value(other),
                                     inputs[i]->path().string()));
    }
  }
  std::map<std::string, size_t> seen;
  for (const CopyPlan::Pick& pick : plan.episodes) {
    const EpisodeSummary& episode = inputs[pick.input]->episodes()[pick.episode];
    const auto [twin, fresh] = seen.emplace(episode.uuid, pick.input);
    if (fresh || twin->second == pick.input) continue;
    problems.push_back(
        fmt::format("{} of '{}' is an episode of '{}' too: leave one out by "
                    "`understudy data filter --drop {}`",
                    episode.name, inputs[pick.input]->path().string(),
                    inputs[twin->second]->path().string(), episode.name));
  }
  if (problems.empty()) return;
  ThrowBadInput(fmt::format("these datasets cannot be one: {}", fmt::join(problems, "; ")));
}

// compress_len has a line per camera and a number per row, that after the last action included.
void CutLengths(const h5::Group& from, const h5::RowCut& cut, const h5::Group& to) {
  if (!from.Has(kLengths)) return;
  const Column whole = from.Read(kLengths, ColumnType::kF64, {-1});
  if (whole.row_size() != cut.length + (from.is_limited() ? 1 : 0)) {
    h5::FailReading(from.Place(kLengths), fmt::format("has {} numbers per camera, must have {}",
                                                      whole.row_size(), cut.length));
  }
  Column rest(kLengths, ColumnType::kF64, {cut.end - cut.first});
  rest.rows = whole.rows;
  for (size_t c = 0; c < whole.rows; ++c) {
    for (size_t k = cut.first; k < cut.end; ++k) rest.Push(whole.At<double>(c, k));
  }
  to.Delete(kLengths);
  to.Write(rest);
}

void CopyFile(const fs::path& input, const CopyPlan& plan, const CopyPlan::Pick& pick,
              size_t length, const fs::path& output) {
  const h5::Guard guard;
  const h5::Group from = OpenEpisode(input, plan.read.outside_links, plan.mend);
  h5::GrowingFile file = h5::GrowingFile::Create(output);
  const size_t end = pick.end_row.value_or(length);
  if (end - pick.first_row == length && !(plan.mend && from.is_limited())) {
    h5::CopyGroup(from, file.root());
  } else {
    const h5::RowCut cut{length, pick.first_row, end};
    h5::CopyGroupRows(from, file.root(), cut);
    CutLengths(from, cut, file.root());
  }
  if (pick.relabel && plan.instruction) SetInstruction(file.root(), *plan.instruction);
  file.Close();
}

// Goes with all that is in it unless it is renamed.
class UnfinishedFolder {
 public:
  explicit UnfinishedFolder(const fs::path& output) : part_(PartOf(output)) {
    std::error_code error;
    fs::remove_all(part_, error);
    fs::create_directories(part_, error);
    if (error) ThrowFailed(fmt::format("{}: cannot be made: {}", part_.string(), error.message()));
  }
  ~UnfinishedFolder() {
    std::error_code none;
    if (!part_.empty()) fs::remove_all(part_, none);
  }
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;
  const fs::path& part() const { return part_; }
  void Rename(const fs::path& output) {
    RenameDurably(part_, output);
    part_.clear();
  }

 private:
  fs::path part_;
};

// Only what is such a dataset itself may be replaced.
void MakeRoom(const fs::path& output) {
  std::error_code none;
  if (!fs::exists(output, none)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(output, none)) {
    if (IsEpisodeFile(entry.path(), false)) continue;
    ThrowUsage(fmt::format("{}: holds '{}', which is no episode file: it is not replaced",
                           output.string(), entry.path().filename().string()));
  }
  fs::remove_all(output, none);
}

}  // namespace

void Copy(const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan,
          const fs::path& output, Progress& progress) {
  Require(!inputs.empty() && !plan.episodes.empty(), "something to put together");
  std::vector<fs::path> paths;
  std::vector<std::map<std::string, fs::path>> files;  // by name: some may be left out
  for (const EpisodeSource* input : inputs) {
    paths.push_back(input->path());
    std::map<std::string, fs::path>& named = files.emplace_back();
    for (const fs::path& file : EpisodeFiles(input->path())) named[NameOf(file)] = file;
  }
  CheckOutput(output, plan.overwrite, paths);
  RequirePlaces(*inputs[0], plan);
  RequireFit(inputs, plan);
  const bool one = output.extension() == ".hdf5" || output.extension() == ".h5";
  if (one && plan.episodes.size() > 1) {
    ThrowUsage(fmt::format("{}: {} episodes are a folder of files: name one without '{}'",
                           output.string(), plan.episodes.size(), output.extension().string()));
  }
  std::error_code none;
  if (!output.parent_path().empty()) fs::create_directories(output.parent_path(), none);
  const auto copy = [&](const CopyPlan::Pick& pick, const fs::path& to) {
    const EpisodeSummary& episode = inputs[pick.input]->episodes()[pick.episode];
    CopyFile(files[pick.input].at(episode.name), plan, pick, episode.length, to);
  };
  if (one) {
    UnfinishedFile part(output);
    part.Begin();
    copy(plan.episodes[0], part.part());
    part.Rename();
    return;
  }
  UnfinishedFolder folder(output);
  progress.Start("writing " + output.string(), static_cast<int64_t>(plan.episodes.size()),
                 "episodes");
  for (size_t i = 0; i < plan.episodes.size(); ++i) {
    if (InterruptRequested()) ThrowFailed("interrupted: nothing was written");
    const CopyPlan::Pick& pick = plan.episodes[i];
    const EpisodeSummary& episode = inputs[pick.input]->episodes()[pick.episode];
    std::string name = files[pick.input].at(episode.name).filename().string();
    if (inputs.size() > 1) name = fmt::format("episode_{}.hdf5", i);
    copy(pick, folder.part() / name);
    progress.Advance(static_cast<int64_t>(i) + 1);
  }
  MakeRoom(output);
  folder.Rename(output);
  progress.Finish();
}

}  // namespace understudy::aloha
