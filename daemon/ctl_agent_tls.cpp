// The terminal agent's line with TLS: 1.2 or newer, the certificate checked against the machine's authorities or a file of
// them, and against the name that was dialled. There is no way to go on without: a token would go to whoever answers.
#include <openssl/x509_vfy.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "daemon/ctl_agent_socket_on.hpp"

namespace usher::daemon {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;

// Throws what Asio throws.
void trust(ssl::context& context, const std::string& ca_file) {
  ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_verify_mode(ssl::verify_peer);
  // Instead of the machine's: who names a file means these and no others.
  if (ca_file.empty()) context.set_default_verify_paths();
  else context.load_verify_file(ca_file);
}

// A base of its own, before the stream that is made of it.
struct Trust {
  explicit Trust(const std::string& ca_file) { trust(context, ca_file); }
  ssl::context context{ssl::context::tls_client};
};

using TlsStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

class TlsSocket final : private Trust, public SocketOn<TlsStream> {
 public:
  TlsSocket(asio::io_context& loop, AgentAddress address, Events events)
      : Trust(address.ca_file), SocketOn(loop, std::move(address), std::move(events), context) {}

 private:
  void secure() override {
    const auto& host = address().host;
    ErrorCode no_address;
    asio::ip::make_address(host, no_address);
    // RFC 6066 3: names only.
    if (no_address) ::SSL_set_tlsext_host_name(line().native_handle(), host.c_str());
    line().set_verify_callback(ssl::host_name_verification(host));
    line().async_handshake(ssl::stream_base::client, [this, self = shared()](ErrorCode wrong) {
      if (!wrong) return shake_hands();
      const auto verdict = ::SSL_get_verify_result(line().native_handle());
      if (verdict == X509_V_OK) return end(wrong);
      // A right certificate of somebody else has no number of its own.
      const bool other_name = verdict == X509_V_ERR_UNSPECIFIED || verdict == X509_V_ERR_APPLICATION_VERIFICATION;
      end(close_untrusted, other_name ? "it is not for " + address().host : ::X509_verify_cert_error_string(verdict));
    });
  }
};

}  // namespace

Result<void> check_ca_file(const std::string& file) try {
  ssl::context context(ssl::context::tls_client);
  trust(context, file);
  return {};
} catch (const boost::system::system_error& error) {
  return fail(Fault::malformed, file + ": holds no certificates that can be read: " + error.code().message());
}

std::shared_ptr<AgentSocket> make_tls_agent_socket(asio::io_context& loop, AgentAddress address, AgentSocket::Events events) {
  return std::make_shared<TlsSocket>(loop, std::move(address), std::move(events));
}

}  // namespace usher::daemon
