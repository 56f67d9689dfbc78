#include "data/store/shown_pictures.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "data/store/hdf5/file.h"

namespace understudy {
namespace {

constexpr const char* kPictures = "pictures";

}  // namespace

std::shared_ptr<const Image> ReadStoredPicture(const std::string& file, const std::string& hash,
                                               const std::string& name) {
  const h5::Guard guard;
  const h5::Group understudy = h5::OpenForReading(file).Open("understudy");
  const std::string place = fmt::format("{}/{}", kPictures, hash);
  if (!understudy.Has(place)) {
    h5::FailReading(understudy.Place(place),
                    fmt::format("is missing: the pixels of picture '{}'", name));
  }
  const Column bytes = understudy.Read(place, ColumnType::kU8, {});
  const std::string content(reinterpret_cast<const char*>(bytes.bytes.data()), bytes.bytes.size());
  if (ContentHash(content) != hash) {
    h5::FailReading(understudy.Place(place),
                    fmt::format("picture '{}' differs from its hash", name));
  }
  return std::make_shared<const Image>(FromPpm(content, understudy.Place(place)));
}

std::vector<std::string> StoredPictures(const h5::Group& understudy) {
  if (!understudy.Has(kPictures)) return {};
  return understudy.Open(kPictures).Names();
}

void StorePicture(const h5::Group& understudy, const ShownPicture& picture) {
  const h5::Guard guard;
  const h5::Group pictures = understudy.OpenOrCreate(kPictures);
  if (pictures.Has(picture.hash)) return;
  pictures.WritePacked(picture.hash, ToPpm(*picture.Pixels()));
}

void StorePictures(const h5::Group& understudy, const SceneVariation& look) {
  EachPicture(look, [&](const ShownPicture& picture) { StorePicture(understudy, picture); });
}

void FindStoredPictures(const std::string& file, SceneVariation* look) {
  EachPicture(*look, [&](ShownPicture& picture) {
    picture.read = [file, hash = picture.hash, name = picture.name] {
      return ReadStoredPicture(file, hash, name);
    };
  });
}

}  // namespace understudy
