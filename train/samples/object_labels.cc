#include "train/samples/object_labels.h"

#include <cmath>

#include "core/base/error.h"
#include "train/samples/training_set.h"

namespace understudy {

void EncodeObject(const Pose& X_BO, int symmetry, float* label) {
  Require(symmetry >= 0, "a symmetry order is 0 or more");
  for (int i = 0; i < 3; ++i) *label++ = static_cast<float>(X_BO.translation()[i]);

  // twist about z; lying on its head an object has none to prefer
  const Eigen::Quaterniond& q = X_BO.rotation();
  const double psi = std::hypot(q.w(), q.z()) < 1e-9 ? 0 : 2 * std::atan2(q.z(), q.w());
  *label++ = symmetry == 0 ? 0 : static_cast<float>(std::cos(symmetry * psi));
  *label++ = symmetry == 0 ? 0 : static_cast<float>(std::sin(symmetry * psi));
}

std::vector<float> EncodeObjects(const Pose& X_WB, const std::vector<LabelledObject>& objects,
                                 const std::vector<Pose>& X_WO) {
  Require(X_WO.size() == objects.size(), "one pose per object");
  const Pose X_BW = X_WB.Inverse();
  std::vector<float> labels_O(objects.size() * size_t{kObjectLabel});
  for (size_t i = 0; i < objects.size(); ++i) {
    EncodeObject(X_BW * X_WO[i], objects[i].symmetry, &labels_O[i * size_t{kObjectLabel}]);
  }
  return labels_O;
}

Normalizer ObjectStatistics(const TrainingSet& set) {
  std::vector<StatisticsBuilder> builders(set.objects.size(), StatisticsBuilder(kObjectLabel));
  for (const TrainingEpisode& episode : set.episodes) {
    const size_t row_size = episode.objects.size() * size_t{kObjectLabel};
    for (size_t t = 0; t < episode.length; ++t) {
      if (!episode.Learns(t)) continue;
      const float* label = episode.objects_TO.data() + t * row_size;
      for (const size_t object : episode.objects) {
        builders[object].Add(label);
        label += kObjectLabel;
      }
    }
  }

  // an object that hardly moves must not blow up noise: 2 cm, or a fiftieth of the circle
  Normalizer all;
  for (const StatisticsBuilder& builder : builders) {
    all.Append(builder.Build({NormalizerMode::kMeanStd, 0.02}));
  }
  return all;
}

}  // namespace understudy
