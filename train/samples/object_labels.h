#pragma once

#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/geometry/pose.h"
#include "train/samples/normalizer.h"

namespace understudy {

struct TrainingSet;

// An object whose place a network predicts in training, or is given.
struct LabelledObject {
  std::string name;
  int symmetry = 1;
  bool operator==(const LabelledObject&) const = default;
  template <class V>
  void Visit(V& v) {
    v("name", name, "of the task");
    v("symmetry", symmetry, "turns about its z by 2 pi / symmetry look alike; 0: any turn",
      Limits{0, 64});
  }
};

// Numbers per object: p_BO in m (3), then cos and sin of symmetry * psi, where psi is the turn of
// R_BO about z; psi and psi + 2 pi / symmetry look alike and have one label. Round
// objects: 0, 0.
inline constexpr int kObjectLabel = 5;
void EncodeObject(const Pose& X_BO, int symmetry, float* label);
// The same of several, label after label, seen from a base. Requires one pose per object.
std::vector<float> EncodeObjects(const Pose& X_WB, const std::vector<LabelledObject>& objects,
                                 const std::vector<Pose>& X_WO);

// Mean and deviation of the labels of each object, object after object, over the rows that know it.
Normalizer ObjectStatistics(const TrainingSet& set);

}  // namespace understudy
