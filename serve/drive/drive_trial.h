#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "serve/drive/chunk_source.h"
#include "serve/drive/drive_control.h"
#include "serve/drive/drive_input.h"
#include "serve/drive/drive_log.h"

namespace understudy {

// The time of a trial: the system's, or that of a test.
class DriveClock {
 public:
  virtual ~DriveClock() = default;
  virtual int64_t NowNs() const = 0;
  virtual void SleepUntil(int64_t ns) = 0;
};
// CLOCK_MONOTONIC.
class SystemDriveClock : public DriveClock {
 public:
  int64_t NowNs() const override;
  void SleepUntil(int64_t ns) override;
};

// How a trial went.
struct DriveOutcome {
  bool success = false;
  bool marked = false;  // by a person, or by a robot that knows
  bool quit = false;
  std::string cause;  // of a failure, and why it ended
  int cause_key = 0;  // DriveKeys::cause of the mark
  int64_t steps = 0, moving_steps = 0, chunks = 0, late_steps = 0, clipped = 0;
  std::array<int64_t, kSafetyStops> guarded{};
  std::array<int64_t, kBrakeCauses> brakes{};
  int64_t problems = 0;      // requests that the policy did not answer
  std::string last_problem;  // the last one, in words
  int most_delay = 0;        // steps from an observation to its chunk
  // of each step: s by which it began late, and that its work took; of each chunk: s to the answer
  std::vector<double> lateness_s, work_s, answer_s;
  RobotReading decided, end;  // when it was over, and when the arms rested
  // A person says how it went.
  void Mark(const DriveKeys& keys);
  Json ToJson() const;
};

struct DriveParts {
  Robot& robot;
  ChunkSource& policy;
  DriveInput& input;
  DriveClock& clock;
  DriveLog* log = nullptr;                                            // null: nothing is recorded
  std::function<void(const RobotReading&, const Action&)> show = {};  // each step; may be empty
};

// One trial at the robot's rate: reads the robot, asks the policy beside the loop, and sends what
// DriveControl makes of its chunks, until the robot knows of success, `seconds` are over, a person
// or InterruptRequested() ends it, or the robot or the policy is lost; then the arms brake to rest.
// Only time in which the robot may move counts; nothing is sent or recorded before. What is held
// when the trial begins, or when a reading was missing, counts only once it has been let go of.
// With `shadow` nothing is sent. `key` is the trial's: its start and, by number of the chunk, the
// policy's noise follow from it. A step that begins late is not caught up with. Throws what `robot`
// throws from Begin and what the log throws.
DriveOutcome RunDriveTrial(const DriveParts& parts, DriveControl& control,
                           const DriveOptions& options, double seconds, bool shadow,
                           const RngKey& key);

}  // namespace understudy
