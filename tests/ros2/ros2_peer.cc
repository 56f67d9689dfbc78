// A robot on ROS 2 that tests drive: ros2_peer DOMAIN JOINT=POSITION,... ARM_JOINTS
//
// Publishes /joint_states (reliable) and /front/image (best effort, 64 x 48 px) at 100 Hz and 20
// Hz, and goes where /arm/trajectory, /arm/positions (of the first ARM_JOINTS) and
// /gripper/positions (of the last joint) send it, at 2 rad/s at most. Reads lines from stdin,
// answers each with one line, and ends with it.
#include <dds/dds.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "ros2_messages.h"

namespace {

constexpr double kStep = 0.01;  // s
constexpr double kSpeed = 2;    // rad/s

dds_entity_t Checked(dds_entity_t result) {
  if (result >= 0) return result;
  std::cerr << "peer: " << dds_strretcode(result) << std::endl;
  std::exit(1);
}

class Peer {
 public:
  Peer(int domain, const std::string& joints, size_t arm_joints) : arm_joints_(arm_joints) {
    std::istringstream in(joints);
    for (std::string item; std::getline(in, item, ',');) {
      const size_t sign = item.find('=');
      names_.push_back(item.substr(0, sign));
      position_.push_back(std::stod(item.substr(sign + 1)));
    }
    target_ = position_;
    shown_names_ = names_;
    participant_ = Checked(dds_create_participant(static_cast<uint32_t>(domain), nullptr, nullptr));
    states_ = Writer("rt/joint_states", sensor_msgs_msg_dds__JointState__desc, true);
    images_ = Writer("rt/front/image", sensor_msgs_msg_dds__Image__desc, false);
    Listen();
  }

  // One step of 10 ms.
  void Step() {
    Obey();
    for (size_t i = 0; i < position_.size(); ++i) {
      const double reach = kSpeed * kStep;
      position_[i] += std::clamp(target_[i] - position_[i], -reach, reach);
    }
    if (!silent_) PublishStates();
    if (!silent_ && ++step_ % 5 == 0) PublishImage();
  }

  std::string Answer(const std::string& line) {
    std::istringstream in(line);
    std::string word;
    in >> word;
    if (word == "good") {
      shown_names_ = names_;
      silent_ = nan_ = short_ = false;
      skew_ = 0;
      frozen_ns_ = 0;
      image_ = {};
    } else if (word == "names") {
      std::string list;
      in >> list;
      shown_names_.clear();
      std::istringstream items(list);
      for (std::string item; std::getline(items, item, ',');) shown_names_.push_back(item);
    } else if (word == "nan") {
      nan_ = true;
    } else if (word == "short") {
      short_ = true;
    } else if (word == "silent") {
      silent_ = true;
    } else if (word == "skew") {
      in >> skew_;
    } else if (word == "frozen") {  // the last measurement again and again
      frozen_ns_ = NowNs();
    } else if (word == "image") {
      in >> image_.width >> image_.height >> image_.encoding;
    } else if (word == "deaf") {
      for (const dds_entity_t reader : {trajectories_, arrays_, grippers_}) dds_delete(reader);
      trajectories_ = arrays_ = grippers_ = 0;
    } else if (word == "discover") {
      return Discover();
    } else if (word == "report") {
      return fmt::format("{} {} {} {}", trajectories_seen_, arrays_seen_, time_from_start_,
                         fmt::join(position_, " "));
    }
    return "ok";
  }

 private:
  struct Shown {
    uint32_t width = 64, height = 48;
    std::string encoding = "rgb8";
  };

  dds_qos_t* MakeQos(bool reliable) {
    dds_qos_t* qos = dds_create_qos();
    dds_qset_reliability(qos, reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT,
                         DDS_MSECS(100));
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, 10);
    return qos;
  }
  dds_entity_t Writer(const char* topic, const dds_topic_descriptor_t& type, bool reliable) {
    dds_qos_t* qos = MakeQos(reliable);
    const dds_entity_t described =
        Checked(dds_create_topic(participant_, &type, topic, qos, nullptr));
    const dds_entity_t writer = Checked(dds_create_writer(participant_, described, qos, nullptr));
    dds_delete_qos(qos);
    return writer;
  }
  dds_entity_t Reader(const char* topic, const dds_topic_descriptor_t& type) {
    dds_qos_t* qos = MakeQos(true);
    const dds_entity_t described =
        Checked(dds_create_topic(participant_, &type, topic, qos, nullptr));
    const dds_entity_t reader = Checked(dds_create_reader(participant_, described, qos, nullptr));
    dds_delete_qos(qos);
    return reader;
  }

  void Listen() {
    trajectories_ = Reader("rt/arm/trajectory", trajectory_msgs_msg_dds__JointTrajectory__desc);
    arrays_ = Reader("rt/arm/positions", std_msgs_msg_dds__Float64MultiArray__desc);
    grippers_ = Reader("rt/gripper/positions", std_msgs_msg_dds__Float64MultiArray__desc);
  }

  template <class Message, class See>
  static void TakeAll(dds_entity_t reader, See see) {
    while (reader != 0) {
      void* message = nullptr;
      dds_sample_info_t info;
      const int taken = dds_take(reader, &message, &info, 1, 1);
      if (taken <= 0) return;
      if (info.valid_data) see(*static_cast<const Message*>(message));
      dds_return_loan(reader, &message, taken);
    }
  }

  void Obey() {
    TakeAll<trajectory_msgs_msg_dds__JointTrajectory_>(
        trajectories_, [&](const trajectory_msgs_msg_dds__JointTrajectory_& message) {
          ++trajectories_seen_;
          const auto& point = message.points_._buffer[0];
          time_from_start_ = point.time_from_start_.sec_ + 1e-9 * point.time_from_start_.nanosec_;
          for (uint32_t i = 0; i < message.joint_names_._length; ++i) {
            const auto found = std::ranges::find(names_, message.joint_names_._buffer[i]);
            if (found == names_.end()) continue;
            target_[static_cast<size_t>(found - names_.begin())] = point.positions_._buffer[i];
          }
        });
    TakeAll<std_msgs_msg_dds__Float64MultiArray_>(
        arrays_, [&](const std_msgs_msg_dds__Float64MultiArray_& message) {
          ++arrays_seen_;
          for (uint32_t i = 0; i < std::min<size_t>(message.data_._length, arm_joints_); ++i) {
            target_[i] = message.data_._buffer[i];
          }
        });
    TakeAll<std_msgs_msg_dds__Float64MultiArray_>(
        grippers_, [&](const std_msgs_msg_dds__Float64MultiArray_& message) {
          target_.back() = message.data_._buffer[0];
        });
  }

  int64_t NowNs() const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() +
           std::llround(1e9 * skew_);
  }
  builtin_interfaces_msg_dds__Time_ Now() const {
    const int64_t ns = frozen_ns_ != 0 ? frozen_ns_ : NowNs();
    return {static_cast<int32_t>(ns / 1'000'000'000), static_cast<uint32_t>(ns % 1'000'000'000)};
  }

  void PublishStates() {
    std::vector<char*> names;
    for (std::string& name : shown_names_) names.push_back(name.data());
    std::vector<double> values = position_;
    values.resize(names.size());
    if (nan_) values[0] = std::numeric_limits<double>::quiet_NaN();
    if (short_) values.pop_back();
    char frame[] = "base_link";
    sensor_msgs_msg_dds__JointState_ message{};
    message.header_.stamp_ = Now();
    message.header_.frame_id_ = frame;
    message.name_._length = message.name_._maximum = static_cast<uint32_t>(names.size());
    message.name_._buffer = names.data();
    message.position_._length = message.position_._maximum = static_cast<uint32_t>(values.size());
    message.position_._buffer = values.data();
    dds_write(states_, &message);
  }

  // Red from left to right, green from top to bottom.
  void PublishImage() {
    std::vector<uint8_t> bytes;
    for (uint32_t y = 0; y < image_.height; ++y) {
      for (uint32_t x = 0; x < image_.width; ++x) {
        bytes.insert(bytes.end(), {static_cast<uint8_t>(4 * x), static_cast<uint8_t>(5 * y), 7});
      }
    }
    char frame[] = "front";
    sensor_msgs_msg_dds__Image_ message{};
    message.header_.stamp_ = Now();
    message.header_.frame_id_ = frame;
    message.width_ = image_.width;
    message.height_ = image_.height;
    message.encoding_ = image_.encoding.data();
    message.step_ = 3 * image_.width;
    message.data_._length = message.data_._maximum = static_cast<uint32_t>(bytes.size());
    message.data_._buffer = bytes.data();
    dds_write(images_, &message);
  }

  // What others than this one publish and subscribe: "> topic type reliability", "< …".
  std::string Discover() {
    std::set<std::string> found;
    for (const bool writers : {true, false}) {
      const dds_entity_t reader = Checked(dds_create_reader(
          participant_,
          writers ? DDS_BUILTIN_TOPIC_DCPSPUBLICATION : DDS_BUILTIN_TOPIC_DCPSSUBSCRIPTION, nullptr,
          nullptr));
      dds_guid_t own{};
      dds_get_guid(participant_, &own);
      TakeAll<dds_builtintopic_endpoint_t>(reader, [&](const dds_builtintopic_endpoint_t& seen) {
        if (std::equal(own.v, own.v + 12, seen.participant_key.v)) return;
        dds_reliability_kind_t kind{};
        dds_duration_t wait = 0;
        dds_qget_reliability(seen.qos, &kind, &wait);
        dds_durability_kind_t durability{};
        dds_qget_durability(seen.qos, &durability);
        found.insert(fmt::format("{} {} {} {} {}", writers ? ">" : "<", seen.topic_name,
                                 seen.type_name,
                                 kind == DDS_RELIABILITY_RELIABLE ? "reliable" : "best_effort",
                                 durability == DDS_DURABILITY_VOLATILE ? "volatile" : "durable"));
      });
      dds_delete(reader);
    }
    return fmt::format("{}", fmt::join(found, "; "));
  }

  size_t arm_joints_;
  std::vector<std::string> names_, shown_names_;
  std::vector<double> position_, target_;
  dds_entity_t participant_ = 0, states_ = 0, images_ = 0;
  dds_entity_t trajectories_ = 0, arrays_ = 0, grippers_ = 0;
  bool silent_ = false, nan_ = false, short_ = false;
  double skew_ = 0, time_from_start_ = 0;
  Shown image_;
  int64_t frozen_ns_ = 0;  // the stamp of all messages; 0: the time
  int64_t step_ = 0, trajectories_seen_ = 0, arrays_seen_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  Peer peer(std::stoi(argv[1]), argv[2], std::stoul(argv[3]));
  auto next = std::chrono::steady_clock::now();
  std::string waiting;
  while (true) {
    peer.Step();
    next += std::chrono::milliseconds(10);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        next - std::chrono::steady_clock::now());
    pollfd in{STDIN_FILENO, POLLIN, 0};
    if (poll(&in, 1, static_cast<int>(std::max<int64_t>(0, left.count()))) > 0) {
      char buffer[512];
      const ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
      if (count <= 0) return 0;
      waiting.append(buffer, static_cast<size_t>(count));
      for (size_t end; (end = waiting.find('\n')) != std::string::npos;) {
        std::cout << peer.Answer(waiting.substr(0, end)) << std::endl;
        waiting.erase(0, end + 1);
      }
      std::this_thread::sleep_until(next);
    }
  }
}
