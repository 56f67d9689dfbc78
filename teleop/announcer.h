#pragma once

#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/seam/browser_link.h"
#include "core/seam/teleop_device.h"
#include "teleop/retarget.h"

namespace understudy {

// How a moment is said to an operator: the same words on the terminal, on pages and on the panel in
// the headset.
struct Announcement {
  std::string phase;  // what is
  std::string hint;   // what to do next; may be empty
  std::string mood;   // "good", "bad" or ""
  std::string cue;    // sound and vibration: "ready", "start", "engaged", "lost", "found",
                      // "clamped", "success", "saved", "discarded", "ended" or ""
  bool operator==(const Announcement&) const = default;
};

// The moments of a session, in words. `arms` is the number of arms: with one, hands go unnamed.
namespace moments {
Announcement DeviceFound(const DeviceInfo& device);
Announcement Ready(const DeviceInfo& device);
Announcement Recording(const DeviceInfo& device);
// `accepts`: what the start button does now.
Announcement Engaged(const DeviceInfo& device, int hand, size_t arms,
                     const std::string& accepts = "accepts");
Announcement Lost(const DeviceInfo& device, int hand, size_t arms, ClutchLoss why);
Announcement Found(const DeviceInfo& device, int hand, size_t arms);
Announcement Clamped(int hand, size_t arms);
Announcement Success();
Announcement Saved();
Announcement Discarded(const std::string& cause);
Announcement PolicyActs(const DeviceInfo& device);
Announcement EpisodeFailed(const std::string& cause);
Announcement SetAside(int64_t attempt);
Announcement NothingToRepeat();
Announcement Ended(const std::string& why, const std::string& kept);
}  // namespace moments

// Reports to the operator where the session stands, and shows pages what happens. One thread.
class Announcer {
 public:
  // `link` and `terminal` may be null and must outlive this; with neither it does nothing.
  Announcer(BrowserLink* link, Progress* terminal) : link_(link), terminal_(terminal) {}

  // Says a moment, unless it is the one that was said last; what became of an attempt, every time.
  void Say(const Announcement& moment);
  // How many demonstrations there are.
  void Count(int64_t done, int64_t wanted);
  // What pages say beside the moments: task, instruction, where the operator stands.
  void Describe(const Json& facts);
  // Says what began in a step: a clutch that took hold, was lost or found again, clamping.
  // `accepts` as in moments::Engaged.
  void Step(const DeviceInfo& device, const std::vector<int>& hands, const Commanded& commanded,
            const char* accepts = "accepts");
  // Forgets which hands were lost: a new attempt begins.
  void NewAttempt() { lost_.clear(); }
  void Show(const LiveFrame& frame);
  bool shows() const { return link_ != nullptr; }

 private:
  BrowserLink* link_;
  Progress* terminal_;
  Announcement last_;
  int64_t cues_ = 0;
  std::vector<char> lost_;  // by arm: lost, and not found again
  int clamped_ = -1;        // hand whose clamping was said last: no text is made to say it again
};

}  // namespace understudy
