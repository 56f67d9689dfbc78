#pragma once

#include <dds/dds.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace understudy {

// A participant in a domain of DDS, with readers and writers that ROS 2 takes for its own: topics
// carry the prefix rt/, data is XCDR1, keep last, volatile. Any thread. Throws Error(kFailed) where
// Cyclone DDS reports an error.
class DdsNode {
 public:
  // Without `domain` that of $ROS_DOMAIN_ID, else 0. Throws Error(kUsage) where that is no domain.
  explicit DdsNode(std::optional<int> domain);
  ~DdsNode();
  DdsNode(const DdsNode&) = delete;
  DdsNode& operator=(const DdsNode&) = delete;

  // `topic` is a full name of ROS 2, as /joint_states; Error(kBadInput) otherwise. What is made
  // lives as long as the node. Readers are best effort, which matches every writer; writers
  // reliable. A write waits at most 2 ms.
  dds_entity_t Reader(const std::string& topic, const dds_topic_descriptor_t& type, int depth);
  dds_entity_t Writer(const std::string& topic, const dds_topic_descriptor_t& type);

  int domain() const { return domain_; }

 private:
  dds_entity_t Topic(const std::string& topic, const dds_topic_descriptor_t& type, dds_qos_t* qos);

  int domain_;
  dds_entity_t participant_ = 0;
};

// How many writers a reader has, and readers a writer.
int Publishers(dds_entity_t reader);
int Subscribers(dds_entity_t writer);

// Takes what readers receive, on a thread of its own and at once.
class DdsListener {
 public:
  // A message of readers[reader], from `publisher`, that came at `arrival_ns` (CLOCK_MONOTONIC).
  // Called on the thread; `message` lives until it returns.
  using Handler = std::function<void(size_t reader, const void* message,
                                     dds_instance_handle_t publisher, int64_t arrival_ns)>;
  // The node of `readers` must outlive it.
  DdsListener(std::vector<dds_entity_t> readers, Handler handler);
  ~DdsListener();
  DdsListener(const DdsListener&) = delete;
  DdsListener& operator=(const DdsListener&) = delete;

 private:
  void Work();

  std::vector<dds_entity_t> readers_;
  Handler handler_;
  dds_entity_t waitset_ = 0;
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

// "0.10.2".
std::string CycloneVersion();

}  // namespace understudy
