#pragma once

#include "augment/pictures.h"

namespace understudy {

// The pictures that plans may name: the list demo/assets.json of HomeFolder(), unpacked into
// $UNDERSTUDY_ASSETS or .deps/assets of HomeFolder(), and whatever files they name.
const PictureLibrary& Pictures();

// "61 of 61 pictures for plans in FOLDER", and what to do where some are missing or wrong.
struct AssetReport {
  bool fine = true;  // none of the installed ones is wrong; missing ones are no fault
  std::string what, fix;
};
AssetReport ReportAssets();

}  // namespace understudy
