#pragma once

#include <string>

#include "core/seam/scene_view.h"

namespace understudy {

// A scene for view/page/twin.js: the length of a JSON text as 4 bytes, the text, and the numbers
// that it refers to as {"at": byte behind the text, "count"}, from a multiple of 4 on. All of it
// little-endian.
std::string SceneMessage(const SceneLook& look);

}  // namespace understudy
