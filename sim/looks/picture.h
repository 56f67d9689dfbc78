#pragma once

#include <cstdint>
#include <vector>

#include "core/image/image.h"
#include "sim/looks/look.h"

namespace understudy {

// What cameras do to pictures: exposure and colours, then motion, then noise, then compression,
// whatever the order of the edits.
template <>
class Look<PictureEdit> {
 public:
  static void AddInventory(const mjModel&, SceneInventory*) {}  // cameras are those of CameraEdit
  static void Check(const mjModel& nominal, const PictureEdit& edit);
  void Restore(const mjModel&, mjModel*) { edits_.clear(); }
  void Apply(const PictureEdit& edit, mjModel*) { edits_.push_back(edit); }

  // Of a picture that `camera` took at `time` (s): its noise is that of the time.
  void Develop(const std::string& camera, double time, Image* image) const;

 private:
  std::vector<PictureEdit> edits_;
};

}  // namespace understudy
