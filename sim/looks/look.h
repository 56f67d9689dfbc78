#pragma once

#include <mujoco/mujoco.h>

#include <algorithm>
#include <optional>
#include <string>

#include "core/spec/scene_variation.h"

namespace understudy {

// How edits of one kind change a model. Each kind has a specialisation in a pair of files of its
// own:
//   static void AddInventory(const mjModel& model, SceneInventory* inventory)
//     everything named that such an edit can change, with its values
//   static void Check(const mjModel& nominal, const Edit& edit)
//     throws Error(kBadInput) if the edit names something unknown or cannot be done
//   void Restore(const mjModel& nominal, mjModel* varied)
//     undoes Apply
//   void Apply(const Edit& edit, mjModel* varied)
//     after Check
// ModelLook has one for every alternative of SceneEdit: a kind without one does not compile.
template <class Edit>
class Look;

// ---- what they share ---------------------------------------------------------------------------

// Empty if the part has no name.
std::string NameOf(const mjModel& model, mjtObj type, int id);

// Id of the part; throws Error(kBadInput) that names the nearest if there is none.
int FindPart(const mjModel& model, mjtObj type, const char* kind, const std::string& name);

template <class T>
Eigen::Vector3d Vector(const T* values) {
  return {values[0], values[1], values[2]};
}

template <class T>
void SetVector(const std::optional<Eigen::Vector3d>& value, T* place) {
  if (!value) return;
  for (int i = 0; i < 3; ++i) place[i] = static_cast<T>((*value)[i]);
}

inline void SetNumber(const std::optional<double>& value, float* place) {
  if (value) *place = static_cast<float>(*value);
}

template <class T>
void CopyNumbers(T* to, const T* from, long long count) {
  std::copy(from, from + count, to);
}

}  // namespace understudy
