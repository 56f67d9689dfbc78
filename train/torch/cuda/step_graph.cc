#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/base/error.h"
#include "train/torch/cuda/cuda.h"

namespace understudy {
namespace {

using at::cuda::CUDAEvent;
using c10::cuda::CUDAStream;
using c10::cuda::CUDAStreamGuard;

// What runs before a step is recorded, as PyTorch's documentation asks for: libraries choose their
// algorithms and take their memory then, which a recording may not.
constexpr int kWarmUp = 3;

// Where batches wait on their way: while the device works on one, the next one is made in locked
// memory and copied by the side.
struct Stage {
  std::vector<Tensor> locked, on_device;  // an undefined tensor is none
  CUDAEvent copied;                       // locked may be written, on_device read
  CUDAEvent taken;                        // on_device may be written
};

class CudaStepGraph : public StepGraph, private InputPath {
 public:
  CudaStepGraph()
      : work_(c10::cuda::getStreamFromPool()), copies_(c10::cuda::getStreamFromPool()) {}
  ~CudaStepGraph() override {
    // nothing that is still queued may find its memory gone
    for (const CUDAStream& stream : {work_, copies_}) cudaStreamSynchronize(stream.stream());
  }

  void Run(std::span<const BatchPart> parts, const Step& step) override {
    const CUDAStream outside = c10::cuda::getCurrentCUDAStream();
    const CUDAStreamGuard inside(work_);
    CUDAEvent before, after;
    before.record(outside);
    before.block(work_);
    if (warmed_ < kWarmUp) {
      step(parts);
      ++warmed_;
    } else {
      if (!recorded_) Record(parts, step);
      if (recorded_ && (staged_ || Fill(parts))) {
        Repeat();
      } else {
        step(parts);
      }
      staged_ = false;
    }
    after.record(work_);
    after.block(outside);
  }

  void Prepare(std::span<const BatchPart> parts) override {
    staged_ = recorded_ && !parts.empty() && Fill(parts);
  }

  int64_t repeated() const override { return repeated_; }

 private:
  // One call of TakeInputs in the recorded step.
  struct Taken {
    size_t part = 0;
    MakeInputs make;
    size_t first = 0, count = 0;  // of inputs_
  };

  void Record(std::span<const BatchPart> parts, const Step& step) {
    std::vector<BatchPart> recorded;
    for (const BatchPart& part : parts) {
      BatchPart& copy = recorded.emplace_back(part);
      copy.inputs = this;
    }
    parts_ = recorded;
    graph_.emplace();
    graph_->capture_begin();
    try {
      step(recorded);
    } catch (...) {
      // the recording is ended before anything else is done; the first error counts
      try {
        graph_->capture_end();
      } catch (const std::exception&) {
      }
      parts_ = {};
      throw;
    }
    graph_->capture_end();
    parts_ = {};
    recorded_ = true;
  }

  // While a step is recorded: places in the graph's own memory, filled before each repetition.
  std::vector<Tensor> Take(const BatchPart& part, at::Device device,
                           const MakeInputs& make) override {
    const auto is_part = [&](const BatchPart& other) { return &other.batch == &part.batch; };
    const auto found = std::find_if(parts_.begin(), parts_.end(), is_part);
    Require(found != parts_.end(), "inputs of a part of the step");
    std::vector<Tensor> places;
    for (const Tensor& made : make(part)) {
      places.push_back(made.defined() ? at::empty(made.sizes(), made.options().device(device))
                                      : Tensor());
    }
    taken_.push_back(
        {static_cast<size_t>(found - parts_.begin()), make, inputs_.size(), places.size()});
    inputs_.insert(inputs_.end(), places.begin(), places.end());
    return places;
  }

  // Puts the inputs of the parts where Repeat takes them; false where one has another shape.
  bool Fill(std::span<const BatchPart> parts) {
    std::vector<Tensor> made;
    for (const Taken& taken : taken_) {
      if (taken.part >= parts.size()) return false;
      const std::vector<Tensor> inputs = taken.make(parts[taken.part]);
      Require(inputs.size() == taken.count, "the inputs of a loss are always as many");
      made.insert(made.end(), inputs.begin(), inputs.end());
    }
    for (size_t i = 0; i < made.size(); ++i) {
      if (made[i].defined() != inputs_[i].defined()) return false;
      if (made[i].defined() && made[i].sizes() != inputs_[i].sizes()) return false;
    }
    turn_ = 1 - turn_;
    Stage& stage = stages_[turn_];
    if (stage.locked.empty()) {
      for (const Tensor& one : made) {
        const bool some = one.defined();
        stage.locked.push_back(some ? at::empty(one.sizes(), one.options().pinned_memory(true))
                                    : Tensor());
        stage.on_device.push_back(some ? at::empty(one.sizes(), one.options().device(at::kCUDA))
                                       : Tensor());
      }
      // memory from the allocator may still be in use by what was queued before on this stream
      stage.taken.record(c10::cuda::getCurrentCUDAStream());
    }
    // the copy out of this locked memory before the last one is over
    stage.copied.synchronize();
    const CUDAStreamGuard beside(copies_);
    stage.taken.block(copies_);
    for (size_t i = 0; i < made.size(); ++i) {
      if (!made[i].defined()) continue;
      stage.locked[i].copy_(made[i]);
      stage.on_device[i].copy_(stage.locked[i], /*non_blocking=*/true);
    }
    stage.copied.record(copies_);
    return true;
  }

  void Repeat() {
    Stage& stage = stages_[turn_];
    stage.copied.block(work_);
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].defined()) inputs_[i].copy_(stage.on_device[i]);
    }
    stage.taken.record(work_);
    graph_->replay();
    ++repeated_;
  }

  const CUDAStream work_, copies_;
  std::array<Stage, 2> stages_;
  size_t turn_ = 0;
  std::span<const BatchPart> parts_;  // while a step is recorded
  std::vector<Taken> taken_;
  std::vector<Tensor> inputs_;
  std::optional<at::cuda::CUDAGraph> graph_;  // behind the tensors of its memory
  int warmed_ = 0;
  bool recorded_ = false, staged_ = false;
  int64_t repeated_ = 0;
};

}  // namespace

std::unique_ptr<StepGraph> MakeStepGraph() { return std::make_unique<CudaStepGraph>(); }

}  // namespace understudy
