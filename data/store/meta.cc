#include "data/store/meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/base/options.h"
#include "core/image/image.h"
#include "core/seam/renderer.h"
#include "data/store/hdf5/creation.h"
#include "data/store/numbered_name.h"
#include "data/store/scene_files.h"
#include "data/store/shown_pictures.h"

namespace understudy {
namespace {

// Listings of values whose homes have none.
struct StoredLimits {
  double linear = 0, angular = 0;
  template <class V>
  void Visit(V& v) {
    v("linear", linear, "m per policy step");
    v("angular", angular, "rad per policy step");
  }
};

using JointNames = std::vector<std::vector<std::string>>;  // by arm

// Those of every arm where the names of arm 0 are `first`: "robot0_joint1" is "robot1_joint1" of
// robot1, and names without their arm's are the same for all.
JointNames NamesLike(const std::vector<std::string>& first, const std::vector<std::string>& arms) {
  if (first.empty()) return {};
  JointNames all{first};
  for (size_t a = 1; a < arms.size(); ++a) {
    const std::string prefix = arms[0] + "_";
    std::vector<std::string>& names = all.emplace_back(first);
    for (std::string& name : names) {
      if (name.starts_with(prefix)) name = arms[a] + "_" + name.substr(prefix.size());
    }
  }
  return all;
}

struct StoredSimulator : SimulatorInfo {
  static constexpr std::array kUnwritten{"further_bases", "further_joint_names",
                                         "further_gripper_joint_names"};
  template <class V>
  void Visit(V& v) {
    v("task", task, "");
    v("robot", robot, "");
    v("instruction", instruction, "");
    v("variants", variants, "");
    v("arms", arms, "");
    v("objects", objects, "");
    v("signals", signals, "");
    VisitJoints(v, "joint_names", "further_joint_names", joint_names);
    VisitJoints(v, "gripper_joint_names", "further_gripper_joint_names", gripper_joint_names);
    v("cameras", cameras, "");
    v("control_hz", control_hz, "Hz");
    v("substeps", substeps, "physics steps per policy step");
    v("horizon", horizon, "policy steps");
    v("state_size", state_size, "numbers");
    v("flat_state_size", flat_state_size, "numbers");
    v("workspace_radius", workspace_radius, "m");
    v("X_WB", X_WB[0], "base of arm 0");
    std::vector<Pose> further(X_WB.begin() + 1, X_WB.end());
    v("further_bases", further, "of the others");
    if (!std::equal(further.begin(), further.end(), X_WB.begin() + 1, X_WB.end())) {
      X_WB.resize(1);
      X_WB.insert(X_WB.end(), further.begin(), further.end());
    }
  }

 private:
  // The names of arm 0 stand in the file, those of the others only where they are not like these.
  template <class V>
  void VisitJoints(V& v, const char* key, const char* further_key, JointNames& all) {
    const std::vector<std::string> first = all.empty() ? std::vector<std::string>{} : all[0];
    JointNames further;
    if (all.size() > 1 && all != NamesLike(first, arms)) further.assign(all.begin() + 1, all.end());
    std::vector<std::string> first_read = first;
    JointNames further_read = further;
    v(key, first_read, "of arm 0");
    v(further_key, further_read, "of the other arms; empty: those of arm 0 with the arm's name");
    if (first_read == first && further_read == further) return;
    all = further_read.empty() ? NamesLike(first_read, arms) : JointNames{first_read};
    all.insert(all.end(), further_read.begin(), further_read.end());
  }
};

struct StoredHeader {
  std::string stage;
  StoredSimulator simulator;
  StoredLimits limits;
  Json task, settings;
  std::vector<std::string> cameras, parents;
  int image_width = 0, image_height = 0;
  template <class V>
  void Visit(V& v) {
    v("stage", stage, "");
    v("simulator", simulator, "");
    v("limits", limits, "");
    v("task", task, "");
    v("settings", settings, "");
    v("cameras", cameras, "");
    v("image_width", image_width, "px", Limits{0, kMaxImageSide});
    v("image_height", image_height, "px", Limits{0, kMaxImageSide});
    v("parents", parents, "content hashes");
  }
};

// JSON text without exceptions for text that is no UTF-8.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Sets an attribute; removes it where there is nothing to say.
void SetOrRemove(const h5::Group& group, const std::string& name, bool nothing,
                 const std::string& text) {
  if (!nothing) return group.SetTextInHeader(name, text);
  if (group.HasAttribute(name)) group.RemoveAttribute(name);
}

Json MetaToJson(const EpisodeMeta& meta) {
  Json json{{"uuid", meta.uuid},
            {"parents", meta.parents},
            {"sources", meta.sources},
            {"task", meta.task},
            {"variant", meta.variant},
            {"robot", meta.robot},
            {"instruction", meta.instruction},
            {"control_hz", meta.control_hz},
            {"limits", ToJson(StoredLimits{meta.limits.linear, meta.limits.angular})},
            {"success", meta.success},
            {"cause", meta.cause},
            {"seed", meta.seed},
            {"attempt", meta.attempt},
            {"variant_index", meta.variant_index},
            {"arms", meta.arms},
            {"objects", meta.objects},
            {"signals", meta.signals},
            {"cameras", meta.cameras},
            {"quality", meta.quality},
            {"variation", ToJson(meta.variation)}};
  // episodes of the nominal world keep their hashes
  if (!meta.physics.edits.empty()) {
    json["physics"] = ToJson(meta.physics);
    json["model"] = ContentHash(meta.model_text);
  }
  return json;
}

std::vector<std::string> TextList(const h5::Group& group, const std::string& name) {
  if (!group.HasAttribute(name)) return {};
  const std::string place = fmt::format("{}: attribute '{}'", group.Place(), name);
  return FromJson<std::vector<std::string>>(ParseJson(group.Text(name), place), place);
}

// Content hash of a file, with the hashes of its episodes from `add_episodes`.
std::string HashWith(const h5::Group& root, const std::function<void(Hasher&)>& add_episodes) {
  const h5::Guard guard;
  Hasher hasher;
  const DatasetHeader stored = ReadHeader(root);
  Json header = HeaderToJson(stored);
  header.erase("settings");
  hasher.Add(Dump(header));
  const h5::Group understudy = root.Open("understudy");
  hasher.Add(understudy.Text("model", ""));
  for (const SceneFile& file : stored.scene_files) {
    hasher.Add(file.path);
    hasher.Add(file.hash);
  }
  add_episodes(hasher);
  if (root.Has("mask")) {
    const h5::Group masks = root.Open("mask");
    for (const std::string& key : masks.Names()) {
      hasher.Add(key);
      masks.VisitTexts(key, [&](const std::string& name) { hasher.Add(name); });
    }
  }
  VisitAttempts(understudy, stored.simulator.objects.size(), [&](const AttemptRecord& a) {
    hasher.Add(fmt::format("{} {} {} {} {} {}", a.attempt, a.success, a.subtask, a.steps, a.cause,
                           fmt::join(a.sources, ",")));
    for (const Pose& X : a.X_WO_start) {
      hasher.Add(X.translation().data(), 3 * sizeof(double));
      hasher.Add(X.rotation().coeffs().data(), 4 * sizeof(double));
    }
  });
  return hasher.Hex();
}

Json JsonOf(const h5::Group& group, const std::string& name) {
  if (!group.HasAttribute(name)) return Json::object();
  return ParseJson(group.Text(name), fmt::format("{}: attribute '{}'", group.Place(), name));
}

}  // namespace

Json HeaderToJson(const DatasetHeader& header) {
  StoredHeader stored;
  stored.stage = header.stage;
  static_cast<SimulatorInfo&>(stored.simulator) = header.simulator;
  stored.limits = {header.simulator.limits.linear, header.simulator.limits.angular};
  stored.task = header.task;
  stored.settings = header.settings;
  stored.cameras = header.cameras;
  stored.parents = header.parents;
  stored.image_width = header.image_width;
  stored.image_height = header.image_height;
  return ToJson(stored);
}

DatasetHeader HeaderFromJson(const Json& json, const std::string& name) {
  const auto stored = FromJson<StoredHeader>(json, name);
  DatasetHeader header;
  header.simulator = stored.simulator;
  header.simulator.limits = {stored.limits.linear, stored.limits.angular};
  header.stage = stored.stage;
  header.task = stored.task;
  header.settings = stored.settings;
  header.cameras = stored.cameras;
  header.parents = stored.parents;
  header.image_width = stored.image_width;
  header.image_height = stored.image_height;
  if (header.cameras.size() > static_cast<size_t>(kMaxCameras)) {
    ThrowBadInput(fmt::format("{}: {} cameras, at most {} are allowed", name, header.cameras.size(),
                              kMaxCameras));
  }
  return header;
}

void WriteHeader(const h5::Group& root, const DatasetHeader& header) {
  const h5::Guard guard;
  const h5::Group data = root.Create("data");
  const SimulatorInfo& info = header.simulator;
  const Json env_args{{"env_name", info.task},
                      {"env_version", "understudy"},
                      {"type", 1},
                      {"env_kwargs",
                       {{"robots", info.robot},
                        {"control_freq", info.control_hz},
                        {"horizon", info.horizon},
                        {"camera_names", header.cameras},
                        {"camera_widths", header.image_width},
                        {"camera_heights", header.image_height},
                        {"lang", info.instruction}}}};
  data.SetText("env_args", Dump(env_args));
  data.SetInt("total", 0);
  const h5::Group understudy = root.Create("understudy");
  understudy.SetInt("format_version", kFormatVersion);
  understudy.SetText("header", Dump(HeaderToJson(header)));
  understudy.SetText("model", header.model_text);
  understudy.SetText("stage", header.stage);
  WriteSceneFiles(understudy, header.scene_files);
}

DatasetHeader ReadHeader(const h5::Group& root) {
  const h5::Guard guard;
  const h5::Group understudy = root.Open("understudy");
  const int64_t version = understudy.Int("format_version");
  if (version < 1 || version > kFormatVersion) {
    ThrowBadInput(
        fmt::format("{}: format version {}: this program reads versions 1 to {}; use the "
                    "program that wrote it, or a newer one",
                    root.file(), version, kFormatVersion));
  }
  DatasetHeader header =
      HeaderFromJson(JsonOf(understudy, "header"), understudy.Place() + ": attribute 'header'");
  header.model_text = understudy.Text("model", "");
  header.scene_files = ReadSceneFiles(understudy);
  return header;
}

h5::Group CreateEpisode(const h5::Group& root, const std::string& path,
                        const std::vector<Column>& columns) {
  constexpr uint64_t kAttributes = 5, kOwnAttributes = 16;  // as many as usual
  constexpr uint64_t kHashBytes = 38;                       // of a column, as JSON
  std::map<std::string, std::set<std::string>> members;     // by their group; "" is the episode's
  uint64_t hashes = 0;                                      // bytes of column_hashes
  for (const Column& column : columns) {
    hashes += column.path.size() + kHashBytes;
    const size_t slash = column.path.find('/');
    const std::string first = column.path.substr(0, slash);
    members[""].insert(first);
    if (slash == std::string::npos) continue;
    members[first].insert(column.path.substr(slash + 1, column.path.find('/', slash + 1)));
  }
  const auto room = [](const std::set<std::string>& names, uint64_t attributes) {
    uint64_t bytes = attributes * h5::kAttributeBytes;
    for (const std::string& name : names) bytes += h5::LinkBytes(name.size());
    return bytes;
  };
  h5::Group demo = root.Create(path, room(members[""], kAttributes));
  demo.Create("understudy", room(members["understudy"], kOwnAttributes) + hashes);
  return demo;
}

void WriteMeta(const h5::Group& demo, const EpisodeMeta& meta, size_t length,
               const std::string& model_text) {
  const h5::Guard guard;
  // what robomimic and Isaac Lab look at
  demo.SetInt("num_samples", static_cast<int64_t>(length));
  demo.SetBool("success", meta.success);
  demo.SetUint("seed", meta.seed);
  const std::string& model = meta.model_text.empty() ? model_text : meta.model_text;
  if (!model.empty()) demo.SetText("model_file", model);
  demo.SetText("uuid", meta.uuid);
  const h5::Group own = demo.OpenOrCreate("understudy");
  for (const auto& [name, list] : {std::pair{"parents", &meta.parents},
                                   {"sources", &meta.sources},
                                   {"arms", &meta.arms},
                                   {"objects", &meta.objects},
                                   {"signals", &meta.signals},
                                   {"cameras", &meta.cameras}}) {
    SetOrRemove(own, name, list->empty(), Dump(Json(*list)));
  }
  for (const auto& [name, text] : {std::pair{"task", &meta.task},
                                   {"variant", &meta.variant},
                                   {"robot", &meta.robot},
                                   {"instruction", &meta.instruction},
                                   {"cause", &meta.cause},
                                   {"program_version", &meta.program_version}}) {
    own.SetText(name, *text);
  }
  own.SetDouble("control_hz", meta.control_hz);
  own.SetDouble("linear_limit", meta.limits.linear);
  own.SetDouble("angular_limit", meta.limits.angular);
  own.SetInt("attempt", meta.attempt);
  own.SetInt("variant_index", meta.variant_index);
  SetOrRemove(own, "settings", meta.settings == Json::object(), Dump(meta.settings));
  SetOrRemove(own, "quality", meta.quality == Json::object(), Dump(meta.quality));
  SetOrRemove(own, "variation", meta.variation.edits.empty(), Dump(ToJson(meta.variation)));
  SetOrRemove(own, "physics", meta.physics.edits.empty(), Dump(ToJson(meta.physics)));
  if (meta.state_sizes.whole > 0) {
    own.SetUint("state_size", meta.state_sizes.whole);
    own.SetUint("flat_state_size", meta.state_sizes.flat);
  }
}

EpisodeMeta ReadMeta(const h5::Group& demo) {
  const h5::Guard guard;
  EpisodeMeta meta;
  const h5::Group own = demo.Open("understudy");
  meta.uuid = demo.Text("uuid");
  meta.success = demo.Bool("success", false);
  meta.seed = demo.Uint("seed");
  meta.parents = TextList(own, "parents");
  meta.sources = TextList(own, "sources");
  meta.arms = TextList(own, "arms");
  meta.objects = TextList(own, "objects");
  meta.signals = TextList(own, "signals");
  meta.cameras = TextList(own, "cameras");
  meta.task = own.Text("task");
  meta.variant = own.Text("variant");
  meta.robot = own.Text("robot");
  meta.instruction = own.Text("instruction");
  meta.cause = own.Text("cause");
  meta.program_version = own.Text("program_version", "");
  meta.control_hz = own.Double("control_hz");
  meta.limits = {own.Double("linear_limit"), own.Double("angular_limit")};
  meta.attempt = own.Int("attempt");
  meta.variant_index = static_cast<int>(own.Int("variant_index"));
  meta.settings = JsonOf(own, "settings");
  meta.quality = JsonOf(own, "quality");
  meta.variation =
      FromJson<SceneVariation>(JsonOf(own, "variation"), own.Place() + ": attribute 'variation'");
  FindStoredPictures(demo.file(), &meta.variation);
  meta.physics =
      FromJson<PhysicsVariation>(JsonOf(own, "physics"), own.Place() + ": attribute 'physics'");
  if (!meta.physics.edits.empty()) meta.model_text = demo.Text("model_file", "");
  meta.state_sizes = ReadStateSizes(demo);
  return meta;
}

EpisodeMeta::StateSizes ReadStateSizes(const h5::Group& demo) {
  const h5::Group own = demo.Open("understudy");
  if (!own.HasAttribute("state_size")) return {};
  return {own.Uint("state_size"), own.Uint("flat_state_size")};
}

size_t ReadLength(const h5::Group& demo) {
  const int64_t length = demo.Int("num_samples");
  if (length < 1 || length > kMaxSteps) {
    h5::FailReading(demo.Place(),
                    fmt::format("num_samples = {} must lie in [1, {}]", length, kMaxSteps));
  }
  return static_cast<size_t>(length);
}

// ---- hashes ------------------------------------------------------------------------------------

void ColumnHashes::Add(const Column& column) {
  auto found = hashers_.find(column.path);
  if (found == hashers_.end()) {
    found = hashers_.emplace(column.path, Hasher()).first;
    found->second.Add(std::string_view(NameOf(column.type)));
    for (const size_t n : column.row_dims) {
      const uint64_t size = n;
      found->second.Add(&size, sizeof(size));
    }
  }
  found->second.Add(column.bytes.data(), column.bytes.size());
}

void ColumnHashes::Add(const std::string& path, const void* data, size_t bytes) {
  hashers_[path].Add(data, bytes);
}

Json ColumnHashes::ToJson() const {
  Json json = Json::object();
  for (const auto& [path, hasher] : hashers_) json[path] = hasher.Hex();
  return json;
}

std::string EpisodeHash(const EpisodeMeta& meta, const RawStream& raw, const Json& column_hashes) {
  Hasher hasher;
  hasher.Add(Dump(MetaToJson(meta)));
  hasher.Add(raw.device);
  hasher.Add(raw.profile);
  hasher.Add(Dump(column_hashes));
  return hasher.Hex();
}

std::string DatasetHash(const h5::Group& root, const std::vector<std::string>& episode_hashes) {
  return HashWith(root, [&](Hasher& hasher) {
    for (const std::string& hash : episode_hashes) hasher.Add(hash);
  });
}

std::string DatasetHash(const h5::Group& root, int64_t episodes,
                        const std::function<std::string(int64_t)>& name) {
  const h5::Group data = root.Open("data");
  return HashWith(root, [&](Hasher& hasher) {
    for (int64_t i = 0; i < episodes; ++i) {
      hasher.Add(data.Open(name(i) + "/understudy").Text("content_hash"));
    }
  });
}

namespace {

bool HoldsEpisode(const h5::Group& data, const std::string& name) {
  if (data.IsArray(name)) return false;
  try {
    const h5::Group group = data.Open(name);
    return group.HasAttribute("num_samples") || group.Has("actions") || group.Has("obs");
  } catch (const Error&) {
    return true;  // whoever reads it says what is damaged
  }
}

}  // namespace

void StoreReport(const h5::Group& understudy, const Json& report) {
  understudy.SetText("report", Dump(report));
}

std::vector<std::string> EpisodeNames(const h5::Group& data) {
  std::vector<NumberedName> found;
  for (const std::string& name : data.Names()) {
    NumberedName split = SplitName(name);
    const bool usual = split.prefix == "demo_" && split.number >= 0;
    if (usual || HoldsEpisode(data, name)) found.push_back(std::move(split));
  }
  std::ranges::sort(found);
  std::vector<std::string> names;
  for (NumberedName& split : found) names.push_back(std::move(split.name));
  return names;
}

// ---- cameras -----------------------------------------------------------------------------------

void WriteCameras(const h5::Group& demo, const std::vector<std::string>& names,
                  const std::vector<CameraParameters>& cameras) {
  Json list = Json::array();
  for (size_t c = 0; c < cameras.size(); ++c) {
    const CameraParameters& p = cameras[c];
    list.push_back({{"name", c < names.size() ? names[c] : ""},
                    {"width", p.width},
                    {"height", p.height},
                    {"fovy_deg", p.fovy_deg},
                    {"X_WC", ToJson(p.X_WC)}});
  }
  demo.OpenOrCreate("understudy").SetText("camera_parameters", Dump(list));
}

std::vector<CameraParameters> ReadCameras(const h5::Group& demo) {
  const h5::Group own = demo.Open("understudy");
  std::vector<CameraParameters> cameras;
  if (!own.HasAttribute("camera_parameters")) return cameras;
  const std::string place = own.Place() + ": attribute 'camera_parameters'";
  const Json list = ParseJson(own.Text("camera_parameters"), place);
  Problems problems;
  for (const Json& item : list) {
    CameraParameters p;
    const auto read = [&](const char* key, auto& value, Limits limits) {
      if (item.is_object() && item.contains(key)) {
        ReadJson(item[key], value, key, limits, problems);
      } else {
        problems.push_back(fmt::format("{} is missing", key));
      }
    };
    read("width", p.width, {0, kMaxImageSide});
    read("height", p.height, {0, kMaxImageSide});
    read("fovy_deg", p.fovy_deg, {0, 180});
    read("X_WC", p.X_WC, {});
    cameras.push_back(p);
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", place, fmt::join(problems, "; ")));
  return cameras;
}

}  // namespace understudy
