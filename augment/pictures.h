#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "augment/plan.h"
#include "augment/randomizers/found_pictures.h"

namespace understudy {

// A picture of a package that `make assets` unpacks (tools/assets.py).
struct Asset {
  std::string package, file;
  std::string sha256;  // of the file, which the tool checks
  std::string hash;    // ContentHash of the file, which this program checks
  template <class V>
  void Visit(V& v) {
    v("package", package, "that holds it");
    v("file", file, "path in it");
    v("sha256", sha256, "of the file");
    v("hash", hash, "XXH3-128 of the file");
  }
};
struct AssetPackage {
  std::string kind, requirement, sha256, licence, licence_file;
  template <class V>
  void Visit(V& v) {
    v("kind", kind, "wheel or deb");
    v("requirement", requirement, "name and version, as pip or apt takes it");
    v("sha256", sha256, "of a wheel");
    v("licence", licence, "of its pictures");
    v("licence_file", licence_file, "path in it");
  }
};
// The manifest demo/assets.json.
struct AssetList {
  std::map<std::string, AssetPackage> packages;
  std::map<std::string, Asset> pictures;  // by "<family>/<name>"; the family sky are surroundings
  template <class V>
  void Visit(V& v) {
    v("packages", packages, "by name");
    v("pictures", pictures, "by family and name");
  }
};

// How many pictures of the manifest are there, and which are not those of their hash.
struct AssetState {
  size_t listed = 0, installed = 0;
  std::vector<std::string> wrong;
};

// Longest side of a texture, px: larger pictures are shrunk to it. Skies are twice as long.
inline constexpr int kMaxTextureSide = 512;

// Where plans find pictures. Decoded ones are kept, the last used of 128 MB; any thread.
class PictureLibrary {
 public:
  // The list of assets and the folder that they are unpacked in; neither need exist.
  PictureLibrary(const std::filesystem::path& manifest, const std::filesystem::path& assets);
  ~PictureLibrary();

  // A pattern that fits names of assets means these; another one is the path of a file, whose name
  // may hold * and ?, or of a folder, all of whose pictures it means. Files of folders are decoded
  // here, on all cores, and broken ones are problems; assets are compared with their hashes.
  FoundPictures Find(const std::vector<std::string>& patterns, PictureUse use) const;

  // The pixels of a picture that a look names. Throws Error(kBadInput) where it is not there or has
  // other ones.
  void Provide(PictureUse use, ShownPicture* picture) const;

  // Of the list, with their number of pictures.
  std::map<std::string, size_t> Families() const;
  // Reads all that is installed.
  AssetState State() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with what it has found
};

// Looks up the pictures of every randomizer of a plan that names some.
void FindPictures(const PictureLibrary& library, AugmentPlan* plan);

// Gives a look that was read from a text its pixels. Where they cannot be had, reading them says
// why.
void ProvidePictures(const PictureLibrary& library, SceneVariation* look);

}  // namespace understudy
