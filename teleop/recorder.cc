#include "teleop/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/names.h"
#include "core/base/progress.h"
#include "core/base/thread_priority.h"
#include "teleop/device_reader.h"
#include "teleop/quality.h"

namespace understudy {
namespace {

// State of one attempt while it is recorded.
class Recording {
 public:
  Recording(TeleopDevice& device, Simulator& simulator, Simulator& checker, const TaskSpec& task,
            Pacer& pacer, const RecordPlan& plan, const RecordOptions& options,
            Announcer& announcer)
      : device_(device),
        simulator_(simulator),
        checker_(checker),
        task_(task),
        pacer_(pacer),
        plan_(plan),
        options_(options),
        announcer_(announcer),
        info_(simulator.info()),
        reader_(device, pacer, options.samples_per_step),
        controller_(options.retarget, info_, KinematicsOf(simulator)),
        hands_(HandsOfArms(options.retarget, info_.arms.size())),
        max_steps_(std::llround(options.max_seconds * info_.control_hz)),
        quality_(static_cast<size_t>(max_steps_)),
        came_(task.subtasks.size()) {}

  RecordedAttempt Run() {
    if (pacer_.real_time()) priority_.emplace();
    simulator_.Reset(plan_.variant, plan_.key);
    const int64_t step_ns = std::llround(1e9 / info_.control_hz);
    pacer_.Begin(plan_.key, simulator_.Observe(), step_ns, options_.samples_per_step);
    simulator_.Save(&state_);
    announcer_.NewAttempt();
    announcer_.Say(moments::Ready(device_.info()));
    Show(nullptr);
    const int64_t ready_ns = device_.NowNs();
    const RecordEnd waited = WaitForStart();
    begin_ns_ = device_.NowNs();
    waited_s_ = 1e-9 * static_cast<double>(begin_ns_ - ready_ns);
    if (waited != RecordEnd::kAccepted) {
      RecordOutcome outcome;
      outcome.end = waited;
      outcome.cause = EnumNames<RecordEnd>::kNames.at(static_cast<size_t>(waited));
      outcome.waited_s = waited_s_;
      outcome.placement = controller_.placement();
      return RecordedAttempt(std::move(outcome));
    }
    Begin();
    device_.TakeQuality();  // of the time before
    announcer_.Say(moments::Recording(device_.info()));
    RecordEnd end = RecordEnd::kTimeout;
    bool going = true;
    while (going && steps_ < max_steps_) going = DoStep(&end);
    return Close(end);
  }

 private:
  // kAccepted: start was pressed.
  RecordEnd WaitForStart() {
    const int64_t begin_ns = device_.NowNs();
    while (true) {
      if (InterruptRequested()) return RecordEnd::kInterrupted;
      if (plan_.before && plan_.before(false)) announcer_.Say(moments::Ready(device_.info()));
      reader_.Read(simulator_.Observe());
      if (controller_.Look(reader_.samples())) TellPlacement();
      if (reader_.Pressed(kButtonStop) || reader_.Happened(kEventExit)) return RecordEnd::kStopped;
      if (reader_.Pressed(kButtonReset)) return RecordEnd::kReset;
      if (reader_.Pressed(kButtonAgain)) return RecordEnd::kAgain;
      if (reader_.Pressed(kButtonStart)) return RecordEnd::kAccepted;
      if (1e-9 * static_cast<double>(device_.NowNs() - begin_ns) > options_.max_wait) {
        return RecordEnd::kNotStarted;
      }
    }
  }

  void Begin() {
    raw_ = BeginStream(device_.info());
    meta_ = MetaOf(info_, plan_.variant, plan_.key);
    meta_.uuid = MakeUuid("teleop", plan_.key);
    RecordOptions as_it_is = options_;
    as_it_is.retarget.placement = controller_.placement();
    meta_.settings = ToJson(as_it_is);
    meta_.settings.update(plan_.settings);
    meta_.program_version = plan_.program_version;
    writer_ = std::make_unique<AttemptWriter>(plan_.file, plan_.header, meta_, checker_);
    controller_.Reset(simulator_.Observe());
  }

  // One row. False: the attempt has ended, by `end`.
  bool DoStep(RecordEnd* end) {
    reader_.Read(simulator_.Observe());
    const int64_t begin_ns = MonotonicNs();
    RecordedStep& recorded = writer_->Next();
    recorded.samples = reader_.samples();
    recorded.has_row = false;
    if (Decided(end)) {
      writer_->Push();
      return false;
    }
    Command(&recorded.row);
    recorded.has_row = true;
    const double physics_s = simulator_.times().physics_s;
    const StepOutcome outcome = simulator_.Step(recorded.row.action);
    const double stepped_s = simulator_.times().physics_s - physics_s;
    simulator_.Save(&state_);
    Show(&recorded.row);
    ++steps_;
    writer_->Push();
    if (pacer_.real_time()) {
      quality_.AddWork(reader_.work_ns() + MonotonicNs() - begin_ns -
                       std::llround(1e9 * stepped_s));
    }
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

  // Decisions of the operator, which come before the robot moves. True: the attempt has ended.
  bool Decided(RecordEnd* end) {
    if (InterruptRequested()) {
      *end = RecordEnd::kInterrupted;
    } else if (reader_.Happened(kEventSessionLost)) {
      *end = RecordEnd::kDeviceLost;
    } else if (reader_.Pressed(kButtonStop) || reader_.Happened(kEventExit)) {
      *end = RecordEnd::kStopped;
    } else if (reader_.Pressed(kButtonDiscard)) {
      *end = RecordEnd::kDiscarded;
    } else if (reader_.Pressed(kButtonReset)) {
      *end = RecordEnd::kReset;
    } else if (reader_.Pressed(kButtonStart)) {
      *end = RecordEnd::kAccepted;
    } else {
      return false;
    }
    return true;
  }

  // Fills in a row: hand to command, command to what the controller takes.
  void Command(Step* row) {
    row->observation = simulator_.Observe();
    row->state = state_;
    const int64_t now_ns = device_.NowNs();
    const OperatorPlacement placement = controller_.placement();
    const Commanded& commanded =
        controller_.Update(reader_.samples(), row->observation, now_ns, 1 / info_.control_hz);
    if (!(placement == controller_.placement())) TellPlacement();
    if (options_.haptics) SendHaptics(controller_, commanded.cues, device_);
    announcer_.Step(device_.info(), hands_, commanded);
    const size_t arms = commanded.action.arms.size();
    row->action.arms.resize(arms);
    row->delta.resize(arms);
    FillTeleopStep(commanded, reader_.samples().back(), now_ns, &row->teleop);
    for (size_t i = 0; i < arms; ++i) {
      const Pose& X_WE = row->observation.arms[i].X_WE;
      row->action.arms[i] = simulator_.Resolve(i, commanded.action.arms[i]);
      row->delta[i] = DeltaFromTarget(X_WE, row->action.arms[i], info_.limits);
      if (!reader_.on_time()) row->teleop.arms[i].flags |= kOverrun;
    }
    row->action_clean = row->action;
    row->subtask = Subtask(row->observation);
    quality_.Add(*row, commanded.action);
  }

  // Pages draw the scene from where the operator stands.
  void TellPlacement() { announcer_.Describe({{"placement", ToJson(controller_.placement())}}); }

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

  // The world now, and what `row` commanded; null: nothing yet.
  void Show(const Step* row) {
    if (!announcer_.shows()) return;
    const Observation& now = simulator_.Observe();
    frame_.state = state_;
    frame_.arms.clear();
    for (size_t i = 0; row != nullptr && i < row->action.arms.size(); ++i) {
      frame_.arms.push_back(
          {row->action.arms[i].X_WE_cmd, row->action.arms[i].gripper, row->teleop.arms[i].flags});
    }
    frame_.step = steps_;
    frame_.sim_time_s = now.sim_time_s;
    frame_.success = now.success;
    frame_.sample_ns = row == nullptr ? 0 : reader_.samples().back().device_time_ns;
    announcer_.Show(frame_);
  }

  RecordedAttempt Close(RecordEnd end) {
    RecordOutcome outcome;
    outcome.end = end;
    outcome.placement = controller_.placement();
    outcome.file = plan_.file;
    outcome.steps = steps_;
    outcome.waited_s = waited_s_;
    outcome.seconds = 1e-9 * static_cast<double>(device_.NowNs() - begin_ns_);
    const Observation& final_observation = simulator_.Observe();
    const bool accepted = end == RecordEnd::kAccepted;
    outcome.success = accepted && final_observation.success;
    const std::string account = pacer_.Account(final_observation);
    if (!outcome.success) outcome.cause = Cause(end, account);
    outcome.quality = quality_.Result(info_.control_hz, controller_.engagements());
    outcome.quality.update(device_.TakeQuality());
    if (priority_) outcome.quality["priority"] = priority_->name();

    // delete attempts that a person discarded or that are not to be kept; keep those that were cut
    // short
    const bool given_up = end == RecordEnd::kDiscarded && !account.empty();
    const bool thrown_away =
        (end == RecordEnd::kDiscarded && !given_up) || end == RecordEnd::kReset;
    const bool taken_away = end == RecordEnd::kDeviceLost || end == RecordEnd::kInterrupted;
    if (plan_.before) plan_.before(true);
    if (steps_ == 0 || thrown_away || (!outcome.success && !taken_away && !options_.keep_failed)) {
      writer_->Discard(outcome.cause);
      return RecordedAttempt(std::move(outcome), std::move(writer_));
    }
    if (options_.haptics && outcome.success) {
      for (size_t i = 0; i < info_.arms.size(); ++i) {
        device_.Haptic(controller_.hand(i), 1.0f, 0.3);
      }
    }
    meta_.success = outcome.success;
    meta_.cause = outcome.cause;
    meta_.quality = outcome.quality;
    outcome.kept = true;
    writer_->Finish({.meta = std::move(meta_),
                     .key = plan_.key,
                     .final_state = state_,
                     .final_observation = final_observation,
                     .raw_info = raw_,
                     .replay = accepted});
    return RecordedAttempt(std::move(outcome), std::move(writer_));
  }

  // Why an attempt that ended so is no success, with what its operator says.
  std::string Cause(RecordEnd end, const std::string& account) const {
    std::string cause = EnumNames<RecordEnd>::kNames.at(static_cast<size_t>(end));
    if (end == RecordEnd::kAccepted) cause = "accepted without success";
    if (!problem_.empty()) cause += ": " + problem_;
    if (account.empty()) return cause;
    if (end == RecordEnd::kDiscarded) return account;
    if (end == RecordEnd::kTimeout) cause = fmt::format("time limit of {} steps", steps_);
    const bool explained = end == RecordEnd::kTimeout || end == RecordEnd::kUnstable;
    return explained ? fmt::format("{} in {}", cause, account) : cause;
  }

  TeleopDevice& device_;
  Simulator& simulator_;
  Simulator& checker_;
  const TaskSpec& task_;
  Pacer& pacer_;
  std::optional<ControlPriority> priority_;  // where time is real
  const RecordPlan& plan_;
  const RecordOptions& options_;
  Announcer& announcer_;
  const SimulatorInfo& info_;
  DeviceReader reader_;
  TeleopController controller_;
  std::vector<int> hands_;  // of the arms
  int64_t max_steps_;
  std::unique_ptr<AttemptWriter> writer_;
  EpisodeMeta meta_;
  RawStream raw_;
  QualityMeter quality_;
  int64_t steps_ = 0;
  int64_t begin_ns_ = 0;
  double waited_s_ = 0;
  SimState state_;  // now
  LiveFrame frame_;
  int32_t subtask_ = 0;
  std::vector<bool> came_;  // per subtask: its signal has held
  int success_for_ = 0;
  std::string problem_;
};

}  // namespace

RecordOutcome RecordedAttempt::Wait() {
  if (writer_ != nullptr) {
    const EpisodeMeta meta = writer_->Wait();
    writer_.reset();
    if (outcome_.kept) {
      outcome_.uuid = meta.uuid;
      outcome_.quality = meta.quality;
    }
  }
  return outcome_;
}

RecordedAttempt Record(TeleopDevice& device, Simulator& simulator, Simulator& checker,
                       const TaskSpec& task, Pacer& pacer, const RecordPlan& plan,
                       const RecordOptions& options, Announcer& announcer) {
  return Recording(device, simulator, checker, task, pacer, plan, options, announcer).Run();
}

}  // namespace understudy
