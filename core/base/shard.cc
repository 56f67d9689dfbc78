#include "core/base/shard.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <optional>

#include "core/base/error.h"

namespace understudy {
namespace {

std::optional<int64_t> Number(const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

// A number of the environment; nothing where the variable is not set.
std::optional<int64_t> Environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const std::optional<int64_t> value = Number(text);
  if (!value) ThrowUsage(fmt::format("--shard auto: {}={}: no number", name, text));
  return value;
}

// Part that the cluster's environment names; `count` 0: the environment also gives the number.
Shard FromEnvironment(int64_t count) {
  if (const auto id = Environment("SLURM_ARRAY_TASK_ID")) {
    // with a given number of parts the id is the part: one that failed may be submitted alone
    if (count > 0) return {*id, count};
    const int64_t first = Environment("SLURM_ARRAY_TASK_MIN").value_or(0);
    const int64_t step = std::max<int64_t>(1, Environment("SLURM_ARRAY_TASK_STEP").value_or(1));
    return {(*id - first) / step, Environment("SLURM_ARRAY_TASK_COUNT").value_or(0)};
  }
  if (const auto index = Environment("JOB_COMPLETION_INDEX")) return {*index, count};
  ThrowUsage(
      "--shard auto: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set: this is no array "
      "job; say which part with --shard i/n");
}

}  // namespace

std::filesystem::path Shard::Output(const std::filesystem::path& out) const {
  if (whole()) return out;
  // names in the order of the parts: merging takes them as the shell lists them
  const size_t width = std::max<size_t>(3, std::to_string(count).size());
  const std::string name = fmt::format("{}.shard-{:0{}}-of-{:0{}}{}", out.stem().string(), index,
                                       width, count, width, out.extension().string());
  return out.parent_path() / name;
}

Shard ParseShard(const std::string& text) {
  if (text.empty()) return {};
  const size_t slash = text.find('/');
  const std::string part = text.substr(0, slash);
  const std::optional<int64_t> count =
      slash == std::string::npos ? 0 : Number(text.substr(slash + 1));

  Shard shard{-1, count.value_or(-1)};
  if (part == "auto") {
    shard = FromEnvironment(shard.count);
    if (shard.count == 0) {
      ThrowUsage(
          fmt::format("--shard {}: the environment does not give the number of parts: say "
                      "auto/n",
                      text));
    }
  } else if (const auto index = Number(part); index && slash != std::string::npos) {
    shard.index = *index;
  }
  if (shard.index < 0 || shard.count < 1 || shard.index >= shard.count) {
    ThrowUsage(fmt::format("--shard {}: give i/n with i from 0 to n - 1, auto or auto/n{}", text,
                           shard.index >= 0 && shard.count >= 1
                               ? fmt::format(" (this is part {} of {})", shard.index, shard.count)
                               : ""));
  }
  return shard;
}

}  // namespace understudy
