// LoopbackServer: a tiny HTTP server.
#include "tests/connectors/loopback_server.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace usher::connectors::testing {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

// One whole request from `bytes`, which it takes off; reads on until there is one. None: the peer is gone.
std::optional<Got> read_request(int connection, std::string& bytes) {
  const auto more = [&] {
    char buffer[4096];
    const ssize_t count = ::recv(connection, buffer, sizeof buffer, 0);
    if (count > 0) bytes.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  };
  std::size_t end = 0;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos)
    if (!more()) return std::nullopt;
  Got got;
  std::size_t at = bytes.find("\r\n");
  const std::string line = bytes.substr(0, at);
  got.method = line.substr(0, line.find(' '));
  got.path = line.substr(got.method.size() + 1, line.rfind(' ') - got.method.size() - 1);
  while (at < end) {
    const std::size_t next = bytes.find("\r\n", at + 2);
    const std::string header = bytes.substr(at + 2, next - at - 2);
    const std::size_t colon = header.find(": ");
    if (colon != std::string::npos) got.headers[lower(header.substr(0, colon))] = header.substr(colon + 2);
    at = next;
  }
  const std::size_t length = got.headers.contains("content-length") ? std::stoul(got.headers["content-length"]) : 0;
  while (bytes.size() < end + 4 + length)
    if (!more()) return std::nullopt;
  got.body = bytes.substr(end + 4, length);
  bytes.erase(0, end + 4 + length);
  return got;
}

}  // namespace

LoopbackServer::LoopbackServer(Answer answer) : answer_(std::move(answer)) {
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

LoopbackServer::~LoopbackServer() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int connection : open_) ::shutdown(connection, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.join();
  ::close(listener_);
}

std::string LoopbackServer::url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }

int LoopbackServer::connections() {
  const std::lock_guard lock(mutex_);
  return connections_;
}

std::vector<Got> LoopbackServer::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  const bool came = changed_.wait_for(lock, std::chrono::seconds(20), [&] { return got_.size() >= count; });
  REQUIRE(came);
  return got_;
}

std::vector<Got> LoopbackServer::so_far() {
  const std::lock_guard lock(mutex_);
  return got_;
}

std::string LoopbackServer::status(int code, const std::string& more_headers) {
  return "HTTP/1.1 " + std::to_string(code) + " X\r\nContent-Length: 0\r\n" + more_headers + "\r\n";
}

void LoopbackServer::accept_all() {
  for (;;) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(connection);
      return;
    }
    ++connections_;
    open_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void LoopbackServer::serve(int connection) {
  std::string bytes;
  while (auto got = read_request(connection, bytes)) {
    {
      const std::lock_guard lock(mutex_);
      got_.push_back(*got);
      changed_.notify_all();
    }
    const std::string answer = answer_(*got);
    if (answer.empty() || ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, connection);
  ::close(connection);
}

}  // namespace usher::connectors::testing
