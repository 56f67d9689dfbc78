#include "sim/looks/model_look.h"

#include <utility>

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
  room_ = std::make_unique<TextureRoom>(*nominal, varied);
  std::get<Look<TextureEdit>>(looks_).SetRoom(room_.get());
  std::get<Look<SkyEdit>>(looks_).SetRoom(room_.get());
}

void ModelLook::Apply(const SceneVariation& variation) {
  // nothing is changed unless all can be
  for (const SceneEdit& edit : variation.edits) {
    std::visit([this]<class Edit>(const Edit& one) { Look<Edit>::Check(*nominal_, one); }, edit);
  }
  std::vector<std::shared_ptr<const Image>> pictures;
  EachPicture(variation, [&](const ShownPicture& one) { pictures.push_back(one.Pixels()); });
  pictures_ = std::move(pictures);
  std::apply([this](auto&... look) { (look.Restore(*nominal_, varied_), ...); }, looks_);
  for (const SceneEdit& edit : variation.edits) {
    std::visit(
        [this]<class Edit>(const Edit& one) { std::get<Look<Edit>>(looks_).Apply(one, varied_); },
        edit);
  }
}

std::vector<int> ModelLook::TakeChangedTextures() {
  std::vector<int> changed = std::get<Look<TextureEdit>>(looks_).TakeChanged();
  if (std::get<Look<SkyEdit>>(looks_).TakeChanged()) changed.push_back(room_->sky());
  return changed;
}

}  // namespace understudy
