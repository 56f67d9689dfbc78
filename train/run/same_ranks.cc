#include "train/run/same_ranks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace understudy {

void Differences(const Json& before, const Json& now, const std::string& path, Problems& found) {
  if (before.is_object() && now.is_object()) {
    for (const auto& [key, value] : now.items()) {
      const std::string inner = path.empty() ? key : path + "." + key;
      Differences(before.contains(key) ? before[key] : Json(), value, inner, found);
    }
    for (const auto& [key, value] : before.items()) {
      if (!now.contains(key)) {
        Differences(value, Json(), path.empty() ? key : path + "." + key, found);
      }
    }
  } else if (before != now) {
    found.push_back(fmt::format("{} was {}, is {}", path, before.dump(), now.dump()));
  }
}

void RequireSame(Ranks& ranks, const Json& here) {
  const std::vector<std::string> all = ranks.Gather(here.dump());
  Problems found;
  for (size_t rank = 1; rank < all.size(); ++rank) {
    Problems differences;
    Differences(Json::parse(all[0]), Json::parse(all[rank]), "", differences);
    for (const std::string& what : differences) {
      found.push_back(fmt::format("rank {}, beside rank 0: {}", rank, what));
    }
  }
  if (!found.empty()) {
    ThrowBadInput(
        fmt::format("the {} ranks do not train the same: {}; give all of them the same "
                    "program, options and files",
                    ranks.size(), fmt::join(found, "; ")));
  }
}

std::string HashOfTensors(const TensorMap& tensors) {
  uint64_t hash = 0;
  for (const auto& [name, blob] : tensors) {
    const std::string_view bytes(reinterpret_cast<const char*>(blob.data.data()), blob.data.size());
    hash = hash * 0x9E3779B97F4A7C15ull + HashOf(name) + HashOf(bytes);
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace understudy
