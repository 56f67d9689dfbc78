#include "view/scene/scene_message.h"

#include <bit>
#include <cstring>

#include "core/base/json.h"

namespace understudy {
namespace {

static_assert(std::endian::native == std::endian::little);

// Numbers that go behind the text.
class Numbers {
 public:
  template <class T>
  Json Add(const std::vector<T>& values) {
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
    const Json place{{"at", bytes_.size()}, {"count", values.size()}};
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    return place;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

Json PoseJson(const Pose& X) {
  const Eigen::Quaterniond& q = X.rotation();
  const Eigen::Vector3d& p = X.translation();
  return {p.x(), p.y(), p.z(), q.w(), q.x(), q.y(), q.z()};
}

Json ShapeJson(const SceneShape& shape) {
  return {{"name", shape.name},
          {"body", shape.body},
          {"kind", EnumNames<SceneShapeKind>::kNames.at(static_cast<size_t>(shape.kind))},
          {"pose", PoseJson(shape.X_BS)},
          {"size", shape.size},
          {"mesh", shape.mesh},
          {"picture", shape.picture},
          {"repeat", shape.repeat},
          {"uniform", shape.uniform},
          {"rgba", shape.rgba},
          {"specular", shape.specular},
          {"shininess", shape.shininess},
          {"emission", shape.emission}};
}

Json LightJson(const SceneLight& light) {
  return {{"body", light.body},         {"directional", light.directional},
          {"place", light.p_BL},        {"direction", light.d_BL},
          {"ambient", light.ambient},   {"diffuse", light.diffuse},
          {"specular", light.specular}, {"cutoff_deg", light.cutoff_deg},
          {"exponent", light.exponent}};
}

}  // namespace

std::string SceneMessage(const SceneLook& look) {
  Numbers numbers;
  Json json{{"bodies", look.bodies},
            {"parents", look.parents},
            {"sky", look.sky},
            {"center", look.center},
            {"extent", look.extent},
            {"headlight",
             {{"ambient", look.headlight_ambient},
              {"diffuse", look.headlight_diffuse},
              {"specular", look.headlight_specular}}}};
  for (const char* list : {"hands", "shapes", "meshes", "pictures", "lights", "cameras"}) {
    json[list] = Json::array();
  }
  for (const SceneHand& hand : look.hands) {
    json["hands"].push_back(
        {{"arm", hand.arm}, {"body", hand.body}, {"pose", PoseJson(hand.X_BE)}});
  }
  for (const SceneShape& shape : look.shapes) json["shapes"].push_back(ShapeJson(shape));
  for (const SceneMesh& mesh : look.meshes) {
    json["meshes"].push_back({{"positions", numbers.Add(mesh.positions)},
                              {"normals", numbers.Add(mesh.normals)},
                              {"texture_places", numbers.Add(mesh.texture_places)}});
  }
  for (const ScenePicture& picture : look.pictures) {
    json["pictures"].push_back({{"width", picture.width},
                                {"height", picture.height},
                                {"cube", picture.cube},
                                {"rgb", numbers.Add(picture.rgb)}});
  }
  for (const SceneLight& light : look.lights) json["lights"].push_back(LightJson(light));
  for (const SceneCamera& camera : look.cameras) {
    json["cameras"].push_back({{"name", camera.name},
                               {"body", camera.body},
                               {"pose", PoseJson(camera.X_BC)},
                               {"fovy_deg", camera.fovy_deg}});
  }
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 3) / 4 * 4, ' ');
  const auto length = static_cast<uint32_t>(text.size());
  std::string message(4, '\0');
  std::memcpy(message.data(), &length, 4);
  return message + text + numbers.bytes();
}

}  // namespace understudy
