#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/image/shown_picture.h"

namespace understudy {

// What a picture is made ready for.
enum class PictureUse { kTexture, kSky };

// What the patterns of a randomizer mean on this machine: pictures to choose from, by name, and
// what is wrong with them.
struct FoundPictures {
  struct Choice {
    std::string name;
    std::function<ShownPicture()> load;  // decodes it where it was not yet; any thread
  };
  bool looked = false;  // for them: PictureLibrary::Find
  std::vector<Choice> choices;
  std::vector<std::string> problems;
  std::string missing;  // what to do about assets that are not installed; empty: all are
  std::string hash;     // of all names and contents; of no pictures empty
};

}  // namespace understudy
