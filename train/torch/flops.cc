#include "train/torch/flops.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>

namespace understudy {
namespace {

thread_local double counted = 0;

double Product(at::IntArrayRef sizes) {
  double product = 1;
  for (const int64_t size : sizes) product *= static_cast<double>(size);
  return product;
}

// Of one operator.
struct Call : at::ObserverContext {
  double before = 0;      // counted; products inside of an operator are in its own count
  double flops = 0;       // by what goes in
  double per_number = 0;  // of what comes out
};

std::unique_ptr<at::ObserverContext> Start(const at::RecordFunction& function) {
  auto call = std::make_unique<Call>();
  call->before = counted;
  const std::string_view name = function.name();
  const auto inputs = function.inputs();
  const auto shape = [&](size_t i) -> at::IntArrayRef { return inputs[i].toTensor().sizes(); };
  // m x k times k x n, for all matrices of a batch
  const auto product = [&](size_t left, size_t right) {
    return 2 * Product(shape(left)) * static_cast<double>(shape(right).back());
  };
  if (name == "aten::mm" || name == "aten::bmm") call->flops = product(0, 1);
  if (name == "aten::addmm" || name == "aten::baddbmm") call->flops = product(1, 2);
  // a sum over one kernel: (in / groups) x height x width
  if (name == "aten::convolution") call->per_number = 2 * Product(shape(1).slice(1));
  if (name == "aten::scaled_dot_product_attention") {
    // queries by keys, and weights by values
    const double rows = Product(shape(0).slice(0, shape(0).size() - 1));
    const auto keys = static_cast<double>(shape(1)[shape(1).size() - 2]);
    call->flops = 2 * rows * keys * static_cast<double>(shape(0).back() + shape(2).back());
  }
  return call;
}

void End(const at::RecordFunction& function, at::ObserverContext* context) {
  const auto& call = *static_cast<Call*>(context);
  double flops = call.flops;
  if (call.per_number > 0) {
    flops = call.per_number * Product(function.outputs()[0].toTensor().sizes());
  }
  if (flops > 0) counted = call.before + flops;
}

}  // namespace

double CountFlops(const std::function<void()>& work) {
  counted = 0;
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(Start, End)
                                                     .needsInputs(true)
                                                     .needsOutputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  const std::shared_ptr<void> removed(nullptr, [&](void*) { at::removeCallback(handle); });
  work();
  return counted;
}

double MeasurePeakFlops(at::Device device, bool bfloat16) {
  const int64_t side = device.is_cuda() ? 8192 : 512;
  const at::AutoGradMode no_gradients(false);
  const auto options =
      at::TensorOptions().device(device).dtype(bfloat16 ? at::kBFloat16 : at::kFloat);
  const Tensor left = at::ones({side, side}, options), right = at::ones({side, side}, options);
  double best = 0;
  for (int i = 0; i < 4; ++i) {
    const auto start = std::chrono::steady_clock::now();
    // reading one number waits for all
    at::mm(left, right).select(0, 0).select(0, 0).item<float>();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (i > 0) best = std::max(best, 2 * Product({side, side, side}) / seconds.count());
  }
  return best;
}

}  // namespace understudy
