#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace understudy {

// Domains of this process: other tests that run meanwhile have others.
inline int OwnDomain(int which = 0) { return 1 + (2 * getpid() + which) % 200; }

// DDS on this machine alone and without multicast, for this process and those that it starts.
inline void UseLoopback() {
  setenv("CYCLONEDDS_URI",
         "<CycloneDDS><Domain id=\"any\"><General><Interfaces><NetworkInterface name=\"lo\"/>"
         "</Interfaces><AllowMulticast>false</AllowMulticast></General><Discovery>"
         "<ParticipantIndex>auto</ParticipantIndex><Peers><Peer address=\"localhost\"/></Peers>"
         "</Discovery></Domain></CycloneDDS>",
         1);
}

// A robot on ROS 2 as a process of its own (ros2_peer.cc).
class Ros2Cell {
 public:
  Ros2Cell(int domain, const std::string& joints, int arm_joints) {
    std::array<int, 2> in{}, out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
    const std::string program = UNDERSTUDY_BINARY_DIR "/tests/ros2_peer";
    const std::string number = std::to_string(domain), count = std::to_string(arm_joints);
    child_ = fork();
    if (child_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      execl(program.c_str(), program.c_str(), number.c_str(), joints.c_str(), count.c_str(),
            nullptr);
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = fdopen(out[0], "r");
  }
  ~Ros2Cell() {
    Kill();
    close(to_);
    fclose(from_);
  }
  Ros2Cell(const Ros2Cell&) = delete;
  Ros2Cell& operator=(const Ros2Cell&) = delete;

  // Its answer to a line.
  std::string Ask(const std::string& line) {
    const std::string text = line + "\n";
    if (write(to_, text.data(), text.size()) < 0) return "";
    std::array<char, 4096> answer{};
    if (!fgets(answer.data(), answer.size(), from_)) return "";
    std::string got = answer.data();
    if (!got.empty()) got.pop_back();
    return got;
  }
  void Kill() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    child_ = 0;
  }

 private:
  pid_t child_ = 0;
  int to_ = -1;
  FILE* from_ = nullptr;
};

}  // namespace understudy
