#include "teleop/operator/scripted_person.h"

#include <fmt/format.h>

#include <algorithm>

namespace understudy {

ScriptedPerson::ScriptedPerson(const OperatorSpec& spec, const TaskSpec& task,
                               const SimulatorInfo& info, const RngKey& key,
                               const OperatorSkill& skill) {
  for (const OperatorSpec& hand : HandsOf(spec)) {
    const bool first = hands_.empty();
    const RngKey own = first ? key : key.WithTerm(fmt::format("hand {}", hands_.size()));
    arms_.push_back(hand.arm);
    names_.push_back(info.arms.at(static_cast<size_t>(hand.arm)));
    OperatorSkill own_skill = skill;
    if (!skill.scale_of_arm.empty()) {
      own_skill.scale = skill.scale_of_arm.at(static_cast<size_t>(hand.arm));
    }
    hands_.emplace_back(hand, task, info, own, own_skill, first);
  }
}

void ScriptedPerson::TakeOver(const Observation& now) {
  for (ScriptedOperator& hand : hands_) hand.TakeOver(now, hands_.size() == 1);
}

std::vector<ScriptedPerson::Led> ScriptedPerson::Move(const Observation& observation,
                                                      int64_t now_ns) {
  std::vector<Led> led;
  for (size_t i = 0; i < hands_.size(); ++i) {
    bool others_done = true;
    for (size_t j = 0; j < hands_.size(); ++j) others_done &= j == i || hands_[j].finished();
    led.push_back({arms_[i], hands_[i].Move(observation, now_ns, others_done)});
  }
  return led;
}

bool ScriptedPerson::gave_up() const {
  return std::any_of(hands_.begin(), hands_.end(),
                     [](const ScriptedOperator& hand) { return hand.gave_up(); });
}

std::string ScriptedPerson::Account(const Observation& observation) const {
  std::string at_work;
  for (size_t i = 0; i < hands_.size(); ++i) {
    std::string text = hands_[i].Account(observation);
    if (hands_.size() > 1 && text.starts_with("phase")) text = names_[i] + "'s " + text;
    if (hands_[i].gave_up()) return text;
    if (!hands_[i].finished()) at_work += (at_work.empty() ? "" : "; ") + text;
  }
  return at_work.empty() ? hands_[0].Account(observation) : at_work;
}

}  // namespace understudy
