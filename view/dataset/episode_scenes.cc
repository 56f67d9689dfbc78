#include "view/dataset/episode_scenes.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "view/scene/scene_message.h"

namespace understudy {

SceneView& EpisodeScenes::View() {
  if (!views_) ThrowUsage("this program shows no scenes: it was built without MuJoCo");
  if (!view_) view_ = views_();
  return *view_;
}

Json EpisodeScenes::About() {
  try {
    // whether its states are of that scene shows in the first episode
    if (!episodes_.episodes().empty()) Poses(0);
    return {{"shown", true}, {"why", ""}};
  } catch (const Error& error) {
    return {{"shown", false}, {"why", error.what()}};
  }
}

std::string EpisodeScenes::Scene(size_t episode) {
  const EpisodeMeta meta = episodes_.ReadMeta(episode);
  const std::lock_guard lock(mutex_);
  View().SetWorld(meta.physics);
  return SceneMessage(View().Look(meta.variation));
}

std::string EpisodeScenes::Poses(size_t number) {
  const Episode episode = episodes_.ReadEpisode(number);
  const std::lock_guard lock(mutex_);
  SceneView& view = View();
  view.SetWorld(episode.meta.physics);
  std::string message;
  std::vector<float> poses;
  const auto add = [&](const SimState& state) {
    if (state.empty()) {
      ThrowBadInput(episode.meta.name + " holds no states of a simulator to show in 3-D");
    }
    view.Poses(state, &poses);
    message.append(reinterpret_cast<const char*>(poses.data()), poses.size() * sizeof(float));
  };
  for (const Step& step : episode.steps) add(step.state);
  if (!episode.final_state.empty()) add(episode.final_state);
  return message;
}

}  // namespace understudy
