#pragma once

// Every format of datasets, in one list. docs/add_a_format.md says how to add one.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/formats/family/foreign_writer.h"
#include "data/formats/family/import.h"
#include "data/formats/family/translate.h"
#include "data/store/edit/verify.h"
#include "data/store/read_options.h"

namespace understudy {

// How a dataset is to be written in some format. What a format does not need it ignores.
struct WriteRequest {
  Translation from;             // the source's names and frames into ours
  Translation into;             // ours into the format's
  ForeignWriteOptions foreign;  // robomimic, MimicGen, Isaac Lab
  ImportOptions import;         // our own
};

// One format. Recognises and Open are required.
struct DatasetFormat {
  std::string name;         // "robomimic": of `data convert --to`
  std::string summary;      // one line
  std::string family = "";  // key of the `foreign` sections that translate it; empty: none

  // Whether a file or folder is of this format. Looks at little and throws nothing.
  std::function<bool(const std::filesystem::path&, const ReadOptions&)> Recognises;
  // Throws Error(kBadInput) naming what is wrong. A format that cannot be read where it lies says
  // in this error what to do with it.
  std::function<std::unique_ptr<EpisodeSource>(const std::filesystem::path&, const ReadOptions&)>
      Open;
  // What the format cannot hold of a dataset, and what becomes different in it, in words; and
  // writing it. Both empty: `data convert` writes it by a part of its own, or not at all.
  std::function<std::vector<std::string>(const EpisodeSource&, const WriteRequest&)> Lost = {};
  std::function<ForeignReport(const EpisodeSource&, const std::filesystem::path& output,
                              const WriteRequest&, Progress&)>
      Write = {};
  // Every fault of such a dataset. Empty: all of it is read.
  std::function<VerifyReport(const std::filesystem::path&, const VerifyOptions&)> Verify = {};
};
using FormatList = std::vector<DatasetFormat>;

// The list, our own format first. The first that recognises a path opens it.
const FormatList& DatasetFormats();

// Null if no format of the list recognises the path.
const DatasetFormat* FindFormat(const std::filesystem::path& path, const ReadOptions& options = {},
                                const FormatList& formats = DatasetFormats());
// Throws Error(kUsage) that names the known ones.
const DatasetFormat& FormatNamed(const std::string& name,
                                 const FormatList& formats = DatasetFormats());

// Opens a dataset of any listed format for reading. Throws Error(kBadInput): what no format
// recognises is refused with the first one's reason.
std::unique_ptr<EpisodeSource> OpenDataset(const std::filesystem::path& path,
                                           const ReadOptions& options = {},
                                           const FormatList& formats = DatasetFormats());

// Every fault of a dataset of any listed format. Does not throw for what is wrong with it.
VerifyReport VerifyDataset(const std::filesystem::path& path, const VerifyOptions& options = {},
                           const FormatList& formats = DatasetFormats());
// The same in a process of its own, for files from strangers.
VerifyReport VerifyApart(const std::filesystem::path& path, const VerifyOptions& options = {});

}  // namespace understudy
