#pragma once

// Datasets in the HDF5 formats of robomimic, MimicGen and Isaac Lab. docs/data.md has the table of
// what each keeps and loses.

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/formats/base/translate.h"

namespace understudy {

namespace foreign {
struct WriteDialect;  // write_dialect.h: how one format of the family is written
}

// Which robosuite reads the attributes: they differ in controllers and in where the instruction is.
enum class RobosuiteVersion { kV14, kV15 };
template <>
struct EnumNames<RobosuiteVersion> {
  static constexpr std::array kNames{"v1.4", "v1.5"};
};
struct RobosuiteWriteOptions {
  RobosuiteVersion version = RobosuiteVersion::kV14;
  bool next_obs = false;  // doubles the file; offline RL needs it, imitation does not
  template <class V>
  void Visit(V& v) {
    v("version", version, "robosuite that reads env_args; v1.5 has the instruction in ep_meta");
    v("next_obs", next_obs, "also next_obs: each observation a second time");
  }
};

enum class IsaacLabOrder { kXyzw, kWxyz };
template <>
struct EnumNames<IsaacLabOrder> {
  static constexpr std::array kNames{"xyzw", "wxyz"};
};
struct IsaacLabWriteOptions {
  IsaacLabOrder quaternions = IsaacLabOrder::kXyzw;
  std::string env_name;
  double action_scale = 0.5;
  bool double_precision = false;
  template <class V>
  void Visit(V& v) {
    v("quaternions", quaternions, "xyzw since 2026, wxyz before");
    v("env_name", env_name, "name of the Gym task; empty: the one in task.yaml");
    v("action_scale", action_scale, "m and rad of an action of 1", Limits{1e-6, 1e6});
    v("double_precision", double_precision, "float64 instead of Isaac Lab's float32");
  }
};

struct ForeignWriteOptions {
  RobosuiteWriteOptions robosuite;  // robomimic and MimicGen
  IsaacLabWriteOptions isaaclab;
  int compression = 1;  // deflate level of pictures that are not stored frame by frame already
  bool overwrite = false;
};

struct ForeignReport {
  int64_t episodes = 0, steps = 0;
  int64_t frames = 0, frames_copied = 0;     // pictures; of them copied as they were compressed
  std::map<std::string, std::string> names;  // here, by the names there; of an import
};

Json ToJson(const ForeignReport& report);

// Why an episode cannot be written where its states after the actions are wanted.
inline constexpr const char* kNoStateAfter =
    "has a single row and no state after it: --skip-bad leaves such episodes out";

// What a format cannot hold of this dataset, and what becomes different in it, in words. `from` and
// `into` as in WriteForeign.
std::vector<std::string> LostIn(const foreign::WriteDialect& dialect, const EpisodeSource& reader,
                                const ForeignWriteOptions& options, const Translation& into,
                                const Translation& from = Translation());

// Writes `output`. `from` translates a dataset of another program into our names and frames (that
// of our own datasets changes nothing), `into` from there into the format's. Episodes keep their
// names, filter keys and uuids. Made as `output`.part, which goes when anything fails. Throws
// Error(kUsage) where `output` exists or is the input, Error(kBadInput) where an episode cannot be
// read or has no poses or targets, Error(kFailed) where it cannot be written.
ForeignReport WriteForeign(const foreign::WriteDialect& dialect, const EpisodeSource& reader,
                           const std::filesystem::path& output, const ForeignWriteOptions& options,
                           const Translation& from, const Translation& into, Progress& progress);

}  // namespace understudy
