#pragma once

// Episodes as columns and back. docs/format.md lists every column.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"
#include "data/store/hdf5/column.h"
#include "data/store/hdf5/group.h"

namespace understudy {

// Sizes that all rows of an episode share, and the names that its views use.
struct RowShape {
  size_t state = 0, flat_state = 0;
  struct Arm {
    size_t joint_q = 0, joint_v = 0, gripper_q = 0, gripper_v = 0;
    bool operator==(const Arm&) const = default;
  };
  std::vector<Arm> arms;
  std::vector<std::string> objects, signals;
  bool teleop = false;  // teleoperation columns are written
  size_t teleop_arms = 0;
  bool filtered = false;  // poses after the filter are known
  size_t parts = 0;       // arms whose subtasks are stored one by one

  static RowShape Of(const Step& step, const EpisodeMeta& meta, const DatasetHeader& header);
};

// One instant: what has T+1 rows for T actions.
struct Instant {
  const SimState* state = nullptr;
  const Observation* observation = nullptr;
};

// `instants` become the columns of T+1 rows (understudy/state, understudy/eef_pose, …), `steps`
// those of T rows (actions, views for other programs, labels, teleoperation). Rows that differ in
// shape are a broken contract.
std::vector<Column> InstantColumns(const RowShape& shape, const std::vector<Instant>& instants);
std::vector<Column> StepColumns(const RowShape& shape, const Step* steps, size_t count);
// `rewards` and `dones` from the success predicate at the T+1 instants.
std::vector<Column> OutcomeColumns(const std::vector<uint8_t>& success);
std::vector<Column> RawColumns(const RawSample* samples, size_t count);

// Columns by path that have been read already: they are not read again.
using ReadBefore = std::map<std::string, Column>;

// Fills steps, final state and observation of an episode of `length` steps. With `cut`, columns may
// hold more rows than needed (a recording that was interrupted).
void ReadColumns(const h5::Group& demo, size_t length, bool cut, Episode& episode,
                 const ReadBefore& before = {});
// Rows that every column of an interrupted recording holds: `instants` and `steps`.
struct WholeRows {
  size_t instants = 0, steps = 0, raw = 0;
};
WholeRows CountRows(const h5::Group& demo);
// `understudy/raw`; nothing where the episode has none. `cut` as above.
void ReadRaw(const h5::Group& demo, bool cut, RawStream& raw, const ReadBefore& before = {});
// The attributes of the raw stream: device, profile, offset of the clocks.
void ReadRawInfo(const h5::Group& demo, RawStream& raw);
void WriteRawInfo(const h5::Group& demo, const RawStream& raw);

}  // namespace understudy
