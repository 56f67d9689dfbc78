#pragma once

#include <exception>
#include <filesystem>
#include <optional>
#include <thread>

#include "core/base/hand_over.h"
#include "core/base/hash.h"
#include "core/base/rng.h"
#include "data/store/recorder.h"

namespace understudy {

// Records a trial row by row on a thread of its own, so that control never waits for a disk; killed
// at any time, what was recorded is found by Salvage. All calls come from one thread. Destroyed
// before Finish, it leaves what an EpisodeRecorder leaves.
class DriveLog {
 public:
  // A log without rows leaves no file. Throws as EpisodeRecorder.
  DriveLog(const std::filesystem::path& file, const DatasetHeader& header, const EpisodeMeta& meta);
  ~DriveLog();

  // To be filled in; its memory is that of a row that is written already.
  Step& Next() { return rows_.Next(); }
  void Push();
  // Writes the rest, if there are rows; the uuid of `meta` becomes one of what was recorded and of
  // `key`. Throws the Error that stopped the writing.
  void Finish(EpisodeMeta meta, const RngKey& key, const SimState& final_state,
              const Observation& final_observation);

 private:
  void Work();
  void Join();

  const std::filesystem::path file_;
  std::optional<EpisodeRecorder> recorder_;
  HandOver<Step> rows_;
  bool warm_ = false;
  Hasher hasher_;             // of the thread, read when it has ended
  std::exception_ptr error_;  // of the thread, read when it has ended
  std::thread thread_;
};

}  // namespace understudy
