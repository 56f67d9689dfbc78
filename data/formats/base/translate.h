#pragma once

#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"
#include "core/spec/robot_spec.h"
#include "core/spec/task_spec.h"

// What a source of another program's files says of them in its settings.
namespace understudy::foreign {

// `pose_from` and `target_from` of EpisodeMeta::settings.
inline constexpr const char* kFromMatrices = "datagen_info";  // the control frame
inline constexpr const char* kFromObservations = "obs";       // the observed frame
inline constexpr const char* kFromActions = "actions";        // deltas
inline constexpr const char* kFromJoints = "joints";          // ours already (PoseByJoints)

// Key of a foreign header's settings: numbers per row of obs/object, where objects have no names.
inline constexpr const char* kUnnamedObjects = "unnamed_objects";
// Key of a foreign header's settings: columns that an Episode has no place for.
inline constexpr const char* kUnreadColumns = "unread_columns";
// Key of a foreign header's settings: what is wrong with the file as a whole, in words.
inline constexpr const char* kWrongInFile = "wrong_in_file";

}  // namespace understudy::foreign

namespace understudy {

// Names and frames between us and one family of foreign files, as the `foreign` sections of
// task.yaml and robot.yaml give them. What they do not give stays as it is. S is the other
// program's control frame, H the frame that it observes, E ours.
class Translation {
 public:
  Translation() = default;  // changes nothing
  // Either spec may be null: not known here.
  Translation(const std::string& family, const TaskSpec* task, const RobotSpec* robot);

  // ---- from their files ----
  // Whether a name means the task given: theirs, or our own.
  bool KnowsTask(const std::string& name) const;
  void ToOurs(DatasetHeader* header) const;
  // As read by an EpisodeSource. Poses and targets become those of E where the robot goes by a
  // foreign name; deltas follow from them.
  void ToOurs(Episode* episode) const;

  // ---- into their files ----
  std::string TaskName(const std::string& variant) const;  // empty: no other name is known
  std::string RobotName() const;                           // likewise
  std::string Interface() const { return task_.interface; }
  std::string ObjectName(const std::string& ours) const;
  std::string SignalName(const std::string& ours) const;
  bool same_frame() const { return same_control_; }
  const OscOptions& osc() const { return osc_; }
  Pose Control(const Pose& X_WE) const;   // X_WS
  Pose Observed(const Pose& X_WE) const;  // X_WH
  // X_WO of our object in their frame of it.
  Pose Object(const std::string& ours, const Pose& X_WO) const;

 private:
  // Whose name of a robot a file uses.
  enum class Owner { kNobody, kUs, kThem };
  Owner OwnerOf(const std::vector<std::string>& arms, const std::string& robot) const;
  void ToOurFrame(Episode* episode) const;
  // Those of our objects, in our order, whose poses stand in so many numbers of a row.
  std::vector<std::string> ObservedIn(size_t numbers) const;
  void NameObjects(Episode* episode) const;
  void ToOurObjectFrames(Episode* episode) const;
  DeltaLimits limits() const { return {osc_.max_linear_delta, osc_.max_angular_delta}; }

  bool has_task_ = false, has_robot_ = false;
  bool isaaclab_ = false;
  std::string our_task_, our_robot_, instruction_;
  std::vector<std::string> our_objects_, our_signals_;  // in our order
  ForeignTask task_;
  ForeignRobot robot_;
  OscOptions osc_;
  bool same_control_ = true, same_observed_ = true;
};

}  // namespace understudy
