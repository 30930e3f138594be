// Whether a connector stands: its servers are tried with the settings it has, as the daemon reaches them, and nothing is read,
// marked or sent. For `usherctl connectors test`: by usherctl from a file, by the daemon with what it has loaded (ConnectorTries).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "connectors/access_tokens.hpp"
#include "connectors/connector.hpp"

namespace usher::daemon {

using namespace usher::message;

struct Tried {
  bool good = true;
  std::string detail;  // What works, or what is wrong and what to do about it; of each server.
};

// Blocks for some seconds, for each server at most limits of the file, and no longer than a second after a stop. Requires: the
// instance was checked when its configuration was read.
[[nodiscard]] Tried try_connector(const connectors::Instance& instance, connectors::AccessTokens& tokens, const Clock& clock,
                                  const std::stop_token& stop = {});

// One try at a time, on a thread of its own: an operator who asks again and again locks no mailbox out by that, and holds up nobody
// who waits for a worker. Any thread.
class ConnectorTries {
 public:
  using Done = std::function<void(Tried)>;

  // Both outlive it.
  ConnectorTries(connectors::AccessTokens& tokens, const Clock& clock) : tokens_(tokens), clock_(clock) {}
  // As stop().
  ~ConnectorTries() { stop(); }
  ConnectorTries(const ConnectorTries&) = delete;
  ConnectorTries& operator=(const ConnectorTries&) = delete;

  // overloaded: another one is being tried, or it is over; unavailable: no thread is to be had. Else `done` is called, on that thread.
  [[nodiscard]] Result<void> take(std::shared_ptr<const connectors::Instance> instance, Done done);
  // Ends what is being tried within a second or two, and takes no more.
  void stop();

 private:
  // Constant after construction.
  connectors::AccessTokens& tokens_;
  const Clock& clock_;
  std::mutex mutex_;
  // Guarded by mutex_.
  bool busy_ = false, stopped_ = false;
  std::jthread thread_;
};

}  // namespace usher::daemon
