// PlayedServer: a mail server that the test plays: a free port of 127.0.0.1, one thread a connection, each running the test's
// scene. TLS with certificates made on the spot, for whatever name. Scenes must not assert: Catch2 is of one thread.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/journal/temporary_folder.hpp"

namespace usher::connectors::email::imap::testing {

// An authority and a certificate that it signed, in files.
class PlayedCertificate {
 public:
  explicit PlayedCertificate(const std::string& name, int days = 30);
  [[nodiscard]] std::string ca_file() const { return (folder_.path() / "ca.pem").string(); }
  [[nodiscard]] std::string file() const { return (folder_.path() / "server.pem").string(); }
  [[nodiscard]] std::string key_file() const { return (folder_.path() / "server.key").string(); }

 private:
  usher::testing::TemporaryFolder folder_;
};

class Peer {
 public:
  Peer(int socket, int number);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Which connection this is, from 1.
  [[nodiscard]] int number() const { return number_; }
  // False: the other end is gone.
  bool say(std::string_view bytes);
  // The next line without its end; none: gone.
  std::optional<std::string> hear();
  std::optional<std::string> hear_bytes(std::size_t count);
  // Until the other end is gone.
  void hear_out();
  // As if the line were cut without a word: from now on this machine takes no packet of it, and so acknowledges none.
  void vanish();
  // Ends the connection now.
  void hang_up();
  // Shakes hands as the server, with no version of TLS above `version_max` (0: any). False: it failed.
  bool secure(const PlayedCertificate& certificate, int version_max = 0);

 private:
  struct Tls;
  bool more();

  const int socket_;
  const int number_;
  std::string buffer_;
  std::unique_ptr<Tls> tls_;
};

class PlayedServer {
 public:
  using Scene = std::function<void(Peer&)>;
  explicit PlayedServer(Scene scene);
  ~PlayedServer();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept_all();

  const Scene scene_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
  std::thread accepting_;
};

}  // namespace usher::connectors::email::imap::testing
