#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/seam/policy.h"

namespace understudy {

// Numbers of one meaning in a state or an action, under the name that they have on the wire.
struct ServedPart {
  std::string name;  // "robot0_eef_position"
  int size = 0;
  bool operator==(const ServedPart&) const = default;
};

struct ServedCamera {
  std::string name;
  int width = 0, height = 0;
};

// An arm of a policy, as far as the wire needs it.
struct ServedArm {
  std::string name;
  int joints = 0;  // where it is commanded by joints; 0: by poses
  int fingers = 0;
};

// What a policy is asked with and answers.
struct ServedContract {
  PolicyInfo info;
  std::vector<ServedArm> arms;  // none where state and action are columns of a dataset
  std::vector<ServedCamera> cameras;
  std::vector<ServedPart> state, action;
};

// [part][step][number]: the answer of a policy, in the order of ServedContract::action.
using ServedChunk = std::vector<std::vector<std::vector<double>>>;

// What is seen at one moment: a picture for each camera and the numbers of each part of the state.
struct ServedMoment {
  std::vector<Image> images;
  std::vector<std::vector<double>> state;
};

struct ServedObservation {
  std::vector<ServedMoment> moments;  // oldest first, 1 to PolicyInfo::history of them
  std::string instruction;
  ServedChunk committed = {};  // first steps of the answer that are given; see PolicyInput
};

// The moments of what a policy is handed, oldest first.
std::vector<const PolicyObservation*> MomentsOf(const PolicyInput& input);

// A policy as a server offers it. Thread-safe; the answer depends on what is given only.
class ServedPolicy {
 public:
  virtual ~ServedPolicy() = default;
  const ServedContract& contract() const { return DoContract(); }
  ServedChunk Answer(const ServedObservation& observation, const RngKey& key) const {
    return DoAnswer(observation, key);
  }

 private:
  virtual const ServedContract& DoContract() const = 0;
  virtual ServedChunk DoAnswer(const ServedObservation& observation, const RngKey& key) const = 0;
};

// The contract of a policy of arms. State, for each arm: `<arm>_eef_position` (m) and
// `<arm>_eef_rotation` (w x y z) of E in the world of training, or `<arm>_joints` (rad);
// `<arm>_gripper`, the finger joints (m). Where the policy sees the places of objects,
// `<object>_position` and `<object>_rotation`. Action: the absolute targets under the same names,
// `<arm>_gripper` one command in [-1, 1]. The names are those of LeRobot exports (modality.json).
ServedContract ContractOf(const PolicyInfo& info, const std::vector<ServedArm>& arms);

// Targets of arms as the numbers of such a contract, and back. The numbers of joints do not say
// where E is: there it is taken to be where it is in `arms_now`. Throws Error(kBadInput) for a
// quaternion without direction; messages name it by `place`.
ServedChunk NumbersOf(const ServedContract& contract, const ActionChunk& actions);
ActionChunk TargetsOf(const ServedContract& contract, const ServedChunk& numbers,
                      const std::vector<ArmObservation>& arms_now, const std::string& place);

// Serves such a policy.
std::unique_ptr<ServedPolicy> ServeArms(std::shared_ptr<const Policy> policy,
                                        const std::vector<ServedArm>& arms);

}  // namespace understudy
