#include "serve/ros2/command_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "ros2_messages.h"

namespace understudy {
namespace {

// A sequence that lends what a vector holds.
template <class Sequence, class Items>
void Lend(Items& items, Sequence* sequence) {
  sequence->_maximum = sequence->_length = static_cast<uint32_t>(items.size());
  sequence->_buffer = items.data();
  sequence->_release = false;
}

}  // namespace

CommandWriter::CommandWriter(DdsNode& node, const Ros2Command& command,
                             std::vector<std::string> joints, double reach_s)
    : topic_(command.topic),
      kind_(command.kind),
      joints_(std::move(joints)),
      reach_s_(reach_s),
      domain_(node.domain()),
      writer_(node.Writer(command.topic, kind_ == Ros2CommandKind::kTrajectory
                                             ? trajectory_msgs_msg_dds__JointTrajectory__desc
                                             : std_msgs_msg_dds__Float64MultiArray__desc)) {
  for (std::string& name : joints_) names_.push_back(name.data());
}

void CommandWriter::Write(const std::vector<double>& positions) {
  std::vector<double> values = positions;
  char empty[1] = "";
  dds_return_t result = 0;
  if (kind_ == Ros2CommandKind::kArray) {
    std_msgs_msg_dds__Float64MultiArray_ message{};
    Lend(values, &message.data_);
    result = dds_write(writer_, &message);
  } else {
    trajectory_msgs_msg_dds__JointTrajectoryPoint_ point{};
    Lend(values, &point.positions_);
    const double whole = std::floor(reach_s_);
    point.time_from_start_.sec_ = static_cast<int32_t>(whole);
    point.time_from_start_.nanosec_ = static_cast<uint32_t>(1e9 * (reach_s_ - whole));
    // a stamp of 0: the trajectory begins when it comes
    trajectory_msgs_msg_dds__JointTrajectory_ message{};
    message.header_.frame_id_ = empty;
    Lend(names_, &message.joint_names_);
    message.points_._maximum = message.points_._length = 1;
    message.points_._buffer = &point;
    result = dds_write(writer_, &message);
  }
  if (result < 0) {
    ThrowFailed(fmt::format("{}: a command cannot be sent: {}", topic_, dds_strretcode(result)));
  }
}

std::string CommandWriter::Unheard() const {
  if (Subscribers(writer_) > 0) return "";
  return fmt::format("{}: nobody subscribes to it as {} in domain {}", topic_,
                     kind_ == Ros2CommandKind::kTrajectory ? "trajectory_msgs/msg/JointTrajectory"
                                                           : "std_msgs/msg/Float64MultiArray",
                     domain_);
}

}  // namespace understudy
