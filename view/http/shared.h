#pragma once

// What the parts of the server share; Boost's headers are included here and in nothing that others
// include.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <chrono>

#include "view/http/server.h"

namespace understudy::http_server {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using boost::system::error_code;

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

inline constexpr size_t kPoolThreads = 4;                    // that read files
inline constexpr auto kPatience = std::chrono::seconds(30);  // with a silent connection

// What all connections share. Its members outlive them: the server's thread has ended by then.
struct Shared {
  const HttpOptions options;
  const HttpHandlers handlers;
  net::io_context io{1};
  net::thread_pool pool{kPoolThreads};
};

}  // namespace understudy::http_server
