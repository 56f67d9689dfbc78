#pragma once

#include <functional>

#include "train/torch/torch.h"

namespace understudy {

// Floating-point operations of the matrix products, convolutions and attention that `work` does on
// the calling thread: two for each multiplication and addition. What is done element by element is
// not counted, nor is what runs on other threads.
double CountFlops(const std::function<void()>& work);

// Floating-point operations per second of a product of two square matrices on the calling thread,
// the best of a few; waits for the device.
double MeasurePeakFlops(at::Device device, bool bfloat16);

}  // namespace understudy
