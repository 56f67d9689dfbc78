#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/seam/robot.h"

namespace understudy {

// What a policy is asked, and about which step.
struct ChunkRequest {
  int64_t run = 0, step = 0;
  RobotReading reading;
  std::vector<Action> committed;  // PolicyInput::committed
  RngKey key;                     // of the policy's noise
};

struct ChunkAnswer {
  int64_t run = 0, step = 0;  // of the request
  std::vector<Action> chunk;  // empty: `problem`
  std::string problem;        // why there is no answer, in words
  double seconds = 0;         // from the request to the answer
  double picture_age_s = 0;   // of the oldest picture when the request was made; 0: none was taken
};

// Answers requests one at a time, beside the loop that asks. Calls return at once.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  // Whether a request is being answered.
  virtual bool busy() const = 0;
  // Takes over `request`, whose memory is exchanged. Requires !busy().
  virtual void Ask(ChunkRequest* request) = 0;
  // The answer that has come since the last call; false: none has.
  virtual bool Take(ChunkAnswer* answer) = 0;
};

}  // namespace understudy
