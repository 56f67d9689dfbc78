#pragma once

// The LeRobot part of `data convert`. What is lost is said before anything is written, and alone
// where only a plan is wanted.

#include <functional>
#include <string>

#include "app/registry.h"
#include "data/formats/lerobot/lerobot.h"
#include "data/formats/lerobot/lerobot_import.h"

namespace understudy {

Json ToLerobot(const EpisodeSource& reader, const std::string& out, const LerobotOptions& options,
               CommandContext& context);
Json FromLerobot(const std::string& folder, const std::string& out,
                 const LerobotImportOptions& options, CommandContext& context);
// Writes `out` by `write`, by way of a dataset beside it that is removed again. Throws
// Error(kBadInput) where the folder has no extras to restore one from.
Json ThroughDataset(const std::string& folder, const std::string& out,
                    const LerobotImportOptions& import,
                    const std::function<Json(const EpisodeSource&)>& write,
                    CommandContext& context);

}  // namespace understudy
