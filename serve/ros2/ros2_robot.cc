#include "serve/ros2/ros2_robot.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "ros2_messages.h"
#include "serve/robots/robot_exchange.h"
#include "serve/ros2/command_writer.h"
#include "serve/ros2/dds_node.h"
#include "serve/ros2/joint_board.h"
#include "serve/ros2/joint_map.h"

namespace understudy {
namespace {

constexpr int kDepth = 10;                     // joint states that wait to be taken
constexpr int64_t kProblemNs = 1'000'000'000;  // for which a rejected message is spoken of
constexpr int64_t kFirstNs = 150'000'000;      // age of the first reading at most

SimulatorInfo InfoOfRos2(const Simulator& twin, const Ros2Options& options,
                         const std::string& file) {
  SimulatorInfo info = twin.info();
  if (info.action_kind != ActionKind::kJoints) {
    ThrowBadInput(fmt::format(
        "robot '{}': a robot on ROS 2 is one whose command is joints (`action: joints` in its "
        "robot.yaml)",
        info.robot));
  }
  for (const auto& [name, arm] : options.arms) {
    if (std::ranges::find(info.arms, name) == info.arms.end()) {
      ThrowBadInput(file + ": arms: " + UnknownName("arm", name, info.arms));
    }
  }
  for (const std::string& name : info.arms) {
    if (!options.arms.contains(name)) {
      ThrowBadInput(fmt::format("{}: arms: lacks '{}' of robot '{}'", file, name, info.robot));
    }
  }
  info.objects.clear();
  info.signals.clear();
  info.state_size = info.flat_state_size = 0;
  info.cameras.clear();
  for (const auto& [name, camera] : options.cameras) info.cameras.push_back(name);
  return info;
}

// An arm, and what moves it.
struct Ros2ArmParts {
  JointMap map;
  size_t first = 0;                                         // of its joints on the board
  std::unique_ptr<Kinematics> kinematics, kinematics_read;  // of the caller, of the listener
  std::unique_ptr<CommandWriter> writer, gripper;           // gripper: null without its own
  std::vector<double> positions;
};

class Ros2Robot : public Robot {
 public:
  Ros2Robot(const Ros2Options& options, const std::string& file, std::unique_ptr<Simulator> twin)
      : options_(options),
        twin_(std::move(twin)),
        info_(InfoOfRos2(*twin_, options, file)),
        arms_(MakeArms(file)),
        board_(options.joint_states, NamesOf(arms_)),
        node_(options.domain),
        reader_(node_.Reader(options.joint_states, sensor_msgs_msg_dds__JointState__desc, kDepth)) {
    const double reach_s = options.reach_s > 0 ? options.reach_s : 1 / info_.control_hz;
    for (size_t a = 0; a < arms_.size(); ++a) {
      const Ros2Arm& arm = options_.arms.at(info_.arms[a]);
      arms_[a].writer =
          std::make_unique<CommandWriter>(node_, arm.command, arms_[a].map.commanded(), reach_s);
      if (!arms_[a].map.own_gripper()) continue;
      arms_[a].gripper = std::make_unique<CommandWriter>(
          node_, arm.gripper.command, std::vector{arm.gripper.joints.front()}, reach_s);
    }
    // last, since it begins at once
    listener_ = std::make_unique<DdsListener>(
        std::vector{reader_},
        [this](size_t, const void* message, dds_instance_handle_t publisher, int64_t arrival_ns) {
          See(*static_cast<const sensor_msgs_msg_dds__JointState_*>(message), publisher,
              arrival_ns);
        });
  }

  const SimulatorInfo& info() const override { return info_; }
  std::unique_ptr<Kinematics> ArmKinematics(size_t arm) const override {
    return twin_->ArmKinematics(arm);
  }

  Action Begin(const RngKey&, bool shadow, RobotReading* reading) override {
    Await(shadow);
    const std::lock_guard lock(mutex_);
    Fill();
    *reading = newest_;
    for (size_t a = 0; a < arms_.size() && !shadow; ++a) {
      if (!arms_[a].kinematics) continue;
      arms_[a].map.RequireInRange(reading->observation.arms[a].joint_q, *arms_[a].kinematics);
    }
    fresh_ = sent_ = false;
    unsent_.clear();
    Action hold;
    for (size_t a = 0; a < arms_.size(); ++a) {
      const ArmObservation& measured = reading->observation.arms[a];
      hold.arms.push_back({measured.X_WE, arms_[a].map.GripperOf(board_, arms_[a].first),
                           JointVector(measured.joint_q)});
    }
    Remember(*reading);
    return hold;
  }

  bool Read(RobotReading* reading) override {
    // a controller that is gone would jump to what it finds when it is back
    if (sent_ && !Unheard().empty()) return false;
    const std::lock_guard lock(mutex_);
    if (!std::exchange(fresh_, false)) return false;
    std::swap(*reading, newest_);
    Remember(*reading);
    return true;
  }

  ArmAction Resolve(size_t arm, const ArmAction& action) const override {
    return ResolveJoints(action, arms_[arm].kinematics.get(), q_now_[arm]);
  }

  void Send(const Action& action) override {
    sent_ = true;
    std::string problem;
    try {
      for (size_t a = 0; a < arms_.size(); ++a) Write(action.arms.at(a), arms_[a]);
    } catch (const Error& error) {
      problem = error.what();
    }
    unsent_ = problem;
  }

  std::string problem() const override {
    if (!unsent_.empty()) return unsent_;
    if (sent_) {
      if (const std::string unheard = Unheard(); !unheard.empty()) return unheard;
    }
    const std::lock_guard lock(mutex_);
    return Problem();
  }

 private:
  std::vector<Ros2ArmParts> MakeArms(const std::string& file) const {
    std::vector<Ros2ArmParts> arms;
    size_t first = 0;
    for (size_t a = 0; a < info_.arms.size(); ++a) {
      arms.push_back({JointMap(options_.arms.at(info_.arms[a]), file, info_, a),
                      first,
                      twin_->ArmKinematics(a),
                      twin_->ArmKinematics(a),
                      nullptr,
                      nullptr,
                      {}});
      first += arms.back().map.joints().size();
    }
    std::vector<const JointMap*> maps;
    for (const Ros2ArmParts& arm : arms) maps.push_back(&arm.map);
    RequireOwnJoints(maps);
    return arms;
  }

  static std::vector<std::string> NamesOf(const std::vector<Ros2ArmParts>& arms) {
    std::vector<std::string> names;
    for (const Ros2ArmParts& arm : arms) {
      names.insert(names.end(), arm.map.joints().begin(), arm.map.joints().end());
    }
    return names;
  }

  // Until there is a new reading and, unless `shadow`, somebody hears every command.
  void Await(bool shadow) {
    const int64_t until_ns = MonotonicNs() + std::llround(1e9 * options_.wait_s);
    while (true) {
      std::string why = shadow ? "" : Unheard();
      const int64_t now_ns = MonotonicNs();
      {
        const std::lock_guard lock(mutex_);
        const bool ready = board_.complete() && now_ns - board_.captured_ns() < kFirstNs;
        if (!ready) why = Problem();
        if (!ready && why.empty()) why = options_.joint_states + ": no new message";
      }
      if (why.empty()) return;
      if (now_ns > until_ns) ThrowFailed(why);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  // Under the mutex.
  std::string Problem() const {
    const int64_t now_ns = MonotonicNs();
    if (!rejected_.empty() && now_ns - rejected_ns_ < kProblemNs) return rejected_;
    std::string missing = board_.Missing(now_ns);
    if (!missing.empty() && Publishers(reader_) == 0) {
      return fmt::format("{}: nobody publishes it as sensor_msgs/msg/JointState in domain {}",
                         options_.joint_states, node_.domain());
    }
    return missing;
  }

  // Of the first command that nobody hears.
  std::string Unheard() const {
    for (const Ros2ArmParts& arm : arms_) {
      for (const CommandWriter* writer : {arm.writer.get(), arm.gripper.get()}) {
        if (!writer) continue;
        std::string unheard = writer->Unheard();
        if (!unheard.empty()) return unheard;
      }
    }
    return "";
  }

  // On the listener's thread.
  void See(const sensor_msgs_msg_dds__JointState_& state, uint64_t publisher, int64_t arrival_ns) {
    const std::lock_guard lock(mutex_);
    try {
      const auto& stamp = state.header_.stamp_;
      message_.stamp_ns = int64_t{1'000'000'000} * stamp.sec_ + stamp.nanosec_;
      message_.names.clear();
      for (uint32_t i = 0; i < state.name_._length; ++i) {
        message_.names.emplace_back(state.name_._buffer[i]);
      }
      message_.positions = {state.position_._buffer, state.position_._length};
      message_.velocities = {state.velocity_._buffer, state.velocity_._length};
      message_.arrival_ns = arrival_ns;
      message_.publisher = publisher;
      message_.captured_ns = options_.stamps == Ros2Stamps::kArrival
                                 ? arrival_ns
                                 : CapturedNs(message_.stamp_ns, arrival_ns, options_.joint_states);
      if (!board_.Update(message_) || !board_.complete()) return;
      Fill();
    } catch (const std::exception& error) {
      rejected_ = error.what();
      rejected_ns_ = arrival_ns;
    }
  }

  // The newest reading, of what the board has.
  void Fill() {
    newest_.captured_ns = board_.captured_ns();
    newest_.observation.arms.resize(arms_.size());
    for (size_t a = 0; a < arms_.size(); ++a) {
      ArmObservation& arm = newest_.observation.arms[a];
      arms_[a].map.Read(board_, arms_[a].first, &arm);
      if (arms_[a].kinematics_read) arm.X_WE = arms_[a].kinematics_read->Forward(arm.joint_q);
    }
    fresh_ = true;
  }

  void Remember(const RobotReading& reading) {
    q_now_.resize(arms_.size());
    for (size_t a = 0; a < arms_.size(); ++a) q_now_[a] = reading.observation.arms[a].joint_q;
  }

  static void Write(const ArmAction& action, Ros2ArmParts& arm) {
    if (!IsFinite(action)) ThrowFailed("a command is not finite");
    arm.map.Write(action, &arm.positions);
    arm.writer->Write(arm.positions);
    if (arm.gripper) arm.gripper->Write({arm.map.GripperPosition(action.gripper)});
  }

  const Ros2Options options_;
  std::unique_ptr<Simulator> twin_;
  SimulatorInfo info_;
  std::vector<Ros2ArmParts> arms_;
  std::vector<Eigen::VectorXd> q_now_;
  bool sent_ = false;
  std::string unsent_;  // why the last command could not be sent

  mutable std::mutex mutex_;
  // under the mutex
  JointBoard board_;
  JointMessage message_;
  RobotReading newest_;
  bool fresh_ = false;
  std::string rejected_;
  int64_t rejected_ns_ = 0;

  DdsNode node_;
  dds_entity_t reader_;
  std::unique_ptr<DdsListener> listener_;
};

}  // namespace

std::unique_ptr<Robot> OpenRos2Robot(const Ros2Options& options, const std::string& file,
                                     std::unique_ptr<Simulator> twin) {
  return std::make_unique<Ros2Robot>(options, file, std::move(twin));
}

}  // namespace understudy
