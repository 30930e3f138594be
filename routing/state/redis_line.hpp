// RedisLine: a connection that comes back. It is dialled when it is needed, thrown away after a missed deadline, and a
// script that the server does not know is loaded again. One thread at a time; RedisPool lends lines to many.
#pragma once

#include <array>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "routing/state/redis_dialer.hpp"
#include "routing/state/redis_scripts.hpp"

namespace usher::state {

class RedisLine {
 public:
  // `dialer` outlives it.
  explicit RedisLine(RedisDialer& dialer) : dialer_(dialer) {}

  // An error that the server answers is an error here.
  [[nodiscard]] Result<RedisReply> ask(const RedisCommand& command, RedisDeadline deadline);
  // Errors of the server stand among the answers.
  [[nodiscard]] Result<std::vector<RedisReply>> ask_all(const std::vector<RedisCommand>& commands, RedisDeadline deadline);
  [[nodiscard]] Result<RedisReply> run(RedisScript script, const std::vector<std::string>& keys,
                                       const RedisCommand& arguments, RedisDeadline deadline);

  // For transactions, whose WATCH lasts as long as a connection: `commands` over the connection of the call before. It never dials:
  // without that connection, `unavailable`.
  [[nodiscard]] Result<std::vector<RedisReply>> ask_there(const RedisPipeline& commands, RedisDeadline deadline);
  // By what name the server knows a script, on a connection that is there then.
  [[nodiscard]] Result<std::string> hash_of(RedisScript script, RedisDeadline deadline);
  // It does not any more.
  void forget(RedisScript script) { hashes_[static_cast<std::size_t>(script)].clear(); }
  // What a caller remembers of the server while this connection lasts; empty at its beginning.
  struct Notes {
    std::map<std::string, std::string> generations;  // By key of the meta they stand in.
  };
  [[nodiscard]] Notes& notes() { return notes_; }
  // The user, or the server, does not allow what transactions need; remembered for good.
  [[nodiscard]] bool may_transact() const { return may_transact_; }
  void refuse_transactions() { may_transact_ = false; }
  // The next call dials.
  void drop() { connection_.reset(); }

 private:
  [[nodiscard]] Result<void> connect(RedisDeadline deadline);
  [[nodiscard]] Result<void> load(RedisScript script, RedisDeadline deadline);
  // Without an answer the connection is of no use any more.
  template <class T>
  Result<T> judged(Result<T> outcome);

  RedisDialer& dialer_;
  std::optional<RedisConnection> connection_;
  Notes notes_;
  bool may_transact_ = true;
  std::array<std::string, redis_script_count> hashes_;  // As the server named them.
};

class RedisPool {
 public:
  // `dialer` outlives it.
  explicit RedisPool(RedisDialer& dialer) : dialer_(dialer) {}

  // Lent for the life of this object.
  class Loan {
   public:
    Loan(RedisPool& pool, std::unique_ptr<RedisLine> line) : pool_(&pool), line_(std::move(line)) {}
    ~Loan();
    Loan(Loan&&) = default;
    Loan& operator=(Loan&&) = delete;
    RedisLine& operator*() const { return *line_; }
    RedisLine* operator->() const { return line_.get(); }

   private:
    RedisPool* pool_;
    std::unique_ptr<RedisLine> line_;
  };
  // overloaded: all lines are lent until the deadline.
  [[nodiscard]] Result<Loan> borrow(RedisDeadline deadline);

 private:
  void give_back(std::unique_ptr<RedisLine> line);

  RedisDialer& dialer_;
  std::mutex mutex_;
  std::condition_variable returned_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<RedisLine>> free_;
  std::size_t made_ = 0;
};

}  // namespace usher::state
