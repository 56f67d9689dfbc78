#include "serve/drive/drive_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/clock.h"
#include "core/base/progress.h"
#include "core/base/sleep.h"
#include "core/base/statistics.h"
#include "core/base/thread_priority.h"

namespace understudy {
namespace {

constexpr double kCatchUp = 0.1;     // of a step: more than that is not caught up with
constexpr double kFirstAnswer = 15;  // s that a policy may take for its first answer at least
constexpr double kLate = 1e-3;       // s by which a step may begin late
constexpr int kDelaysKept = 8;       // measured ones, from which the next is guessed

// Milliseconds within which half and all but a hundredth lie.
Json Spread(const std::vector<double>& seconds) {
  return {{"p50_ms", 1000 * Quantile(seconds, 0.5)},
          {"p99_ms", 1000 * Quantile(seconds, 0.99)},
          {"worst_ms", 1000 * Quantile(seconds, 1)}};
}

// How long chunks took to come, in steps.
class Delays {
 public:
  void See(int64_t steps) { last_[count_++ % kDelaysKept] = static_cast<int>(steps); }
  // The longest of the last ones.
  int Expected() const { return *std::max_element(last_.begin(), last_.end()); }

 private:
  std::array<int, kDelaysKept> last_{};
  size_t count_ = 0;
};

class Trial {
 public:
  Trial(const DriveParts& parts, DriveControl& control, const DriveOptions& options, double seconds,
        bool shadow, const RngKey& key)
      : parts_(parts),
        control_(control),
        options_(options),
        shadow_(shadow),
        key_(key),
        dt_(1 / parts.robot.info().control_hz),
        most_steps_(std::max<int64_t>(1, std::llround(seconds / dt_))) {}

  DriveOutcome Run() {
    const Action hold = parts_.robot.Begin(key_, shadow_, &reading_);
    armed_ = parts_.input.always_held();
    control_.Reset(hold, reading_.observation);
    Reserve();
    const ControlPriority priority;
    start_ns_ = parts_.clock.NowNs();
    answered_s_ = 0;
    while (true) {
      Wait();
      const double began = Now();
      parts_.robot.Read(&reading_);
      SeeInput();
      SeeEnd(began);
      if (ending_ && control_.state() == DriveControl::State::kHolding) break;
      control_.Begin(reading_.observation, Age(began), keys_.held && armed_, ending_);
      SeeBrakes(began);
      AskPolicy(began);
      const Action& command = control_.Step(reading_.observation);
      if (control_.started()) {
        Record(command);
        if (!shadow_) parts_.robot.Send(command);
      }
      if (parts_.show) parts_.show(reading_, command);
      ++outcome_.steps;
      if (control_.started()) Note(Now() - began, &outcome_.work_s);
    }
    return End();
  }

 private:
  double Now() const { return 1e-9 * static_cast<double>(parts_.clock.NowNs() - start_ns_); }
  double Age(double now) const {
    return now - 1e-9 * static_cast<double>(reading_.captured_ns - start_ns_);
  }

  // Memory of a trial, so that the loop allocates none.
  void Reserve() {
    const auto steps = static_cast<size_t>(most_steps_) + 1000;
    for (auto* values : {&outcome_.lateness_s, &outcome_.work_s, &outcome_.answer_s}) {
      values->reserve(steps);
    }
    request_.reading = reading_;
  }

  static void Note(double seconds, std::vector<double>* values) {
    if (values->size() < values->capacity()) values->push_back(seconds);
  }

  void Wait() {
    const int64_t due_ns =
        start_ns_ + std::llround(1e9 * dt_ * static_cast<double>(outcome_.steps)) + shifted_ns_;
    parts_.clock.SleepUntil(due_ns);
    const int64_t late_ns = std::max<int64_t>(0, parts_.clock.NowNs() - due_ns);
    const double late_s = 1e-9 * static_cast<double>(late_ns);
    if (control_.started()) Note(late_s, &outcome_.lateness_s);
    if (late_s > kLate) ++outcome_.late_steps;
    // commands never run faster to catch up
    if (late_ns > std::llround(1e9 * kCatchUp * dt_)) shifted_ns_ += late_ns;
  }

  void SeeInput() {
    keys_ = parts_.input.Poll();
    // what is held from before counts when it has been let go of once
    if (!keys_.held) armed_ = true;
    if (keys_.quit) outcome_.quit = true;
    if (keys_.mark != 0) outcome_.Mark(keys_);
    if (keys_.stop) Finish(keys_.quit ? "ended by the user" : "stopped");
  }

  // Where readings were missing, a person looks before it goes on.
  void SeeBrakes(double now) {
    const int64_t stale = control_.brakes()[static_cast<size_t>(BrakeCause::kStale)];
    if (std::exchange(stale_brakes_, stale) < stale) armed_ = parts_.input.always_held();
    if (std::exchange(run_, control_.run()) != control_.run()) answered_s_ = now;
  }

  // The first reason counts.
  void Finish(const std::string& cause) {
    if (ending_) return;
    ending_ = true;
    outcome_.decided = reading_;
    if (outcome_.cause.empty() && !outcome_.success) outcome_.cause = cause;
  }

  void SeeEnd(double now) {
    if (ending_) return;
    if (reading_.observation.success && outcome_.steps > 0) {
      outcome_.success = outcome_.marked = true;
      Finish("");
    } else if (InterruptRequested()) {
      outcome_.quit = true;
      Finish("interrupted");
    } else if (Age(now) > options_.lost) {
      const std::string why = parts_.robot.problem();
      Finish(fmt::format("the robot is lost: no reading for {:.1f} s{}{}", Age(now),
                         why.empty() ? "" : ": ", why));
    } else if (control_.moving_steps() >= most_steps_) {
      Finish("out of time");
    } else if (waits_ && control_.state() != DriveControl::State::kHolding &&
               now - answered_s_ > Patience()) {
      Finish(outcome_.last_problem.empty()
                 ? fmt::format("the policy has not answered for {:.1f} s", now - answered_s_)
                 : "the policy fails: " + outcome_.last_problem);
    }
  }

  double Patience() const {
    return outcome_.answer_s.empty() ? std::max(options_.lost, kFirstAnswer)
                                     : options_.lost + slowest_answer_s_;
  }

  void AskPolicy(double now) {
    TakeAnswer(now);
    if (control_.WantsChunk() && !parts_.policy.busy()) {
      if (!waits_) answered_s_ = now;  // not asked before
      waits_ = true;
      request_.run = control_.run();
      request_.step = control_.step();
      request_.reading = reading_;
      request_.committed = control_.Committed(delays_.Expected());
      request_.key = key_.WithTerm("policy").WithVariant(static_cast<uint64_t>(outcome_.chunks++));
      control_.Ask();
      parts_.policy.Ask(&request_);
    }
    TakeAnswer(now);
  }

  void TakeAnswer(double now) {
    if (!parts_.policy.Take(&answer_)) return;
    if (!answer_.problem.empty()) {
      ++outcome_.problems;
      outcome_.last_problem = answer_.problem;
      return;
    }
    answered_s_ = now;
    waits_ = false;
    slowest_answer_s_ = std::max(slowest_answer_s_, answer_.seconds);
    outcome_.last_problem.clear();
    Note(answer_.seconds, &outcome_.answer_s);
    if (!control_.Arrive(answer_.run, answer_.step, &answer_.chunk)) return;
    const int64_t delay = control_.step() - answer_.step;
    delays_.See(delay);
    outcome_.most_delay = std::max(outcome_.most_delay, static_cast<int>(delay));
  }

  void Record(const Action& command) {
    if (!parts_.log) return;
    ::understudy::Step& row = parts_.log->Next();
    row.observation = reading_.observation;
    row.state = reading_.state;
    row.action = command;
    row.action_clean =
        control_.state() == DriveControl::State::kMoving ? control_.wanted() : command;
    row.delta.resize(command.arms.size());
    for (size_t a = 0; a < command.arms.size(); ++a) {
      row.delta[a] = DeltaFromTarget(reading_.observation.arms[a].X_WE, command.arms[a],
                                     parts_.robot.info().limits);
    }
    parts_.log->Push();
  }

  DriveOutcome End() {
    outcome_.moving_steps = control_.moving_steps();
    outcome_.clipped = control_.clipped();
    outcome_.guarded = control_.guarded();
    outcome_.brakes = control_.brakes();
    outcome_.end = reading_;
    return std::move(outcome_);
  }

  const DriveParts& parts_;
  DriveControl& control_;
  const DriveOptions& options_;
  const bool shadow_;
  const RngKey key_;
  const double dt_;
  const int64_t most_steps_;
  DriveOutcome outcome_;
  RobotReading reading_;
  DriveKeys keys_;
  ChunkRequest request_;
  ChunkAnswer answer_;
  Delays delays_;
  bool ending_ = false, waits_ = false, armed_ = false;
  int64_t run_ = 0, stale_brakes_ = 0;
  double answered_s_ = 0, slowest_answer_s_ = 0;
  int64_t start_ns_ = 0, shifted_ns_ = 0;
};

}  // namespace

int64_t SystemDriveClock::NowNs() const { return MonotonicNs(); }

void SystemDriveClock::SleepUntil(int64_t ns) { SleepUntilNs(ns); }

void DriveOutcome::Mark(const DriveKeys& keys) {
  marked = true;
  success = keys.mark > 0;
  cause = success ? "" : "marked as a failure";
  cause_key = keys.cause;
}

Json DriveOutcome::ToJson() const {
  Json json{{"success", success},
            {"marked", marked},
            {"cause", cause},
            {"steps", steps},
            {"moving_steps", moving_steps},
            {"chunks", chunks},
            {"late_steps", late_steps},
            {"clipped", clipped},
            {"most_delay_steps", most_delay},
            {"begun_late", Spread(lateness_s)},
            {"work", Spread(work_s)},
            {"answer", Spread(answer_s)}};
  for (size_t i = 0; i < kSafetyStops; ++i) {
    json["guarded"][EnumNames<SafetyStop>::kNames[i]] = guarded[i];
  }
  for (size_t i = 0; i < kBrakeCauses; ++i) {
    json["brakes"][EnumNames<BrakeCause>::kNames[i]] = brakes[i];
  }
  if (problems > 0) json["problems"] = {{"requests", problems}, {"last", last_problem}};
  return json;
}

DriveOutcome RunDriveTrial(const DriveParts& parts, DriveControl& control,
                           const DriveOptions& options, double seconds, bool shadow,
                           const RngKey& key) {
  return Trial(parts, control, options, seconds, shadow, key).Run();
}

}  // namespace understudy
