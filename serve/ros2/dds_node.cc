#include "serve/ros2/dds_node.h"

#include <dds/version.h>
#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace understudy {
namespace {

constexpr int kMostDomain = 232;  // ports of UDP end there
constexpr int kTaken = 16;        // messages at a time

using Qos = std::unique_ptr<dds_qos_t, decltype(&dds_delete_qos)>;

// The handle, unless Cyclone DDS reports an error.
dds_entity_t Checked(dds_entity_t result, const std::string& what) {
  if (result >= 0) return result;
  ThrowFailed(fmt::format("DDS: {}: {}", what, dds_strretcode(result)));
}

int DomainOf(std::optional<int> domain) {
  if (domain) return *domain;
  const char* text = std::getenv("ROS_DOMAIN_ID");
  if (!text || !*text) return 0;
  const std::string_view view(text);
  int number = -1;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), number);
  if (error != std::errc{} || end != view.data() + view.size() || number < 0 ||
      number > kMostDomain) {
    ThrowUsage(fmt::format("ROS_DOMAIN_ID is '{}', not a number from 0 to {}", view, kMostDomain));
  }
  return number;
}

std::string DdsName(const std::string& topic) {
  bool sound = topic.size() > 1 && topic.front() == '/' && topic.back() != '/';
  char last = 0;
  for (const char c : topic) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    const bool begins = last == '/' && (c == '/' || std::isdigit(static_cast<unsigned char>(c)));
    sound = sound && (letter || c == '/') && !begins;
    last = c;
  }
  if (!sound) {
    ThrowBadInput(fmt::format("topic '{}' is no full name of ROS 2, such as /joint_states", topic));
  }
  return "rt" + topic;
}

Qos MakeQos(dds_reliability_kind_t reliability, int depth) {
  Qos qos(dds_create_qos(), dds_delete_qos);
  // a control loop does not wait for those that listen
  dds_qset_reliability(qos.get(), reliability, DDS_MSECS(2));
  dds_qset_durability(qos.get(), DDS_DURABILITY_VOLATILE);
  dds_qset_history(qos.get(), DDS_HISTORY_KEEP_LAST, depth);
  dds_data_representation_id_t xcdr1 = DDS_DATA_REPRESENTATION_XCDR1;
  dds_qset_data_representation(qos.get(), 1, &xcdr1);
  return qos;
}

}  // namespace

DdsNode::DdsNode(std::optional<int> domain) : domain_(DomainOf(domain)) {
  participant_ =
      Checked(dds_create_participant(static_cast<dds_domainid_t>(domain_), nullptr, nullptr),
              fmt::format("domain {} cannot be entered", domain_));
}

DdsNode::~DdsNode() { dds_delete(participant_); }

dds_entity_t DdsNode::Topic(const std::string& topic, const dds_topic_descriptor_t& type,
                            dds_qos_t* qos) {
  return Checked(dds_create_topic(participant_, &type, DdsName(topic).c_str(), qos, nullptr),
                 topic);
}

dds_entity_t DdsNode::Reader(const std::string& topic, const dds_topic_descriptor_t& type,
                             int depth) {
  const Qos qos = MakeQos(DDS_RELIABILITY_BEST_EFFORT, depth);
  const dds_entity_t described = Topic(topic, type, qos.get());
  return Checked(dds_create_reader(participant_, described, qos.get(), nullptr), topic);
}

dds_entity_t DdsNode::Writer(const std::string& topic, const dds_topic_descriptor_t& type) {
  const Qos qos = MakeQos(DDS_RELIABILITY_RELIABLE, 1);
  const dds_entity_t described = Topic(topic, type, qos.get());
  return Checked(dds_create_writer(participant_, described, qos.get(), nullptr), topic);
}

int Publishers(dds_entity_t reader) {
  dds_subscription_matched_status_t status{};
  dds_get_subscription_matched_status(reader, &status);
  return static_cast<int>(status.current_count);
}

int Subscribers(dds_entity_t writer) {
  dds_publication_matched_status_t status{};
  dds_get_publication_matched_status(writer, &status);
  return static_cast<int>(status.current_count);
}

DdsListener::DdsListener(std::vector<dds_entity_t> readers, Handler handler)
    : readers_(std::move(readers)), handler_(std::move(handler)) {
  waitset_ = Checked(dds_create_waitset(dds_get_participant(readers_.at(0))), "waiting");
  for (size_t r = 0; r < readers_.size(); ++r) {
    const dds_entity_t condition =
        Checked(dds_create_readcondition(readers_[r], DDS_ANY_STATE), "waiting");
    Checked(dds_waitset_attach(waitset_, condition, static_cast<dds_attach_t>(r)), "waiting");
  }
  // what set_trigger wakes up is the waitset as its own condition
  Checked(dds_waitset_attach(waitset_, waitset_, static_cast<dds_attach_t>(readers_.size())),
          "waiting");
  thread_ = std::thread([this] { Work(); });
}

DdsListener::~DdsListener() {
  ends_ = true;
  dds_waitset_set_trigger(waitset_, true);
  thread_.join();
  dds_delete(waitset_);
}

void DdsListener::Work() {
  std::array<void*, kTaken> messages{};
  std::array<dds_sample_info_t, kTaken> infos{};
  while (!ends_) {
    dds_waitset_wait(waitset_, nullptr, 0, DDS_MSECS(100));
    for (size_t r = 0; r < readers_.size() && !ends_; ++r) {
      messages.fill(nullptr);
      const int taken = dds_take(readers_[r], messages.data(), infos.data(), kTaken, kTaken);
      const int64_t arrival_ns = MonotonicNs();
      for (int i = 0; i < taken; ++i) {
        const auto place = static_cast<size_t>(i);
        // without data: a publisher went away
        if (!infos[place].valid_data) continue;
        handler_(r, messages[place], infos[place].publication_handle, arrival_ns);
      }
      if (taken > 0) dds_return_loan(readers_[r], messages.data(), taken);
    }
  }
}

std::string CycloneVersion() { return DDS_VERSION; }

}  // namespace understudy
