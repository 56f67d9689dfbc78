#include "data/formats/own/own.h"

#include "data/formats/family/import.h"
#include "data/store/reader.h"

namespace understudy {
namespace fs = std::filesystem;

DatasetFormat UnderstudyFormat() {
  return {.name = "understudy",
          .summary = "this program's own: exact states, all that a stage needs",
          .Recognises = [](const fs::path& path,
                           const ReadOptions&) { return DatasetReader::Recognises(path); },
          .Open = [](const fs::path& path,
                     const ReadOptions& options) -> std::unique_ptr<EpisodeSource> {
            return std::make_unique<DatasetReader>(path, options);
          },
          .states_after_actions = true,
          .Lost = [](const EpisodeSource& source,
                     const ConvertRequest& request) { return LostInImport(source, request.from); },
          .Write =
              [](const EpisodeSource& source, const fs::path& output, const ConvertRequest& request,
                 Progress& progress) {
                const ImportOptions options{.control_hz = request.control_hz,
                                            .task = request.task,
                                            .compression = request.compression,
                                            .overwrite = request.overwrite};
                return ToJson(ImportForeign(source, output, options, request.from, progress));
              },
          .Verify = [](const fs::path& path, const VerifyOptions& options, const OptionValues&,
                       Progress&) { return VerifyOwn(path, options); },
          .leaves_out_bad = true};
}

}  // namespace understudy
