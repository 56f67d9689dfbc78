#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/geometry/pose.h"
#include "data/formats/base/column_map.h"
#include "data/formats/base/joint_poses.h"
#include "data/formats/base/part_kinds.h"
#include "data/formats/base/row_texts.h"
#include "data/formats/base/unread_poses.h"

namespace understudy {
namespace {

// A part of the map and the column that it is cut from.
struct Cut {
  ColumnSpec column;  // of the source
  ColumnPart part;
  ColumnSpec spec;  // as the mapped dataset lists it
};

// The parts of one arm within a list of cuts.
struct ArmParts {
  const Cut* position = nullptr;
  const Cut* rotation = nullptr;
  const Cut* joints = nullptr;
  const Cut* gripper = nullptr;
  bool has_pose() const { return position != nullptr && rotation != nullptr; }
};

class MappedSource : public EpisodeSource, public RowTexts, public JointRows {
 public:
  MappedSource(std::unique_ptr<EpisodeSource> source, const ColumnMap& map)
      : EpisodeSource(source->path()), source_(std::move(source)), map_(map) {
    header_ = source_->header();
    // not ours any more: it is read by its columns
    episodes_ = source_->episodes();
    skipped_ = source_->skipped();
    listed_ = source_->ListColumns();
    std::vector<std::string> problems;
    MapCameras(&problems);
    state_ = Cuts(map.state, ColumnRole::kState, &problems);
    action_ = Cuts(map.action, ColumnRole::kAction, &problems);
    for (const Cut& cut : action_) {
      const auto twin = [&](const Cut& other) { return other.spec.name == cut.spec.name; };
      if (std::any_of(state_.begin(), state_.end(), twin)) {
        problems.push_back(
            fmt::format("{}: stands in state and action: name its parts", cut.spec.name));
      }
    }
    FindObjects(&problems);
    if (!problems.empty()) {
      ThrowBadInput(fmt::format("{}: --map: {}", path_.string(), fmt::join(problems, "; ")));
    }
    SimulatorInfo& info = header_.simulator;
    if (map.control_hz > 0) info.control_hz = map.control_hz;
    if (!map.instruction.empty()) {
      info.instruction = map.instruction;
      if (header_.settings.contains("instructions")) {
        header_.settings["instructions"] = {{map.instruction, episodes_.size()}};
      }
    }
    if (!map.robot.empty()) info.robot = map.robot;
    if (!map.task.empty()) info.task = map.task;
    if (!objects_.empty()) {
      info.objects = objects_;
      ForgetUnread(kObjectPoses, &header_);
    }
    // arms with a pose; where there are none, those with joints
    std::vector<std::string> arms;
    for (const bool posed : {true, false}) {
      for (const Cut& cut : state_) {
        if (!cut.part.object.empty()) continue;
        const ArmParts parts = PartsOf(state_, cut.part.arm);
        if (posed ? !parts.has_pose() : parts.joints == nullptr) continue;
        if (std::ranges::find(arms, cut.part.arm) == arms.end()) arms.push_back(cut.part.arm);
      }
      if (!arms.empty()) {
        has_arms_ = posed;
        break;
      }
    }
    if (!arms.empty()) {
      ForgetUnread(kHandPoses, &header_);
      ForgetUnread(kBasePoses, &header_);
    }
    if (has_arms_) {
      info.arms = arms;
    } else if (!arms.empty()) {
      info.arms.clear();
      joint_arms_ = arms;
    }
  }

  bool HasJoints() const override {
    const auto* inner = dynamic_cast<const JointRows*>(source_.get());
    return !joint_arms_.empty() || (inner != nullptr && inner->HasJoints());
  }
  std::vector<JointArm> ReadJoints(size_t index, const JointRobot& robot) const override {
    std::vector<JointArm> arms;
    if (joint_arms_.empty()) {
      arms = dynamic_cast<const JointRows&>(*source_).ReadJoints(index, robot);
      // what its format does not say
      for (JointArm& arm : arms) {
        for (const Cut& cut : action_) {
          if (cut.part.is != PartKind::kGripper) continue;
          if (arms.size() > 1 && cut.part.arm != arm.name) continue;
          arm.gripper = GripperCommands(index, cut);
        }
      }
      return arms;
    }
    for (const std::string& name : joint_arms_) {
      const ArmParts state = PartsOf(state_, name), action = PartsOf(action_, name);
      JointArm& arm = arms.emplace_back();
      arm.name = name;
      const auto rows = [&](const Cut* cut) -> std::vector<Eigen::VectorXd> {
        if (cut == nullptr) return {};
        arm.columns.push_back(cut->column.name);
        const auto size = static_cast<size_t>(cut->part.size);
        return RowVectors(Values(index, *cut), size, 0, size);
      };
      arm.q = rows(state.joints);
      arm.gripper_q = rows(state.gripper);
      arm.q_cmd = rows(action.joints);
      arm.target_from = action.joints == nullptr
                            ? "the map names no joints in the action"
                            : fmt::format("joint targets of {}", action.joints->column.name);
      if (action.gripper != nullptr) arm.gripper = GripperCommands(index, *action.gripper);
    }
    return arms;
  }

  TextColumns ReadRowTexts(size_t index) const override { return RowTextsOf(*source_, index); }

 private:
  void MapCameras(std::vector<std::string>* problems) {
    const std::vector<std::string> known = header_.cameras;
    if (map_.cameras.empty()) {
      for (size_t c = 0; c < known.size(); ++c) cameras_.push_back(c);
      return;
    }
    std::vector<std::string> names;
    std::vector<PictureSize> sizes;
    for (const auto& [name, camera] : map_.cameras) {
      const auto found = std::find(known.begin(), known.end(), camera);
      if (found == known.end()) {
        problems->push_back(UnknownName("camera", camera, known));
        continue;
      }
      cameras_.push_back(static_cast<size_t>(found - known.begin()));
      names.push_back(name);
      sizes.push_back(header_.size_of(cameras_.back()));
    }
    header_.cameras = header_.simulator.cameras = names;
    header_.picture_sizes = sizes;
    if (!sizes.empty()) {
      header_.image_width = sizes[0].width;
      header_.image_height = sizes[0].height;
    }
  }

  std::vector<Cut> Cuts(const std::vector<MappedColumn>& mapped, ColumnRole role,
                        std::vector<std::string>* problems) const {
    std::vector<std::string> names;
    for (const ColumnSpec& column : listed_) names.push_back(column.name);
    std::vector<Cut> cuts;
    for (const MappedColumn& wanted : mapped) {
      const auto found = std::find(names.begin(), names.end(), wanted.column);
      if (found == names.end()) {
        problems->push_back(UnknownName("column", wanted.column, names));
        continue;
      }
      const ColumnSpec& column = listed_[static_cast<size_t>(found - names.begin())];
      const int width = static_cast<int>(column.size());
      if (wanted.parts.empty()) {
        Cut cut{column, {.name = column.name, .from = 0, .size = width}, column};
        cut.spec.role = role;
        cuts.push_back(std::move(cut));
        continue;
      }
      for (const ColumnPart& part : wanted.parts) {
        const std::string place = fmt::format("{} of {}", part.name, wanted.column);
        if (part.from + part.size > width) {
          problems->push_back(fmt::format("{}: numbers {} to {}, the column has {}", place,
                                          part.from, part.from + part.size - 1, width));
          continue;
        }
        if (const int size = SizeOf(part.is); size != 0 && size != part.size) {
          problems->push_back(fmt::format("{}: {} numbers, a {} has {}", place, part.size,
                                          EnumNames<PartKind>::kNames[static_cast<size_t>(part.is)],
                                          size));
          continue;
        }
        if (const size_t n = part.offset.size(); n > 1 && std::cmp_not_equal(n, part.size)) {
          problems->push_back(
              fmt::format("{}: {} offsets of {} numbers: one for all, or one for "
                          "each",
                          place, n, part.size));
          continue;
        }
        if (part.is == PartKind::kGripper && part.open == part.closed) {
          problems->push_back(fmt::format("{}: open and closed are the same number", place));
        }
        const bool taken = std::any_of(cuts.begin(), cuts.end(),
                                       [&](const Cut& cut) { return cut.spec.name == part.name; });
        if (taken) problems->push_back(fmt::format("{}: the name is given twice", place));
        ColumnSpec spec{part.name, column.dtype, {static_cast<size_t>(part.size)}, {}, role};
        for (int i = 0; i < part.size && column.parts.size() == column.size(); ++i) {
          spec.parts.push_back(column.parts[static_cast<size_t>(part.from + i)]);
        }
        cuts.push_back({column, part, std::move(spec)});
      }
    }
    return cuts;
  }

  // Of an arm, or of an object.
  static ArmParts PartsOf(const std::vector<Cut>& cuts, const std::string& arm,
                          const std::string& object = "") {
    ArmParts parts;
    for (const Cut& cut : cuts) {
      if (cut.part.object != object || (object.empty() && cut.part.arm != arm)) continue;
      if (cut.part.is == PartKind::kPosition) parts.position = &cut;
      if (IsRotation(cut.part.is)) parts.rotation = &cut;
      if (cut.part.is == PartKind::kJoints) parts.joints = &cut;
      if (cut.part.is == PartKind::kGripper) parts.gripper = &cut;
    }
    return parts;
  }

  void FindObjects(std::vector<std::string>* problems) {
    for (const auto* cuts : {&state_, &action_}) {
      for (const Cut& cut : *cuts) {
        const std::string& object = cut.part.object;
        if (object.empty() || std::ranges::find(objects_, object) != objects_.end()) continue;
        if (cuts == &state_ && PartsOf(state_, "", object).has_pose()) {
          objects_.push_back(object);
        } else {
          problems->push_back(
              fmt::format("{}: object '{}' has its pose in the state: a position and a rotation",
                          cut.part.name, object));
        }
      }
    }
  }

  // What is added to number `i` of a part.
  static double OffsetOf(const ColumnPart& part, size_t i) {
    return part.offset.empty() ? 0 : part.offset[part.offset.size() == 1 ? 0 : i];
  }

  // The numbers of a part, scaled, row after row.
  std::vector<double> Values(size_t index, const Cut& cut) const {
    const std::vector<double> all = source_->ReadColumns(index, std::vector{cut.column})[0];
    const size_t width = cut.column.size(), size = static_cast<size_t>(cut.part.size);
    std::vector<double> values;
    values.reserve(all.size() / width * size);
    for (size_t at = static_cast<size_t>(cut.part.from); at + size <= all.size(); at += width) {
      for (size_t i = 0; i < size; ++i) {
        values.push_back(all[at + i] * cut.part.scale + OffsetOf(cut.part, i));
      }
    }
    return values;
  }

  // In [-1, 1], a row each.
  std::vector<double> GripperCommands(size_t index, const Cut& cut) const {
    const ColumnPart& part = cut.part;
    std::vector<double> commands;
    const std::vector<double> values = Values(index, cut);
    for (size_t at = 0; at < values.size(); at += static_cast<size_t>(part.size)) {
      const double v = (values[at] - OffsetOf(part, 0)) / part.scale;
      commands.push_back(
          std::clamp(-1 + 2 * (v - part.open) / (part.closed - part.open), -1.0, 1.0));
    }
    return commands;
  }

  std::vector<Pose> Poses(size_t index, const ArmParts& parts) const {
    const std::vector<double> p = Values(index, *parts.position),
                              r = Values(index, *parts.rotation);
    const size_t size = static_cast<size_t>(parts.rotation->part.size);
    std::vector<Pose> poses;
    for (size_t k = 0; 3 * k < p.size(); ++k) {
      const Eigen::Vector3d position(p[3 * k], p[3 * k + 1], p[3 * k + 2]);
      const auto rotation = RotationOf(parts.rotation->part.is, &r[size * k]);
      if (!rotation || !position.allFinite()) {
        ThrowBadInput(fmt::format("{}: {}, row {}: {} and {} are no pose", path_.string(),
                                  episodes_[index].name, k, parts.position->part.name,
                                  parts.rotation->part.name));
      }
      poses.emplace_back(*rotation, position);
    }
    return poses;
  }

  Episode DoReadEpisode(size_t index, bool with_raw) const override {
    Episode episode = source_->ReadEpisode(index, with_raw);
    episode.meta = DoReadMeta(index);
    if (map_.control_hz > 0) {
      for (size_t k = 0; k < episode.length(); ++k) {
        episode.steps[k].observation.sim_time_s = static_cast<double>(k) / map_.control_hz;
      }
    }
    if (!objects_.empty()) {
      episode.unnamed_objects = {};
      for (Step& step : episode.steps) step.observation.X_WO.clear();
      episode.final_observation.X_WO.clear();
      for (const std::string& object : objects_) {
        const std::vector<Pose> poses = Poses(index, PartsOf(state_, "", object));
        for (size_t k = 0; k < episode.length(); ++k) {
          episode.steps[k].observation.X_WO.push_back(poses[k]);
        }
      }
    }
    if (!has_arms_ && joint_arms_.empty()) return episode;
    for (Step& step : episode.steps) {
      step.observation.arms.clear();
      step.action.arms.clear();
      step.action_clean.arms.clear();
      step.delta.clear();
    }
    episode.final_observation.arms.clear();
    if (!has_arms_) return episode;
    for (const std::string& arm : header_.simulator.arms) FillArm(index, arm, &episode);
    return episode;
  }

  void FillArm(size_t index, const std::string& arm, Episode* episode) const {
    const ArmParts state = PartsOf(state_, arm), action = PartsOf(action_, arm);
    const std::vector<Pose> poses = Poses(index, state);
    const auto vectors = [&](const Cut* cut) {
      return cut == nullptr ? std::vector<double>{} : Values(index, *cut);
    };
    const std::vector<double> joints = vectors(state.joints), fingers = vectors(state.gripper);
    const auto row = [](const std::vector<double>& values, const Cut* cut, size_t k) {
      if (cut == nullptr) return Eigen::VectorXd();
      const auto size = static_cast<Eigen::Index>(cut->part.size);
      return Eigen::VectorXd(
          Eigen::Map<const Eigen::VectorXd>(&values[k * static_cast<size_t>(size)], size));
    };
    for (size_t k = 0; k < episode->length(); ++k) {
      ArmObservation observed;
      observed.X_WE = poses[k];
      observed.joint_q = row(joints, state.joints, k);
      observed.gripper_q = row(fingers, state.gripper, k);
      episode->steps[k].observation.arms.push_back(std::move(observed));
    }
    if (!action.has_pose()) return;
    const std::vector<Pose> targets = Poses(index, action);
    std::vector<double> gripper;
    if (action.gripper != nullptr) gripper = GripperCommands(index, *action.gripper);
    for (size_t k = 0; k < episode->length(); ++k) {
      Step& step = episode->steps[k];
      ArmAction target{targets[k]};
      if (!gripper.empty()) target.gripper = gripper[k];
      step.delta.push_back(DeltaFromTarget(poses[k], target, header_.simulator.limits));
      step.action.arms.push_back(target);
      step.action_clean = step.action;
    }
  }

  EpisodeMeta DoReadMeta(size_t index) const override {
    EpisodeMeta meta = source_->ReadMeta(index);
    const SimulatorInfo& info = header_.simulator;
    if (!map_.instruction.empty()) meta.instruction = map_.instruction;
    meta.robot = info.robot;
    if (!map_.task.empty()) meta.task = info.task;
    if (!objects_.empty()) meta.objects = info.objects;
    meta.control_hz = info.control_hz;
    meta.cameras = header_.cameras;
    if (has_arms_) {
      meta.arms = info.arms;
      const bool targets = std::all_of(meta.arms.begin(), meta.arms.end(), [&](const auto& arm) {
        return PartsOf(action_, arm).has_pose();
      });
      meta.settings["pose_from"] = "map";
      meta.settings["target_from"] = targets ? "map" : "nothing";
    } else if (!joint_arms_.empty()) {
      meta.arms.clear();
      meta.settings["target_from"] = "nothing";
    }
    return meta;
  }

  std::optional<std::vector<std::vector<double>>> DoReadStoredActions(size_t index) const override {
    if (action_.empty()) return source_->ReadStoredActions(index);
    std::vector<std::vector<double>> rows(episodes_[index].length);
    for (const Cut& cut : action_) {
      const std::vector<double> values = Values(index, cut);
      const auto size = static_cast<std::ptrdiff_t>(cut.part.size);
      for (size_t k = 0; k < rows.size(); ++k) {
        const auto from = values.begin() + static_cast<std::ptrdiff_t>(k) * size;
        rows[k].insert(rows[k].end(), from, from + size);
      }
    }
    return rows;
  }

  // Columns of the source that the map does not name keep their names; where it names state or
  // action, they have no role.
  std::vector<ColumnSpec> Mapped(std::vector<ColumnSpec> columns) const {
    const auto named = [&](const ColumnSpec& column) {
      const auto is = [&](const Cut& cut) { return cut.column.name == column.name; };
      return std::any_of(state_.begin(), state_.end(), is) ||
             std::any_of(action_.begin(), action_.end(), is);
    };
    std::erase_if(columns, named);
    for (ColumnSpec& column : columns) {
      const bool replaced = (column.role == ColumnRole::kState && !state_.empty()) ||
                            (column.role == ColumnRole::kAction && !action_.empty());
      if (replaced) column.role = ColumnRole::kOther;
    }
    for (const auto* cuts : {&state_, &action_}) {
      for (const Cut& cut : *cuts) columns.push_back(cut.spec);
    }
    return columns;
  }
  std::vector<ColumnSpec> DoListColumns() const override { return Mapped(listed_); }
  std::vector<ColumnSpec> DoColumnsOf(size_t index) const override {
    return Mapped(source_->ColumnsOf(index));
  }
  std::vector<std::vector<double>> DoReadColumns(
      size_t index, std::span<const ColumnSpec> columns) const override {
    std::vector<std::vector<double>> result;
    for (const ColumnSpec& column : columns) {
      const Cut* cut = nullptr;
      for (const auto* cuts : {&state_, &action_}) {
        for (const Cut& one : *cuts) {
          if (one.spec.name == column.name && one.spec.role == column.role) cut = &one;
        }
      }
      result.push_back(cut != nullptr ? Values(index, *cut)
                                      : source_->ReadColumns(index, std::vector{column})[0]);
    }
    return result;
  }

  void DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const override {
    source_->ReadFrame(index, cameras_[camera], step, out);
  }
  std::vector<std::string> DoMaskNames() const override { return source_->MaskNames(); }
  std::vector<std::string> DoReadMask(const std::string& key) const override {
    return source_->ReadMask(key);
  }

  const std::unique_ptr<EpisodeSource> source_;
  const ColumnMap map_;
  std::vector<ColumnSpec> listed_;
  std::vector<Cut> state_, action_;
  std::vector<size_t> cameras_;  // of the source
  bool has_arms_ = false;
  std::vector<std::string> joint_arms_;  // those that have joints, where none has a pose
  std::vector<std::string> objects_;
};

}  // namespace

std::unique_ptr<EpisodeSource> MapColumns(std::unique_ptr<EpisodeSource> source,
                                          const ColumnMap& map) {
  return std::make_unique<MappedSource>(std::move(source), map);
}

}  // namespace understudy
