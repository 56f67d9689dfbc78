#pragma once

#include <string>

#include "core/spec/scene_variation.h"

namespace understudy {

// A renderer draws nothing nearer to a camera than its near plane: a solid that the plane cuts is
// seen open, as a bar across the picture. Returns the name of a solid of the camera that the part
// of the plane in view would cut if the camera stood at X_PC with this field of view; empty if
// there is none. Solids that are cut at the nominal pose belong to the nominal look and do not
// count. Holds for pictures up to 16:9; looks at points 2 mm apart.
std::string CutByNearPlane(const SceneInventory::Camera& camera, const Pose& X_PC, double fovy_deg);

}  // namespace understudy
