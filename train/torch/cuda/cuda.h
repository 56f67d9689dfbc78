#pragma once

#include <memory>
#include <string>

#include "train/torch/cuda_module.h"

namespace understudy {

// What CudaModule holds.
std::unique_ptr<StepGraph> MakeStepGraph();
std::string MakeNcclId();
std::unique_ptr<DeviceSum> JoinNccl(const std::string& id, int rank, int size);

}  // namespace understudy
