// usher_bench_load --port P [--path /...] [--token T] [--prefix X] [--connections 64] [--seconds 2.5] [--text-bytes 700]:
// keep-alive connections that each post the next message as soon as the last is answered. One thread, epoll, no library:
// the same generator stands before both servers. Prints {"rate":R,"accepted":N,"refused":N,"p99_us":U}.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "tests/bench/samples.hpp"

namespace usher::bench {
namespace {

constexpr std::size_t key_digits = 12;

// One request whose key is written over in place; the key stands in a header only.
struct Template {
  std::string text;
  std::size_t key_at = 0;

  explicit Template(const Options& options) {
    std::string body = R"({"from":{"id":"customer","name":"Customer"},"subject":"Order 4411","text":")";
    for (std::size_t i = 0; i < options.count("text-bytes", 700); ++i) body += i % 20 == 19 ? ' ' : 'a';
    body += "\"}";
    text = "POST " + options.text("path", "/") + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
    text += "Authorization: Bearer " + options.text("token", "none") + "\r\nIdempotency-Key: " + options.text("prefix", "k");
    key_at = text.size();
    text += std::string(key_digits, '0') + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
};

struct Connection {
  int socket = -1;
  std::string in;
  bool busy = false;
  Steady::time_point sent_at;
};

class Generator {
 public:
  explicit Generator(const Options& options)
      : options_(options), request_(options), poll_(epoll_create1(EPOLL_CLOEXEC)), connections_(options.count("connections", 64)) {
    for (std::size_t i = 0; i < connections_.size(); ++i) open(i);
  }

  void run() {
    begin_ = Steady::now();
    for (auto& one : connections_) send(one);
    while (busy_ > 0) wait();
    std::sort(taken_.begin(), taken_.end());
    const double p99 = taken_.empty() ? 0 : taken_[taken_.size() * 99 / 100];
    std::printf("{\"rate\":%.3f,\"accepted\":%llu,\"refused\":%llu,\"p99_us\":%.1f}\n",
                static_cast<double>(in_time_) / options_.number("seconds", 2.5), static_cast<unsigned long long>(accepted_),
                static_cast<unsigned long long>(refused_), p99 * 1e6);
  }

 private:
  void open(std::size_t index) {
    auto& one = connections_[index];
    one.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options_.count("port", 0)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(one.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("cannot connect");
    const int yes = 1;
    ::setsockopt(one.socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, one.socket, &event) != 0) give_up("epoll failed");
  }

  void send(Connection& one) {
    auto number = next_++;
    for (std::size_t i = 0; i < key_digits; ++i, number /= 10)
      request_.text[request_.key_at + key_digits - 1 - i] = static_cast<char>('0' + number % 10);
    // A kilobyte into an empty socket buffer goes whole.
    if (::send(one.socket, request_.text.data(), request_.text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request_.text.size()))
      give_up("a request was not taken");
    one.busy = true;
    one.sent_at = Steady::now();
    ++busy_;
  }

  void wait() {
    std::array<epoll_event, 64> events{};
    const int ready = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 20'000);
    if (ready == 0) give_up("no answer for 20 seconds");
    for (int i = 0; i < ready; ++i) read(connections_[events[static_cast<std::size_t>(i)].data.u64]);
  }

  void read(Connection& one) {
    std::array<char, 4096> chunk;
    const auto size = ::recv(one.socket, chunk.data(), chunk.size(), 0);
    if (size <= 0) give_up("the server closed a connection");
    one.in.append(chunk.data(), static_cast<std::size_t>(size));
    const auto end = one.in.find("\r\n\r\n");
    if (end == std::string::npos || one.in.size() < end + 4 + content_length(one.in)) return;
    const auto now = Steady::now();
    const bool in_time = now - begin_ < std::chrono::duration<double>(options_.number("seconds", 2.5));
    if (one.in.compare(9, 3, "202") == 0) {
      ++accepted_;
      in_time_ += in_time ? 1 : 0;
      taken_.push_back(std::chrono::duration<double>(now - one.sent_at).count());
    } else if (++refused_ == 1) {
      std::fprintf(stderr, "refused: %s\n", one.in.c_str());
    }
    one.in.clear();
    one.busy = false;
    --busy_;
    if (in_time) send(one);
  }

  static std::size_t content_length(const std::string& head) {
    static constexpr char name[] = "content-length:";
    const auto found = std::search(head.begin(), head.end(), name, name + sizeof name - 1,
                                   [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
    if (found == head.end()) give_up("an answer without a length");
    auto at = found + sizeof name - 1;
    while (*at == ' ') ++at;
    std::size_t length = 0;
    std::from_chars(&*at, head.data() + head.size(), length);
    return length;
  }

  const Options& options_;
  Template request_;
  int poll_;
  std::vector<Connection> connections_;
  Steady::time_point begin_;
  std::uint64_t next_ = 1, accepted_ = 0, refused_ = 0, in_time_ = 0;
  std::size_t busy_ = 0;
  std::vector<double> taken_;
};

}  // namespace
}  // namespace usher::bench

int main(int argc, char** argv) {
  const usher::bench::Options options(argc, argv, 1);
  usher::bench::Generator(options).run();
  return 0;
}
