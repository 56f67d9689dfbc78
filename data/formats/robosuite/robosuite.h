#pragma once

#include "data/formats/family/foreign_source.h"

namespace understudy::foreign {

// robomimic's files of robosuite's environments, and what MimicGen makes of them: demonstrations
// with /datagen_info, and generated ones with src_demo_inds too.
extern const Dialect kRobomimicDialect, kMimicgenDialect;

}  // namespace understudy::foreign
