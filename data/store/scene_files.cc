#include "data/store/scene_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/options.h"
#include "data/store/hdf5/file.h"

namespace understudy {
namespace {

constexpr const char* kScene = "scene";
constexpr const char* kFiles = "files";

struct StoredSceneFile {
  std::string path, hash;
  template <class V>
  void Visit(V& v) {
    v("path", path, "");
    v("hash", hash, "XXH3-128 of the content");
  }
};

std::string ReadContent(const std::filesystem::path& dataset, const SceneFile& file) {
  const h5::Group scene = h5::OpenForReading(dataset).Open("understudy").Open(kScene);
  std::string content;
  // what is empty has no array
  if (file.hash != ContentHash("")) {
    const Column bytes = scene.Read(file.hash, ColumnType::kU8, {});
    content.assign(reinterpret_cast<const char*>(bytes.bytes.data()), bytes.bytes.size());
  }
  if (ContentHash(content) != file.hash) {
    h5::FailReading(scene.Place(file.hash),
                    fmt::format("the scene's file {} differs from its hash", file.path));
  }
  return content;
}

}  // namespace

void WriteSceneFiles(const h5::Group& understudy, const std::vector<SceneFile>& files) {
  if (files.empty()) return;
  const h5::Group scene = understudy.Create(kScene);
  Json list = Json::array();
  for (const SceneFile& file : files) {
    list.push_back(ToJson(StoredSceneFile{file.path, file.hash}));
    const std::string content = file.read();
    if (!content.empty() && !scene.Has(file.hash)) scene.WritePacked(file.hash, content);
  }
  scene.SetText(kFiles, list.dump());
}

std::vector<SceneFile> ReadSceneFiles(const h5::Group& understudy) {
  if (!understudy.Has(kScene)) return {};
  const h5::Group scene = understudy.Open(kScene);
  const std::string place = scene.Place() + ": attribute '" + kFiles + "'";
  const Json list = ParseJson(scene.Text(kFiles), place);
  if (!list.is_array()) h5::FailReading(scene.Place(), "files is no list");
  const std::filesystem::path dataset = understudy.file();
  std::vector<SceneFile> files;
  for (const Json& entry : list) {
    const auto stored = FromJson<StoredSceneFile>(entry, place);
    SceneFile& file = files.emplace_back(SceneFile{stored.path, stored.hash, {}});
    file.read = [dataset, known = SceneFile{stored.path, stored.hash, {}}] {
      return ReadContent(dataset, known);
    };
  }
  return files;
}

}  // namespace understudy
