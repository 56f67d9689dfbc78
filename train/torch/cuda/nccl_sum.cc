#include <c10/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAStream.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "core/base/error.h"
#include "train/torch/cuda/cuda.h"
#include "train/torch/cuda/nccl_api.h"

namespace understudy {
namespace {

void Check(ncclResult_t result, const char* what) {
  if (result == ncclSuccess || result == ncclInProgress) return;
  ThrowFailed(std::string("NCCL: ") + what + ": " + ncclGetErrorString(result) +
              "; NCCL_DEBUG=INFO says more, UNDERSTUDY_NCCL=off sums by main memory");
}

// A weak function that nothing in the process has is null.
void RequireNccl() {
  if (ncclGetUniqueId != nullptr && ncclCommInitRank != nullptr && ncclAllReduce != nullptr) return;
  ThrowFailed("this LibTorch for CUDA was built without NCCL");
}

constexpr char kDigits[] = "0123456789abcdef";

class NcclSum : public DeviceSum {
 public:
  NcclSum(const std::string& id, int rank, int size) {
    RequireNccl();
    ncclUniqueId raw;
    Require(id.size() == 2 * sizeof(raw.internal), "an identity of NCCL");
    for (size_t i = 0; i < sizeof(raw.internal); ++i) {
      raw.internal[i] = static_cast<char>(std::stoi(id.substr(2 * i, 2), nullptr, 16));
    }
    Check(ncclCommInitRank(&comm_, size, raw, rank), "the ranks cannot join");
  }
  ~NcclSum() override {
    if (comm_ != nullptr) ncclCommDestroy(comm_);
  }

  void Sum(float* numbers, int64_t count, const std::function<void()>& alive) override {
    Require(comm_ != nullptr, "a sum that was not given up");
    using Clock = std::chrono::steady_clock;
    try {
      const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
      Check(ncclAllReduce(numbers, numbers, static_cast<size_t>(count), ncclFloat32, ncclSum, comm_,
                          stream.stream()),
            "gradients cannot be summed");
      at::cuda::CUDAEvent done;
      done.record(stream);
      // a rank that is lost would be waited for without end
      auto next = Clock::now() + std::chrono::seconds(1);
      while (!done.query()) {
        std::this_thread::sleep_for(std::chrono::microseconds(20));
        if (Clock::now() < next) continue;
        next = Clock::now() + std::chrono::seconds(1);
        ncclResult_t error = ncclSuccess;
        Check(ncclCommGetAsyncError(comm_, &error), "no answer");
        Check(error, "a rank is lost");
        alive();
      }
    } catch (...) {
      ncclCommAbort(comm_);
      comm_ = nullptr;
      throw;
    }
  }

 private:
  ncclComm_t comm_ = nullptr;
};

}  // namespace

std::string MakeNcclId() {
  RequireNccl();
  ncclUniqueId raw;
  Check(ncclGetUniqueId(&raw), "no identity");
  std::string text;
  for (const char c : raw.internal) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

std::unique_ptr<DeviceSum> JoinNccl(const std::string& id, int rank, int size) {
  return std::make_unique<NcclSum>(id, rank, size);
}

}  // namespace understudy
