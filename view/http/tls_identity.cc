#include "view/http/tls_identity.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

template <auto free>
struct Freed {
  template <class T>
  void operator()(T* value) const {
    free(value);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free>>;

constexpr long kDay = 24 * 3600;
constexpr long kAuthorityDays = 3650, kServerDays = 397;  // what browsers accept at most
constexpr long kRenewDays = 30;

[[noreturn]] void Fail(const std::string& what) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ThrowFailed(fmt::format("{}: {}", what, text));
}

void Check(bool done, const std::string& what) {
  if (!done) Fail(what);
}

std::string TextOf(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<size_t>(size)};
}

std::string PemOf(X509* certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  Check(PEM_write_bio_X509(memory.get(), certificate) == 1, "a certificate cannot be written");
  return TextOf(memory.get());
}

std::string PemOf(EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()));
  Check(PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "a private key cannot be written");
  return TextOf(memory.get());
}

Certificate CertificateFrom(const std::string& pem) {
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

Key KeyFrom(const std::string& pem) {
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  Check(extension != nullptr, "a certificate cannot say " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// A certificate for `key` without extensions and signature.
Certificate Draft(EVP_PKEY* key, const std::string& name, long days) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  unsigned char serial[16];
  Check(RAND_bytes(serial, sizeof serial) == 1, "no random numbers");
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  // clocks of headsets are sometimes behind
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

bool IsAddress(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

bool LastsForDays(const X509* certificate, long days) {
  time_t then = time(nullptr) + days * kDay;
  return X509_cmp_time(X509_get0_notAfter(certificate), &then) > 0;
}

// Files of keys are theirs who made them.
void WritePrivate(const fs::path& file, const std::string& text) {
  const mode_t before = umask(077);
  try {
    WriteTextAtomically(file, text);
  } catch (...) {
    umask(before);
    throw;
  }
  umask(before);
  chmod(file.c_str(), 0600);
}

struct Pair {
  Certificate certificate;
  Key key;
};

// What lies in two files, where it is whole and lasts; else nothing.
Pair Read(const fs::path& certificate, const fs::path& key, long days) {
  if (!fs::exists(certificate) || !fs::exists(key)) return {};
  Pair pair{CertificateFrom(ReadText(certificate)), KeyFrom(ReadText(key))};
  ERR_clear_error();
  const bool whole = pair.certificate && pair.key &&
                     X509_check_private_key(pair.certificate.get(), pair.key.get()) == 1 &&
                     LastsForDays(pair.certificate.get(), days);
  return whole ? std::move(pair) : Pair{};
}

Pair Authority(const fs::path& folder) {
  const fs::path certificate = folder / "authority.pem", key = folder / "authority.key";
  if (Pair there = Read(certificate, key, kServerDays); there.key) return there;
  Pair made;
  made.key.reset(EVP_EC_gen("P-256"));
  Check(made.key != nullptr, "no key could be made");
  made.certificate = Draft(made.key.get(), "Understudy on " + OwnHosts().front(), kAuthorityDays);
  X509* x = made.certificate.get();
  X509_set_issuer_name(x, X509_get_subject_name(x));
  AddExtension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  AddExtension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(x, x, NID_subject_key_identifier, "hash");
  Check(X509_sign(x, made.key.get(), EVP_sha256()) > 0, "a certificate cannot be signed");
  WritePrivate(key, PemOf(made.key.get()));
  WriteTextAtomically(certificate, PemOf(x));
  return made;
}

Pair Server(const fs::path& folder, const Pair& authority, const std::vector<std::string>& hosts) {
  const fs::path certificate = folder / "server.pem", key = folder / "server.key";
  std::vector<std::string> names;
  for (const std::string& host : hosts) names.push_back((IsAddress(host) ? "IP:" : "DNS:") + host);
  const std::string wanted = fmt::format("{}", fmt::join(names, ","));
  const fs::path whom = folder / "server.hosts";
  const bool fits = fs::exists(whom) && ReadText(whom) == wanted;
  if (fits) {
    Pair there = Read(certificate, key, kRenewDays);
    if (there.key &&
        X509_verify(there.certificate.get(), X509_get0_pubkey(authority.certificate.get())) == 1) {
      return there;
    }
    ERR_clear_error();
  }
  Pair made;
  made.key.reset(EVP_EC_gen("P-256"));
  Check(made.key != nullptr, "no key could be made");
  made.certificate = Draft(made.key.get(), hosts.front(), kServerDays);
  X509* x = made.certificate.get();
  X509* issuer = authority.certificate.get();
  X509_set_issuer_name(x, X509_get_subject_name(issuer));
  AddExtension(x, issuer, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(x, issuer, NID_key_usage, "critical,digitalSignature");
  AddExtension(x, issuer, NID_ext_key_usage, "serverAuth");
  AddExtension(x, issuer, NID_subject_alt_name, wanted);
  AddExtension(x, issuer, NID_authority_key_identifier, "keyid");
  Check(X509_sign(x, authority.key.get(), EVP_sha256()) > 0, "a certificate cannot be signed");
  WritePrivate(key, PemOf(made.key.get()));
  WriteTextAtomically(certificate, PemOf(x));
  WriteTextAtomically(whom, wanted);
  return made;
}

std::string Fingerprint(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Check(X509_digest(certificate, EVP_sha256(), digest, &size) == 1, "no fingerprint");
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{}{:02X}", i ? ":" : "", digest[i]);
  return text;
}

}  // namespace

OwnTls LoadOwnTls(const fs::path& folder, const std::vector<std::string>& hosts) {
  Require(!hosts.empty(), "a certificate is for somebody");
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) ThrowFailed(fmt::format("{}: {}", folder.string(), problem.message()));
  fs::permissions(folder, fs::perms::owner_all, problem);
  const Pair authority = Authority(folder);
  const Pair server = Server(folder, authority, hosts);
  const std::string authority_pem = PemOf(authority.certificate.get());
  return {.identity = {.chain = PemOf(server.certificate.get()) + authority_pem,
                       .key = PemOf(server.key.get())},
          .authority = authority_pem,
          .fingerprint = Fingerprint(server.certificate.get())};
}

std::vector<std::string> OwnHosts() {
  std::vector<std::string> hosts;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) == 0) {
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
      if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
      if (one->ifa_flags & IFF_LOOPBACK || !(one->ifa_flags & IFF_UP)) continue;
      char text[INET_ADDRSTRLEN];
      const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      if (inet_ntop(AF_INET, &address->sin_addr, text, sizeof text)) hosts.push_back(text);
    }
    freeifaddrs(all);
  }
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) == 0 && name[0] != '\0') {
    hosts.push_back(name);
    if (hosts.back().find('.') == std::string::npos) hosts.push_back(hosts.back() + ".local");
  }
  if (hosts.empty()) hosts.push_back("localhost");
  return hosts;
}

fs::path DefaultTlsFolder() {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  const fs::path base =
      data && *data ? fs::path(data) : fs::path(home && *home ? home : "/tmp") / ".local" / "share";
  return base / "understudy" / "tls";
}

}  // namespace understudy
