// A page in the network: TLS by an own authority, pairing, and what stays shut.
#include <gmock/gmock.h>

#include <cstdio>
#include <set>

#include "tests/view/session.h"
#include "view/http/page_server.h"
#include "view/http/pairing.h"
#include "view/http/qr_text.h"
#include "view/http/tls_identity.h"

namespace understudy::view_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// What a command says, and how it ends.
std::pair<int, std::string> Shell(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  const int status = pclose(pipe);
  return {WEXITSTATUS(status), text};
}

class PageSite final : public Site {
 public:
  std::string_view page() const override { return "<html>the page, key @KEY@</html>"; }
  bool Changes(const std::string& path) const override { return path == "/api/change"; }
  Response Answer(const Request& request) override {
    if (request.path == "/api/large")
      return {.type = "text/plain", .body = std::string(200'000, '~')};
    if (request.path == "/api/pieces") {
      return {.type = "text/plain", .size = 200'000, .pieces = [](size_t offset) {
                static const std::string kPiece(70'000, '^');
                return std::string_view(kPiece).substr(0, 200'000 - offset);
              }};
    }
    return JsonResponse({{"path", request.path}, {"encrypted", request.encrypted}});
  }
};

class NetworkTest : public testing::Test {
 protected:
  void Open() {
    server_ = std::make_unique<PageServer>(
        site_,
        PageOptions{.network = true,
                    .tls_folder = folder_ / "tls",
                    .show_code = [this](const std::string& code) { codes_.push_back(code); }});
    const std::string& url = server_->url();
    key_ = url.substr(url.find("key=") + 4);
  }
  // OpenSSL's own client over TLS to the loopback address, trusting the authority.
  std::string Tls(const std::string& request, const std::string& more = "") {
    WriteTextAtomically(folder_ / "request", request);
    const auto [status, text] =
        Shell("(cat " + (folder_ / "request").string() + "; sleep 1) | openssl s_client -quiet " +
              "-verify_return_error -CAfile " + (folder_ / "tls" / "authority.pem").string() +
              " -connect 127.0.0.1:" + std::to_string(server_->port()) + " " + more);
    return text;
  }
  std::string Host() const { return "127.0.0.1:" + std::to_string(server_->port()); }

  Folder folder_;
  PageSite site_;
  std::vector<std::string> codes_;
  std::unique_ptr<PageServer> server_;
  std::string key_;
};

TEST_F(NetworkTest, TlsAndPlainTextShareThePort) {
  Open();
  const std::string get = "GET /api/x HTTP/1.1\r\nHost: " + Host() +
                          "\r\nX-Understudy-Key: " + key_ + "\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(Tls(get), testing::AllOf(HasSubstr(" 200 "), HasSubstr(R"("encrypted":true)")));
  EXPECT_THAT(Ask(server_->port(), "GET", "/api/x", {{"X-Understudy-Key", key_}}).second,
              HasSubstr(R"("encrypted":false)"));
  // large answers come whole, in one piece or many
  for (const auto& [path, letter] : {std::pair{"/api/large", '~'}, {"/api/pieces", '^'}}) {
    const std::string large = Tls(std::string("GET ") + path + " HTTP/1.1\r\nHost: " + Host() +
                                  "\r\nX-Understudy-Key: " + key_ + "\r\n\r\n");
    EXPECT_EQ(std::count(large.begin(), large.end(), letter), 200'000) << path;
  }
  // the certificate is for the addresses of this machine, and old protocols are not spoken
  const std::string host = OwnHosts().front();
  EXPECT_THAT(Tls(get, "-verify_ip " + host), HasSubstr(" 200 "));
  EXPECT_THAT(Tls(get, "-verify_ip 9.9.9.9"), Not(HasSubstr(" 200 ")));
  EXPECT_THAT(Tls(get, "-tls1_1"), Not(HasSubstr(" 200 ")));
  EXPECT_EQ(server_->addresses().front(),
            "https://" + host + ":" + std::to_string(server_->port()) + "/");
  EXPECT_EQ(server_->fingerprint().size(), 32u * 3 - 1);
}

TEST_F(NetworkTest, StrangersSeeNothingButTheDoor) {
  Open();
  const int port = server_->port();
  const std::string own = "http://" + Host();
  const auto [status, page] = Ask(port, "GET", "/");
  EXPECT_EQ(status, 200);
  EXPECT_THAT(page, HasSubstr("Pair this device"));
  EXPECT_THAT(page, Not(HasSubstr(key_)));
  EXPECT_THAT(Ask(port, "GET", "/authority.crt").second, HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_EQ(Ask(port, "GET", "/api/x").first, 403);
  EXPECT_EQ(Ask(port, "GET", "/lib/three.module.js").first, 403);
  EXPECT_EQ(Ask(port, "POST", "/api/change", {{"Content-Type", kJson}}, "{}").first, 403);
  // other names, and other sites' pages
  EXPECT_EQ(Ask(port, "GET", "/", {{"Host", "evil.example"}}).first, 403);
  EXPECT_EQ(Ask(port, "POST", "/pair", {{"Origin", "http://evil.example"}}, "{}").first, 403);
  for (const char* wrong : {"", "{", "[]", R"({"code": 123456})", R"({"cod": "1"})"}) {
    EXPECT_EQ(Ask(port, "POST", "/pair", {{"Origin", own}}, wrong).first, 400) << wrong;
  }
  ASSERT_EQ(codes_.size(), 1u);
  const std::string other = codes_[0] == "000000" ? "000001" : "000000";
  const auto [refused, why] =
      Ask(port, "POST", "/pair", {{"Origin", own}}, R"({"code": ")" + other + R"("})");
  EXPECT_EQ(refused, 403);
  EXPECT_THAT(why, HasSubstr("not the code on the terminal"));
  // the right one opens the page, once
  const std::string code = R"({"code": ")" + codes_[0] + R"("})";
  EXPECT_EQ(Json::parse(Ask(port, "POST", "/pair", {{"Origin", own}}, code).second)["key"], key_);
  EXPECT_EQ(Ask(port, "POST", "/pair", {{"Origin", own}}, code).first, 403);
  EXPECT_THAT(Ask(port, "GET", "/?key=" + key_).second, HasSubstr("the page, key " + key_));
}

TEST(Pairing, CodesAreGoodOnceAndForFewTries) {
  std::vector<std::string> codes;
  Pairing pairing("key", [&](const std::string& code) { codes.push_back(code); });
  ASSERT_EQ(codes.size(), 1u);
  EXPECT_EQ(codes[0].size(), 6u);
  EXPECT_EQ(codes[0].find_first_not_of("0123456789"), std::string::npos);
  const auto wrong = [&] { return codes.back() == "123456" ? "654321" : "123456"; };
  for (int i = 0; i < Pairing::kMostTries - 1; ++i) EXPECT_FALSE(pairing.Try(wrong()));
  EXPECT_EQ(codes.size(), 1u);
  EXPECT_FALSE(pairing.Try(wrong()));
  EXPECT_EQ(codes.size(), 2u) << "a code that was guessed at is worth nothing";
  EXPECT_FALSE(pairing.Try("") || pairing.Try("12345") || pairing.Try(codes[1] + "0"));
  EXPECT_EQ(pairing.Try(codes[1]), "key");
  EXPECT_EQ(codes.size(), 3u);
  // codes do not repeat
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) Pairing("key", [&](const std::string& code) { seen.insert(code); });
  EXPECT_GT(seen.size(), 40u);
}

TEST(OwnTls, StaysTheSameForTheSameHosts) {
  Folder folder;
  const fs::path tls = folder / "deep" / "tls";
  const OwnTls first = LoadOwnTls(tls, {"192.168.7.9", "lab.local"});
  const OwnTls again = LoadOwnTls(tls, {"192.168.7.9", "lab.local"});
  EXPECT_EQ(first.fingerprint, again.fingerprint);
  EXPECT_EQ(first.identity.key, again.identity.key);
  const OwnTls moved = LoadOwnTls(tls, {"10.0.0.2"});
  EXPECT_NE(first.fingerprint, moved.fingerprint);
  EXPECT_EQ(first.authority, moved.authority) << "what was trusted once stays trusted";
  // keys are their owner's
  for (const char* key : {"authority.key", "server.key"}) {
    EXPECT_EQ(fs::status(tls / key).permissions(), fs::perms::owner_read | fs::perms::owner_write)
        << key;
  }
  // a damaged or foreign file is made anew
  WriteTextAtomically(tls / "server.key", "nonsense");
  const OwnTls mended = LoadOwnTls(tls, {"10.0.0.2"});
  EXPECT_EQ(mended.authority, moved.authority);
  WriteTextAtomically(folder / "chain", mended.identity.chain);
  const std::string chain = (folder / "chain").string();
  EXPECT_THAT(
      Shell("openssl verify -CAfile " + (tls / "authority.pem").string() + " " + chain).second,
      HasSubstr(": OK"));
  EXPECT_THAT(Shell("openssl x509 -noout -text -in " + chain).second,
              testing::AllOf(HasSubstr("IP Address:10.0.0.2"), HasSubstr("TLS Web Server"),
                             HasSubstr("CA:FALSE")));
  EXPECT_THAT(Shell("openssl x509 -noout -fingerprint -sha256 -in " + chain).second,
              HasSubstr(mended.fingerprint));
  WriteTextAtomically(folder / "file", "");
  EXPECT_THAT(ErrorOf([&] { LoadOwnTls(folder / "file" / "tls", {"a"}); }, ErrorKind::kFailed),
              HasSubstr("file"));
}

TEST(QrText, IsAPicture) {
  const std::string code = QrText("https://192.168.0.7:41234/#123456");
  EXPECT_GT(std::count(code.begin(), code.end(), '\n'), 10);
  EXPECT_EQ(QrText(std::string(10'000, 'x')), "");
}

}  // namespace
}  // namespace understudy::view_test
