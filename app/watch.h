#pragma once

#include <memory>
#include <string>

#include "app/twin.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/episode/action.h"
#include "core/seam/browser_link.h"

namespace understudy {

// Looking at a running stage in a browser.
struct WatchFlags {
  bool watch = false;
  int watch_port = 0;
  bool watch_network = false;
  double watch_speed = 1;
  template <class V>
  void Visit(V& v) {
    v("watch", watch, "show what happens in a page of a browser", Effect::kSpeed);
    v("watch_port", watch_port, "of the page; 0: a free one", Limits{0, 65535}, Effect::kSpeed);
    v("watch_network", watch_network,
      "let devices of the network open the page, over https, once they have said the code that is "
      "printed",
      Effect::kSpeed);
    v("watch_speed", watch_speed,
      "times as fast as it is simulated, at most; what is shown is slowed down to it",
      Limits{0.01, 1000}, Effect::kSpeed);
  }
};

// The page of a running stage, whose addresses go to `progress`. Throws Error(kUsage) where the
// program was built without pages.
std::unique_ptr<BrowserLink> OpenLivePage(const Twin& twin, const WatchFlags& flags,
                                          Progress& progress);

// Simulators of which one at a time is shown, the first that makes a step: its steps are slowed
// down to `speed` times real time, and change in nothing else. `link` must outlive them.
SimulatorFactory Watched(SimulatorFactory simulators, BrowserLink& link, double speed);

// How the scene looks in what simulators of the calling thread do from here on, for those that are
// watched.
void SetWatchedLook(const SceneVariation& look);

// Shows what a step led to. `frame` counts steps; its memory is used again.
void ShowStep(BrowserLink& link, const SimState& state, const Observation& now,
              const Action& command, LiveFrame* frame);

// A stage that is watched where its flags want it: `twin`'s simulators are then Watched. The page
// stays open as long as the result lives; empty: nobody wants to watch.
std::unique_ptr<BrowserLink> WatchStage(const WatchFlags& flags, const std::string& title,
                                        Twin* twin, Progress& progress);

}  // namespace understudy
