#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mimic/sources/annotate.h"

namespace understudy {

// The review of one demonstration.
struct DemoReview {
  std::string demo, uuid;
  int steps = 0;
  std::vector<SubtaskEnd> ends;  // one per subtask

  bool flagged() const;
};

// One line of a review that a person may have changed.
struct ReviewLine {
  int line = 0;  // in the file, from 1
  std::string demo, uuid;
  int subtask = 0;
  WantedEnd wanted;
};

// The table as CSV (RFC 4180), a line per subtask: demo, uuid, subtask, signal, end, poses_end,
// confidence, flags, evidence.
std::string ReviewToCsv(const std::vector<DemoReview>& demos);

// Reads what counts of such a table: demo, uuid, subtask and end; other columns may be missing or
// hold anything. Lines with an empty end say nothing and are left out; an end is a number or
// `skip`. Commas or semicolons, as spreadsheets like it. Throws Error(kBadInput) naming the file,
// the line and what is wrong with it.
std::vector<ReviewLine> ReadReview(const std::filesystem::path& file);

// For people; where there are more than `most` lines, those of demonstrations with flags.
std::string ReviewToText(const std::vector<DemoReview>& demos, size_t most = 60);

}  // namespace understudy
