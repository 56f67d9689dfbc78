#include "train/run/ranks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "core/base/error.h"
#include "core/base/options.h"

namespace understudy {
namespace {

std::optional<std::string> Read(const ReadEnvironment& environment, const char* name) {
  const char* value = environment(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

int Number(const std::string& text, const char* name, int least, int most) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    ThrowUsage(fmt::format("environment: {}={}: must be a whole number from {} to {}", name, text,
                           least, most));
  }
  return number;
}

constexpr int kMostRanks = 1 << 20;

}  // namespace

std::string FirstHost(const std::string& hosts) {
  const size_t bracket = hosts.find('['), comma = hosts.find(',');
  if (bracket == std::string::npos || comma < bracket) return hosts.substr(0, comma);
  const size_t number_end = hosts.find_first_of("-,]", bracket);
  const size_t close = hosts.find(']', bracket);
  if (close == std::string::npos) return hosts;
  const size_t name_end = std::min(hosts.find(',', close), hosts.size());
  return hosts.substr(0, bracket) + hosts.substr(bracket + 1, number_end - bracket - 1) +
         hosts.substr(close + 1, name_end - close - 1);
}

std::optional<RankPlace> FindRankPlace(const ReadEnvironment& environment) {
  const auto read = [&](const char* name) { return Read(environment, name); };
  RankPlace place;
  if (const auto size = read("WORLD_SIZE")) {
    place.size = Number(*size, "WORLD_SIZE", 1, kMostRanks);
    Problems missing;
    for (const char* name : {"RANK", "MASTER_ADDR", "MASTER_PORT"}) {
      if (!read(name)) missing.push_back(name);
    }
    if (place.size == 1 && !missing.empty()) return std::nullopt;
    if (!missing.empty()) {
      ThrowUsage(
          fmt::format("environment: WORLD_SIZE={} without {}: start the ranks by torchrun "
                      "--no-python or srun, or set all four of RANK, WORLD_SIZE, "
                      "MASTER_ADDR and MASTER_PORT",
                      place.size, fmt::join(missing, ", ")));
    }
    place.rank = Number(*read("RANK"), "RANK", 0, place.size - 1);
    place.local_size =
        Number(read("LOCAL_WORLD_SIZE").value_or("1"), "LOCAL_WORLD_SIZE", 1, place.size);
    place.host = *read("MASTER_ADDR");
    place.port = Number(*read("MASTER_PORT"), "MASTER_PORT", 1, 65535);
    place.launcher_listens = read("TORCHELASTIC_USE_AGENT_STORE") == "True";
    place.attempt = Number(read("TORCHELASTIC_RESTART_COUNT").value_or("0"),
                           "TORCHELASTIC_RESTART_COUNT", 0, kMostRanks);
    return place;
  }
  const auto tasks = read("SLURM_STEP_NUM_TASKS"), job = read("SLURM_JOB_ID");
  if (!tasks || !job) {
    const auto given = read("SLURM_NTASKS");
    if (given && Number(*given, "SLURM_NTASKS", 1, kMostRanks) > 1) {
      ThrowUsage(
          fmt::format("Slurm gave this job {} tasks, and one process was started: start the "
                      "training by `srun understudy train ...`, or ask for --ntasks=1",
                      *given));
    }
    return std::nullopt;
  }
  place.size = Number(*tasks, "SLURM_STEP_NUM_TASKS", 1, kMostRanks);
  if (place.size == 1) return std::nullopt;
  place.rank = Number(read("SLURM_PROCID").value_or(""), "SLURM_PROCID", 0, place.size - 1);
  // "4(x2),3": the ranks of each node
  const std::string per_node = read("SLURM_STEP_TASKS_PER_NODE").value_or("1");
  place.local_size = Number(per_node.substr(0, per_node.find_first_of("(,")),
                            "SLURM_STEP_TASKS_PER_NODE", 1, place.size);
  const auto nodes = read("SLURM_STEP_NODELIST");
  place.host = read("MASTER_ADDR").value_or(FirstHost(nodes.value_or("localhost")));
  // a port of the job's own, below those that systems hand out
  const int number = Number(*job, "SLURM_JOB_ID", 0, 2147483647);
  place.port = Number(read("MASTER_PORT").value_or(std::to_string(12000 + number % 20000)),
                      "MASTER_PORT", 1, 65535);
  place.attempt =
      Number(read("SLURM_RESTART_COUNT").value_or("0"), "SLURM_RESTART_COUNT", 0, kMostRanks);
  return place;
}

}  // namespace understudy
