#pragma once

// data convert for the formats that are listed with a Write.

#include <string>

#include "app/registry.h"
#include "core/seam/episode_source.h"
#include "data/formats/formats.h"

namespace understudy {

// Options of `data convert` that only these formats have.
struct Hdf5Flags {
  std::string task;
  double control_hz = 0;
  int compression = 1;
  RobosuiteWriteOptions robosuite;
  IsaacLabWriteOptions isaaclab;
  template <class V>
  void Visit(V& v) {
    v("task", task,
      "whose `foreign` section tells names and frames: listed task or path of a task.yaml; empty: "
      "the dataset's own");
    v("control_hz", control_hz, "rows per second, for files that do not tell; 0: the file's",
      Limits{0, 1e4});
    v("compression", compression, "deflate level of pictures that are compressed anew",
      Limits{0, 9});
    v("robosuite", robosuite, "how robomimic's and MimicGen's files are written");
    v("isaaclab", isaaclab, "how Isaac Lab's files are written");
  }
};

// Writes a dataset in a listed format that has a Write. Says what is lost before anything is
// written; with --plan only that.
Json WriteAs(const DatasetFormat& format, const EpisodeSource& source, const std::string& out,
             const Hdf5Flags& flags, bool overwrite, CommandContext& context);

}  // namespace understudy
