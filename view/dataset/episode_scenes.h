#pragma once

// Stored episodes as scenes that the page draws.

#include <memory>
#include <mutex>
#include <string>

#include "core/base/json.h"
#include "core/seam/episode_source.h"
#include "core/seam/scene_view.h"

namespace understudy {

// Thread-safe. The scene is made when it is first asked for.
class EpisodeScenes {
 public:
  // `episodes` must outlive this. `views` may be empty: there are no scenes then.
  EpisodeScenes(const EpisodeSource& episodes, SceneViewFactory views)
      : episodes_(episodes), views_(std::move(views)) {}

  // {"shown": whether there are scenes, by the first episode; "why": why not}
  Json About();
  // SceneMessage of an episode, with its draws. Throws Error where there are no scenes.
  std::string Scene(size_t episode);
  // Where the bodies are at every step and after the last: 7 floats per body (SceneView::Poses).
  // Throws Error(kBadInput) where its states are not of the scene.
  std::string Poses(size_t episode);

 private:
  SceneView& View();  // under the mutex

  const EpisodeSource& episodes_;
  const SceneViewFactory views_;
  std::mutex mutex_;
  std::unique_ptr<SceneView> view_;
};

}  // namespace understudy
