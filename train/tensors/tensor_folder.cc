#include "train/tensors/tensor_folder.h"

#include <fmt/format.h>

#include <set>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {

TensorFolder::TensorFolder(const std::filesystem::path& folder) : folder_(folder) {
  const std::filesystem::path list = folder / "model.safetensors.index.json";
  std::map<std::string, std::string> file_of;  // by tensor
  std::set<std::string> files{"model.safetensors"};
  if (std::filesystem::exists(list)) {
    const Json json = LoadJson(list);
    const Json map = json.is_object() ? json.value("weight_map", Json()) : Json();
    if (!map.is_object())
      ThrowBadInput(fmt::format("{}: 'weight_map' is no object", list.string()));
    files.clear();
    for (const auto& [tensor, file] : map.items()) {
      const std::string name = file.is_string() ? file.get<std::string>() : "";
      // a file of this folder: the list may be anybody's
      if (name.empty() || std::filesystem::path(name).filename() != name) {
        ThrowBadInput(
            fmt::format("{}: '{}': {} is no name of a file", list.string(), tensor, file.dump()));
      }
      file_of[tensor] = name;
      files.insert(name);
    }
  }
  for (const std::string& file : files) {
    const TensorIndex index = ReadSafetensorsIndex(folder / file);
    for (const auto& [name, place] : index.tensors) {
      if (!file_of.empty() && (!file_of.contains(name) || file_of.at(name) != file)) {
        ThrowBadInput(fmt::format("{}: tensor '{}' is in {}, and the list says {}", list.string(),
                                  name, file,
                                  file_of.contains(name) ? file_of.at(name) : "nothing of it"));
      }
      tensors_.emplace(name, Place{folder / file, place});
    }
  }
  for (const auto& [tensor, file] : file_of) {
    if (!tensors_.contains(tensor)) {
      ThrowBadInput(fmt::format("{}: tensor '{}' is not in {}", list.string(), tensor, file));
    }
  }
}

const TensorFolder::Place* TensorFolder::Find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

TensorBlob ReadPart(const TensorFolder::Place& place, std::vector<int64_t> shape, uint64_t first,
                    uint64_t bytes) {
  Require(place.tensor.begin + first + bytes <= place.tensor.end, "a part of the tensor");
  TensorBlob blob{place.tensor.dtype, std::move(shape), {}};
  blob.data.resize(bytes);
  ReadBytes(place.file, place.tensor.begin + first, bytes, blob.data.data());
  return blob;
}

}  // namespace understudy
