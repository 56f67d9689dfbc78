// data convert: datasets in other programs' formats.
#include <fmt/format.h>

#include "app/convert_hdf5.h"
#include "app/data_commands.h"
#ifdef WITH_ARROW
#include "data/store/convert/lerobot.h"
#endif
#include "data/store/dataset.h"

namespace understudy {
namespace {

enum class ConvertTo { kLerobot, kUnderstudy, kRobomimic, kMimicgen, kIsaaclab };
}  // namespace
template <>
struct EnumNames<ConvertTo> {
  static constexpr std::array kNames{"lerobot", "understudy", "robomimic", "mimicgen", "isaaclab"};
};
namespace {

struct ConvertFlags {
  std::string path, out;
  ConvertTo to = ConvertTo::kLerobot;
  bool overwrite = false;
  Hdf5Flags hdf5;
#ifdef WITH_ARROW
  LerobotOptions lerobot;
#endif
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset");
    v("out", out, "file or folder to write");
    v("to", to, "format: lerobot = LeRobot v3.0; understudy = ours, from another program's file");
    hdf5.Visit(v);
#ifdef WITH_ARROW
    v("lerobot", lerobot, "how a LeRobot dataset is written");
#endif
    v("overwrite", overwrite, "replace it where it exists");
  }
};

Json Convert(const ConvertFlags& flags, CommandContext& context) {
  const DatasetReader reader(Given(flags.path, "convert", "path"));
  Given(flags.out, "convert", "out");
  switch (flags.to) {
    case ConvertTo::kLerobot:
      break;
    case ConvertTo::kUnderstudy:
      return ImportHdf5(reader, flags.out, flags.hdf5, flags.overwrite, context);
    case ConvertTo::kRobomimic:
      return ExportHdf5(ForeignTarget::kRobomimic, reader, flags.out, flags.hdf5, flags.overwrite,
                        context);
    case ConvertTo::kMimicgen:
      return ExportHdf5(ForeignTarget::kMimicgen, reader, flags.out, flags.hdf5, flags.overwrite,
                        context);
    case ConvertTo::kIsaaclab:
      return ExportHdf5(ForeignTarget::kIsaacLab, reader, flags.out, flags.hdf5, flags.overwrite,
                        context);
  }
#ifdef WITH_ARROW
  LerobotOptions options = flags.lerobot;
  options.overwrite = flags.overwrite;
  // said before anything is written
  Json result{{"out", flags.out}, {"lost", LostInLerobot(reader, options)}};
  for (const Json& lost : result["lost"])
    context.progress->Message("lost: " + lost.get<std::string>());
  if (context.plan) return result;
  const LerobotReport report = WriteLerobot(reader, flags.out, options, *context.progress);
  result.update({{"episodes", report.episodes},
                 {"frames", report.frames},
                 {"data_files", report.data_files},
                 {"video_files", report.video_files},
                 {"encoder", report.encoder}});
  return result;
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
