#pragma once

// Asks a policy server (`understudy serve`) for actions. The only header of a small library that
// knows neither the rest of the program nor its libraries: link understudy_client, zmq and fmt
// (pkg-config understudy_client). Little-endian machines, x86-64 and arm64.

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace understudy::client {

// The server does not answer, refuses, or answers something else. what() says which, in words.
class PolicyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// 8-bit RGB, rows from the top, 3 * width * height bytes that belong to the caller.
struct Picture {
  int width = 0, height = 0;
  const uint8_t* rgb = nullptr;
};

// What the policy sees of one moment, under the names of PolicyCard.
struct Observation {
  std::map<std::string, Picture> video;
  std::map<std::string, std::vector<double>> state;
  std::string instruction;
};

// What a server says of its policy. Numbers of a state and an action have the units and frames of
// docs/deploy.md: m, rad, quaternions w x y z in the world of training, the gripper in [-1, 1].
struct PolicyCard {
  std::string policy, hash, robot;
  double control_hz = 0;
  int horizon = 0;                                     // steps of a chunk
  int execute = 0;                                     // of them to do before the next observation
  int max_delay = 0;                                   // steps that Act may be given
  std::vector<std::string> instructions;               // of training
  std::map<std::string, std::pair<int, int>> cameras;  // width and height, px
  std::map<std::string, int> state, action;            // numbers of each part
};

// Actions of successive control steps: part, step, number.
using Chunk = std::map<std::string, std::vector<std::vector<double>>>;

// Thread-safe. Calls wait for the answer, at most `timeout_s`; a robot's loop calls them on a
// thread of its own.
class PolicyClient {
 public:
  // `address`: "tcp://127.0.0.1:5555"; `token` where the server asks for one. Throws PolicyError.
  explicit PolicyClient(const std::string& address, const std::string& token = "",
                        double timeout_s = 15);
  ~PolicyClient();
  PolicyClient(PolicyClient&&) noexcept;

  const PolicyCard& card() const;

  // The chunk for what is seen now. `history`, oldest first, of a policy that sees the past;
  // `given` are the actions that are done until the answer comes, at most max_delay steps
  // (real-time chunking). Throws PolicyError, with everything that is wrong with a request at once.
  Chunk Act(const Observation& now, const std::vector<Observation>& history = {},
            const Chunk& given = {});

  // An episode begins.
  void Reset();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::client
