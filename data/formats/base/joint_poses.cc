#include "data/formats/base/joint_poses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "core/base/error.h"
#include "data/formats/base/row_texts.h"
#include "data/formats/base/translate.h"
#include "data/formats/base/unread_poses.h"

namespace understudy {
namespace {

// How far beyond its limits a joint may be: encoders and models differ, and a target may pull
// harder than the joint goes, rad.
constexpr double kMeasuredBeyond = 0.35, kTargetBeyond = 1.6;
// What turns without end is counted on by some drivers.
constexpr double kTurns = 4 * 2 * M_PI;

class PosedSource : public EpisodeSource, public RowTexts {
 public:
  PosedSource(std::unique_ptr<EpisodeSource> source, const JointRows& rows,
              std::shared_ptr<const JointRobot> robot)
      : EpisodeSource(source->path()), source_(std::move(source)), rows_(rows), robot_(robot) {
    header_ = source_->header();
    content_hash_ = source_->content_hash();
    episodes_ = source_->episodes();
    skipped_ = source_->skipped();
    SimulatorInfo& info = header_.simulator;
    info.robot = robot_->info.robot;
    info.limits = robot_->info.limits;
    info.arms = robot_->info.arms;
    info.X_WB = robot_->info.X_WB;
    info.joint_names = robot_->info.joint_names;
    header_.settings[kJointsOf] = robot_->identity;
    ForgetUnread(FirstThatFits());
  }
  TextColumns ReadRowTexts(size_t index) const override { return RowTextsOf(*source_, index); }

 private:
  // The arms of the first episode that fits the robot. Where none of the first ones does that is
  // refused once, and not for every episode.
  std::vector<JointArm> FirstThatFits() const {
    constexpr size_t kTried = 16;
    std::optional<Error> first;
    for (size_t e = 0; e < std::min(kTried, episodes_.size()); ++e) {
      try {
        DoReadEpisode(e, false);
        return ArmsOf(e);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kBadInput) throw;
        if (!first) first = error;
      }
    }
    if (first) throw *first;
    return {};
  }

  // Their columns have a place now.
  void ForgetUnread(const std::vector<JointArm>& arms) {
    const auto unread = header_.settings.find(foreign::kUnreadColumns);
    if (unread == header_.settings.end()) return;
    std::vector<std::string> names = *unread;
    for (const JointArm& arm : arms) {
      std::erase_if(names, [&](const std::string& name) {
        return std::find(arm.columns.begin(), arm.columns.end(), name) != arm.columns.end();
      });
    }
    *unread = names;
    if (names.empty()) header_.settings.erase(foreign::kUnreadColumns);
  }

  [[noreturn]] void Refuse(size_t index, const std::string& what) const {
    ThrowBadInput(fmt::format("{}: {}: {}", path_.string(), episodes_[index].name, what));
  }

  // Of an episode, checked.
  std::vector<JointArm> ArmsOf(size_t index) const {
    std::vector<JointArm> arms = rows_.ReadJoints(index, *robot_);
    if (arms.size() != robot_->arms.size()) {
      Refuse(index, fmt::format("holds joints of {} arms, the task has {} of robot '{}'",
                                arms.size(), robot_->arms.size(), robot_->info.robot));
    }
    for (size_t a = 0; a < arms.size(); ++a) {
      const JointArm& arm = arms[a];
      const size_t length = episodes_[index].length;
      CheckJoints(index, a, arm, arm.q, arm.columns.at(0), length, kMeasuredBeyond);
      if (arm.q_cmd.empty()) continue;
      CheckJoints(index, a, arm, arm.q_cmd, arm.target_from, length, kTargetBeyond);
    }
    return arms;
  }

  Episode DoReadEpisode(size_t index, bool with_raw) const override {
    Episode episode = source_->ReadEpisode(index, with_raw);
    const std::vector<JointArm> arms = ArmsOf(index);
    EpisodeMeta& meta = episode.meta;
    meta.robot = robot_->info.robot;
    meta.arms = header_.simulator.arms;
    meta.settings["pose_from"] = foreign::kFromJoints;
    // what rows already hold of targets is of the other program's frame
    const bool targets =
        std::all_of(episode.steps.begin(), episode.steps.end(),
                    [&](const Step& step) { return step.action.arms.size() == arms.size(); });
    // a robot that takes joints is given its joint targets, where there are any, and not a pose
    const bool joints = robot_->info.action_kind == ActionKind::kJoints &&
                        std::ranges::none_of(arms, [](const auto& a) { return a.q_cmd.empty(); });
    const bool deltas =
        meta.settings.value("target_from", "") == foreign::kFromActions &&
        std::all_of(episode.steps.begin(), episode.steps.end(),
                    [&](const Step& step) { return step.delta.size() == arms.size(); });
    const DeltaLimits theirs = std::exchange(meta.limits, robot_->info.limits);
    for (size_t a = 0; a < arms.size(); ++a) {
      const std::vector<Pose> X_WE = Poses(a, arms[a], arms[a].q);
      std::vector<ArmAction> actions;
      if ((targets || deltas) && !joints) {
        for (size_t k = 0; k < episode.length(); ++k) {
          const Step& step = episode.steps[k];
          const Pose X_ES = robot_->X_SE.Inverse();
          ArmAction action = targets ? step.action.arms[a]
                                     : TargetFromDelta(X_WE[k] * X_ES, step.delta[a].value, theirs);
          action.X_WE_cmd = action.X_WE_cmd * robot_->X_SE;
          actions.push_back(action);
        }
      } else {
        actions = Targets(index, a, arms[a], X_WE, &meta);
      }
      for (size_t k = 0; k < episode.length(); ++k) {
        Observation& o = episode.steps[k].observation;
        o.arms.resize(arms.size());
        ArmObservation& arm = o.arms[a];
        arm.X_WE = X_WE[k];
        arm.joint_q = arms[a].q[k];
        if (!arms[a].v.empty()) arm.joint_v = arms[a].v[k];
        if (!arms[a].gripper_q.empty()) arm.gripper_q = arms[a].gripper_q[k];
        Step& step = episode.steps[k];
        step.action.arms.resize(arms.size());
        step.action.arms[a] = actions[k];
        step.delta.resize(arms.size());
        step.delta[a] = DeltaFromTarget(X_WE[k], actions[k], robot_->info.limits);
      }
    }
    for (Step& step : episode.steps) step.action_clean = step.action;
    return episode;
  }

  void CheckJoints(size_t index, size_t a, const JointArm& arm,
                   const std::vector<Eigen::VectorXd>& rows, const std::string& column,
                   size_t length, double beyond_limit) const {
    const Kinematics& kinematics = *robot_->arms[a];
    if (rows.size() < length) {
      Refuse(index, fmt::format("{}: {} rows, must have {}", column, rows.size(), length));
    }
    for (size_t k = 0; k < rows.size(); ++k) {
      if (rows[k].size() != kinematics.joints()) {
        Refuse(index, fmt::format("{}: {} joints of arm '{}', robot '{}' has {}: name another one "
                                  "with --robot, or say with --map which numbers are its joints",
                                  column, rows[k].size(), arm.name, robot_->info.robot,
                                  kinematics.joints()));
      }
      for (Eigen::Index i = 0; i < rows[k].size(); ++i) {
        const double low = kinematics.lower()[i], high = kinematics.upper()[i], q = rows[k][i];
        const double beyond = high - low < 4 * M_PI - 1e-6 ? beyond_limit : kTurns;
        if (q >= low - beyond && q <= high + beyond) continue;
        Refuse(index,
               fmt::format("{}, row {}: {} is at {:.4g}, its limits are {:.4g} and {:.4g} rad: "
                           "these are joints of another robot than '{}', or no radians (--map: "
                           "`is: joints, scale: 0.0174533` makes radians of degrees)",
                           column, k, robot_->joints[static_cast<size_t>(i)], q, low, high,
                           robot_->info.robot));
      }
    }
  }

  std::vector<Pose> Poses(size_t a, const JointArm& arm,
                          const std::vector<Eigen::VectorXd>& rows) const {
    const Pose X_BW = robot_->info.base(a).Inverse();
    const std::lock_guard lock(mutex_);
    std::vector<Pose> poses;
    for (const Eigen::VectorXd& q : rows) {
      const Pose X_WE = robot_->arms[a]->Forward(q);
      poses.push_back(arm.X_WB ? *arm.X_WB * X_BW * X_WE : X_WE);
    }
    return poses;
  }

  std::vector<ArmAction> Targets(size_t index, size_t a, const JointArm& arm,
                                 const std::vector<Pose>& X_WE, EpisodeMeta* meta) const {
    const size_t length = episodes_[index].length;
    if (arm.gripper.size() != length) {
      Refuse(index,
             fmt::format("{}: no gripper command of arm '{}' is known: --map says which number it "
                         "is, and which of its values mean open and closed (`is: gripper`)",
                         arm.columns.at(0), arm.name));
    }
    std::vector<Eigen::VectorXd> q_cmd = arm.q_cmd;
    std::vector<Pose> X_WE_cmd;
    if (!q_cmd.empty()) {
      X_WE_cmd = Poses(a, arm, q_cmd);
    } else {
      for (size_t k = 0; k < length; ++k) {
        const size_t next = std::min(k + 1, X_WE.size() - 1);
        q_cmd.push_back(arm.q[next]);
        X_WE_cmd.push_back(X_WE[next]);
      }
    }
    meta->settings["target_from"] =
        !arm.q_cmd.empty()
            ? arm.target_from
            : fmt::format("the next row's joints{}{}{}", arm.target_from.empty() ? "" : " (",
                          arm.target_from, arm.target_from.empty() ? "" : ")");
    std::vector<ArmAction> actions;
    for (size_t k = 0; k < length; ++k) {
      if (!std::isfinite(arm.gripper[k])) {
        Refuse(index,
               fmt::format("row {}: the gripper command of arm '{}' is no number", k, arm.name));
      }
      ArmAction& action = actions.emplace_back(ArmAction{X_WE_cmd[k], arm.gripper[k], {}});
      if (robot_->info.action_kind == ActionKind::kJoints) action.q_cmd = q_cmd[k];
    }
    return actions;
  }

  std::optional<std::vector<std::vector<double>>> DoReadStoredActions(size_t index) const override {
    return source_->ReadStoredActions(index);
  }
  std::vector<ColumnSpec> DoListColumns() const override { return source_->ListColumns(); }
  std::vector<ColumnSpec> DoColumnsOf(size_t index) const override {
    return source_->ColumnsOf(index);
  }
  std::vector<std::vector<double>> DoReadColumns(
      size_t index, std::span<const ColumnSpec> columns) const override {
    return source_->ReadColumns(index, columns);
  }
  void DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const override {
    source_->ReadFrame(index, camera, step, out);
  }
  std::vector<std::string> DoMaskNames() const override { return source_->MaskNames(); }
  std::vector<std::string> DoReadMask(const std::string& key) const override {
    return source_->ReadMask(key);
  }

  const std::unique_ptr<EpisodeSource> source_;
  const JointRows& rows_;  // source_
  const std::shared_ptr<const JointRobot> robot_;
  mutable std::mutex mutex_;  // of the robot's kinematics
};

}  // namespace

std::unique_ptr<EpisodeSource> PoseByJoints(std::unique_ptr<EpisodeSource> source,
                                            const FindJointRobot& find) {
  const auto* rows = dynamic_cast<const JointRows*>(source.get());
  const DatasetHeader& header = source->header();
  const bool joints = rows != nullptr && rows->HasJoints() && header.simulator.arms.empty() &&
                      !HasUnread(header, kHandPoses);
  std::shared_ptr<const JointRobot> robot;
  std::string unknown;
  try {
    if (joints) robot = find(*source);
  } catch (const Error& error) {
    if (!HasUnread(header, kBasePoses)) throw;
    unknown = error.what();  // asked together with what else is
  }
  RequirePoses(*source, joints, unknown);
  if (robot == nullptr) return source;
  return std::make_unique<PosedSource>(std::move(source), *rows, std::move(robot));
}

std::vector<Eigen::VectorXd> RowVectors(const std::vector<double>& numbers, size_t width,
                                        size_t from, size_t size) {
  std::vector<Eigen::VectorXd> rows;
  for (size_t at = from; at + size <= numbers.size(); at += width) {
    rows.push_back(
        Eigen::Map<const Eigen::VectorXd>(numbers.data() + at, static_cast<Eigen::Index>(size)));
  }
  return rows;
}

}  // namespace understudy
