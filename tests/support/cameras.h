#pragma once

#include <vector>

#include "core/seam/dataset_header.h"
#include "core/seam/renderer.h"

namespace understudy {

// Parameters for the cameras of `header`, different for each.
inline std::vector<CameraParameters> CamerasOf(const DatasetHeader& header) {
  std::vector<CameraParameters> cameras;
  for (size_t c = 0; c < header.cameras.size(); ++c) {
    const auto place = static_cast<double>(c);
    cameras.push_back({header.image_width, header.image_height, 40 + 10 * place,
                       Pose::FromTranslation({0.5 + place, -0.25, 1.5})});
  }
  return cameras;
}

}  // namespace understudy
