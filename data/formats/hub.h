#pragma once

#include <filesystem>

namespace understudy {

// Where a dataset lies on this machine. `hf:USER/NAME`, with `@REVISION` and `/FILE` where they are
// wanted (hf:lerobot/pusht@v3.0), is looked up in the cache of Hugging Face's hub, where
// `hf download` and LeRobot put datasets: $HF_HUB_CACHE, $HF_HOME/hub or ~/.cache/huggingface/hub,
// then $HF_LEROBOT_HOME or …/lerobot. Nothing is downloaded. Every other path is returned as it is.
// Throws Error(kUsage) for a name that is none, Error(kBadInput) with the command that downloads it
// where it is not there.
std::filesystem::path DatasetPath(const std::filesystem::path& given);

}  // namespace understudy
