#pragma once

#include <string>
#include <vector>

namespace understudy {

// Files and folders that come with the program, in the folder `demo` of HomeFolder().
enum class ShippedKind {
  kPlan,      // randomizers: `--plan-file randomised`
  kPipeline,  // steps: `understudy run stack`
};

struct ShippedFile {
  std::string name, path;
  std::string description;  // the comment at its beginning
};

// By name.
std::vector<ShippedFile> ListShipped(ShippedKind kind);

// The file that `place` means, from any working folder: a file that exists, the path of a shipped
// file ("demo/randomised.yaml") or its name. Empty stays empty; another path is returned as it is,
// for its reader to reject. Throws Error(kUsage) for an unknown name.
std::string FindShipped(ShippedKind kind, const std::string& place);

// Trained policies: folders checkpoints/<task> of HomeFolder(), each a pretrained_model folder or
// what holds one, with the report of its evaluation beside it.
inline constexpr const char* kCheckpointRecord = "record.json";

// By task; the description says what its record does.
std::vector<ShippedFile> ShippedCheckpoints();

// The checkpoint for a listed task. Throws Error(kUsage) that says what to do if none ships for it.
std::string ShippedCheckpoint(const std::string& task);

}  // namespace understudy
