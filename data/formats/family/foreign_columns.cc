#include "data/formats/family/foreign_columns.h"

#include <algorithm>
#include <cmath>

namespace understudy::foreign {

using enum ColumnType;

void PutQuaternion(Column& column, const Eigen::Quaterniond& q, bool wxyz) {
  if (wxyz) column.Push(q.w());
  for (const double v : {q.x(), q.y(), q.z()}) column.Push(v);
  if (!wxyz) column.Push(q.w());
}

void PutPose(Column& column, const Pose& X, bool wxyz) {
  PutVector(column, X.translation());
  PutQuaternion(column, X.rotation(), wxyz);
}

void PutMatrix(Column& column, const Pose& X) {
  const Eigen::Matrix4d M = X.Matrix();
  for (int r = 0; r < 4; ++r) {
    for (int c = 0; c < 4; ++c) column.Push(M(r, c));
  }
}

void PutVector(Column& column, const Eigen::VectorXd& v) {
  for (Eigen::Index i = 0; i < v.size(); ++i) column.Push(v[i]);
}

Column Flags(const std::string& path, const std::vector<uint8_t>& values) {
  Column column(path, kU8, {});
  column.rows = values.size();
  column.bytes = values;
  return column;
}

Column ToFloat(const Column& column) {
  if (column.type != kF64) return column;
  Column narrow(column.path, kF32, column.row_dims);
  narrow.rows = column.rows;
  const size_t count = column.rows * column.row_size();
  narrow.bytes.reserve(count * sizeof(float));
  for (size_t i = 0; i < count; ++i) {
    double value;
    std::memcpy(&value, column.bytes.data() + i * sizeof(double), sizeof value);
    narrow.Push(static_cast<float>(value));
  }
  return narrow;
}

namespace {

// Whether the pose stands at `place` of the state, up to the sign of its quaternion.
bool StandsAt(const SimState& state, size_t place, const Pose& X) {
  constexpr double kSame = 1e-9;
  for (int i = 0; i < 3; ++i) {
    if (!(std::abs(state[place + static_cast<size_t>(i)] - X.translation()[i]) < kSame)) {
      return false;
    }
  }
  const Eigen::Quaterniond q(state[place + 3], state[place + 4], state[place + 5],
                             state[place + 6]);
  return std::abs(q.norm() - 1) < 1e-6 && std::abs(std::abs(q.dot(X.rotation())) - 1) < kSame;
}

size_t Count(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

}  // namespace

std::map<size_t, FreeJoint> FindFreeJoints(const Episode& episode, size_t flat,
                                           const std::string& model_text) {
  std::map<size_t, FreeJoint> found;
  const std::vector<Step>& steps = episode.steps;
  const size_t objects = steps[0].observation.X_WO.size();
  if (flat < 8) return found;
  for (const Step& step : steps) {
    if (step.state.size() < flat || step.observation.X_WO.size() != objects) return {};
  }
  // poses among the qpos of the first row, then of every other
  for (size_t o = 0; o < objects; ++o) {
    for (size_t place = 1; place + 7 <= flat; ++place) {
      const auto stands = [&](const Step& step) {
        return StandsAt(step.state, place, step.observation.X_WO[o]);
      };
      if (stands(steps[0]) && std::all_of(steps.begin(), steps.end(), stands)) {
        found[o].qpos = place;
        break;
      }
    }
  }
  // flat = 1 + nq + nv, and nq - nv is the number of free joints where none is a ball
  const size_t joints = found.size();
  const size_t free = Count(model_text, "<freejoint") + Count(model_text, "type=\"free\"");
  if (joints == 0 || joints != free || Count(model_text, "type=\"ball\"") > 0) return {};
  if ((flat - 1 + joints) % 2 != 0) return {};
  const size_t nq = (flat - 1 + joints) / 2;
  for (auto& [object, joint] : found) {
    size_t before = 0;
    for (const auto& [other, place] : found) before += place.qpos < joint.qpos;
    if (joint.qpos + 7 > 1 + nq) return {};
    joint.qvel = 1 + nq + (joint.qpos - 1) - before;
  }
  return found;
}

}  // namespace understudy::foreign
