#include <fmt/format.h>

#include "core/base/error.h"
#include "serve/served_policy.h"

namespace understudy {
namespace {

Eigen::VectorXd VectorOf(const std::vector<double>& numbers) {
  return Eigen::Map<const Eigen::VectorXd>(numbers.data(),
                                           static_cast<Eigen::Index>(numbers.size()));
}

Pose PoseOf(const std::vector<double>& p, const std::vector<double>& q, const std::string& name) {
  const Eigen::Quaterniond rotation(q[0], q[1], q[2], q[3]);
  if (const double norm = rotation.norm(); !std::isfinite(norm) || norm < 1e-6) {
    ThrowBadInput(fmt::format("{}_rotation: [{}] is no rotation", name, fmt::join(q, ", ")));
  }
  return {rotation, {p[0], p[1], p[2]}};
}

class ServedArms : public ServedPolicy {
 public:
  ServedArms(std::shared_ptr<const Policy> policy, const std::vector<ServedArm>& arms)
      : policy_(std::move(policy)), contract_(ContractOf(policy_->info(), arms)) {}

 private:
  const ServedContract& DoContract() const override { return contract_; }

  PolicyObservation See(const ServedMoment& moment) const {
    PolicyObservation seen{.images = moment.images, .arms = {}, .X_WO = {}};
    auto part = moment.state.begin();
    for (const ServedArm& arm : contract_.arms) {
      ArmObservation observed;
      if (arm.joints > 0) {
        observed.joint_q = VectorOf(*part++);
      } else {
        observed.X_WE = PoseOf(part[0], part[1], "state." + arm.name + "_eef");
        part += 2;
      }
      observed.gripper_q = arm.fingers > 0 ? VectorOf(*part++) : Eigen::VectorXd();
      seen.arms.push_back(std::move(observed));
    }
    for (const std::string& object : contract_.info.objects) {
      seen.X_WO.push_back(PoseOf(part[0], part[1], "state." + object));
      part += 2;
    }
    return seen;
  }

  ServedChunk DoAnswer(const ServedObservation& observation, const RngKey& key) const override {
    Require(!observation.moments.empty(), "an observation");
    PolicyInput input;
    static_cast<PolicyObservation&>(input) = See(observation.moments.back());
    for (size_t i = 0; i + 1 < observation.moments.size(); ++i) {
      input.earlier.push_back(See(observation.moments[i]));
    }
    input.instruction = observation.instruction;
    input.committed = TargetsOf(contract_, observation.committed, input.arms, "options.committed");
    return NumbersOf(contract_, policy_->Act(input, key));
  }

  std::shared_ptr<const Policy> policy_;
  ServedContract contract_;
};

}  // namespace

std::vector<const PolicyObservation*> MomentsOf(const PolicyInput& input) {
  std::vector<const PolicyObservation*> moments;
  for (const PolicyObservation& earlier : input.earlier) moments.push_back(&earlier);
  moments.push_back(&input);
  return moments;
}

ServedContract ContractOf(const PolicyInfo& info, const std::vector<ServedArm>& arms) {
  ServedContract contract{.info = info, .arms = arms, .cameras = {}, .state = {}, .action = {}};
  for (const std::string& camera : info.cameras) {
    contract.cameras.push_back({camera, info.image_width, info.image_height});
  }
  for (const ServedArm& arm : arms) {
    for (auto* side : {&contract.state, &contract.action}) {
      if (arm.joints > 0) {
        side->push_back({arm.name + "_joints", arm.joints});
      } else {
        side->push_back({arm.name + "_eef_position", 3});
        side->push_back({arm.name + "_eef_rotation", 4});
      }
    }
    if (arm.fingers > 0) contract.state.push_back({arm.name + "_gripper", arm.fingers});
    contract.action.push_back({arm.name + "_gripper", 1});
  }
  for (const std::string& object : info.objects) {
    contract.state.push_back({object + "_position", 3});
    contract.state.push_back({object + "_rotation", 4});
  }
  return contract;
}

ServedChunk NumbersOf(const ServedContract& contract, const ActionChunk& actions) {
  ServedChunk numbers(contract.action.size());
  for (const Action& action : actions) {
    auto part = numbers.begin();
    for (size_t a = 0; a < contract.arms.size(); ++a) {
      const ArmAction& target = action.arms.at(a);
      if (contract.arms[a].joints > 0) {
        (part++)->emplace_back(target.q_cmd.begin(), target.q_cmd.end());
      } else {
        const Eigen::Vector3d& p = target.X_WE_cmd.translation();
        const Eigen::Quaterniond& q = target.X_WE_cmd.rotation();
        (part++)->push_back({p.x(), p.y(), p.z()});
        (part++)->push_back({q.w(), q.x(), q.y(), q.z()});
      }
      (part++)->push_back({target.gripper});
    }
  }
  return numbers;
}

ActionChunk TargetsOf(const ServedContract& contract, const ServedChunk& numbers,
                      const std::vector<ArmObservation>& arms_now, const std::string& place) {
  ActionChunk actions(numbers.empty() ? 0 : numbers.front().size());
  for (size_t k = 0; k < actions.size(); ++k) {
    auto part = numbers.begin();
    for (size_t a = 0; a < contract.arms.size(); ++a) {
      const ServedArm& arm = contract.arms[a];
      ArmAction target;
      if (arm.joints > 0) {
        target.X_WE_cmd = arms_now.at(a).X_WE;
        target.q_cmd = VectorOf((part++)->at(k));
      } else {
        target.X_WE_cmd = PoseOf(part[0].at(k), part[1].at(k), place + "." + arm.name + "_eef");
        part += 2;
      }
      target.gripper = (part++)->at(k).at(0);
      actions[k].arms.push_back(std::move(target));
    }
  }
  return actions;
}

std::unique_ptr<ServedPolicy> ServeArms(std::shared_ptr<const Policy> policy,
                                        const std::vector<ServedArm>& arms) {
  return std::make_unique<ServedArms>(std::move(policy), arms);
}

}  // namespace understudy
