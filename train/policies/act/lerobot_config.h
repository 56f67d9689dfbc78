#pragma once

#include <filesystem>

#include "train/run/checkpoint.h"

namespace understudy {

// Folders of LeRobot's ACT policies (0.4: config.json, model.safetensors, policy_preprocessor.json
// and policy_postprocessor.json, each with a file of statistics). Weights need no change: names are
// the same. See docs/policy.md.

// Names of LeRobot's features and files, and what it adds to deviations that it divides by.
inline constexpr const char* kLerobotState = "observation.state";
inline constexpr const char* kLerobotAction = "action";
inline constexpr const char* kLerobotPictures = "observation.images.";
inline constexpr const char* kLerobotBefore = "policy_preprocessor";
inline constexpr const char* kLerobotBehind = "policy_postprocessor";
inline constexpr double kLerobotEpsilon = 1e-8;

// The policy as one of this program: state and action are the columns observation.state and action,
// as they are. Weights are not compared with the network before that is made. Throws
// Error(kBadInput) that lists all that this program does not have.
PolicyArtefact ReadLerobotPolicy(const std::filesystem::path& folder);

// Throws Error(kBadInput) that lists what LeRobot's ACT does not have: other networks, and
// normalisations other than by one mean and deviation for all steps of a chunk.
void CheckLerobotPolicy(const PolicyArtefact& policy);

// Writes `policy` into `folder`, which must not exist or be empty. Throws as CheckLerobotPolicy.
void WriteLerobotPolicy(const PolicyArtefact& policy, const std::filesystem::path& folder);

}  // namespace understudy
