#include "augment/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// The comment that a file begins with, up to its first full stop.
std::string FirstSentence(const std::string& text) {
  std::string comment;
  for (size_t at = 0; at < text.size() && text[at] == '#';) {
    const size_t end = std::min(text.find('\n', at), text.size());
    size_t start = at + 1;
    while (start < end && text[start] == ' ') ++start;
    if (!comment.empty()) comment += ' ';
    comment += text.substr(start, end - start);
    at = end + 1;
  }
  const size_t stop = comment.find(". ");
  if (stop != std::string::npos) comment.resize(stop);
  if (comment.ends_with('.')) comment.pop_back();
  return comment;
}

}  // namespace

std::vector<ShippedPlan> ShippedPlans(const std::string& folder) {
  std::vector<ShippedPlan> plans;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() != ".yaml") continue;
    const Json file = LoadYaml(entry.path());
    if (!file.is_object() || !file.contains("randomizers")) continue;
    plans.push_back({entry.path().stem().string(), entry.path().string(),
                     FirstSentence(ReadText(entry.path()))});
  }
  std::sort(plans.begin(), plans.end(),
            [](const ShippedPlan& a, const ShippedPlan& b) { return a.name < b.name; });
  return plans;
}

AugmentPlan LoadPlan(const std::string& place, const std::string& folder,
                     const AugmentPlan& defaults) {
  std::error_code none;
  if (fs::exists(place, none)) return FromJson<AugmentPlan>(LoadYaml(place), place, defaults);
  const std::vector<ShippedPlan> shipped = ShippedPlans(folder);
  for (const ShippedPlan& plan : shipped) {
    if (plan.name == place) return FromJson<AugmentPlan>(LoadYaml(plan.path), plan.path, defaults);
  }
  ThrowUsage(fmt::format("{}: no such file; {}", place,
                         UnknownName("shipped plan", place, NamesOf(shipped))));
}

}  // namespace understudy
