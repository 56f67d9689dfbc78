#include "data/formats/aloha/aloha.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "data/formats/aloha/aloha_file.h"
#include "data/formats/aloha/copy_aloha.h"
#include "data/formats/base/joint_poses.h"
#include "data/formats/family/foreign_parts.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5_source.h"
#include "data/store/meta.h"
#include "data/store/success_known.h"
#include "data/store/usual_columns.h"

namespace understudy {
namespace fs = std::filesystem;
namespace aloha {
namespace {

constexpr const char* kStage = "ALOHA";

bool IsDataset(const fs::path& path, const ReadOptions& read) {
  std::error_code none;
  const std::vector<fs::path> files = EpisodeFiles(path);
  if (!fs::is_directory(path, none)) return IsEpisodeFile(path, read.outside_links);
  // one damaged file does not make the folder something else
  for (const fs::path& file : files) {
    if (IsEpisodeFile(file, read.outside_links)) return true;
  }
  return false;
}

// What an episode says of all.
DatasetHeader HeaderOf(const h5::Group& root, double control_hz) {
  DatasetHeader header;
  header.stage = kStage;
  header.family = kFamily;
  header.settings = {{"format", kStage}};
  header.simulator.control_hz = control_hz;
  header.simulator.instruction = InstructionOf(root);
  header.cameras = CamerasOf(root);
  for (const std::string& camera : header.cameras) {
    header.picture_sizes.push_back(SizeOf(root, camera));
  }
  if (!header.cameras.empty()) {
    const PictureSize first = header.picture_sizes[0];
    header.image_width = first.width;
    header.image_height = first.height;
    const auto same = [&](const PictureSize& size) { return size == first; };
    if (std::ranges::all_of(header.picture_sizes, same)) header.picture_sizes.clear();
  }
  header.simulator.cameras = header.cameras;
  return header;
}

// The first number that is not finite, in words; unset where all are.
std::optional<std::string> FirstNotFinite(const h5::Group& root, const ColumnSpec& column,
                                          size_t rows) {
  const h5::DatasetInfo info = root.Info(column.name);
  if (info.dims.empty() || info.dims[0] != rows) {
    return fmt::format("{}: has shape ({}), must have {} rows", root.Place(column.name),
                       fmt::join(info.dims, ", "), rows);
  }
  std::string what;
  const auto row = foreign::FirstRowNotFinite(root, column.name, info, &what);
  if (!row) return std::nullopt;
  return fmt::format("{}[{}]: {}", root.Place(column.name), *row, what);
}

// Why the usual observations are not there for every row.
std::vector<std::string> FaultsOfObserved(const h5::Group& root, size_t rows) {
  std::vector<std::string> faults;
  for (const char* observed : {kState, "observations/qvel", "observations/effort"}) {
    if (!root.Has(observed)) continue;
    const h5::DatasetInfo info = root.Info(observed);
    if (!info.dims.empty() && info.dims[0] == rows) continue;
    const uint64_t found = info.dims.empty() ? 0 : info.dims[0];
    faults.push_back(fmt::format("{}: has shape ({}), must have {} rows{}", root.Place(observed),
                                 fmt::join(info.dims, ", "), rows,
                                 foreign::ExtraRowHint(observed, found, rows)));
  }
  return faults;
}

// Why an episode is not like the others.
std::vector<std::string> FaultsOfRows(const h5::Group& root, size_t rows,
                                      const std::vector<ColumnSpec>& columns,
                                      const std::vector<ColumnSpec>& usual) {
  std::vector<std::string> faults = FaultsOfObserved(root, rows);
  if (!faults.empty()) return faults;  // such columns have no row per step
  const std::string odd = OddColumn(usual, columns);
  if (!odd.empty()) faults.push_back(root.Place(odd));
  return faults;
}

// What most files of a dataset say: cameras, sizes and columns.
struct Usual {
  std::optional<DatasetHeader> header;  // unset: no file can be read
  std::vector<ColumnSpec> columns;
};

Usual UsualOf(const std::vector<fs::path>& files, const ReadOptions& options, bool mend) {
  const h5::Guard guard;
  std::vector<DatasetHeader> headers;
  std::vector<std::vector<ColumnSpec>> columns;
  for (const fs::path& file : files) {
    try {
      const h5::Group root = OpenEpisode(file, options.outside_links, mend);
      columns.push_back(AlohaColumns(root, RowsOf(root)));
      headers.push_back(HeaderOf(root, options.control_hz));
    } catch (const Error& error) {
      // whoever reads the episode says what is wrong with it
      if (error.kind() != ErrorKind::kBadInput) throw;
    }
  }
  Usual usual{{}, UsualColumns(columns)};
  if (headers.empty()) return usual;
  const auto alike = [&](const DatasetHeader& one) {
    return std::ranges::count_if(headers, [&](const DatasetHeader& other) {
      if (other.cameras != one.cameras) return false;
      for (size_t c = 0; c < one.cameras.size(); ++c) {
        if (!(other.size_of(c) == one.size_of(c))) return false;
      }
      return true;
    });
  };
  usual.header = *std::ranges::max_element(headers, {}, alike);
  return usual;
}

// Texts of the rows, which files of pictures are not.
TextColumns RowTextsIn(const h5::Group& root, size_t rows) {
  TextColumns texts = foreign::ReadRowTexts(root, rows);
  std::erase_if(texts, [](const auto& column) { return column.first.starts_with(kImages); });
  return texts;
}

// Hash of the commands and of where the robot was: it goes with the episode into other folders.
std::string UuidOf(const h5::Group& root, const std::vector<ColumnSpec>& columns, size_t rows) {
  Hasher hasher;
  for (const ColumnSpec& column : columns) {
    if (column.role == ColumnRole::kOther) continue;
    const std::vector<double> numbers = ReadNumbers(root, column, rows);
    hasher.Add(fmt::format("{} {}", column.name, column.size()));
    hasher.Add(numbers.data(), numbers.size() * sizeof(double));
  }
  return MakeUuid("foreign " + hasher.Hex(), RngKey{});
}

// What is neither a column, of numbers or texts, nor the instruction or a picture.
std::vector<std::string> UnreadIn(const h5::Group& root, size_t rows) {
  std::set<std::string> read{kLengths};
  for (const ColumnSpec& column : AlohaColumns(root, rows)) read.insert(column.name);
  for (const auto& [name, texts] : RowTextsIn(root, rows)) read.insert(name);
  for (const std::string& camera : CamerasOf(root)) {
    read.insert(fmt::format("{}/{}", kImages, camera));
  }
  if (const std::string name = InstructionName(root); !name.empty()) read.insert(name);
  std::vector<std::string> unread = foreign::DatasetsIn(root);
  std::erase_if(unread, [&](const std::string& path) { return read.contains(path); });
  return unread;
}

// All of them, for the sake of errors.
void ReadPictures(const h5::Group& root, const DatasetHeader& header, size_t rows) {
  std::vector<uint8_t> pixels;
  for (size_t c = 0; c < header.cameras.size(); ++c) {
    const PictureSize size = header.size_of(c);
    pixels.resize(3 * static_cast<size_t>(size.width) * static_cast<size_t>(size.height));
    for (size_t k = 0; k < rows; ++k) {
      ReadPicture(root, header.cameras[c], k, rows, size, pixels.data());
    }
  }
}

void RequireFinite(const h5::Group& root, const std::vector<ColumnSpec>& columns, size_t rows) {
  for (const ColumnSpec& column : columns) {
    if (const auto fault = FirstNotFinite(root, column, rows)) ThrowBadInput(*fault);
  }
}

class Source : public EpisodeSource, public RowTexts, public JointRows {
 public:
  Source(const fs::path& path, const ReadOptions& options, bool mend)
      : EpisodeSource(path),
        options_(options),
        mend_(mend),
        files_(EpisodeFiles(path)),
        usual_(UsualOf(files_, options, mend)) {
    const h5::Guard guard;
    if (usual_.header) header_ = *usual_.header;
    if (files_.empty()) {
      ThrowBadInput(fmt::format("{}: holds no file episode_<i>.hdf5", path.string()));
    }
    std::vector<fs::path> sound;
    for (const fs::path& file : files_) {
      try {
        AddEpisode(file);
        sound.push_back(file);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kBadInput) throw;
        if (!options.skip_bad && !mend) ThrowBadInput(std::string(error.what()) + kSkipBadHint);
        skipped_.push_back({NameOf(file), error.what()});
      }
    }
    files_ = std::move(sound);
    if (mend && !with_extra_row_.empty()) {
      header_.settings[kMended] = foreign::MendedRows(with_extra_row_);
    }
  }

 private:
  void AddEpisode(const fs::path& file) {
    const h5::Group root = OpenEpisode(file, options_.outside_links, mend_);
    EpisodeSummary summary;
    summary.name = NameOf(file);
    summary.length = RowsOf(root);
    const std::vector<ColumnSpec> columns = AlohaColumns(root, summary.length);
    if (options_.skip_bad) RequireFinite(root, columns, summary.length);
    if (options_.skip_bad || mend_) {
      const std::vector<std::string> faults =
          FaultsOfRows(root, summary.length, columns, usual_.columns);
      if (!faults.empty()) ThrowBadInput(faults[0]);
    }
    summary.uuid = UuidOf(root, columns, summary.length);
    summary.success_from = kSuccessNotTold;
    summary.success_known = false;
    if (!usual_.header) HeaderOf(root, options_.control_hz);  // says what is wrong
    if (options_.skip_bad) ReadPictures(root, header_, summary.length);
    if (episodes_.empty()) {
      const std::vector<std::string> unread = UnreadIn(root, summary.length);
      if (!unread.empty()) header_.settings[foreign::kUnreadColumns] = unread;
    }
    if (root.is_limited()) {
      if (with_extra_row_.empty()) {
        header_.settings[foreign::kExtraRow] = foreign::ExtraRowNote(root);
      }
      with_extra_row_[summary.name] = foreign::ExtraRowsOf(root);
    }
    if (const std::string text = InstructionOf(root); !text.empty()) {
      Json& count = header_.settings["instructions"][text];
      count = count.is_null() ? 1 : count.get<int>() + 1;
    }
    episodes_.push_back(std::move(summary));
  }

  // The files used last stay open.
  h5::Group Root(size_t index) const {
    constexpr size_t kMaxOpen = 32;
    const std::scoped_lock lock(mutex_);
    for (auto open = open_.begin(); open != open_.end(); ++open) {
      if (open->first != index) continue;
      open_.splice(open_.begin(), open_, open);
      return open_.front().second.Again();
    }
    open_.emplace_front(index, OpenEpisode(files_[index], options_.outside_links, mend_));
    if (open_.size() > kMaxOpen) open_.pop_back();
    return open_.front().second.Again();
  }

  EpisodeMeta DoReadMeta(size_t index) const override {
    EpisodeMeta meta;
    meta.uuid = episodes_[index].uuid;
    meta.control_hz = header_.simulator.control_hz;
    meta.cameras = header_.cameras;
    {
      const h5::Guard guard;
      meta.instruction = InstructionOf(Root(index));
    }
    meta.settings = {{"format", kStage}, {"success_from", kSuccessNotTold}};
    return meta;
  }
  // Rows without arms: all that is known of them stands in the columns.
  Episode DoReadEpisode(size_t index, bool) const override {
    Episode episode;
    episode.meta = DoReadMeta(index);
    episode.steps.resize(episodes_[index].length);
    const double rate = episode.meta.control_hz;
    for (size_t k = 0; rate > 0 && k < episode.length(); ++k) {
      episode.steps[k].observation.sim_time_s = static_cast<double>(k) / rate;
    }
    return episode;
  }
  std::optional<std::vector<std::vector<double>>> DoReadStoredActions(size_t index) const override {
    const h5::Guard guard;
    const Column actions = Root(index).Read(kAction, ColumnType::kF64, {-1});
    std::vector<std::vector<double>> rows(actions.rows, std::vector<double>(actions.row_size()));
    for (size_t k = 0; k < actions.rows; ++k) {
      for (size_t i = 0; i < actions.row_size(); ++i) rows[k][i] = actions.At<double>(k, i);
    }
    return rows;
  }
  bool HasJoints() const override {
    const h5::Guard guard;
    return !files_.empty() && Root(0).IsArray(kState);
  }
  // Of every arm its joints, then its gripper, from 0 (closed) to 1 (open); commands likewise.
  std::vector<JointArm> ReadJoints(size_t index, const JointRobot& robot) const override {
    const h5::Guard guard;
    const h5::Group root = Root(index);
    const size_t joints = robot.joints.size(), width = joints + 1, count = robot.arms.size();
    const auto rows = [&](const char* name) {
      const std::vector<hsize_t> dims = root.Info(name).dims;
      const auto all = static_cast<int64_t>(dims.size() == 2 ? dims[1] : 1);
      if (static_cast<size_t>(all) != count * width) {
        h5::FailReading(root.Place(name),
                        fmt::format("has {} numbers per row, {} of robot '{}' are {}: {} joints "
                                    "and a gripper each; --map says what others are",
                                    all, count == 1 ? "one arm" : fmt::format("{} arms", count),
                                    robot.info.robot, count * width, joints));
      }
      const Column c = root.Read(name, ColumnType::kF64, {all});
      std::vector<double> numbers(c.rows * c.row_size());
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = c.At<double>(0, i);
      return numbers;
    };
    const std::vector<double> state = rows(kState), action = rows(kAction);
    std::vector<JointArm> arms;
    for (size_t a = 0; a < count; ++a) {
      JointArm& arm = arms.emplace_back();
      arm.name = count == 1 ? "arm" : a == 0 ? "left" : a == 1 ? "right" : fmt::format("{}", a);
      arm.columns = {kState, kAction};
      arm.q = RowVectors(state, count * width, a * width, joints);
      arm.gripper_q = RowVectors(state, count * width, a * width + joints, 1);
      arm.q_cmd = RowVectors(action, count * width, a * width, joints);
      arm.target_from = "joint targets of action";
      for (const Eigen::VectorXd& open : RowVectors(action, count * width, a * width + joints, 1)) {
        arm.gripper.push_back(1 - 2 * std::clamp(open[0], 0.0, 1.0));
      }
      // beside what calibration leaves: radians or metres, of which nothing is known
      const auto odd = [](const Eigen::VectorXd& open) { return open[0] < -0.5 || open[0] > 1.5; };
      if (std::ranges::any_of(RowVectors(action, count * width, a * width + joints, 1), odd)) {
        arm.gripper.clear();
      }
    }
    return arms;
  }
  TextColumns ReadRowTexts(size_t index) const override {
    const h5::Guard guard;
    return RowTextsIn(Root(index), episodes_[index].length);
  }
  std::vector<ColumnSpec> DoListColumns() const override { return usual_.columns; }
  std::vector<ColumnSpec> DoColumnsOf(size_t index) const override {
    const h5::Guard guard;
    return AlohaColumns(Root(index), episodes_[index].length);
  }
  std::vector<std::vector<double>> DoReadColumns(
      size_t index, std::span<const ColumnSpec> columns) const override {
    const h5::Guard guard;
    return NamingSkipBad(!options_.skip_bad, [&] {
      std::vector<std::vector<double>> result;
      const h5::Group root = Root(index);
      for (const ColumnSpec& column : columns) {
        result.push_back(ReadNumbers(root, column, episodes_[index].length));
      }
      return result;
    });
  }
  void DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const override {
    const h5::Group root = [&] {
      const h5::Guard guard;
      return Root(index);
    }();
    NamingSkipBad(!options_.skip_bad, [&] {
      ReadPicture(root, header_.cameras[camera], step, episodes_[index].length,
                  header_.size_of(camera), out);
    });
  }

  const ReadOptions options_;
  const bool mend_;
  std::vector<fs::path> files_;
  const Usual usual_;
  std::map<std::string, std::vector<std::string>> with_extra_row_;  // arrays, by episode
  mutable std::mutex mutex_;
  mutable std::list<std::pair<size_t, h5::Group>> open_;
};

// Appends the faults of one file.
void CheckFile(const fs::path& file, const VerifyOptions& options, const Usual& usual,
               VerifyReport& report) {
  const std::string name = NameOf(file);
  const auto fail = [&](const std::string& what) { report.faults.push_back({name, what}); };
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      fail(error.what());
    }
  };
  attempt([&] {
    const h5::Guard guard;
    const h5::Group root = OpenEpisode(file, options.read.outside_links);
    const size_t rows = RowsOf(root);
    ++report.episodes;
    report.steps += static_cast<int64_t>(rows);
    const auto check = [&](const ColumnSpec& column) {
      if (const auto fault = FirstNotFinite(root, column, rows)) fail(*fault);
      report.bytes_read += static_cast<int64_t>(rows * column.size() * sizeof(double));
    };
    const std::vector<ColumnSpec> columns = AlohaColumns(root, rows);
    for (const ColumnSpec& column : columns) attempt([&] { check(column); });
    for (const std::string& fault : FaultsOfRows(root, rows, columns, usual.columns)) fail(fault);
    const DatasetHeader header = usual.header ? *usual.header : HeaderOf(root, 0);
    const std::vector<std::string>& cameras = header.cameras;
    std::vector<uint8_t> pixels;
    for (size_t c = 0; c < cameras.size(); ++c) {
      const PictureSize size = header.size_of(c);
      pixels.resize(3 * static_cast<size_t>(size.width) * static_cast<size_t>(size.height));
      attempt([&] {
        for (size_t k = 0; k < rows; ++k) {
          ReadPicture(root, cameras[c], k, rows, size, pixels.data());
          report.bytes_read += static_cast<int64_t>(pixels.size());
        }
      });
    }
  });
}

VerifyReport Verify(const fs::path& path, const VerifyOptions& options, Progress& progress) {
  VerifyReport report;
  const std::vector<fs::path> files = EpisodeFiles(path);
  const Usual usual = UsualOf(files, options.read, false);
  progress.Start("checking " + path.string(), static_cast<int64_t>(files.size()), "episodes");
  for (size_t i = 0; i < files.size(); ++i) {
    if (!options.episode.empty() && NameOf(files[i]) != options.episode) continue;
    CheckFile(files[i], options, usual, report);
    progress.Advance(static_cast<int64_t>(i) + 1);
  }
  progress.Finish();
  return report;
}

}  // namespace
}  // namespace aloha

DatasetFormat AlohaFormat() {
  return {
      .name = "aloha",
      .summary = "ALOHA and ACT (a folder of HDF5 files), read and edited",
      .Recognises = aloha::IsDataset,
      .Open = [](const fs::path& path, const ReadOptions& read) -> std::unique_ptr<EpisodeSource> {
        return std::make_unique<aloha::Source>(path, read, false);
      },
      .OpenToMend = [](const fs::path& path,
                       const ReadOptions& read) -> std::unique_ptr<EpisodeSource> {
        return std::make_unique<aloha::Source>(path, read, true);
      },
      .Verify = [](const fs::path& path, const VerifyOptions& options, const OptionValues&,
                   Progress& progress) { return aloha::Verify(path, options, progress); },
      .Copy = aloha::Copy,
      .leaves_out_bad = true};
}

}  // namespace understudy
