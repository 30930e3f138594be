// Stops a process of a test until SIGCONT. kill() returns as soon as one of its threads is to stop; on a busy machine that one waits for
// a processor first, and the others go on and answer meanwhile.
#pragma once

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "routing/message/result.hpp"

namespace usher::testing {

inline bool all_threads_stand_still(int process) {
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task", gone)) {
    std::ifstream stat(thread.path() / "stat");
    const std::string line((std::istreambuf_iterator<char>(stat)), {});
    // The name before the state may have brackets of its own; a thread that ended meanwhile has no line.
    const auto name_end = line.rfind(") ");
    if (name_end != std::string::npos && line[name_end + 2] != 'T') return false;
  }
  return true;
}

// Returns when no thread of it runs any more: from then on it answers nothing.
inline void pause_process(int process) {
  message::expect(::kill(process, SIGSTOP) == 0, "a process of a test can be paused");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!all_threads_stand_still(process)) {
    message::expect(std::chrono::steady_clock::now() < until, "a paused process stands still");
    std::this_thread::yield();
  }
}

}  // namespace usher::testing
