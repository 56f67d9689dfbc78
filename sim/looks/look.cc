#include "sim/looks/look.h"

#include <vector>

#include "core/base/error.h"

namespace understudy {

std::string NameOf(const mjModel& model, mjtObj type, int id) {
  const char* name = id < 0 ? nullptr : mj_id2name(&model, type, id);
  return name == nullptr ? "" : name;
}

int FindPart(const mjModel& model, mjtObj type, const char* kind, const std::string& name) {
  const int id = mj_name2id(&model, type, name.c_str());
  if (id >= 0) return id;
  const auto count = type == mjOBJ_LIGHT      ? model.nlight
                     : type == mjOBJ_MATERIAL ? model.nmat
                     : type == mjOBJ_TEXTURE  ? model.ntex
                     : type == mjOBJ_GEOM     ? model.ngeom
                                              : model.ncam;
  std::vector<std::string> names;
  for (int i = 0; i < static_cast<int>(count); ++i) {
    const std::string known = NameOf(model, type, i);
    if (!known.empty()) names.push_back(known);
  }
  ThrowBadInput("scene variation: " + UnknownName(kind, name, names));
}

}  // namespace understudy
