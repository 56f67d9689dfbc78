#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace understudy {

// What a shell command said and how it ended.
struct CommandResult {
  int exit_code = -1;
  std::string output;  // stdout; add 2>&1 to the command for both
};

inline CommandResult RunShell(const std::string& command) {
  CommandResult result;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer;
  size_t n = 0;
  while ((n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0)
    result.output.append(buffer.data(), n);
  const int status = pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace understudy
