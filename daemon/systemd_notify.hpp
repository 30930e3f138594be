// systemd's notification protocol (sd_notify(3)), spoken directly: one datagram to $NOTIFY_SOCKET. Without the variable
// every call does nothing. Any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace usher::daemon {

// `state`: lines such as "READY=1\nSTATUS=routing". False when there is a socket and it took nothing.
bool notify_systemd(std::string_view state);

// How often WATCHDOG=1 is expected; none: no watchdog, or it is not meant for this process.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace usher::daemon
