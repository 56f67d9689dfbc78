#include "sim/looks/model_look.h"

#include "core/base/error.h"

namespace understudy {

SceneInventory MakeInventory(const mjModel& model) {
  SceneInventory inventory;
  [&]<class... Edit>(const std::variant<Edit...>*) {
    (Look<Edit>::AddInventory(model, &inventory), ...);
  }(static_cast<const SceneEdit*>(nullptr));
  return inventory;
}

ModelLook::ModelLook(const mjModel* nominal, mjModel* varied) : nominal_(nominal), varied_(varied) {
  Require(nominal != nullptr && varied != nullptr && nominal != varied &&
              nominal->nmat == varied->nmat && nominal->ntexdata == varied->ntexdata,
          "a look is a copy of its nominal model");
}

void ModelLook::Apply(const SceneVariation& variation) {
  // nothing is changed unless all can be
  for (const SceneEdit& edit : variation.edits) {
    std::visit([this]<class Edit>(const Edit& one) { Look<Edit>::Check(*nominal_, one); }, edit);
  }
  std::apply([this](auto&... look) { (look.Restore(*nominal_, varied_), ...); }, looks_);
  for (const SceneEdit& edit : variation.edits) {
    std::visit(
        [this]<class Edit>(const Edit& one) { std::get<Look<Edit>>(looks_).Apply(one, varied_); },
        edit);
  }
}

}  // namespace understudy
