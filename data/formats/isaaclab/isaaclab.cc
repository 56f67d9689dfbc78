#include "data/formats/isaaclab/isaaclab.h"

#include "data/formats/family/family_format.h"

namespace understudy {

using namespace foreign;

DatasetFormat IsaacLabFormat() {
  return FamilyFormat("isaaclab", "Isaac Lab and Isaac Lab Mimic (HDF5)", kIsaacLabDialect,
                      kIsaacLabWriter, OptionsNamed<IsaacLabWriteOptions>(kIsaacLabOptions));
}

}  // namespace understudy
