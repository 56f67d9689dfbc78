#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace understudy {

// Choices made from a fuzzer's bytes; zeros when they have run out.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  template <class T>
  T Take() {
    T value{};
    const size_t n = std::min(sizeof(T), size_ - at_);
    std::memcpy(&value, data_ + at_, n);
    at_ += n;
    return value;
  }
  size_t Below(size_t n) { return n == 0 ? 0 : Take<uint16_t>() % n; }
  template <class T>
  const T& OneOf(const std::vector<T>& list) {
    return list[Below(list.size())];
  }
  std::string Text(size_t most) {
    const size_t n = std::min({size_t{Take<uint8_t>()}, most, size_ - at_});
    std::string text(reinterpret_cast<const char*>(data_) + at_, n);
    at_ += n;
    return text;
  }

 private:
  const uint8_t* data_;
  size_t size_, at_ = 0;
};

}  // namespace understudy
