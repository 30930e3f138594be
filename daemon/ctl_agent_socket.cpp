// The terminal agent's line without TLS, and the choice between the two.
#include "daemon/ctl_agent_socket.hpp"

#include "daemon/ctl.hpp"
#include "daemon/ctl_agent_socket_on.hpp"

namespace usher::daemon {
namespace {

class PlainSocket final : public SocketOn<boost::beast::tcp_stream> {
 public:
  using SocketOn::SocketOn;

 private:
  void secure() override { shake_hands(); }
};

}  // namespace

Result<AgentAddress> parse_agent_address(std::string_view url) {
  const auto bad = [&] {
    return fail(Fault::malformed, "not an address of a daemon (http://HOST:PORT or https://HOST): " + std::string(url));
  };
  auto rest = url;
  AgentAddress address;
  const auto scheme = rest.substr(0, rest.find("://"));
  address.tls = scheme == "https" || scheme == "wss";
  if (!address.tls && scheme != "http" && scheme != "ws") return bad();
  if (scheme.size() == rest.size()) return bad();
  rest.remove_prefix(scheme.size() + 3);
  const auto slash = rest.find('/');
  address.path = slash == std::string_view::npos ? std::string() : std::string(rest.substr(slash));
  if (address.path.empty() || address.path == "/") address.path = "/v1/agent";
  auto authority = rest.substr(0, slash);
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return bad();
    address.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
  } else {
    address.host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(address.host.size());
  }
  address.port = authority.starts_with(':') ? std::string(authority.substr(1)) : address.tls ? "443" : "80";
  if (address.host.empty() || address.port.empty() ||
      address.port.find_first_not_of("0123456789") != std::string::npos)
    return bad();
  return address;
}

std::string upload_url(const AgentAddress& address, std::string_view file_name) {
  constexpr std::string_view agents = "/v1/agent";
  const std::string before = address.path.ends_with(agents) ? address.path.substr(0, address.path.size() - agents.size()) : std::string();
  const std::string host = address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]";
  return std::string(address.tls ? "https://" : "http://") + host + ":" + address.port + before + "/v1/blobs?name=" + percent_encode(file_name);
}

std::shared_ptr<AgentSocket> make_agent_socket(boost::asio::io_context& loop, AgentAddress address,
                                               AgentSocket::Events events) {
  if (address.tls) return make_tls_agent_socket(loop, std::move(address), std::move(events));
  return std::make_shared<PlainSocket>(loop, std::move(address), std::move(events));
}

}  // namespace usher::daemon
