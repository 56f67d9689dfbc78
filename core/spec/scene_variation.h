#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/options.h"
#include "core/geometry/pose.h"
#include "core/image/shown_picture.h"

namespace understudy {

// One change to how the scene looks. All values are absolute (already resolved from the defaults),
// so that applying an edit twice is the same as once. Names are those of SceneInventory.
struct LightEdit {
  static constexpr const char* kTag = "light";
  std::string light;
  std::optional<Eigen::Vector3d> position;
  std::optional<Eigen::Vector3d> direction;  // W, normalised on use
  std::optional<Eigen::Vector3d> ambient, diffuse, specular;
  std::optional<bool> active;
  template <class V>
  void Visit(V& v) {
    v("light", light, "name");
    v("position", position, "m, world");
    v("direction", direction, "world");
    v("ambient", ambient, "rgb", Limits{0, 1});
    v("diffuse", diffuse, "rgb", Limits{0, 1});
    v("specular", specular, "rgb in [0, 1]", Limits{0, 1});
    v("active", active, "on or off");
  }
};

struct HeadlightEdit {
  static constexpr const char* kTag = "headlight";
  std::optional<Eigen::Vector3d> ambient, diffuse, specular;
  template <class V>
  void Visit(V& v) {
    v("ambient", ambient, "rgb", Limits{0, 1});
    v("diffuse", diffuse, "rgb", Limits{0, 1});
    v("specular", specular, "rgb in [0, 1]", Limits{0, 1});
  }
};

struct MaterialEdit {
  static constexpr const char* kTag = "material";
  std::string material;
  std::optional<Eigen::Vector4d> rgba;
  std::optional<double> specular, shininess, reflectance, emission;
  template <class V>
  void Visit(V& v) {
    v("material", material, "name");
    v("rgba", rgba, "rgba", Limits{0, 1});
    v("specular", specular, "", Limits{0, 1});
    v("shininess", shininess, "", Limits{0, 1});
    v("reflectance", reflectance, "", Limits{0, 1});
    v("emission", emission, "", Limits{0, 1});
  }
};

// Gives a geom another material of the model: the way of swapping textures that works in every
// version of MuJoCo's renderer.
struct GeomMaterialEdit {
  static constexpr const char* kTag = "geom_material";
  std::string geom, material;
  template <class V>
  void Visit(V& v) {
    v("geom", geom, "name");
    v("material", material, "name");
  }
};

enum class TexturePattern { kFlat, kChecker, kGradient, kNoise, kWood };
template <>
struct EnumNames<TexturePattern> {
  static constexpr std::array kNames{"flat", "checker", "gradient", "noise", "wood"};
};

// Replaces a 2D texture of the model by a generated one, reproducible from these numbers alone, or
// by a picture.
struct TextureEdit {
  static constexpr const char* kTag = "texture";
  static constexpr std::array kUnwritten{"image", "image_hash", "image_repeat"};
  std::string texture;
  TexturePattern pattern = TexturePattern::kFlat;
  Eigen::Vector3d rgb1 = Eigen::Vector3d::Constant(0.8);
  Eigen::Vector3d rgb2 = Eigen::Vector3d::Constant(0.4);
  double cells = 8;
  uint64_t seed = 0;
  ShownPicture image;
  double image_repeat = 1;
  template <class V>
  void Visit(V& v) {
    v("texture", texture, "name");
    v("pattern", pattern, "what is painted");
    v("rgb1", rgb1, "first colour", Limits{0, 1});
    v("rgb2", rgb2, "second colour", Limits{0, 1});
    v("cells", cells, "repeats of the pattern across the texture", Limits{1, 64});
    v("seed", seed, "of noise and wood");
    v("image", image.name, "picture instead of the pattern: its name");
    v("image_hash", image.hash, "of its pixels, by which they are stored");
    v("image_repeat", image_repeat, "times as often across what the texture lies on",
      Limits{0.1, 20});
  }
};

// What is seen where nothing stands: a picture of the whole surroundings (an equirectangular one,
// its middle towards x, its upper edge towards z).
struct SkyEdit {
  static constexpr const char* kTag = "sky";
  ShownPicture image;
  double yaw = 0;
  double exposure = 0;
  std::vector<std::string> hidden;  // geoms that are not drawn: walls in its way
  template <class V>
  void Visit(V& v) {
    v("image", image.name, "name of the picture");
    v("image_hash", image.hash, "of its pixels, by which they are stored");
    v("yaw", yaw, "rad, about z");
    v("exposure", exposure, "stops", Limits{-10, 10});
    v("hidden", hidden, "geoms that are not drawn");
  }
};

struct CameraEdit {
  static constexpr const char* kTag = "camera";
  std::string camera;
  Pose X_PC;  // in the camera's parent body (the world for a fixed camera)
  double fovy_deg = 45;
  template <class V>
  void Visit(V& v) {
    v("camera", camera, "name");
    v("pose", X_PC, "in the parent body");
    v("fovy_deg", fovy_deg, "vertical field of view", Limits{5, 150});
  }
};

// What a camera does to its pictures after they are drawn. Maps of depth and shapes stay exact.
struct PictureEdit {
  static constexpr const char* kTag = "picture";
  std::string camera;
  std::optional<double> exposure;
  std::optional<Eigen::Vector3d> white_balance;
  std::optional<Eigen::Vector2d> motion;
  std::optional<double> noise;
  std::optional<uint64_t> seed;
  std::optional<double> jpeg;
  bool Changes() const { return exposure || white_balance || motion || noise || jpeg; }
  template <class V>
  void Visit(V& v) {
    v("camera", camera, "name");
    v("exposure", exposure, "stops", Limits{-10, 10});
    v("white_balance", white_balance, "factors of red, green and blue light", Limits{0, 100});
    v("motion", motion, "right and down, share of the height, while a picture is taken",
      Limits{-1, 1});
    v("noise", noise, "standard deviation, share of white", Limits{0, 1});
    v("seed", seed, "of the noise, which is new in every step");
    v("jpeg", jpeg, "quality", Limits{1, 100});
  }
};

using SceneEdit = std::variant<LightEdit, HeadlightEdit, MaterialEdit, GeomMaterialEdit,
                               TextureEdit, CameraEdit, PictureEdit, SkyEdit>;

// A look of the scene: edits from the nominal one, in order. Label-safe by construction: no edit
// here reaches physics, states or actions. Empty = nominal.
struct SceneVariation {
  std::vector<SceneEdit> edits;
  template <class V>
  void Visit(V& v) {
    v("edits", edits, "applied in order to the nominal scene");
  }
};

// Calls each(ShownPicture&) for every picture that a look shows.
template <class Variation, class Each>
void EachPicture(Variation& look, Each each) {
  for (auto& edit : look.edits) {
    std::visit(
        [&](auto& one) {
          if constexpr (requires { one.image; }) {
            if (one.image.shown()) each(one.image);
          }
        },
        edit);
  }
}

// What of a scene can be varied, with its nominal values: randomizers work from these, never from
// what an earlier draw left behind.
struct SceneInventory {
  struct Light {
    std::string name;
    Eigen::Vector3d position, direction, ambient, diffuse, specular;
  };
  struct Material {
    std::string name;
    Eigen::Vector4d rgba;
    double specular = 0, shininess = 0, reflectance = 0, emission = 0;
    std::string texture;  // empty: none
  };
  struct Geom {
    std::string name, body, material;
  };
  // A shape that stands still in the frame P of a camera's parent body.
  struct Solid {
    enum class Shape { kBox, kEllipsoid, kCapsule, kCylinder, kHalfSpace };
    std::string name;
    Shape shape = Shape::kBox;
    Pose X_PS;  // capsules and cylinders about z; a half space is below z = 0
    // m: half edges, half axes, (radius, radius, half length of the straight part), not used
    Eigen::Vector3d size = Eigen::Vector3d::Zero();
  };
  struct Camera {
    std::string name;
    Pose X_PC;
    double fovy_deg = 45;
    bool on_robot = false;      // moves with an arm
    double near = 0;            // m: nothing nearer is drawn; 0: unknown
    std::vector<Solid> solids;  // what is drawn and stands still in P
  };
  std::vector<Light> lights;
  Eigen::Vector3d headlight_ambient, headlight_diffuse, headlight_specular;
  std::vector<Material> materials;
  std::vector<Geom> geoms;            // visual ones
  std::vector<std::string> textures;  // 2D, repaintable
  std::vector<Camera> cameras;
};

}  // namespace understudy
