#pragma once

// A dataset in a browser on the same machine.

#include <filesystem>
#include <memory>
#include <string>

#include "core/base/json.h"
#include "data/store/read_options.h"

namespace understudy {

struct ViewOptions {
  int port = 0;                 // 0: a free one
  std::filesystem::path marks;  // file of the marks; empty: <dataset>.marks.json
  ReadOptions read = {};
};

// Serves the page and what it asks for on the loopback interface, from threads of its own, until it
// is destroyed. Reads `dataset` only; writes the marks and, when asked to, a new dataset beside it.
// Nothing of the file system can be named by a request. Refused: names of hosts other than this one
// (DNS rebinding), and whoever does not have the key in the url: other users of the machine, pages
// of other sites. Requests: docs/data.md.
class ViewServer {
 public:
  // Throws Error(kBadInput) where the dataset or its marks cannot be read, Error(kFailed) where the
  // port cannot be had.
  ViewServer(const std::filesystem::path& dataset, const ViewOptions& options);
  ~ViewServer();

  const std::string& url() const;  // "http://127.0.0.1:41234/?key=…"
  const std::string& key() const;
  int port() const;
  // What the user should know before looking, as a sentence; may be empty.
  const std::string& notice() const;
  // {"episodes", "kept", "dropped", "marks": file}
  Json Summary() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "0.11.4", of cpp-httplib.
std::string HttpLibraryVersion();

}  // namespace understudy
