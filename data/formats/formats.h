#pragma once

// Every format of datasets, in one list. docs/add_a_format.md says how to add one.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/formats/base/format.h"
#include "data/store/edit/verify.h"
#include "data/store/read_options.h"

namespace understudy {

using FormatList = std::vector<DatasetFormat>;

// The list, our own format first. The first that recognises a path opens it.
const FormatList& DatasetFormats();
// The first of the list: what every other format is converted by way of.
const DatasetFormat& OwnFormat();
// Target of `data convert` if none is given.
inline constexpr const char* kUsualTarget = "lerobot";

// Paths of datasets below may name one of the hub (DatasetPath). Null if no format of the list
// recognises the path.
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

// `source` without the episodes that `format` has no way to write.
std::unique_ptr<EpisodeSource> LeaveOutUnwritable(std::unique_ptr<EpisodeSource> source,
                                                  const DatasetFormat& format);

// Every fault of a dataset of any listed format. Does not throw for what is wrong with it.
VerifyReport VerifyDataset(const std::filesystem::path& path, const VerifyOptions& options = {},
                           const FormatList& formats = DatasetFormats());
// The same for files from strangers, in a process of its own where a format's reader needs it.
VerifyReport VerifyApart(const std::filesystem::path& path, const VerifyOptions& options,
                         const OptionValues& format_options, Progress& progress);

}  // namespace understudy
