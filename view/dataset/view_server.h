#pragma once

// A dataset in a browser on the same machine.

#include <filesystem>
#include <memory>
#include <string>

#include "core/base/json.h"
#include "core/seam/scene_view.h"
#include "data/store/read_options.h"

namespace understudy {

struct ViewOptions {
  int port = 0;                 // 0: a free one
  std::filesystem::path marks;  // file of the marks; empty: <dataset>.marks.json
  ReadOptions read = {};
  SceneViewFactory scenes = {};  // of the dataset, called at most once; empty: no 3-D
};

// Serves the page and its requests on the loopback interface, from its own threads, until it is
// destroyed. Reads `dataset` only; writes the marks and, when asked to, a new dataset beside it.
// A request cannot name files. It rejects other host names (DNS rebinding) and requests without the
// key in the url, which come from other users of the machine or pages of other sites. Requests:
// docs/data.md.
class ViewServer {
 public:
  // Throws Error(kBadInput) if the dataset or its marks cannot be read, Error(kFailed) if the port
  // cannot be opened.
  ViewServer(const std::filesystem::path& dataset, const ViewOptions& options);
  ~ViewServer();

  const std::string& url() const;  // "http://127.0.0.1:41234/?key=…"
  const std::string& key() const;
  int port() const;
  // What the user should know of the marks, and of what is not read; may be empty.
  std::string notice() const;
  // {"episodes", "kept", "dropped", "marks": file}
  Json Summary() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
