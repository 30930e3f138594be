// ServerWorld: a whole Usher of the server form in one process: the journal in a real Kafka, the state in a real Redis, the
// real router on its thread with the follower that writes snapshots beside it, and agents who are always free.
#pragma once

#include <memory>

#include "routing/router/router_thread.hpp"
#include "routing/router/snapshot_maker.hpp"
#include "tests/bench/bench_servers.hpp"
#include "tests/bench/offered_load.hpp"

namespace usher::bench {

class ServerWorld {
 public:
  // Topics of its own and an emptied Redis. `follower`: as the daemon has it.
  ServerWorld(BenchServers& servers, const Centre& centre, std::size_t messages, bool follower = true);
  // Its topics are deleted.
  ~ServerWorld();
  ServerWorld(const ServerWorld&) = delete;
  ServerWorld& operator=(const ServerWorld&) = delete;

  void sign_in();
  // Requires: neither stopped nor started anew.
  [[nodiscard]] OfferedLoad& load() { return *load_; }
  [[nodiscard]] const journal::KafkaOptions& kafka() const { return kafka_; }
  [[nodiscard]] journal::KafkaJournal& journal() { return *journal_; }
  [[nodiscard]] OfferLog& log() { return log_; }
  [[nodiscard]] router::RouterStatus status() const { return router_->status(); }
  [[nodiscard]] double messages_per_commit() const;

  // The router ends in order, its last snapshot is durable, and journal and store are closed.
  void stop();
  // Others in their place, as a process that was started anew. It routes some time later.
  void start();

  // Stops, and ends the program unless everything is as it must be (OfferedLoad::audit).
  void audit();

 private:
  BenchServers& servers_;
  const bool follower_;
  const journal::KafkaOptions kafka_;
  SystemClock clock_;
  OfferLog log_;
  int lives_ = 0;
  std::unique_ptr<OfferedLoad> load_;  // Outlives the journal, whose threads count in it.
  std::unique_ptr<journal::KafkaJournal> journal_;
  std::unique_ptr<state::RedisStore> store_;
  std::unique_ptr<router::RouterThread> router_;
  std::unique_ptr<router::SnapshotMaker> snapshots_;
  router::RouterStatus ready_;  // When all agents were signed in.
};

}  // namespace usher::bench
