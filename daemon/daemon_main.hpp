// usherd's command line and main loop. Main thread.
#pragma once

namespace usher::daemon {

// Returns the exit code.
[[nodiscard]] int run_usherd(int argc, const char* const* argv);

}  // namespace usher::daemon
