#include "data/formats/family/family_format.h"

#include <utility>

#include "data/formats/family/write_dialect.h"

namespace understudy::foreign {
namespace fs = std::filesystem;
namespace {

ForeignWriteOptions WriteOptionsOf(const ConvertRequest& request) {
  return {request.options.Get<RobosuiteWriteOptions>(kRobosuiteOptions),
          request.options.Get<IsaacLabWriteOptions>(kIsaacLabOptions), request.compression,
          request.overwrite};
}

}  // namespace

DatasetFormat FamilyFormat(const std::string& name, const std::string& summary,
                           const Dialect& dialect, const WriteDialect& writer,
                           FormatOptions options, bool without_episode) {
  DatasetFormat format = ReadFormat(name, summary, dialect, without_episode);
  format.write_options = {std::move(options)};
  format.states_after_actions = writer.states_after_actions;
  format.Lost = [&writer](const EpisodeSource& source, const ConvertRequest& request) {
    return LostIn(writer, source, WriteOptionsOf(request), request.into, request.from);
  };
  format.Write = [&writer](const EpisodeSource& source, const fs::path& output,
                           const ConvertRequest& request, Progress& progress) {
    return ToJson(WriteForeign(writer, source, output, WriteOptionsOf(request), request.from,
                               request.into, progress));
  };
  return format;
}

DatasetFormat ReadFormat(const std::string& name, const std::string& summary,
                         const Dialect& dialect, bool without_episode) {
  return {
      .name = name,
      .summary = summary,
      .family = dialect.family,
      .Recognises =
          [&dialect, without_episode](const fs::path& path, const ReadOptions& read) {
            return Recognises(dialect, path, read, without_episode);
          },
      .Open = [&dialect](const fs::path& path,
                         const ReadOptions& read) { return OpenForeign(dialect, path, read); },
      .OpenToMend = [&dialect](
                        const fs::path& path,
                        const ReadOptions& read) { return OpenForeign(dialect, path, read, true); },
      .Verify = [&dialect](const fs::path& path, const VerifyOptions& verify, const OptionValues&,
                           Progress&) { return VerifyForeign(dialect, path, verify); },
      .Copy = [&dialect](
                  const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan,
                  const fs::path& output,
                  Progress& progress) { CopyForeign(dialect, inputs, plan, output, progress); },
      .leaves_out_bad = true};
}

}  // namespace understudy::foreign
