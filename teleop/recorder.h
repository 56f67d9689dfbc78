#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/seam/dataset_header.h"
#include "core/seam/simulator.h"
#include "core/seam/teleop_device.h"
#include "core/spec/task_spec.h"
#include "teleop/announcer.h"
#include "teleop/attempt_writer.h"
#include "teleop/pacer.h"
#include "teleop/retarget.h"

namespace understudy {

// How one attempt is recorded.
struct RecordOptions {
  RetargetOptions retarget;
  int samples_per_step = 6;
  double max_seconds = 60;
  int success_steps = 5;
  bool keep_failed = false;
  double max_wait = 600;
  bool haptics = true;
  template <class V>
  void Visit(V& v) {
    v("retarget", retarget, "from hand to command");
    v("samples_per_step", samples_per_step,
      "device samples per policy step, all stored; 6 at 20 Hz are 120 Hz", Limits{1, 100});
    v("max_seconds", max_seconds, "s of simulated time per attempt", Limits{1, 3600});
    v("success_steps", success_steps,
      "policy steps that success lasts before the attempt is accepted without a button",
      Limits{1, 10000});
    v("keep_failed", keep_failed,
      "keep attempts without success, marked as failed; not those that a person discards");
    v("max_wait", max_wait, "s to wait for the start button", Limits{1, 86400}, Effect::kSpeed);
    v("haptics", haptics, "vibrate on clutch, clamping, loss and success", Effect::kSpeed);
  }
};

// What to record; the file is created when the attempt starts.
struct RecordPlan {
  std::filesystem::path file;  // grows as <file>.part
  DatasetHeader header;
  std::string variant;
  RngKey key;  // parent = number of the attempt; an attempt that was cut short is repeated with its
               // number
  std::string program_version;
  Json settings = Json::object();  // stored with the episode beside the options
  // The attempt before may still be written: asked while the operator is waited for, and with
  // `wait` before this one's file is finished. True: the operator was informed. May be empty.
  std::function<bool(bool wait)> before;
};

enum class RecordEnd {
  kAccepted,
  kDiscarded,
  kReset,
  kStopped,
  kTimeout,
  kUnstable,
  kDeviceLost,
  kInterrupted,
  kNotStarted,
  kAgain
};
template <>
struct EnumNames<RecordEnd> {
  static constexpr std::array kNames{"accepted",    "discarded", "reset",       "stopped",
                                     "timeout",     "unstable",  "device lost", "interrupted",
                                     "not started", "again"};
};

struct RecordOutcome {
  RecordEnd end = RecordEnd::kNotStarted;
  bool success = false;  // a demonstration: accepted, and the task's success holds
  bool kept = false;     // `file` exists and opens; false if discarded or never started
  std::string cause;     // why not, in words; empty on success
  std::string uuid;
  int64_t attempt = 0;
  int64_t steps = 0;
  double waited_s = 0, seconds = 0;  // device's clock: until it began, and until it ended
  std::filesystem::path file;
  OperatorPlacement placement;  // where the operator stands at the end; not part of the report
  Json quality = Json::object();
  template <class V>
  void Visit(V& v) {
    v("attempt", attempt, "number in the session");
    v("end", end, "how the attempt ended");
    v("success", success, "a demonstration");
    v("kept", kept, "the file was kept");
    v("cause", cause, "why not");
    v("uuid", uuid, "of the episode");
    v("steps", steps, "policy steps");
    v("quality", quality, "numbers");
  }
};

// An attempt that has ended, whose file may still be written.
class RecordedAttempt {
 public:
  explicit RecordedAttempt(RecordOutcome outcome, std::unique_ptr<AttemptWriter> writer = nullptr)
      : outcome_(std::move(outcome)), writer_(std::move(writer)) {}
  // But for the uuid and what the replay finds, which Wait adds.
  const RecordOutcome& outcome() const { return outcome_; }
  // Whether Wait would return at once.
  bool finished() const { return writer_ == nullptr || writer_->finished(); }
  // Throws Error if the file cannot be written; the .part then stays.
  RecordOutcome Wait();

 private:
  RecordOutcome outcome_;
  std::unique_ptr<AttemptWriter> writer_;
};

// Resets the simulator to the plan's start, waits for the start button (kAgain: for the button that
// records the last one again), then records one attempt:
// each policy step waits for the pacer, takes the device's samples, commands, and stores a row of
// state, raw samples, wanted pose, limited target and executed action. Ends by the buttons, by
// lasting success, by time, or by losing the device; on every path the file is finished or set
// aside. An accepted attempt is replayed from its start state at once, by `checker`, and the worst
// state error is stored. `announcer` informs the operator. From the first row to the last
// nothing is allocated, but where something is said and where joints are the command. Throws Error
// if the file cannot be written; the .part then stays.
RecordedAttempt Record(TeleopDevice& device, Simulator& simulator, Simulator& checker,
                       const TaskSpec& task, Pacer& pacer, const RecordPlan& plan,
                       const RecordOptions& options, Announcer& announcer);

}  // namespace understudy
