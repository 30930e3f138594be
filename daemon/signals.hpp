// Signals: taken by waiting for them, never by a handler that interrupts a thread. block_signals() runs first in main, so
// that every thread inherits the mask and only the waiting thread sees one. Main thread.
#pragma once

#include <chrono>

namespace usher::daemon {

enum class Signal { none, reload, stop };

// SIGTERM and SIGINT stop, SIGHUP reloads; SIGPIPE is ignored: a closed peer is an error code, not a death.
void block_signals();

// The next signal, or none after `patience`.
[[nodiscard]] Signal wait_for_signal(std::chrono::milliseconds patience);

}  // namespace usher::daemon
