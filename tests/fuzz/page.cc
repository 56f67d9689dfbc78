#include <array>
#include <stdexcept>

#include "core/episode/episode.h"
#include "teleop/retarget.h"
#include "teleop/webxr/browser_device.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/targets.h"
#include "tests/teleop/fake_link.h"

namespace understudy {
namespace {

void Check(bool right, const char* law) {
  if (!right) throw std::logic_error(law);
}

// Texts that hold, nearly hold, or are long, deep or none.
std::string TextFrom(Bytes& bytes) {
  static const std::vector<std::string> kSound{
      R"({"hello": {"name": "page", "profile": "keys", "buttons": {"start": "Enter"}}})",
      R"({"hello": {"name": 3, "buttons": [1, null]}})",
      R"({"hello": {"buttons": {"stop": {}}}})",
      R"({"trip": 12.5})",
      R"({"trip": 1e999})",
      R"({"hello": [], "trip": "x"})",
      R"({"hello": {"name": "\ud800", "version": "\u0000"}})"};
  std::string text;
  switch (bytes.Below(4)) {
    case 0:
      return bytes.Text(255);
    case 1:
      return std::string(bytes.Below(60'000), "[{\"0"[bytes.Below(4)]);
    case 2:
      text = R"({"hello": {"name": ")" + std::string(bytes.Below(5000), '\xc3') + R"("}})";
      break;
    default:
      text = bytes.OneOf(kSound);
  }
  for (size_t i = bytes.Below(4); i > 0 && !text.empty(); --i) {
    text[bytes.Below(text.size())] = static_cast<char>(bytes.Take<uint8_t>());
  }
  return text.substr(0, bytes.Below(8) == 0 ? bytes.Below(text.size()) : text.size());
}

}  // namespace

void FuzzPage(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  FakeLink link;
  SampleNumbers numbers;
  int64_t now_ns = 6'000'000'000;
  const auto send = [&](uint64_t page) {
    numbers.at(1) += 1;
    numbers.at(2) = 1e-6 * static_cast<double>(now_ns);
    link.sent.push_back({BrowserMessage::Kind::kBytes, page, now_ns, numbers.Bytes()});
  };
  send(1);
  BrowserDevice device(link, {.wait_s = 0.05, .now_ns = [&] { return now_ns; }});
  SimulatorInfo info;
  info.arms = {"robot0", "robot1"};
  info.X_WB.resize(2);
  const RetargetOptions options;
  TeleopController controller(options, info);
  Observation seen;
  seen.arms.resize(2);
  seen.arms[0].X_WE = Pose::FromTranslation({0.3, 0, 0.3});
  seen.arms[1].X_WE = Pose::FromTranslation({0.3, 0.4, 0.3});
  controller.Reset(seen);
  std::array<Pose, 2> last{seen.arms[0].X_WE, seen.arms[1].X_WE};
  while (!bytes.empty()) {
    std::vector<RawSample> samples;
    for (int i = 0; i < 6; ++i) {
      now_ns += 8'000'000;
      const uint64_t page = 1 + bytes.Below(3);
      switch (bytes.Below(6)) {
        case 0:
          link.sent.push_back({BrowserMessage::Kind::kText, page, now_ns, TextFrom(bytes)});
          break;
        case 1:
          link.sent.push_back({BrowserMessage::Kind::kBytes, page, now_ns, bytes.Text(255)});
          break;
        case 2: {
          // numbers that are none, too large, or in each other's place
          const SampleNumbers sound = numbers;
          for (size_t k = bytes.Below(5); k > 0; --k) {
            numbers.at(bytes.Below(75)) = bytes.Take<double>();
          }
          std::string content = numbers.Bytes();
          if (bytes.Below(4) == 0) content.resize(bytes.Below(700));
          link.sent.push_back({BrowserMessage::Kind::kBytes, page, now_ns, content});
          numbers = sound;
          break;
        }
        case 3: {
          const auto kind =
              bytes.Below(2) ? BrowserMessage::Kind::kOpened : BrowserMessage::Kind::kClosed;
          link.sent.push_back({kind, page, now_ns, ""});
          break;
        }
        default:
          numbers.Hand(1, 2) += 0.01 * (static_cast<double>(bytes.Below(3)) - 1);
          numbers.Hand(1, 24) = bytes.Below(4) != 0;
          send(1);
      }
      samples.push_back(device.Poll());
    }
    const Commanded now = controller.Update(samples, seen, now_ns, 0.05);
    for (size_t i = 0; i < 2; ++i) {
      const Pose& X = now.action.arms[i].X_WE_cmd;
      const double step = (X.translation() - last[i].translation()).norm();
      Check(step <= options.limiter.max_speed * 0.05 + 1e-12, "a command exceeds the limiter");
      const bool held = now.arms[i].flags & kClutchEngaged;
      Check(held || X == last[i], "a command moves without a clutch that holds");
      last[i] = seen.arms[i].X_WE = X;
    }
    // what is said of the device can be said to pages
    Json(device.info().name + device.info().profile + device.info().version).dump();
    for (const auto& [page, message] : link.replies) message.dump();
    link.replies.clear();
  }
}

}  // namespace understudy
