// RedisStore: tracked state in Redis, through hiredis. One Lua script a commit on one hash tag a partition; layout in
// docs/redis.md. Commits run on a thread of the store's; reads on the caller's, over a few connections.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "routing/message/limits.hpp"
#include "routing/state/redis_limits.hpp"
#include "routing/state/leases.hpp"
#include "routing/state/state_store.hpp"

namespace usher::state {

struct RedisOptions {
  // One of: host and port; unix_socket; sentinels and sentinel_name.
  std::string host;
  std::uint16_t port = 6379;
  std::string unix_socket;
  std::vector<std::string> sentinels;  // host:port
  std::string sentinel_name;
  std::string user;                    // ACL user; empty: the default user.
  std::string password;
  int database = 0;
  std::string key_prefix = "usher:v1";
  Milliseconds connect_within{1'000};
  Milliseconds answer_within = limits::state_answer_within;
  // Of no effect: texts are erased with their conversation, as the port demands (rules S5, X6).
  Milliseconds bodies_kept_for{30LL * 24 * 3'600'000};
  // For gateways and edges, whose user may not write: what writes answers `unauthorised`.
  bool read_only = false;
  // Commits of so many bytes or more are transactions; 0: all, to try them.
  std::size_t transaction_bytes_min = redis_limits::transaction_bytes_min;
};

class RedisStore final : public StateStore {
 public:
  // Connects and checks the server (rule S3), also by doing everything once on keys of no partition. unavailable: nobody
  // answers, or it is a read-only replica. malformed: maxmemory-policy is not noeviction, user or password are wrong, or
  // the user may not do what is needed; in words.
  [[nodiscard]] static Result<std::unique_ptr<RedisStore>> open(RedisOptions options);
  ~RedisStore() override;

  [[nodiscard]] Result<void> initialise(Partition partition) override;
  [[nodiscard]] Result<std::optional<Meta>> load_meta(Partition partition) override;
  [[nodiscard]] Result<Loaded> load(Partition partition) override;
  [[nodiscard]] Result<std::vector<OutboxEntry>> outbox(Partition partition) override;
  void commit(Commit commit, CommitDone done) override;
  void rewrite(Rewrite rewrite, CommitDone done) override;
  [[nodiscard]] Result<TextsPage> texts_held(Partition partition, const std::string& from, std::size_t limit) override;
  [[nodiscard]] bool checks_texts() const override { return true; }
  [[nodiscard]] Result<int> count_attempt(Partition partition, Offset at) override;
  [[nodiscard]] Result<std::vector<Body>> bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                                 std::size_t limit) override;
  [[nodiscard]] Result<std::optional<Body>> body(Partition partition, MessageId id) override;
  [[nodiscard]] Result<std::optional<std::string>> entity(Partition partition, const std::string& table,
                                                          const std::string& key) override;

  // What the server does not promise, a sentence each: appendonly off, appendfsync everysec …
  [[nodiscard]] std::vector<std::string> weaknesses() const;

 private:
  struct Parts;
  explicit RedisStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Leases in Redis: usher:v1:lease:NAME, with the time in the key's own expiry.
class RedisLeases final : public Leases {
 public:
  // Connects at the first call.
  explicit RedisLeases(RedisOptions options);
  ~RedisLeases() override;
  [[nodiscard]] Result<bool> hold(const Lease& lease, Milliseconds time) override;
  [[nodiscard]] Result<void> release(const std::string& name, const std::string& holder) override;
  [[nodiscard]] Result<std::vector<Lease>> held(const std::string& prefix) override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace usher::state
