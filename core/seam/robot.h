#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/image/image.h"
#include "core/seam/kinematics.h"
#include "core/seam/simulator.h"

namespace understudy {

// What a robot measures at one moment.
struct RobotReading {
  int64_t captured_ns = 0;  // CLOCK_MONOTONIC, of its oldest part
  // Lists follow SimulatorInfo. X_WE of an arm that does not measure it comes from its kinematics.
  Observation observation;
  SimState state;  // of a simulated robot; else empty
};

// A robot at the end of a wire, a simulated or a recorded one. One thread. Calls return within a
// fraction of a control step, whatever becomes of the robot: one that is lost is seen by its old
// readings. Throws Error(kFailed) only from Begin.
class Robot {
 public:
  virtual ~Robot() = default;

  // Names, rates and limits: those of its digital twin; without objects and signals where it does
  // not know them.
  virtual const SimulatorInfo& info() const = 0;
  // The geometry of an arm, with data of its own; null where it is not known.
  virtual std::unique_ptr<Kinematics> ArmKinematics(size_t arm) const = 0;

  // A trial begins: a simulated robot goes to the start that follows from `key`; a real one stays
  // where a person has put it, and is made ready to be commanded, unless it is only to be watched
  // (`shadow`). Returns what would keep it where it is, and its first reading.
  virtual Action Begin(const RngKey& key, bool shadow, RobotReading* reading) = 0;

  // The newest reading, into `reading`, whose memory is used again; called once in each control
  // step. False: none is newer than the one before.
  virtual bool Read(RobotReading* reading) = 0;

  // The command in full, as Simulator::Resolve.
  virtual ArmAction Resolve(size_t /*arm*/, const ArmAction& action) const { return action; }

  // The command of this control step; called once in each, from the first in which it may move.
  virtual void Send(const Action& action) = 0;

  // Why no reading comes, in words; empty: not known.
  virtual std::string problem() const { return ""; }
};

// Cameras of a robot. One thread, which makes and destroys them.
class RobotCameras {
 public:
  virtual ~RobotCameras() = default;
  // The newest pictures, as far as they belong to `reading`, in the order and size that the policy
  // wants. Returns when the oldest of them was taken (CLOCK_MONOTONIC, ns). Throws Error(kFailed)
  // naming a camera that is lost.
  virtual int64_t Take(const RobotReading& reading, std::vector<Image>* images) = 0;
};
using RobotCamerasFactory = std::function<std::unique_ptr<RobotCameras>()>;

}  // namespace understudy
