#include "train/samples/sampler.h"

#include <fmt/format.h>

#include <numeric>

#include "core/base/error.h"

namespace understudy {

uint64_t Permute(uint64_t index, uint64_t count, const RngKey& key) {
  Require(index < count, "an index lies below the count");
  if (count == 1) return 0;
  int half_bits = 1;
  while (half_bits < 32 && (uint64_t{1} << (2 * half_bits)) < count) ++half_bits;
  const uint64_t mask = (uint64_t{1} << half_bits) - 1;
  // the key of the rounds is two words of the key's own stream
  Rng rng(key);
  const std::array<uint32_t, 2> round_key{rng.NextU32(), rng.NextU32()};
  do {
    uint64_t left = index >> half_bits, right = index & mask;
    for (uint32_t round = 0; round < 6; ++round) {
      const uint64_t mixed =
          Philox4x32({static_cast<uint32_t>(right), round, 0, 0}, round_key)[0] & mask;
      const uint64_t next = left ^ mixed;
      left = right;
      right = next;
    }
    index = (left << half_bits) | right;
  } while (index >= count);
  return index;
}

Sampler::Sampler(std::vector<uint64_t> group_sizes, std::vector<double> weights, uint64_t seed)
    : sizes_(std::move(group_sizes)),
      taken_(sizes_.size(), 0),
      shares_(std::move(weights)),
      seed_(seed) {
  Require(!sizes_.empty() && sizes_.size() == shares_.size(), "one weight per group");
  for (size_t g = 0; g < sizes_.size(); ++g) {
    Require(sizes_[g] > 0 && shares_[g] > 0, "every group needs windows and a weight");
  }
  const double sum = std::accumulate(shares_.begin(), shares_.end(), 0.0);
  for (double& share : shares_) share /= sum;
}

WindowDraw Sampler::Next() {
  // the group that lags most; ties go to the first
  size_t group = 0;
  double worst = -1e300;
  for (size_t g = 0; g < sizes_.size(); ++g) {
    const double lag =
        shares_[g] * static_cast<double>(total_ + 1) - static_cast<double>(taken_[g]);
    if (lag > worst) {
      worst = lag;
      group = g;
    }
  }
  const uint64_t epoch = taken_[group] / sizes_[group];
  const uint64_t place = taken_[group] % sizes_[group];
  ++taken_[group];
  ++total_;
  const RngKey key = RngKey{seed_}.WithStage("train order").WithParent(group).WithVariant(epoch);
  return {group, Permute(place, sizes_[group], key), epoch};
}

Json Sampler::Save() const {
  return Json{{"seed", seed_}, {"group_sizes", sizes_}, {"taken", taken_}};
}

void Sampler::Restore(const Json& position) {
  std::vector<uint64_t> sizes, taken;
  uint64_t seed = 0;
  try {
    position.at("seed").get_to(seed);
    position.at("group_sizes").get_to(sizes);
    position.at("taken").get_to(taken);
  } catch (const Json::exception& error) {
    ThrowBadInput(fmt::format("sampler position: {}", error.what()));
  }
  if (seed != seed_ || sizes != sizes_ || taken.size() != sizes_.size()) {
    ThrowBadInput(fmt::format(
        "sampler position belongs to seed {} and {} windows by dataset, this run has seed {} and "
        "{}: resume with the datasets and options that the run was started with",
        seed, fmt::join(sizes, " + "), seed_, fmt::join(sizes_, " + ")));
  }
  taken_ = taken;
  total_ = std::accumulate(taken_.begin(), taken_.end(), uint64_t{0});
}

}  // namespace understudy
