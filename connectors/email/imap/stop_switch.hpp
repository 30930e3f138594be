// Bell and StopSwitch: how one thread ends another's wait on a socket at once. A file descriptor that becomes readable, so
// that it is waited for together with the network. Out of descriptors a bell is silent, and who waits looks now and then. Any
// thread.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>

#include "routing/message/result.hpp"

namespace usher::connectors::email::imap {

using namespace usher::message;

using Deadline = std::chrono::steady_clock::time_point;
inline Deadline in(std::chrono::steady_clock::duration time) { return std::chrono::steady_clock::now() + time; }

class Bell {
 public:
  Bell() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Bell() {
    if (there()) ::close(descriptor_);
  }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  // False: it cannot be heard.
  [[nodiscard]] bool there() const { return descriptor_ >= 0; }
  // When to look again at the latest, for somebody who listens to this bell.
  [[nodiscard]] Deadline look_again(Deadline deadline) const {
    return there() ? deadline : std::min(deadline, in(std::chrono::milliseconds(100)));
  }
  void ring() {
    const std::uint64_t one = 1;
    // Fails only when it has rung 2^64 times, and then it is ringing.
    [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
  }
  void silence() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(descriptor_, &count, sizeof count);
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

// Pulled once, for good.
class StopSwitch {
 public:
  enum class Woken { ready, stopped, silence };

  void pull() {
    pulled_ = true;
    bell_.ring();
  }
  [[nodiscard]] bool pulled() const { return pulled_; }

  // Waits until `descriptor` (-1: none) has one of `events`, or the switch is pulled, or the time is over.
  [[nodiscard]] Woken wait(int descriptor, short events, Deadline deadline) const {
    for (;;) {
      if (pulled_) return Woken::stopped;
      pollfd watched[2] = {{bell_.descriptor(), POLLIN, 0}, {descriptor, events, 0}};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(bell_.look_again(deadline) - std::chrono::steady_clock::now()).count();
      const int count = ::poll(watched, 2, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
      if (pulled_) return Woken::stopped;
      if (count > 0 && watched[1].revents != 0) return Woken::ready;
      if (count < 0 && errno != EINTR) return Woken::silence;
      if (std::chrono::steady_clock::now() >= deadline) return Woken::silence;
    }
  }
  // True: pulled meanwhile.
  bool pause(std::chrono::steady_clock::duration time) const { return wait(-1, 0, in(time)) == Woken::stopped; }

 private:
  std::atomic<bool> pulled_ = false;
  Bell bell_;
};

}  // namespace usher::connectors::email::imap
