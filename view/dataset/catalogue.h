#pragma once

// The list of episodes, read in the background because a dataset may hold thousands.

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/json.h"
#include "core/episode/motion.h"
#include "core/seam/episode_source.h"
#include "view/dataset/marks.h"

namespace understudy {

// Attributes and motion of every episode, in the order of the file. A thread reads the
// episodes one after another and keeps one line of each. Thread-safe.
class Catalogue {
 public:
  // `reader` must outlive it. Starts reading.
  explicit Catalogue(const EpisodeSource& reader);
  ~Catalogue();  // stops at the next whole episode

  // Episodes read so far.
  size_t size() const;
  void WaitUntilRead() const;
  // {"total", "from", "rows": [{"variant", "instruction", "cause", "attempt", "group", "motion":
  // {…}} or {"error"}, …], "outliers"}: what has been read from episode `from` on, at most a
  // thousand. "outliers" is null until all are read, then {"jerk_rms": {"median", "episodes":
  // […]}, …} of the figures of `data info`.
  Json Rows(size_t from) const;
  // The episodes that a condition holds for (data/store/edit/select.h); besides its names there is
  // `mark`, 'keep', 'drop' or null. Throws Error(kUsage) for invalid conditions,
  // Error(kFailed) if the condition needs motion that has not been read yet.
  std::vector<size_t> Where(const std::string& condition, const std::vector<Mark>& marks) const;

 private:
  struct Row {
    Json json;
    MotionStatistics motion;
    bool readable = false;
  };
  void ReadAll();
  Row ReadRow(size_t episode) const;
  Json Outliers() const;  // mutex_ held

  const EpisodeSource& reader_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Row> rows_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace understudy
