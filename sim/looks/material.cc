#include "sim/looks/material.h"

namespace understudy {

void Look<MaterialEdit>::AddInventory(const mjModel& model, SceneInventory* inventory) {
  for (int i = 0; i < static_cast<int>(model.nmat); ++i) {
    const std::string name = NameOf(model, mjOBJ_MATERIAL, i);
    if (name.empty()) continue;
    const float* rgba = model.mat_rgba + 4 * i;
    const int texture = model.mat_texid[i * mjNTEXROLE + mjTEXROLE_RGB];
    inventory->materials.push_back({name,
                                    {rgba[0], rgba[1], rgba[2], rgba[3]},
                                    model.mat_specular[i],
                                    model.mat_shininess[i],
                                    model.mat_reflectance[i],
                                    model.mat_emission[i],
                                    NameOf(model, mjOBJ_TEXTURE, texture)});
  }
}

void Look<MaterialEdit>::Check(const mjModel& nominal, const MaterialEdit& edit) {
  FindPart(nominal, mjOBJ_MATERIAL, "material", edit.material);
}

void Look<MaterialEdit>::Restore(const mjModel& nominal, mjModel* varied) {
  CopyNumbers(varied->mat_rgba, nominal.mat_rgba, nominal.nmat * 4);
  CopyNumbers(varied->mat_specular, nominal.mat_specular, nominal.nmat);
  CopyNumbers(varied->mat_shininess, nominal.mat_shininess, nominal.nmat);
  CopyNumbers(varied->mat_reflectance, nominal.mat_reflectance, nominal.nmat);
  CopyNumbers(varied->mat_emission, nominal.mat_emission, nominal.nmat);
}

void Look<MaterialEdit>::Apply(const MaterialEdit& edit, mjModel* varied) {
  const int id = FindPart(*varied, mjOBJ_MATERIAL, "material", edit.material);
  if (edit.rgba) {
    for (int i = 0; i < 4; ++i) {
      varied->mat_rgba[4 * id + i] = static_cast<float>((*edit.rgba)[i]);
    }
  }
  SetNumber(edit.specular, varied->mat_specular + id);
  SetNumber(edit.shininess, varied->mat_shininess + id);
  SetNumber(edit.reflectance, varied->mat_reflectance + id);
  SetNumber(edit.emission, varied->mat_emission + id);
}

}  // namespace understudy
