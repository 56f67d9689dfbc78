// data convert: datasets in other programs' formats, by the list in data/formats/formats.cc. What
// is lost is said before anything is written, and alone where only a plan is wanted.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/data_commands.h"
#include "app/format_command.h"
#include "app/joint_robot.h"
#include "app/say_skipped.h"
#include "app/twin.h"
#include "core/spec/listed.h"
#include "data/formats/base/joint_poses.h"
#include "data/formats/base/unread_poses.h"
#include "data/formats/formats.h"
#include "data/formats/hub.h"
#include "data/store/files.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// A place among the formats that can be written.
enum class ConvertTo : size_t {};

const std::vector<const DatasetFormat*>& WrittenFormats() {
  static const std::vector<const DatasetFormat*> written = [] {
    std::vector<const DatasetFormat*> formats;
    for (const DatasetFormat& format : DatasetFormats()) {
      if (format.Write) formats.push_back(&format);
    }
    return formats;
  }();
  return written;
}

std::vector<std::string> FormatNames() {
  std::vector<std::string> names;
  for (const DatasetFormat* format : WrittenFormats()) names.push_back(format->name);
  return names;
}

}  // namespace
template <>
struct EnumNames<ConvertTo> {
  static inline const std::vector<std::string> kNames = FormatNames();
};
namespace {

const DatasetFormat& FormatOf(ConvertTo to) {
  return *WrittenFormats().at(static_cast<size_t>(to));
}

ConvertTo UsualTarget() {
  const auto& formats = WrittenFormats();
  const auto found = std::find(formats.begin(), formats.end(), &FormatNamed(kUsualTarget));
  return static_cast<ConvertTo>(found - formats.begin());
}

// "format: understudy = this program's own …; isaaclab = …"
const char* TargetHelp() {
  static const std::string help = [] {
    std::vector<std::string> lines;
    for (const DatasetFormat* format : WrittenFormats()) {
      lines.push_back(fmt::format("{} = {}", format->name, format->summary));
    }
    return fmt::format("format: {}", fmt::join(lines, "; "));
  }();
  return help.c_str();
}

struct ConvertFlags {
  static constexpr std::array kUnwritten{"robot"};  // same settings, same text
  std::string path, out;
  ConvertTo to = UsualTarget();
  std::string task, robot;
  double control_hz = 0;
  int compression = 1;
  ReadOptions read;
  bool overwrite = false;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset of any known program, a file or a folder", kRequired);
    v("out", out, "file or folder to write", kRequired, kOutput);
    v("to", to, TargetHelp());
    v("task", task,
      "whose `foreign` section gives names and frames: listed task or path of a task.yaml; empty: "
      "the dataset's own");
    v("robot", robot,
      "listed robot, robot+gripper, or path of a robot.yaml of another program's file that names "
      "none; empty: the file's, else the task's");
    v("control_hz", control_hz,
      "rows per second, for files that store no rate, and to LeRobot for a rate that is no whole "
      "number; 0: the file's",
      Limits{0, 1e4});
    v("compression", compression, "deflate level of pictures that are recompressed", Limits{0, 9});
    read.Visit(v);
    v("overwrite", overwrite, "replace it where it exists", Effect::kPlace);
  }
};

// The task of a dataset and its robot, where they are known here.
struct Known {
  std::optional<TaskSpec> task;
  std::optional<RobotSpec> robot;

  // The task and robot that are given, where they are.
  Known(const std::string& given, const std::string& given_robot, const EpisodeSource& reader) {
    const fs::path tasks = HomeFolder() / "sim" / "tasks", robots = HomeFolder() / "sim" / "robots";
    std::string name = given;
    if (name.empty()) {
      // a dataset of an unlisted task is converted as it is
      name = OurTaskName(reader.header());
      const std::vector<std::string> listed = ListedNames(tasks, "task.yaml");
      if (std::find(listed.begin(), listed.end(), name) == listed.end()) return;
    }
    task = LoadTaskSpec(name, tasks);
    // whose frames and controller: those of the robot that moved, not of the one that the task
    // names
    std::string place = task->robot;
    if (reader.header().has_states()) {
      try {
        place = OurRobot(reader);
      } catch (const Error&) {
        return;  // one that is not found is converted as it is
      }
    } else {
      const std::string& theirs = reader.header().simulator.robot;
      const bool is_given = !given_robot.empty() &&
                            (theirs.empty() || (HasPosesOfJoints(reader) &&
                                                LoadRobotSpec(given_robot, robots).name == theirs));
      const std::string named = is_given ? given_robot : FindRobot({theirs, "", ""});
      if (!named.empty()) place = named;
    }
    robot = LoadRobotSpec(place, robots);
  }
  // Of the family of a source or format; without one nothing is translated.
  Translation For(const std::string& family) const {
    return family.empty() ? Translation() : Named(family);
  }
  // The same, but without one our own names are known.
  Translation Named(const std::string& family) const {
    return Translation(family, task ? &*task : nullptr, robot ? &*robot : nullptr);
  }
};

// A file that goes when it goes out of scope.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  ~TemporaryFile() {
    std::error_code none;
    fs::remove(path_, none);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Json SayLost(const std::string& out, const std::vector<std::string>& lost,
             CommandContext& context) {
  for (const std::string& line : lost) context.progress->Message("lost: " + line);
  return {{"out", out}, {"lost", lost}};
}

ConvertRequest RequestOf(const ConvertFlags& flags, const OptionValues& format_options) {
  ConvertRequest request;
  request.control_hz = flags.control_hz;
  request.compression = flags.compression;
  request.overwrite = flags.overwrite;
  request.skip_bad = flags.read.skip_bad;
  request.options = format_options;
  return request;
}

Json WriteAs(const DatasetFormat& format, const EpisodeSource& source, const ConvertFlags& flags,
             ConvertRequest request, CommandContext& context) {
  const Known known(flags.task, flags.robot, source);
  const std::string family = source.header().family;
  request.from = &format == &OwnFormat() ? known.Named(family) : known.For(family);
  request.into = known.For(format.family);
  if (known.task && request.from.KnowsTask(source.header().simulator.task)) {
    request.task = ToJson(*known.task);
  }
  const std::vector<std::string> lost =
      format.Lost ? format.Lost(source, request) : std::vector<std::string>{};
  Json result = SayLost(flags.out, lost, context);
  SaySkipped(source, *context.progress, &result);
  SayUnreadPoses(source, *context.progress);
  if (context.plan) return result;
  result.update(format.Write(source, flags.out, request, *context.progress));
  return result;
}

// From a format that is imported before it is read: into our own, or by way of a dataset of ours
// beside the output, which is removed again.
Json ConvertImported(const DatasetFormat& from, const DatasetFormat& to, const ConvertFlags& flags,
                     ConvertRequest request, CommandContext& context) {
  const bool into_own = &to == &OwnFormat();
  if (!into_own) CheckOutput(flags.out, flags.overwrite, {flags.path});
  std::vector<SkippedEpisode> skipped;
  Json result = SayLost(flags.out, from.LostInImport(flags.path, request, &skipped), context);
  if (context.plan) {
    SaySkipped(skipped, *context.progress, &result);
    return result;
  }
  if (into_own) {
    result.update(from.Import(flags.path, flags.out, request, *context.progress));
    return result;
  }
  const TemporaryFile between(fmt::format("{}.{}.h5", flags.out, getpid()));
  const Json imported = from.Import(flags.path, between.path(), request, *context.progress);
  Json written = WriteAs(to, *OpenDataset(between.path()), flags, request, context);
  for (const Json& line : written["lost"]) result["lost"].push_back(line);
  written["lost"] = result["lost"];
  if (imported.contains("skipped")) written["skipped"] = imported["skipped"];
  return written;
}

Json Convert(ConvertFlags flags, const OptionValues& format_options, CommandContext& context) {
  flags.path = DatasetPath(Given(flags.path, "convert", "path")).string();
  Given(flags.out, "convert", "out");
  ReadOptions read = flags.read;
  read.control_hz = flags.control_hz;
  const ConvertRequest request = RequestOf(flags, format_options);
  const DatasetFormat& to = FormatOf(flags.to);
  const DatasetFormat* from = FindFormat(flags.path, read);
  const bool imported =
      from != nullptr && from->Import && read.map.empty() &&
      (&to == &OwnFormat() || (from->Restores && from->Restores(flags.path, request)));
  if (imported) return ConvertImported(*from, to, flags, request, context);
  // others take columns as they are
  if (&to == &OwnFormat()) read.joint_robot = JointRobotFor(flags.task, flags.robot);
  std::unique_ptr<EpisodeSource> source = OpenDataset(flags.path, read);
  if (read.skip_bad) source = LeaveOutUnwritable(std::move(source), to);
  return WriteAs(to, *source, flags, request, context);
}

}  // namespace

Command ConvertCommand() {
  std::vector<FormatOptions> formats = WriteOptionsOfFormats();
  for (FormatOptions& format : ImportOptionsOfFormats()) formats.push_back(std::move(format));
  return MakeFormatCommand<ConvertFlags>("data convert", "a dataset in another program's format",
                                         std::move(formats), Convert, [](Json result) {
                                           // what is lost was said before it was written
                                           if (result.contains("episodes")) result.erase("lost");
                                           const std::string renamed = RenamedToText(result);
                                           result.erase("renamed");
                                           return Outline(result) + renamed;
                                         });
}

}  // namespace understudy
