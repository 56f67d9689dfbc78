#pragma once

#include "data/formats/base/format.h"
#include "data/formats/family/foreign_source.h"
#include "data/formats/family/foreign_writer.h"

namespace understudy::foreign {

// Names of the options of the family's formats.
inline constexpr const char* kRobosuiteOptions = "robosuite";
inline constexpr const char* kIsaacLabOptions = "isaaclab";

// The entry of a format of robomimic's family. `without_episode`: it takes the files whose first
// episode cannot be read.
DatasetFormat FamilyFormat(const std::string& name, const std::string& summary,
                           const Dialect& dialect, const WriteDialect& writer,
                           FormatOptions options, bool without_episode = false);
// The same for a format that is read and edited, and not written from other formats.
DatasetFormat ReadFormat(const std::string& name, const std::string& summary,
                         const Dialect& dialect, bool without_episode = false);

}  // namespace understudy::foreign
