#pragma once

// What a format of datasets is: an entry of the list in data/formats/formats.cc.
// docs/add_a_format.md says how to add one.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/formats/base/copy_plan.h"
#include "data/formats/base/translate.h"
#include "data/store/edit/verify.h"
#include "data/store/read_options.h"

namespace understudy {

// Options that a format has for itself: `--robosuite.version` of the commands that convert. Formats
// may share them.
struct FormatOptions {
  std::string name;               // "robosuite"
  std::vector<FieldInfo> fields;  // for --help and flags; their paths begin with the name
  Json defaults;
  // Reads `given` over the defaults; appends every violation.
  std::function<Json(const Json& given, Problems& problems)> read;
};
// Of a visitable struct.
template <class Options>
FormatOptions OptionsNamed(const std::string& name) {
  FormatOptions result{name, ListFields(Options{}), ToJson(Options{}), {}};
  for (FieldInfo& field : result.fields) field.path = name + "." + field.path;
  result.read = [name](const Json& given, Problems& problems) {
    Options options;
    ReadJson(given, options, name, {}, problems);
    return ToJson(options);
  };
  return result;
}

// Values of FormatOptions by their name; those that are missing are the defaults.
class OptionValues {
 public:
  void Set(const std::string& name, Json values) { values_[name] = std::move(values); }
  template <class Options>
  Options Get(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? Options{} : FromJson<Options>(found->second, name);
  }

 private:
  std::map<std::string, Json> values_;
};

// How a dataset is to be converted. What a format does not need it ignores.
struct ConvertRequest {
  Translation from;            // the source's names and frames into ours
  Translation into;            // ours into the format's
  Json task = Json::object();  // the task.yaml, resolved, where the task is known
  double control_hz = 0;       // Hz, for files that store no rate; 0: the file's
  int compression = 1;         // deflate level of pictures that are recompressed
  bool overwrite = false;
  bool skip_bad = false;  // of Import: leave out the episodes that cannot be read
  OptionValues options;
};

// One format. Recognises and Open are required; what else is empty the format cannot do.
struct DatasetFormat {
  std::string name;         // "robomimic": of `data convert --to`
  std::string summary;      // one line
  std::string family = "";  // key of the `foreign` sections that translate it; empty: none
  std::vector<FormatOptions> write_options = {};   // of Lost and Write
  std::vector<FormatOptions> import_options = {};  // of LostInImport, Import and Verify

  // Whether a file or folder is of this format. Looks at little and throws nothing.
  std::function<bool(const std::filesystem::path&, const ReadOptions&)> Recognises;
  // Throws Error(kBadInput) naming what is wrong.
  std::function<std::unique_ptr<EpisodeSource>(const std::filesystem::path&, const ReadOptions&)>
      Open;
  // The same for a dataset that is to be repaired: lists that contradict the data are read by the
  // data, and rows without an action are left out. Empty: as Open.
  std::function<std::unique_ptr<EpisodeSource>(const std::filesystem::path&, const ReadOptions&)>
      OpenToMend = {};

  // Written episodes end with the state after their last action: one without it loses its last row.
  bool states_after_actions = false;

  // What the format cannot hold of a dataset, and what becomes different in it, in words; and
  // writing it. The result says what was written, `episodes` among it.
  std::function<std::vector<std::string>(const EpisodeSource&, const ConvertRequest&)> Lost = {};
  std::function<Json(const EpisodeSource&, const std::filesystem::path& output,
                     const ConvertRequest&, Progress&)>
      Write = {};

  // The same for making a dataset of this program of one of this format, where that is more than
  // what Open reads. LostInImport also says which episodes are left out.
  std::function<std::vector<std::string>(const std::filesystem::path&, const ConvertRequest&,
                                         std::vector<SkippedEpisode>* skipped)>
      LostInImport = {};
  std::function<Json(const std::filesystem::path&, const std::filesystem::path& output,
                     const ConvertRequest&, Progress&)>
      Import = {};
  // Whether Import gives back the dataset of this program that this one was once written from:
  // other formats are then written of that one. Empty: never.
  std::function<bool(const std::filesystem::path&, const ConvertRequest&)> Restores = {};

  // Every fault of such a dataset. Empty: all of it is read.
  std::function<VerifyReport(const std::filesystem::path&, const VerifyOptions&,
                             const OptionValues&, Progress&)>
      Verify = {};
  // Copies episodes into a new dataset of this format, as they are but for rows that are cut and
  // labels. Empty: such datasets are edited after `data convert` only.
  std::function<CopyEpisodes> Copy = {};
  // Damage can crash the library that reads it, so that it is verified in a process of its own.
  bool verify_apart = true;
  // Open leaves out episodes that cannot be read where the options ask for it. False: they are
  // found by reading every one.
  bool leaves_out_bad = false;
};

}  // namespace understudy
