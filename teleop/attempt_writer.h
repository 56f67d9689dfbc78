#pragma once

#include <condition_variable>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/hand_over.h"
#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"
#include "core/seam/simulator.h"
#include "data/store/recorder.h"

namespace understudy {

// What one policy step left: the samples, and a row unless the attempt ended before the arm moved.
struct RecordedStep {
  std::vector<RawSample> samples;
  bool has_row = false;
  Step row;
};

// How an attempt ends in its file.
struct AttemptEnding {
  EpisodeMeta meta;  // but for uuid and what the replay finds
  RngKey key;
  SimState final_state;
  Observation final_observation;
  RawStream raw_info;
  bool replay = false;  // check it by a replay first
};

// Writes one attempt on a thread of its own, so that control never waits for a disk. Everything
// here belongs to one other thread, the caller's. Destroyed before the attempt has ended, it leaves
// what an EpisodeRecorder leaves.
class AttemptWriter {
 public:
  // Makes the file. `checker` replays, as a simulator of the same scene that nobody else uses until
  // Wait; it must outlive this. Throws as EpisodeRecorder.
  AttemptWriter(const std::filesystem::path& file, const DatasetHeader& header,
                const EpisodeMeta& meta, Simulator& checker);
  ~AttemptWriter();

  // To be filled in; its memory is that of a step that is written already, so that nothing is
  // allocated as long as the disk keeps up.
  RecordedStep& Next() { return steps_.Next(); }
  // Hands Next over. Throws the Error that stopped the writing.
  void Push();

  // Ends the attempt and returns at once.
  void Discard(const std::string& cause);
  void Finish(AttemptEnding ending);
  // Whether Wait would return at once.
  bool finished() const;
  // What Finish made of the meta. Throws the Error that stopped the writing.
  EpisodeMeta Wait();

 private:
  void Work();
  void Write(const RecordedStep& step);
  void End();

  EpisodeRecorder recorder_;
  Simulator& checker_;
  std::vector<SimState> states_;  // for the replay and the uuid
  std::vector<Action> actions_;
  HandOver<RecordedStep> steps_;
  bool warm_ = false;  // the steps have the memory of a row

  // how it ends: written before steps_ is closed, read by the thread after
  std::optional<std::string> discarded_;
  std::optional<AttemptEnding> ending_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // under the mutex
  std::exception_ptr error_;
  bool finished_ = false;

  std::thread thread_;
};

}  // namespace understudy
