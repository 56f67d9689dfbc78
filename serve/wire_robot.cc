#include "serve/wire_robot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "serve/requests.h"
#include "serve/robot_messages.h"
#include "serve/robots/robot_exchange.h"
#include "serve/zmq_client.h"

namespace understudy {
namespace {

constexpr int kBeginMs = 10'000;  // a robot may have to be made ready
constexpr int kStepMs = 250;

class WireRobot : public Robot {
 public:
  WireRobot(const std::string& address, std::unique_ptr<Simulator> twin)
      : place_("robot " + address),
        twin_(std::move(twin)),
        info_(twin_->info()),
        patient_({.address = address, .token = "", .timeout_ms = kBeginMs, .peer = "robot"}),
        quick_({.address = address, .token = "", .timeout_ms = kStepMs, .peer = "robot"}),
        card_(ReadRobotCard(patient_.Ask("robot_info", {}), place_)),
        exchange_([this](const Action* command, RobotReading* reading) { Ask(command, reading); },
                  1 / info_.control_hz) {
    Compare();
    for (size_t a = 0; a < info_.arms.size(); ++a) {
      kinematics_.push_back(twin_->ArmKinematics(a));
      kinematics_asked_.push_back(twin_->ArmKinematics(a));
    }
    // what it cannot say, a recording of it does not hold
    RobotReading first;
    ReadWireReading(patient_.Ask("step", WireMap{}), card_, kinematics_, MonotonicNs(), place_,
                    &first);
    if (first.state.size() != info_.state_size) info_.state_size = info_.flat_state_size = 0;
  }

  const SimulatorInfo& info() const override { return info_; }
  std::unique_ptr<Kinematics> ArmKinematics(size_t arm) const override {
    return twin_->ArmKinematics(arm);
  }

  Action Begin(const RngKey& key, bool shadow, RobotReading* reading) override {
    exchange_.Pause();
    if (shadow) return Watch(reading);
    const int64_t asked_ns = MonotonicNs();
    const WireValue answer = patient_.Ask("begin", WireMap{{"key", ToWire(key)}});
    const WireValue* hold = answer.Find("hold");
    const WireValue* first = answer.Find("reading");
    if (!hold || !first) {
      ThrowBadInput(place_ + ": its answer to begin lacks 'hold' or 'reading'");
    }
    Action action = ReadWireAction(*hold, card_, place_);
    ReadWireReading(*first, card_, kinematics_, asked_ns, place_, reading);
    Accept(reading);
    exchange_.Start(*reading);
    return action;
  }

  bool Read(RobotReading* reading) override {
    if (!exchange_.Read(reading)) return false;
    Accept(reading);
    return true;
  }

  ArmAction Resolve(size_t arm, const ArmAction& action) const override {
    if (info_.action_kind == ActionKind::kPose) return action;
    return ResolveJoints(action, kinematics_[arm].get(), q_now_[arm]);
  }

  void Send(const Action& action) override { exchange_.Send(action); }
  std::string problem() const override { return exchange_.problem(); }

 private:
  // Of a robot that is not what it should be, everything at once.
  void Compare() {
    std::vector<std::string> problems;
    const auto differ = [&](const char* what, const auto& theirs, const auto& ours) {
      if (theirs != ours)
        problems.push_back(fmt::format("{}: {} there, {} here", what, theirs, ours));
    };
    const RobotCard ours = CardOf(info_);
    differ("robot", card_.robot, ours.robot);
    differ("control_hz", card_.control_hz, ours.control_hz);
    const auto& kinds = EnumNames<ActionKind>::kNames;
    differ("command", kinds[static_cast<size_t>(card_.command)],
           kinds[static_cast<size_t>(ours.command)]);
    differ("arms", fmt::format("{}", fmt::join(card_.arms, " ")),
           fmt::format("{}", fmt::join(ours.arms, " ")));
    differ("joints", fmt::format("{}", fmt::join(card_.joints, " ")),
           fmt::format("{}", fmt::join(ours.joints, " ")));
    differ("fingers", fmt::format("{}", fmt::join(card_.fingers, " ")),
           fmt::format("{}", fmt::join(ours.fingers, " ")));
    if (!problems.empty()) {
      ThrowBadInput(fmt::format("{} is another robot: {}", place_, fmt::join(problems, "; ")));
    }
    info_.cameras = card_.cameras;
    info_.signals.clear();
    if (card_.objects != info_.objects) {
      info_.objects = card_.objects;
      info_.state_size = info_.flat_state_size = 0;
    }
  }

  // Of a reading that the caller gets.
  void Accept(RobotReading* reading) {
    q_now_.resize(reading->observation.arms.size());
    for (size_t a = 0; a < q_now_.size(); ++a) q_now_[a] = reading->observation.arms[a].joint_q;
    if (info_.state_size == 0) reading->state.clear();
  }

  // It is not to be moved.
  Action Watch(RobotReading* reading) {
    const int64_t asked_ns = MonotonicNs();
    ReadWireReading(patient_.Ask("step", WireMap{}), card_, kinematics_, asked_ns, place_, reading);
    Accept(reading);
    Action hold;
    for (const ArmObservation& arm : reading->observation.arms) {
      hold.arms.push_back({arm.X_WE, -1, {}});
      if (info_.action_kind == ActionKind::kJoints) hold.arms.back().q_cmd = arm.joint_q;
    }
    exchange_.Start(*reading);
    return hold;
  }

  // On the thread of exchange_. A reading is older by at most the time that it came in.
  void Ask(const Action* command, RobotReading* reading) {
    const int64_t asked_ns = MonotonicNs();
    WireMap data;
    if (command) data.emplace_back("action", ToWire(*command, card_.arms));
    const WireValue answer = quick_.Ask("step", std::move(data));
    ReadWireReading(answer, card_, kinematics_asked_, asked_ns, place_, reading);
  }

  const std::string place_;
  std::unique_ptr<Simulator> twin_;
  SimulatorInfo info_;
  ZmqClient patient_, quick_;
  RobotCard card_;
  std::vector<std::unique_ptr<Kinematics>> kinematics_;        // of the caller's thread
  std::vector<Eigen::VectorXd> q_now_;                         // the same
  std::vector<std::unique_ptr<Kinematics>> kinematics_asked_;  // of the other one
  RobotExchange exchange_;
};

class WiredCameras : public RobotCameras {
 public:
  WiredCameras(const std::string& address, std::vector<std::string> cameras, int width, int height)
      : place_("robot " + address),
        client_({.address = address, .token = "", .timeout_ms = 2000, .peer = "robot"}),
        cameras_(std::move(cameras)),
        width_(width),
        height_(height) {
    std::vector<Image> images;
    Take({}, &images);  // what is wrong is said, and cameras are opened, before anything moves
  }

  int64_t Take(const RobotReading&, std::vector<Image>* images) override {
    const int64_t asked_ns = MonotonicNs();
    const WireValue answer = client_.Ask("pictures", WireMap{{"cameras", TextsOf(cameras_)},
                                                             {"width", int64_t{width_}},
                                                             {"height", int64_t{height_}}});
    const WireValue* video = answer.Find("video");
    images->assign(cameras_.size(), Image(width_, height_));
    for (size_t c = 0; c < cameras_.size(); ++c) {
      const WireValue* picture = video ? video->Find(cameras_[c]) : nullptr;
      const WireArray* pixels = picture ? picture->As<WireArray>() : nullptr;
      const std::vector<int64_t> wanted{height_, width_, 3};
      if (!pixels || pixels->dtype != "|u1" || pixels->shape != wanted) {
        ThrowFailed(fmt::format("{}: the picture of '{}' is no uint8 array of {} x {} x 3", place_,
                                cameras_[c], height_, width_));
      }
      (*images)[c].rgb.assign(pixels->data.begin(), pixels->data.end());
    }
    // older by at most the time that it came in
    const WireValue* age = answer.Find("age_s");
    const double* age_s = age ? age->As<double>() : nullptr;
    if (!age_s || !(*age_s >= 0)) ThrowFailed(place_ + ": pictures come without their age_s");
    return asked_ns - std::llround(1e9 * std::min(*age_s, 1e6));
  }

 private:
  const std::string place_;
  ZmqClient client_;
  std::vector<std::string> cameras_;
  int width_, height_;
};

}  // namespace

std::unique_ptr<Robot> OpenWireRobot(const std::string& address, std::unique_ptr<Simulator> twin) {
  return std::make_unique<WireRobot>(address, std::move(twin));
}

RobotCamerasFactory WireCameras(const std::string& address, std::vector<std::string> cameras,
                                int width, int height) {
  return [=]() -> std::unique_ptr<RobotCameras> {
    return std::make_unique<WiredCameras>(address, cameras, width, height);
  };
}

}  // namespace understudy
