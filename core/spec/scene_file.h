#pragma once

#include <functional>
#include <string>

namespace understudy {

// One of the files that a scene is made of: MJCF, mesh, height field, skin, picture, or the specs.
struct SceneFile {
  std::string path;  // below the folder that the scene is put into, with '/' between folders
  std::string hash;  // ContentHash of the content
  // The content. Throws Error(kBadInput) where it cannot be read, or is not that of `hash`.
  std::function<std::string()> read;

  bool operator==(const SceneFile& other) const { return path == other.path && hash == other.hash; }
};

}  // namespace understudy
