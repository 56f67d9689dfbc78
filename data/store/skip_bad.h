#pragma once

// How errors about one episode end, where the others could be read without it.

#include <string>

#include "core/base/error.h"

namespace understudy {

inline constexpr const char* kSkipBadHint =
    "; --skip-bad leaves out the episodes that cannot be read";

// The result of `work` on one episode, whose errors name the option that leaves it out.
template <class Work>
auto NamingSkipBad(bool name, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    const std::string what = error.what();
    if (!name || error.kind() != ErrorKind::kBadInput || what.ends_with(kSkipBadHint)) throw;
    ThrowBadInput(what + kSkipBadHint);
  }
}

}  // namespace understudy
