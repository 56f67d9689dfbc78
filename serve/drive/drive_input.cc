#include "serve/drive/drive_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/input.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace understudy {
namespace {

// Whether reading would not wait.
bool HasInput(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0;
}

class TerminalInput : public DriveInput {
 public:
  TerminalInput(int fd, double grace_s, bool always_held)
      : fd_(fd), grace_s_(grace_s), always_held_(always_held) {
    if (tcgetattr(fd, &before_) != 0) {
      ThrowUsage(
          "dead_man = terminal: the program has no terminal to read keys from; name an event "
          "device (/dev/input/event…), or none for a robot that can hurt nobody");
    }
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(fd, TCSANOW, &raw);
  }
  ~TerminalInput() override { tcsetattr(fd_, TCSANOW, &before_); }

  DriveKeys Poll() override {
    DriveKeys keys;
    while (HasInput(fd_)) {
      std::array<char, 64> pressed{};
      const ssize_t count = read(fd_, pressed.data(), pressed.size());
      if (count <= 0) break;
      for (ssize_t i = 0; i < count; ++i) Press(pressed[static_cast<size_t>(i)], &keys);
    }
    keys.held = always_held_ || (held_s_ > 0 && MonotonicSeconds() - held_s_ < grace_s_);
    return keys;
  }
  bool always_held() const override { return always_held_; }
  bool has_keys() const override { return true; }

 private:
  void Press(char key, DriveKeys* keys) {
    if (key == ' ') {
      held_s_ = MonotonicSeconds();
      return;
    }
    held_s_ = 0;  // any other key lets go
    if (key == 'y') keys->mark = 1;
    if (key == 'n') keys->mark = -1;
    if (key >= '1' && key <= '9') {
      keys->mark = -1;
      keys->cause = key - '0';
    }
    if (key == 'q') keys->quit = true;
    keys->stop = keys->stop || keys->mark != 0 || key == 's' || key == 'q';
  }

  int fd_;
  double grace_s_;
  bool always_held_;
  termios before_{};
  double held_s_ = 0;  // when the space bar was seen last
};

class EventInput : public DriveInput {
 public:
  EventInput(const std::string& device, std::unique_ptr<DriveInput> others)
      : others_(std::move(others)), fd_(open(device.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_ < 0) {
      ThrowUsage(
          fmt::format("dead_man: {}: cannot be read ({}); your user may have to be in the "
                      "group `input`",
                      device, std::strerror(errno)));
    }
    // a device that cannot be had alone is used all the same
    ioctl(fd_, EVIOCGRAB, 1);
  }
  ~EventInput() override { close(fd_); }

  DriveKeys Poll() override {
    DriveKeys keys = others_ ? others_->Poll() : DriveKeys{};
    while (!lost_) {
      input_event event{};
      const ssize_t count = read(fd_, &event, sizeof event);
      if (count == static_cast<ssize_t>(sizeof event)) {
        See(event);
        continue;
      }
      lost_ = count >= 0 || (errno != EAGAIN && errno != EINTR);  // unplugged
      break;
    }
    keys.held = !lost_ && !down_.empty();
    return keys;
  }
  bool has_keys() const override { return others_ != nullptr && others_->has_keys(); }

 private:
  void See(const input_event& event) {
    if (event.type == EV_SYN && event.code == SYN_DROPPED) down_.clear();  // some were missed
    if (event.type != EV_KEY) return;
    if (event.value == 1) down_.insert(event.code);
    if (event.value == 0) down_.erase(event.code);
  }

  std::unique_ptr<DriveInput> others_;
  int fd_;
  bool lost_ = false;
  std::set<uint16_t> down_;
};

}  // namespace

std::unique_ptr<DriveInput> OpenTerminalInput(int fd, double grace_s, bool always_held) {
  return std::make_unique<TerminalInput>(fd, grace_s, always_held);
}

std::unique_ptr<DriveInput> OpenEventInput(const std::string& device,
                                           std::unique_ptr<DriveInput> others) {
  return std::make_unique<EventInput>(device, std::move(others));
}

}  // namespace understudy
