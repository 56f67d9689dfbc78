#include "data/store/checked_episode.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "data/store/hdf5/opened_groups.h"
#include "data/store/meta.h"

namespace understudy {
namespace {

[[noreturn]] void Differs(const std::string& place) {
  ThrowBadInput(
      fmt::format("{}: differs from the hash that was stored with it: the file was changed or "
                  "damaged; `understudy data verify` lists every fault",
                  place));
}

}  // namespace

CheckedEpisode ReadChecked(const h5::Group& demo) {
  const h5::Group own = demo.Open("understudy");
  const Json hashes = ParseJson(own.Text("column_hashes"), own.Place() + ": column_hashes");
  if (!hashes.is_object()) h5::FailReading(own.Place(), "column_hashes is no object");
  CheckedEpisode episode;
  h5::OpenedGroups groups(demo);
  for (const auto& [path, hash] : hashes.items()) {
    if (path.ends_with("_image")) continue;
    const auto [group, name] = groups.Find(path);
    std::optional<Column> column = group.ReadIf(name, [](const h5::DatasetInfo&) { return true; });
    Require(column.has_value(), "nothing was refused");
    column->path = path;
    ColumnHashes now;
    now.Add(*column);
    if (now.ToJson().at(path) != hash) Differs(demo.Place(path));
    episode.columns.emplace(path, *std::move(column));
  }
  // the hash of the episode holds the table of hashes and the attributes
  episode.meta = ReadMeta(demo);
  RawStream raw;
  ReadRawInfo(demo, raw);
  if (EpisodeHash(episode.meta, raw, hashes) != own.Text("content_hash")) Differs(demo.Place());
  return episode;
}

void CheckWhole(const h5::Group& root) {
  const h5::Guard guard;
  const h5::Group data = root.Open("data");
  std::vector<std::string> hashes;
  for (const std::string& name : EpisodeNames(data)) {
    hashes.push_back(data.Open(name).Open("understudy").Text("content_hash"));
  }
  const h5::Group own = root.Open("understudy");
  if (DatasetHash(root, hashes) != own.Text("content_hash")) {
    Differs(own.Place() + ": header, masks, attempts or list of episodes");
  }
}

}  // namespace understudy
