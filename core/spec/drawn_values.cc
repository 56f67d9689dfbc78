#include "core/spec/drawn_values.h"

#include <array>

namespace understudy {
namespace {

// An edit says what it changes in the field of that name.
// Those that name several: the part comes first.
constexpr std::array kKinds{"fixture", "thing",  "light", "material", "geom", "texture",
                            "camera",  "object", "body",  "joint",    "arm",  "actuator"};

template <class Edit>
void Add(const Edit& edit, std::vector<DrawnValue>* values) {
  Json fields = ToJson(edit);
  std::string kind = fields["type"], part;
  fields.erase("type");
  // the material that a geom is given is a value, and the geom the part
  const bool swap = fields.contains("geom") && fields.contains("material");
  for (const std::string known : kKinds) {
    if (!fields.contains(known) || (swap && known == "material")) continue;
    kind = known;
    part = fields[known];
    fields.erase(known);
    break;
  }
  for (const auto& [field, value] : fields.items()) {
    if (!value.is_null()) values->push_back({kind, part, field, value});
  }
}

}  // namespace

std::vector<DrawnValue> DrawnValues(const SceneVariation& look, const PhysicsVariation& physics) {
  std::vector<DrawnValue> values;
  for (const SceneEdit& edit : look.edits) Add(edit, &values);
  for (const PhysicsEdit& edit : physics.edits) Add(edit, &values);
  return values;
}

}  // namespace understudy
