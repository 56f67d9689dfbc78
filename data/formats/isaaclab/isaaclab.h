#pragma once

#include "data/formats/family/foreign_source.h"

namespace understudy::foreign {

// Isaac Lab's files, and those of Isaac Lab Mimic. DatasetHeader::settings holds `quaternions`:
// wxyz, xyzw, or unknown.
extern const Dialect kIsaacLabDialect;

}  // namespace understudy::foreign
