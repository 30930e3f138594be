// Connections that have no session: whoever can reach the port can make one, so there is room for some, and one more cuts
// the oldest. Who says hello is no stranger any more, which takes an honest program a moment. Part of ZmqAgentsSocket, on
// its thread.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/zmq_agents_socket.hpp"

namespace usher::daemon {

std::size_t bytes_in(const std::vector<ZmqNews>& news) {
  std::size_t bytes = 0;
  for (const auto& one : news) bytes += one.text.size();
  return bytes;
}

void ZmqAgentsSocket::take_for_stranger(int descriptor) {
  const bool over = std::any_of(disconnected_.begin(), disconnected_.end(),
                                [descriptor](const auto& one) { return one.first == descriptor; });
  if (over || descriptor < 0 || stranger_at_.contains(descriptor)) return;
  stranger_at_.emplace(descriptor, strangers_.insert(strangers_.end(), descriptor));
  stranger_count_ = strangers_.size();
  if (strangers_.size() <= options_.strangers_max) return;
  const int oldest = strangers_.front();
  no_stranger(oldest);
  ++cut_;
  cut(oldest);
}

void ZmqAgentsSocket::no_stranger(int descriptor) {
  const auto found = stranger_at_.find(descriptor);
  if (found == stranger_at_.end()) return;
  strangers_.erase(found->second);
  stranger_at_.erase(found);
  stranger_count_ = strangers_.size();
}

// ZeroMQ has no call for it. It may have closed the connection a moment ago, and the number may be anything's by now: a
// copy of it stays what it is while we look, and only what came in by this door is shut. ZeroMQ then reads its end.
void ZmqAgentsSocket::cut(int descriptor) const {
  const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return;
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(copy, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    // In both families the port stands at the same place.
    const bool internet = address.ss_family == AF_INET || address.ss_family == AF_INET6;
    if (internet && port_ != 0 && ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port) == port_)
      ::shutdown(copy, SHUT_RDWR);
  }
  ::close(copy);
}

ZmqAgentsFigures ZmqAgentsSocket::figures() const {
  return {session_count_, stranger_count_, cut_, outbox_->held(), news_bytes_waiting_};
}

}  // namespace usher::daemon
