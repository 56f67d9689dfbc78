#include "app/shipped.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "app/registry.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "train/evaluate/evaluate.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// The comment lines at the beginning of a file, joined.
std::string FirstComment(const std::string& text) {
  std::istringstream in(text);
  std::string comment;
  for (std::string line; std::getline(in, line) && line.starts_with("#");) {
    line.erase(0, line.find_first_not_of("# "));
    comment += (comment.empty() ? "" : " ") + line;
  }
  return comment;
}

const char* KeyOf(ShippedKind kind) { return kind == ShippedKind::kPlan ? "randomizers" : "steps"; }

}  // namespace

std::vector<ShippedFile> ListShipped(ShippedKind kind) {
  std::vector<ShippedFile> files;
  const fs::path folder = HomeFolder() / "demo";
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string text = ReadText(entry.path());
    if (!ParseYaml(text, entry.path().string()).contains(KeyOf(kind))) continue;
    files.push_back({entry.path().stem().string(), entry.path().string(), FirstComment(text)});
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

std::vector<ShippedFile> ShippedCheckpoints() {
  std::vector<ShippedFile> found;
  const fs::path folder = HomeFolder() / "checkpoints";
  if (!fs::is_directory(folder)) return found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory()) continue;
    ShippedFile checkpoint{entry.path().filename().string(), entry.path().string(), ""};
    if (const fs::path record = entry.path() / kCheckpointRecord; fs::exists(record)) {
      const EvalReport report = ReadEvalReport(LoadJson(record), record.string());
      checkpoint.description = fmt::format("succeeded in {} of {} episodes of {}", report.successes,
                                           report.episodes.size(), report.options.variant);
    }
    found.push_back(std::move(checkpoint));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return found;
}

std::string ShippedCheckpoint(const std::string& task) {
  for (const ShippedFile& checkpoint : ShippedCheckpoints()) {
    if (checkpoint.name == task) return checkpoint.path;
  }
  ThrowUsage(
      fmt::format("no checkpoint ships for task '{}' ({} does not exist): train one with "
                  "`understudy train`, then name it with --checkpoint FOLDER",
                  task, (HomeFolder() / "checkpoints" / task).string()));
}

std::string FindShipped(ShippedKind kind, const std::string& place) {
  if (place.empty() || fs::is_regular_file(place)) return place;
  const bool is_path = place.find('/') != std::string::npos || fs::path(place).has_extension();
  if (is_path) {
    const fs::path below = HomeFolder() / place, named = HomeFolder() / "demo" / place;
    if (fs::path(place).is_relative() && fs::is_regular_file(below)) return below.string();
    if (fs::path(place).is_relative() && fs::is_regular_file(named)) return named.string();
    return place;
  }
  std::vector<std::string> names;
  for (const ShippedFile& file : ListShipped(kind)) {
    if (file.name == place) return file.path;
    names.push_back(file.name);
  }
  ThrowUsage(UnknownName(kind == ShippedKind::kPlan ? "plan" : "pipeline", place, names) +
             " Or give the path of a file.");
}

}  // namespace understudy
