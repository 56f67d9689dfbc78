#pragma once

#include <filesystem>
#include <vector>

#include "core/base/progress.h"
#include "data/formats/base/copy_plan.h"

namespace understudy::aloha {

// DatasetHeader::family of these datasets: no task.yaml translates it.
inline constexpr const char* kFamily = "aloha";

// CopyEpisodes of data/formats/base/copy_plan.h: a folder, or a file where `output` is named like
// one. Files keep their names; those of several datasets are renumbered.
void Copy(const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan,
          const std::filesystem::path& output, Progress& progress);

}  // namespace understudy::aloha
