#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/options.h"

namespace understudy {

class EpisodeSource;
struct JointRobot;  // data/formats/base/joint_poses.h
// The robot whose joints a dataset holds. Null: its rows are read as they are.
using FindJointRobot = std::function<std::shared_ptr<const JointRobot>(const EpisodeSource&)>;

// Order of a quaternion's numbers in files of Isaac Lab, which changed it in 2026.
enum class QuaternionOrder { kAsk, kWxyz, kXyzw };
template <>
struct EnumNames<QuaternionOrder> {
  static constexpr std::array kNames{"ask", "wxyz", "xyzw"};
};

// Brightness of a number of a picture, by colour: mean + deviation * number, in [0, 1].
struct PictureScale {
  std::array<double, 3> mean{0, 0, 0}, deviation{1, 1, 1};
};

// Key of a header's settings: arrays of the shape of pictures that are read as columns, and why, by
// path.
inline constexpr const char* kNoPictures = "no_pictures";

// How a dataset is read; changes results. A struct that visits them names all in its
// kUnwritten, so that defaults do not appear in stored settings.
struct ReadOptions {
  bool outside_links = false;  // follow links out of the dataset's folder: only for trusted files
  // Order for files that do not say it; kAsk: such poses are not read (kUnreadPoses).
  QuaternionOrder quaternions = QuaternionOrder::kAsk;
  bool skip_bad = false;  // leave out the episodes that cannot be read; see EpisodeSource::skipped
  std::string map;        // file that says what the columns mean (LoadColumnMap); empty: none
  // By camera, of pictures that are normalised numbers; from the map. Not visited.
  std::map<std::string, PictureScale> pictures = {};
  double control_hz = 0;  // Hz, rate of files that store none; 0: unknown. Not visited
  // Datasets of this program only: the whole is compared with its content hash when it is opened,
  // and what is read with the hash that was stored with it, pictures before the first one of an
  // episode and camera is handed out. Not visited.
  bool check_hashes = false;
  // Makes poses of joints where a dataset holds no others (PoseByJoints). Empty: such datasets have
  // none. Not visited: it follows from the task and robot of the command that reads.
  FindJointRobot joint_robot;

  static constexpr const char* kOutsideLinks = "outside_links";
  static constexpr const char* kQuaternions = "quaternions";
  static constexpr const char* kSkipBad = "skip_bad";
  static constexpr const char* kMap = "map";
  template <class V>
  void Visit(V& v) {
    v(kOutsideLinks, outside_links,
      "follow links of datasets out of their folder: for files that you trust");
    v(kQuaternions, quaternions,
      "order in Isaac Lab's files that do not say theirs: wxyz or xyzw; ask: read them without "
      "such poses, where none are needed");
    v(kSkipBad, skip_bad, "leave out the episodes that cannot be read, and say which");
    v(kMap, map,
      "file that says what the columns of another program's dataset mean; `data info "
      "--map-template FILE` writes one");
  }
};

}  // namespace understudy
