#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/episode/observation.h"
#include "core/geometry/pose.h"
#include "core/seam/scene_view.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// What pages show of an arm beside the scene.
struct LiveArm {
  Pose X_WE_cmd;
  double gripper = -1;  // -1 open, 1 closed
  uint32_t flags = 0;   // TeleopFlag bits
};

// One instant of a running stage.
struct LiveFrame {
  SimState state;
  std::vector<LiveArm> arms;
  int64_t step = 0;
  double sim_time_s = 0;
  bool success = false;
  int64_t sample_ns = 0;  // device's clock: when the sample that led here was taken; 0: none
};

// What a page sends, as it came.
struct BrowserMessage {
  enum class Kind { kOpened, kText, kBytes, kClosed };
  Kind kind = Kind::kText;
  uint64_t page = 0;        // counts connections
  int64_t received_ns = 0;  // CLOCK_MONOTONIC
  std::string content;
};

// A running stage and the pages that show it. All but url belongs to one thread; pages come and go
// as they like.
class BrowserLink {
 public:
  virtual ~BrowserLink() = default;
  // Shows an instant in the place of the one before. Waits for no page, and allocates nothing once
  // it was given a frame of that size.
  virtual void Show(const LiveFrame& frame) = 0;
  // Shows the scene as `look` makes it, from the next instant on.
  virtual void Look(const SceneVariation& look) = 0;
  // Sends `status` to all pages, also to those that open later; an entry replaces an earlier one of
  // the same name. Too slow for every step.
  virtual void Say(const Json& status) = 0;
  // Shows another scene from now on, in the pages that are open and those to come. Throws what
  // `scenes` throws.
  virtual void ChangeScene(const SceneViewFactory& scenes) = 0;
  // Says something to one page alone; to nobody, if it has gone.
  virtual void Reply(uint64_t page, const Json& message) = 0;
  // Appends what pages have sent since the last call, in order.
  virtual void Take(std::vector<BrowserMessage>* messages) = 0;
  // Where to open the page.
  virtual const std::string& url() const = 0;
};

}  // namespace understudy
