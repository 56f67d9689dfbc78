// Poses in option files: {p: [x, y, z], q: [w, x, y, z]}.
#include <fmt/format.h>

#include <cmath>

#include "core/base/options.h"
#include "core/geometry/pose.h"

namespace understudy {

Json WriteForm(const Pose& X_AB) {
  const Eigen::Quaterniond& q = X_AB.rotation();
  return Json{{"p", ToJson(Eigen::Vector3d(X_AB.translation()))},
              {"q", Json::array({q.w(), q.x(), q.y(), q.z()})}};
}

void ReadForm(const Json& json, Pose& X_AB, const std::string& path,
              std::vector<std::string>& problems) {
  const auto complain = [&](const std::string& what) {
    problems.push_back(fmt::format("{}: {}", path.empty() ? "(top)" : path, what));
  };
  if (!options_internal::Expect(json.is_object(), "a pose {p: [x, y, z], q: [w, x, y, z]}", json,
                                path, problems)) {
    return;
  }
  // a file may give either part alone
  Eigen::Vector3d p = X_AB.translation();
  const Eigen::Quaterniond& q0 = X_AB.rotation();
  Eigen::Vector4d q(q0.w(), q0.x(), q0.y(), q0.z());
  for (const auto& [key, item] : json.items()) {
    if (key == "p") {
      ReadJson(item, p, path + ".p", {}, problems);
    } else if (key == "q") {
      ReadJson(item, q, path + ".q", {}, problems);
    } else {
      complain(UnknownName("key", key, {"p", "q"}));
    }
  }
  if (!p.allFinite() || !q.allFinite() || std::abs(q.norm() - 1) > 1e-2) {
    return complain("needs finite numbers and a unit quaternion (w, x, y, z)");
  }
  X_AB = Pose(Eigen::Quaterniond(q[0], q[1], q[2], q[3]), p);
}

}  // namespace understudy
