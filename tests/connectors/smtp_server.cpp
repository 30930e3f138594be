// SmtpServer: a plain dialogue over a socket or over TLS on it.
#include "tests/connectors/smtp_server.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace usher::connectors::testing {

namespace {

struct Free {
  void operator()(SSL* x) const { SSL_free(x); }
  void operator()(SSL_CTX* x) const { SSL_CTX_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string base64(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  return out;
}

}  // namespace

const std::string SmtpServer::hang = "\x01hang";

std::string SmtpGot::command(std::string_view beginning) const {
  const auto found = std::find_if(commands.begin(), commands.end(), [&](const std::string& one) { return one.starts_with(beginning); });
  return found == commands.end() ? std::string() : *found;
}

// One connection: bytes in and out, in the clear or not.
struct SmtpServer::Line {
  int socket = -1;
  Owned<SSL_CTX> context{};
  Owned<SSL> tls{};
  std::string read{};
  bool lost = false;

  bool begin_tls(const TestCertificate& certificate, int version_max) {
    context.reset(SSL_CTX_new(TLS_server_method()));
    if (version_max != 0) {
      SSL_CTX_set_max_proto_version(context.get(), version_max);
      SSL_CTX_set_security_level(context.get(), 0);  // Debian's own would refuse what is old.
    }
    const Owned<BIO> first(BIO_new_mem_buf(certificate.certificate.data(), static_cast<int>(certificate.certificate.size())));
    const Owned<BIO> second(BIO_new_mem_buf(certificate.key.data(), static_cast<int>(certificate.key.size())));
    const Owned<X509> shown(PEM_read_bio_X509(first.get(), nullptr, nullptr, nullptr));
    const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(second.get(), nullptr, nullptr, nullptr));
    if (SSL_CTX_use_certificate(context.get(), shown.get()) != 1 || SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) return false;
    tls.reset(SSL_new(context.get()));
    SSL_set_fd(tls.get(), socket);
    read.clear();
    return SSL_accept(tls.get()) == 1;
  }
  bool more() {
    char buffer[16384];
    const auto count = tls ? SSL_read(tls.get(), buffer, sizeof buffer) : static_cast<int>(::recv(socket, buffer, sizeof buffer, 0));
    if (count <= 0) return false;
    read.append(buffer, static_cast<std::size_t>(count));
    return true;
  }
  // Up to and without `end`.
  std::optional<std::string> until(std::string_view end) {
    std::size_t at = 0;
    for (std::size_t from = 0; (at = read.find(end, from)) == std::string::npos;) {
      from = read.size() > end.size() ? read.size() - end.size() : 0;
      if (!more()) return std::nullopt;
    }
    std::string out = read.substr(0, at);
    read.erase(0, at + end.size());
    return out;
  }
  // False: the line is cut.
  bool say(const std::string& text) {
    if (text == hang) {
      while (more()) {}
      return false;
    }
    if (text.empty()) return false;
    for (std::size_t at = 0; at < text.size();) {
      const auto count = tls ? SSL_write(tls.get(), text.data() + at, static_cast<int>(text.size() - at))
                             : static_cast<int>(::send(socket, text.data() + at, text.size() - at, MSG_NOSIGNAL));
      if (count <= 0) return false;
      at += static_cast<std::size_t>(count);
    }
    return true;
  }
};

SmtpServer::SmtpServer(SmtpHabits habits, Answer answer)
    : habits_(std::move(habits)), answer_(std::move(answer)), authority_(make_authority("Test Authority")), certificate_(make_certificate(authority_, "localhost")) {
  std::string name = std::filesystem::temp_directory_path() / "usher-authority-XXXXXX";
  const int file = ::mkstemp(name.data());
  REQUIRE(file >= 0);
  ::close(file);
  authority_file_ = name;
  std::ofstream(authority_file_) << authority_.certificate;
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener_, 64) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

SmtpServer::~SmtpServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int connection : open_) ::shutdown(connection, SHUT_RDWR);
    changed_.notify_all();
  }
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  for (auto& thread : threads_) thread.join();
  ::close(listener_);
  std::filesystem::remove(authority_file_);
}

void SmtpServer::show(const TestCertificate& certificate) {
  const std::lock_guard lock(mutex_);
  certificate_ = certificate;
}

email::SmtpAccount SmtpServer::account(email::Protection protection) const {
  email::SmtpAccount account;
  account.server = {"localhost", port_, protection, protection == email::Protection::off ? std::string() : authority_file_};
  account.credentials.user = "support@ex.com";
  account.credentials.password = habits_.password;
  account.mails_per_minute = 60'000;
  return account;
}

std::vector<SmtpGot> SmtpServer::wait_for(std::size_t connections) {
  std::unique_lock lock(mutex_);
  const bool came = changed_.wait_for(lock, std::chrono::seconds(20), [&] { return ended_.size() >= connections; });
  REQUIRE(came);
  return ended_;
}

int SmtpServer::connections() {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void SmtpServer::accept_all() {
  for (;;) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(connection);
      return;
    }
    const int number = ++connections_;
    open_.push_back(connection);
    threads_.emplace_back([this, connection, number] { serve(connection, number); });
  }
}

std::string SmtpServer::answer_to(std::string_view stage, const SmtpGot& got, const std::string& usual) const {
  const auto wanted = answer_ ? answer_(stage, got) : std::nullopt;
  return wanted ? *wanted : usual;
}

void SmtpServer::serve(int connection, int number) {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  SmtpGot got;
  got.number = number;
  {
    Line line{connection};
    TestCertificate certificate;
    {
      const std::lock_guard lock(mutex_);
      certificate = certificate_;
    }
    const bool ready = !habits_.tls_first || line.begin_tls(certificate, habits_.tls_version_max);
    got.in_tls = habits_.tls_first && ready;
    if (ready && line.say(answer_to("greeting", got, "220 localhost ESMTP\r\n")))
      for (auto text = line.until("\r\n"); text && command(line, got, *text); text = line.until("\r\n")) {}
    if (line.tls) SSL_shutdown(line.tls.get());
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, connection);
  ::close(connection);
  ended_.push_back(std::move(got));
  changed_.notify_all();
}

bool SmtpServer::command(Line& line, SmtpGot& got, const std::string& text) {
  got.commands.push_back(text);
  const std::string verb = text.substr(0, text.find(' '));
  if (verb == "EHLO") {
    std::string offers = "250-localhost greets you\r\n";
    if (habits_.starttls && !got.in_tls) offers += "250-STARTTLS\r\n";
    for (const auto& offer : habits_.offers) offers += "250-" + offer + "\r\n";
    return line.say(answer_to("EHLO", got, offers + "250 PIPELINING\r\n"));
  }
  if (verb == "STARTTLS") {
    const std::string answer = answer_to("STARTTLS", got, "220 go on\r\n");
    if (!line.say(answer)) return false;
    if (!answer.starts_with("220")) return true;
    TestCertificate certificate;
    {
      const std::lock_guard lock(mutex_);
      certificate = certificate_;
    }
    got.in_tls = line.begin_tls(certificate, habits_.tls_version_max);
    return got.in_tls;
  }
  if (verb == "AUTH") return log_in(line, got, text);
  if (verb == "DATA") {
    const std::string answer = answer_to("DATA", got, "354 go on\r\n");
    return line.say(answer) && (!answer.starts_with("354") || take_text(line, got));
  }
  if (verb == "QUIT") {
    line.say(answer_to("QUIT", got, "221 bye\r\n"));
    return false;
  }
  return line.say(answer_to(verb, got, "250 2.0.0 fine\r\n"));
}

bool SmtpServer::log_in(Line& line, SmtpGot& got, const std::string& text) {
  std::string said = text;
  const auto ask = [&](const std::string& prompt) {
    if (!line.say("334 " + base64(prompt) + "\r\n")) return false;
    const auto step = line.until("\r\n");
    if (!step) return false;
    got.commands.push_back(*step);
    said += " " + *step;
    return true;
  };
  const std::string plain = base64(std::string("\0support@ex.com\0", 16) + habits_.password);
  bool good = false;
  if (text.starts_with("AUTH PLAIN")) {
    if (text == "AUTH PLAIN" && !ask("")) return false;
    good = said.ends_with(" " + plain);
  } else if (text.starts_with("AUTH LOGIN")) {
    if (text == "AUTH LOGIN" && !ask("Username:")) return false;
    if (!ask("Password:")) return false;
    good = said.ends_with(" " + base64("support@ex.com") + " " + base64(habits_.password));
  } else {
    if (text.find(' ', 5) == std::string::npos && !ask("")) return false;
    const bool x = text.starts_with("AUTH XOAUTH2");
    const std::string bearer = x ? "user=support@ex.com\x01" "auth=Bearer " + habits_.password + "\x01\x01"
                                 : "n,a=support@ex.com,\x01host=localhost\x01port=" + std::to_string(port_) + "\x01" "auth=Bearer " + habits_.password + "\x01\x01";
    good = said.ends_with(" " + base64(bearer));
    // RFC 7628 3.2.3: the reason first, which the client answers with nothing.
    if (!good && !ask(R"({"status":"401"})")) return false;
  }
  return line.say(answer_to("AUTH", got, good ? "235 2.7.0 welcome\r\n" : "535 5.7.8 wrong\r\n"));
}

bool SmtpServer::take_slowly(Line& line) {
  for (std::size_t rested_at = 0; !line.read.ends_with("\r\n.\r\n");) {
    if (!line.more()) return false;
    if (line.read.size() - rested_at < 1024 * 1024) continue;
    rested_at = line.read.size();
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, habits_.text_pause, [this] { return stopping_; })) return false;
  }
  return true;
}

bool SmtpServer::take_text(Line& line, SmtpGot& got) {
  if (answer_to("text", got, "take it").empty()) return false;
  if (habits_.text_pause.count() > 0 && !take_slowly(line)) return false;
  line.read.insert(0, "\r\n");  // A dot may be all there is.
  auto text = line.until("\r\n.\r\n");
  if (!text) return false;
  text->erase(0, std::min<std::size_t>(2, text->size()));
  got.texts.push_back(*text + "\r\n");
  return line.say(answer_to("dot", got, "250 2.0.0 queued as 4711\r\n"));
}

}  // namespace usher::connectors::testing
