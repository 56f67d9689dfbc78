#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/progress.h"
#include "core/episode/attempt_end.h"
#include "teleop/recorder.h"

namespace understudy {

// Where a session's attempts and starts begin to count: behind those of the dataset that it
// extends.
struct SessionBegin {
  int64_t attempt = 0, start = 0;
};

// The folder <out>.episodes of a recording session: a file per attempt; session.json, what must be
// the same for the session to go on; attempts.json, how every attempt ended; starts.json, which of
// its candidates each start is, where there are several. An attempt cut short by a signal or a kill
// keeps its file, and its start is used again, so that a resumed session has the starts of one that
// was not interrupted. One thread, one process.
class SessionFolder {
 public:
  // Opens the folder, new or old, and recovers what a killed session left; both are said by
  // `progress`. Throws Error(kBadInput) if it is of other settings; with `overwrite` it is then
  // begun anew.
  SessionFolder(const std::filesystem::path& out, const Json& settings, bool overwrite,
                const SessionBegin& begin, Progress& progress);

  // By number of the attempt.
  const std::map<int64_t, std::filesystem::path>& demonstrations() const { return good_; }
  const std::map<int64_t, std::filesystem::path>& failures() const { return bad_; }
  const std::vector<std::string>& salvaged() const { return salvaged_; }  // one line each
  const std::vector<AttemptEnd>& ends() const { return ends_; }
  std::filesystem::path ends_file() const { return folder_ / "attempts.json"; }
  // Starts of attempts that ended by themselves: they are used up.
  int64_t used_starts() const { return used_; }

  struct Next {
    int64_t attempt = 0, start = 0;
    std::filesystem::path file;
  };
  // The attempt to record now; the same until one is Counted.
  Next next() const;
  // The candidate of a start that was chosen before; unset: none was.
  std::optional<uint64_t> Candidate(int64_t start) const;
  void StoreCandidate(int64_t start, uint64_t candidate);

  // An attempt has ended, and what comes next is known; its file may still be written.
  void Count(const Next& attempt, const RecordOutcome& outcome);
  // Its file is written.
  void Store(const AttemptEnd& end);
  // The demonstration that was saved last is to be recorded again, from its start. Returns its
  // attempt's number; unset: there is none.
  std::optional<int64_t> SetLastAside();

  // For the dataset; empty where every attempt is a demonstration in it and nobody is named.
  Json Report() const;
  // Removes the folder; attempts that are not among `merged` move to a folder beside the dataset,
  // which is returned, and which is empty where there are none.
  std::string Close(const std::vector<std::filesystem::path>& merged);

 private:
  void FindAttempts();
  void WriteEnds() const;

  std::filesystem::path out_, folder_;
  SessionBegin begin_;
  std::vector<AttemptEnd> ends_;
  std::map<int64_t, uint64_t> candidates_;
  std::map<int64_t, std::filesystem::path> good_, bad_;
  std::vector<std::string> salvaged_;
  int64_t next_ = 0;  // attempt
  int64_t used_ = 0;
  // starts of demonstrations that were set aside, until they are recorded again
  std::vector<int64_t> again_;
};

// How many demonstrations the session of `out` has that would go on; 0 without one. Changes
// nothing. Throws Error(kBadInput) if it is of other settings, unless `overwrite`: to be asked
// before somebody puts on a headset.
int64_t CountDemonstrations(const std::filesystem::path& out, const Json& settings, bool overwrite);

}  // namespace understudy
