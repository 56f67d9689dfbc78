// data convert: datasets in other programs' formats.
#include <fmt/format.h>

#include <filesystem>

#include "app/convert_hdf5.h"
#include "app/convert_lerobot.h"
#include "app/data_commands.h"
#include "data/store/reader.h"

namespace understudy {
namespace {

enum class ConvertTo { kLerobot, kLerobot21, kUnderstudy, kRobomimic, kMimicgen, kIsaaclab };
}  // namespace
template <>
struct EnumNames<ConvertTo> {
  static constexpr std::array kNames{"lerobot",   "lerobot21", "understudy",
                                     "robomimic", "mimicgen",  "isaaclab"};
};
namespace {

struct ConvertFlags {
  std::string path, out;
  ConvertTo to = ConvertTo::kLerobot;
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
    v("lerobot", lerobot, "how a LeRobot dataset is written");
    v("lerobot_import", lerobot_import, "how a LeRobot dataset is read");
    v("overwrite", overwrite, "replace it where it exists", Effect::kPlace);
  }
};

// From any dataset that is one file.
Json ConvertFile(const DatasetReader& reader, const ConvertFlags& flags, CommandContext& context) {
  const auto hdf5 = [&](ForeignTarget target) {
    return ExportHdf5(target, reader, flags.out, flags.hdf5, flags.overwrite, context);
  };
  switch (flags.to) {
    case ConvertTo::kUnderstudy:
      return ImportHdf5(reader, flags.out, flags.hdf5, flags.overwrite, context);
    case ConvertTo::kRobomimic:
      return hdf5(ForeignTarget::kRobomimic);
    case ConvertTo::kMimicgen:
      return hdf5(ForeignTarget::kMimicgen);
    case ConvertTo::kIsaaclab:
      return hdf5(ForeignTarget::kIsaacLab);
    case ConvertTo::kLerobot:
    case ConvertTo::kLerobot21:
      break;
  }
  LerobotOptions options = flags.lerobot;
  options.overwrite = flags.overwrite;
  options.version = flags.to == ConvertTo::kLerobot21 ? LerobotVersion::kV21 : LerobotVersion::kV30;
  return ToLerobot(reader, flags.out, options, context);
}

Json Convert(const ConvertFlags& flags, CommandContext& context) {
  Given(flags.path, "convert", "path");
  Given(flags.out, "convert", "out");
  if (IsLerobotFolder(flags.path)) {
    LerobotImportOptions import = flags.lerobot_import;
    import.overwrite = flags.overwrite;
    if (flags.to == ConvertTo::kUnderstudy) {
      return FromLerobot(flags.path, flags.out, import, context);
    }
    return ThroughDataset(
        flags.path, flags.out, import,
        [&](const DatasetReader& reader) { return ConvertFile(reader, flags, context); }, context);
  }
  return ConvertFile(DatasetReader(flags.path), flags, context);
}

}  // namespace

bool IsLerobotFolder(const std::string& path) {
  std::error_code none;
  if (!std::filesystem::is_directory(path, none)) return false;
  return true;
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
