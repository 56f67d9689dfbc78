#pragma once

// Poses of the hand for datasets that hold joints instead: forward kinematics of their robot.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/geometry/pose.h"
#include "core/seam/episode_source.h"
#include "core/seam/kinematics.h"
#include "core/seam/simulator.h"
#include "data/store/read_options.h"

namespace understudy {

// Key of a header's settings: JointRobot::identity, where poses follow from joints. Datasets of
// ours that were made of such sources keep it.
inline constexpr const char* kJointsOf = "joints_of";

// The robot whose joints a dataset holds, in the scene of a task.
struct JointRobot {
  SimulatorInfo info;               // of that scene: our names, limits, bases
  std::vector<std::string> joints;  // of one arm as its robot.yaml names them, base to tip
  Pose X_SE;                        // our control frame E in that of the dataset's program
  Json identity;                    // of robot and scene: equal ones give equal poses
  std::vector<std::unique_ptr<Kinematics>> arms;  // of info.arms
};

// What a dataset says of one arm in the rows of an episode. Empty lists: it does not say it.
struct JointArm {
  std::string name;                    // as the dataset calls the arm, for messages
  std::vector<std::string> columns;    // where all of it stands; the measured joints first
  std::vector<Eigen::VectorXd> q, v;   // rad, rad/s: measured before each row's step; there may be
                                       // one more, after the last
  std::vector<Eigen::VectorXd> q_cmd;  // rad, target of each row's step
  std::string target_from;             // what q_cmd is, or why there is none
  std::vector<Eigen::VectorXd> gripper_q;  // as stored
  std::vector<double> gripper;             // command in [-1, 1]
  std::optional<Pose> X_WB;                // its base, in the frame of the objects' poses
};

// What a source is too where its format may hold joints of arms without their poses.
class JointRows {
 public:
  virtual ~JointRows() = default;
  virtual bool HasJoints() const = 0;
  // The arms of an episode; none where it holds no joints of arms. Throws Error(kBadInput) where
  // they are not those of `robot`, or not in radians.
  virtual std::vector<JointArm> ReadJoints(size_t index, const JointRobot& robot) const = 0;
};

// `source` with poses and targets of its arms in our frame E, and with our names of robot and
// arms, where it has none but is JointRows and `find` knows its robot; else `source` itself.
// Targets are those of the rows where they hold any (settings `target_from`), else the pose of the
// next row; of a robot whose command is joints, these joints too, unless the rows hold targets of
// the hand alone. Reading an episode throws Error(kBadInput) where number of arms or joints is not
// the robot's, an angle is far beyond its limits, or no gripper command is known.
std::unique_ptr<EpisodeSource> PoseByJoints(std::unique_ptr<EpisodeSource> source,
                                            const FindJointRobot& find);

// Whether the poses of `source` are made so.
inline bool HasPosesOfJoints(const EpisodeSource& source) {
  return source.content_hash().empty() && source.header().settings.contains(kJointsOf);
}

// The numbers [from, from + size) of rows of `width` numbers, row after row.
std::vector<Eigen::VectorXd> RowVectors(const std::vector<double>& numbers, size_t width,
                                        size_t from, size_t size);

}  // namespace understudy
