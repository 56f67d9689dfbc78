#include "teleop/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace understudy {
namespace {

// The stream of the session's starts: that of a named operator or station is their own.
RngKey StartKey(const TeleopOptions& options) {
  std::string stage = "teleop";
  for (const std::string& name : {options.station, options.operator_name}) {
    if (!name.empty()) stage += "/" + name;
  }
  return RngKey{.seed = options.seed}.WithStage(stage);
}

AttemptEnd EndOf(const RecordOutcome& outcome, int64_t start, const TeleopOptions& options) {
  AttemptEnd end{outcome.attempt, ToJson(outcome.end).get<std::string>(),
                 outcome.success, outcome.cause,
                 outcome.steps,   start == outcome.attempt ? -1 : start};
  end.operator_name = options.operator_name;
  end.station = options.station;
  if (!WhoAndWhere(options).empty()) {
    end.seconds = outcome.seconds;
    end.waited_s = outcome.waited_s;
  }
  return end;
}

}  // namespace

Json WhoAndWhere(const TeleopOptions& options) {
  Json json = Json::object();
  if (!options.operator_name.empty()) json["operator"] = options.operator_name;
  if (!options.station.empty()) json["station"] = options.station;
  return json;
}

Session::Session(const SessionParts& parts, SessionFolder& folder, RecordPlan plan,
                 TeleopReport* report)
    : parts_(parts),
      folder_(folder),
      plan_(std::move(plan)),
      record_(parts.options.record),
      report_(*report) {
  plan_.before = [this](bool wait) { return Settle(wait); };
  if (parts.options.cover > 0) ReadCovered();
}

void Session::Run() {
  parts_.progress.Advance(done());
  if (done() >= parts_.options.demos) return;
  const SimulatorInfo& info = parts_.simulator.info();
  parts_.announcer.Describe({{"title", "teleop " + info.task},
                             {"task", info.task},
                             {"instruction", info.instruction},
                             {"placement", ToJson(record_.retarget.placement)},
                             {"board", board_.Result()}});
  parts_.announcer.Say(moments::DeviceFound(parts_.device.info()));
  parts_.announcer.Count(done(), parts_.options.demos);
  const int64_t most = parts_.options.max_attempts > 0 ? parts_.options.max_attempts
                                                       : 10 + 5 * int64_t{parts_.options.demos};
  while (done() < parts_.options.demos && report_.stopped.empty()) {
    if (folder_.used_starts() >= most) {
      Settle(true);
      report_.stopped = fmt::format(
          "{} attempts gave {} of {} demonstrations: see the causes ({}), or raise max_attempts",
          folder_.used_starts(), done(), parts_.options.demos, folder_.ends_file().string());
      break;
    }
    RecordNext();
  }
  Settle(true);
}

void Session::RecordNext() {
  const SessionFolder::Next next = folder_.next();
  plan_.file = next.file;
  plan_.key = KeyOf(next.start);
  RecordedAttempt attempt = Record(parts_.device, parts_.simulator, parts_.checker, parts_.task,
                                   parts_.pacer, plan_, record_, parts_.announcer);
  record_.retarget.placement = attempt.outcome().placement;
  const RecordEnd end = attempt.outcome().end;
  if (end == RecordEnd::kAgain) return RepeatLast();
  Settle(true);
  folder_.Count(next, attempt.outcome());
  if (parts_.options.cover > 0 && attempt.outcome().success) covered_[next.attempt] = start_;
  // a lost device may come back: the next attempt waits for it
  if (end == RecordEnd::kStopped) report_.stopped = "stopped by the operator";
  if (end == RecordEnd::kInterrupted) report_.stopped = "interrupted";
  if (end == RecordEnd::kNotStarted) {
    report_.stopped =
        fmt::format("nobody pressed start within {} s", parts_.options.record.max_wait);
  }
  writing_.emplace(Writing{std::move(attempt), next});
  // nobody waits in a virtual time, and what is said keeps its order
  if (!parts_.pacer.real_time()) Settle(true);
}

// The attempt before: its file may still be written. Returns whether something was said.
bool Session::Settle(bool wait) {
  if (!writing_ || (!wait && !writing_->attempt.finished())) return false;
  Writing written = std::move(*writing_);
  writing_.reset();
  RecordOutcome outcome = written.attempt.Wait();
  outcome.attempt = written.next.attempt;
  folder_.Store(EndOf(outcome, written.next.start, parts_.options));
  if (outcome.success) {
    report_.recorded_s += outcome.quality.value("seconds", 0.0);
    report_.worst_replay_error =
        std::max(report_.worst_replay_error, outcome.quality.value("replay_worst_error", 0.0));
  }
  board_.Add(outcome);
  report_.board = board_.Result();
  parts_.announcer.Describe({{"board", report_.board}});
  parts_.announcer.Count(done(), parts_.options.demos);
  if (outcome.success) {
    parts_.announcer.Say(moments::Saved());
  } else if (outcome.end != RecordEnd::kReset) {
    parts_.announcer.Say(moments::Discarded(outcome.cause));
  }
  parts_.progress.Advance(done(), fmt::format("attempt {}: {}", outcome.attempt,
                                              outcome.success ? "demonstration" : outcome.cause));
  report_.attempts.push_back(std::move(outcome));
  return true;
}

void Session::RepeatLast() {
  Settle(true);
  const std::optional<int64_t> last = folder_.SetLastAside();
  if (!last) return parts_.announcer.Say(moments::NothingToRepeat());
  covered_.erase(*last);
  parts_.announcer.Count(done(), parts_.options.demos);
  parts_.announcer.Say(moments::SetAside(*last));
  parts_.progress.Advance(done(), fmt::format("attempt {} is recorded again", *last));
}

// Of the start that is recorded now: chosen once, and then the same for every attempt at it.
RngKey Session::KeyOf(int64_t start) {
  const RngKey key = StartKey(parts_.options).WithParent(static_cast<uint64_t>(start));
  if (parts_.options.cover == 0) return key;
  std::optional<uint64_t> candidate = folder_.Candidate(start);
  if (!candidate) {
    std::vector<Start> covered = covered_elsewhere_;
    for (const auto& [attempt, began] : covered_) covered.push_back(began);
    candidate = ChooseStart(parts_.simulator, VariantOf(parts_.task, parts_.options.variant),
                            parts_.options.variant, key, parts_.options.cover, covered);
    folder_.StoreCandidate(start, *candidate);
  } else {
    parts_.simulator.Reset(parts_.options.variant, key.WithVariant(*candidate));
  }
  start_ = parts_.simulator.Observe().X_WO;
  plan_.settings["candidate"] = *candidate;
  return key.WithVariant(*candidate);
}

void Session::ReadCovered() {
  const std::vector<std::string>& objects = parts_.simulator.info().objects;
  for (const auto& [attempt, file] : folder_.demonstrations()) {
    for (Start& start : StartsOfDemonstrations(file, objects)) covered_[attempt] = std::move(start);
  }
  std::vector<std::string> others = parts_.options.covered;
  if (parts_.options.append && std::filesystem::exists(parts_.options.out))
    others.push_back(parts_.options.out);
  for (const std::string& other : others) {
    for (Start& start : StartsOfDemonstrations(other, objects)) {
      covered_elsewhere_.push_back(std::move(start));
    }
  }
}

}  // namespace understudy
