#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "core/seam/browser_link.h"

namespace understudy {

// Pages in memory: what they send is set by the test, what they are told is kept.
class FakeLink final : public BrowserLink {
 public:
  void Show(const LiveFrame& frame) override { shown.push_back(frame); }
  void Look(const SceneVariation&) override {}
  void Say(const Json& status) override { said.push_back(status); }
  void ChangeScene(const SceneViewFactory&) override { ++scenes; }
  void Reply(uint64_t page, const Json& message) override { replies.push_back({page, message}); }
  void Take(std::vector<BrowserMessage>* messages) override {
    messages->insert(messages->end(), sent.begin(), sent.end());
    sent.clear();
  }
  const std::string& url() const override { return address; }

  // What `page` was told alone, by the name of its entry; null: nothing of that name.
  Json Told(uint64_t page, const std::string& name) const {
    for (const auto& [to, message] : replies) {
      if (to == page && message.contains(name)) return message[name];
    }
    return nullptr;
  }

  int scenes = 0;  // how often the scene has changed
  std::vector<LiveFrame> shown;
  std::vector<Json> said;
  std::vector<std::pair<uint64_t, Json>> replies;
  std::vector<BrowserMessage> sent;
  std::string address = "http://127.0.0.1:1/?key=0";
};

// The 75 numbers of a page's sample, as view/page/device.js fills them: both hands tracked.
struct SampleNumbers {
  static constexpr size_t kHead = 15, kPerHand = 30;
  SampleNumbers() {
    at(0) = 1;
    at(5) = 15;
    at(12) = 1;
    for (size_t hand = 0; hand < 2; ++hand) {
      Hand(hand, 0) = 1;
      Hand(hand, 1) = 15;
      Hand(hand, 8) = Hand(hand, 15) = 1;
    }
  }
  double& at(size_t i) { return numbers[i]; }
  double& Hand(size_t hand, size_t i) { return numbers[kHead + kPerHand * hand + i]; }
  std::string Bytes() const {
    return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(double)};
  }
  std::array<double, kHead + 2 * kPerHand> numbers{};
};

}  // namespace understudy
