#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/store/reader.h"

namespace understudy {

// Whole episodes of one or several datasets as a new one.
struct Assembly {
  struct Pick {
    size_t input = 0, episode = 0;  // of the list of datasets; by number
  };
  std::vector<Pick> episodes;  // become demo_0, demo_1, …
  // Filter keys of the result, places in `episodes`. Those of the inputs follow their episodes and
  // need not be listed.
  std::map<std::string, std::vector<size_t>> masks;
  bool keep_attempts = false;  // concatenate the inputs' tables of attempts
  Json settings = Json::object();
  Json report = Json::object();  // `understudy/report` of the result; empty: none
  // Changes the meta of an episode (its rows stay); for copies only.
  std::function<void(const Pick&, EpisodeMeta&)> edit;
  std::vector<SceneFile> scene_files;  // of inputs that carry none
  bool by_reference = false;           // relative external links instead of copies
  bool overwrite = false;
  bool outside_links = false;  // links of inputs and output may leave their folder
};

// Throws Error(kBadInput) for a dataset of another program, which lacks uuids and exact columns.
void RequireOwn(const EpisodeSource& reader);

// Writes `output` atomically: compressed chunks are copied as they are, episodes keep uuid and
// rows. Throws Error(kUsage) where `output` exists (unless overwrite) or is an input,
// Error(kBadInput) where inputs differ in what one file must share or an episode would stand in it
// twice.
void Assemble(const std::vector<DatasetReader>& inputs, const Assembly& assembly,
              const std::filesystem::path& output);

}  // namespace understudy
