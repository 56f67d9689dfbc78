#include "teleop/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/base/hash.h"
#include "core/base/names.h"
#include "core/base/progress.h"
#include "core/seam/replay.h"
#include "data/store/recorder.h"
#include "teleop/quality.h"

namespace understudy {
namespace {

// State of one attempt while it is recorded.
class Recording {
 public:
  Recording(TeleopDevice& device, Simulator& simulator, const TaskSpec& task, Pacer& pacer,
            const RecordPlan& plan, const RecordOptions& options, Announcer& announcer)
      : device_(device),
        simulator_(simulator),
        task_(task),
        pacer_(pacer),
        plan_(plan),
        options_(options),
        announcer_(announcer),
        info_(simulator.info()),
        controller_(options.retarget, info_),
        hands_(HandsOfArms(options.retarget, info_.arms.size())),
        came_(task.subtasks.size()) {}

  RecordOutcome Run() {
    simulator_.Reset(plan_.variant, plan_.key);
    const int64_t step_ns = std::llround(1e9 / info_.control_hz);
    pacer_.Begin(plan_.key, simulator_.Observe(), step_ns, options_.samples_per_step);
    announcer_.NewAttempt();
    announcer_.Say(moments::Ready(device_.info()));
    Show(nullptr);
    if (const RecordEnd end = WaitForStart(); end != RecordEnd::kAccepted) {
      RecordOutcome outcome;
      outcome.end = end;
      outcome.cause = EnumNames<RecordEnd>::kNames.at(static_cast<size_t>(end));
      return outcome;
    }
    Begin();
    device_.TakeQuality();  // of the time before
    announcer_.Say(moments::Recording(device_.info()));
    RecordEnd end = RecordEnd::kTimeout;
    const int64_t max_steps = std::llround(options_.max_seconds * info_.control_hz);
    bool going = true;
    while (going && static_cast<int64_t>(actions_.size()) < max_steps) going = DoStep(&end);
    return Close(end);
  }

 private:
  // Reads the samples of one policy step and finds the buttons that were pressed.
  void Sense() {
    samples_.clear();
    pressed_ = events_ = 0;
    on_time_ = true;
    for (int i = 0; i < options_.samples_per_step; ++i) {
      on_time_ &= pacer_.Tick(simulator_.Observe());
      samples_.push_back(device_.Poll());
      const RawSample& sample = samples_.back();
      events_ |= sample.events;
      // the first sample shows which buttons are held down: only later changes are presses
      const uint32_t down = sample.hands[0].buttons | sample.hands[1].buttons;
      if (buttons_known_) pressed_ |= down & ~buttons_;
      buttons_ = down;
      buttons_known_ = true;
    }
  }

  // kAccepted: start was pressed.
  RecordEnd WaitForStart() {
    const int64_t begin_ns = device_.NowNs();
    while (true) {
      if (InterruptRequested()) return RecordEnd::kInterrupted;
      Sense();
      if ((pressed_ & kButtonStop) || (events_ & kEventExit)) return RecordEnd::kStopped;
      if (pressed_ & kButtonReset) return RecordEnd::kReset;
      if (pressed_ & kButtonAgain) return RecordEnd::kAgain;
      if (pressed_ & kButtonStart) return RecordEnd::kAccepted;
      if (1e-9 * static_cast<double>(device_.NowNs() - begin_ns) > options_.max_wait) {
        return RecordEnd::kNotStarted;
      }
    }
  }

  void Begin() {
    const DeviceInfo device = device_.info();
    raw_.device = device.name + " " + device.version;
    raw_.profile = device.profile;
    raw_.xr_minus_monotonic_ns = device.xr_minus_monotonic_ns;
    raw_.utc_at_start_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
    meta_ = MetaOf(info_, plan_.variant, plan_.key);
    meta_.uuid = MakeUuid("teleop", plan_.key);
    meta_.settings = ToJson(options_);
    meta_.program_version = plan_.program_version;
    writer_ = std::make_unique<EpisodeRecorder>(plan_.file, plan_.header, meta_);
    controller_.Reset(simulator_.Observe());
  }

  // One row. False: the attempt has ended, by `end`.
  bool DoStep(RecordEnd* end) {
    Sense();
    for (const RawSample& sample : samples_) writer_->AppendRaw(sample);
    // decisions of the operator come before the robot moves
    if (InterruptRequested()) return Ends(end, RecordEnd::kInterrupted);
    if (events_ & kEventSessionLost) return Ends(end, RecordEnd::kDeviceLost);
    if ((pressed_ & kButtonStop) || (events_ & kEventExit)) return Ends(end, RecordEnd::kStopped);
    if (pressed_ & kButtonDiscard) return Ends(end, RecordEnd::kDiscarded);
    if (pressed_ & kButtonReset) return Ends(end, RecordEnd::kReset);
    if (pressed_ & kButtonStart) return Ends(end, RecordEnd::kAccepted);

    // hand to command, command to what the controller takes
    Step row;
    row.observation = simulator_.Observe();
    row.state = simulator_.Save();
    const int64_t now_ns = device_.NowNs();
    Commanded commanded =
        controller_.Update(samples_, row.observation, now_ns, 1 / info_.control_hz);
    SendHaptics(commanded.cues);
    announcer_.Step(device_.info(), hands_, commanded);
    for (size_t i = 0; i < commanded.action.arms.size(); ++i) {
      const Pose& X_WE = row.observation.arms[i].X_WE;
      ArmAction& target = commanded.action.arms[i];
      target = ClipTarget(X_WE, target, info_.limits);
      row.action.arms.push_back(simulator_.Resolve(i, target));
      row.delta.push_back(DeltaFromTarget(X_WE, row.action.arms[i], info_.limits));
      if (!on_time_) commanded.arms[i].flags |= kOverrun;
    }
    row.action_clean = row.action;
    row.subtask = Subtask(row.observation);
    row.teleop.arms = std::move(commanded.arms);
    row.teleop.sample_id = samples_.back().id;
    row.teleop.xr_time_ns = samples_.back().xr_time_ns;
    row.teleop.monotonic_ns = now_ns;
    row.teleop.sample_age_ns = now_ns - samples_.back().monotonic_ns;

    const StepOutcome outcome = simulator_.Step(row.action);
    writer_->Append(row);
    Show(&row);
    quality_.Add(row, std::move(commanded.action));
    states_.push_back(std::move(row.state));
    actions_.push_back(std::move(row.action));
    if (outcome.unstable) {
      problem_ = outcome.problem;
      return Ends(end, RecordEnd::kUnstable);
    }
    // lasting success needs no button
    success_for_ = simulator_.Observe().success ? success_for_ + 1 : 0;
    if (success_for_ == 1) announcer_.Say(moments::Success());
    if (success_for_ >= options_.success_steps) return Ends(end, RecordEnd::kAccepted);
    return true;
  }

  static bool Ends(RecordEnd* end, RecordEnd value) {
    *end = value;
    return false;
  }

  // The first subtask whose signal has not held yet; of a parallel one it counts whenever it holds,
  // else when its turn has come.
  int32_t Subtask(const Observation& observation) {
    const size_t last = task_.subtasks.size() - 1;
    for (size_t i = static_cast<size_t>(subtask_); i < last; ++i) {
      const int signal = IndexOf(info_.signals, task_.subtasks[i].signal);
      const bool turn = static_cast<int32_t>(i) == subtask_;
      if (!turn && !task_.subtasks[i].parallel) continue;
      came_[i] = came_[i] || (signal >= 0 && observation.signals[static_cast<size_t>(signal)] != 0);
      if (turn && came_[i]) ++subtask_;
    }
    return subtask_;
  }

  void SendHaptics(const std::vector<HandCue>& cues) {
    if (!options_.haptics) return;
    for (size_t i = 0; i < cues.size(); ++i) {
      const int hand = controller_.hand(i);
      if (cues[i].lost != ClutchLoss::kNone) {
        device_.Haptic(hand, 0.9f, 0.2);
      } else if (cues[i].engaged) {
        device_.Haptic(hand, 0.5f, 0.04);
      } else if (cues[i].clamped) {
        device_.Haptic(hand, 0.25f, 0.02);
      }
    }
  }

  // The world now, and what `row` commanded; null: nothing yet.
  void Show(const Step* row) {
    if (!announcer_.shows()) return;
    const Observation& now = simulator_.Observe();
    frame_.state = simulator_.Save();
    frame_.arms.clear();
    for (size_t i = 0; row != nullptr && i < row->action.arms.size(); ++i) {
      frame_.arms.push_back(
          {row->action.arms[i].X_WE_cmd, row->action.arms[i].gripper, row->teleop.arms[i].flags});
    }
    frame_.step = static_cast<int64_t>(actions_.size());
    frame_.sim_time_s = now.sim_time_s;
    frame_.success = now.success;
    frame_.sample_ns = row == nullptr ? 0 : samples_.back().xr_time_ns;
    announcer_.Show(frame_);
  }

  RecordOutcome Close(RecordEnd end) {
    RecordOutcome outcome;
    outcome.end = end;
    outcome.file = plan_.file;
    outcome.steps = static_cast<int64_t>(actions_.size());
    const Observation final_observation = simulator_.Observe();
    const SimState final_state = simulator_.Save();
    states_.push_back(final_state);
    const bool accepted = end == RecordEnd::kAccepted;
    outcome.success = accepted && final_observation.success;
    const std::string account = pacer_.Account(final_observation);
    if (!outcome.success) outcome.cause = Cause(end, account);
    outcome.quality = quality_.Result(info_.control_hz, controller_.engagements());
    outcome.quality.update(device_.TakeQuality());

    // delete attempts that a person discarded or that are not to be kept; keep those that were cut
    // short
    const bool given_up = end == RecordEnd::kDiscarded && !account.empty();
    const bool thrown_away =
        (end == RecordEnd::kDiscarded && !given_up) || end == RecordEnd::kReset;
    const bool taken_away = end == RecordEnd::kDeviceLost || end == RecordEnd::kInterrupted;
    if (actions_.empty() || thrown_away ||
        (!outcome.success && !taken_away && !options_.keep_failed)) {
      writer_->Discard(outcome.cause);
      return outcome;
    }
    // replay at once: a later replay would find a fault too late
    if (accepted) {
      const ReplayCheck check = CheckReplay(simulator_, states_, actions_);
      outcome.quality["replay_worst_error"] = check.worst_error;
      outcome.quality["replay_bit_exact"] = check.bit_exact;
      if (options_.haptics && outcome.success) {
        for (size_t i = 0; i < info_.arms.size(); ++i) {
          device_.Haptic(controller_.hand(i), 1.0f, 0.3);
        }
      }
    }
    meta_.success = outcome.success;
    meta_.cause = outcome.cause;
    meta_.quality = outcome.quality;
    meta_.uuid = outcome.uuid = Identity();
    writer_->Finish(meta_, final_state, final_observation, raw_);
    outcome.kept = true;
    return outcome;
  }

  // Why an attempt that ended so is no success, with what its operator says.
  std::string Cause(RecordEnd end, const std::string& account) const {
    std::string cause = EnumNames<RecordEnd>::kNames.at(static_cast<size_t>(end));
    if (end == RecordEnd::kAccepted) cause = "accepted without success";
    if (!problem_.empty()) cause += ": " + problem_;
    if (account.empty()) return cause;
    if (end == RecordEnd::kDiscarded) return account;
    if (end == RecordEnd::kTimeout) cause = fmt::format("time limit of {} steps", actions_.size());
    const bool told = end == RecordEnd::kTimeout || end == RecordEnd::kUnstable;
    return told ? fmt::format("{} in {}", cause, account) : cause;
  }

  // Hash of the recording: two people with the same seed make different episodes.
  std::string Identity() const {
    Hasher hasher;
    for (const SimState& state : states_) hasher.Add(state.data(), state.size() * sizeof(double));
    for (const Action& action : actions_) {
      for (const ArmAction& arm : action.arms) {
        hasher.Add(arm.X_WE_cmd.rotation().coeffs().data(), 4 * sizeof(double));
        hasher.Add(arm.X_WE_cmd.translation().data(), 3 * sizeof(double));
        hasher.Add(&arm.gripper, sizeof(double));
        hasher.Add(arm.q_cmd.data(), static_cast<size_t>(arm.q_cmd.size()) * sizeof(double));
      }
    }
    return MakeUuid(hasher.Hex(), plan_.key);
  }

  TeleopDevice& device_;
  Simulator& simulator_;
  const TaskSpec& task_;
  Pacer& pacer_;
  const RecordPlan& plan_;
  const RecordOptions& options_;
  Announcer& announcer_;
  const SimulatorInfo& info_;
  TeleopController controller_;
  std::vector<int> hands_;  // of the arms
  std::unique_ptr<EpisodeRecorder> writer_;
  EpisodeMeta meta_;
  RawStream raw_;
  QualityMeter quality_;
  std::vector<RawSample> samples_;  // of this policy step
  uint32_t pressed_ = 0, events_ = 0, buttons_ = 0;
  bool buttons_known_ = false, on_time_ = true;
  std::vector<SimState> states_;
  std::vector<Action> actions_;
  LiveFrame frame_;
  int32_t subtask_ = 0;
  std::vector<bool> came_;  // per subtask: its signal has held
  int success_for_ = 0;
  std::string problem_;
};

}  // namespace

RecordOutcome Record(TeleopDevice& device, Simulator& simulator, const TaskSpec& task, Pacer& pacer,
                     const RecordPlan& plan, const RecordOptions& options, Announcer& announcer) {
  return Recording(device, simulator, task, pacer, plan, options, announcer).Run();
}

}  // namespace understudy
