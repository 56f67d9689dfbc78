#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/episode/episode.h"

namespace understudy {

// Digital inputs of a controller, by what they mean to the recorder. Written to files: never
// renumber. Which physical button means what is the device's business (its interaction profile).
enum ButtonBit : uint32_t {
  kButtonStart = 1u << 0,    // start, or accept the running episode (A, right hand)
  kButtonDiscard = 1u << 1,  // discard the running episode (B, right hand)
  kButtonReset = 1u << 2,    // reset the scene (X, left hand)
  kButtonStop = 1u << 3,     // stop: release everything, end the session (Y, left hand)
  kButtonAgain = 1u << 4,    // between attempts: record the last one saved again (left stick)
};

// What happened between two samples. Bits, written to files: never renumber.
enum DeviceEvent : uint32_t {
  kEventFocusLost = 1u << 0,
  kEventFocusGained = 1u << 1,
  kEventRecentered = 1u << 2,
  kEventProfileChanged = 1u << 3,
  kEventSessionLost = 1u << 4,  // the device will be found again or not; finish the file
  kEventExit = 1u << 5,         // the user ended the session in the headset
};

// What does what on a device, in words for its user.
struct ButtonNames {
  std::string start = "start", discard = "discard", reset = "reset", stop = "stop";
  std::string again = "again";
  std::string engage = "hold the squeeze";  // what to do so that the hand moves the arm
  std::string gripper = "the trigger";
  std::string view = "the sticks";  // where the operator stands
};

struct DeviceInfo {
  std::string name, version, profile;
  int64_t device_minus_monotonic_ns = 0;
  ButtonNames buttons = {};
};

// A headset with two controllers (or whatever else gives hands in a tracking space T with +y up).
// One thread. Losing the device is not an exception: samples come with flags down and events set.
class TeleopDevice {
 public:
  virtual ~TeleopDevice() = default;
  virtual const DeviceInfo& info() const = 0;  // valid until the next call
  // The newest sample, located at "now"; ids count up by one.
  virtual RawSample Poll() = 0;
  // Appends the samples since the last call, in order, the newest last; where none came, that of
  // Poll. Which of the two is called is up to the caller, but it is always the same one.
  virtual void TakeSamples(std::vector<RawSample>* samples) { samples->push_back(Poll()); }
  // CLOCK_MONOTONIC, or the device's virtual clock where time is virtual.
  virtual int64_t NowNs() const = 0;
  // `hand` 0 left, 1 right; amplitude in [0, 1], 0 stops. Never throws.
  virtual void Haptic(int hand, float amplitude, double seconds) = 0;
  // What the device has measured since the last call, by name, for EpisodeMeta::quality.
  virtual Json TakeQuality() { return Json::object(); }
};

}  // namespace understudy
