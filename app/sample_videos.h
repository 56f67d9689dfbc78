#pragma once

#include <string>
#include <vector>

#include "app/mimic_report.h"
#include "core/seam/renderer.h"
#include "mimic/command.h"

namespace understudy {

// The camera that stands still, if there is one: it shows the whole scene. Throws Error(kFailed) if
// the scene has no camera.
std::string StillCamera(const Renderer& renderer);

// Numbers of the attempts to show: the first success and up to `per_failure` of every way to fail
// (cause and subtask), the most frequent way first; `most` at most, and then every way once before
// any comes twice.
std::vector<int64_t> SampleAttempts(const MimicReport& report, size_t most, size_t per_failure);

// Films of sample attempts, 256 px wide and high, every second step, at the speed of the task. The
// attempts are made again from their numbers. What keeps films from being made (no libav, no
// OpenGL, an attempt that ends otherwise) stands in the note.
SampleVideos FilmSamples(const MimicReport& report, const MimicOptions& options,
                         const TaskSpec& task, const WorkerSeams& seams,
                         const RendererFactory& renderers, const AdaptSource& adapt);

}  // namespace understudy
