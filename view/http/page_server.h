#pragma once

// A site on this machine, for its user: on the loopback interface, or in the network too.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "view/http/site.h"

namespace understudy {

struct PageOptions {
  int port = 0;  // 0: a free one
  // Whether devices of the network may open it: over TLS, once they have said the code on the
  // terminal.
  bool network = false;
  std::filesystem::path tls_folder;  // of the own authority; empty: DefaultTlsFolder()
  // Told every new code of pairing.
  std::function<void(const std::string& code)> show_code;
};

// Serves a site, which must outlive it, from its own threads until it is destroyed. Rejects other
// host names and requests without the key in the url.
class PageServer {
 public:
  // Throws Error(kFailed) if the port cannot be opened, or no certificate be made.
  PageServer(Site& site, const PageOptions& options);
  ~PageServer();

  const std::string& url() const;  // "http://127.0.0.1:41234/?key=…"
  // In the network: "https://192.168.0.7:41234/", one for every address; else empty.
  const std::vector<std::string>& addresses() const;
  const std::string& fingerprint() const;  // of the certificate; empty: none
  const std::string& key() const;
  int port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
