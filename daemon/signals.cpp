// Signals on sigtimedwait.
#include "daemon/signals.hpp"

#include <csignal>
#include <ctime>

namespace usher::daemon {
namespace {

sigset_t taken_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void block_signals() {
  const auto set = taken_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Signal wait_for_signal(std::chrono::milliseconds patience) {
  const auto set = taken_signals();
  timespec wait{};
  wait.tv_sec = static_cast<time_t>(patience.count() / 1000);
  wait.tv_nsec = static_cast<long>(patience.count() % 1000) * 1'000'000;
  const int number = ::sigtimedwait(&set, nullptr, &wait);
  if (number == SIGHUP) return Signal::reload;
  if (number == SIGTERM || number == SIGINT) return Signal::stop;
  return Signal::none;
}

}  // namespace usher::daemon
