// The real servers that a benchmark of the server form runs against, as tests/bench/server_form.py started them and says on
// the command line; and what is only done to them between two slices: new topics, an emptied Redis, a look at their work.
#pragma once

#include "routing/journal/kafka_journal.hpp"
#include "routing/state/redis_store.hpp"
#include "tests/bench/samples.hpp"

namespace usher::bench {

class BenchServers {
 public:
  // --brokers HOST:PORT --broker-pid N --redis-socket FILE --redis-folder FOLDER (with the users' passwords)
  explicit BenchServers(const Options& options);

  // Topics with names never used before, one partition each; they exist when this returns.
  [[nodiscard]] journal::KafkaOptions fresh_topics();
  void delete_topics(const journal::KafkaOptions& kafka) const;
  [[nodiscard]] state::RedisOptions redis() const;
  void flush_redis() const;

  // Processor time that each has used so far.
  [[nodiscard]] double broker_cpu_us() const;
  [[nodiscard]] double redis_cpu_us() const;

 private:
  [[nodiscard]] std::string ask_redis(std::initializer_list<std::string_view> command) const;

  std::string brokers_;
  int broker_pid_;
  std::string redis_socket_;
  std::string password_, operator_password_;
  int topics_made_ = 0;
};

}  // namespace usher::bench
