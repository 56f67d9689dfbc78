#pragma once

#include <string>
#include <vector>

#include "core/seam/browser_link.h"

namespace understudy {

// An instant for view/page/live.js, little-endian, in units of 4 bytes: 1 (kind), step, time in s
// (float), bits (1: success), counts of bodies, arms and contacts, time of the page's sample that
// led here in units of 10 us, modulo 2^32 (0: none); then per body 7 floats (position, quaternion
// wxyz), per arm 7 floats of its command, its gripper (float) and its flags, per contact 3 floats.
std::string LiveFrameMessage(const LiveFrame& frame, const std::vector<float>& poses,
                             const std::vector<float>& contacts);

}  // namespace understudy
