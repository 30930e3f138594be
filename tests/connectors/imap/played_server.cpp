// PlayedServer: plain blocking sockets; OpenSSL on top where a scene asks for it.
#include "tests/connectors/imap/played_server.hpp"

#include <linux/filter.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "routing/message/result.hpp"

namespace usher::connectors::email::imap::testing {

PlayedCertificate::PlayedCertificate(const std::string& name, int days) {
  const std::string folder = folder_.path().string();
  const std::string key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes ";
  const std::string command =
      "cd " + folder + " && exec >log 2>&1 && openssl req -x509 " + key + "-days 30 -subj '/CN=Played' -keyout ca.key -out ca.pem && openssl req " + key +
      "-subj /CN=played -keyout server.key -out server.csr && printf 'subjectAltName=" + name + "' >ext && openssl x509 -req -in server.csr " +
      "-CA ca.pem -CAkey ca.key -CAcreateserial -days " + std::to_string(days) + " -extfile ext -out server.pem";
  message::expect(::system(command.c_str()) == 0, "a test can make a certificate");
}

struct Peer::Tls {
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  ~Tls() {
    ::SSL_free(ssl);
    ::SSL_CTX_free(context);
  }
};

Peer::Peer(int socket, int number) : socket_(socket), number_(number) {}
Peer::~Peer() = default;

bool Peer::say(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = tls_ ? ::SSL_write(tls_->ssl, bytes.data(), static_cast<int>(bytes.size())) : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool Peer::more() {
  std::array<char, 4096> piece;
  const auto count = tls_ ? ::SSL_read(tls_->ssl, piece.data(), static_cast<int>(piece.size())) : ::recv(socket_, piece.data(), piece.size(), 0);
  if (count <= 0) return false;
  buffer_.append(piece.data(), static_cast<std::size_t>(count));
  return true;
}

std::optional<std::string> Peer::hear() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos)
    if (!more()) return std::nullopt;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::optional<std::string> Peer::hear_bytes(std::size_t count) {
  while (buffer_.size() < count)
    if (!more()) return std::nullopt;
  std::string bytes = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return bytes;
}

void Peer::hear_out() {
  while (more()) buffer_.clear();
}

void Peer::vanish() {
  sock_filter drop{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &drop};
  ::setsockopt(socket_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void Peer::hang_up() { ::shutdown(socket_, SHUT_RDWR); }

bool Peer::secure(const PlayedCertificate& certificate, int version_max) {
  // OpenSSL writes without MSG_NOSIGNAL, and a client that does not believe us hangs up.
  ::signal(SIGPIPE, SIG_IGN);
  tls_ = std::make_unique<Tls>();
  tls_->context = ::SSL_CTX_new(::TLS_server_method());
  ::SSL_CTX_use_certificate_file(tls_->context, certificate.file().c_str(), SSL_FILETYPE_PEM);
  ::SSL_CTX_use_PrivateKey_file(tls_->context, certificate.key_file().c_str(), SSL_FILETYPE_PEM);
  if (version_max != 0) {
    SSL_CTX_set_max_proto_version(tls_->context, version_max);
    ::SSL_CTX_set_security_level(tls_->context, 0);  // Debian's own would refuse what is old.
  }
  tls_->ssl = ::SSL_new(tls_->context);
  ::SSL_set_fd(tls_->ssl, socket_);
  return ::SSL_accept(tls_->ssl) == 1;
}

PlayedServer::PlayedServer(Scene scene) : scene_(std::move(scene)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  message::expect(::bind(listener_, plain, size) == 0 && ::listen(listener_, 16) == 0 && ::getsockname(listener_, plain, &size) == 0,
                  "a test can listen");
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

PlayedServer::~PlayedServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  for (auto& thread : threads_) thread.join();
  ::close(listener_);
}

void PlayedServer::accept_all() {
  for (;;) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(socket);
      return;
    }
    open_.push_back(socket);
    const int number = ++connections_;
    threads_.emplace_back([this, socket, number] {
      {
        Peer peer(socket, number);
        scene_(peer);
      }
      const std::lock_guard inner(mutex_);
      std::erase(open_, socket);
      ::close(socket);
    });
  }
}

}  // namespace usher::connectors::email::imap::testing
