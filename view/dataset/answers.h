#pragma once

// The answers to the page's requests as values, without HTTP. view/dataset/dataset_site.cc serves
// them.

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/seam/episode_source.h"
#include "data/store/read_options.h"
#include "view/dataset/catalogue.h"
#include "view/dataset/episode_view.h"
#include "view/dataset/marks.h"
#include "view/http/message.h"

namespace understudy {

// The parameters of a request. Throws RequestError(400) that names the parameter and the allowed
// values.
class Parameters {
 public:
  using Values = std::multimap<std::string, std::string>;
  // Rejects names that are not in `known` and names given twice.
  Parameters(const Values& values, const std::vector<std::string>& known);
  // A whole number in [low, high].
  size_t Number(const std::string& name, size_t fallback, size_t low, size_t high) const;
  std::string Text(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

// All answers about one dataset. Thread-safe.
class Answers {
 public:
  Answers(const std::filesystem::path& dataset, const std::filesystem::path& marks,
          const ReadOptions& read = {});

  const EpisodeSource& reader() const { return *reader_; }
  const Marks& marks() const { return marks_; }

  // Header, sizes and {"name", "uuid", "steps", "success", "variant_index"} of every episode.
  Json Dataset() const;
  Json Rows(const Parameters& parameters) const { return catalogue_.Rows(RowFrom(parameters)); }
  Json Where(const Parameters& parameters) const;
  std::shared_ptr<const EpisodeView> Episode(size_t episode) { return views_.Get(episode); }
  // {"keep": [places], "drop": [places], "file", "notice"}
  Json MarksNow() const;
  // {"marks": {"<place>": "keep" | "drop" | null}} changes them; answers as MarksNow.
  Json SetMarks(const Json& request);
  // {"name": "x.h5", "unmarked": "none" | "keep" | "drop", "by_reference": bool}: writes a dataset
  // with filter keys beside this one.
  Json Apply(const Json& request);

  // A requested range of frames of one camera, checked.
  struct Frames {
    size_t episode = 0, camera = 0, from = 0, count = 0;
    size_t frame_bytes = 0;
  };
  Frames FramesOf(size_t episode, const Parameters& parameters) const;

 private:
  size_t RowFrom(const Parameters& parameters) const;

  const ReadOptions read_;
  const std::unique_ptr<const EpisodeSource> reader_;
  Marks marks_;
  EpisodeViews views_;
  std::mutex apply_;
  Catalogue catalogue_;  // last: its thread uses the reader
};

}  // namespace understudy
