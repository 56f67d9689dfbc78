// A Franka arm as nodes of ROS 2 on Fast DDS show it: fast_dds_cell DOMAIN, until stdin ends. Then
// says how many trajectories came, how many of them were not as they should be, how many commands
// of the gripper, and by how much a joint was moved at most (rad).
//
// Messages are written and read field by field with Fast CDR, in the order of the .msg files.
#include <fastcdr/Cdr.h>
#include <fastcdr/FastBuffer.h>
#include <fastdds/rtps/transport/UDPv4TransportDescriptor.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using eprosima::fastcdr::Cdr;
using eprosima::fastcdr::FastBuffer;
using eprosima::fastrtps::rtps::InstanceHandle_t;
using eprosima::fastrtps::rtps::SerializedPayload_t;
namespace dds = eprosima::fastdds::dds;
namespace rtps = eprosima::fastrtps::rtps;

constexpr uint32_t kWidth = 320, kHeight = 240;

// What is sent writes itself, what comes is read into the fields.
struct Sample {
  std::function<void(Cdr&)> write;
  std::vector<std::string> names;
  std::vector<double> positions;
  uint32_t points = 0, nanosec = 0;
};

class SampleType : public dds::TopicDataType {
 public:
  SampleType(const char* name, uint32_t most_bytes, std::function<void(Cdr&, Sample&)> read)
      : read_(std::move(read)) {
    setName(name);
    m_typeSize = most_bytes;
    m_isGetKeyDefined = false;
  }
  bool serialize(void* data, SerializedPayload_t* payload) override {
    FastBuffer buffer(reinterpret_cast<char*>(payload->data), payload->max_size);
    Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, Cdr::DDS_CDR);
    payload->encapsulation = CDR_LE;
    cdr.serialize_encapsulation();
    static_cast<Sample*>(data)->write(cdr);
    payload->length = static_cast<uint32_t>(cdr.getSerializedDataLength());
    return true;
  }
  bool deserialize(SerializedPayload_t* payload, void* data) override {
    FastBuffer buffer(reinterpret_cast<char*>(payload->data), payload->length);
    Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, Cdr::DDS_CDR);
    cdr.read_encapsulation();
    read_(cdr, *static_cast<Sample*>(data));
    return true;
  }
  std::function<uint32_t()> getSerializedSizeProvider(void*) override {
    return [this] { return m_typeSize; };
  }
  void* createData() override { return new Sample; }
  void deleteData(void* data) override { delete static_cast<Sample*>(data); }
  bool getKey(void*, InstanceHandle_t*, bool) override { return false; }

 private:
  std::function<void(Cdr&, Sample&)> read_;
};

void ReadTrajectory(Cdr& cdr, Sample& sample) {
  int32_t sec = 0;
  uint32_t nanosec = 0;
  std::string frame;
  std::vector<double> others;
  cdr >> sec >> nanosec >> frame >> sample.names >> sample.points;
  cdr >> sample.positions >> others >> others >> others >> sec >> sample.nanosec;
}

void ReadArray(Cdr& cdr, Sample& sample) {
  uint32_t dimensions = 0, offset = 0;
  cdr >> dimensions >> offset >> sample.positions;
}

// This machine alone, without multicast and shared memory.
dds::DomainParticipant* Join(int domain) {
  dds::DomainParticipantQos qos = dds::PARTICIPANT_QOS_DEFAULT;
  auto udp = std::make_shared<eprosima::fastdds::rtps::UDPv4TransportDescriptor>();
  udp->interfaceWhiteList.push_back("127.0.0.1");
  qos.transport().use_builtin_transports = false;
  qos.transport().user_transports.push_back(udp);
  for (int participant = 0; participant < 10; ++participant) {
    rtps::Locator_t locator;
    locator.kind = LOCATOR_KIND_UDPv4;
    rtps::IPLocator::setIPv4(locator, 127, 0, 0, 1);
    locator.port = static_cast<uint32_t>(7400 + 250 * domain + 10 + 2 * participant);
    qos.wire_protocol().builtin.initialPeersList.push_back(locator);
  }
  return dds::DomainParticipantFactory::get_instance()->create_participant(
      static_cast<uint32_t>(domain), qos);
}

class FastCell {
 public:
  explicit FastCell(int domain) : participant_(Join(domain)) {
    if (!participant_) std::exit(1);
    const auto nothing = [](Cdr&, Sample&) {};
    const dds::TypeSupport state(
        new SampleType("sensor_msgs::msg::dds_::JointState_", 2000, nothing));
    const dds::TypeSupport image(
        new SampleType("sensor_msgs::msg::dds_::Image_", 3 * kWidth * kHeight + 1000, nothing));
    const dds::TypeSupport trajectory(
        new SampleType("trajectory_msgs::msg::dds_::JointTrajectory_", 4000, ReadTrajectory));
    const dds::TypeSupport array(
        new SampleType("std_msgs::msg::dds_::Float64MultiArray_", 1000, ReadArray));
    states_ = Writer("rt/joint_states", state, dds::RELIABLE_RELIABILITY_QOS);
    for (const char* topic : {"rt/front/color/image_raw", "rt/wrist/color/image_raw"}) {
      images_.push_back(Writer(topic, image, dds::BEST_EFFORT_RELIABILITY_QOS));
    }
    trajectories_ = Reader("rt/fr3_arm_controller/joint_trajectory", trajectory);
    grippers_ = Reader("rt/gripper_controller/commands", array);
    for (int i = 1; i <= 7; ++i) names_.push_back("fr3_joint" + std::to_string(i));
    names_.push_back("fr3_finger_joint1");
  }

  // One of 10 ms.
  void Step() {
    Sample sample;
    dds::SampleInfo info;
    const auto taken = [&](dds::DataReader* reader) {
      return reader->take_next_sample(&sample, &info) == ReturnCode_t::RETCODE_OK;
    };
    while (taken(trajectories_)) {
      if (!info.valid_data) continue;
      ++seen_;
      const bool right =
          sample.points == 1 && sample.nanosec == 50'000'000 && sample.positions.size() == 7 &&
          std::equal(sample.names.begin(), sample.names.end(), names_.begin(), names_.begin() + 7);
      wrong_ += !right;
      if (right) std::copy(sample.positions.begin(), sample.positions.end(), position_.begin());
    }
    while (taken(grippers_)) {
      if (!info.valid_data) continue;
      ++gripped_;
      position_.back() = sample.positions.at(0);
    }
    Publish();
  }

  void Say() const {
    double moved = 0;
    for (size_t i = 0; i < 7; ++i) moved = std::max(moved, std::abs(position_[i] - start_[i]));
    std::printf("%d %d %d %.4f\n", seen_, wrong_, gripped_, moved);
  }

 private:
  dds::Topic* TopicOf(const char* name, dds::TypeSupport type) {
    type.register_type(participant_);
    return participant_->create_topic(name, type.get_type_name(), dds::TOPIC_QOS_DEFAULT);
  }
  dds::DataWriter* Writer(const char* topic, const dds::TypeSupport& type,
                          dds::ReliabilityQosPolicyKind reliability) {
    dds::DataWriterQos qos = dds::DATAWRITER_QOS_DEFAULT;
    qos.reliability().kind = reliability;
    qos.durability().kind = dds::VOLATILE_DURABILITY_QOS;
    return participant_->create_publisher(dds::PUBLISHER_QOS_DEFAULT)
        ->create_datawriter(TopicOf(topic, type), qos);
  }
  dds::DataReader* Reader(const char* topic, const dds::TypeSupport& type) {
    dds::DataReaderQos qos = dds::DATAREADER_QOS_DEFAULT;
    qos.reliability().kind = dds::RELIABLE_RELIABILITY_QOS;
    return participant_->create_subscriber(dds::SUBSCRIBER_QOS_DEFAULT)
        ->create_datareader(TopicOf(topic, type), qos);
  }

  void Publish() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const int64_t ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
    const auto sec = static_cast<int32_t>(ns / 1'000'000'000);
    const auto nanosec = static_cast<uint32_t>(ns % 1'000'000'000);
    Sample sample;
    sample.write = [&](Cdr& cdr) {
      const std::vector<double> none;
      cdr << sec << nanosec << std::string("base") << names_ << position_ << none << none;
    };
    states_->write(&sample);
    if (step_++ % 5 != 0) return;
    sample.write = [&](Cdr& cdr) {
      cdr << sec << nanosec << std::string("camera") << kHeight << kWidth << std::string("rgb8")
          << uint8_t{0} << uint32_t{3 * kWidth} << pixels_;
    };
    for (dds::DataWriter* writer : images_) writer->write(&sample);
  }

  dds::DomainParticipant* participant_;
  dds::DataWriter* states_ = nullptr;
  std::vector<dds::DataWriter*> images_;
  dds::DataReader *trajectories_ = nullptr, *grippers_ = nullptr;
  std::vector<std::string> names_;
  const std::vector<double> start_{0, 0.196, 0, -2.618, 0, 2.942, 0.785, 0.04};
  std::vector<double> position_ = start_;
  std::vector<uint8_t> pixels_ = std::vector<uint8_t>(3 * kWidth * kHeight, 90);
  int step_ = 0, seen_ = 0, wrong_ = 0, gripped_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  FastCell cell(std::stoi(argv[1]));
  pollfd in{STDIN_FILENO, POLLIN, 0};
  while (poll(&in, 1, 10) == 0) cell.Step();
  cell.Say();
}
