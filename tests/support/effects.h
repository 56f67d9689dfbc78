#pragma once

#include <map>
#include <string>

#include "core/base/options.h"

namespace understudy {

// The options of a struct that do not change results, by path.
template <class T>
std::map<std::string, Effect> OtherEffects() {
  std::map<std::string, Effect> others;
  for (const FieldInfo& field : ListFields(T{})) {
    if (field.effect != Effect::kResults) others[field.path] = field.effect;
  }
  return others;
}

}  // namespace understudy
