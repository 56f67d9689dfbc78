#include "data/formats/family/foreign_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/utf8.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/typical_episode.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/library.h"
#include "data/store/image_column.h"
#include "data/store/meta.h"
#include "data/store/success_known.h"
#include "data/store/usual_columns.h"

namespace understudy::foreign {
namespace {

// Success of robosuite's tasks is a reward of 1.
constexpr double kSuccessReward = 1;

void SetSuccess(const h5::Group& demo, Episode* episode) {
  const size_t length = episode->length();
  const Column rewards = OptionalNumbers(demo, "rewards", length);
  for (size_t k = 0; k < rewards.rows; ++k) {
    // reward k is of the state that action k led to
    Observation& after =
        k + 1 < length ? episode->steps[k + 1].observation : episode->final_observation;
    after.success = rewards.At<double>(k) >= kSuccessReward;
  }
}

void FindSuccess(const Dialect& dialect, const h5::Group& demo, ForeignFacts* facts) {
  if (demo.HasAttribute("success")) {
    facts->success = StoredSuccess(demo);
    facts->success_from = kSuccessAttribute;
  } else if (demo.Has("rewards")) {
    const Column rewards = OptionalNumbers(demo, "rewards", LengthOf(demo));
    for (size_t k = 0; k < rewards.rows; ++k) {
      facts->success |= rewards.At<double>(k) >= kSuccessReward;
    }
    facts->success_from = "a reward of 1";
  } else if (dialect.successes_only != nullptr) {
    facts->success = true;
    facts->success_from = dialect.successes_only;
  } else {
    facts->success_from = kSuccessNotTold;
    facts->success_known = false;
  }
}

// Hash of the actions and of where the episode began: it goes with the episode into other files.
std::string ContentUuid(const h5::Group& demo) {
  Hasher hasher;
  const Column actions = Optional(demo, "actions", LengthOf(demo), {-1});
  const auto add = [&](const Column& column) {
    hasher.Add(fmt::format("{} {}", column.path, column.row_size()));
    hasher.Add(column.bytes.data(), column.bytes.size());
  };
  add(actions);
  if (demo.IsArray("states")) add(FirstRow(demo, "states"));
  // Isaac Lab's trees have three levels
  for (const std::string& kind : NamesIn(demo, "initial_state")) {
    const std::string of_kind = "initial_state/" + kind;
    for (const std::string& name : NamesIn(demo, of_kind)) {
      const std::string of_name = of_kind + "/" + name;
      for (const std::string& field : NamesIn(demo, of_name)) {
        if (demo.IsArray(of_name + "/" + field)) add(FirstRow(demo, of_name + "/" + field));
      }
    }
  }
  return MakeUuid("foreign " + hasher.Hex(), RngKey{});
}

// Columns of the file that no Episode has a place for.
std::vector<std::string> UnreadColumns(const Dialect& dialect, const DatasetHeader& header,
                                       const h5::Group& demo) {
  std::vector<std::string> unread;
  std::set<std::string> pictures;
  for (const std::string& camera : header.cameras) {
    pictures.insert(StoredImagePath(demo, camera));
  }
  for (const std::string& path : DatasetsIn(demo)) {
    if (dialect.reads != nullptr && dialect.reads(header, path)) continue;
    if (pictures.contains(path)) continue;
    if (IsUtf8(path)) unread.push_back(path);
  }
  return unread;
}

// Masks that name episodes which are not there: {"train": ["demo_8"]}.
Json MissingInMasks(const h5::Group& root, const std::vector<EpisodeSummary>& episodes) {
  Json missing = Json::object();
  if (!root.Has("mask")) return missing;
  std::set<std::string> known;
  for (const EpisodeSummary& episode : episodes) known.insert(episode.name);
  const h5::Group masks = root.Open("mask");
  for (const std::string& key : masks.Names()) {
    try {
      for (const std::string& name : masks.ReadTexts(key)) {
        if (!known.contains(name)) missing[key].push_back(AsUtf8(name));
      }
    } catch (const Error&) {
      // whoever reads the mask says so
    }
  }
  return missing;
}

class ForeignSource : public Hdf5Source, public RowTexts, public JointRows {
 public:
  ForeignSource(const Dialect& dialect, const std::filesystem::path& path,
                const ReadOptions& options, bool mend)
      : Hdf5Source(path, options), dialect_(dialect), mend_(mend) {
    const h5::Guard guard;
    header_ = ForeignHeader(dialect, root(), options);
    if (const auto found = header_.settings.find(kNoPictures); found != header_.settings.end()) {
      for (const auto& [path, why] : found->items()) no_pictures_.insert(path);
    }
    const h5::Group data = root().Open("data");
    for (const std::string& name : EpisodeNames(data)) {
      EpisodeSummary& summary = episodes_.emplace_back();
      summary.name = name;
      summary.linked_file = data.ExternalTarget(name);
      // one that cannot be read is in the list, without rows: reading it says why
      try {
        const h5::Group demo = OpenEpisode(data, name, mend);
        if (demo.is_limited()) with_extra_row_.insert(name);
        const ForeignFacts facts = ReadForeignFacts(dialect, demo);
        summary.success = facts.success;
        summary.uuid = facts.uuid;
        summary.success_from = facts.success_from;
        summary.success_known = facts.success_known;
        summary.length = LengthOf(demo);
      } catch (const Error&) {
        if (summary.success_from.empty()) summary.success_from = "cannot be read: taken for none";
      }
    }
    const Json missing = MissingInMasks(root(), episodes_);
    if (!missing.empty()) header_.settings[kMissingInMasks] = missing;
    if (!with_extra_row_.empty()) {
      const h5::Group first = OpenDemo(data, *with_extra_row_.begin());
      header_.settings[kExtraRow] = ExtraRowNote(first);
    }
    if (options.skip_bad) {
      LeaveOutBad();
      LeaveOutOdd();
    }
    if (mend) ListMended(data);
  }

 private:
  // Those whose columns and cameras are not the ones of most others.
  void LeaveOutOdd() {
    std::vector<std::vector<ColumnSpec>> columns;
    for (size_t e = 0; e < episodes_.size(); ++e) columns.push_back(ColumnsOf(e));
    const std::vector<ColumnSpec> usual = UsualColumns(columns);
    std::vector<EpisodeSummary> sound;
    for (size_t e = 0; e < episodes_.size(); ++e) {
      std::string odd = OddColumn(usual, columns[e]);
      for (size_t c = 0; c < header_.cameras.size() && odd.empty(); ++c) {
        const h5::Group demo = Demo(e);
        const std::string path = StoredImagePath(demo, header_.cameras[c]);
        if (!demo.Has(path)) odd = path + ": no such dataset: other episodes have its pictures";
      }
      if (odd.empty()) {
        sound.push_back(episodes_[e]);
      } else {
        skipped_.push_back({episodes_[e].name, Demo(e).Place(odd)});
      }
    }
    episodes_ = std::move(sound);
  }
  // By one of the first that has what most of them have: an odd one does not speak for all.
  std::vector<ColumnSpec> DoListColumns() const override {
    constexpr size_t kLooked = 16;
    std::vector<std::vector<ColumnSpec>> seen;
    for (size_t e = 0; e < episodes_.size() && seen.size() < kLooked; ++e) {
      std::vector<ColumnSpec> columns = ColumnsOf(e);
      if (!columns.empty()) seen.push_back(std::move(columns));
    }
    if (seen.empty()) return {};
    const std::vector<ColumnSpec> usual = UsualColumns(seen);
    const auto whole = std::ranges::find_if(
        seen, [&](const auto& columns) { return OddColumn(usual, columns).empty(); });
    return whole != seen.end() ? *whole : usual;
  }
  // Which rows and attributes a repaired copy lacks.
  void ListMended(const h5::Group& data) {
    std::map<std::string, std::vector<std::string>> cut;
    for (const std::string& name : with_extra_row_) cut[name] = ExtraRowsOf(OpenDemo(data, name));
    std::vector<std::string> mended = cut.empty() ? std::vector<std::string>{} : MendedRows(cut);
    for (const EpisodeSummary& episode : episodes_) {
      std::string fault;
      try {
        JsonAttribute(data.Open(episode.name), kEpisodeJson, &fault);
      } catch (const Error&) {
        // reading it says so
      }
      if (!fault.empty()) mended.push_back(fmt::format("{}: {}: left out", episode.name, fault));
      try {
        const h5::Group demo = data.Open(episode.name);
        if (demo.HasAttribute(kSuccess)) StoredSuccess(demo);
      } catch (const Error& error) {
        mended.push_back(fmt::format("{}: left out", error.what()));
      }
    }
    for (const char* name : kFileJson) {
      std::string fault;
      JsonAttribute(data, name, &fault);
      if (!fault.empty()) mended.push_back(fault + ": left out");
    }
    if (!mended.empty()) header_.settings[kMended] = mended;
  }
  h5::Group OpenDemo(const h5::Group& data, const std::string& name) const override {
    return with_extra_row_.contains(name) ? OpenEpisode(data, name, mend_) : data.Open(name);
  }
  Episode DoReadEpisode(size_t index, bool) const override {
    return NamingSkipBad(true, [&] { return Read(index, true); });
  }
  EpisodeMeta DoReadMeta(size_t index) const override {
    try {
      return Read(index, false).meta;
    } catch (const Error&) {
      return DoReadEpisode(index, false).meta;  // says what is wrong with which number
    }
  }
  Episode Read(size_t index, bool check_all) const {
    const EpisodeSummary& summary = episodes_[index];
    const ForeignFacts facts{summary.success, summary.success_known, summary.success_from,
                             summary.uuid};
    const h5::Group demo = Demo(index);
    if (mend_ && check_all && dialect_.boxed_actions != nullptr &&
        dialect_.boxed_actions(header_)) {
      // it can be read, but verify refuses what a repair would leave
      std::string what;
      const h5::Guard guard;
      if (const auto row = FirstRowOutsideBox(demo, LengthOf(demo), &what)) {
        h5::FailReading(fmt::format("{}[{}]", demo.Place("actions"), *row), what);
      }
    }
    return ReadForeignEpisode(dialect_, demo, header_, facts, check_all);
  }
  TextColumns ReadRowTexts(size_t index) const override {
    const h5::Guard guard;
    const h5::Group demo = Demo(index);
    return foreign::ReadRowTexts(demo, LengthOf(demo));
  }
  bool HasJoints() const override {
    if (dialect_.has_joints == nullptr) return false;
    const h5::Guard guard;
    const std::vector<h5::Group> demos = FirstEpisodes(root().Open("data"));
    return std::any_of(demos.begin(), demos.end(), dialect_.has_joints);
  }
  std::vector<JointArm> ReadJoints(size_t index, const JointRobot& robot) const override {
    const h5::Guard guard;
    return dialect_.joints(Demo(index), header_, robot);
  }
  ColumnRole RoleOf(const std::string& path) const override {
    return dialect_.role != nullptr ? dialect_.role(path) : Hdf5Source::RoleOf(path);
  }
  bool bottom_up() const { return header_.settings.value(kBottomUp, false); }
  // Depth and segmentation stand as the pictures do.
  std::vector<std::vector<double>> DoReadColumns(
      size_t index, std::span<const ColumnSpec> columns) const override {
    std::vector<std::vector<double>> numbers =
        NamingSkipBad(true, [&] { return Hdf5Source::DoReadColumns(index, columns); });
    for (size_t c = 0; c < columns.size() && bottom_up(); ++c) {
      if (HasSizeOfPictures(columns[c])) TurnPictures(columns[c], &numbers[c]);
    }
    return numbers;
  }
  bool HasSizeOfPictures(const ColumnSpec& column) const {
    if (column.shape.size() < 2) return false;
    for (size_t c = 0; c < header_.cameras.size(); ++c) {
      const PictureSize size = header_.size_of(c);
      const bool same = std::cmp_equal(column.shape[0], size.height) &&
                        std::cmp_equal(column.shape[1], size.width);
      if (same) return true;
    }
    return false;
  }
  static void TurnPictures(const ColumnSpec& column, std::vector<double>* numbers) {
    const auto height = static_cast<size_t>(column.shape[0]), line = column.size() / height;
    for (auto picture = numbers->begin(); picture != numbers->end();
         picture += static_cast<std::ptrdiff_t>(column.size())) {
      for (size_t y = 0; y < height / 2; ++y) {
        const auto top = picture + static_cast<std::ptrdiff_t>(y * line);
        std::swap_ranges(top, top + static_cast<std::ptrdiff_t>(line),
                         picture + static_cast<std::ptrdiff_t>((height - 1 - y) * line));
      }
    }
  }
  void DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const override {
    NamingSkipBad(true, [&] { Hdf5Source::DoReadFrame(index, camera, step, out); });
    if (!bottom_up()) return;
    const PictureSize size = header_.size_of(camera);
    const size_t row = 3 * static_cast<size_t>(size.width);
    for (int y = 0; y < size.height / 2; ++y) {
      uint8_t* top = out + static_cast<size_t>(y) * row;
      std::swap_ranges(top, top + row, out + static_cast<size_t>(size.height - 1 - y) * row);
    }
  }

  const Dialect dialect_;
  const bool mend_;
  std::set<std::string> with_extra_row_;  // episodes, by name
};

}  // namespace

bool Recognises(const Dialect& dialect, const std::filesystem::path& path,
                const ReadOptions& options, bool without_episode) {
  const h5::Guard guard;
  try {
    if (path.extension() == ".part" || !IsHdf5(path)) return false;
    const h5::Group root = h5::OpenForReading(path, options.outside_links);
    if (!root.Has("data") || root.Has("understudy")) return false;
    try {
      const h5::Group data = root.Open("data");
      const Json env = JsonAttribute(data, "env_args");
      const std::vector<h5::Group> demos = FirstEpisodes(data);
      if (demos.empty()) return without_episode;
      return std::any_of(demos.begin(), demos.end(),
                         [&](const h5::Group& demo) { return dialect.recognises(demo, env); });
    } catch (const Error&) {
      return without_episode;
    }
  } catch (const Error&) {
    return false;
  }
}

std::unique_ptr<EpisodeSource> OpenForeign(const Dialect& dialect,
                                           const std::filesystem::path& path,
                                           const ReadOptions& options, bool mend) {
  return std::make_unique<ForeignSource>(dialect, path, options, mend);
}

namespace {

// Numbers per row of `actions`; 0: it is no table.
size_t ActionWidth(const h5::Group& demo) {
  if (!demo.IsArray("actions")) return 0;
  try {
    const std::vector<hsize_t> dims = demo.Info("actions").dims;
    return dims.size() == 2 ? dims[1] : dims.size() == 1 ? 1 : 0;
  } catch (const Error&) {  // the reader of its rows says what is damaged
    return 0;
  }
}

}  // namespace

DatasetHeader ForeignHeader(const Dialect& dialect, const h5::Group& root,
                            const ReadOptions& options) {
  const h5::Guard guard;
  DatasetHeader header;
  header.stage = dialect.stage;
  header.family = dialect.family;
  const h5::Group data = root.Open("data");
  const Json env = JsonAttribute(data, "env_args");
  if (env.contains("env_name") && env["env_name"].is_string()) {
    header.simulator.task = env["env_name"];
  }
  header.settings = {{"env_args", env}};
  for (const char* name : kFileJson) {
    std::string fault;
    JsonAttribute(data, name, &fault);
    if (fault.empty()) continue;
    header.settings[kWrongInFile].push_back(
        fmt::format("{}; nothing of it is known: `understudy data repair` leaves it out", fault));
  }
  const std::optional<h5::Group> demo = TypicalEpisode(dialect, data, env);
  if (!demo) return header;
  header.model_text = demo->Text("model_file", "");
  if (const size_t width = ActionWidth(*demo); width > 0) header.settings[kActionWidth] = width;
  dialect.header(root, *demo, options, &header);
  DropNumbers(*demo, options.pictures, &header);
  header.simulator.cameras = header.cameras;
  const std::vector<std::string> unread = UnreadColumns(dialect, header, *demo);
  if (!unread.empty()) header.settings[kUnreadColumns] = unread;
  return header;
}

ForeignFacts ReadForeignFacts(const Dialect& dialect, const h5::Group& demo) {
  const h5::Guard guard;
  ForeignFacts facts;
  // reading the episode reports what is damaged
  try {
    FindSuccess(dialect, demo, &facts);
  } catch (const Error&) {
    facts.success_from = "cannot be read: taken for none";
    facts.success_known = false;
  }
  try {
    facts.uuid = demo.Text("uuid", "");
    if (facts.uuid.empty()) facts.uuid = ContentUuid(demo);
  } catch (const Error&) {
  }
  return facts;
}

Episode ReadForeignEpisode(const Dialect& dialect, const h5::Group& demo,
                           const DatasetHeader& header, const ForeignFacts& facts, bool check_all) {
  const h5::Guard guard;
  Episode episode;
  const size_t length = LengthOf(demo);
  RequireActions(demo, length);
  RequireTaskTexts(demo, length);
  const size_t width = ActionWidth(demo), others = header.settings.value(kActionWidth, size_t{0});
  if (width > 0 && others > 0 && width != others) {
    h5::FailReading(
        demo.Place("actions"),
        fmt::format("has {} numbers per row, where other episodes have {}", width, others));
  }
  // before any of it becomes a pose
  if (check_all) RequireFinite(demo);
  episode.steps.resize(length);
  EpisodeMeta& meta = episode.meta;
  meta.task = header.simulator.task;
  meta.robot = header.simulator.robot;
  meta.instruction = header.simulator.instruction;
  meta.control_hz = header.simulator.control_hz;
  meta.limits = header.simulator.limits;
  meta.arms = header.simulator.arms;
  meta.objects = header.simulator.objects;
  meta.signals = header.simulator.signals;
  meta.cameras = header.cameras;
  meta.success = facts.success;
  meta.uuid = facts.uuid;
  meta.settings = {{"format", header.stage}, {"success_from", facts.success_from}};
  if (demo.HasAttribute("seed")) meta.seed = demo.Uint("seed");
  // as files that were converted from ours store it
  if (demo.HasAttribute("variant")) meta.variant = demo.Text("variant");
  SetSuccess(demo, &episode);
  dialect.rows(demo, header, &episode);
  return episode;
}

}  // namespace understudy::foreign
