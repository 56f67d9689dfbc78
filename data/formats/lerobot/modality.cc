// GR00T's modality.json against the features of the dataset.

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/lerobot/lerobot_tables.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ModalityFaults(const LerobotFolder& folder,
                                                                Json* sound) {
  const std::string name = "meta/modality.json";
  const fs::path file = folder.path / name;
  std::vector<std::pair<std::string, std::string>> faults;
  const auto fail = [&](const std::string& what) { faults.emplace_back(name, what); };
  std::error_code none;
  if (!fs::exists(file, none)) return faults;
  Json json;
  try {
    json = ParsePythonJson(ReadSmallText(file), file.string());
    if (!json.is_object()) ThrowBadInput(file.string() + ": must be a mapping");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kBadInput) throw;
    const std::string what = error.what(), begins = file.string() + ": ";
    fail(what.starts_with(begins) ? what.substr(begins.size()) : what);
    return faults;
  }
  Json kept = json;
  const auto each = [&](const char* kind, const auto& check) {
    const auto entries = json.find(kind);
    if (entries == json.end()) return;
    if (!entries->is_object()) {
      kept.erase(kind);
      return fail(fmt::format("{} must be a mapping", kind));
    }
    for (const auto& [key, entry] : entries->items()) {
      const std::string at = fmt::format("{}.{}", kind, key);
      const size_t before = faults.size();
      if (!entry.is_object()) {
        fail(at + " must be a mapping");
      } else {
        std::string original;
        if (entry.contains("original_key") && entry["original_key"].is_string()) {
          original = entry["original_key"];
        }
        check(at, key, entry, original);
      }
      if (faults.size() > before) kept[kind].erase(key);
    }
  };

  // slices of the vectors
  for (const char* kind : {"state", "action"}) {
    each(kind,
         [&](const std::string& at, const std::string&, const Json& entry, std::string original) {
           if (original.empty())
             original = std::string(kind) == "state" ? "observation.state" : "action";
           const LerobotFeature* feature = folder.Find(original);
           if (feature == nullptr) {
             return fail(
                 fmt::format("{}: '{}' is no feature of numbers in meta/info.json", at, original));
           }
           const auto whole = [&](const char* field) {
             const auto found = entry.find(field);
             return found != entry.end() && found->is_number_integer() ? found->get<int64_t>() : -1;
           };
           const int64_t start = whole("start"), end = whole("end");
           const auto width = static_cast<int64_t>(feature->width());
           if (start >= 0 && start < end && end <= width) return;
           fail(fmt::format("{}: numbers {} to {} of {}, which has {}: 0 <= start < end <= {}", at,
                            entry.value("start", Json()).dump(), entry.value("end", Json()).dump(),
                            original, width, width));
         });
  }
  each("video",
       [&](const std::string& at, const std::string& key, const Json&, std::string original) {
         if (original.empty()) original = "observation.images." + key;
         if (Has(folder.films, original) || Has(folder.pictures, original)) return;
         fail(fmt::format("{}: '{}' is no camera of meta/info.json", at, original));
       });
  each("annotation",
       [&](const std::string& at, const std::string& key, const Json&, std::string original) {
         if (original.empty()) original = "annotation." + key;
         if (folder.Find(original) != nullptr || Has(folder.texts, original)) return;
         fail(fmt::format("{}: '{}' is no feature of meta/info.json", at, original));
       });
  if (sound != nullptr) *sound = std::move(kept);
  return faults;
}

}  // namespace understudy
