#pragma once

#include "train/run/chunk_model.h"

namespace understudy {

// Networks of the module of LibTorch, which is opened when the first is made.
ChunkModelFactory Models();

}  // namespace understudy
