#pragma once

#include <string>
#include <vector>

#include "core/image/image.h"
#include "core/seam/renderer.h"

namespace understudy {

// Takes the pictures of one episode, row by row. The dataset writer and the video writer are sinks.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // `images` in the order of the cameras that the sink was made for.
  virtual void Add(const std::vector<Image>& images) = 0;
  // The episode is complete. Throws Error(kFailed) if it cannot be stored.
  virtual void Finish() {}
};

}  // namespace understudy
