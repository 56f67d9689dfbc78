#include "sim/reset.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr int kTries = 10000;

// Indices of the first two objects that overlap; {-1, -1} if none do.
std::pair<int, int> FindOverlap(const std::vector<std::optional<Pose>>& poses,
                                const std::vector<double>& radii) {
  for (size_t i = 0; i < poses.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (!poses[i] || !poses[j]) continue;
      const double distance = (poses[i]->translation() - poses[j]->translation()).head<2>().norm();
      if (distance < radii[i] + radii[j]) return {static_cast<int>(j), static_cast<int>(i)};
    }
  }
  return {-1, -1};
}

}  // namespace

std::vector<std::optional<Pose>> DrawPlacement(const TaskSpec& task, const std::string& variant,
                                               const RngKey& key) {
  const ResetVariant& ranges = VariantOf(task, variant);
  const std::vector<std::string> names = task.object_names();
  std::vector<double> radii;
  for (const auto& [name, object] : task.objects) radii.push_back(object.radius);

  Rng rng(key.WithTerm("placement"));
  std::vector<std::optional<Pose>> poses(names.size());
  std::pair<int, int> overlap{-1, -1};
  for (int attempt = 0; attempt < kTries; ++attempt) {
    for (size_t i = 0; i < names.size(); ++i) {
      const PlacementRange* range = PlacementOf(ranges, names[i]);
      if (range == nullptr) continue;
      const double x = rng.Uniform(range->x[0], range->x[1]);
      const double y = rng.Uniform(range->y[0], range->y[1]);
      const double yaw = rng.Uniform(range->yaw[0], range->yaw[1]);
      poses[i] = PoseFromYaw(yaw, ranges.origin + Eigen::Vector3d(x, y, range->z));
    }
    overlap = FindOverlap(poses, radii);
    if (overlap.first < 0) return poses;
  }
  ThrowFailed(fmt::format(
      "task '{}', variant '{}': no free place in {} draws (the last had '{}' and '{}' overlap): "
      "widen their ranges or make their radii smaller",
      task.name, variant, kTries, names[overlap.first], names[overlap.second]));
}

std::map<std::string, double> DrawJoints(const TaskSpec& task, const std::string& variant,
                                         const RngKey& key) {
  std::map<std::string, double> starts;
  for (const auto& [name, range] : VariantOf(task, variant).objects) {
    if (!range.joint) continue;
    Rng rng(key.WithTerm("joint " + name));
    starts[name] = rng.Uniform((*range.joint)[0], (*range.joint)[1]);
  }
  return starts;
}

}  // namespace understudy
