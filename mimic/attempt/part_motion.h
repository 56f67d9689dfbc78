#pragma once

#include <vector>

#include "core/geometry/pose.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// `share` of a rigid motion, along its screw (Chasles): 1 is all of it, shares add up.
Pose ShareOfMotion(const Pose& motion, double share);

// Of a part (a drawer, a lid) that the source moved in rows [start, end), and that begins further
// along its joint now, or less far: for each row, the world of the source -> world now, so that the
// segment begins at the part as it is and ends with it as the source left it, in the frame of
// `base`, what it hangs from (-1: the world). Empty where the segment goes with the part as a
// whole: the source did not move it, it begins as in the source, or it is off in another way than
// along its joint.
std::vector<Pose> LeadPart(const SourceDemo& demo, int start, int end, int part, int base,
                           const Pose& X_WO_now, const Pose& X_WB_now);

}  // namespace understudy
