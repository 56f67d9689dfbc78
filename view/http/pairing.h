#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace understudy {

// Hands a key to a device of the network that says the code on the terminal: six digits, good once.
// After a few wrong ones there is another code, so that nobody finds it by trying. Thread-safe.
class Pairing {
 public:
  // `show` gets every new code, the first at once.
  Pairing(std::string key, std::function<void(const std::string& code)> show);
  // The key, for the right code.
  std::optional<std::string> Try(const std::string& code);

  static constexpr int kMostTries = 5;

 private:
  void Renew();

  const std::string key_;
  const std::function<void(const std::string&)> show_;
  std::mutex mutex_;
  std::string code_;
  int tries_ = 0;
};

}  // namespace understudy
