#include "data/formats/lerobot/lerobot_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <mutex>
#include <set>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "data/formats/base/copy_plan.h"
#include "data/formats/base/joint_poses.h"
#include "data/formats/base/row_texts.h"
#include "data/formats/base/translate.h"
#include "data/formats/family/bare_dataset.h"
#include "data/formats/lerobot/feature_names.h"
#include "data/formats/lerobot/lerobot_import_parts.h"
#include "data/formats/lerobot/lerobot_joints.h"
#include "data/formats/lerobot/lerobot_rows.h"
#include "data/formats/lerobot/named_arms.h"
#include "data/formats/lerobot/whole_numbers.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr size_t kIdleFilms = 32, kIdleTables = 8;
constexpr size_t kMostTasksTold = 100;
constexpr double kFilmTolerance_s = 1e-4;  // LeRobot's own default

// Readers that nobody uses now. Thread-safe.
template <class Reader>
class Idle {
 public:
  explicit Idle(size_t most) : most_(most) {}

  // The one that `cost` likes best, smallest first; null if it is infinite for all.
  template <class Cost>
  std::unique_ptr<Reader> Take(Cost cost) {
    const std::lock_guard lock(mutex_);
    auto best = idle_.end();
    double least = std::numeric_limits<double>::infinity();
    for (auto at = idle_.begin(); at != idle_.end(); ++at) {
      const double c = cost(**at);
      if (c < least) std::tie(best, least) = std::pair(at, c);
    }
    if (best == idle_.end()) return nullptr;
    std::unique_ptr<Reader> reader = std::move(*best);
    idle_.erase(best);
    return reader;
  }
  void Give(std::unique_ptr<Reader> reader) {
    std::unique_ptr<Reader> old;  // closed outside the lock
    const std::lock_guard lock(mutex_);
    idle_.push_front(std::move(reader));
    if (idle_.size() <= most_) return;
    old = std::move(idle_.back());
    idle_.pop_back();
  }

 private:
  const size_t most_;
  std::mutex mutex_;
  std::list<std::unique_ptr<Reader>> idle_;
};

// Rows of one Parquet file.
struct Table {
  Table(const LerobotFolder& folder, fs::path path)
      : file(std::move(path)), rows(folder, kFilmTolerance_s) {}
  fs::path file;
  LerobotRowReader rows;
};

class LerobotSource : public EpisodeSource, public RowTexts, public JointRows {
 public:
  LerobotSource(const fs::path& path, LerobotFolder folder, const ReadOptions& options)
      : EpisodeSource(path),
        folder_(std::move(folder)),
        arms_(NamedArms(folder_)),
        target_is_named_(TargetIsNamed(folder_, arms_.size())),
        names_skip_bad_(!options.skip_bad),
        beyond_double_(FindBeyondDouble(folder_)),
        films_(kIdleFilms),
        tables_(kIdleTables) {
    ListEpisodes();
    if (options.skip_bad) LeaveOutBad();
    FillHeader();
  }
  const LerobotFolder& folder() const { return folder_; }
  TextColumns ReadRowTexts(size_t index) const override;
  bool HasJoints() const override { return folder_.State() != nullptr; }
  std::vector<JointArm> ReadJoints(size_t index, const JointRobot& robot) const override;

 private:
  void FillHeader();
  void ListEpisodes();
  void LeaveOutBad();
  // The last row's, and how it is known.
  std::pair<bool, std::string> SuccessOf(const LerobotEpisode& episode) const;
  template <class Use>
  auto WithRows(const LerobotEpisode& episode, Use use) const {
    std::unique_ptr<Table> table = tables_.Take([&](const Table& idle) {
      return idle.file == episode.data ? 0 : std::numeric_limits<double>::infinity();
    });
    if (!table) table = std::make_unique<Table>(folder_, episode.data);
    auto result = NamingSkipBad(names_skip_bad_, [&] { return use(table->rows); });
    tables_.Give(std::move(table));
    return result;
  }
  std::vector<double> Values(const LerobotEpisode& episode, const LerobotFeature& feature) const {
    return WithRows(episode,
                    [&](LerobotRowReader& rows) { return rows.ReadFeature(episode, feature); });
  }
  PictureSize SizeOf(size_t camera) const;
  void FillArms(const LerobotEpisode& place, Episode* episode) const;
  std::string InstructionOf(const LerobotEpisode& episode) const;

  EpisodeMeta DoReadMeta(size_t index) const override;
  Episode DoReadEpisode(size_t index, bool with_raw) const override;
  std::optional<std::vector<std::vector<double>>> DoReadStoredActions(size_t index) const override;
  std::vector<ColumnSpec> DoListColumns() const override;
  std::vector<std::vector<double>> DoReadColumns(
      size_t index, std::span<const ColumnSpec> columns) const override;
  void DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const override;

  LerobotFolder folder_;  // without episodes that were left out
  const std::vector<NamedArm> arms_;
  const bool target_is_named_, names_skip_bad_;
  const std::map<std::string, BeyondDouble> beyond_double_;  // features that are no columns
  mutable Idle<VideoReader> films_;
  mutable Idle<Table> tables_;
};

// As the pictures are, else as info.json says: a dataset with a damaged film can be looked at.
PictureSize LerobotSource::SizeOf(size_t camera) const {
  const bool film = camera < folder_.films.size();
  const std::string& key =
      film ? folder_.films[camera] : folder_.pictures[camera - folder_.films.size()];
  try {
    // the first that has its film
    const auto has_it = [&](const LerobotEpisode& episode) {
      return !folder_.missing.contains(film ? episode.films[camera].file : episode.data);
    };
    const auto found = std::ranges::find_if(folder_.episodes, has_it);
    const LerobotEpisode& first = found != folder_.episodes.end() ? *found : folder_.episodes.at(0);
    if (film) {
      const auto [width, height] = VideoReader::SizeOf(first.films[camera].file);
      return {width, height};
    }
    return WithRows(first, [&](LerobotRowReader& rows) {
      const Image image = rows.ReadPicture(first, key, 0);
      return PictureSize{image.width, image.height};
    });
  } catch (const std::exception&) {  // no episode, or a damaged one
    const auto [width, height] = folder_.sizes.at(key);
    return {width, height};
  }
}

void LerobotSource::FillHeader() {
  header_.stage = "lerobot";
  SimulatorInfo& info = header_.simulator;
  info.task = TaskNameOf(folder_);
  info.robot = folder_.robot;
  info.control_hz = folder_.fps;
  if (folder_.tasks.size() == 1) info.instruction = folder_.tasks.begin()->second;
  for (const NamedArm& arm : arms_) {
    const std::string& x = folder_.State()->names[arm.state];
    info.arms.push_back(x.substr(0, x.size() - 2));
    const auto first = folder_.Action()->names.begin() + static_cast<std::ptrdiff_t>(arm.action);
    info.joint_names.emplace_back(
        first, first + static_cast<std::ptrdiff_t>(arm.by_joints ? arm.joints : 0));
  }
  header_.cameras = info.cameras = CamerasOf(folder_);
  for (size_t c = 0; c < header_.cameras.size(); ++c) header_.picture_sizes.push_back(SizeOf(c));
  if (!header_.picture_sizes.empty()) {
    header_.image_width = header_.picture_sizes[0].width;
    header_.image_height = header_.picture_sizes[0].height;
  }
  header_.settings = {{"codebase_version", folder_.version}};
  if (folder_.mended) {
    for (const auto& [place, what] : folder_.faults) {
      header_.settings[kMended].push_back(fmt::format("{}: {}", place, what));
    }
  }
  for (const auto& [name, beyond] : beyond_double_) {
    header_.settings[foreign::kUnreadColumns].push_back(
        fmt::format("{} ({}, beyond 2^53)", name, beyond.first));
  }
  if (folder_.tasks.size() > kMostTasksTold) return;
  // in how many episodes each task occurs
  std::map<std::string, int64_t> instructions;
  for (const LerobotEpisode& episode : folder_.episodes) {
    for (const std::string& task : episode.tasks) ++instructions[task];
  }
  if (!instructions.empty()) header_.settings["instructions"] = instructions;
}

std::pair<bool, std::string> LerobotSource::SuccessOf(const LerobotEpisode& episode) const {
  const LerobotFeature* stored = folder_.Find("next.success");
  if (stored == nullptr || stored->width() != 1) return {false, "not told: taken for none"};
  try {
    return {Values(episode, *stored).back() != 0, "next.success"};
  } catch (const Error&) {
    // whoever reads the episode hears why
    return {false, "cannot be read: taken for none"};
  }
}

void LerobotSource::ListEpisodes() {
  const std::string info =
      ContentHash(folder_.info.dump(-1, ' ', false, Json::error_handler_t::replace));
  for (size_t i = 0; i < folder_.episodes.size(); ++i) {
    const LerobotEpisode& episode = folder_.episodes[i];
    EpisodeSummary summary;
    summary.name = fmt::format("demo_{}", i);
    summary.uuid =
        MakeUuid(fmt::format("lerobot {} {} {}", info, episode.number, episode.length), RngKey{});
    summary.length = static_cast<size_t>(episode.length);
    std::tie(summary.success, summary.success_from) = SuccessOf(episode);
    summary.success_known = summary.success_from == "next.success";
    episodes_.push_back(std::move(summary));
  }
}

// Those whose rows or films cannot be read.
void LerobotSource::LeaveOutBad() {
  std::vector<LerobotEpisode> sound;
  std::vector<EpisodeSummary> listed;
  const std::vector<std::string> faults = FaultsOfEpisodes(folder_, kFilmTolerance_s);
  for (size_t e = 0; e < faults.size(); ++e) {
    if (!faults[e].empty()) {
      skipped_.push_back({episodes_[e].name, faults[e]});
      continue;
    }
    sound.push_back(folder_.episodes[e]);
    listed.push_back(episodes_[e]);
  }
  folder_.episodes = std::move(sound);
  episodes_ = std::move(listed);
}

// The first row's task.
std::string LerobotSource::InstructionOf(const LerobotEpisode& episode) const {
  if (episode.tasks.size() == 1) return episode.tasks[0];
  const LerobotFeature* task = folder_.Find("task_index");
  if (task == nullptr || task->width() != 1) return episode.tasks.empty() ? "" : episode.tasks[0];
  const auto found = folder_.tasks.find(static_cast<int64_t>(Values(episode, *task).at(0)));
  return found == folder_.tasks.end() ? "" : found->second;
}

// Of the features that are texts, and of the tasks where there are several.
TextColumns LerobotSource::ReadRowTexts(size_t index) const {
  const LerobotEpisode& episode = folder_.episodes[index];
  const LerobotRows rows = WithRows(episode, [&](LerobotRowReader& r) { return r.Read(episode); });
  TextColumns columns;
  for (size_t i = 0; i < folder_.texts.size(); ++i) {
    if (!rows.texts[i].empty()) columns[folder_.texts[i]] = rows.texts[i];
  }
  if (!rows.several_tasks) return columns;
  for (const double task : Values(episode, *folder_.Find("task_index"))) {
    columns[kTaskTexts].push_back(folder_.tasks.at(static_cast<int64_t>(task)));
  }
  return columns;
}

std::vector<JointArm> LerobotSource::ReadJoints(size_t index, const JointRobot& robot) const {
  const LerobotEpisode& episode = folder_.episodes[index];
  const LerobotFeature* action = folder_.Action();
  return JointsByNames(folder_, Values(episode, *folder_.State()),
                       action == nullptr ? std::vector<double>{} : Values(episode, *action), robot);
}

EpisodeMeta LerobotSource::DoReadMeta(size_t index) const {
  EpisodeMeta meta;
  const EpisodeSummary& summary = episodes_[index];
  meta.uuid = summary.uuid;
  meta.task = header_.simulator.task;
  meta.robot = folder_.robot;
  meta.instruction = InstructionOf(folder_.episodes[index]);
  meta.control_hz = folder_.fps;
  meta.success = summary.success;
  meta.arms = header_.simulator.arms;
  meta.cameras = header_.cameras;
  meta.settings = {{"format", header_.stage},
                   {"success_from", summary.success_from},
                   {"pose_from", arms_.empty() ? "nothing" : "observation.state"},
                   {"target_from", target_is_named_ ? "action.target" : "nothing"}};
  return meta;
}

void LerobotSource::FillArms(const LerobotEpisode& place, Episode* episode) const {
  const std::vector<double> state = Values(place, *folder_.State()),
                            action = Values(place, *folder_.Action());
  std::vector<double> target;
  if (target_is_named_) target = Values(place, *folder_.Find("action.target"));
  const size_t width = folder_.State()->width(), commands = folder_.Action()->width();
  for (size_t k = 0; k < episode->length(); ++k) {
    // x y z qx qy qz qw
    const auto pose = [&](const double* v, const char* column) {
      const Eigen::Quaterniond q(v[6], v[3], v[4], v[5]);
      const Eigen::Vector3d p(v[0], v[1], v[2]);
      if (!p.allFinite() || !(q.norm() > 1e-6) || !std::isfinite(q.norm())) {
        ThrowBadInput(fmt::format("{}: episode {}, row {}: {} holds a pose that is none{}",
                                  place.data.string(), place.number, k, column,
                                  names_skip_bad_ ? kSkipBadHint : ""));
      }
      return Pose(q.normalized(), p);
    };
    Step& step = episode->steps[k];
    for (size_t a = 0; a < arms_.size(); ++a) {
      const NamedArm& named = arms_[a];
      const double* v = state.data() + k * width + named.state;
      ArmObservation arm;
      arm.X_WE = pose(v, "observation.state");
      const auto count = [](size_t n) { return static_cast<Eigen::Index>(n); };
      arm.joint_q = Eigen::Map<const Eigen::VectorXd>(v + 7, count(named.joints));
      arm.gripper_q = Eigen::Map<const Eigen::VectorXd>(v + 7 + named.joints, count(named.fingers));
      step.observation.arms.push_back(std::move(arm));
      const double* command = action.data() + k * commands + named.action;
      if (!named.by_joints) {
        DeltaAction delta;
        for (int i = 0; i < 7; ++i) delta.value[i] = command[i];
        step.delta.push_back(delta);
      }
      if (!target_is_named_) continue;
      const double* t = target.data() + 8 * (k * arms_.size() + a);
      ArmAction& to = step.action.arms.emplace_back(ArmAction{pose(t, "action.target"), t[7], {}});
      if (named.by_joints)
        to.q_cmd = Eigen::Map<const Eigen::VectorXd>(command, count(named.joints));
    }
    step.action_clean = step.action;
  }
}

Episode LerobotSource::DoReadEpisode(size_t index, bool) const {
  const LerobotEpisode& place = folder_.episodes[index];
  Episode episode;
  episode.meta = DoReadMeta(index);
  episode.steps.resize(static_cast<size_t>(place.length));
  const auto after = [&](size_t k) -> Observation& {
    return k < episode.length() ? episode.steps[k].observation : episode.final_observation;
  };
  for (size_t k = 0; k <= episode.length(); ++k) {
    after(k).sim_time_s = static_cast<double>(k) / folder_.fps;
  }
  const LerobotFeature* success = folder_.Find("next.success");
  if (success != nullptr && success->width() == 1) {
    const std::vector<double> values = Values(place, *success);
    for (size_t k = 0; k < values.size(); ++k) after(k + 1).success = values[k] != 0;
  }
  if (!arms_.empty()) FillArms(place, &episode);
  return episode;
}

std::optional<std::vector<std::vector<double>>> LerobotSource::DoReadStoredActions(
    size_t index) const {
  const LerobotFeature* action = folder_.Action();
  if (action == nullptr) return std::nullopt;
  const std::vector<double> values = Values(folder_.episodes[index], *action);
  const auto width = static_cast<std::ptrdiff_t>(action->width());
  std::vector<std::vector<double>> rows;
  for (auto row = values.begin(); row != values.end(); row += width) {
    rows.emplace_back(row, row + width);
  }
  return rows;
}

std::vector<ColumnSpec> LerobotSource::DoListColumns() const {
  std::vector<ColumnSpec> columns;
  for (const LerobotFeature& feature : folder_.features) {
    if (beyond_double_.contains(feature.name)) continue;
    ColumnSpec column{feature.name, feature.dtype, feature.shape, feature.names};
    if (&feature == folder_.State()) column.role = ColumnRole::kState;
    if (&feature == folder_.Action()) column.role = ColumnRole::kAction;
    columns.push_back(std::move(column));
  }
  return columns;
}

std::vector<std::vector<double>> LerobotSource::DoReadColumns(
    size_t index, std::span<const ColumnSpec> columns) const {
  const LerobotEpisode& episode = folder_.episodes[index];
  return WithRows(episode, [&](LerobotRowReader& rows) {
    std::vector<std::vector<double>> values;
    for (const ColumnSpec& column : columns) {
      const LerobotFeature* feature = folder_.Find(column.name);
      if (feature == nullptr || feature->shape != column.shape) {
        ThrowBadInput(fmt::format("{}: {} feature '{}' of shape ({})",
                                  (folder_.path / "meta/info.json").string(), "has no", column.name,
                                  fmt::join(column.shape, ", ")));
      }
      values.push_back(rows.ReadFeature(episode, *feature));
    }
    return values;
  });
}

void LerobotSource::DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const {
  const LerobotEpisode& episode = folder_.episodes[index];
  const auto hand_out = [&](const Image& image, const std::string& place) {
    PictureSize size = header_.size_of(camera);
    RequireOneSize({image.width, image.height}, place, size.width, size.height);
    std::copy(image.rgb.begin(), image.rgb.end(), out);
  };
  const auto row = static_cast<int64_t>(step);
  if (camera >= folder_.films.size()) {
    const std::string& key = folder_.pictures[camera - folder_.films.size()];
    const Image image = WithRows(
        episode, [&](LerobotRowReader& rows) { return rows.ReadPicture(episode, key, row); });
    return hand_out(image, fmt::format("{}: episode {}, row {}: {}", episode.data.string(),
                                       episode.number, row, key));
  }
  // the reader that has the shortest way
  const LerobotEpisode::Place& place = episode.films[camera];
  const int64_t frame = folder_.FrameOf(place, row);
  std::unique_ptr<VideoReader> film = films_.Take([&](const VideoReader& idle) {
    if (idle.file() != place.file) return std::numeric_limits<double>::infinity();
    const double way = static_cast<double>(frame - (idle.next() - 1));
    return way >= 0 ? way : 1e15 - way;
  });
  NamingSkipBad(names_skip_bad_, [&] {
    if (!film) {
      film = std::make_unique<VideoReader>(OpenFilmOf(folder_, place.file, kFilmTolerance_s));
    }
    RequireFrames(folder_, episode, camera, *film);
    hand_out(film->Read(frame), fmt::format("{}: episode {}, row {}: {}", place.file.string(),
                                            episode.number, row, folder_.films[camera]));
  });
  films_.Give(std::move(film));
}

}  // namespace

std::vector<std::string> CamerasOf(const LerobotFolder& folder) {
  std::vector<std::string> cameras;
  std::set<std::string> taken;
  for (const auto* keys : {&folder.films, &folder.pictures}) {
    for (const std::string& key : *keys) {
      const std::string name = CameraOfKey(key);
      cameras.push_back(AsMember(taken.insert(name).second ? name : key));
    }
  }
  return cameras;
}

std::string TaskNameOf(const LerobotFolder& folder) {
  return folder.robot.empty() ? "lerobot" : folder.robot;
}

std::unique_ptr<EpisodeSource> OpenLerobotSource(const fs::path& folder,
                                                 const ReadOptions& options) {
  return std::make_unique<LerobotSource>(folder, OpenLerobot(folder, options.control_hz), options);
}

std::unique_ptr<EpisodeSource> OpenLerobotSourceToMend(const fs::path& folder,
                                                       const ReadOptions& options) {
  return std::make_unique<LerobotSource>(folder, OpenLerobotToMend(folder), options);
}

const LerobotFolder* FolderOf(const EpisodeSource& source) {
  const auto* lerobot = dynamic_cast<const LerobotSource*>(&source);
  return lerobot == nullptr ? nullptr : &lerobot->folder();
}

}  // namespace understudy
