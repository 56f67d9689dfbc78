#include "teleop/announcer.h"

#include <fmt/format.h>

namespace understudy {
namespace {

// "right hand" where there are two arms to tell apart, else "hand".
std::string HandName(int hand, size_t arms) {
  if (arms < 2) return "hand";
  return hand == 0 ? "left hand" : "right hand";
}

}  // namespace

namespace moments {

Announcement DeviceFound(const DeviceInfo& device) {
  const std::string profile = device.profile.empty() ? "" : ", " + device.profile;
  return {.phase = fmt::format("found {} {}{}", device.name, device.version, profile)};
}

Announcement Ready(const DeviceInfo& device) {
  return {
      .phase = "ready",
      .hint = fmt::format(
          "{} starts; {} draws another start; {} records the last one saved again; {} ends "
          "the session",
          device.buttons.start, device.buttons.reset, device.buttons.again, device.buttons.stop),
      .cue = "ready"};
}

Announcement Recording(const DeviceInfo& device) {
  return {.phase = "recording",
          .hint = fmt::format("{} to move the arm; {} closes the gripper; {} accepts, {} discards",
                              device.buttons.engage, device.buttons.gripper, device.buttons.start,
                              device.buttons.discard),
          .cue = "start"};
}

Announcement Engaged(const DeviceInfo& device, int hand, size_t arms, const std::string& accepts) {
  return {.phase = HandName(hand, arms) + " engaged",
          .hint = fmt::format("{} closes the gripper; {} {}, {} discards", device.buttons.gripper,
                              device.buttons.start, accepts, device.buttons.discard),
          .cue = "engaged"};
}

Announcement Lost(const DeviceInfo& device, int hand, size_t arms, ClutchLoss why) {
  return {.phase = fmt::format("{} lost: {}", HandName(hand, arms),
                               EnumNames<ClutchLoss>::kNames.at(static_cast<size_t>(why))),
          .hint = fmt::format("the arm holds still; let go, then {}", device.buttons.engage),
          .mood = "bad",
          .cue = "lost"};
}

Announcement Found(const DeviceInfo& device, int hand, size_t arms) {
  return {.phase = HandName(hand, arms) + " found again",
          .hint = fmt::format("let go, then {} to go on", device.buttons.engage),
          .cue = "found"};
}

Announcement Clamped(int hand, size_t arms) {
  return {.phase = HandName(hand, arms) + " too fast or too far: the arm follows at its limit",
          .hint = "wait for it, or let go and take hold again nearer",
          .cue = "clamped"};
}

Announcement Success() {
  return {.phase = "success: hold still", .mood = "good", .cue = "success"};
}

Announcement Saved() { return {.phase = "saved", .mood = "good", .cue = "saved"}; }

Announcement Discarded(const std::string& cause) {
  return {.phase = "not saved: " + cause, .mood = "bad", .cue = "discarded"};
}

Announcement PolicyActs(const DeviceInfo& device) {
  return {.phase = "the policy acts",
          .hint = fmt::format("{} to take over; {} discards the episode, {} ends it as a failure, "
                              "{} ends all",
                              device.buttons.engage, device.buttons.discard, device.buttons.reset,
                              device.buttons.stop),
          .cue = "ready"};
}

Announcement EpisodeFailed(const std::string& cause) {
  return {.phase = "failed: " + cause, .mood = "bad", .cue = "discarded"};
}

Announcement SetAside(int64_t attempt) {
  return {.phase = fmt::format("attempt {} is set aside: the same start again", attempt),
          .cue = "discarded"};
}

Announcement NothingToRepeat() { return {.phase = "nothing is saved yet that could be repeated"}; }

Announcement Ended(const std::string& why, const std::string& kept) {
  return {.phase = "ended: " + why, .hint = kept, .cue = "ended"};
}

}  // namespace moments

void Announcer::Say(const Announcement& moment) {
  const bool outcome = moment.cue == "saved" || moment.cue == "discarded";
  if (moment == last_ && !outcome) return;
  last_ = moment;
  clamped_ = -1;
  if (terminal_ != nullptr) {
    terminal_->Message(moment.hint.empty() ? moment.phase
                                           : moment.phase + " (" + moment.hint + ")");
  }
  if (link_ == nullptr) return;
  Json status{{"phase", moment.phase}, {"hint", moment.hint}, {"mood", moment.mood}};
  if (!moment.cue.empty()) status["cue"] = {{"id", ++cues_}, {"name", moment.cue}};
  link_->Say(status);
}

void Announcer::Count(int64_t done, int64_t wanted) {
  if (link_ != nullptr) {
    link_->Say({{"count", fmt::format("{} of {} demonstrations", done, wanted)},
                {"done", done},
                {"wanted", wanted}});
  }
}

void Announcer::Describe(const Json& facts) {
  if (link_ != nullptr) link_->Say(facts);
}

void Announcer::Step(const DeviceInfo& device, const std::vector<int>& hands,
                     const Commanded& commanded, const char* accepts) {
  const size_t arms = commanded.cues.size();
  lost_.resize(arms);
  for (size_t i = 0; i < arms; ++i) {
    const HandCue& cue = commanded.cues[i];
    if (cue.lost != ClutchLoss::kNone) {
      lost_[i] = true;
      Say(moments::Lost(device, hands[i], arms, cue.lost));
    } else if (cue.engaged) {
      lost_[i] = false;
      Say(moments::Engaged(device, hands[i], arms, accepts));
    } else if (lost_[i] && (commanded.arms[i].flags & kTracked)) {
      lost_[i] = false;
      Say(moments::Found(device, hands[i], arms));
    } else if (cue.clamped && clamped_ != hands[i]) {
      Say(moments::Clamped(hands[i], arms));
      clamped_ = hands[i];
    }
  }
}

void Announcer::Show(const LiveFrame& frame) {
  if (link_ != nullptr) link_->Show(frame);
}

}  // namespace understudy
