// The version that programs, metrics and /v1/status name. The one place: CMakeLists.txt's project() follows it.
#pragma once

namespace usher::daemon {

inline constexpr const char* version = "0.1.0";

}  // namespace usher::daemon
