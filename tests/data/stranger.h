#pragma once

// A file as a stranger's program writes it: joint positions of a hand, no pose of an arm.

#include <fmt/format.h>

#include <functional>

#include "core/base/json.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/image_column.h"

namespace understudy::store_test {

// 0, 0.37, 0.74, … as far as the type goes.
inline Column Ramp(const std::string& path, ColumnType type, const std::vector<size_t>& dims,
                   size_t rows) {
  Column column(path, type, dims);
  column.rows = rows;
  for (size_t i = 0; i < rows * column.row_size(); ++i) {
    const double v = 0.37 * static_cast<double>(i);
    if (type == ColumnType::kF64) column.Push(v);
    if (type == ColumnType::kF32) column.Push(static_cast<float>(v));
    if (type == ColumnType::kI64) column.Push(static_cast<int64_t>(i));
    if (type == ColumnType::kU8) column.Push(static_cast<uint8_t>(i));
  }
  return column;
}

struct StrangerOptions {
  double control_hz = 25;  // 0: not stored
  std::string instruction = "close the hand";
  size_t episodes = 2;
  // What else an episode holds.
  std::function<void(const h5::Group& demo, size_t episode, size_t rows)> also = {};
};

// Episode e has 5 + e rows of actions (6), obs/robot0_eef_pos (3), obs/robot0_gripper_qpos (6),
// obs/touch (2, 4), steps/phase and timestamp.
inline void WriteStranger(const std::filesystem::path& file, const StrangerOptions& options = {}) {
  h5::GrowingFile out = h5::GrowingFile::Create(file);
  const h5::Group data = out.root().Create("data");
  Json kwargs{{"robots", {"Hand"}}};
  if (options.control_hz > 0) kwargs["control_freq"] = options.control_hz;
  if (!options.instruction.empty()) kwargs["lang"] = options.instruction;
  data.SetText("env_args", Json{{"env_name", "Hand"}, {"env_kwargs", kwargs}}.dump());
  for (size_t e = 0; e < options.episodes; ++e) {
    const size_t rows = 5 + e;
    const h5::Group demo = data.Create(fmt::format("demo_{}", e));
    demo.SetInt("num_samples", static_cast<int64_t>(rows));
    demo.Write(Ramp("actions", ColumnType::kF64, {6}, rows));
    demo.Write(Ramp("obs/robot0_gripper_qpos", ColumnType::kF32, {6}, rows));
    demo.Write(Ramp("obs/robot0_eef_pos", ColumnType::kF64, {3}, rows));
    demo.Write(Ramp("obs/touch", ColumnType::kF64, {2, 4}, rows));
    demo.Write(Ramp("steps/phase", ColumnType::kU8, {}, rows));
    demo.Write(Ramp("timestamp", ColumnType::kF64, {}, rows));
    if (options.also) options.also(demo, e, rows);
  }
  out.root().WriteTexts("mask/train", {"demo_0"});
  out.Close();
}

}  // namespace understudy::store_test
