#pragma once

#include "data/formats/base/format.h"

namespace understudy {

// LeRobot's formats, whose reader and writer need Arrow and libav: a module (module.h) that is
// opened when a folder is converted or verified.
DatasetFormat LerobotV30Format();
DatasetFormat LerobotV21Format();

}  // namespace understudy
