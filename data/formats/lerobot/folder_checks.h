#pragma once

// What is checked of the lists in meta/ while a LeRobot folder is opened; internal to this folder.

#include <string>
#include <vector>

#include "data/formats/lerobot/lerobot_folder.h"

namespace understudy {

// An episode that a list names twice, alike, is one: a fault of the folder.
void DropTwins(const std::string& list, LerobotFolder& folder);

// Texts that are no UTF-8 are faults: other programs read them as UTF-8.
void CheckTexts(LerobotFolder& folder);

// Numbers from 0 on, each once. Gaps are what is left where episodes were deleted by hand: a fault.
// Throws Error(kBadInput) for one that stands there twice.
void CheckNumbers(const std::string& place, LerobotFolder& folder);

// Appends what the rows of the Parquet files contradict in the lists of v3.0. Files that are
// missing or cannot be opened are left to those who read them.
void CompareWithFiles(const LerobotFolder& folder, std::vector<std::string>& contradictions);

// Features of info.json that nothing of the dataset has, for a folder that is repaired: faults of
// the folder, which is without them then.
void DropMissingFeatures(LerobotFolder& folder);

// What is said of an episode of length 0. A file of v2.1 may have rows all the same.
std::string FaultOfEmpty(const std::string& list, bool v3, const LerobotEpisode& episode);

// Counts the frames of the films. No two episodes share one, else Error(kBadInput); some may be
// nobody's: a note.
void CheckFrames(const std::string& list, LerobotFolder& folder);

}  // namespace understudy
