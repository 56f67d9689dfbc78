#include "train/torch/torch_ranks.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"

#ifdef USE_C10D_GLOO
#include <chrono>
#include <cstdlib>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "train/torch/cuda_module.h"
#include "train/torch/torch.h"

namespace understudy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kMeeting{300};     // until all ranks are there
constexpr seconds kOperation{1800};  // a checkpoint of a large network may be written meanwhile
constexpr seconds kReasons{5};       // for other ranks to say why they end

// The first line, without LibTorch's stack.
std::string Short(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, std::min<size_t>(text.find('\n'), 300));
}

class GlooRanks : public Ranks {
 public:
  explicit GlooRanks(const RankPlace& place) : place_(place) {
    const std::string where = fmt::format("{}:{}", place.host, place.port);
    try {
      c10d::TCPStoreOptions options;
      options.port = static_cast<uint16_t>(place.port);
      options.isServer = place.rank == 0 && !place.launcher_listens;
      options.waitWorkers = false;
      options.timeout = kMeeting;
      auto store = c10::make_intrusive<c10d::TCPStore>(place.host, options);
      store_ = c10::make_intrusive<c10d::PrefixStore>(fmt::format("understudy/{}", place.attempt),
                                                      store);
      store_->set(fmt::format("here/{}", place.rank), Bytes("1"));
    } catch (const std::exception& error) {
      ThrowFailed(
          fmt::format("rank {} of {}: {}: {}; {}", place.rank, place.size, where, Short(error),
                      place.rank == 0 && !place.launcher_listens
                          ? "if the port is taken, set another MASTER_PORT for all ranks"
                          : "is rank 0 running there, and does the network let it be reached?"));
    }
    RequireAll();
    try {
      auto options = c10d::ProcessGroupGloo::Options::create(kOperation);
      const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
      options->devices.push_back(interface != nullptr
                                     ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                     : c10d::ProcessGroupGloo::createDefaultDevice());
      group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store_, place.rank, place.size, options);
    } catch (const std::exception& error) {
      Lost(Short(error));
    }
  }

  // Whoever keeps the keys goes last, so that the others can still read them.
  ~GlooRanks() override {
    try {
      store_->set(fmt::format("left/{}", place_.rank), Bytes("1"));
      const auto end = std::chrono::steady_clock::now() + kReasons;
      const bool keeps = place_.rank == 0 && !place_.launcher_listens;
      for (int rank = 1; keeps && rank < place_.size; ++rank) {
        while (!store_->check({fmt::format("left/{}", rank)}) &&
               std::chrono::steady_clock::now() < end) {
          std::this_thread::sleep_for(milliseconds(20));
        }
      }
    } catch (const std::exception&) {
      // nobody left to read
    }
  }

  int rank() const override { return place_.rank; }
  int size() const override { return place_.size; }

  void Sum(float* numbers, int64_t count, bool cuda) override {
    if (cuda && !asked_for_nccl_) JoinNccl();
    if (cuda && nccl_ != nullptr) {
      SumOnDevices(numbers, count);
      return;
    }
    const at::Device device = cuda ? at::Device(at::kCUDA) : at::Device(at::kCPU);
    Tensor here =
        at::from_blob(numbers, {count}, at::TensorOptions().dtype(at::kFloat).device(device));
    // Gloo works in main memory
    std::vector<Tensor> tensors{cuda ? here.cpu() : here};
    try {
      group_->allreduce(tensors)->wait();
    } catch (const std::exception& error) {
      Lost(Short(error));
    }
    if (cuda) here.copy_(tensors[0]);
  }

  std::vector<std::string> Gather(const std::string& text) override {
    const std::string round = fmt::format("text/{}/", rounds_++);
    std::vector<std::string> keys, texts;
    for (int rank = 0; rank < place_.size; ++rank) keys.push_back(round + std::to_string(rank));
    try {
      store_->set(keys[static_cast<size_t>(place_.rank)], Bytes(text));
      Await(keys);
      for (const std::vector<uint8_t>& bytes : store_->multiGet(keys)) {
        texts.emplace_back(bytes.begin(), bytes.end());
      }
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      Lost(Short(error));
    }
    return texts;
  }

  void Fail(const std::string& why) override {
    if (ended_) return;  // the first reason counts
    ended_ = true;
    try {
      store_->set(Key(place_.rank), Bytes(why));
      store_->set(kEnded, Bytes("1"));
    } catch (const std::exception&) {
      // whoever kept the reasons is lost too
    }
  }

 private:
  static std::vector<uint8_t> Bytes(const std::string& text) { return {text.begin(), text.end()}; }
  static std::string Key(int rank) { return fmt::format("ended/{}", rank); }
  static constexpr const char* kEnded = "ended";  // set where any rank is

  // All ranks or none: gradients go through main memory where one has no NCCL.
  void JoinNccl() {
    asked_for_nccl_ = true;
    const char* off = std::getenv("UNDERSTUDY_NCCL");
    std::string why = "UNDERSTUDY_NCCL=off";
    const CudaModule* module =
        off != nullptr && std::string(off) == "off" ? nullptr : FindCudaModule(&why);
    std::string id;
    if (module != nullptr && place_.rank == 0) id = module->make_sum_id();
    const std::vector<std::string> all = Gather(module == nullptr ? "no" : "yes" + id);
    if (std::find(all.begin(), all.end(), "no") != all.end()) return;
    nccl_ = module->join_sum(all[0].substr(3), place_.rank, place_.size);
  }

  // NCCL waits for a lost rank without end. All show first, by Gloo, that they are there; who is
  // lost behind that is found by the reasons of others, or the time.
  void SumOnDevices(float* numbers, int64_t count) {
    float here = 1;
    Sum(&here, 1, false);
    const auto end = std::chrono::steady_clock::now() + kOperation;
    nccl_->Sum(numbers, count, [&] {
      bool ended = false;
      try {
        ended = store_->check({kEnded});
      } catch (const std::exception& error) {
        Lost(Short(error));
      }
      if (ended) Lost("");
      if (std::chrono::steady_clock::now() > end) {
        Lost(fmt::format("no answer in {} s", kOperation.count()));
      }
    });
  }

  // Waits until every rank has come.
  void RequireAll() {
    std::vector<std::string> keys;
    for (int rank = 0; rank < place_.size; ++rank) keys.push_back(fmt::format("here/{}", rank));
    std::vector<int> missing;
    try {
      if (Comes(keys, kMeeting)) return;
      for (int rank = 0; rank < place_.size; ++rank) {
        if (!store_->check({keys[static_cast<size_t>(rank)]})) missing.push_back(rank);
      }
    } catch (const std::exception& error) {
      Lost(Short(error));
    }
    ThrowFailed(fmt::format("rank {} of {}: waited {} s in vain for rank {}", place_.rank,
                            place_.size, kMeeting.count(), fmt::join(missing, ", ")));
  }

  // Whether all keys are set before the time is over.
  bool Comes(const std::vector<std::string>& keys, milliseconds time) {
    try {
      store_->wait(keys, time);
      return true;
    } catch (const std::exception&) {
      // the time is over, or the store is gone: then this throws
      return store_->check(keys);
    }
  }

  // Waits for keys that other ranks set; ends as soon as a rank has said that it ends.
  void Await(const std::vector<std::string>& keys) {
    const auto end = std::chrono::steady_clock::now() + kOperation;
    while (std::chrono::steady_clock::now() < end) {
      if (Comes(keys, seconds(1))) return;
      if (store_->check({kEnded})) Lost("");
    }
    Lost(fmt::format("no answer in {} s", kOperation.count()));
  }

  // Ends this rank with the reason that another one gave, or with the names of those that gave
  // none: they were killed, or their machine is gone.
  [[noreturn]] void Lost(const std::string& what) {
    constexpr const char* kFollows = "another rank ended";
    Fail(kFollows);
    // those that wait for this rank alone learn of it by their connections
    group_.reset();
    std::vector<int> silent;
    try {
      const auto end = std::chrono::steady_clock::now() + kReasons;
      do {
        silent.clear();
        for (int rank = 0; rank < place_.size; ++rank) {
          if (rank == place_.rank) continue;
          if (!store_->check({Key(rank)})) {
            silent.push_back(rank);
            continue;
          }
          const std::vector<uint8_t> bytes = store_->get(Key(rank));
          const std::string why(bytes.begin(), bytes.end());
          if (why == kFollows) continue;
          ThrowFailed(fmt::format("rank {} of {} ended: {}", rank, place_.size, why));
        }
        if (silent.empty()) break;
        std::this_thread::sleep_for(milliseconds(50));
      } while (std::chrono::steady_clock::now() < end);
    } catch (const Error&) {
      throw;
    } catch (const std::exception&) {
      ThrowFailed(fmt::format("rank {} of {} cannot reach {}:{} any more: {} is lost ({})",
                              place_.rank, place_.size, place_.host, place_.port,
                              place_.launcher_listens ? "the launcher" : "rank 0", what));
    }
    ThrowFailed(
        fmt::format("rank {} of {} is lost ({}); start the ranks again with --resume: they "
                    "go on from the last checkpoint",
                    fmt::join(silent, ", "), place_.size, what));
  }

  const RankPlace place_;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  bool asked_for_nccl_ = false;
  std::unique_ptr<DeviceSum> nccl_;
  int rounds_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Ranks> JoinRanks(const RankPlace& place) {
  return std::make_unique<GlooRanks>(place);
}

}  // namespace understudy

#else

namespace understudy {

std::unique_ptr<Ranks> JoinRanks(const RankPlace& place) {
  ThrowBadInput(fmt::format(
      "{} ranks are to train together, and this program was built without c10d and Gloo: build it "
      "with libgloo-dev and a LibTorch that has them, or start one process",
      place.size));
}

}  // namespace understudy

#endif
