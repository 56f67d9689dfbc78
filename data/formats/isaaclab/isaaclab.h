#pragma once

#include "data/formats/base/format.h"

namespace understudy::foreign {

struct Dialect;
struct WriteDialect;

// Isaac Lab's files, and those of Isaac Lab Mimic. DatasetHeader::settings holds `quaternions`:
// wxyz, xyzw, or unknown.
extern const Dialect kIsaacLabDialect;
extern const WriteDialect kIsaacLabWriter;

}  // namespace understudy::foreign

namespace understudy {

DatasetFormat IsaacLabFormat();

}  // namespace understudy
