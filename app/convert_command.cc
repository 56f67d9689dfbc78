// data convert: datasets in other programs' formats.
#include <fmt/format.h>

#include "app/data_commands.h"
#ifdef WITH_ARROW
#include "app/convert_lerobot.h"
#endif
#include "data/store/dataset.h"

namespace understudy {
namespace {

enum class ConvertTo { kLerobot, kLerobot21, kUnderstudy };
}  // namespace
template <>
struct EnumNames<ConvertTo> {
  static constexpr std::array kNames{"lerobot", "lerobot21", "understudy"};
};
namespace {

struct ConvertFlags {
  std::string path, out;
  ConvertTo to = ConvertTo::kLerobot;
  bool overwrite = false;
#ifdef WITH_ARROW
  LerobotOptions lerobot;
  LerobotImportOptions lerobot_import;
#endif
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset, or folder of a LeRobot dataset v2.0, v2.1 or v3.0");
    v("out", out, "dataset or folder to write");
    v("to", to,
      "format: lerobot = LeRobot v3.0, lerobot21 = LeRobot v2.1 with GR00T's files, understudy");
#ifdef WITH_ARROW
    v("lerobot", lerobot, "how a LeRobot dataset is written");
    v("lerobot_import", lerobot_import, "how a LeRobot dataset is read");
#endif
    v("overwrite", overwrite, "replace it where it exists");
  }
};

Json Convert(const ConvertFlags& flags, CommandContext& context) {
  Given(flags.path, "convert", "path");
  Given(flags.out, "convert", "out");
#ifdef WITH_ARROW
  LerobotOptions options = flags.lerobot;
  options.overwrite = flags.overwrite;
  options.version = flags.to == ConvertTo::kLerobot21 ? LerobotVersion::kV21 : LerobotVersion::kV30;
  LerobotImportOptions import = flags.lerobot_import;
  import.overwrite = flags.overwrite;
  if (IsLerobot(flags.path)) {
    if (flags.to == ConvertTo::kUnderstudy) {
      return FromLerobot(flags.path, flags.out, import, context);
    }
    return LerobotToLerobot(flags.path, flags.out, import, options, context);
  }
  if (!std::filesystem::exists(flags.path)) ThrowBadInput(flags.path + ": no such file or folder");
  if (flags.to == ConvertTo::kUnderstudy) {
    ThrowUsage(
        fmt::format("{}: is no folder of a LeRobot dataset: it needs no conversion to be "
                    "read by this program",
                    flags.path));
  }
  return ToLerobot(DatasetReader(flags.path), flags.out, options, context);
#else
  (void)context;
  ThrowUsage(
      "this program was built without Arrow, which LeRobot's format needs: run `make setup`, then "
      "configure with -DWITH_ARROW=ON and build again");
#endif
}

}  // namespace

Command ConvertCommand() {
  return MakeCommand<ConvertFlags>("data convert", "a dataset in another program's format", Convert,
                                   [](const Json& result) { return Outline(result); });
}

}  // namespace understudy
