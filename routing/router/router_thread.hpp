// RouterThread: runs one Router on a plain thread of its own (rule of threads: it owns its engine; no mutex inside).
#pragma once

#include <functional>
#include <memory>

#include "routing/router/router.hpp"

namespace usher::router {

class RouterThread {
 public:
  RouterThread(RouterOptions options, Router::Ports ports);
  // Stops and joins.
  ~RouterThread();

  // Any thread. `look` runs on the router's thread between two rounds, soon; it must not block. When the router has no
  // engine to show (loading, failed, stopped), `look` gets nullptr.
  void inspect(std::function<void(const engine::Engine*)> look);
  // Any thread; a copy, at most one round old.
  [[nodiscard]] RouterStatus status() const;
  // Any thread: stop after the commit in flight. Returns when drained.
  void stop();

 private:
  struct Runner;
  std::unique_ptr<Runner> runner_;
};

}  // namespace usher::router
