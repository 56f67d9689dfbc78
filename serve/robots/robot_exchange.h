#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/seam/robot.h"

namespace understudy {

// Talks with a robot on a thread of its own, so that a control loop never waits for a line: once
// for each command, and without one at the robot's rate. What goes wrong is not thrown: no reading
// comes then, and problem() says why.
class RobotExchange {
 public:
  // Sends `command`, null: none, and takes a reading. Called on the thread. Throws Error where that
  // fails.
  using Exchange = std::function<void(const Action* command, RobotReading* reading)>;
  RobotExchange(Exchange exchange, double period_s);
  ~RobotExchange();

  // Nothing is exchanged from the return of Pause to the next Start.
  void Pause();
  void Start(const RobotReading& first);
  // As Robot's.
  bool Read(RobotReading* reading);
  void Send(const Action& command);
  // Of the last exchange; empty: it was sound.
  std::string problem() const;

 private:
  void Work();

  Exchange exchange_;
  double period_s_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // under the mutex
  Action command_;
  RobotReading newest_;
  std::string problem_;
  bool sent_ = false, fresh_ = false, running_ = false, exchanging_ = false, ends_ = false;

  std::thread thread_;
};

// The posture that brings E nearest to where `action` wants it, from `q_now`, where it names none:
// a command of joints in full. Without kinematics, `action` itself.
ArmAction ResolveJoints(const ArmAction& action, Kinematics* kinematics,
                        const Eigen::VectorXd& q_now);

}  // namespace understudy
