// Verification in a process of its own: HDF5 is not hardened, and damage to its inner structures
// can crash it.

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/error.h"
#include "data/store/edit/verify.h"
#include "data/store/hdf5/lock.h"

namespace understudy {
namespace {

// The report of a child that wrote all of it.
VerifyReport FromJson(const Json& json) {
  VerifyReport report{.episodes = json.at("episodes"),
                      .steps = json.at("steps"),
                      .bytes_read = json.at("bytes_read")};
  for (const Json& fault : json.at("faults")) {
    report.faults.push_back({fault.at("place"), fault.at("what")});
  }
  return report;
}

// In the child: says what it found, whole or not at all, and ends.
[[noreturn]] void Report(int pipe, const std::function<VerifyReport()>& verify) {
  try {
    // an error of the program is no damage of the file: the parent throws it again
    const Json json = [&]() -> Json {
      try {
        return ToJson(verify());
      } catch (const Error& error) {
        return {{"error", error.what()}, {"kind", static_cast<int>(error.kind())}};
      } catch (const ContractError& error) {
        return {{"broken", error.what()}};
      }
    }();
    // faults may quote bytes that are no text
    const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    size_t done = 0;
    while (done < text.size()) {
      const ssize_t n = write(pipe, text.data() + done, text.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) _exit(1);
      done += static_cast<size_t>(n);
    }
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

std::string ReadAll(int pipe) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = read(pipe, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(n));
  }
}

}  // namespace

VerifyReport RunApart(const std::function<VerifyReport()>& verify, const std::string& episode) {
  int pipes[2];
  if (pipe(pipes) != 0) ThrowFailed(fmt::format("no pipe: {}", std::strerror(errno)));
  const pid_t child = h5::Fork();
  if (child == 0) {
    close(pipes[0]);
    Report(pipes[1], verify);
  }
  close(pipes[1]);
  const std::string text = child < 0 ? "" : ReadAll(pipes[0]);
  close(pipes[0]);
  if (child < 0) ThrowFailed(fmt::format("no process to verify in: {}", std::strerror(errno)));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    const Json json = ParseJson(text, "report of the verification");
    if (json.contains("error")) {
      throw Error(static_cast<ErrorKind>(json.at("kind").get<int>()), json.at("error"));
    }
    if (json.contains("broken")) throw ContractError(json.at("broken").get<std::string>());
    return FromJson(json);
  }
  VerifyReport report;
  report.crashed = true;
  report.faults.push_back(
      {episode.empty() ? "/" : "/data/" + episode,
       fmt::format("reading it ends the process ({}): HDF5's own structures are damaged. Other "
                   "commands and programs would crash on it too; `understudy data repair` keeps "
                   "the episodes that can be read",
                   WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                       : fmt::format("exit code {}", WEXITSTATUS(status)))});
  return report;
}

}  // namespace understudy
