// data convert: datasets in other programs' formats.
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

#include "app/convert_hdf5.h"
#include "app/convert_lerobot.h"
#include "app/data_commands.h"
#include "data/formats/formats.h"

namespace understudy {
namespace {

// A place in the list of formats.
enum class ConvertTo : size_t {};

std::vector<std::string> FormatNames() {
  std::vector<std::string> names;
  for (const DatasetFormat& format : DatasetFormats()) names.push_back(format.name);
  return names;
}

}  // namespace
template <>
struct EnumNames<ConvertTo> {
  static inline const std::vector<std::string> kNames = FormatNames();
};
namespace {

const DatasetFormat& FormatOf(ConvertTo to) { return DatasetFormats().at(static_cast<size_t>(to)); }

ConvertTo Default() {
  const FormatList& formats = DatasetFormats();
  return static_cast<ConvertTo>(&FormatNamed("lerobot") - formats.data());
}

struct ConvertFlags {
  std::string path, out;
  ConvertTo to = Default();
  ReadOptions read;
  bool overwrite = false;
  Hdf5Flags hdf5;
  LerobotOptions lerobot;
  LerobotImportOptions lerobot_import;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset of any known program, or folder of a LeRobot dataset");
    v("out", out, "file or folder to write", kRequired, kOutput);
    v("to", to,
      "format: lerobot = LeRobot v3.0, lerobot21 = LeRobot v2.1 with GR00T's files, understudy = "
      "ours");
    hdf5.Visit(v);
    read.Visit(v);
    v("lerobot", lerobot, "how a LeRobot dataset is written");
    v("lerobot_import", lerobot_import, "how a LeRobot dataset is read");
    v("overwrite", overwrite, "replace it where it exists", Effect::kPlace);
  }
};

// From any dataset that is one file.
Json ConvertFile(const EpisodeSource& reader, const ConvertFlags& flags, CommandContext& context) {
  const DatasetFormat& format = FormatOf(flags.to);
  if (format.Write) {
    return WriteAs(format, reader, flags.out, flags.hdf5, flags.overwrite, context);
  }
  LerobotOptions options = flags.lerobot;
  options.overwrite = flags.overwrite;
  options.version = format.name == "lerobot21" ? LerobotVersion::kV21 : LerobotVersion::kV30;
  return ToLerobot(reader, flags.out, options, context);
}

Json Convert(const ConvertFlags& flags, CommandContext& context) {
  Given(flags.path, "convert", "path");
  Given(flags.out, "convert", "out");
  if (IsLerobotFolder(flags.path)) {
    LerobotImportOptions import = flags.lerobot_import;
    import.overwrite = flags.overwrite;
    if (FormatOf(flags.to).name == "understudy") {
      return FromLerobot(flags.path, flags.out, import, context);
    }
    return ThroughDataset(
        flags.path, flags.out, import,
        [&](const EpisodeSource& reader) { return ConvertFile(reader, flags, context); }, context);
  }
  ReadOptions read = flags.read;
  read.control_hz = flags.hdf5.control_hz;
  return ConvertFile(*OpenDataset(flags.path, read), flags, context);
}

}  // namespace

bool IsLerobotFolder(const std::string& path) {
  std::error_code none;
  if (!std::filesystem::is_directory(path, none)) return false;
  const DatasetFormat* format = FindFormat(path);
  return format == nullptr || format->name == "lerobot";
}

Command ConvertCommand() {
  return MakeCommand<ConvertFlags>("data convert", "a dataset in another program's format", Convert,
                                   [](Json result) {
                                     // what is lost was said before it was written
                                     if (result.contains("episodes")) result.erase("lost");
                                     return Outline(result);
                                   });
}

}  // namespace understudy
