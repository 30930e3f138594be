// A blocking client over plain sockets for tests: it sends exactly the bytes it is given, so that it can be wrong in
// every way a library would not allow. Waits end with a failure after ten seconds.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace usher::testing {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval wait{10, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (receive_buffer > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect");
  }
  ~HttpClient() { ::close(socket_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void hang_up() const { ::shutdown(socket_, SHUT_RDWR); }

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // The server closed: what it said is still to be read.
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // False: closed by the server.
  bool more() {
    char bytes[16 * 1024];
    const auto size = recv(socket_, bytes, sizeof bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      throw std::runtime_error("nothing came within ten seconds");
    if (size <= 0) return false;
    in_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  // Exactly `size` bytes, or fewer when the server closed.
  std::string take(std::size_t size) {
    while (in_.size() < size && more()) {
    }
    auto out = in_.substr(0, size);
    in_.erase(0, out.size());
    return out;
  }

  std::string rest() {
    while (more()) {
    }
    return std::exchange(in_, {});
  }

  bool closed() {
    in_.clear();
    return !more();
  }

  // `head_only`: the answer to HEAD has a length and no body.
  Answer answer(bool head_only = false) {
    std::size_t end = 0;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) throw std::runtime_error("closed before an answer: " + in_);
    Answer out;
    const auto head = take(end + 4);
    out.status = std::stoi(head.substr(9, 3));
    for (std::size_t at = head.find("\r\n") + 2; at < head.size() - 2;) {
      const auto line_end = head.find("\r\n", at);
      const auto colon = head.find(':', at);
      std::string name = head.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      out.headers[name] = head.substr(colon + 2, line_end - colon - 2);
      at = line_end + 2;
    }
    if (!head_only && out.headers.contains("content-length"))
      out.body = take(std::stoul(out.headers["content-length"]));
    return out;
  }

  Answer get(const std::string& path, const std::string& headers = "") { return ask("GET", path, headers, ""); }
  Answer post(const std::string& path, const std::string& type, const std::string& body,
              const std::string& headers = "") {
    return ask("POST", path, "Content-Type: " + type + "\r\n" + headers, body);
  }
  Answer ask(const std::string& method, const std::string& path, const std::string& headers, const std::string& body) {
    std::string out = method + ' ' + path + " HTTP/1.1\r\nHost: test\r\n" + headers;
    if (method != "GET" || !body.empty()) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send(out + "\r\n" + body);
    return answer(method == "HEAD");
  }

 private:
  int socket_;
  std::string in_;
};

}  // namespace usher::testing
