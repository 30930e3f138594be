// OfferLog: the agents' side of an embedded benchmark: takes the frames that leave the router and notes who was offered
// which message when. send() runs on the router's thread; the rest on the benchmark's.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "routing/delivery/delivery.hpp"
#include "tests/bench/centre.hpp"
#include "tests/bench/samples.hpp"

namespace usher::bench {

struct Offered {
  AgentId agent;
  std::uint32_t times = 0;
  Steady::time_point at;
};

class OfferLog final : public delivery::Delivery {
 public:
  explicit OfferLog(std::size_t messages) : offered_(messages) {}

  void send(const engine::AgentFrame& frame) override;
  void service(bool) override {}  // Nothing fails here.

  // Waits until so many offers, or so many agents said to be available, have come; gives up after a minute.
  void wait_for_offers(std::size_t count) { wait(offers_, count); }
  void wait_for_agents(std::size_t count) { wait(agents_, count); }
  [[nodiscard]] std::size_t offers() const;

  // Requires: the router is stopped, or all offers have come.
  [[nodiscard]] const std::vector<Offered>& offered() const { return offered_; }
  [[nodiscard]] std::size_t strangers() const { return strangers_; }

 private:
  void wait(const std::size_t& counter, std::size_t count);
  void count(std::size_t& counter);

  std::vector<Offered> offered_;  // By number of the message. Router's thread, until all have come.
  std::size_t strangers_ = 0;     // Offers of messages that are none of ours.
  mutable std::mutex mutex_;
  std::condition_variable reached_;
  // Guarded by mutex_.
  std::size_t offers_ = 0;
  std::size_t agents_ = 0;
  std::size_t awaited_ = 0;
};

}  // namespace usher::bench
