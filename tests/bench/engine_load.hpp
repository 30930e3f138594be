// EngineLoad: an engine alone, driven record by record: a centre whose agents all work, and a queue that stays as long as
// it is. Checks every assignment by itself. One thread.
#pragma once

#include <deque>
#include <unordered_map>
#include <vector>

#include "routing/engine/engine.hpp"
#include "tests/bench/centre.hpp"

namespace usher::bench {

class EngineLoad {
 public:
  explicit EngineLoad(const Centre& centre);

  // So many customers write; nobody is signed in yet, so they wait.
  void write(std::size_t messages);
  // Every agent signs in and takes the work it is offered.
  void sign_in();
  // A customer writes, an agent closes a conversation and accepts the next: one conversation in, one out.
  void turn();

  [[nodiscard]] const engine::Engine& engine() const { return engine_; }
  [[nodiscard]] std::uint64_t records() const { return static_cast<std::uint64_t>(offset_); }
  [[nodiscard]] std::uint64_t offers() const { return offers_; }
  [[nodiscard]] std::uint64_t waiting() const;
  // Ends the program when the engine broke a rule; costly.
  void check() const;

 private:
  struct Work {
    AgentId agent;
    ConversationId conversation;
  };
  void apply(Record record);
  void offered(const AgentId& agent, const engine::OfferView& offer);
  void accept_offers();

  const Centre& centre_;
  engine::Engine engine_;
  Offset offset_ = 0;
  Instant now_ = from_unix_ms(1'790'000'000'000);
  std::uint64_t written_ = 0;
  std::uint64_t commands_ = 0;
  std::uint64_t offers_ = 0;
  std::vector<bool> assigned_;  // By number of the message.
  std::deque<std::pair<Work, OfferId>> to_accept_;
  std::deque<Work> at_work_;
};

}  // namespace usher::bench
