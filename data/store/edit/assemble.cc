#include "data/store/edit/assemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "core/base/error.h"
#include "core/episode/attempt_end.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/edit/run_parts.h"
#include "data/store/episode_columns.h"
#include "data/store/files.h"
#include "data/store/hdf5/copy.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/hdf5/links.h"
#include "data/store/index.h"
#include "data/store/meta.h"
#include "data/store/shown_pictures.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr size_t kFlushEvery = 20;  // episodes: memory holds their lists until then

[[noreturn]] void Refuse(const std::string& first, const std::string& other,
                         const std::string& what, const Json& x, const Json& y) {
  ThrowBadInput(
      fmt::format("'{}' and '{}' cannot stand in one dataset: {} is {} in one and {} in the other",
                  first, other, what, x.dump(), y.dump()));
}

// How all robots are driven, whose gains and home are in no model; null if no input stores it.
Json CommonRobotSpec(const std::vector<DatasetReader>& inputs) {
  const DatasetReader* teller = nullptr;
  for (const DatasetReader& input : inputs) {
    const Json robot = RobotSpecOf(input.header());
    if (robot.is_null()) continue;
    if (teller == nullptr) teller = &input;
    const Json first = RobotSpecOf(teller->header());
    if (robot == first) continue;
    const Json::json_pointer at = FirstDifference(first, robot);
    const auto value = [&](const Json& json) { return json.contains(at) ? json.at(at) : Json(); };
    Refuse(teller->path().string(), input.path().string(),
           fmt::format("{}.{}", kRobotSpec, Dotted(at)), value(first), value(robot));
  }
  return teller == nullptr ? Json() : RobotSpecOf(teller->header());
}

// What the scene of all inputs is compiled from; `known` where none carries it. One that carries
// none was made in a listed scene, or by an older program: its model shows it.
std::vector<SceneFile> CommonSceneFiles(const std::vector<DatasetReader>& inputs,
                                        const std::vector<SceneFile>& known) {
  const auto carrier = std::ranges::find_if(
      inputs, [](const DatasetReader& input) { return !input.header().scene_files.empty(); });
  if (carrier == inputs.end()) return known;
  const DatasetHeader& first = carrier->header();
  for (const DatasetReader& input : inputs) {
    const DatasetHeader& other = input.header();
    if (other.scene_files.empty() ? other.model_text == first.model_text
                                  : other.scene_files == first.scene_files) {
      continue;
    }
    ThrowBadInput(fmt::format(
        "'{}' and '{}' cannot stand in one dataset: their scenes have other meshes, pictures or "
        "models",
        carrier->path().string(), input.path().string()));
  }
  return first.scene_files;
}

// What the index says of an episode: by the input's own index, or by its rows.
IndexEntry EntryOf(const DatasetReader& reader, const std::optional<DatasetFigures>& figures,
                   const h5::Group& demo, size_t episode) {
  if (!figures) return IndexEntry::Of(reader.ReadEpisode(episode));
  const EpisodeSummary& summary = reader.episodes()[episode];
  IndexEntry entry{summary.uuid,
                   summary.length,
                   summary.success,
                   summary.variant_index,
                   figures->episodes[episode],
                   {},
                   summary.success_known};
  const Column actions = demo.Read("actions", ColumnType::kF64, {-1});
  const std::span numbers(reinterpret_cast<const double*>(actions.bytes.data()),
                          actions.rows * actions.row_size());
  entry.actions.Add(numbers, actions.row_size());
  return entry;
}

// Writes an edited meta and returns the episode's new content hash.
std::string Edit(const h5::Group& demo, const Assembly::Pick& pick, const Assembly& assembly,
                 IndexEntry& entry) {
  EpisodeMeta meta = ReadMeta(demo);
  assembly.edit(pick, meta);
  entry.SetMeta(meta);
  WriteMeta(demo, meta, ReadLength(demo), demo.Text("model_file", ""));
  RawStream raw;
  ReadRawInfo(demo, raw);
  const h5::Group own = demo.Open("understudy");
  const std::string columns = own.Text("column_hashes");
  const std::string hash = EpisodeHash(meta, raw, ParseJson(columns, own.Place()));
  own.SetTextInHeader("content_hash", hash);
  return hash;
}

// What the recording sessions of all inputs say of their attempts; empty where none says anything:
// then every attempt is a demonstration in them.
Json JoinedAttempts(const std::vector<DatasetReader>& inputs) {
  Json joined = Json::array();
  bool any = false;
  for (const DatasetReader& input : inputs) {
    const Json report = input.report();
    if (report.contains("attempts") && report["attempts"].is_array()) {
      any = true;
      joined.insert(joined.end(), report["attempts"].begin(), report["attempts"].end());
      continue;
    }
    for (size_t i = 0; input.header().stage == "teleop" && i < input.episodes().size(); ++i) {
      const EpisodeMeta meta = input.ReadMeta(i);
      joined.push_back(
          ToJson(AttemptEnd{meta.attempt, meta.success ? "accepted" : "kept", meta.success,
                            meta.cause, static_cast<int64_t>(input.episodes()[i].length)}));
    }
  }
  return any ? Json{{"attempts", joined}} : Json::object();
}

}  // namespace

void RequireAlike(const NamedHeader& first, const NamedHeader& other) {
  const Json a = HeaderToJson(*first.header), b = HeaderToJson(*other.header);
  for (const auto& [key, value] : a["simulator"].items()) {
    if (value == b["simulator"][key]) continue;
    Refuse(first.name, other.name, key, value, b["simulator"][key]);
  }
  for (const char* key : {"limits", "cameras", "image_width", "image_height"}) {
    if (a[key] != b[key]) Refuse(first.name, other.name, key, a[key], b[key]);
  }
}

void RequireOwn(const EpisodeSource& reader) {
  if (!reader.content_hash().empty()) return;
  ThrowBadInput(
      fmt::format("{}: was written by another program and lacks what a new dataset needs of it",
                  reader.path().string()));
}

void Assemble(const std::vector<DatasetReader>& inputs, const Assembly& assembly,
              const fs::path& output) {
  Require(!inputs.empty() && !assembly.episodes.empty(), "something to put together");
  Require(!assembly.edit || !assembly.by_reference, "only a copy can be edited");
  for (const DatasetReader& input : inputs) {
    CheckOutput(output, assembly.overwrite, {input.path()});
    RequireOwn(input);
    RequireAlike({&inputs.front().header(), inputs.front().path().string()},
                 {&input.header(), input.path().string()});
  }
  const Json robot = CommonRobotSpec(inputs);
  DatasetHeader header = inputs.front().header();
  header.parents.clear();
  for (const DatasetReader& input : inputs) header.parents.push_back(input.content_hash());
  header.settings = assembly.settings;
  SetRobotSpec(robot, header);
  header.scene_files = CommonSceneFiles(inputs, assembly.scene_files);

  const h5::Guard guard;
  std::error_code none;
  if (!output.parent_path().empty()) fs::create_directories(output.parent_path(), none);
  h5::GrowingFile file = h5::GrowingFile::Create(PartOf(output));
  WriteHeader(file.root(), header);
  h5::Group data = file.root().Open("data"), own = file.root().Open("understudy");
  const fs::path folder = fs::absolute(output).parent_path();
  std::vector<h5::Group> sources;
  std::vector<std::optional<DatasetFigures>> figures;
  for (const DatasetReader& input : inputs) {
    figures.push_back(input.StoredFigures());
    sources.push_back(h5::OpenForReading(input.path(), assembly.outside_links).Open("data"));
  }

  // the episodes
  std::vector<std::map<std::string, std::string>> renamed(inputs.size());
  std::vector<std::string> hashes;
  std::set<std::string> uuids;
  IndexWriter index;
  int64_t steps = 0;
  for (const Assembly::Pick& pick : assembly.episodes) {
    const DatasetReader& reader = inputs[pick.input];
    const EpisodeSummary& episode = reader.episodes().at(pick.episode);
    if (!uuids.insert(episode.uuid).second) {
      ThrowBadInput(fmt::format("{}: {} has the uuid of an episode that stands there already ({})",
                                reader.path().string(), episode.name, episode.uuid));
    }
    const h5::Group& source = sources[pick.input];
    const h5::Group from = source.Open(episode.name);
    const std::string name = fmt::format("demo_{}", hashes.size());
    renamed[pick.input][episode.name] = name;
    steps += static_cast<int64_t>(episode.length);
    if (assembly.by_reference) {
      // relative: the folder may be moved as a whole
      const fs::path target = fs::absolute(reader.path()).lexically_relative(folder);
      if (!h5::MayLink(output, target, assembly.outside_links)) {
        ThrowUsage(fmt::format(
            "{}: its links to '{}' would leave its folder, and readers refuse such links; write "
            "it beside its inputs or above them, copy instead, or say --outside-links here and "
            "wherever it is read",
            output.string(), target.string()));
      }
      data.LinkExternal(name, target.string(), "/data/" + episode.name);
    } else {
      h5::CopyGroup(from, h5::CreateFor(from, data, name));
    }
    // in files of links too: a master names what its episodes show
    if (from.Open("understudy").HasAttribute("variation")) {
      StorePictures(own, reader.ReadMeta(pick.episode).variation);
    }
    IndexEntry entry;
    try {
      if (!index.given_up()) entry = EntryOf(reader, figures[pick.input], from, pick.episode);
    } catch (const Error&) {  // rows that cannot be read are copied as they are
      index.GiveUp();
    }
    hashes.push_back(assembly.edit ? Edit(data.Open(name), pick, assembly, entry)
                                   : from.Open("understudy").Text("content_hash"));
    index.Add(std::move(entry));
    if (hashes.size() % kFlushEvery == 0) {
      index.StoreFull(own);
      data = h5::Group();
      own = h5::Group();
      file.Flush();
      file.Trim();
      data = file.root().Open("data");
      own = file.root().Open("understudy");
    }
  }

  // filter keys follow their episodes
  data = h5::Group();
  own = h5::Group();
  std::map<std::string, std::vector<std::string>> masks;
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (const std::string& key : inputs[i].MaskNames()) {
      if (assembly.masks.contains(key)) continue;
      std::vector<std::string>& names = masks[key];
      for (const std::string& name : inputs[i].ReadMask(key)) {
        if (renamed[i].contains(name)) names.push_back(renamed[i][name]);
      }
    }
    if (!assembly.keep_attempts) continue;
    // its episodes were copied: what is left is read from one end to the other
    h5::KeepCacheSmall(sources[i]);
    CopyAttempts([&](const EachAttempt& each) { inputs[i].VisitAttempts(each); },
                 header.simulator.objects.size(), &file);
  }
  for (const auto& [key, places] : assembly.masks) {
    std::vector<std::string>& names = masks[key];  // a key without members is one
    for (const size_t place : places) names.push_back(fmt::format("demo_{}", place));
  }
  for (const auto& [key, names] : masks) file.root().WriteTexts("mask/" + key, names);
  file.root().Open("data").SetInt("total", steps);
  if (!assembly.report.empty()) StoreReport(file.root().Open("understudy"), assembly.report);
  std::string hash;
  file.Read([&](const h5::Group& root) { hash = DatasetHash(root, hashes); });
  StoreHash(file.root(), hash, index);
  file.Close();
  RenameDurably(PartOf(output), output);
}

void MergeDatasets(const std::vector<fs::path>& inputs, const fs::path& output, bool by_reference,
                   bool overwrite, const ReadOptions& read, bool partial,
                   const std::vector<SceneFile>& scene_files, const Json& report) {
  if (inputs.empty()) ThrowUsage("merge needs at least one dataset");
  std::vector<DatasetReader> readers;
  Assembly assembly{.keep_attempts = true,
                    .settings = Json{{"merged", inputs.size()}},
                    .report = report,
                    .scene_files = scene_files,
                    .by_reference = by_reference,
                    .overwrite = overwrite,
                    .outside_links = read.outside_links};
  for (const fs::path& input : inputs) {
    readers.emplace_back(input, read);
    for (size_t i = 0; i < readers.back().episodes().size(); ++i) {
      assembly.episodes.push_back({readers.size() - 1, i});
    }
  }
  if (assembly.episodes.empty()) RequireEpisodes(readers[0]);
  if (!partial) {
    std::vector<RunPart> parts;
    for (const DatasetReader& reader : readers) {
      parts.push_back({reader.path(), &reader.header(), reader.report()});
    }
    RequireWholeRuns(parts);
  }
  if (report.empty()) assembly.report = JoinedAttempts(readers);
  Assemble(readers, assembly, output);
}

}  // namespace understudy
