#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

// What went wrong, as the exit code of the program: see `understudy --help`.
enum class ErrorKind { kFailed = 1, kUsage = 2, kBadInput = 3 };

// Bad input, or a system that fails. The message names the object (file, dataset,
// episode, option), the value, what is allowed and the next step. Caught only in app/.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

[[noreturn]] void ThrowFailed(const std::string& message);
[[noreturn]] void ThrowUsage(const std::string& message);
[[noreturn]] void ThrowBadInput(const std::string& message);

// A broken contract between two pieces of our own code: a bug, never an input.
class ContractError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Throws ContractError naming the place unless `condition` holds. Always on. (The builtins are what
// std::source_location is made of; Clang 14 lacks that with GCC 12's library.)
void Require(bool condition, std::string_view what, const char* file = __builtin_FILE(),
             int line = __builtin_LINE());

// The member of `choices` with the least edit distance to `name`; empty where none is close.
std::string Nearest(std::string_view name, const std::vector<std::string>& choices);

// "unknown task 'stak': did you mean 'stack'? Known: stack, lift"
std::string UnknownName(std::string_view kind, std::string_view name,
                        const std::vector<std::string>& choices);

}  // namespace understudy
