#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace understudy {

// A film of one attempt.
struct SampleVideo {
  int64_t attempt = 0;
  bool success = false;
  std::string cause;  // of a failure, with what is known of it
  int32_t subtask = -1;
  std::string detail;
  int64_t steps = 0;
  std::vector<uint8_t> mp4;
};

// Films of a run's attempts, or why there are none or fewer.
struct SampleVideos {
  std::vector<SampleVideo> videos;
  std::string note;  // one line; empty: nothing is missing
};

// Parts of a page; `result` is MimicReport::ToJson, or what an older version made of it: what it
// lacks is left out. MimicNumbers is the row of boxes: rate, attempts, speed.
std::string MimicNumbers(const Json& result);
// Suggestions, how far attempts came, why they failed, lengths, where objects stood, use of sources
// and where the time went. `subtasks` names the subtasks; control_hz turns steps into seconds.
std::string MimicSections(const Json& result, const std::vector<std::string>& subtasks,
                          double control_hz);

// A name for each subtask of a task.yaml as JSON: its object and what ends it.
std::vector<std::string> SubtaskNames(const Json& task);

// One self-contained page (films and numbers inside, no network) of a run: `result` as above,
// `task` and `options` as JSON.
std::string MimicPage(const Json& result, const Json& task, const Json& options, double control_hz,
                      const SampleVideos& samples);

}  // namespace understudy
