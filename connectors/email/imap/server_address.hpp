// Where a mail server is: its name looked up, within a deadline. The system's look-up cannot be interrupted, so it runs on a
// thread that is left behind when nobody waits any more; it ends by the resolver's own time limits. Any thread.
#pragma once

#include <string>
#include <vector>

#include <sys/socket.h>

#include "connectors/email/imap/stop_switch.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors::email::imap {

struct ServerAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] bool is_loopback() const;
};

// 8 at most, as the system prefers them.
[[nodiscard]] Result<std::vector<ServerAddress>> resolve(const std::string& host, int port, const StopSwitch& stop, Deadline deadline);
[[nodiscard]] std::string error_text(int number);

}  // namespace usher::connectors::email::imap
