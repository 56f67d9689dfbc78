#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/seam/robot.h"
#include "serve/wire_value.h"

namespace understudy {

// How a robot at the end of a wire speaks: ZeroMQ, msgpack with numpy arrays, one answer to each
// request {endpoint, data}; docs/deploy.md has it in words. Numbers are float64: readings and
// commands cross the wire whole.
inline constexpr int kRobotVersion = 1;

// What a robot says of itself, to be compared with the twin of the one who drives it.
struct RobotCard {
  std::string robot;
  double control_hz = 0;
  ActionKind command = ActionKind::kPose;
  std::vector<std::string> arms, cameras, objects;
  std::vector<int> joints, fingers;  // by arm
};

RobotCard CardOf(const SimulatorInfo& info);
WireValue ToWire(const RobotCard& card);
// Throws Error(kBadInput) naming what is missing, with `place` for the peer.
RobotCard ReadRobotCard(const WireValue& value, const std::string& place);

// {<arm>_eef_position, _eef_rotation (w x y z), _gripper, _joints where joints are the command}.
WireValue ToWire(const Action& action, const std::vector<std::string>& arms);
// Throws Error(kBadInput) for what is missing, of another size or not finite.
Action ReadWireAction(const WireValue& value, const RobotCard& card, const std::string& place);

// {age_s, state: {<arm>_joints, _joint_velocities, _gripper, _gripper_velocities, _eef_position,
// _eef_rotation, <object>_position, _rotation}, success, sim_time_s, sim_state}. What stands behind
// age_s and the joints may be left out: where E is follows from the joints then.
WireValue ToWire(const RobotReading& reading, const RobotCard& card, int64_t now_ns);
// `kinematics` by arm, null where it is not known. Throws Error(kBadInput) likewise, and for a
// reading from the future.
void ReadWireReading(const WireValue& value, const RobotCard& card,
                     const std::vector<std::unique_ptr<Kinematics>>& kinematics, int64_t now_ns,
                     const std::string& place, RobotReading* reading);

}  // namespace understudy
