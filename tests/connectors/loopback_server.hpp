// LoopbackServer: a real HTTP server on a free port of 127.0.0.1, for what Usher sends. Plain POSIX sockets, one thread
// for accepting and one for each connection; answers as the test's handler says and keeps what it got.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace usher::connectors::testing {

struct Got {
  std::string method, path, body;
  std::map<std::string, std::string> headers;  // Names in lower case.
};

class LoopbackServer {
 public:
  // Bytes of the answer, head and all; "" closes the connection. Runs on a thread of the server's.
  using Answer = std::function<std::string(const Got&)>;

  explicit LoopbackServer(Answer answer);
  ~LoopbackServer();

  [[nodiscard]] std::string url(const std::string& path = "/hook") const;
  [[nodiscard]] int connections();
  // Waits until so many requests have come; fails the test after 20 seconds.
  std::vector<Got> wait_for(std::size_t count);
  [[nodiscard]] std::vector<Got> so_far();

  static std::string status(int code, const std::string& more_headers = {});

 private:
  void accept_all();
  void serve(int connection);

  int listener_ = -1;
  int port_ = 0;
  Answer answer_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable changed_;
  std::vector<Got> got_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  int connections_ = 0;
  bool stopping_ = false;
  std::thread accepting_;
};

}  // namespace usher::connectors::testing
