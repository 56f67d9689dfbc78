#include "teleop/webxr/browser_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/statistics.h"

namespace understudy {
namespace {

constexpr int64_t kPingNs = 500'000'000;
// A page that says nothing for so long has gone, as a headset whose network went: its socket may
// stay open for minutes.
constexpr int64_t kSilentNs = 2'000'000'000;
constexpr size_t kMostShown = 1 << 20;  // hours of pictures

constexpr size_t kMostText = 4096;  // bytes that a page says at once
constexpr size_t kMostName = 200;   // bytes of what it says of itself

// What the page says of itself, cut between letters where it is long.
std::string TextOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return "";
  std::string text = found->get<std::string>();
  size_t end = std::min(text.size(), kMostName);
  while (end > 0 && end < text.size() && (text[end] & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

BrowserDevice::BrowserDevice(BrowserLink& link, const BrowserDeviceOptions& options)
    : link_(link), now_ns_(options.now_ns ? options.now_ns : MonotonicNs) {
  const bool headset = options.kind == BrowserDeviceKind::kHeadset;
  info_.name = headset ? "browser headset" : "page";
  link_.Say({{"device", headset ? "webxr" : "page"}});
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(options.wait_s));
  if (options.progress != nullptr) {
    options.progress->Message(
        (headset ? "waiting for a headset: open this in its browser, and enter there: "
                 : "waiting for a page that moves the hand: ") +
        link_.url());
  }
  for (;;) {
    Receive();
    if (leader_ != 0) break;
    if (InterruptRequested()) ThrowFailed("interrupted before a page moved the hand");
    if (Clock::now() >= deadline) {
      ThrowFailed(fmt::format("no {} moved the hand within {} s: open {}",
                              headset ? "headset" : "page", options.wait_s, link_.url()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void BrowserDevice::Receive() {
  messages_.clear();
  link_.Take(&messages_);
  for (const BrowserMessage& message : messages_) {
    switch (message.kind) {
      case BrowserMessage::Kind::kOpened:
        break;
      case BrowserMessage::Kind::kText:
        Hear(message);
        break;
      case BrowserMessage::Kind::kBytes:
        Take(message);
        break;
      case BrowserMessage::Kind::kClosed:
        Leave(message.page);
        break;
    }
  }
}

// {"hello": {"name", "version", "profile", "buttons": {"start": …}}}, or {"trip": number}, which is
// answered as it came, so that the page can measure the way there and back.
void BrowserDevice::Hear(const BrowserMessage& message) {
  if (message.content.size() > kMostText) {
    return Refuse(message.page, fmt::format("a text of {} bytes, where at most {} are expected: "
                                            "reload the page",
                                            message.content.size(), kMostText));
  }
  const Json json = Json::parse(message.content, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("trip") && json["trip"].is_number()) {
    return link_.Reply(message.page, {{"trip", json["trip"]}});
  }
  if (!json.is_object() || !json.contains("hello") || !json["hello"].is_object()) {
    return Refuse(message.page, "the page sends what this program does not know: reload it");
  }
  // only the page that leads, or may come to lead, is the device
  if (leader_ != 0 && message.page != leader_) return;
  const Json& hello = json["hello"];
  if (const std::string name = TextOf(hello, "name"); !name.empty()) info_.name = name;
  info_.version = TextOf(hello, "version");
  const std::string profile = TextOf(hello, "profile");
  if (leader_ != 0 && profile != info_.profile) events_ |= kEventProfileChanged;
  info_.profile = profile;
  const Json buttons = hello.value("buttons", Json::object());
  if (!buttons.is_object()) return;
  ButtonNames names;
  for (const auto& [name, place] :
       std::initializer_list<std::pair<const char*, std::string*>>{{"start", &names.start},
                                                                   {"discard", &names.discard},
                                                                   {"reset", &names.reset},
                                                                   {"stop", &names.stop},
                                                                   {"again", &names.again},
                                                                   {"engage", &names.engage},
                                                                   {"gripper", &names.gripper}}) {
    if (const std::string text = TextOf(buttons, name); !text.empty()) *place = text;
  }
  info_.buttons = names;
}

void BrowserDevice::Take(const BrowserMessage& message) {
  const bool silent = message.received_ns - heard_ns_ > kSilentNs;
  if (leader_ != 0 && message.page != leader_ && silent) Leave(leader_);
  if (leader_ != 0 && message.page != leader_) {
    return Refuse(message.page, "another page moves the arm: close it first");
  }
  PageSample sample;
  if (const std::string why = ReadPageSample(message.content, &sample); !why.empty()) {
    return Refuse(message.page, why);
  }
  heard_ns_ = message.received_ns;
  // what came out of order or twice says nothing new
  const bool first = leader_ == 0;
  if (!first && sample.sequence <= newest_.sequence) return;
  if (first) {
    leader_ = message.page;
    clock_ = ClockMap();
    if (!focused_) events_ |= kEventFocusGained;
    focused_ = true;
  }
  clock_.Add(sample.taken_ns, message.received_ns);
  if (first) {
    // the time of a recording goes on from page to page, whatever their clocks say
    const int64_t goes_on = clock_.ToMonotonic(sample.taken_ns) + info_.device_minus_monotonic_ns;
    ahead_ns_ = time_ns_ == 0 ? 0 : std::max(goes_on, time_ns_) - sample.taken_ns;
    link_.Reply(leader_, {{"leads", true}, {"ahead_ms", 1e-6 * static_cast<double>(ahead_ns_)}});
  }
  if (sample.echo_ns > 0) {
    clock_.AddRoundTrip(message.received_ns - sample.echo_ns - sample.echo_age_ns);
  }
  if (sample.shown_ms > 0 && shown_ms_.size() < kMostShown) shown_ms_.push_back(sample.shown_ms);
  events_ |= sample.raw.events;
  if (sample.raw.events & kEventFocusLost) focused_ = false;
  if (sample.raw.events & kEventFocusGained) focused_ = true;
  if (!first) lost_ += sample.sequence - newest_.sequence - 1;
  newest_ = sample;
  // a sample was taken before it came
  sample_ns_ = std::min(clock_.ToMonotonic(sample.taken_ns), message.received_ns);
  info_.device_minus_monotonic_ns = ahead_ns_ - clock_.offset_ns();
  waiting_.push_back(Newest());
  events_ = 0;
}

void BrowserDevice::Leave(uint64_t page) {
  std::erase(refused_, page);
  if (page != leader_) return;
  leader_ = 0;
  newest_ = PageSample();
  if (focused_) events_ |= kEventFocusLost;
  focused_ = false;
}

void BrowserDevice::Refuse(uint64_t page, const std::string& why) {
  if (std::find(refused_.begin(), refused_.end(), page) != refused_.end()) return;
  refused_.push_back(page);
  link_.Reply(page, {{"refused", why}});
}

RawSample BrowserDevice::Poll() {
  polled_.clear();
  TakeSamples(&polled_);
  // what happened and was pressed for a moment in between counts too
  RawSample newest = polled_.back();
  for (const RawSample& sample : polled_) {
    newest.events |= sample.events;
    for (size_t hand = 0; hand < 2; ++hand) {
      newest.hands[hand].buttons |= sample.hands[hand].buttons;
    }
  }
  return newest;
}

void BrowserDevice::TakeSamples(std::vector<RawSample>* samples) {
  Receive();
  // nothing new; or something happened since, as that its page went
  if (waiting_.empty() || events_ != 0) waiting_.push_back(Newest());
  events_ = 0;
  for (RawSample& sample : waiting_) {
    sample.id = next_id_++;
    samples->push_back(sample);
  }
  waiting_.clear();
  const int64_t now = now_ns_();
  if (leader_ != 0 && now - last_ping_ns_ > kPingNs) {
    last_ping_ns_ = now;
    link_.Reply(leader_, {{"ping", now}});
  }
}

// The newest sample, with what happened since the one before.
RawSample BrowserDevice::Newest() {
  RawSample sample = newest_.raw;
  const int64_t now = now_ns_();
  // neither time runs backwards where pages come and go
  taken_ns_ = std::max(taken_ns_, leader_ == 0 ? now : std::min(sample_ns_, now));
  time_ns_ = std::max(time_ns_, leader_ == 0 ? now + info_.device_minus_monotonic_ns
                                             : newest_.taken_ns + ahead_ns_);
  sample.monotonic_ns = taken_ns_;
  sample.device_time_ns = time_ns_;
  sample.events = events_;
  return sample;
}

Json BrowserDevice::TakeQuality() {
  Json quality{{"clock_drift_ppm", clock_.drift_ppm()},
               {"round_trip_s", 1e-9 * static_cast<double>(clock_.round_trip_ns())},
               {"samples_lost", lost_}};
  lost_ = 0;
  if (!shown_ms_.empty()) {
    quality["shown_after_p50_s"] = 1e-3 * Quantile(shown_ms_, 0.5);
    quality["shown_after_p99_s"] = 1e-3 * Quantile(shown_ms_, 0.99);
  }
  shown_ms_.clear();
  return quality;
}

void BrowserDevice::Haptic(int hand, float amplitude, double seconds) {
  if (leader_ == 0) return;
  link_.Reply(leader_,
              {{"haptic", {{"hand", hand}, {"amplitude", amplitude}, {"seconds", seconds}}}});
}

}  // namespace understudy
