#include <fmt/format.h>

#include <map>
#include <set>

#include "data/base/error.h"
#include "data/store/dataset.h"
#include "data/store/files.h"
#include "data/store/hdf5.h"
#include "data/store/journal_driver.h"
#include "data/store/meta.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// What must agree before episodes may stand in one file.
void RequireAlike(const DatasetReader& first, const DatasetReader& other) {
  const Json a = HeaderToJson(first.header()), b = HeaderToJson(other.header());
  const auto refuse = [&](const std::string& what, const Json& x, const Json& y) {
    ThrowBadInput(fmt::format("'{}' and '{}' cannot be merged: {} is {} in one and {} in the other",
                              first.path().string(), other.path().string(), what, x.dump(),
                              y.dump()));
  };
  for (const auto& [key, value] : a["simulator"].items()) {
    if (value != b["simulator"][key]) refuse(key, value, b["simulator"][key]);
  }
  for (const char* key : {"limits", "cameras", "image_width", "image_height"}) {
    if (a[key] != b[key]) refuse(key, a[key], b[key]);
  }
}

}  // namespace

void MergeDatasets(const std::vector<fs::path>& inputs, const fs::path& output, bool by_reference,
                   bool overwrite) {
  if (inputs.empty()) ThrowUsage("merge needs at least one dataset");
  std::error_code none;
  if (fs::exists(output, none) && !overwrite) {
    ThrowUsage(
        fmt::format("{}: exists already; choose another name, or say --overwrite to replace "
                    "it",
                    output.string()));
  }
  std::vector<DatasetReader> readers;
  for (const fs::path& input : inputs) {
    if (fs::equivalent(input, output, none)) {
      ThrowUsage(fmt::format("{}: is input and output of the merge", output.string()));
    }
    readers.emplace_back(input);
    if (readers.back().content_hash().empty()) {
      ThrowBadInput(fmt::format("{}: was written by another program and lacks what a merge needs",
                                input.string()));
    }
    RequireAlike(readers.front(), readers.back());
  }
  DatasetHeader header = readers.front().header();
  header.parents.clear();
  for (const DatasetReader& reader : readers) header.parents.push_back(reader.content_hash());
  header.settings = Json{{"merged", inputs.size()}};

  const h5::Guard guard;
  if (!output.parent_path().empty()) fs::create_directories(output.parent_path(), none);
  h5::GrowingFile file = h5::GrowingFile::Create(PartOf(output));
  WriteHeader(file.root(), header);
  const h5::Group data = file.root().Open("data"), own = file.root().Open("understudy");
  const fs::path folder = fs::absolute(output).parent_path();
  std::map<std::string, std::vector<std::string>> masks;
  std::vector<std::string> hashes;
  std::set<std::string> uuids;
  int64_t steps = 0;
  for (size_t i = 0; i < readers.size(); ++i) {
    const DatasetReader& reader = readers[i];
    const h5::Group source = h5::OpenForReading(inputs[i]).Open("data");
    std::map<std::string, std::string> renamed;
    for (const EpisodeSummary& episode : reader.episodes()) {
      if (!uuids.insert(episode.uuid).second) {
        ThrowBadInput(fmt::format("{}: {} has the uuid of an episode merged before ({})",
                                  reader.path().string(), episode.name, episode.uuid));
      }
      const std::string name = fmt::format("demo_{}", hashes.size());
      renamed[episode.name] = name;
      hashes.push_back(source.Open(episode.name).Open("understudy").Text("content_hash"));
      steps += static_cast<int64_t>(episode.length);
      if (by_reference) {
        // relative: the folder may be moved as a whole
        data.LinkExternal(name, fs::absolute(inputs[i]).lexically_relative(folder).string(),
                          "/data/" + episode.name);
      } else if (H5Ocopy(source.id(), episode.name.c_str(), data.id(), name.c_str(), H5P_DEFAULT,
                         H5P_DEFAULT) < 0) {
        h5::FailWriting(data.Place(name), fmt::format("cannot copy {} of '{}'", episode.name,
                                                      reader.path().string()));
      }
    }
    for (const std::string& key : reader.MaskNames()) {
      for (const std::string& name : reader.ReadMask(key)) {
        if (renamed.count(name)) masks[key].push_back(renamed[name]);
      }
    }
    AppendAttempts(own, header.simulator.objects.size(), reader.attempts());
    file.Flush();
  }
  for (const auto& [key, names] : masks) file.root().WriteTexts("mask/" + key, names);
  data.SetInt("total", steps);
  own.SetText("content_hash", DatasetHash(file.root(), hashes));
  file.Close();
  RenameDurably(PartOf(output), output);
}

}  // namespace understudy
