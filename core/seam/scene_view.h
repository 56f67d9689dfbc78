#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/episode/observation.h"
#include "core/spec/physics_variation.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// The look of a scene for somebody who draws it on their own, such as a page in a browser. Lengths
// in m, colours in [0, 1] without gamma, as the renderer of this program takes them.

// Triangles; every corner has a vertex of its own, so that the lists are of one length.
struct SceneMesh {
  std::vector<float> positions, normals;  // 3 per corner
  std::vector<float> texture_places;      // 2 per corner; empty: the mesh has none
};

struct ScenePicture {
  int width = 0, height = 0;  // of a cube: 6 faces of one width below one another
  bool cube = false;          // faces right, left, up, down, front, back
  std::vector<uint8_t> rgb;   // the first row is where the texture coordinate is 0
};

enum class SceneShapeKind { kPlane, kSphere, kCapsule, kEllipsoid, kCylinder, kBox, kMesh };
template <>
struct EnumNames<SceneShapeKind> {
  static constexpr std::array kNames{"plane",    "sphere", "capsule", "ellipsoid",
                                     "cylinder", "box",    "mesh"};
};

struct SceneShape {
  std::string name;  // may be empty
  int body = 0;      // place in SceneLook::bodies
  SceneShapeKind kind = SceneShapeKind::kBox;
  Pose X_BS;
  // half sizes of a box, plane (0: without end) and ellipsoid; radius of a sphere; radius and half
  // length along z of the others
  std::array<float, 3> size{};
  int mesh = -1, picture = -1;        // places in SceneLook; -1: none
  std::array<float, 2> repeat{1, 1};  // of the picture, per unit of length where `uniform`
  bool uniform = false;
  std::array<float, 4> rgba{1, 1, 1, 1};
  float specular = 0.5f, shininess = 0.5f, emission = 0;
};

struct SceneLight {
  int body = 0;
  bool directional = false;
  std::array<float, 3> p_BL{}, d_BL{0, 0, -1};  // place and direction
  std::array<float, 3> ambient{}, diffuse{}, specular{};
  float cutoff_deg = 180, exponent = 0;  // of a spot: its light falls off as cos^exponent
};

struct SceneCamera {
  std::string name;
  int body = 0;
  Pose X_BC;  // looks along -z, y up
  float fovy_deg = 45;
};

// The hand of an arm, which pages show a second time where it is commanded to.
struct SceneHand {
  std::string arm;
  int body = 0;  // that carries the control frame E; fingers hang from it
  Pose X_BE;
};

struct SceneLook {
  std::vector<std::string> bodies;  // the first is the world
  std::vector<int> parents;         // of the bodies
  std::vector<SceneHand> hands;
  std::vector<SceneShape> shapes;
  std::vector<SceneMesh> meshes;
  std::vector<ScenePicture> pictures;
  std::vector<SceneLight> lights;
  std::vector<SceneCamera> cameras;
  std::array<float, 3> headlight_ambient{}, headlight_diffuse{}, headlight_specular{};
  int sky = -1;                   // picture around the scene
  std::array<float, 3> center{};  // where to look at first
  float extent = 1;               // of the scene
};

// Looks of one scene and the places of its bodies. Used by one thread at a time.
class SceneView {
 public:
  virtual ~SceneView() = default;

  // Shows states of this world (Simulator::SetWorld), from the nominal one on. Ask for looks and
  // poses again after it.
  void SetWorld(const PhysicsVariation& variation) { DoSetWorld(variation); }

  // The scene as `variation` makes it look. Throws Error(kBadInput) where an edit names something
  // that the scene lacks.
  SceneLook Look(const SceneVariation& variation = {}) { return DoLook(variation); }

  // Where the bodies are in `state`, or in its flat part [time, qpos, qvel]: by body, 7 numbers
  // each, position and quaternion wxyz in the world. Allocates nothing once `poses` was filled.
  // Throws Error(kBadInput) for a state of another scene.
  void Poses(const SimState& state, std::vector<float>* poses) { DoPoses(state, poses); }

  // Where things touch in the state last placed: 3 numbers each, world.
  void Contacts(std::vector<float>* places) { DoContacts(places); }

 private:
  // By default it shows the nominal world only.
  virtual void DoSetWorld(const PhysicsVariation& variation) {
    RequireNominal(variation, "this view");
  }
  virtual SceneLook DoLook(const SceneVariation& variation) = 0;
  virtual void DoPoses(const SimState& state, std::vector<float>* poses) = 0;
  virtual void DoContacts(std::vector<float>* places) = 0;
};

// Makes a view. Safe to call from any thread.
using SceneViewFactory = std::function<std::unique_ptr<SceneView>()>;

}  // namespace understudy
