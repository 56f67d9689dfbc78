#include "data/formats/hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kScheme = "hf:";

struct HubName {
  std::string user, name, revision;
  fs::path file;  // within the dataset; empty: the dataset
};

// "hf:user/name@revision/folder/file"
HubName ParseName(const std::string& given) {
  const auto refuse = [&]() {
    ThrowUsage(
        fmt::format("'{}': a dataset of the hub is hf:USER/NAME, hf:USER/NAME@REVISION or "
                    "hf:USER/NAME/FILE",
                    given));
  };
  std::string rest = given.substr(kScheme.size());
  const size_t slash = rest.find('/');
  if (slash == std::string::npos) refuse();
  HubName name;
  name.user = rest.substr(0, slash);
  rest = rest.substr(slash + 1);
  const size_t end = rest.find('/');
  if (end != std::string::npos) name.file = rest.substr(end + 1);
  name.name = rest.substr(0, end);
  const size_t at = name.name.find('@');
  if (at != std::string::npos) {
    name.revision = name.name.substr(at + 1);
    name.name = name.name.substr(0, at);
  }
  const auto sound = [](const std::string& part) {
    return !part.empty() && part[0] != '.' &&
           std::all_of(part.begin(), part.end(), [](unsigned char c) {
             return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
           });
  };
  const bool climbs = std::find(name.file.begin(), name.file.end(), "..") != name.file.end();
  const bool right = sound(name.user) && sound(name.name) && !climbs &&
                     (at == std::string::npos || sound(name.revision));
  if (!right) refuse();
  return name;
}

std::optional<fs::path> Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(value);
}

fs::path CacheHome() {
  if (const auto home = Variable("HF_HOME")) return *home;
  if (const auto cache = Variable("XDG_CACHE_HOME")) return *cache / "huggingface";
  return Variable("HOME").value_or("/") / ".cache" / "huggingface";
}

std::string FirstLine(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// A snapshot of the hub's cache: of the revision (a tag, a branch or a commit), else of main, else
// the only one that there is.
std::optional<fs::path> Snapshot(const fs::path& repository, const std::string& revision) {
  std::error_code none;
  const fs::path snapshots = repository / "snapshots";
  for (const std::string& commit :
       {FirstLine(repository / "refs" / (revision.empty() ? "main" : revision)), revision}) {
    if (!commit.empty() && fs::is_directory(snapshots / commit, none)) return snapshots / commit;
  }
  if (!revision.empty()) return std::nullopt;
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(snapshots, none)) all.push_back(entry.path());
  if (all.size() == 1) return all[0];
  return std::nullopt;
}

}  // namespace

fs::path DatasetPath(const fs::path& given) {
  const std::string text = given.string();
  if (!text.starts_with(kScheme)) return given;
  const HubName name = ParseName(text);
  const fs::path home = CacheHome(), cache = Variable("HF_HUB_CACHE").value_or(home / "hub"),
                 lerobot = Variable("HF_LEROBOT_HOME").value_or(home / "lerobot");
  std::error_code none;
  const fs::path repository = cache / fmt::format("datasets--{}--{}", name.user, name.name);
  std::vector<fs::path> places;
  if (const auto snapshot = Snapshot(repository, name.revision)) places.push_back(*snapshot);
  // LeRobot's own copies say nothing of their revision
  if (name.revision.empty()) places.push_back(lerobot / name.user / name.name);
  for (const fs::path& place : places) {
    const fs::path found = name.file.empty() ? place : place / name.file;
    if (fs::exists(found, none)) return found;
  }
  ThrowBadInput(fmt::format(
      "{}: is not in '{}' nor in '{}'; `hf download --repo-type dataset{} {}/{}{}` downloads it",
      text, cache.string(), lerobot.string(),
      name.revision.empty() ? "" : " --revision " + name.revision, name.user, name.name,
      name.file.empty() ? "" : " " + name.file.string()));
}

}  // namespace understudy
