#pragma once

// Who may ask a server that is meant for one user.

#include <optional>
#include <string>
#include <vector>

#include "view/http/message.h"

namespace understudy {

// 128 random bits.
std::string RandomKey();

// Admits requests that name this machine (no DNS rebinding) and hold the key, which other users of
// the machine and pages of other sites do not know. Thread-safe.
class Guard {
 public:
  // `hosts`: names of this machine besides those of the loopback interface.
  explicit Guard(std::string key, std::vector<std::string> hosts = {})
      : key_(std::move(key)), hosts_(std::move(hosts)) {}
  const std::string& key() const { return key_; }
  // The refusal of a request, by its head alone; none: it may be answered.
  std::optional<Response> Refuse(const Request& head) const;
  // As Refuse, whether it holds the key or not.
  std::optional<Response> RefuseStranger(const Request& head) const;

 private:
  bool IsThisMachine(const std::string& host) const;

  const std::string key_;
  const std::vector<std::string> hosts_;
};

}  // namespace understudy
