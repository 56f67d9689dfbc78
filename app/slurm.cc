#include "app/slurm.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "core/base/error.h"
#include "core/base/shard.h"
#include "core/base/statistics.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// A word as bash reads it back.
std::string Quoted(const std::string& word) {
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

struct Ended {
  int code = 0;
  std::string text;  // of stdout and stderr together
};

// A program of Slurm, to its end.
Ended RunProgram(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += Quoted(word) + " ";
  FILE* pipe = popen((line + "2>&1").c_str(), "r");
  if (!pipe) ThrowFailed(fmt::format("{} cannot be started", words.front()));
  Ended ended;
  char buffer[512];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;)
    ended.text.append(buffer, n);
  const int status = pclose(pipe);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  while (!ended.text.empty() && ended.text.back() == '\n') ended.text.pop_back();
  return ended;
}

// The files of one step's job.
struct JobFiles {
  JobFiles(const fs::path& out, const std::string& step) : folder(out / ".slurm" / step) {}
  fs::path File(const std::string& name) const { return folder / name; }
  // What the command said at its end; of part i of a run in parts.
  fs::path Result(int64_t shards, int64_t i) const {
    return File(shards > 1 ? fmt::format("result.{}", i) : "result");
  }
  // Numbers of the jobs that were submitted, the one that ends the step last.
  std::vector<std::string> Jobs() const {
    std::vector<std::string> jobs;
    if (!fs::exists(File("jobs"))) return jobs;
    std::istringstream text(ReadText(File("jobs")));
    for (std::string job; text >> job;) jobs.push_back(job);
    return jobs;
  }
  fs::path folder;
};

// What the site says of a step: of all jobs, of its command, of the step.
SiteJob JobOf(const SlurmSite& site, const LoadedPipeline& loaded, const PlannedStep& step) {
  SiteJob job{.sbatch = site.sbatch};
  const auto add = [&](const SiteJob& more) {
    job.sbatch.insert(job.sbatch.end(), more.sbatch.begin(), more.sbatch.end());
    if (more.ranks > 1) job.ranks = more.ranks;
    if (more.shards > 1) job.shards = more.shards;
  };
  if (const auto of = site.commands.find(step.spec.command); of != site.commands.end()) {
    add(of->second);
  }
  for (const auto& [name, more] : site.steps) {
    const auto of = loaded.instances.find(name);
    const bool is_instance =
        of != loaded.instances.end() &&
        std::find(of->second.begin(), of->second.end(), step.name) != of->second.end();
    if (name == step.name || is_instance) add(more);
  }
  return job;
}

SlurmSite LoadSite(const std::string& file, const LoadedPipeline& loaded,
                   const std::vector<PlannedStep>& steps) {
  SlurmSite site = FromJson<SlurmSite>(LoadYaml(file), file);
  Problems problems;
  std::set<std::string> commands;
  for (const auto& [name, step] : loaded.pipeline.steps) commands.insert(step.command);
  for (const auto& [name, job] : site.commands) {
    if (!commands.contains(name)) {
      problems.push_back("commands: " +
                         UnknownName("command", name, {commands.begin(), commands.end()}));
    }
  }
  for (const auto& [name, job] : site.steps) {
    if (!loaded.instances.contains(name) && !loaded.pipeline.steps.contains(name)) {
      problems.push_back("steps: " + UnknownName("step", name, loaded.order));
    }
  }
  for (const PlannedStep& step : steps) {
    const SiteJob job = JobOf(site, loaded, step);
    if (job.ranks > 1 && step.spec.command != "train") {
      problems.push_back(
          fmt::format("step '{}': ranks are of train, not of {}", step.name, step.spec.command));
    }
    if (job.shards > 1 && !step.options.contains("shard")) {
      problems.push_back(
          fmt::format("step '{}': {} is not made in parts (shards)", step.name, step.spec.command));
    }
    if (job.shards > 1 && step.options.value("demos", int64_t{0}) > 0) {
      problems.push_back(
          fmt::format("step '{}': a run in parts (shards) is bounded by attempts, "
                      "not by demos",
                      step.name));
    }
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", file, fmt::join(problems, "; ")));
  return site;
}

// Whether Slurm still has the job in its queue.
bool InQueue(const std::string& job) {
  const Ended ended = RunProgram({"squeue", "-h", "-o", "%T", "-j", job});
  // a job that is over is "invalid" to squeue after a while
  if (ended.code != 0 && ended.text.find("Invalid job id") == std::string::npos) {
    ThrowFailed("squeue: " + ended.text);
  }
  return ended.code == 0 && !ended.text.empty();
}

class Submission {
 public:
  Submission(const PipelineOptions& options, const LoadedPipeline& loaded, SlurmSite site)
      : options_(options), loaded_(loaded), site_(std::move(site)), out_(loaded.pipeline.out) {
    if (site_.program.empty()) site_.program = fs::read_symlink("/proc/self/exe");
  }

  void Submit(const PlannedStep& step, const Command& command) {
    const JobFiles files(out_, step.name);
    if (const auto queued = QueuedJob(step, files)) {
      jobs_[step.name] = *queued;
      return;
    }
    const SiteJob job = JobOf(site_, loaded_, step);
    MakeWay(step, files, job.shards);
    Json given = step.options;
    if (job.shards > 1) given["shard"] = fmt::format("auto/{}", job.shards);
    WriteTextAtomically(files.File("options.json"), given.dump(2) + "\n");

    std::vector<std::string> after;
    for (const std::string& input : step.inputs) {
      if (const auto found = jobs_.find(input); found != jobs_.end()) {
        after.push_back(found->second);
      }
    }
    std::string text = Head(step.name, files, job, job.shards) + Work(step, files, command, job);
    if (job.shards == 1) text += Record(step.name) + "\n";
    std::string number = Sbatch(files.File("job.sbatch"), text, after, job, job.shards);
    WriteTextAtomically(files.File("jobs"), number + "\n");
    if (job.shards > 1) {
      // the parts, then what joins them
      const SiteJob merge{.sbatch = site_.sbatch};
      text = Head(step.name, files, merge) + Merge(step, job) + Record(step.name) + "\n";
      const std::string parts =
          std::exchange(number, Sbatch(files.File("merge.sbatch"), text, {number}, merge, 1));
      WriteTextAtomically(files.File("jobs"), parts + "\n" + number + "\n");
    }
    jobs_[step.name] = number;
    listing_.push_back({{"step", step.name}, {"job", number}, {"after", after}});
  }

  // The job of the table. Null where no job is left to wait for.
  Json Finish() {
    const JobFiles files(out_, "summary");
    std::vector<std::string> all;
    for (const auto& [step, job] : jobs_) all.push_back(job);
    if (all.empty()) return {{"jobs", listing_}, {"summary", nullptr}};
    Json result{{"jobs", listing_}, {"folder", files.folder.parent_path().string()}};
    for (const std::string& older : files.Jobs()) {
      if (!InQueue(older)) continue;
      if (listing_.empty()) {
        result["summary"] = older;
        return result;
      }
      RunProgram({"scancel", older});  // it waits for jobs that are no more
    }
    const SiteJob job{.sbatch = site_.sbatch};
    fs::create_directories(files.folder);
    const std::string text = Head("summary", files, job) +
                             fmt::format("{} run {} --out {} --quiet{}\n", Quoted(site_.program),
                                         Quoted(options_.file), Quoted(out_.string()), Only());
    const std::string number = Sbatch(files.File("job.sbatch"), text, all, job, 1);
    WriteTextAtomically(files.File("jobs"), number + "\n");
    result["summary"] = number;
    return result;
  }

 private:
  // The job of the same settings that waits or runs. Throws where jobs are left that another one
  // would collide with.
  std::optional<std::string> QueuedJob(const PlannedStep& step, const JobFiles& files) const {
    std::vector<std::string> left;
    const std::vector<std::string> jobs = files.Jobs();
    std::copy_if(jobs.begin(), jobs.end(), std::back_inserter(left), InQueue);
    if (left.empty()) return std::nullopt;
    if (!WasBegun(out_, step)) {
      ThrowUsage(
          fmt::format("run: step '{}': job {} with other settings is in the queue: wait for "
                      "it, or `scancel {}`",
                      step.name, fmt::join(left, ", "), fmt::join(left, " ")));
    }
    if (left.back() != jobs.back()) {
      ThrowUsage(
          fmt::format("run: step '{}': one of its parts has failed, and others of job {} "
                      "still run: wait for them, or `scancel {}`",
                      step.name, fmt::join(left, ", "), fmt::join(left, " ")));
    }
    return left.back();
  }

  // Leaves what the job can go on from, and nothing that it would trip over.
  void MakeWay(const PlannedStep& step, const JobFiles& files, int64_t shards) const {
    if (!BeginStep(out_, step, options_.force)) fs::remove_all(files.folder);
    fs::create_directories(files.folder);
    if (shards == 1) {
      if (!fs::exists(step.output)) fs::remove(files.Result(1, 0));
      return;
    }
    // a part that is whole without a result has lost it with the job that made it
    for (int64_t i = 0; i < shards; ++i) {
      const fs::path part = Shard{i, shards}.Output(step.output);
      if (!fs::exists(files.Result(shards, i))) fs::remove(part);
      if (!fs::exists(part)) fs::remove(files.Result(shards, i));
    }
  }

  std::string Only() const {
    std::string text;
    for (const std::string& step : options_.only) text += " --only " + Quoted(step);
    return text;
  }

  std::string Head(const std::string& step, const JobFiles& files, const SiteJob& job,
                   int64_t tasks = 1) const {
    std::string text = "#!/bin/bash\n";
    for (const std::string& option : job.sbatch) text += "#SBATCH " + option + "\n";
    text += fmt::format(
        "#SBATCH --job-name={}-{}\n#SBATCH --output=\"{}/{}.log\"\n#SBATCH --open-mode=append\n"
        "#SBATCH --requeue\n#SBATCH --signal=B:USR1@120\n",
        loaded_.pipeline.name.empty() ? "understudy" : loaded_.pipeline.name, step,
        files.folder.string(), tasks > 1 ? "%A_%a" : "%j");
    for (const std::string& line : site_.setup) text += line + "\n";
    return text;
  }

  // Runs the command, unless an earlier start of the job has done so. A program that would not be
  // believed at the end is refused at the start.
  std::string Work(const PlannedStep& step, const JobFiles& files, const Command& command,
                   const SiteJob& job) const {
    const std::string result =
        job.shards > 1 ? Quoted(files.File("result").string()) + ".\"$SLURM_ARRAY_TASK_ID\""
                       : Quoted(files.Result(1, 0).string());
    const std::string start =
        job.ranks > 1 ? fmt::format("{} --ntasks={} ", site_.srun, job.ranks) : "";
    return fmt::format(
        "{} --plan > /dev/null || exit\n"
        "result={}\n"
        "if [[ ! -s $result ]]; then\n"
        "  touch \"$result.begun\"\n"
        "  stopped=0\n"
        "  trap 'stopped=1; kill -USR1 \"$work\"' USR1\n"
        "  trap 'kill -USR1 \"$work\" 2> /dev/null' TERM  # cancelled, or requeued by Slurm "
        "itself\n"
        "  {}{} {} --config {} --json --quiet > \"$result.part\" &\n"
        "  work=$!\n"
        "  wait \"$work\"\n"
        "  code=$?\n"
        "  # a trapped signal ends the first wait, and not the work\n"
        "  while kill -0 \"$work\" 2> /dev/null; do\n"
        "    wait \"$work\"\n"
        "    code=$?\n"
        "  done\n"
        "  if ((stopped && code != 0)); then\n"
        "    echo 'stopped by Slurm, back into the queue'\n"
        "    scontrol requeue "
        "\"${{SLURM_ARRAY_JOB_ID:+${{SLURM_ARRAY_JOB_ID}}_}}${{SLURM_ARRAY_TASK_ID:-$SLURM_JOB_ID}}"
        "\"\n"
        "    sleep 60  # until Slurm ends this run\n"
        "    exit 1\n"
        "  fi\n"
        "  ((code == 0)) || exit \"$code\"\n"
        "  mv \"$result.part\" \"$result\"\n"
        "fi\n",
        Record(step.name), result, start, Quoted(site_.program), command.name,
        Quoted(files.File("options.json").string()));
  }

  std::string Merge(const PlannedStep& step, const SiteJob& job) const {
    std::string parts;
    for (int64_t i = 0; i < job.shards; ++i) {
      parts += Quoted(Shard{i, job.shards}.Output(step.output).string()) + " ";
    }
    return fmt::format("[[ -e {0} ]] || {1} data merge {2}--out {0} --quiet || exit 1\n",
                       Quoted(step.output.string()), Quoted(site_.program), parts);
  }

  std::string Record(const std::string& step) const {
    return fmt::format("{} run {} --out {} --record {} --quiet", Quoted(site_.program),
                       Quoted(options_.file), Quoted(out_.string()), Quoted(step));
  }

  std::string Sbatch(const fs::path& file, const std::string& text,
                     const std::vector<std::string>& after, const SiteJob& job, int64_t tasks) {
    WriteTextAtomically(file, text);
    std::vector<std::string> words{"sbatch", "--parsable", "--kill-on-invalid-dep=yes"};
    if (job.ranks > 1) words.push_back(fmt::format("--ntasks={}", job.ranks));
    if (tasks > 1) words.push_back(fmt::format("--array=0-{}", tasks - 1));
    if (!after.empty())
      words.push_back(fmt::format("--dependency=afterok:{}", fmt::join(after, ":")));
    words.push_back(file.string());
    const Ended ended = RunProgram(words);
    if (ended.code != 0) {
      ThrowFailed(fmt::format("{}: {}", file.string(),
                              ended.code == 127 ? "sbatch is not installed here" : ended.text));
    }
    // "job" or "job;cluster", after what else it may say
    const std::string last = ended.text.substr(ended.text.rfind('\n') + 1);
    return last.substr(0, last.find(';'));
  }

  const PipelineOptions& options_;
  const LoadedPipeline& loaded_;
  SlurmSite site_;
  fs::path out_;
  std::map<std::string, std::string> jobs_;  // by step
  Json listing_ = Json::array();
};

// Of how many parts the options of a job speak ("auto/16").
int64_t PartsOf(const Json& options) {
  const std::string shard = options.value("shard", std::string());
  return shard.empty() ? 1 : std::stoll(shard.substr(shard.find('/') + 1));
}

// The result of a run in parts: their sums, as far as they count.
Json SumOfParts(const std::vector<Json>& parts) {
  int64_t attempts = 0, successes = 0, episodes = 0;
  for (const Json& part : parts) {
    attempts += part.value("attempts", int64_t{0});
    successes += part.value("successes", int64_t{0});
    episodes += part.value("episodes", int64_t{0});
  }
  const Interval interval = WilsonInterval(successes, attempts);
  return {
      {"parts", parts},
      {"attempts", attempts},
      {"successes", successes},
      {"rate", attempts > 0 ? static_cast<double>(successes) / static_cast<double>(attempts) : 0},
      {"interval", {interval.low, interval.high}}};
}

}  // namespace

Json SubmitJobs(const PipelineOptions& options, const LoadedPipeline& loaded,
                const std::vector<PlannedStep>& steps, const std::vector<Command>& commands) {
  Submission submission(options, loaded, LoadSite(options.slurm, loaded, steps));
  for (const PlannedStep& step : steps) {
    if (!step.reason.empty()) submission.Submit(step, FindCommand(commands, step.spec.command));
  }
  return submission.Finish();
}

Json RecordJob(const PipelineOptions& options, const LoadedPipeline& loaded,
               const std::vector<Command>& commands, bool plan) {
  const fs::path out = loaded.pipeline.out;
  std::vector<PlannedStep> steps = PlanSteps(loaded, false, commands);
  const auto step = std::find_if(steps.begin(), steps.end(),
                                 [&](const PlannedStep& s) { return s.name == options.record; });
  if (step == steps.end()) {
    ThrowUsage("run: record: " + UnknownName("step", options.record, loaded.order));
  }
  if (step->reason.empty()) return {{"recorded", step->name}};  // by an earlier start of the job
  if (!WasBegun(out, *step)) {
    ThrowFailed(
        fmt::format("step '{}': its settings, inputs or program have changed since its job "
                    "was submitted: submit it again",
                    step->name));
  }
  if (plan) return {{"recorded", step->name}};
  const JobFiles files(out, step->name);
  const Json given = LoadJson(files.File("options.json"));
  const int64_t parts = PartsOf(given);
  std::vector<Json> results;
  fs::file_time_type begun = fs::file_time_type::max(), ended = fs::file_time_type::min();
  for (int64_t i = 0; i < parts; ++i) {
    const fs::path file = files.Result(parts, i);
    if (!fs::exists(file)) {
      ThrowFailed(fmt::format("step '{}': its job has left no {}", step->name, file.string()));
    }
    results.push_back(LoadJson(file));
    ended = std::max(ended, fs::last_write_time(file));
    begun = std::min(begun, fs::last_write_time(file.string() + ".begun"));
  }
  EndStep(out, FindCommand(commands, step->spec.command),
          parts > 1 ? SumOfParts(results) : results.front(),
          std::chrono::duration<double>(ended - begun).count(), &*step);
  return {{"recorded", step->name}};
}

std::string DescribeJobs(const Json& result) {
  if (result.contains("recorded")) return "";
  std::string text;
  for (const Json& job : result["jobs"]) {
    text +=
        fmt::format("job {}  {}", job["job"].get<std::string>(), job["step"].get<std::string>());
    std::vector<std::string> after;
    for (const Json& other : job["after"]) after.push_back(other.get<std::string>());
    text += after.empty() ? "\n" : fmt::format(", after {}\n", fmt::join(after, ", "));
  }
  if (result["summary"].is_null()) return "all steps are up to date\n";
  return text + fmt::format("job {}  the table\nscripts, logs: {}\n",
                            result["summary"].get<std::string>(),
                            result["folder"].get<std::string>());
}

}  // namespace understudy
