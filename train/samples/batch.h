#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace understudy {

// Shapes of everything that goes into a policy and comes out of it. Letters: B batch, N cameras,
// H height, W width, S state, T horizon, A action, L tokens, O object labels.
struct SampleLayout {
  int cameras = 2, height = 84, width = 84;  // N H W
  int state = 11;                            // S: see train/samples/embodiment.h
  int action = 7;                            // A, all arms
  int horizon = 16;                          // T
  int tokens = 16;                           // L
  int objects = 0;                           // O: training only, see train/samples/object_labels.h
  bool operator==(const SampleLayout&) const = default;
};

// One minibatch, contiguous, normalised, in main memory; no tensor type, so that loading needs no
// LibTorch. Padded time steps repeat the last action and have mask 0.
struct Batch {
  int size = 0;                       // B
  std::vector<uint8_t> images_BNHWC;  // rgb
  std::vector<float> state_BS;        // normalised
  std::vector<float> actions_BTA;     // normalised, in [-1, 1] up to outliers
  std::vector<uint8_t> mask_BT;       // 1 real, 0 past the end of the episode
  std::vector<int32_t> tokens_BL;     // 0 = padding
  std::vector<float> objects_BO;      // normalised; NaN where an episode does not know
  std::vector<int32_t> embodiment_B;  // slot of the per-embodiment tables
  std::vector<uint64_t> sample_B;     // identity (episode uuid and row): parent of RngKeys
};

}  // namespace understudy
