// usherd's command line and main loop. Main thread.
#pragma once

#include "routing/engine/engine.hpp"

namespace usher::daemon {

// Returns the exit code. `engine_version`: what its routers say of themselves in their claims (rule O3); another one is for
// trying how versions take over from each other.
[[nodiscard]] int run_usherd(int argc, const char* const* argv, int engine_version = engine::engine_version);

}  // namespace usher::daemon
