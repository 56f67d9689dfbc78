#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/episode/attempt_record.h"
#include "data/store/files.h"
#include "data/store/writer.h"
#include "mimic/run/generator.h"

namespace understudy {

// Writes into a dataset. Up to eight episodes are written together: HDF5 takes two thirds of the
// time for each where its code and its tables are still in the caches. They are flushed with the
// first attempt that ends a quarter of a second after the last flush, and at the end; what a kill
// costs is made again. For the lists of episodes by outcome, which only a run that keeps failures
// has, it remembers one bit of every episode. One thread.
class DatasetSink : public AttemptSink {
 public:
  // Keeps the references. `unbegun` is the file as long as it holds no attempt.
  DatasetSink(DatasetWriter& writer, UnfinishedFile& unbegun, bool keep_failed);
  ~DatasetSink() override;  // stores what waits; says nothing where that fails
  std::string name() const override { return unbegun_.part().string(); }
  void ReadBack(const std::function<void(const AttemptRecord&)>& each) override;
  int64_t episodes() const override { return writer_.episodes_written(); }
  void Append(const AttemptRecord& record, std::optional<Episode> episode) override;
  void Store() override;
  void WriteMasks();  // after Store

 private:
  void Note(const AttemptRecord& record);
  // What waits, to the writer.
  void Hand(bool flush);

  DatasetWriter& writer_;
  UnfinishedFile& unbegun_;
  bool keep_failed_;
  std::vector<bool> successful_;  // of episode i
  std::vector<KeptAttempt> waiting_;
  int episodes_waiting_ = 0;  // of them
  bool unflushed_ = false;    // episodes, waiting or in the writer
  double flushed_s_;          // when, on the monotonic clock
};

}  // namespace understudy
