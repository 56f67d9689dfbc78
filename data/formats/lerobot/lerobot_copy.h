#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/formats/base/copy_plan.h"
#include "data/formats/lerobot/lerobot.h"
#include "data/formats/lerobot/lerobot_import.h"

namespace understudy {

// What CopyLerobot changes or leaves out, in words. Requires a source of OpenLerobotSource.
std::vector<std::string> LostInCopy(const EpisodeSource& source, const LerobotOptions& options);

// Writes `folder`, a LeRobot dataset of options.version, of one of anybody: every column of the
// Parquet files with its type, the features, tasks and unknown keys of info.json, other files of
// meta/. Episodes are numbered anew from 0. Films are copied as they are; one that holds several
// episodes is cut for v2.1, which encodes it anew, and so is one whose frames are not at their
// times. Statistics of numbers are made anew; those of pictures are taken over where they are
// stored, else made of some pictures. Made as <folder>.part and renamed when whole. Requires a
// source of OpenLerobotSource. Throws Error(kUsage) where the folder exists, Error(kBadInput) for
// whatever ReadLerobot refuses, Error(kFailed) where it cannot be written.
LerobotReport CopyLerobot(const EpisodeSource& source, const std::filesystem::path& folder,
                          const LerobotOptions& options, const LerobotImportOptions& reading,
                          Progress& progress);

// CopyEpisodes of data/formats/base/copy_plan.h for such folders; the result has the first one's
// version, v2.1 for v2.0. Films of v3.0 are copied as they are where an episode of them is kept,
// frames of the others within them too.
void EditLerobot(const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan,
                 const std::filesystem::path& folder, const LerobotOptions& options,
                 const LerobotImportOptions& reading, Progress& progress);

}  // namespace understudy
