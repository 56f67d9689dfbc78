#pragma once

// What tests of sessions share.

#include <filesystem>
#include <vector>

#include "data/store/reader.h"
#include "tests/teleop/world.h"

namespace understudy {

// Presses stop once `file` is there.
inline void StopAfter(World& world, const std::filesystem::path& file) {
  world.device.spoil = [file](RawSample& sample) {
    if (std::filesystem::exists(file) && sample.id % 50 == 0) sample.hands[0].buttons = kButtonStop;
  };
}

// The start of every demonstration, in order.
inline std::vector<int64_t> StartsOf(const std::filesystem::path& file) {
  const DatasetReader reader(file);
  std::vector<int64_t> starts;
  for (size_t i = 0; i < reader.episodes().size(); ++i)
    starts.push_back(reader.ReadMeta(i).attempt);
  return starts;
}

}  // namespace understudy
