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
    : recorder_(file, header, meta), checker_(checker), steps_(kSteps) {
  thread_ = std::thread([this] { Work(); });
}

AttemptWriter::~AttemptWriter() {
  steps_.Close();
  thread_.join();
}

void AttemptWriter::Push() {
  {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
  }
  // the first row gives all of them their memory
  if (!warm_ && steps_.Next().has_row) {
    steps_.Warm();
    warm_ = true;
  }
  steps_.Push();
}

void AttemptWriter::Discard(const std::string& cause) {
  discarded_ = cause;
  steps_.Close();
}

void AttemptWriter::Finish(AttemptEnding ending) {
  ending_ = std::move(ending);
  steps_.Close();
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
  HandOver<RecordedStep>::Things steps;
  steps.reserve(kSteps);
  try {
    while (steps_.Take(&steps)) {
      for (const auto& step : steps) Write(*step);
    }
    if (ending_ || discarded_) End();
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
