#pragma once

// What the protocols of this folder share.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.h"
#include "serve/wire_value.h"

namespace understudy {

// Answers messages with what a protocol makes of them, or with {error: text}; never throws for what
// a client sent. What was refused is counted, and its reason is fit for a log.
class Answers {
 public:
  std::string To(std::string_view request,
                 const std::function<WireValue(const WireValue& request)>& call);
  // Makes an answer by `work`. False where it throws: then last_refusal() says why.
  bool Try(const std::function<void()>& work);
  int64_t refused() const { return refused_; }
  const std::string& last_refusal() const { return last_refusal_; }

 private:
  int64_t refused_ = 0;
  std::string last_refusal_;
};

// Compares in a time that does not say how much of a token, `b`, is right. `b` is not empty.
bool SameText(const std::string& a, const std::string& b);

// What a client sent, fit for a log: no control characters, not without end.
std::string Printable(std::string text);

WireList TextsOf(const std::vector<std::string>& texts);

// A key as five whole numbers, and back; none where it is anything else.
WireList ToWire(const RngKey& key);
std::optional<RngKey> ReadWireKey(const WireValue& value);

}  // namespace understudy
