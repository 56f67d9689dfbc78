#include "teleop/webxr/page_buttons.h"

#include <array>
#include <string_view>
#include <utility>

namespace understudy {
namespace {

constexpr std::array<std::pair<std::string_view, ButtonBit>, 5> kPresses{
    {{"start", kButtonStart},
     {"discard", kButtonDiscard},
     {"reset", kButtonReset},
     {"stop", kButtonStop},
     {"again", kButtonAgain}}};

}  // namespace

PageButtons::PageButtons(TeleopDevice& device, BrowserLink& link) : device_(device), link_(link) {
  link_.Say({{"presses", true}});
}

uint32_t PageButtons::TakePresses() {
  messages_.clear();
  link_.Take(&messages_);
  uint32_t pressed = 0;
  for (const BrowserMessage& message : messages_) {
    if (message.kind != BrowserMessage::Kind::kText) continue;
    const Json json = Json::parse(message.content, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("press") || !json["press"].is_string()) continue;
    for (const auto& [name, button] : kPresses) {
      if (json["press"].get<std::string>() == name) pressed |= button;
    }
  }
  return pressed;
}

RawSample PageButtons::Poll() {
  RawSample sample = device_.Poll();
  sample.hands[1].buttons |= TakePresses();
  return sample;
}

void PageButtons::TakeSamples(std::vector<RawSample>* samples) {
  device_.TakeSamples(samples);
  samples->back().hands[1].buttons |= TakePresses();
}

}  // namespace understudy
