#pragma once

#include <hdf5.h>

#include <string>
#include <vector>

namespace understudy::h5 {

// Bytes and where in a file they belong.
struct Patch {
  haddr_t address = 0;
  std::string bytes;
};

// The text of a journal: changes of a file, in order, with a hash of all.
std::string JournalText(const std::vector<Patch>& patches);
// The patches of a whole journal; none of a half one.
std::vector<Patch> ParseJournal(const std::string& text);

}  // namespace understudy::h5
