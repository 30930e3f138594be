// usherctl as a function, so that tests call it like the shell does.
#pragma once

namespace usher::daemon {

// Returns the exit code.
[[nodiscard]] int run_usherctl(int argc, const char* const* argv);

}  // namespace usher::daemon
