#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/scene.h"

namespace understudy {

// What to say of an arm whose hand begins elsewhere than every arm's does (docs/add_a_robot.md),
// with a posture that begins there if there is one; of a small arm, that it stands too far away or
// that its fingers do not point down. For arms with their own gripper; none where the hand is about
// right.
std::optional<std::string> NoteOnHome(const std::shared_ptr<const Scene>& scene);

// What to say of an arm that does not stay at its home when commanded to: it sinks, swings or
// flies apart within a second of simulation, driven as policies drive it and touching nothing. None
// where it stays. Throws Error(kBadInput) where motors let it go altogether.
std::optional<std::string> NoteOnHold(const Scene& scene);

}  // namespace understudy
