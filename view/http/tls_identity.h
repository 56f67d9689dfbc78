#pragma once

// Certificates of an authority of one's own, for browsers of the same network.

#include <filesystem>
#include <string>
#include <vector>

#include "view/http/server.h"

namespace understudy {

struct OwnTls {
  TlsIdentity identity;
  std::string authority;    // its certificate, PEM: a device that trusts it warns no more
  std::string fingerprint;  // SHA-256 of the server's certificate, "AB:CD:…"
};

// The authority that lies in `folder`, made there at first, and a certificate by it for `hosts`, IP
// addresses and names; it stays the same as long as it fits them and is valid for a month. Private
// keys are readable by their owner alone. Throws Error(kFailed) that names the file.
OwnTls LoadOwnTls(const std::filesystem::path& folder, const std::vector<std::string>& hosts);

// The addresses (IPv4) and names of this machine in its networks, without the loopback interface.
std::vector<std::string> OwnHosts();

// $XDG_DATA_HOME/understudy/tls, or ~/.local/share/understudy/tls.
std::filesystem::path DefaultTlsFolder();

}  // namespace understudy
