#include "data/formats/family/typical_episode.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "data/formats/family/foreign_parts.h"
#include "data/store/meta.h"

namespace understudy::foreign {

std::vector<h5::Group> FirstEpisodes(const h5::Group& data) {
  constexpr size_t kEnough = 16, kMost = 1024;
  std::vector<h5::Group> demos;
  const std::vector<std::string> names = EpisodeNames(data);
  for (size_t i = 0; i < std::min(kMost, names.size()) && demos.size() < kEnough; ++i) {
    try {
      h5::Group demo = data.Open(names[i]);
      LengthOf(demo);
      demos.push_back(std::move(demo));
    } catch (const Error&) {
      // reading it says so
    }
  }
  return demos;
}

namespace {

bool HasDamage(const h5::Group& demo) {
  bool damaged = false;
  VisitNumbers(
      demo, [&](const std::string&, const h5::DatasetInfo& info) { damaged |= info.dims.empty(); });
  return damaged;
}

// Names and widths of the actions and observations of an episode, pictures among them.
std::vector<std::string> ShapesOf(const h5::Group& demo) {
  std::vector<std::string> shapes;
  const auto add = [&](const std::string& path) {
    if (path == "obs/object" || !demo.IsArray(path)) return;
    try {
      std::vector<hsize_t> dims = demo.Info(path).dims;
      if (!dims.empty()) dims.erase(dims.begin());
      shapes.push_back(fmt::format("{} ({})", path, fmt::join(dims, ", ")));
    } catch (const Error&) {
      // the reader of the episode says what is damaged
    }
  };
  add("actions");
  for (const std::string& name : NamesIn(demo, "obs")) add("obs/" + name);
  return shapes;
}

// Leaves those of which `describe` says what it says of most, of the first such kind.
template <class Describe>
void KeepMost(std::vector<h5::Group>* demos, Describe describe) {
  std::vector<std::vector<std::string>> all;
  for (const h5::Group& demo : *demos) all.push_back(describe(demo));
  const auto most = std::ranges::max_element(
      all, {}, [&](const auto& one) { return std::ranges::count(all, one); });
  std::vector<h5::Group> kept;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i] == *most) kept.push_back(std::move((*demos)[i]));
  }
  *demos = std::move(kept);
}

}  // namespace

std::optional<h5::Group> TypicalEpisode(const Dialect& dialect, const h5::Group& data,
                                        const Json& env) {
  std::vector<h5::Group> demos = FirstEpisodes(data);
  const auto of_dialect = [&](const h5::Group& demo) { return dialect.recognises(demo, env); };
  if (std::any_of(demos.begin(), demos.end(), of_dialect)) {
    std::erase_if(demos, [&](const h5::Group& demo) { return !of_dialect(demo); });
  }
  if (!std::all_of(demos.begin(), demos.end(), HasDamage)) std::erase_if(demos, HasDamage);
  KeepMost(&demos, [&](const h5::Group& demo) {
    return dialect.names == nullptr ? std::vector<std::string>{} : dialect.names(demo);
  });
  KeepMost(&demos, ShapesOf);
  if (demos.empty()) return std::nullopt;
  return std::move(demos[0]);
}

}  // namespace understudy::foreign
