#pragma once

#include "data/formats/base/format.h"

namespace understudy::foreign {

struct Dialect;
struct WriteDialect;

// robomimic's files of robosuite's environments, and what MimicGen makes of them: demonstrations
// with /datagen_info, and generated ones with src_demo_inds too. LIBERO's have other columns.
extern const Dialect kRobomimicDialect, kMimicgenDialect, kLiberoDialect;
extern const WriteDialect kRobomimicWriter, kMimicgenWriter;

}  // namespace understudy::foreign

namespace understudy {

DatasetFormat RobomimicFormat();
DatasetFormat MimicgenFormat();
DatasetFormat LiberoFormat();

}  // namespace understudy
