#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/seam/robot.h"
#include "serve/requests.h"
#include "serve/robot_messages.h"

namespace understudy {

// A robot of this program at the end of a wire, as a function from one message to the next; what
// carries them is elsewhere. Endpoints: robot_info, begin, step, pictures, ping. Its commands are
// given by Tick at the robot's own rate, whether one has come or not: the last one stands. One
// thread.
class RobotProtocol {
 public:
  using Pictures = std::function<std::unique_ptr<RobotCameras>(
      const std::vector<std::string>& cameras, int width, int height)>;
  // `pictures` makes the cameras that somebody asks for, on the thread of Answer. `robot` must
  // outlive this.
  RobotProtocol(Robot& robot, Pictures pictures, std::function<int64_t()> now_ns);

  // The answer to one message; never throws for what a client sent.
  std::string Answer(std::string_view request);
  // One control step.
  void Tick();

  const RobotReading& reading() const { return reading_; }
  const Action& command() const { return command_; }
  int64_t refused() const { return answers_.refused(); }
  const std::string& last_refusal() const { return answers_.last_refusal(); }
  int64_t steps() const { return steps_; }

 private:
  WireValue Call(const WireValue& request);
  WireValue Begin(const WireValue* data);
  WireValue Step(const WireValue* data);
  WireValue TakePictures(const WireValue* data);

  Robot& robot_;
  Pictures pictures_;
  std::function<int64_t()> now_ns_;
  const RobotCard card_;
  Action command_;
  RobotReading reading_;
  std::unique_ptr<RobotCameras> cameras_;
  std::string cameras_asked_;
  Answers answers_;
  int64_t steps_ = 0;
};

}  // namespace understudy
