#include "augment/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace understudy {
namespace {

using Eigen::Vector3d;
using Eigen::Vector4d;

// ---- colours ---------------------------------------------------------------------------------

// Smith 1978, "Color gamut transform pairs": hue in turns.
Vector3d RgbToHsv(const Vector3d& rgb) {
  const double high = rgb.maxCoeff(), low = rgb.minCoeff(), chroma = high - low;
  double hue = 0;
  if (chroma > 0) {
    if (high == rgb[0]) {
      hue = (rgb[1] - rgb[2]) / chroma / 6;
    } else if (high == rgb[1]) {
      hue = (2 + (rgb[2] - rgb[0]) / chroma) / 6;
    } else {
      hue = (4 + (rgb[0] - rgb[1]) / chroma) / 6;
    }
  }
  return {hue - std::floor(hue), high > 0 ? chroma / high : 0, high};
}

Vector3d HsvToRgb(const Vector3d& hsv) {
  const auto channel = [&](double offset) {
    const double k = std::fmod(offset + 6 * (hsv[0] - std::floor(hsv[0])), 6);
    return hsv[2] - hsv[2] * hsv[1] * std::clamp(std::min(k, 4 - k), 0.0, 1.0);
  };
  return {channel(5), channel(3), channel(1)};
}

Vector3d Clamp01(const Vector3d& v) { return v.cwiseMax(0).cwiseMin(1); }

// ---- small draws -----------------------------------------------------------------------------

double In(Rng& rng, const std::array<double, 2>& range) { return rng.Uniform(range[0], range[1]); }
double Around(Rng& rng, double half_width) { return rng.Uniform(-half_width, half_width); }

Vector3d InBox(Rng& rng, double half_width) {
  const double x = Around(rng, half_width), y = Around(rng, half_width);
  return {x, y, Around(rng, half_width)};
}

// Uniform direction on the sphere.
Vector3d RandomAxis(Rng& rng) {
  const double z = rng.Uniform(-1, 1), angle = rng.Uniform(0, 2 * std::numbers::pi);
  const double r = std::sqrt(std::max(0.0, 1 - z * z));
  return {r * std::cos(angle), r * std::sin(angle), z};
}

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return GlobMatch(pattern, name); });
}

// The stream of one named thing under one randomizer.
Rng StreamOf(const RngKey& key, const std::string& randomizer, const std::string& thing) {
  return Rng(key.WithTerm(randomizer + "/" + thing));
}

// ---- one randomizer each ---------------------------------------------------------------------

struct Drawer {
  const SceneInventory& scene;
  const RngKey& key;
  const std::string& name;
  std::vector<SceneEdit>& edits;

  void operator()(const LightRandomizer& r) {
    for (const SceneInventory::Light& light : scene.lights) {
      if (!MatchesAny(r.lights, light.name)) continue;
      Rng rng = StreamOf(key, name, light.name);
      LightEdit edit{.light = light.name};
      edit.position = light.position + InBox(rng, r.position);
      const Vector3d axis = RandomAxis(rng);
      edit.direction = RotationExp(rng.Uniform(0, r.direction) * axis) * light.direction;
      const Vector3d tint = Vector3d::Ones() + InBox(rng, r.tint);
      const double intensity = In(rng, r.intensity);
      edit.diffuse = Clamp01(intensity * light.diffuse.cwiseProduct(tint));
      edit.specular = Clamp01(intensity * light.specular.cwiseProduct(tint));
      edit.ambient = Clamp01(In(rng, r.ambient) * light.ambient);
      edits.push_back(edit);
    }
  }

  void operator()(const HeadlightRandomizer& r) {
    Rng rng = StreamOf(key, name, "headlight");
    HeadlightEdit edit;
    edit.ambient = Clamp01(In(rng, r.ambient) * scene.headlight_ambient);
    edit.diffuse = Clamp01(In(rng, r.diffuse) * scene.headlight_diffuse);
    edits.push_back(edit);
  }

  void operator()(const MaterialRandomizer& r) {
    for (const SceneInventory::Material& material : scene.materials) {
      if (!MatchesAny(r.materials, material.name)) continue;
      Rng rng = StreamOf(key, name, material.name);
      const Vector3d rgb = material.rgba.head<3>();
      Vector3d hsv = RgbToHsv(rgb);
      hsv[0] += Around(rng, r.hue);
      hsv[1] = std::clamp(hsv[1] + Around(rng, r.saturation), 0.0, 1.0);
      hsv[2] = std::clamp(hsv[2] + Around(rng, r.value), 0.0, 1.0);
      MaterialEdit edit{.material = material.name};
      // a zero-width draw must give back the nominal colour to the last bit
      const bool recolour = r.hue > 0 || r.saturation > 0 || r.value > 0;
      const Vector3d drawn = recolour ? Clamp01(HsvToRgb(hsv)) : rgb;
      edit.rgba = Vector4d(drawn[0], drawn[1], drawn[2], material.rgba[3]);
      edit.specular = std::clamp(material.specular + Around(rng, r.shine), 0.0, 1.0);
      edit.shininess = std::clamp(material.shininess + Around(rng, r.shine), 0.0, 1.0);
      edits.push_back(edit);
    }
  }

  void operator()(const TextureRandomizer& r) {
    for (const std::string& texture : scene.textures) {
      if (!MatchesAny(r.textures, texture) || r.patterns.empty()) continue;
      Rng rng = StreamOf(key, name, texture);
      if (rng.Uniform() >= r.probability) continue;
      TextureEdit edit{.texture = texture};
      edit.pattern = r.patterns[rng.UniformInt(r.patterns.size())];
      const double hue = rng.Uniform(), value = In(rng, r.value);
      edit.rgb1 = HsvToRgb({hue, In(rng, r.saturation), value});
      edit.rgb2 = HsvToRgb({hue + Around(rng, 0.1), In(rng, r.saturation),
                            std::clamp(value + Around(rng, r.contrast), 0.0, 1.0)});
      edit.cells = std::round(In(rng, r.cells));
      edit.seed = rng.NextU64() >> 11;  // exact as a JSON number
      edits.push_back(edit);
    }
  }

  void operator()(const MaterialSwapRandomizer& r) {
    std::vector<std::string> choices;
    for (const SceneInventory::Material& material : scene.materials) {
      if (MatchesAny(r.materials, material.name)) choices.push_back(material.name);
    }
    for (const SceneInventory::Geom& geom : scene.geoms) {
      if (!MatchesAny(r.geoms, geom.name) || choices.empty()) continue;
      Rng rng = StreamOf(key, name, geom.name);
      if (rng.Uniform() >= r.probability) continue;
      edits.push_back(GeomMaterialEdit{geom.name, choices[rng.UniformInt(choices.size())]});
    }
  }

  void operator()(const CameraRandomizer& r) {
    for (const SceneInventory::Camera& camera : scene.cameras) {
      if (!MatchesAny(r.cameras, camera.name)) continue;
      Rng rng = StreamOf(key, name, camera.name);
      CameraEdit edit{.camera = camera.name};
      const Vector3d shift = InBox(rng, r.position);
      const Vector3d axis = RandomAxis(rng);
      const double angle = rng.Uniform(0, r.rotation);
      // turned about its own centre, so that the view stays on the scene
      edit.X_PC = Pose(camera.X_PC.rotation() * RotationExp(angle * axis),
                       camera.X_PC.translation() + shift);
      edit.fovy_deg = std::clamp(camera.fovy_deg + Around(rng, r.fovy_deg), 5.0, 150.0);
      edits.push_back(edit);
    }
  }
};

// Collects the faults of one randomizer.
struct Checker {
  const SceneInventory& scene;
  const std::string& name;
  Problems& problems;

  template <class T>
  std::vector<std::string> Names(const std::vector<T>& things) {
    std::vector<std::string> names;
    for (const T& thing : things) names.push_back(thing.name);
    return names;
  }
  void Match(const char* field, const std::vector<std::string>& patterns,
             const std::vector<std::string>& known) {
    for (const std::string& pattern : patterns) {
      const bool hit = std::any_of(known.begin(), known.end(),
                                   [&](const std::string& k) { return GlobMatch(pattern, k); });
      if (!hit) {
        problems.push_back(fmt::format("randomizers.{}.{}: '{}' matches nothing; {}", name, field,
                                       pattern, UnknownName("name", pattern, known)));
      }
    }
  }
  void Range(const char* field, const std::array<double, 2>& range) {
    if (range[0] <= range[1]) return;
    problems.push_back(
        fmt::format("randomizers.{}.{}: [{}, {}] is no range", name, field, range[0], range[1]));
  }
  void operator()(const LightRandomizer& r) {
    Match("lights", r.lights, Names(scene.lights));
    Range("intensity", r.intensity);
    Range("ambient", r.ambient);
  }
  void operator()(const HeadlightRandomizer& r) {
    Range("ambient", r.ambient);
    Range("diffuse", r.diffuse);
  }
  void operator()(const MaterialRandomizer& r) {
    Match("materials", r.materials, Names(scene.materials));
  }
  void operator()(const TextureRandomizer& r) {
    Match("textures", r.textures, scene.textures);
    Range("value", r.value);
    Range("saturation", r.saturation);
    Range("cells", r.cells);
  }
  void operator()(const MaterialSwapRandomizer& r) {
    Match("geoms", r.geoms, Names(scene.geoms));
    Match("materials", r.materials, Names(scene.materials));
  }
  void operator()(const CameraRandomizer& r) { Match("cameras", r.cameras, Names(scene.cameras)); }
};

template <class... R>
std::vector<std::string> Tags(const std::variant<R...>*) {
  return {R::kTag...};
}

}  // namespace

std::vector<std::string> RandomizerNames() { return Tags(static_cast<const Randomizer*>(nullptr)); }

bool GlobMatch(std::string_view pattern, std::string_view name) {
  // greedy with one point of return: the last star
  size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
      ++p;
      ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string> Validate(const AugmentPlan& plan, const SceneInventory& scene) {
  Problems problems;
  for (const auto& [name, randomizer] : plan.randomizers) {
    std::visit(Checker{scene, name, problems}, randomizer);
  }
  return problems;
}

SceneVariation Draw(const AugmentPlan& plan, const SceneInventory& scene, const RngKey& key) {
  SceneVariation variation;
  for (const auto& [name, randomizer] : plan.randomizers) {
    std::visit(Drawer{scene, key, name, variation.edits}, randomizer);
  }
  return variation;
}

}  // namespace understudy
