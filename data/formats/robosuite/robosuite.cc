#include "data/formats/robosuite/robosuite.h"

#include "data/formats/family/family_format.h"

namespace understudy {

using namespace foreign;

DatasetFormat RobomimicFormat() {
  return FamilyFormat("robomimic", "robomimic and robosuite (HDF5)", kRobomimicDialect,
                      kRobomimicWriter, OptionsNamed<RobosuiteWriteOptions>(kRobosuiteOptions),
                      true);
}

DatasetFormat MimicgenFormat() {
  return FamilyFormat("mimicgen", "MimicGen: robomimic with poses and signals (HDF5)",
                      kMimicgenDialect, kMimicgenWriter,
                      OptionsNamed<RobosuiteWriteOptions>(kRobosuiteOptions));
}

DatasetFormat LiberoFormat() {
  return ReadFormat("libero", "LIBERO (HDF5), read and edited", kLiberoDialect);
}

}  // namespace understudy
