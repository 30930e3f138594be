// AgentSocket: one WebSocket to the daemon for the terminal agent. Everything happens on the thread that runs `loop`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "routing/message/result.hpp"

namespace boost::asio {
class io_context;
}

namespace usher::daemon {

using namespace usher::message;

struct AgentAddress {
  std::string host;
  std::string port;
  std::string path;
  bool tls = false;
  std::string ca_file{};  // With TLS: trusted instead of the machine's authorities; "": those.
};

// http://HOST[:PORT][/PATH] or ws://…, with TLS https:// or wss://; no path: /v1/agent. `malformed` for anything else.
[[nodiscard]] Result<AgentAddress> parse_agent_address(std::string_view url);

// Where files are uploaded: /v1/blobs beside the address's /v1/agent, with the file's name.
[[nodiscard]] std::string upload_url(const AgentAddress& address, std::string_view file_name);

class AgentSocket : public std::enable_shared_from_this<AgentSocket> {
 public:
  struct Events {
    std::function<void()> opened;
    std::function<void(std::string)> received;
    // The last event. `code`: of the WebSocket close frame, 0 when there was none; `reason` in words.
    std::function<void(int code, std::string reason)> closed;
  };
  virtual ~AgentSocket() = default;
  virtual void open() = 0;
  virtual void send(std::string frame) = 0;
  // Says goodbye; `closed` follows.
  virtual void close() = 0;
};

[[nodiscard]] std::shared_ptr<AgentSocket> make_agent_socket(boost::asio::io_context& loop, AgentAddress address,
                                                             AgentSocket::Events events);

// `closed` with this code: the certificate was not accepted, and dialling again would not change that.
inline constexpr int close_untrusted = -1;
// Requires: check_ca_file() was content with the address's file.
[[nodiscard]] std::shared_ptr<AgentSocket> make_tls_agent_socket(boost::asio::io_context& loop, AgentAddress address,
                                                                 AgentSocket::Events events);
// `malformed`: it is no file of certificates. "" is always right.
[[nodiscard]] Result<void> check_ca_file(const std::string& file);

}  // namespace usher::daemon
