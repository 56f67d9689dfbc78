#pragma once

// Poses of another program's dataset that are not read, since the dataset does not say how: who
// needs none works without them, the others ask.

#include <string>

#include "core/base/progress.h"
#include "core/seam/episode_source.h"

namespace understudy {

// Key of a foreign header's settings: {"of": what has no poses for it, kHandPoses and others,
// "give": the options that say it, and what they say}. Only where there are such poses.
inline constexpr const char* kUnreadPoses = "unread_poses";
inline constexpr const char* kHandPoses = "hand";
inline constexpr const char* kObjectPoses = "objects";
inline constexpr const char* kBasePoses = "base of the joints";

// Whether poses of `what` are unread.
bool HasUnread(const DatasetHeader& header, const char* what);
// They are known another way.
void ForgetUnread(const char* what, DatasetHeader* header);

// Asks for what poses of a hand, and those that go with them, need: in one sentence, with the rate
// where the dataset has none. `joints`: the hand's may follow from joints; `also`: what else has to
// be asked then. Throws Error(kUsage) if there is something to ask.
void RequirePoses(const EpisodeSource& source, bool joints = false, const std::string& also = "");

// That a dataset is read without them, in a sentence; empty: it is not.
std::string UnreadPosesNote(const EpisodeSource& source);
// Says it.
void SayUnreadPoses(const EpisodeSource& source, Progress& progress);

}  // namespace understudy
