#pragma once

// Who may ask a server that is meant for one user.

#include <optional>
#include <string>

#include "view/http/message.h"

namespace understudy {

// 128 random bits.
std::string RandomKey();

// Admits requests that name this machine (no DNS rebinding) and hold the key, which other users of
// the machine and pages of other sites do not know. Thread-safe.
class Guard {
 public:
  explicit Guard(std::string key) : key_(std::move(key)) {}
  const std::string& key() const { return key_; }
  // The refusal of a request, by its head alone; none: it may be answered.
  std::optional<Response> Refuse(const Request& head) const;

 private:
  const std::string key_;
};

}  // namespace understudy
