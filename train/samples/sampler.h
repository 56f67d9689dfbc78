#pragma once

#include <cstdint>
#include <vector>

#include "core/base/json.h"
#include "core/base/rng.h"

namespace understudy {

// Where `index` goes in a permutation of 0 … count-1 named by `key`: a Feistel network with Philox
// as its round function, walked along its cycles until it lands below `count` (Black & Rogaway
// 2002, "Ciphers with arbitrary finite domains"). No table. Requires index < count.
uint64_t Permute(uint64_t index, uint64_t count, const RngKey& key);

// One window of the training set, as the sampler names it.
struct WindowDraw {
  size_t group = 0;
  uint64_t window = 0;  // inside the group
  uint64_t epoch = 0;   // of the group
  bool operator==(const WindowDraw&) const = default;
};

// The order of training: an endless stream of windows. Every group goes through each of its windows
// once per epoch, in an order that (seed, epoch, group) names; groups are mixed by weight, always
// the one next that lags most behind its share. A value type: copy it to look ahead.
class Sampler {
 public:
  // Requires equal sizes, at least one window in each group, and weights above 0.
  Sampler(std::vector<uint64_t> group_sizes, std::vector<double> weights, uint64_t seed);

  WindowDraw Next();

  // The position: how many windows each group has given.
  Json Save() const;
  // Throws Error(kBadInput) where the position belongs to other groups or another seed.
  void Restore(const Json& position);

 private:
  std::vector<uint64_t> sizes_, taken_;
  std::vector<double> shares_;
  uint64_t seed_ = 0, total_ = 0;
};

}  // namespace understudy
