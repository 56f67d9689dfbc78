#pragma once

// What the columns of a dataset mean, as its user says: the file of --map.

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/seam/episode_source.h"
#include "data/store/read_options.h"

namespace understudy {

// What a stretch of numbers is. Rotations: a quaternion with its real part last or first, a
// rotation vector, angles about the fixed axes x, y, z (R = Rz Ry Rx), or six numbers of the
// rotation matrix, its first two rows or columns (Zhou et al. 2019, section 4.2).
enum class PartKind {
  kNumbers,
  kPosition,
  kQuaternionXyzw,
  kQuaternionWxyz,
  kRotationVector,
  kEulerXyz,
  kRotation6dRows,
  kRotation6dColumns,
  kJoints,
  kGripper
};
template <>
struct EnumNames<PartKind> {
  static constexpr std::array kNames{
      "numbers",   "position",         "quaternion_xyzw",     "quaternion_wxyz", "rotation_vector",
      "euler_xyz", "rotation_6d_rows", "rotation_6d_columns", "joints",          "gripper"};
};

// Numbers [from, from + size) of a row of a column.
struct ColumnPart {
  std::string name;
  int from = 0;
  int size = 1;
  PartKind is = PartKind::kNumbers;
  std::string arm = "arm";  // whose pose, joints or gripper it is
  std::string object;
  double scale = 1;
  std::vector<double> offset;  // added to the scaled numbers, one for all or each; none: 0
  double open = -1, closed = 1;
  template <class V>
  void Visit(V& v) {
    v("name", name, "of the numbers", kRequired);
    v("from", from, "first number in a row", Limits{0, 1e6});
    v("size", size, "how many", Limits{1, 1e6});
    v("is", is, "what they are");
    v("arm", arm, "whose they are");
    v("object", object, "whose pose they are; empty: an arm's");
    v("scale", scale, "factor to metres and radians");
    v("offset", offset, "m or rad, added to what is scaled: one number, or one for each");
    v("open", open, "command of an open gripper");
    v("closed", closed, "command of a closed gripper");
  }
};

struct MappedColumn {
  std::string column;
  std::vector<ColumnPart> parts;  // none: the whole column, of unknown meaning
  template <class V>
  void Visit(V& v) {
    v("column", column, "name in the dataset", kRequired);
    v("parts", parts, "its numbers");
  }
};

// Mean and deviation of the brightness by which pictures were normalised, by colour.
struct Normalised {
  std::vector<double> mean, std;
  template <class V>
  void Visit(V& v) {
    v("mean", mean, "red, green, blue, in [0, 1]", kRequired);
    v("std", std, "the same", kRequired);
  }
};

struct ColumnMap {
  std::vector<MappedColumn> state, action;
  std::map<std::string, std::string> cameras;
  std::map<std::string, Normalised> pictures;  // by the dataset's cameras
  std::string instruction;
  std::string robot;
  std::string task;
  double control_hz = 0;
  template <class V>
  void Visit(V& v) {
    v("state", state, "what a policy sees");
    v("action", action, "what it is to do");
    v("cameras", cameras, "name: camera of the dataset; empty: all by their own names");
    v("pictures", pictures,
      "camera of the dataset: {mean: [r, g, b], std: [r, g, b]} of pictures that are normalised "
      "fractions");
    v("instruction", instruction, "of every episode; empty: the dataset's");
    v("robot", robot, "empty: the dataset's");
    v("task", task, "empty: the dataset's");
    v("control_hz", control_hz, "rows per second; 0: the dataset's", Limits{0, 1e4});
  }
};

// Refuses --map where datasets are taken as they are. Throws Error(kUsage).
void RefuseMap(const std::string& map);

// Throws Error(kBadInput) with every violation.
ColumnMap LoadColumnMap(const std::filesystem::path& file);

// ReadOptions::pictures of `map`.
std::map<std::string, PictureScale> ScalesOf(const ColumnMap& map);

// A file for LoadColumnMap that says of `source` what the program makes of it, with all its columns
// and cameras in comments, for its user to correct.
std::string ColumnMapTemplate(const EpisodeSource& source);

// `source` with the columns of `map`: state and action are its parts, by their names; arms have
// poses where position and rotation of the state are named, and targets where those of the action
// are; arms with joints alone are JointRows. Throws Error(kBadInput) with every column,
// camera and stretch that is not there.
std::unique_ptr<EpisodeSource> MapColumns(std::unique_ptr<EpisodeSource> source,
                                          const ColumnMap& map);

}  // namespace understudy
