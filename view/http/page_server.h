#pragma once

// A site on this machine's loopback interface.

#include <memory>
#include <string>

#include "view/http/site.h"

namespace understudy {

// Serves a site, which must outlive it, from its own threads until it is destroyed. Rejects other
// host names and requests without the key in the url.
class PageServer {
 public:
  // `port` 0: a free one. Throws Error(kFailed) if the port cannot be opened.
  PageServer(Site& site, int port);
  ~PageServer();

  const std::string& url() const;  // "http://127.0.0.1:41234/?key=…"
  const std::string& key() const;
  int port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
