#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "train/torch/layers.h"

namespace understudy {

// What weights begin with, by their names in a file.
using FirstValues = std::map<std::string, std::shared_ptr<const std::vector<float>>>;

// Brings a tensor of another shape to that of the weight; one without data: it cannot be done.
using FitTensor = std::function<TensorBlob(const ParameterSpec& wanted, const TensorBlob& found)>;

// The values of a safetensors file for weights whose names begin with `prefix`, which the file
// leaves out; others of the file are left aside. `option` and `wanted` ("a ResNet-18 with
// torchvision's names") stand in messages. Throws Error(kBadInput) where a tensor is missing or of
// another shape.
FirstValues ReadFirstValues(const std::string& option, const std::filesystem::path& file,
                            const std::string& wanted, const std::string& prefix,
                            const std::vector<ParameterSpec>& weights, const FitTensor& fit = {});

}  // namespace understudy
