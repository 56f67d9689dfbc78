#include "view/http/pairing.h"

#include <fmt/format.h>

#include <random>

namespace understudy {

Pairing::Pairing(std::string key, std::function<void(const std::string& code)> show)
    : key_(std::move(key)), show_(std::move(show)) {
  Renew();
}

void Pairing::Renew() {
  std::random_device random;
  code_ = fmt::format("{:06}", std::uniform_int_distribution<int>(0, 999'999)(random));
  tries_ = 0;
  if (show_) show_(code_);
}

std::optional<std::string> Pairing::Try(const std::string& code) {
  const std::lock_guard lock(mutex_);
  const bool right = code == code_;
  if (right || ++tries_ >= kMostTries) Renew();
  if (!right) return std::nullopt;
  return key_;
}

}  // namespace understudy
