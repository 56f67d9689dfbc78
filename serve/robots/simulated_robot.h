#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/seam/renderer.h"
#include "core/seam/robot.h"

namespace understudy {

// A twin as a robot: each command moves it one control step on. Its trials begin at starts of
// `variant`; `now_ns` is the time of its readings. Where its physics become unstable, no reading
// comes any more.
std::unique_ptr<Robot> MakeSimulatedRobot(std::unique_ptr<Simulator> simulator, std::string variant,
                                          std::function<int64_t()> now_ns = MonotonicNs);

// Pictures of its states, drawn when they are asked for.
RobotCamerasFactory SimulatedCameras(RendererFactory renderers, std::vector<std::string> cameras,
                                     int width, int height);

}  // namespace understudy
