#pragma once

#include "core/episode/episode.h"

namespace understudy {

// Calls use(subtask, source) once for every subtask in progress in a generated step. Arms that
// share a subtask are in no other.
template <class Use>
void VisitSubtasks(const Step& step, const Use& use) {
  use(step.subtask, step.source);
  for (const ArmPart& part : step.parts) {
    if (part.subtask >= 0 && part.subtask != step.subtask) use(part.subtask, part.source);
  }
}

}  // namespace understudy
