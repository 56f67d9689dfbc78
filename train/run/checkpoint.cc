#include "train/run/checkpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/spec/carried_scene.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPolicyFolder = "pretrained_model";
constexpr const char* kStateFolder = "training_state";
constexpr const char* kSceneFolder = "scene";  // below the policy's

// Raw weights among an engine's tensors stand in a file of their own.
bool IsWeight(const std::string& name) {
  return name.starts_with("weights.") || name.starts_with("weights/");
}

void SyncFolder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const std::string reason = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  if (!synced) ThrowFailed(fmt::format("{}: fsync failed: {}", folder.string(), reason));
}

// names every file of a folder; the last file written to it
void WriteManifest(const fs::path& folder) {
  Json files = Json::object();
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory()) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  for (const fs::path& file : found) {
    files[file.lexically_relative(folder).generic_string()] =
        Json{{"bytes", fs::file_size(file)}, {"hash", FileHash(file)}};
  }
  WriteTextAtomically(folder / "manifest.json", Json{{"files", files}}.dump(2) + "\n");
  SyncFolder(folder);
}

// Checks that the folder holds what its manifest says and returns the manifest's files.
Json CheckManifest(const fs::path& folder, const std::vector<std::string>& needed) {
  const fs::path file = folder / "manifest.json";
  if (!fs::exists(file)) {
    ThrowBadInput(fmt::format("{}: no manifest.json: not a whole checkpoint", folder.string()));
  }
  const Json manifest = LoadJson(file);
  const Json files = manifest.is_object() ? manifest.value("files", Json()) : Json();
  if (!files.is_object()) ThrowBadInput(file.string() + ": names no files");
  for (const std::string& name : needed) {
    if (!files.contains(name)) {
      ThrowBadInput(fmt::format("{}: does not name {}", file.string(), name));
    }
  }
  for (const auto& [name, entry] : files.items()) {
    const fs::path path = folder / name;
    if (!fs::is_regular_file(path)) {
      ThrowBadInput(fmt::format("{}: missing, but named in the manifest", path.string()));
    }
    const std::string hash = FileHash(path);
    if (!entry.is_object() || entry.value("hash", Json()) != hash) {
      ThrowBadInput(
          fmt::format("{}: hash {} differs from the manifest's: the file was changed or damaged",
                      path.string(), hash));
    }
  }
  return files;
}

int64_t ParseStep(const std::string& name) {
  int64_t step = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  return error == std::errc() && end == name.data() + name.size() && name.size() >= 6 ? step : -1;
}

std::string StepName(int64_t step) { return fmt::format("{:06}", step); }

// The checkpoint folder that a user's `place` means.
fs::path FindCheckpoint(const fs::path& place) {
  const bool whole = fs::is_directory(place / kPolicyFolder);
  if (whole || fs::is_directory(place / kStateFolder)) return place;
  const std::vector<int64_t> steps = ListCheckpoints(place);
  if (!steps.empty()) {
    const fs::path last = place / "checkpoints" / "last";
    // a crash between rename and link leaves `last` behind: the newest one counts
    const fs::path newest = place / "checkpoints" / StepName(steps.back());
    return fs::is_directory(last) && fs::equivalent(last, newest) ? last : newest;
  }
  if (!fs::exists(place)) ThrowBadInput(place.string() + ": no such checkpoint or run");
  ThrowBadInput(
      fmt::format("{}: holds no checkpoint: give a run of `understudy train`, one of its "
                  "checkpoints/<step>, or a pretrained_model folder",
                  place.string()));
}

// What to do about a damaged checkpoint, of which `half` is pretrained_model or training_state.
std::string WayOn(const fs::path& half) {
  std::error_code none;
  // `last` is a link to the folder that must go
  const fs::path checkpoint = fs::canonical(half.parent_path(), none);
  const int64_t step = none ? -1 : ParseStep(checkpoint.filename().string());
  if (step < 0 || checkpoint.parent_path().filename() != "checkpoints") {
    return "take another copy of this policy";
  }
  const fs::path run = checkpoint.parent_path().parent_path();
  int64_t before = -1;
  for (const int64_t other : ListCheckpoints(run)) before = other < step ? other : before;
  if (before < 0) {
    return fmt::format(
        "checkpoint {} is damaged and the run has none before it: train again with --overwrite",
        StepName(step));
  }
  return fmt::format(
      "checkpoint {} is damaged: remove the folder {} to resume from checkpoint {}, the one before "
      "it",
      StepName(step), checkpoint.string(), StepName(before));
}

// CheckManifest, with the way on if the folder is damaged.
Json CheckHalf(const fs::path& half, const std::vector<std::string>& needed) {
  try {
    return CheckManifest(half, needed);
  } catch (const Error& error) {
    ThrowBadInput(fmt::format("{}; {}", error.what(), WayOn(half)));
  }
}

fs::path FindPolicy(const fs::path& place) {
  if (fs::is_regular_file(place)) return place;  // of another program
  if (fs::exists(place / "config.json") && fs::exists(place / "model.safetensors")) return place;
  return FindCheckpoint(place) / kPolicyFolder;
}

// What opens FindPolicy's place where another program wrote it; null: it is one of ours. Such
// folders have no manifest, and their config.json names a type and no format; a file is safetensors
// whose metadata name the type.
const PolicyType* ForeignType(const fs::path& place) {
  fs::path file = place;
  Json named;
  if (fs::is_regular_file(place)) {
    const TensorFile tensors = ReadSafetensors(place);
    const auto type = tensors.metadata.find("type");
    if (type == tensors.metadata.end()) {
      ThrowBadInput(fmt::format(
          "{}: does not say which policy it holds (metadata 'type'): give a run, or a file that "
          "tools/robomimic_to_safetensors.py wrote",
          place.string()));
    }
    named = type->second;
  } else {
    file = place / "config.json";
    if (fs::exists(place / "manifest.json") || !fs::exists(file)) return nullptr;
    const Json config = LoadJson(file);
    if (!config.is_object() || config.contains("format")) return nullptr;
    if (!config.contains("type")) return nullptr;
    named = config["type"];
  }
  std::vector<std::string> opened;
  for (const PolicyType& type : PolicyTypes()) {
    if (!type.open_foreign) continue;
    if (named == type.name) return &type;
    opened.push_back(type.name);
  }
  ThrowBadInput(
      fmt::format("{}: a policy of another program, of type {}: of those only {} are opened",
                  file.string(), named.dump(), fmt::join(opened, ", ")));
}

void WriteParts(const fs::path& part, const PolicyConfig& config, const TensorMap& weights,
                const Json& train_config, const Json& training_run, const TrainingState& state,
                const std::vector<SceneFile>& scene) {
  const fs::path policy = part / kPolicyFolder, training = part / kStateFolder;
  fs::create_directories(policy);
  fs::create_directories(training);
  WriteTextAtomically(policy / "config.json", ToJson(config).dump(2) + "\n");
  WriteTextAtomically(policy / "train_config.json", train_config.dump(2) + "\n");
  WriteTextAtomically(policy / "training_run.json", training_run.dump(2) + "\n");
  WriteSafetensors(policy / "model.safetensors", weights, {{"format", "understudy"}});
  if (!scene.empty()) WriteScene(scene, policy / kSceneFolder, "the training data");
  WriteManifest(policy);

  TensorMap raw, optimizer;
  for (const auto& [name, blob] : state.engine) {
    (IsWeight(name) ? raw : optimizer).emplace(name, blob);
  }
  WriteTextAtomically(training / "training_step.json", Json{{"step", state.step}}.dump() + "\n");
  WriteTextAtomically(training / "sampler.json", state.sampler.dump(2) + "\n");
  WriteSafetensors(training / "weights.safetensors", raw);
  WriteSafetensors(training / "optimizer_state.safetensors", optimizer);
  WriteManifest(training);
  SyncFolder(part);
}

// A link is replaced in one step, too.
void SetLink(const fs::path& link, const fs::path& target) {
  fs::path part = link;
  part += ".part";
  fs::remove(part);
  fs::create_directory_symlink(target, part);
  fs::rename(part, link);
}

}  // namespace

std::vector<int64_t> ListCheckpoints(const fs::path& run) {
  std::vector<int64_t> steps;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(run / "checkpoints", none)) {
    // a folder gets its name when it is whole: one that lacks something was damaged later
    const int64_t step = ParseStep(entry.path().filename().string());
    if (step >= 0 && entry.is_directory(none)) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

fs::path SaveCheckpoint(const fs::path& run, const PolicyConfig& config, const TensorMap& weights,
                        const Json& train_config, const Json& training_run,
                        const TrainingState& state, int keep, const std::vector<SceneFile>& scene,
                        std::optional<int64_t> best, const std::vector<int64_t>& needed) {
  Require(state.step >= 0 && keep >= 0, "steps and counts are not negative");
  const fs::path home = run / "checkpoints", target = home / StepName(state.step);
  const fs::path part = home / (StepName(state.step) + ".part"),
                 old = home / (StepName(state.step) + ".old");
  try {
    fs::create_directories(home);
    // what killed runs left
    for (const fs::path& entry : std::vector<fs::path>{part, old}) fs::remove_all(entry);
    WriteParts(part, config, weights, train_config, training_run, state, scene);
    if (fs::exists(target)) fs::rename(target, old);
    fs::rename(part, target);
    fs::remove_all(old);

    SetLink(home / "last", target.filename());
    if (best && fs::exists(home / StepName(*best))) SetLink(home / "best", StepName(*best));
    SyncFolder(home);

    const std::vector<int64_t> steps = ListCheckpoints(run);
    for (size_t i = 0; keep > 0 && i + static_cast<size_t>(keep) < steps.size(); ++i) {
      const bool wanted = steps[i] == state.step || steps[i] == best ||
                          std::find(needed.begin(), needed.end(), steps[i]) != needed.end();
      if (!wanted) fs::remove_all(home / StepName(steps[i]));
    }
  } catch (const fs::filesystem_error& error) {
    ThrowFailed(fmt::format("checkpoint {}: {}", target.string(), error.what()));
  }
  return target;
}

void MarkBest(const fs::path& run, int64_t step) {
  const fs::path home = run / "checkpoints";
  if (!fs::is_directory(home / StepName(step))) return;
  try {
    SetLink(home / "best", StepName(step));
    SyncFolder(home);
  } catch (const fs::filesystem_error& error) {
    ThrowFailed(fmt::format("{}: {}", (home / "best").string(), error.what()));
  }
}

PolicyArtefact LoadPolicy(const fs::path& place) {
  PolicyArtefact result;
  result.folder = FindPolicy(place);
  if (const PolicyType* type = ForeignType(result.folder)) return type->open_foreign(result.folder);
  const Json files = CheckHalf(result.folder, {"config.json", "model.safetensors"});
  const fs::path config = result.folder / "config.json";
  result.config = ParsePolicyConfig(LoadJson(config), config.string());
  result.weights = ReadSafetensors(result.folder / "model.safetensors").tensors;
  Hasher hasher;
  hasher.Add(files["config.json"]["hash"].get<std::string>());
  hasher.Add(files["model.safetensors"]["hash"].get<std::string>());
  result.hash = hasher.Hex();
  return result;
}

fs::path SceneOfPolicy(const fs::path& place) {
  const fs::path scene = FindPolicy(place) / kSceneFolder;
  return fs::is_directory(scene) ? scene : fs::path();
}

PolicyConfig LoadPolicyConfig(const fs::path& place) {
  const fs::path folder = FindPolicy(place);
  if (const PolicyType* type = ForeignType(folder)) return type->open_foreign(folder).config;
  const fs::path config = folder / "config.json";
  return ParsePolicyConfig(LoadJson(config), config.string());
}

TrainingState LoadTrainingState(const fs::path& checkpoint) {
  const fs::path folder = FindCheckpoint(checkpoint) / kStateFolder;
  CheckHalf(folder, {"training_step.json", "sampler.json", "weights.safetensors",
                     "optimizer_state.safetensors"});
  TrainingState state;
  const Json step = LoadJson(folder / "training_step.json");
  if (!step.is_object() || !step.contains("step") || !step["step"].is_number_unsigned()) {
    ThrowBadInput((folder / "training_step.json").string() + ": names no step");
  }
  state.step = step["step"].get<int64_t>();
  state.sampler = LoadJson(folder / "sampler.json");
  state.engine = ReadSafetensors(folder / "optimizer_state.safetensors").tensors;
  state.engine.merge(ReadSafetensors(folder / "weights.safetensors").tensors);
  return state;
}

Json LoadTrainingRun(const fs::path& place) {
  const fs::path file = FindPolicy(place) / "training_run.json";
  return fs::exists(file) ? LoadJson(file) : Json::object();  // older programs wrote none
}

Json LoadTrainConfig(const fs::path& place) {
  const fs::path folder = FindPolicy(place);
  // a file of that name has other options there
  if (const PolicyType* type = ForeignType(folder)) {
    return {{"policy", type->open_foreign(folder).config.network}};
  }
  return LoadJson(folder / "train_config.json");
}

}  // namespace understudy
