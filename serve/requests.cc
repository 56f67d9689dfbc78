#include "serve/requests.h"

#include <fmt/format.h>

#include <array>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr size_t kLongestReason = 2048;

}  // namespace

std::string Printable(std::string text) {
  if (text.size() > kLongestReason) text = text.substr(0, kLongestReason) + " …";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string Answers::To(std::string_view request,
                        const std::function<WireValue(const WireValue& request)>& call) {
  ArrayForm arrays = ArrayForm::kMsgpackNumpy;
  std::string answer;
  const bool answered = Try([&] {
    const WireMessage message = Unpack(request);
    arrays = message.arrays;
    answer = Pack(call(message.value), arrays);
  });
  return answered ? answer : Pack(WireMap{{"error", last_refusal_}}, arrays);
}

bool Answers::Try(const std::function<void()>& work) {
  std::string reason;
  try {
    work();
    return true;
  } catch (const Error& error) {
    reason = error.what();
  } catch (const std::exception& error) {
    // a server outlives its own faults: client and log have the reason
    reason = fmt::format("internal error: {}", error.what());
  }
  ++refused_;
  last_refusal_ = Printable(std::move(reason));
  return false;
}

bool SameText(const std::string& a, const std::string& b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i % b.size()]);
  }
  return difference == 0;
}

WireList TextsOf(const std::vector<std::string>& texts) {
  return WireList(texts.begin(), texts.end());
}

WireList ToWire(const RngKey& key) {
  WireList numbers;
  for (const uint64_t field : {key.seed, key.stage, key.parent, key.variant, key.term}) {
    numbers.emplace_back(static_cast<int64_t>(field));
  }
  return numbers;
}

std::optional<RngKey> ReadWireKey(const WireValue& value) {
  const WireList* list = value.As<WireList>();
  std::array<uint64_t, 5> fields{};
  if (!list || list->size() != fields.size()) return std::nullopt;
  for (size_t i = 0; i < fields.size(); ++i) {
    const int64_t* field = (*list)[i].As<int64_t>();
    if (!field) return std::nullopt;
    fields[i] = static_cast<uint64_t>(*field);
  }
  return RngKey{fields[0], fields[1], fields[2], fields[3], fields[4]};
}

}  // namespace understudy
