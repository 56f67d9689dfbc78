#pragma once

#include "core/spec/scene_variation.h"

namespace understudy {

// A scene with one part of every kind that the shipped plan names, and some that it leaves alone.
inline SceneInventory GoldenScene() {
  SceneInventory scene;
  scene.lights = {
      {"key", {0.5, -1, 2.5}, {-0.2, 0.4, -0.9}, {0.1, 0.1, 0.1}, {0.7, 0.6, 0.5}, {0.3, 0.2, 0.1}},
      {"fill", {-1, 1, 2}, {0.3, -0.3, -0.8}, {0, 0, 0}, {0.3, 0.3, 0.4}, {0, 0, 0}}};
  scene.headlight_ambient = {0.3, 0.3, 0.3};
  scene.headlight_diffuse = {0.4, 0.4, 0.4};
  scene.headlight_specular = {0, 0, 0};
  scene.materials = {{"table_cloth", {0.8, 0.7, 0.5, 1}, 0.2, 0.3, 0.1, 0, "table_wood"},
                     {"floor", {0.2, 0.5, 0.9, 1}, 0.5, 0.5, 0, 0, "floor_grid"},
                     {"wall", {0.6, 0.6, 0.6, 0.5}, 0, 0.9, 0, 0.2, ""},
                     {"cube_red", {0.9, 0.1, 0.1, 1}, 0.2, 0.3, 0, 0, ""}};
  scene.geoms = {{"table_top", "table", "table_cloth"}, {"cubeA", "cubeA", "cube_red"}};
  scene.textures = {"table_wood", "floor_grid", "wall_plain", "label"};
  scene.cameras = {{"agentview", PoseFromYaw(0.3, {1, 0, 1.3}), 45, false},
                   {"frontview", PoseFromYaw(-0.5, {1.6, 0, 1.4}), 40, false},
                   {"robot0_eye_in_hand", PoseFromYaw(1.2, {0.05, 0, 0}), 75, true}};
  return scene;
}

}  // namespace understudy
