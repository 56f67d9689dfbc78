#include "train/torch/torch.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "core/base/error.h"

namespace understudy {
namespace {

struct TypeName {
  const char* name;
  at::ScalarType type;
};
constexpr TypeName kTypes[] = {{"F32", at::kFloat}, {"F64", at::kDouble}, {"BF16", at::kBFloat16},
                               {"I64", at::kLong},  {"I32", at::kInt},    {"U8", at::kByte}};

template <class T>
Tensor OwnAs(std::vector<T> values, at::IntArrayRef shape, at::ScalarType type) {
  auto kept = std::make_shared<std::vector<T>>(std::move(values));
  return at::from_blob(
      kept->data(), shape, [kept](void*) {}, type);
}

}  // namespace

Tensor ToTensor(const TensorBlob& blob) {
  for (const TypeName& entry : kTypes) {
    if (blob.dtype != entry.name) continue;
    Tensor tensor = at::empty(blob.shape, at::TensorOptions().dtype(entry.type));
    if (blob.data.size() != tensor.nbytes()) {
      ThrowBadInput(
          fmt::format("tensor of {} {} elements: {} bytes given, {} needed; the file is "
                      "damaged",
                      tensor.numel(), blob.dtype, blob.data.size(), tensor.nbytes()));
    }
    if (!blob.data.empty()) std::memcpy(tensor.data_ptr(), blob.data.data(), blob.data.size());
    return tensor;
  }
  ThrowBadInput(fmt::format("tensor of type '{}': F32, F64, BF16, I64, I32 or U8 are understood",
                            blob.dtype));
}

TensorBlob ToBlob(const Tensor& tensor) {
  const Tensor plain = tensor.detach().to(at::kCPU).contiguous();
  for (const TypeName& entry : kTypes) {
    if (plain.scalar_type() != entry.type) continue;
    TensorBlob blob{entry.name, plain.sizes().vec(), std::vector<uint8_t>(plain.nbytes())};
    if (!blob.data.empty()) std::memcpy(blob.data.data(), plain.data_ptr(), blob.data.size());
    return blob;
  }
  Require(false, "a tensor of a type that files do not hold");
  return {};
}

Tensor View(const std::vector<float>& values, at::IntArrayRef shape) {
  return at::from_blob(const_cast<float*>(values.data()), shape, at::kFloat);
}

Tensor View(const std::vector<uint8_t>& values, at::IntArrayRef shape) {
  return at::from_blob(const_cast<uint8_t*>(values.data()), shape, at::kByte);
}

Tensor Own(std::vector<float> values, at::IntArrayRef shape) {
  return OwnAs(std::move(values), shape, at::kFloat);
}

Tensor Own(std::vector<uint8_t> values, at::IntArrayRef shape) {
  return OwnAs(std::move(values), shape, at::kByte);
}

Tensor Own(std::vector<int64_t> values, at::IntArrayRef shape) {
  return OwnAs(std::move(values), shape, at::kLong);
}

std::vector<float> ToFloats(const Tensor& tensor) {
  const Tensor plain = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  const float* values = plain.data_ptr<float>();
  return {values, values + plain.numel()};
}

at::Device ResolveDevice(Device device) {
  if (device == Device::kCpu || (device == Device::kAuto && !at::hasCUDA())) return at::kCPU;
  if (!at::hasCUDA()) {
    ThrowBadInput(
        "device = cuda: this LibTorch sees no CUDA device; use device: cpu, or install a "
        "CUDA build of LibTorch");
  }
  return at::Device(at::kCUDA, 0);
}

AutocastScope::AutocastScope(at::DeviceType device, bool bfloat16)
    : device_(device),
      was_enabled_(at::autocast::is_autocast_enabled(device)),
      old_type_(at::autocast::get_autocast_dtype(device)),
      used_cache_(at::autocast::is_autocast_cache_enabled()) {
  at::autocast::set_autocast_cache_enabled(false);
  at::autocast::set_autocast_enabled(device, bfloat16);
  if (bfloat16) at::autocast::set_autocast_dtype(device, at::kBFloat16);
}

AutocastScope::~AutocastScope() {
  at::autocast::set_autocast_cache_enabled(used_cache_);
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, old_type_);
}

ThreadScope::ThreadScope(int threads) : before_(at::get_num_threads()) {
  if (threads > 0 && threads != before_) at::set_num_threads(threads);
}

ThreadScope::~ThreadScope() {
  if (at::get_num_threads() != before_) at::set_num_threads(before_);
}

std::vector<float> AnswerEach(
    const Batch& inputs,
    const std::function<std::vector<float>(const Batch& sample, size_t row)>& answer) {
  const c10::InferenceMode no_gradients;
  const ThreadScope one_core(1);
  std::vector<float> answers;
  for (size_t row = 0; row < static_cast<size_t>(inputs.size); ++row) {
    const std::vector<float> one = answer(PartOf(inputs, row, 1), row);
    answers.insert(answers.end(), one.begin(), one.end());
  }
  return answers;
}

}  // namespace understudy
