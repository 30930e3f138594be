// Upgrade: a connection leaving HTTP for WebSocket. Nothing but the request's head was read from it.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "daemon/http_message.hpp"

namespace usher::daemon {

struct Upgrade {
  boost::asio::ip::tcp::socket socket;
  Request request;  // Its head is checked; what the new protocol demands of it is not.
};

}  // namespace usher::daemon
