#pragma once

#include "data/formats/lerobot/lerobot_folder.h"

namespace understudy {

// Finds the frames of the rows in films of another rate than the folder's, or of none, for a folder
// that is repaired: one by one where a film has as many frames as there are rows, else those that
// are nearest to the times of the rows, where it is as long as they are. What is mended so is a
// fault of the folder; episodes of other films get the reason.
void MatchFilms(LerobotFolder& folder);

}  // namespace understudy
