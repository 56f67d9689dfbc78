#pragma once

#include "data/formats/base/format.h"

namespace understudy {

// This program's own layout (data/store). Writing it imports a dataset of another program.
DatasetFormat UnderstudyFormat();

}  // namespace understudy
