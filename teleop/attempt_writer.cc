#include "teleop/attempt_writer.h"

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/seam/replay.h"

namespace understudy {
namespace {

constexpr size_t kSteps = 64;  // of memory at the start: 3 s at 20 Hz

// Hash of the recording: two people with the same seed make different episodes.
std::string Identity(const std::vector<SimState>& states, const std::vector<Action>& actions,
                     const RngKey& key) {
  Hasher hasher;
  for (const SimState& state : states) hasher.Add(state.data(), state.size() * sizeof(double));
  for (const Action& action : actions) {
    for (const ArmAction& arm : action.arms) {
      hasher.Add(arm.X_WE_cmd.rotation().coeffs().data(), 4 * sizeof(double));
      hasher.Add(arm.X_WE_cmd.translation().data(), 3 * sizeof(double));
      hasher.Add(&arm.gripper, sizeof(double));
      hasher.Add(arm.q_cmd.data(), static_cast<size_t>(arm.q_cmd.size()) * sizeof(double));
    }
  }
  return MakeUuid(hasher.Hex(), key);
}

}  // namespace

AttemptWriter::AttemptWriter(const std::filesystem::path& file, const DatasetHeader& header,
                             const EpisodeMeta& meta, Simulator& checker)
    : recorder_(file, header, meta), checker_(checker), next_(std::make_unique<RecordedStep>()) {
  ready_.reserve(kSteps);
  for (size_t i = 0; i < kSteps; ++i) free_.push_back(std::make_unique<RecordedStep>());
  thread_ = std::thread([this] { Work(); });
}

AttemptWriter::~AttemptWriter() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void AttemptWriter::Push() {
  {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
    // the first row gives all of them their memory
    if (!warm_ && next_->has_row) {
      for (const auto& step : free_) *step = *next_;
      warm_ = true;
    }
    ready_.push_back(std::move(next_));
    if (!free_.empty()) {
      next_ = std::move(free_.back());
      free_.pop_back();
    }
  }
  changed_.notify_all();
  // the disk does not keep up: an attempt is never made to wait for it
  if (!next_) next_ = std::make_unique<RecordedStep>();
}

void AttemptWriter::Discard(const std::string& cause) {
  {
    const std::lock_guard lock(mutex_);
    discarded_ = cause;
  }
  changed_.notify_all();
}

void AttemptWriter::Finish(AttemptEnding ending) {
  {
    const std::lock_guard lock(mutex_);
    ending_ = std::move(ending);
  }
  changed_.notify_all();
}

bool AttemptWriter::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

EpisodeMeta AttemptWriter::Wait() {
  std::unique_lock lock(mutex_);
  Require(ending_ || discarded_, "an attempt that is waited for has ended");
  changed_.wait(lock, [&] { return finished_; });
  if (error_) std::rethrow_exception(error_);
  return ending_ ? ending_->meta : EpisodeMeta{};
}

void AttemptWriter::Work() {
  std::vector<std::unique_ptr<RecordedStep>> steps;
  steps.reserve(kSteps);
  try {
    while (true) {
      bool ended = false;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !ready_.empty() || ending_ || discarded_ || abandoned_; });
        steps.swap(ready_);
        ended = ending_ || discarded_;
        if (steps.empty() && !ended) break;
      }
      for (const auto& step : steps) Write(*step);
      {
        const std::lock_guard lock(mutex_);
        for (auto& step : steps) free_.push_back(std::move(step));
      }
      steps.clear();
      if (!ended) continue;
      End();
      break;
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    error_ = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  changed_.notify_all();
}

void AttemptWriter::Write(const RecordedStep& step) {
  for (const RawSample& sample : step.samples) recorder_.AppendRaw(sample);
  if (!step.has_row) return;
  recorder_.Append(step.row);
  states_.push_back(step.row.state);
  actions_.push_back(step.row.action);
}

// The caller changes neither `ending_` nor `discarded_` any more.
void AttemptWriter::End() {
  if (discarded_) return recorder_.Discard(*discarded_);
  AttemptEnding& ending = *ending_;
  states_.push_back(ending.final_state);
  // at once: a later replay would find a fault too late
  if (ending.replay) {
    const ReplayCheck check = CheckReplay(checker_, states_, actions_);
    ending.meta.quality["replay_worst_error"] = check.worst_error;
    ending.meta.quality["replay_bit_exact"] = check.bit_exact;
  }
  ending.meta.uuid = Identity(states_, actions_, ending.key);
  recorder_.Finish(ending.meta, ending.final_state, ending.final_observation, ending.raw_info);
}

}  // namespace understudy
