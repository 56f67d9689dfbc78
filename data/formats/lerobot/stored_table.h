#pragma once

#include <string>
#include <vector>

#include "core/episode/column_spec.h"
#include "core/seam/episode_source.h"
#include "data/formats/lerobot/frame_table.h"

namespace understudy {

// A stretch of the numbers of `observation.state` or `action` that came from one column.
struct StoredPart {
  std::string name;
  size_t first = 0, size = 0;
};

// The columns of another program's dataset as features, of any meaning and width. Those of role
// kState stand side by side in `observation.state`, those of kAction in `action`: float32, as
// LeRobot's policies take them. Every other one is a feature of its own with its numbers as they
// are: rewards next.reward, dones next.done, obs/x observation.x, a/b a.b. Where all episodes say
// how they ended, next.success is true in the last row of a success. Texts of the rows that the
// first episode has are features too; those at lerobot/tasks are the rows' tasks.
class StoredTable : public FeatureTable {
 public:
  StoredTable(const EpisodeSource& reader, LerobotVersion version);

  // `first_index` counts rows over the whole dataset. Throws Error(kBadInput) where the episode
  // lacks a column or has it in another shape.
  // `tasks`: of every row.
  void Fill(const EpisodeSource& reader, size_t episode, int64_t first_index,
            const std::vector<int64_t>& tasks, double fps);
  // The task of every row, empty where a row has none; no rows where the dataset stores them by
  // episode only.
  std::vector<std::string> TasksOf(const EpisodeSource& reader, size_t episode) const;

  const std::vector<StoredPart>& state() const { return state_; }
  const std::vector<StoredPart>& action() const { return action_; }
  const std::vector<ColumnSpec>& columns() const { return columns_; }
  // Texts of the rows that are written, by their paths in the dataset.
  std::vector<std::string> TextPaths() const;
  // Columns that are left out, and numbers that are rounded, in words.
  std::vector<std::string> Lost() const;

 private:
  // Where a column's numbers stand in a row of a feature.
  struct Target {
    size_t feature = 0, first = 0;
  };
  void AddRole(ColumnRole role, const char* name, std::vector<StoredPart>* parts);
  void AddOther();
  void RequireUsual(const EpisodeSource& reader) const;
  void LeaveOutBeyond(const EpisodeSource& reader);
  void AddTexts(const EpisodeSource& reader);

  LerobotVersion version_;
  bool with_success_ = false, with_tasks_ = false;
  std::vector<std::string> text_paths_;  // per text feature
  std::vector<std::string> lost_;        // columns that are left out or become others, and why
  std::vector<ColumnSpec> columns_;
  std::vector<Target> targets_;  // per column
  std::vector<StoredPart> state_, action_;
};

}  // namespace understudy
