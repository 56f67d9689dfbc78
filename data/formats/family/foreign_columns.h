#pragma once

// Episodes of ours as the columns and attributes of the foreign formats.

#include <map>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "data/formats/family/foreign_writer.h"
#include "data/store/hdf5/column.h"
#include "data/store/hdf5/group.h"

namespace understudy::foreign {

// What all episodes of a written dataset share.
struct Target {
  const ForeignWriteOptions* options = nullptr;
  const Translation* into = nullptr;
  DatasetHeader header;  // in our names
  bool own = false;      // the dataset is ours: its states, base and final instants are known
  // WriteDialect::numbers_sources: place of each source demonstration's uuid in the list that the
  // format counts.
  std::map<std::string, int64_t> sources;
  std::string simulator_version = {};  // that loads the model; empty: not known
};

// A column of `count` rows; put(column, k) pushes the numbers of row k as doubles.
template <class F>
Column MakeRows(const std::string& path, std::vector<size_t> dims, size_t count, F put) {
  Column column(path, ColumnType::kF64, std::move(dims));
  column.rows = count;
  for (size_t k = 0; k < count; ++k) put(column, k);
  Require(column.bytes.size() == count * column.row_size() * sizeof(double),
          "every row of an episode has the shape of its first");
  return column;
}
void PutPose(Column& column, const Pose& X, bool wxyz);
void PutQuaternion(Column& column, const Eigen::Quaterniond& q, bool wxyz);
void PutMatrix(Column& column, const Pose& X);
void PutVector(Column& column, const Eigen::VectorXd& v);
Column Flags(const std::string& path, const std::vector<uint8_t>& values);
Column ToFloat(const Column& column);

// Where an object's velocity stands in [time, qpos, qvel]. Known only where its pose is found among
// the qpos of every row and the model has no other free joints, so that every place is accounted
// for. By number of the object.
struct FreeJoint {
  size_t qpos = 0, qvel = 0;  // places in the flat state
};
std::map<size_t, FreeJoint> FindFreeJoints(const Episode& episode, size_t flat_state,
                                           const std::string& model_text);

}  // namespace understudy::foreign
