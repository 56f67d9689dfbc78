#pragma once

// Success of episodes whose file does not say how they ended.

#include "core/base/json.h"
#include "core/episode/episode.h"

namespace understudy {

// Key of an episode's settings: false where the file that it was imported from does not say how it
// ended. (Its `success` is false then.)
inline constexpr const char* kSuccessKnown = "success_known";
// EpisodeSummary::success_from of such an episode.
inline constexpr const char* kSuccessNotTold = "not told: taken for none";

inline bool IsSuccessKnown(const Json& settings) {
  return !settings.is_object() || settings.value(kSuccessKnown, Json()) != false;
}

// As a user or a task's predicate says it.
inline void SetSuccess(bool success, EpisodeMeta& meta) {
  meta.success = success;
  if (meta.settings.is_object()) meta.settings.erase(kSuccessKnown);
}

}  // namespace understudy
