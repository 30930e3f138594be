// Reloader: reads the configuration again when SIGHUP asks for it, on a thread of its own, since a reload may wait for
// the router and the main thread has signals to hear and a watchdog to feed. One reload is under way and one waits at
// most: the second reads the file after every signal that it answers, so more would say nothing new.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace usher::daemon {

class Reloader {
 public:
  // `reload` says whether it was done; `notify` is systemd's (systemd_notify.hpp). Both run on the reloader's thread.
  Reloader(std::function<bool()> reload, std::function<void(std::string_view)> notify);
  // close(), then waits for the one under way.
  ~Reloader();

  // Any thread; returns at once.
  void ask();
  // Drops the one that waits, starts none any more, and says nothing more to systemd, which hears of the stop instead.
  // Does not wait for the one under way. Any thread.
  void close();

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace usher::daemon
