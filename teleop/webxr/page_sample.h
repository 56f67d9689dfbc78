#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/episode/episode.h"

namespace understudy {

// One sample of a page: what a headset's browser tracks, or what mouse and keys make of a hand.
struct PageSample {
  int64_t sequence = 0;     // counts up by one
  int64_t taken_ns = 0;     // page's clock
  int64_t echo_ns = 0;      // our time of the last message that the page has answered; 0: none
  int64_t echo_age_ns = 0;  // how long it lay there
  double shown_ms = 0;      // from a sample to the picture that shows what came of it; 0: none new
  RawSample raw;            // without id and times
};

// Reads a message of view/page/device.js: 75 float64, little-endian:
//   0 layout (1), 1 sequence, 2 time of the sample (ms of the page's clock), 3 echo (ns), 4 its age
//   (ms), 5 head's location flags, 6 … 12 head's pose, 13 events (DeviceEvent), 14 how long after a
//   sample the picture stood there that shows what came of it (ms; 0: none since the last);
//   30 per hand, left first: 0 active, 1 location flags, 2 … 8 grip pose, 9 … 15 aim pose, 16 … 18
//   velocity, 19 … 21 turning, 22 whether they are valid, 23 trigger, 24 squeeze, 25, 26 stick, 27
//   buttons (ButtonBit), 28, 29 nothing yet.
// Poses are x y z and a quaternion x y z w in the tracking space; flags as XrSpaceLocationFlags,
// without tracking where the browser emulates or lacks a pose. Numbers that are no pose clear the
// flags. Returns why it cannot be read, in words; empty: done.
std::string ReadPageSample(std::string_view bytes, PageSample* sample);

}  // namespace understudy
