#include "augment/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <mutex>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/glob.h"
#include "core/base/hash.h"
#include "core/base/ordered_pool.h"
#include "core/image/panorama.h"
#include "data/video/module.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr size_t kKeptBytes = size_t{128} << 20;
constexpr const char* kSkyFamily = "sky/";

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool IsPicture(const fs::path& file, PictureUse use) {
  const std::string ending = Lower(file.extension().string());
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg" ||
         (ending == ".exr" && use == PictureUse::kSky);
}

// The longer side at most `side`.
Image Within(const Image& image, int side) {
  const double share =
      std::min(1.0, static_cast<double>(side) / std::max(image.width, image.height));
  return Shrink(image, static_cast<int>(std::lround(share * image.width)),
                static_cast<int>(std::lround(share * image.height)));
}

// What is shown of a file. Throws Error(kBadInput) that names it.
Image Prepare(const fs::path& file, PictureUse use) {
  const std::string bytes = ReadText(file), place = file.string();
  const VideoModule& video = Module<VideoModule>();
  if (use == PictureUse::kTexture) {
    return Within(video.decode_picture(bytes, place), kMaxTextureSide);
  }
  const bool light = Lower(file.extension().string()) == ".exr";
  const Image whole = light ? video.decode_light(bytes, place) : video.decode_picture(bytes, place);
  return Within(Surroundings(Within(whole, 2 * kMaxTextureSide)), 2 * kMaxTextureSide);
}

// Files that a path with * and ? in its last part means, or a folder; sorted.
std::vector<fs::path> FilesOf(const std::string& pattern, PictureUse use) {
  std::error_code none;
  const fs::path path(pattern);
  const bool folder = fs::is_directory(path, none);
  const fs::path where = folder ? path : path.parent_path().empty() ? "." : path.parent_path();
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(where, none)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file(none)) continue;
    if (folder ? IsPicture(entry.path(), use) : GlobMatch(path.filename().string(), name)) {
      files.push_back(where == "." ? fs::path(name) : entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

struct PictureLibrary::Impl {
  AssetList list;
  fs::path assets;

  using Key = std::pair<std::string, PictureUse>;
  struct Kept {
    Key key;
    std::shared_ptr<const Image> pixels;
  };
  std::mutex mutex;
  std::list<Kept> kept;  // the last used first
  size_t kept_bytes = 0;
  std::map<Key, std::string> hashes;  // of the pixels of all that were ever decoded

  fs::path FileOf(const std::string& asset) const {
    return assets / (asset + fs::path(list.pictures.at(asset).file).extension().string());
  }

  // Throws Error(kBadInput) where an asset is not there, or is another file than the manifest says.
  void CheckAsset(const std::string& name) const {
    const fs::path file = FileOf(name);
    if (!fs::is_regular_file(file)) {
      ThrowBadInput(
          fmt::format("picture '{}' is not installed ({} is not there): run `make assets`", name,
                      file.string()));
    }
    if (FileHash(file) != list.pictures.at(name).hash) {
      ThrowBadInput(fmt::format(
          "{}: differs from its hash in the list of assets: remove it and run `make assets`",
          file.string()));
    }
  }

  std::shared_ptr<const Image> Pixels(const std::string& name, PictureUse use, std::string* hash) {
    const Key key{name, use};
    {
      const std::lock_guard lock(mutex);
      const auto found =
          std::find_if(kept.begin(), kept.end(), [&](const Kept& one) { return one.key == key; });
      if (found != kept.end()) {
        kept.splice(kept.begin(), kept, found);
        *hash = hashes.at(key);
        return kept.front().pixels;
      }
    }
    const bool asset = list.pictures.contains(name);
    if (asset) CheckAsset(name);
    auto pixels =
        std::make_shared<const Image>(Prepare(asset ? FileOf(name) : fs::path(name), use));
    const std::string made = PixelHash(*pixels);
    const std::lock_guard lock(mutex);
    const auto [known, added] = hashes.emplace(key, made);
    if (known->second != made) {
      ThrowBadInput(fmt::format("{}: was changed while the program ran", name));
    }
    *hash = made;
    const auto again =
        std::find_if(kept.begin(), kept.end(), [&](const Kept& one) { return one.key == key; });
    if (again != kept.end()) return again->pixels;  // another thread was faster
    kept_bytes += pixels->rgb.size();
    kept.push_front({key, pixels});
    while (kept_bytes > kKeptBytes && kept.size() > 1) {
      kept_bytes -= kept.back().pixels->rgb.size();
      kept.pop_back();
    }
    return pixels;
  }
};

PictureLibrary::PictureLibrary(const fs::path& manifest, const fs::path& assets)
    : impl_(std::make_shared<Impl>()) {
  impl_->assets = assets;
  if (fs::exists(manifest))
    impl_->list = FromJson<AssetList>(LoadJson(manifest), manifest.string());
}

PictureLibrary::~PictureLibrary() = default;

FoundPictures PictureLibrary::Find(const std::vector<std::string>& patterns, PictureUse use) const {
  FoundPictures found;
  found.looked = true;
  std::map<std::string, std::string> contents;  // of what is found, by name: no picture twice
  std::vector<std::string> files;               // of folders, among them
  for (const std::string& pattern : patterns) {
    size_t fits = 0, missing = 0;
    for (const auto& [name, asset] : impl_->list.pictures) {
      const bool sky = name.starts_with(kSkyFamily);
      if (sky != (use == PictureUse::kSky) || !GlobMatch(pattern, name)) continue;
      ++fits;
      if (contents.contains(name)) continue;
      if (!fs::exists(impl_->FileOf(name))) {
        ++missing;
        continue;
      }
      try {
        impl_->CheckAsset(name);
        contents[name] = asset.hash;
      } catch (const Error& error) {
        found.problems.push_back(error.what());
      }
    }
    if (missing > 0) {
      found.missing = fmt::format(
          "pictures that the plan names are not installed in {}: run `make "
          "assets`",
          impl_->assets.string());
    }
    if (fits > 0) continue;
    const std::vector<fs::path> named = FilesOf(pattern, use);
    for (const fs::path& file : named) {
      if (!contents.emplace(file.string(), "").second) continue;
      files.push_back(file.string());
    }
    if (named.empty()) {
      std::set<std::string> families;
      for (const auto& [name, asset] : impl_->list.pictures) {
        if (name.starts_with(kSkyFamily) == (use == PictureUse::kSky)) {
          families.insert(name.substr(0, name.find('/')) + "/*");
        }
      }
      found.problems.push_back(
          fmt::format("'{}' is neither a name of the list of assets ({}) nor a picture file or a "
                      "folder that holds some",
                      pattern, fmt::join(families, ", ")));
    }
  }

  // every file of the user's is decoded before anything is made with it
  struct Tried {
    std::string hash, problem;
  };
  RunOrdered<Tried>(
      ThreadCount(0, static_cast<int64_t>(files.size())), 0, static_cast<int64_t>(files.size()),
      [&](int, int64_t i) {
        const std::string& file = files[static_cast<size_t>(i)];
        Tried tried;
        try {
          impl_->Pixels(file, use, &tried.hash);
        } catch (const Error& error) {
          tried.problem = error.what();
        }
        return tried;
      },
      [&](int64_t i, Tried&& tried) {
        const std::string& file = files[static_cast<size_t>(i)];
        if (tried.problem.empty()) {
          contents[file] = tried.hash;
        } else {
          contents.erase(file);
          found.problems.push_back(tried.problem);
        }
        return true;
      });

  Hasher all;
  for (const auto& [name, content] : contents) {
    all.Add(name);
    all.Add(content);
    found.choices.push_back({name, [impl = impl_, name = name, use] {
                               ShownPicture picture{.name = name};
                               impl->Pixels(name, use, &picture.hash);
                               picture.read = [impl, name, use] {
                                 std::string hash;
                                 return impl->Pixels(name, use, &hash);
                               };
                               return picture;
                             }});
  }
  if (!contents.empty()) found.hash = all.Hex();
  return found;
}

void PictureLibrary::Provide(PictureUse use, ShownPicture* picture) const {
  std::string hash;
  impl_->Pixels(picture->name, use, &hash);
  if (hash != picture->hash) {
    ThrowBadInput(fmt::format("picture '{}' has other pixels here (hash {}, not {})", picture->name,
                              hash, picture->hash));
  }
  picture->read = [impl = impl_, name = picture->name, use] {
    std::string again;
    return impl->Pixels(name, use, &again);
  };
}

std::map<std::string, size_t> PictureLibrary::Families() const {
  std::map<std::string, size_t> families;
  for (const auto& [name, asset] : impl_->list.pictures) ++families[name.substr(0, name.find('/'))];
  return families;
}

AssetState PictureLibrary::State() const {
  AssetState state;
  for (const auto& [name, asset] : impl_->list.pictures) {
    ++state.listed;
    if (!fs::exists(impl_->FileOf(name))) continue;
    ++state.installed;
    if (FileHash(impl_->FileOf(name)) != asset.hash) state.wrong.push_back(name);
  }
  return state;
}

void FindPictures(const PictureLibrary& library, AugmentPlan* plan) {
  for (auto& [name, randomizer] : plan->randomizers) {
    std::visit(
        [&]<class One>(One& one) {
          if constexpr (requires { one.found; }) {
            if (one.images.empty()) return;
            one.found = library.Find(one.images, One::kUse);
            // what is written down of a plan says what it chose from
            if (one.images_hash.empty()) one.images_hash = one.found.hash;
          }
        },
        randomizer);
  }
}

void ProvidePictures(const PictureLibrary& library, SceneVariation* look) {
  for (SceneEdit& edit : look->edits) {
    std::visit(
        [&]<class Edit>(Edit& one) {
          if constexpr (requires { one.image; }) {
            if (!one.image.shown() || one.image.read) return;
            constexpr bool kSky = std::is_same_v<Edit, SkyEdit>;
            try {
              library.Provide(kSky ? PictureUse::kSky : PictureUse::kTexture, &one.image);
            } catch (const Error& error) {
              one.image.read = [what =
                                    std::string(error.what())]() -> std::shared_ptr<const Image> {
                ThrowBadInput(what);
              };
            }
          }
        },
        edit);
  }
}

}  // namespace understudy
