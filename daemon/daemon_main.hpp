// usherd's command line and main loop. Main thread.
#pragma once

namespace usher::daemon {

// Returns the exit code.
[[nodiscard]] int run_usherd(int argc, const char* const* argv);
// Its routers claim with another engine version than theirs (rule O3): for trying how versions take over from each other.
[[nodiscard]] int run_usherd_as(int engine_version, int argc, const char* const* argv);

}  // namespace usher::daemon
