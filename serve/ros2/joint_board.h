#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace understudy {

// When a message with this stamp of the system's clock was measured, on CLOCK_MONOTONIC; a stamp of
// 0 is none, and gives the arrival. Throws Error(kFailed) that begins with `place` where the stamp
// is more than 20 ms in the future: clocks differ, or time is simulated.
int64_t CapturedNs(int64_t stamp_ns, int64_t arrival_ns, const std::string& place);

// One message of joint states.
struct JointMessage {
  std::vector<std::string> names;
  std::span<const double> positions, velocities;  // rad or m and per s
  int64_t captured_ns = 0, arrival_ns = 0;        // CLOCK_MONOTONIC
  uint64_t publisher = 0;
  int64_t stamp_ns = 0;  // of the sender's clock, whether it is believed or not; 0: none
};

// The newest states of the joints that are wanted, from messages that hold all of them, some or
// others besides: an arm and its gripper may have publishers of their own. One thread.
class JointBoard {
 public:
  // `place` begins its messages.
  JointBoard(std::string place, std::vector<std::string> joints);

  // Takes what the message has of the wanted joints; false: none of them. One with the stamp of the
  // one before is the same measurement, sent again: it makes nothing newer. Velocities that are
  // missing or not finite are differences of positions. Throws Error(kFailed) in one sentence, and
  // takes nothing, for lists of different lengths, positions that are not finite and a joint that a
  // second publisher sends besides.
  bool Update(const JointMessage& message);

  // Whether every joint has been seen.
  bool complete() const;
  // Of all joints, in the order of the constructor's.
  double position(size_t joint) const { return joints_[joint].position; }
  double velocity(size_t joint) const { return joints_[joint].velocity; }
  // When the oldest of them was measured.
  int64_t captured_ns() const;
  // What is missing at `now_ns`, in one sentence; empty: nothing.
  std::string Missing(int64_t now_ns) const;

 private:
  struct Joint {
    std::string name;
    double position = 0, velocity = 0;
    int64_t captured_ns = 0, arrival_ns = 0;  // of what was taken; 0: never
    int64_t stamp_ns = 0;                     // likewise; 0: none
    // of the last message, taken or not, and when two publishers were last heard
    uint64_t publisher = 0;
    int64_t heard_ns = 0, disputed_ns = 0;
  };

  std::string place_;
  std::vector<Joint> joints_;
  int64_t arrival_ns_ = 0;           // of the last message, whatever it held
  std::vector<std::string> others_;  // names that it had
};

}  // namespace understudy
