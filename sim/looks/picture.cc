#include "sim/looks/picture.h"

#include <bit>

#include "core/base/rng.h"
#include "core/image/camera_effects.h"

namespace understudy {

void Look<PictureEdit>::Check(const mjModel& nominal, const PictureEdit& edit) {
  FindPart(nominal, mjOBJ_CAMERA, "camera", edit.camera);
}

void Look<PictureEdit>::Develop(const std::string& camera, double time, Image* image) const {
  const auto each = [&](const auto& apply) {
    for (const PictureEdit& edit : edits_) {
      if (edit.camera == camera) apply(edit);
    }
  };
  each([&](const PictureEdit& edit) {
    if (!edit.exposure && !edit.white_balance) return;
    Expose(edit.exposure.value_or(0), edit.white_balance.value_or(Eigen::Vector3d::Ones()), image);
  });
  each([&](const PictureEdit& edit) {
    if (edit.motion) BlurAlong(image->height * *edit.motion, image);
  });
  each([&](const PictureEdit& edit) {
    if (!edit.noise) return;
    const RngKey key = RngKey{edit.seed.value_or(0)}.WithTerm(std::bit_cast<uint64_t>(time));
    AddNoise(*edit.noise, Rng(key.WithStage(camera)).NextU64(), image);
  });
  each([&](const PictureEdit& edit) {
    if (edit.jpeg) CompressAsJpeg(static_cast<int>(*edit.jpeg), image);
  });
}

}  // namespace understudy
