#pragma once

#include <string>
#include <vector>

#include "serve/ros2/dds_node.h"
#include "serve/ros2/ros2_options.h"

namespace understudy {

// Publishes positions of joints on one topic. One thread.
class CommandWriter {
 public:
  // Points of trajectories are to be reached after `reach_s`. `node` must outlive it.
  CommandWriter(DdsNode& node, const Ros2Command& command, std::vector<std::string> joints,
                double reach_s);

  // Positions of the joints, in their order, rad or m. Throws Error(kFailed) where they cannot be
  // sent within 2 ms.
  void Write(const std::vector<double>& positions);
  // Why nobody would hear it, in one sentence; empty: somebody does.
  std::string Unheard() const;
  size_t joints() const { return joints_.size(); }

 private:
  std::string topic_;
  Ros2CommandKind kind_;
  std::vector<std::string> joints_;
  double reach_s_;
  int domain_;
  dds_entity_t writer_;
  std::vector<char*> names_;
};

}  // namespace understudy
