#include "app/process_trials.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>

#include "app/evaluation_files.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "data/video/module.h"

extern char** environ;

namespace understudy {
namespace {

namespace fs = std::filesystem;

// Films of a report as GIFs; `failed` gets the reason where one cannot be made.
std::vector<EncodedPicture> FilmsOf(const fs::path& report, std::string* failed) {
  std::vector<EncodedPicture> films;
  const fs::path folder = VideoFile(report.string(), 0).parent_path();
  std::map<bool, int> count;
  for (const Json& video : LoadJson(report).value("videos", Json::array())) {
    const bool success = video.value("success", false);
    const std::string name = success ? "success" : "failure";
    const int number = ++count[success];
    try {
      Gif gif =
          Module<VideoModule>().gif_of(folder / fs::path(video.value("file", "")).filename(), 10);
      films.push_back({"rollout/" + name + (number > 1 ? fmt::format("_{}", number) : ""),
                       gif.width, gif.height, std::move(gif.bytes)});
    } catch (const Error& error) {
      *failed = error.what();
    }
  }
  return films;
}

// Null: the report is of an evaluation that was interrupted, or none.
std::optional<CheckpointTrials::Result> ReadResult(const fs::path& file, int64_t step) {
  const Json report = LoadJson(file);
  if (!report.is_object() || report.value("interrupted", true)) return std::nullopt;
  const CheckpointTrials::Result result{
      step, report.value("successes", int64_t{0}), report.value("episodes", int64_t{0}), {}};
  return result.episodes > 0 ? std::optional(result) : std::nullopt;
}

}  // namespace

ProcessTrials::ProcessTrials(const TrialOptions& options, const fs::path& run, bool resumes,
                             Progress& progress)
    : options_(options), folder_(run / "trials"), progress_(progress) {
  if (!resumes) return;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, none)) {
    if (entry.path().extension() != ".json") continue;
    const std::string name = entry.path().stem().string();
    int64_t step = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    if (const auto result = ReadResult(entry.path(), step)) results_.push_back(*result);
  }
}

ProcessTrials::~ProcessTrials() {
  if (child_ == 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

fs::path ProcessTrials::File(int64_t step, const char* extension) const {
  return folder_ / fmt::format("{:06}{}", step, extension);
}

void ProcessTrials::Start(int64_t step, const fs::path& checkpoint) {
  std::error_code cannot;
  fs::create_directories(folder_, cannot);
  if (cannot) ThrowFailed(fmt::format("{}: {}", folder_.string(), cannot.message()));
  waiting_.emplace_back(step, checkpoint);
  if (child_ == 0) Next();
}

void ProcessTrials::Next() {
  if (waiting_.empty()) return;
  const auto& [step, checkpoint] = waiting_.front();
  std::vector<std::string> words{"understudy",
                                 "evaluate",
                                 checkpoint.string(),
                                 "--episodes",
                                 std::to_string(options_.episodes),
                                 "--variant",
                                 options_.variant,
                                 "--seed",
                                 std::to_string(options_.seed),
                                 "--horizon",
                                 std::to_string(options_.horizon),
                                 "--workers",
                                 std::to_string(options_.workers),
                                 "--videos-success",
                                 std::to_string(options_.videos),
                                 "--videos-failure",
                                 std::to_string(options_.videos),
                                 "--video-width",
                                 "160",
                                 "--video-height",
                                 "160",
                                 "--out",
                                 File(step, ".json").string(),
                                 "--quiet"};
  if (!options_.task.empty()) words.insert(words.end(), {"--task", options_.task});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const std::string log = File(step, ".log").string();
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0644);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  const int error =
      ::posix_spawn(&child_, "/proc/self/exe", &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) {
    child_ = 0;
    progress_.Message(fmt::format("the trial of checkpoint {} could not be started: {}", step,
                                  std::strerror(error)));
    waiting_.pop_front();
    return;
  }
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(child_), 5);  // the training comes first
}

std::vector<CheckpointTrials::Result> ProcessTrials::Take(bool wait) {
  std::vector<Result> taken;
  while (child_ != 0) {
    int status = 0;
    const pid_t ended = ::waitpid(child_, &status, wait ? 0 : WNOHANG);
    if (ended == 0) break;
    if (ended < 0 && errno == EINTR) {
      if (InterruptRequested()) break;
      continue;
    }
    child_ = 0;
    const int64_t step = waiting_.front().first;
    waiting_.pop_front();
    const bool well = ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    // a trial that was interrupted has no result: a resume starts it again
    const auto result = well ? ReadResult(File(step, ".json"), step) : std::nullopt;
    if (!well && !InterruptRequested()) {
      progress_.Message(fmt::format("the trial of checkpoint {} went wrong: see {}", step,
                                    File(step, ".log").string()));
    }
    if (result) {
      results_.push_back(*result);
      taken.push_back(*result);
      std::string failed;
      taken.back().films = FilmsOf(File(step, ".json"), &failed);
      if (!failed.empty()) {
        progress_.Message(fmt::format("a film of checkpoint {} is not shown: {}", step, failed));
      }
    }
    if (!InterruptRequested()) Next();
  }
  return taken;
}

std::vector<int64_t> ProcessTrials::pending() const {
  std::vector<int64_t> steps;
  for (const auto& [step, checkpoint] : waiting_) steps.push_back(step);
  return steps;
}

}  // namespace understudy
