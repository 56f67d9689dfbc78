#include "mimic/run/dataset_sink.h"

#include <exception>
#include <utility>

#include "core/base/clock.h"

namespace understudy {
namespace {

constexpr double kWait = 0.25;  // s
constexpr int kMost = 8;        // each takes some megabytes

}  // namespace

DatasetSink::DatasetSink(DatasetWriter& writer, UnfinishedFile& unbegun, bool keep_failed)
    : writer_(writer),
      unbegun_(unbegun),
      keep_failed_(keep_failed),
      flushed_s_(MonotonicSeconds()) {
  if (writer.attempts_written() == 0) unbegun.Begin();
}

DatasetSink::~DatasetSink() {
  if (waiting_.empty()) return;
  try {
    Store();
  } catch (const std::exception&) {
    // the file is as of its last flush
  }
}

void DatasetSink::ReadBack(const std::function<void(const AttemptRecord&)>& each) {
  writer_.VisitAttempts([&](const AttemptRecord& record) {
    each(record);
    if (IsWritten(record, keep_failed_)) Note(record);
  });
}

void DatasetSink::Append(const AttemptRecord& record, std::optional<Episode> episode) {
  if (episode) {
    Note(record);
    ++episodes_waiting_;
    unflushed_ = true;
  }
  waiting_.push_back({record, std::move(episode)});
  // failures alone wait in the writer
  const bool due = unflushed_ && MonotonicSeconds() - flushed_s_ >= kWait;
  if (due || episodes_waiting_ == 0 || episodes_waiting_ >= kMost) Hand(due);
}

void DatasetSink::Store() { Hand(true); }

void DatasetSink::Hand(bool flush) {
  if (!waiting_.empty()) unbegun_.Keep();
  episodes_waiting_ = 0;
  writer_.AppendAttempts(std::exchange(waiting_, {}), flush);
  if (!flush) return;
  unflushed_ = false;
  flushed_s_ = MonotonicSeconds();
}

void DatasetSink::WriteMasks() {
  if (!keep_failed_) return;
  for (const bool wanted : {true, false}) {
    writer_.MarkEpisodes(wanted ? "successful" : "failed", [&](int64_t episode) {
      return successful_[static_cast<size_t>(episode)] == wanted;
    });
  }
}

void DatasetSink::Note(const AttemptRecord& record) {
  if (keep_failed_) successful_.push_back(record.success);
}

}  // namespace understudy
