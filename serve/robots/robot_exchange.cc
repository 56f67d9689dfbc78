#include "serve/robots/robot_exchange.h"

#include <chrono>
#include <utility>

#include "core/base/thread_priority.h"

namespace understudy {

RobotExchange::RobotExchange(Exchange exchange, double period_s)
    : exchange_(std::move(exchange)), period_s_(period_s) {
  thread_ = std::thread([this] { Work(); });
}

RobotExchange::~RobotExchange() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RobotExchange::Pause() {
  std::unique_lock lock(mutex_);
  running_ = false;
  changed_.wait(lock, [&] { return !exchanging_; });
}

void RobotExchange::Start(const RobotReading& first) {
  const std::lock_guard lock(mutex_);
  newest_ = first;
  problem_.clear();
  sent_ = fresh_ = false;
  running_ = true;
}

bool RobotExchange::Read(RobotReading* reading) {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(fresh_, false)) return false;
  std::swap(*reading, newest_);
  return true;
}

void RobotExchange::Send(const Action& command) {
  {
    const std::lock_guard lock(mutex_);
    command_ = command;
    sent_ = true;
  }
  changed_.notify_all();
}

std::string RobotExchange::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void RobotExchange::Work() {
  // what is sent is as urgent as the loop that says it
  const ControlPriority priority;
  RobotReading reading;
  Action command;
  std::unique_lock lock(mutex_);
  while (!ends_) {
    changed_.wait_for(lock, std::chrono::duration<double>(period_s_),
                      [&] { return ends_ || (sent_ && running_); });
    if (ends_ || !running_) continue;
    const bool sends = std::exchange(sent_, false);
    command = command_;
    exchanging_ = true;
    lock.unlock();
    std::string problem;
    try {
      exchange_(sends ? &command : nullptr, &reading);
    } catch (const std::exception& error) {
      problem = error.what();
    }
    lock.lock();
    exchanging_ = false;
    changed_.notify_all();
    problem_ = problem;
    if (!problem.empty() || !running_) continue;
    std::swap(newest_, reading);
    fresh_ = true;
  }
}

ArmAction ResolveJoints(const ArmAction& action, Kinematics* kinematics,
                        const Eigen::VectorXd& q_now) {
  ArmAction resolved = action;
  if (!kinematics) return resolved;
  if (resolved.q_cmd.size() == 0) resolved.q_cmd = kinematics->Nearest(action.X_WE_cmd, q_now);
  resolved.X_WE_cmd = kinematics->Forward(resolved.q_cmd);
  return resolved;
}

}  // namespace understudy
