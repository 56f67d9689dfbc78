#include "sim/scene_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/spec/carried_scene.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGripper = "gripper/";  // how an arm's model includes its gripper's files

SceneFile Held(const std::string& path, const std::string& content) {
  const auto held = std::make_shared<const std::string>(content);
  return {path, ContentHash(content), [held] { return *held; }};
}

void ReplaceAll(const std::string& from, const std::string& to, std::string* text) {
  for (size_t at = text->find(from); at != std::string::npos;
       at = text->find(from, at + to.size())) {
    text->replace(at, from.size(), to);
  }
}

std::string WithoutComments(const std::string& text) {
  static const std::regex comment("<!--[\\s\\S]*?-->");
  return std::regex_replace(text, comment, "");
}

// The texts that a model is read from, by their paths from the folder of its main file: `file` and
// what it includes, from its own folder or the main one.
void AddTexts(const fs::path& folder, const std::string& file,
              std::map<std::string, std::string>* texts) {
  if (file.starts_with(kGripper) || texts->contains(file)) return;
  static const std::regex include("<include\\s+file\\s*=\\s*[\"']([^\"']+)[\"']");
  const std::string whole = ReadText(folder / file);
  (*texts)[file] = whole;
  const std::string text = WithoutComments(whole);
  std::error_code none;
  for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) {
    const fs::path beside = fs::path(file).parent_path() / (*it)[1].str();
    const bool is_beside = fs::exists(folder / beside, none);
    AddTexts(folder, is_beside ? beside.lexically_normal().string() : (*it)[1].str(), texts);
  }
}

// Attributes that name meshes and pictures; what is included, MuJoCo finds beside its includer.
const std::regex& AssetAttribute() {
  static const std::regex attribute(
      "\\b(file(?:right|left|up|down|front|back)?\\s*=\\s*)(\"[^\"]+\"|'[^']+')");
  return attribute;
}

bool IsMjcf(const fs::path& file) { return file.extension() == ".xml"; }

std::string Escaped(std::string text) {
  ReplaceAll("&", "&amp;", &text);
  ReplaceAll("<", "&lt;", &text);
  ReplaceAll("\"", "&quot;", &text);
  return text;
}

// The files of one model.
class CarriedModel {
 public:
  // Whose main file is `file`, but for those of the gripper that it includes.
  CarriedModel(const fs::path& file, const mjSpec* model, const GripperFiles* gripper = nullptr)
      : folder_(fs::absolute(file).parent_path()) {
    AddTexts(folder_, file.filename().string(), &texts_);
    for (const auto& [name, text] : texts_) {
      if (fs::path(name).is_absolute()) absolute_.insert(name);
    }
    if (gripper != nullptr) {
      for (const std::string& asset : gripper->assets()) {
        of_gripper_[gripper->WholePath(asset)] = asset;
      }
    }
    FindAssets(model);
  }
  // A gripper's, of which the arm takes `assets`.
  CarriedModel(const GripperFiles& gripper, const std::set<std::string>& assets)
      : folder_(gripper.folder()), texts_(gripper.texts()), assets_(assets) {
    for (const std::string& asset : assets_) {
      if (fs::path(asset).is_absolute()) absolute_.insert(asset);
    }
  }

  bool has_assets() const { return !assets_.empty(); }
  const std::set<std::string>& assets_of_gripper() const { return assets_of_gripper_; }

  // The main folder's place: so deep that what stands above it has room.
  std::string Place(const std::string& root) const {
    size_t above = 0;
    const auto count = [&](const std::string& file) {
      const fs::path whole = fs::path(file).lexically_normal();
      above = std::max(above, static_cast<size_t>(std::count(whole.begin(), whole.end(), "..")));
    };
    for (const auto& [file, text] : texts_) count(file);
    for (const std::string& file : assets_) count(file);
    std::string place = root;
    for (size_t i = 0; i < above; ++i) place += "/in";
    return place;
  }

  void Add(const std::string& root, std::vector<SceneFile>* files) const {
    const fs::path place = Place(root);
    const auto put = [&](const std::string& file, const std::string& content) {
      const bool is_absolute = fs::path(file).is_absolute();
      const fs::path path = place / (is_absolute ? Inside(file) : file);
      files->push_back(Held(path.lexically_normal().string(), content));
    };
    for (const std::string& asset : assets_) put(asset, ReadText(folder_ / asset));
    for (const auto& [file, text] : texts_) {
      std::string content = text;
      for (const std::string& path : absolute_) {
        for (const char* quote : kQuotes) {
          ReplaceAll(quote + path + quote, quote + Inside(path) + quote, &content);
        }
      }
      put(file, content);
    }
  }

 private:
  static constexpr const char* kQuotes[] = {"\"", "'"};
  // Absolute paths lead nowhere on another machine.
  static std::string Inside(const std::string& absolute) { return "absolute" + absolute; }

  bool Names(const std::string& path) const {
    return std::any_of(texts_.begin(), texts_.end(), [&](const auto& text) {
      return std::any_of(std::begin(kQuotes), std::end(kQuotes), [&](const char* quote) {
        return text.second.find(quote + path + quote) != std::string::npos;
      });
    });
  }

  // Meshes, height fields, skins and pictures, as MuJoCo looks for them.
  void FindAssets(const mjSpec* model) {
    const char* meshes = mjs_getString(model->compiler.meshdir);
    const char* pictures = mjs_getString(model->compiler.texturedir);
    const auto visit = [&](mjtObj type, const std::function<void(mjsElement*)>& each) {
      for (mjsElement* e = mjs_firstElement(model, type); e; e = mjs_nextElement(model, e)) each(e);
    };
    const auto add = [&](const char* folder, const char* file) {
      if (file != nullptr && *file != '\0') AddAsset(folder, file, model->strippath);
    };
    visit(mjOBJ_MESH, [&](mjsElement* e) { add(meshes, mjs_getString(mjs_asMesh(e)->file)); });
    visit(mjOBJ_HFIELD, [&](mjsElement* e) { add(meshes, mjs_getString(mjs_asHField(e)->file)); });
    visit(mjOBJ_SKIN, [&](mjsElement* e) { add(meshes, mjs_getString(mjs_asSkin(e)->file)); });
    visit(mjOBJ_TEXTURE, [&](mjsElement* e) {
      const mjsTexture* texture = mjs_asTexture(e);
      add(pictures, mjs_getString(texture->file));
      for (int side = 0; side < 6; ++side)
        add(pictures, mjs_getInStringVec(texture->cubefiles, side));
    });
  }
  void AddAsset(const fs::path& folder, const fs::path& file, bool name_only) {
    const fs::path name = name_only ? file.filename() : file;
    fs::path path = (folder / name).lexically_normal();
    if (const auto found = of_gripper_.find(path.string()); found != of_gripper_.end()) {
      assets_of_gripper_.insert(found->second);
      return;
    }
    // what an included file names from its own folder MuJoCo makes absolute
    const std::string named = (name.is_absolute() ? name : folder).string();
    if (path.is_absolute() && Names(named)) {
      absolute_.insert(named);
    } else if (path.is_absolute()) {
      path = path.lexically_relative(folder_.lexically_normal());
    }
    assets_.insert(path.string());
  }

  fs::path folder_;
  std::map<std::string, std::string> texts_;
  std::set<std::string> assets_;    // paths from the main folder, or absolute ones
  std::set<std::string> absolute_;  // as the texts have them: of folders and of files
  std::map<std::string, std::string> of_gripper_;  // its assets, by absolute path
  std::set<std::string> assets_of_gripper_;        // those that are used
};

}  // namespace

GripperFiles::GripperFiles(const RobotSpec& robot) : folder_(fs::absolute(robot.gripper.folder)) {
  const fs::path as_included = robot.folder / kGripper;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (!IsMjcf(entry.path())) continue;
    const std::string whole = texts_[entry.path().filename().string()] = ReadText(entry.path());
    const std::string text = WithoutComments(whole);
    for (std::sregex_iterator it(text.begin(), text.end(), AssetAttribute()), end; it != end;
         ++it) {
      const std::string quoted = (*it)[2], asset = quoted.substr(1, quoted.size() - 2);
      // an arm may lend a mesh of its own
      const bool lent = !fs::exists(folder_ / asset) && fs::exists(as_included / asset);
      if (!IsMjcf(asset) && !lent) assets_.insert(asset);
    }
  }
}

std::string GripperFiles::WholePath(const std::string& asset) const {
  return (folder_ / asset).lexically_normal().string();
}

std::string GripperFiles::Included(const std::string& file) const {
  const std::string& text = texts_.at(file);
  std::string included;
  auto rest = text.begin();
  for (std::sregex_iterator it(text.begin(), text.end(), AssetAttribute()), end; it != end; ++it) {
    const std::string quoted = (*it)[2], asset = quoted.substr(1, quoted.size() - 2);
    included.append(rest, (*it)[2].first);
    included += assets_.contains(asset) ? "\"" + Escaped(WholePath(asset)) + "\"" : quoted;
    rest = (*it)[2].second;
  }
  return included.append(rest, text.end());
}

std::string GripperFiles::WithoutFolder(std::string text) const {
  for (const std::string& asset : assets_) {
    if (fs::path(asset).is_absolute()) continue;
    ReplaceAll("\"" + Escaped(WholePath(asset)) + "\"", "\"" + (kGripper + asset) + "\"", &text);
  }
  return text;
}

std::vector<SceneFile> SceneFilesOf(const TaskSpec& task, const RobotSpec& robot,
                                    const GripperFiles& gripper, const mjSpec* scene,
                                    const mjSpec* arm) {
  const CarriedModel scene_model(task.folder / task.scene, scene);
  const CarriedModel arm_model(robot.folder / robot.model, arm, &gripper);
  const CarriedModel gripper_model(gripper, arm_model.assets_of_gripper());
  const bool has_assets =
      scene_model.has_assets() || arm_model.has_assets() || gripper_model.has_assets();
  if (!has_assets && task.listed && robot.listed) return {};
  const SceneFolders folders{scene_model.Place("task"), arm_model.Place("robot"),
                             gripper_model.Place("gripper")};
  TaskSpec carried_task = task;
  RobotSpec carried_robot = robot;
  carried_task.scene = fs::path(task.scene).filename().string();
  carried_robot.model = fs::path(robot.model).filename().string();
  std::vector<SceneFile> files{DescribeScene(carried_task, carried_robot, folders)};
  scene_model.Add("task", &files);
  arm_model.Add("robot", &files);
  gripper_model.Add("gripper", &files);
  std::sort(files.begin(), files.end(),
            [](const SceneFile& a, const SceneFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace understudy
