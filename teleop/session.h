#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/base/json.h"
#include "core/base/progress.h"
#include "teleop/board.h"
#include "teleop/command.h"
#include "teleop/session_folder.h"
#include "teleop/starts.h"

namespace understudy {

// Who records, and where, as far as it is said: in every episode's settings.
Json WhoAndWhere(const TeleopOptions& options);

// What a session needs; all of it must outlive the session.
struct SessionParts {
  const TeleopOptions& options;
  const TaskSpec& task;
  Simulator& simulator;
  Simulator& checker;  // replays an attempt while the next one is recorded
  TeleopDevice& device;
  Pacer& pacer;
  Progress& progress;
  Announcer& announcer;
};

// Attempt after attempt, until there are demonstrations enough or the session ends. One thread.
class Session {
 public:
  // `plan` but for file and key. What happens is written to `report`. Both must outlive this.
  Session(const SessionParts& parts, SessionFolder& folder, RecordPlan plan, TeleopReport* report);

  // Throws Error if an attempt cannot be written.
  void Run();
  int64_t done() const { return static_cast<int64_t>(folder_.demonstrations().size()); }

 private:
  struct Writing {
    RecordedAttempt attempt;
    SessionFolder::Next next;
  };

  void RecordNext();
  bool Settle(bool wait);
  void RepeatLast();
  RngKey KeyOf(int64_t start);
  void ReadCovered();

  const SessionParts parts_;
  SessionFolder& folder_;
  RecordPlan plan_;
  RecordOptions record_;  // the operator stands where the last attempt ended
  TeleopReport& report_;
  SessionBoard board_;
  std::optional<Writing> writing_;  // the attempt before, whose file may still be written
  // starts of demonstrations: of this session by attempt, and of other datasets
  std::map<int64_t, Start> covered_;
  std::vector<Start> covered_elsewhere_;
  Start start_;  // of the attempt that is recorded
};

}  // namespace understudy
