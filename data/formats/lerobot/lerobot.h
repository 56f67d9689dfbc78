#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/video/codec.h"

namespace understudy {

// LeRobot's dataset formats that are written: v2.1 with GR00T's files beside it, and v3.0.
enum class LerobotVersion { kV21, kV30 };

// All of them change results, the preset too: another one makes other pixels.
struct LerobotOptions {
  LerobotVersion version = LerobotVersion::kV30;  // by `--to`, therefore not visited
  double data_file_mb = 100;
  double video_file_mb = 200;
  VideoCodec codec = VideoCodec::kH264;
  int quality = 20;
  int gop = 2;         // frames per key frame: 2 makes any frame cheap to reach
  bool extras = true;  // all that LeRobot has no place for, in extras/understudy.h5
  std::string preset = "veryfast";
  std::string task;
  bool overwrite = false;  // by the command, therefore not visited
  // Rows per second of a dataset whose rate is no whole number, which LeRobot asks for; 0: refuse
  // it. By the command, not visited.
  double control_hz = 0;
  template <class V>
  void Visit(V& v) {
    v("data_file_mb", data_file_mb, "v3.0: MB of a Parquet file before the next begins",
      Limits{0.001, 1e6});
    v("video_file_mb", video_file_mb, "v3.0: MB of a film before the next begins",
      Limits{0.001, 1e6});
    v("codec", codec, "of the films: h264, or av1 (smaller files, slower, from 64 px on)");
    v("quality", quality, "constant rate factor of the codec, 0 best to 51 worst", Limits{0, 51});
    v("gop", gop, "frames per key frame", Limits{1, 1000});
    v("extras", extras, "keep states, clocks, draws and provenance in extras/understudy.h5");
    v("preset", preset, "the encoder's speed by x264's names: ultrafast … veryslow");
    v("task", task, "instruction of episodes that have none");
  }
};

struct LerobotReport {
  int64_t episodes = 0, frames = 0, data_files = 0, video_files = 0;
  std::string encoder;
};

// What a LeRobot dataset cannot say of this one, in words; empty: nothing is lost.
std::vector<std::string> LostInLerobot(const EpisodeSource& reader, const LerobotOptions& options);

// Writes `folder` in LeRobot's dataset format. v3.0: Parquet files with one row group per episode,
// one film per camera and many episodes, meta/episodes, tasks.parquet with pandas' index. v2.1: one
// Parquet file and one film per camera for every episode, JSON lines, and what GR00T expects:
// modality.json, stats.json, annotation.human.task_description. Statistics have quantiles in both.
// Features of a dataset of ours: observation.state (per arm p_WE, R_WE as quaternion xyzw, joints,
// fingers), action (per arm robosuite's normalised delta, or joint targets and gripper where joints
// are the command), action.target (float64: p_WE_cmd, quaternion xyzw, gripper), next.reward,
// next.done, next.success, observation.images.<camera>; of any other one its columns (StoredTable).
// Times are exactly frame / fps. Made as <folder>.part and renamed when whole. Throws Error(kUsage)
// where the folder exists, Error(kBadInput) where the dataset has no whole number of frames per
// second or no instruction (it names both), Error(kFailed) where it cannot be written.
LerobotReport WriteLerobot(const EpisodeSource& reader, const std::filesystem::path& folder,
                           const LerobotOptions& options, Progress& progress);

}  // namespace understudy
