#pragma once

#include <memory>
#include <string>

namespace understudy {

// What a person says who stands beside the robot.
struct DriveKeys {
  bool held = false;  // the dead-man input: the robot may move
  bool stop = false;  // the trial is to end
  bool quit = false;  // and none comes after it
  // how it went: 1 success, -1 failure, 0 not said
  int mark = 0;
  int cause = 0;  // of a failure: the number of the key, 1 to 9; 0 not said
};

// Where that comes from. One thread; Poll returns at once.
class DriveInput {
 public:
  virtual ~DriveInput() = default;
  // What holds now, and what has been pressed since the last call. An input that is lost is not
  // held.
  virtual DriveKeys Poll() = 0;
  // Whether nobody has to hold on.
  virtual bool always_held() const { return false; }
  // Whether a person can say how it went.
  virtual bool has_keys() const = 0;
};

// For robots that can hurt nobody: always held.
class AlwaysHeld : public DriveInput {
 public:
  DriveKeys Poll() override { return {.held = true}; }
  bool always_held() const override { return true; }
  bool has_keys() const override { return false; }
};

// Keys of the terminal at `fd`: the space bar is the dead-man input; y and n mark success and
// failure and end the trial, and so does 1 to 9, a failure with its cause; s ends it, q ends all.
// Terminals do not say when a key is let go: it is held until it has not been repeated for
// `grace_s`. With `always_held` the space bar means nothing. Puts the terminal into raw mode; the
// destructor brings it back. Throws Error(kUsage) where it is no terminal.
std::unique_ptr<DriveInput> OpenTerminalInput(int fd, double grace_s, bool always_held = false);

// A pedal, button or keyboard at an event device of Linux ("/dev/input/event3"): held while any of
// its keys is down; one that was pressed before is not. It is taken for this program alone, where
// the system allows it. `others` says the rest; null: nothing does. Throws Error(kUsage) where it
// cannot be read.
std::unique_ptr<DriveInput> OpenEventInput(const std::string& device,
                                           std::unique_ptr<DriveInput> others);

}  // namespace understudy
