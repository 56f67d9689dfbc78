#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/geometry/pose.h"

namespace understudy::mjcf {

// A model as MJCF text that one version of MuJoCo loads.
struct FittedModel {
  std::string text;
  // The version that loads it: the one that was wanted, or else the oldest known that does, and
  // then `text` is as it was. Empty: none that is known here.
  std::string version;
  std::vector<std::string> lost;  // what changed, in words
};

// `text` for MuJoCo `version` (one of Schemas()). What is newer than that version is written in its
// words where it has any, and left out where it is about pictures or bounds of a solver; with
// anything else the text stays as it is. A text that the version reads stays as it is, byte for
// byte.
FittedModel FitModel(const std::string& text, const std::string& version);

// `text` with these bodies where they stand, those of them that are mocap bodies: no qpos says
// where they are. By name of the body.
std::string PlaceFixtures(const std::string& text, const std::map<std::string, Pose>& X_WB);

}  // namespace understudy::mjcf
