// A server, a store on it, and the short forms the Redis tests are written in.
#pragma once

#include <catch2/catch.hpp>
#include <future>

#include "tests/journal/show_result.hpp"
#include "tests/state/redis_server.hpp"

namespace usher::testing {

using namespace usher::state;

inline std::unique_ptr<RedisStore> open_store(const RedisOptions& options) {
  auto opened = RedisStore::open(options);
  INFO((opened ? "" : opened.error().detail));
  REQUIRE(opened);
  return std::move(*opened);
}

inline Commit step(Position before, Offset offset, std::vector<Change> changes = {}) {
  Commit commit;
  commit.before = before;
  commit.after.position = {0, offset};
  commit.changes = std::move(changes);
  return commit;
}

template <class Work>
std::future<Result<CommitReceipt>> begin(void (RedisStore::*call)(Work, CommitDone), RedisStore& store, Work work) {
  auto answer = std::make_shared<std::promise<Result<CommitReceipt>>>();
  auto future = answer->get_future();
  (store.*call)(std::move(work), [answer](const Result<CommitReceipt>& outcome) { answer->set_value(outcome); });
  return future;
}
inline Result<CommitReceipt> commit(RedisStore& store, Commit work) {
  return begin(&RedisStore::commit, store, std::move(work)).get();
}
inline Result<CommitReceipt> rewrite(RedisStore& store, Rewrite work) {
  return begin(&RedisStore::rewrite, store, std::move(work)).get();
}

// A server with a state of some entities at (0, 1), an effect and a text.
struct RedisFixture {
  enum class Commits { by_size, by_transactions };
  explicit RedisFixture(RedisServer::Door door = RedisServer::Door::unix_socket, Commits commits = Commits::by_size)
      : server(door), store(open_store(options(server, commits))) {
    REQUIRE(store->initialise(0));
    auto first = step({}, 1, {{"agents", "ana", "1"}, {"agents", "ben", "1"}, {"queues", "support", "1"}});
    first.bodies = {Body{{1, 1}, 0, {9, 10}, "{}"}};
    first.outbox = {OutboxEntry{1, 0, Stream::events, {"0/1/0", "t", "v"}}};
    REQUIRE(commit(*store, first));
  }
  explicit RedisFixture(Commits commits) : RedisFixture(RedisServer::Door::unix_socket, commits) {}
  [[nodiscard]] static RedisOptions options(const RedisServer& server, Commits commits) {
    auto wanted = server.options();
    if (commits == Commits::by_transactions) wanted.transaction_bytes_min = 0;
    return wanted;
  }
  [[nodiscard]] std::string generation() const { return server.ask({"HGET", "usher:v1:{0}:meta", "generation"}); }
  [[nodiscard]] std::string table(const std::string& name) const { return "usher:v1:{0}:g" + generation() + ":table:" + name; }
  // Everything there is, as one text: equal texts, nothing changed.
  [[nodiscard]] std::string everything() const {
    return server.ask({"EVAL",
                       "local all = {} for _, key in ipairs(redis.call('KEYS', '*')) do "
                       "all[#all + 1] = key .. ' ' .. redis.call('TYPE', key).ok .. ' ' .. redis.sha1hex(redis.call('DUMP', key)) end "
                       "table.sort(all) return table.concat(all, '\\n')",
                       "0"});
  }

  RedisServer server;
  std::unique_ptr<RedisStore> store;
};

}  // namespace usher::testing
