#pragma once

#include <vector>

#include "serve/served_policy.h"
#include "serve/wire_value.h"

namespace understudy {

// GR00T's name of the instruction.
inline constexpr const char* kLanguageKey = "annotation.human.task_description";

// Which way a request names its parts: {state: {part: …}} or {"state.part": …}.
enum class WireKeys { kNested, kFlat };

// What a request for actions asks for.
struct RequestedChunks {
  std::vector<ServedObservation> observations;  // one for each element of its batch
  bool batched = true;                          // its arrays came with the first axis
};

// Reads a request, of which nothing is trusted; `options` of it or null. Throws Error(kBadInput)
// with every fault.
RequestedChunks ReadRequest(const ServedContract& contract, const WireValue& observation,
                            const WireValue* options, WireKeys keys);

}  // namespace understudy
