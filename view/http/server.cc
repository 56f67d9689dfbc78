#include "view/http/server.h"

#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/version.hpp>
#include <thread>

#include "core/base/error.h"
#include "view/http/connection.h"

namespace understudy {

using namespace http_server;

namespace {

// Finds out whether a new connection speaks TLS, by its first bytes.
class Detector : public std::enable_shared_from_this<Detector> {
 public:
  Detector(Shared& shared, net::ssl::context& tls, tcp::socket socket)
      : shared_(shared), tls_(tls), stream_(std::move(socket)) {}
  void Begin() {
    stream_.expires_after(kPatience);
    beast::async_detect_ssl(
        stream_, buffer_, [self = shared_from_this()](error_code error, bool encrypted) {
          if (error) return;
          encrypted ? self->Hand(TlsStream(std::move(self->stream_), self->tls_))
                    : self->Hand(std::move(self->stream_));
        });
  }

 private:
  template <class Stream>
  void Hand(Stream stream) {
    std::make_shared<Connection<Stream>>(shared_, std::move(stream), std::move(buffer_))->Begin();
  }

  Shared& shared_;
  net::ssl::context& tls_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
};

}  // namespace

struct HttpServer::Impl : Shared {
  Impl(const HttpOptions& with, HttpHandlers how) : Shared{with, std::move(how)}, acceptor(io) {
    const std::string where = fmt::format("port {} of {}", options.port, options.address);
    try {
      if (options.tls) {
        tls.emplace(net::ssl::context::tls_server);
        tls->set_options(net::ssl::context::default_workarounds | net::ssl::context::no_tlsv1 |
                         net::ssl::context::no_tlsv1_1);
        tls->use_certificate_chain(net::buffer(options.tls->chain));
        tls->use_private_key(net::buffer(options.tls->key), net::ssl::context::pem);
      }
      const tcp::endpoint endpoint(net::ip::make_address(options.address),
                                   static_cast<uint16_t>(options.port));
      acceptor.open(endpoint.protocol());
      acceptor.set_option(tcp::acceptor::reuse_address(true));
      acceptor.bind(endpoint);
      acceptor.listen();
      port = acceptor.local_endpoint().port();
    } catch (const boost::system::system_error& error) {
      ThrowFailed(fmt::format("{} cannot be opened: {}; --port 0 takes a free one", where,
                              error.code().message()));
    }
    Accept();
    thread = std::thread([this] { io.run(); });
  }
  ~Impl() {
    io.stop();
    thread.join();
    pool.stop();
    pool.join();
  }
  void Accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (error) {
        // no descriptor is free: some connection ends before long
        pause.expires_after(std::chrono::milliseconds(100));
        return pause.async_wait([this](error_code) { Accept(); });
      }
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      if (tls) {
        std::make_shared<Detector>(*this, *tls, std::move(socket))->Begin();
      } else {
        std::make_shared<Connection<PlainStream>>(*this, PlainStream(std::move(socket)),
                                                  beast::flat_buffer())
            ->Begin();
      }
      Accept();
    });
  }

  std::optional<net::ssl::context> tls;
  tcp::acceptor acceptor;
  net::steady_timer pause{io};
  int port = 0;
  std::thread thread;
};

HttpServer::HttpServer(const HttpOptions& options, HttpHandlers handlers)
    : impl_(std::make_unique<Impl>(options, std::move(handlers))) {}
HttpServer::~HttpServer() = default;

int HttpServer::port() const { return impl_->port; }

std::string HttpLibraryVersion() {
  return fmt::format("{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000);
}

}  // namespace understudy
