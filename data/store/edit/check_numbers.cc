#include "data/store/edit/check_numbers.h"

#include <fmt/format.h>

#include <optional>

#include "core/base/error.h"
#include "core/base/json.h"
#include "data/store/episode_columns.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/group.h"
#include "data/store/meta.h"

namespace understudy {
namespace {

[[noreturn]] void Differs(const std::string& place, const std::filesystem::path& path) {
  ThrowBadInput(
      fmt::format("{}: differs from the hash that was stored with it: the file was changed or "
                  "damaged; `understudy data verify {}` lists every fault",
                  place, path.string()));
}

void CheckNumbersOf(const h5::Group& demo, const std::filesystem::path& path) {
  const h5::Group own = demo.Open("understudy");
  const Json hashes = ParseJson(own.Text("column_hashes"), own.Place() + ": column_hashes");
  if (!hashes.is_object()) h5::FailReading(own.Place(), "column_hashes is no object");
  for (const auto& [name, hash] : hashes.items()) {
    if (name.ends_with("_image")) continue;
    const size_t slash = name.rfind('/');
    const auto read = [&](const h5::Group& group, const std::string& member) {
      return group.ReadIf(member, [](const h5::DatasetInfo&) { return true; });
    };
    std::optional<Column> column =
        slash == std::string::npos ? read(demo, name)
                                   : read(demo.Open(name.substr(0, slash)), name.substr(slash + 1));
    Require(column.has_value(), "nothing was refused");
    column->path = name;
    ColumnHashes now;
    now.Add(*column);
    if (now.ToJson().at(name) != hash) Differs(demo.Place(name), path);
  }
  // the hash of the episode holds the table of hashes and the attributes
  RawStream raw;
  ReadRawInfo(demo, raw);
  if (EpisodeHash(ReadMeta(demo), raw, hashes) != own.Text("content_hash")) {
    Differs(demo.Place(), path);
  }
}

// Header, masks, attempts, and the hashes of all episodes in order.
void CheckWhole(const h5::Group& root, const std::filesystem::path& path) {
  const h5::Guard guard;
  const h5::Group data = root.Open("data");
  std::vector<std::string> hashes;
  for (const std::string& name : EpisodeNames(data)) {
    hashes.push_back(data.Open(name).Open("understudy").Text("content_hash"));
  }
  const h5::Group own = root.Open("understudy");
  if (DatasetHash(root, hashes) != own.Text("content_hash")) {
    Differs(own.Place() + ": header, masks, attempts or list of episodes", path);
  }
}

}  // namespace

void CheckNumbers(const std::filesystem::path& path, const std::vector<std::string>& episodes,
                  bool outside_links, Progress& progress) {
  const h5::Group root = h5::OpenForReading(path, outside_links), data = root.Open("data");
  CheckWhole(root, path);
  progress.Start("checking " + path.string(), static_cast<int64_t>(episodes.size()), "episodes");
  int64_t done = 0;
  for (const std::string& name : episodes) {
    CheckNumbersOf(data.Open(name), path);
    progress.Advance(++done);
  }
  progress.Finish();
}

}  // namespace understudy
