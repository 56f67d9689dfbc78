#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "core/base/hash.h"
#include "serve/wire_value.h"

namespace understudy {

// The last answers of a server by what was asked, so that nobody asks twice for a chunk that is
// being followed. Thread-safe.
template <class Answer>
class AnswerMemory {
 public:
  // `ask(request)` where `afresh`, or where the answer is not remembered.
  template <class Ask>
  std::shared_ptr<const Answer> Get(const WireValue& request, bool afresh, const Ask& ask) {
    const std::string key = ContentHash(Pack(request));
    if (!afresh) {
      const std::lock_guard lock(mutex_);
      for (const auto& [known, answer] : answers_) {
        if (known == key) return answer;
      }
    }
    auto answer = std::make_shared<const Answer>(ask(request));
    const std::lock_guard lock(mutex_);
    answers_.emplace_front(key, answer);
    if (answers_.size() > kMost) answers_.pop_back();
    return answer;
  }

 private:
  static constexpr size_t kMost = 1024;  // chunks under way: one for each worker

  std::mutex mutex_;
  std::deque<std::pair<std::string, std::shared_ptr<const Answer>>> answers_;  // newest first
};

}  // namespace understudy
