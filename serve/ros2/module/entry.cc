#include "core/base/module_entry.h"
#include "serve/ros2/dds_node.h"
#include "serve/ros2/module.h"
#include "serve/ros2/ros2_robot.h"

namespace understudy {
namespace {

constexpr Ros2Module kFunctions{OpenRos2Robot, Ros2Cameras, CycloneVersion};

}  // namespace
}  // namespace understudy

extern "C" understudy::ModuleEntry understudy_module_v1() {
  return understudy::EntryOf(understudy::kFunctions);
}
