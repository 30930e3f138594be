// Which network addresses belong to nobody else: loopback, private networks and all that is not the public internet.
// Egress refuses to connect to them, so that a webhook address cannot be used to reach into the operator's own network
// (CWE-918). The check is made on the address connected to, after the name was resolved. Pure: any thread.
#pragma once

#include <sys/socket.h>

namespace usher::connectors {

// True only for unicast addresses of the public internet; false for anything else, other families included.
[[nodiscard]] bool is_public_address(const sockaddr& address);
// 127.0.0.0/8 and ::1: where plain text is nobody else's to read.
[[nodiscard]] bool is_loopback_address(const sockaddr& address);

}  // namespace usher::connectors
