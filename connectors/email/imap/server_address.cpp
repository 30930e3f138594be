// The look-up of a name; see server_address.hpp.
#include "connectors/email/imap/server_address.hpp"

#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

#include <netdb.h>
#include <netinet/in.h>

namespace usher::connectors::email::imap {

namespace {

constexpr std::size_t addresses_max = 8;

struct Lookup {
  Lookup(std::string host_of, std::string port_of) : host(std::move(host_of)), port(std::move(port_of)) {}

  const std::string host, port;
  // Written before the bell, read after it.
  std::vector<ServerAddress> found{};
  int error = 0;
  Bell done{};
};

void look_up(Lookup& lookup, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* list = nullptr;
  lookup.error = ::getaddrinfo(lookup.host.c_str(), lookup.port.c_str(), &hints, &list);
  if (lookup.error != 0) return;
  for (const addrinfo* item = list; item != nullptr && lookup.found.size() < addresses_max; item = item->ai_next) {
    ServerAddress address;
    std::memcpy(&address.storage, item->ai_addr, item->ai_addrlen);
    address.size = item->ai_addrlen;
    lookup.found.push_back(address);
  }
  ::freeaddrinfo(list);
}

}  // namespace

bool ServerAddress::is_loopback() const {
  if (family() == AF_INET) return (ntohl(reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr) >> 24) == 127;
  return family() == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr);
}

Result<std::vector<ServerAddress>> resolve(const std::string& host, int port, const StopSwitch& stop, Deadline deadline) {
  const auto lookup = std::make_shared<Lookup>(host, std::to_string(port));
  // What is an address already is no question to anybody.
  look_up(*lookup, AI_NUMERICHOST);
  if (lookup->error == 0) return std::move(lookup->found);
  lookup->error = 0;
  if (!lookup->done.there()) return fail(Fault::unavailable, "no descriptor to look up " + host);
  try {
    std::thread([lookup] {
      look_up(*lookup, AI_ADDRCONFIG);
      lookup->done.ring();
    }).detach();
  } catch (const std::system_error&) {
    return fail(Fault::unavailable, "no thread to look up " + host);
  }
  switch (stop.wait(lookup->done.descriptor(), POLLIN, deadline)) {
    case StopSwitch::Woken::stopped: return fail(Fault::unavailable, "stopped");
    case StopSwitch::Woken::silence: return fail(Fault::unavailable, "the name " + host + " is not answered for in time");
    default: break;
  }
  lookup->done.silence();  // Reading what the other thread wrote orders what it did before; being woken alone does not.
  if (lookup->error != 0)
    return fail(Fault::unavailable, "the name " + host + " cannot be resolved: " + ::gai_strerror(lookup->error));
  return std::move(lookup->found);
}

std::string error_text(int number) { return std::generic_category().message(number); }

}  // namespace usher::connectors::email::imap
