#include "augment/randomizers/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace understudy {

using Eigen::Vector3d;

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return GlobMatch(pattern, name); });
}

void PartCheck::Match(const char* field, const std::vector<std::string>& patterns,
                      const std::vector<std::string>& known) {
  for (const std::string& pattern : patterns) {
    const bool hit = std::any_of(known.begin(), known.end(),
                                 [&](const std::string& k) { return GlobMatch(pattern, k); });
    if (!hit) {
      Complain(field, fmt::format("'{}' matches nothing; {}", pattern,
                                  UnknownName("name", pattern, known)));
    }
  }
}

void PartCheck::Range(const char* field, const std::array<double, 2>& range) {
  if (range[0] <= range[1]) return;
  Complain(field,
           fmt::format("[{}, {}]: the low end must not be above the high end", range[0], range[1]));
}

void PartCheck::Complain(const char* field, const std::string& what) {
  faulty = true;
  problems.push_back(fmt::format("randomizers.{}.{}: {}", name, field, what));
}

void PartCheck::Pictures(const std::vector<std::string>& images, const std::string& images_hash,
                         const FoundPictures& found) {
  if (images.empty()) {
    if (!images_hash.empty()) Complain("images_hash", "there are no images");
    return;
  }
  if (!found.looked) Complain("images", "pictures are of no use here");
  for (const std::string& problem : found.problems) Complain("images", problem);
  // one sentence for all randomizers
  if (!found.missing.empty()) {
    faulty = true;
    if (!std::ranges::count(problems, found.missing)) problems.push_back(found.missing);
    return;
  }
  if (found.looked && found.problems.empty() && images_hash != found.hash) {
    Complain("images_hash",
             fmt::format("{}: the pictures here are others ({})", images_hash, found.hash));
  }
}

void CheckVariable(PhysicsCheck& check, const std::vector<std::string>& objects, const char* what,
                   std::string PhysicsInventory::Object::*fixed) {
  for (const std::string& pattern : objects) {
    std::string complaint;
    bool variable = false;
    for (const auto& object : check.world.objects) {
      if (!GlobMatch(pattern, object.name)) continue;
      variable |= (object.*fixed).empty();
      complaint =
          fmt::format("the {} of '{}' cannot be varied: {}", what, object.name, object.*fixed);
    }
    if (!variable && !complaint.empty()) check.Complain("objects", complaint);
  }
}

double In(Rng& rng, const std::array<double, 2>& range) { return rng.Uniform(range[0], range[1]); }

double Around(Rng& rng, double half_width) { return rng.Uniform(-half_width, half_width); }

Vector3d InBox(Rng& rng, double half_width) {
  const double x = Around(rng, half_width), y = Around(rng, half_width);
  return {x, y, Around(rng, half_width)};
}

std::array<double, 2> Stretched(const std::array<double, 2>& factors, double severity,
                                double most) {
  if (severity == 1) return factors;
  const auto end = [&](double factor) {
    return std::clamp(1 + severity * (factor - 1), 0.0, most);
  };
  return {end(factors[0]), end(factors[1])};
}

Vector3d RandomAxis(Rng& rng) {
  const double z = rng.Uniform(-1, 1), angle = rng.Uniform(0, 2 * std::numbers::pi);
  const double r = std::sqrt(std::max(0.0, 1 - z * z));
  return {r * std::cos(angle), r * std::sin(angle), z};
}

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

}  // namespace understudy
