// SecureStream: the one file of the mailbox that touches sockets and OpenSSL. OpenSSL reads and writes memory, so that
// the socket is waited for in one place and never by it.
#include "connectors/email/imap/secure_stream.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "connectors/email/imap/server_address.hpp"
#include "connectors/email/imap/tls_trust.hpp"
#include "connectors/email/mail_greeting.hpp"

namespace usher::connectors::email::imap {

namespace {

constexpr std::size_t first_bytes_max = 16;  // Enough to know who speaks.

}  // namespace

struct SecureStream::Wire {
  // Constant after construction.
  const MailServer server;
  const StopSwitch& stop;
  const std::chrono::seconds silent_max;

  TlsTrust trust{};
  OwnedSsl ssl{};
  int socket = -1;
  std::array<char, 16 * 1024> buffer{};
  std::string first{};  // What came first, as it came.

  ~Wire() { close(); }
  void close();
  void watch_line() const;
  Result<void> dial(const ServerAddress& address, Deadline deadline);
  Result<void> wait(short events, Deadline deadline, const char* doing);
  Result<void> flush(Deadline deadline);
  Result<void> send_raw(std::string_view bytes, Deadline deadline);
  // Bytes for OpenSSL or for the caller; 0: silence.
  Result<std::size_t> receive_raw(Deadline deadline);
  Result<std::size_t> receive_tls(Deadline deadline);
  [[nodiscard]] std::string name() const { return server.host + ":" + std::to_string(server.port); }
  [[nodiscard]] std::string no_tls_words() const;
};

SecureStream::SecureStream(MailServer server, const StopSwitch& stop, const Silence& silence)
    : wire_(new Wire{std::move(server), stop, silence.on_the_line}) {}
SecureStream::~SecureStream() = default;

Result<void> SecureStream::connect(Deadline deadline) {
  const auto addresses = resolve(wire_->server.host, wire_->server.port, wire_->stop, deadline);
  if (!addresses) return addresses.error();
  std::string why = wire_->server.host + " has no address";
  for (const ServerAddress& address : *addresses) {
    if (wire_->server.protection == Protection::off && !address.is_loopback())
      return fail(Fault::unauthorised, wire_->server.host + " is not this machine, and without TLS no other is spoken to");
    const auto dialled = wire_->dial(address, deadline);
    if (dialled) return wire_->server.protection == Protection::tls ? start_tls(deadline) : dialled;
    why = dialled.error().detail;
    if (wire_->stop.pulled()) break;
  }
  return fail(Fault::unavailable, why);
}

Result<void> SecureStream::start_tls(Deadline deadline) {
  auto& wire = *wire_;
  auto ssl = wire.trust.make(wire.server);
  if (!ssl) return ssl.error();
  wire.ssl = std::move(*ssl);
  for (;;) {
    const int done = ::SSL_do_handshake(wire.ssl.get());
    const int why = ::SSL_get_error(wire.ssl.get(), done);
    // An alert of ours goes out, too.
    const auto flushed = wire.flush(deadline);
    if (done == 1) return flushed;
    if (why != SSL_ERROR_WANT_READ) return fail(Fault::unavailable, wire.no_tls_words());
    if (!flushed) return flushed;
    const auto count = wire.receive_raw(deadline);
    if (!count) return fail(Fault::unavailable, "the server ended the TLS handshake: " + count.error().detail);
    if (*count == 0) return fail(Fault::unavailable, "the server did not finish the TLS handshake in time");
    ::BIO_write(::SSL_get_rbio(wire.ssl.get()), wire.buffer.data(), static_cast<int>(*count));
  }
}

Result<void> SecureStream::send(std::string_view bytes, Deadline deadline) {
  auto& wire = *wire_;
  if (!wire.ssl) return wire.send_raw(bytes, deadline);
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, 16 * 1024);
    ::ERR_clear_error();
    const int count = ::SSL_write(wire.ssl.get(), part.data(), static_cast<int>(part.size()));
    if (count <= 0) return fail(Fault::unavailable, "the TLS connection broke");
    if (auto flushed = wire.flush(deadline); !flushed) return flushed;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::string_view> SecureStream::receive(Deadline deadline) {
  const auto count = wire_->ssl ? wire_->receive_tls(deadline) : wire_->receive_raw(deadline);
  if (!count) return count.error();
  return std::string_view(wire_->buffer.data(), *count);
}

std::string_view SecureStream::first_bytes() const { return wire_->first; }

std::string SecureStream::protection() const { return wire_->ssl ? ::SSL_get_version(wire_->ssl.get()) : "no TLS"; }

void SecureStream::Wire::close() {
  if (socket >= 0) ::close(socket);
  socket = -1;
}

// A line that went dead without a word, as when an address translator forgets it, is noticed while nothing is said, which in a
// mailbox is most of the time. The system's own times are two hours and, for what was sent, a quarter of one.
void SecureStream::Wire::watch_line() const {
  const int on = 1, seconds = static_cast<int>(silent_max.count()), probed_after = std::max(seconds / 3, 1), next = std::max(seconds / 6, 1), asked = 4;
  const unsigned milliseconds = static_cast<unsigned>(seconds) * 1000;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &probed_after, sizeof probed_after);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &next, sizeof next);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &asked, sizeof asked);
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

Result<void> SecureStream::Wire::dial(const ServerAddress& address, Deadline deadline) {
  close();
  first.clear();
  socket = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return fail(Fault::unavailable, "no socket for " + name());
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch_line();
  if (::connect(socket, address.address(), address.size) != 0 && errno != EINPROGRESS)
    return fail(Fault::unavailable, name() + " cannot be reached: " + error_text(errno));
  if (auto waited = wait(POLLOUT, deadline, "did not accept the connection"); !waited) return waited;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(Fault::unavailable, name() + " cannot be reached: " + error_text(error));
  return {};
}

Result<void> SecureStream::Wire::wait(short events, Deadline deadline, const char* doing) {
  switch (stop.wait(socket, events, deadline)) {
    case StopSwitch::Woken::ready: return {};
    case StopSwitch::Woken::stopped: return fail(Fault::unavailable, "stopped");
    default: return fail(Fault::unavailable, name() + " " + doing + " in time");
  }
}

Result<void> SecureStream::Wire::flush(Deadline deadline) {
  std::array<char, 16 * 1024> out;
  for (;;) {
    const int count = ::BIO_read(::SSL_get_wbio(ssl.get()), out.data(), static_cast<int>(out.size()));
    if (count <= 0) return {};
    if (auto sent = send_raw({out.data(), static_cast<std::size_t>(count)}, deadline); !sent) return sent;
  }
}

Result<void> SecureStream::Wire::send_raw(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (auto waited = wait(POLLOUT, deadline, "did not take what was sent"); !waited) return waited;
    } else if (errno != EINTR) {
      return fail(Fault::unavailable, "the connection broke: " + error_text(errno));
    }
  }
  return {};
}

Result<std::size_t> SecureStream::Wire::receive_raw(Deadline deadline) {
  for (;;) {
    const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (count > 0) {
      if (first.size() < first_bytes_max) first.append(buffer.data(), std::min(static_cast<std::size_t>(count), first_bytes_max - first.size()));
      return static_cast<std::size_t>(count);
    }
    if (count == 0) return fail(Fault::unavailable, "the server closed the connection");
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return fail(Fault::unavailable, "the connection broke: " + error_text(errno));
    const auto woken = stop.wait(socket, POLLIN, deadline);
    if (woken == StopSwitch::Woken::stopped) return fail(Fault::unavailable, "stopped");
    if (woken == StopSwitch::Woken::silence) return std::size_t{0};
  }
}

// With STARTTLS the first bytes were a greeting, as they should be.
std::string SecureStream::Wire::no_tls_words() const {
  const Speaker speaker = server.protection == Protection::tls ? speaker_of(first) : Speaker::unknown;
  if (speaker == Speaker::imap)
    return "no TLS with " + name() + ": it greets before TLS, so it is a port for STARTTLS; write imap:// for it, or name the port for TLS from the first byte";
  if (const auto who = speaker_name(speaker); !who.empty()) return "no TLS with " + name() + ": " + std::string(who) + " answers there";
  return trust.trouble(server);
}

Result<std::size_t> SecureStream::Wire::receive_tls(Deadline deadline) {
  for (;;) {
    ::ERR_clear_error();
    const int count = ::SSL_read(ssl.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (count > 0) return static_cast<std::size_t>(count);
    const int why = ::SSL_get_error(ssl.get(), count);
    if (why == SSL_ERROR_ZERO_RETURN) return fail(Fault::unavailable, "the server closed the connection");
    if (why != SSL_ERROR_WANT_READ) return fail(Fault::unavailable, "the TLS connection broke");
    if (auto flushed = flush(deadline); !flushed) return flushed.error();
    const auto came = receive_raw(deadline);
    if (!came || *came == 0) return came;
    ::BIO_write(::SSL_get_rbio(ssl.get()), buffer.data(), static_cast<int>(*came));
  }
}

}  // namespace usher::connectors::email::imap
