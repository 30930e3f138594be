// Checks at opening. What the user may do is found by doing all of it once: what an access list means is the server's to say.
#include "routing/state/redis_checks.hpp"

#include <algorithm>
#include <map>
#include <random>

#include "routing/state/redis_reads.hpp"

namespace usher::state {

namespace {

using Facts = std::map<std::string, std::string>;

// CONFIG may be forbidden, at hosted servers for one; INFO says the same of the policy, and less of the rest.
Result<Facts> ask_config(RedisLine& line, RedisDeadline deadline) {
  Facts facts;
  for (const char* name : {"maxmemory-policy", "appendonly", "appendfsync"}) {
    const auto reply = line.ask(RedisCommand{"CONFIG", "GET", name}, deadline);
    if (!reply) return reply.error();
    if (reply->view().size() == 2) facts[name] = reply->view().at(1).text();
  }
  return facts;
}

Result<Facts> ask_info(RedisLine& line, RedisDeadline deadline) {
  Facts facts;
  const std::pair<const char*, std::string> wanted[] = {{"maxmemory-policy", "maxmemory_policy:"},
                                                        {"appendonly", "aof_enabled:"}};
  const auto memory = line.ask(RedisCommand{"INFO", "memory"}, deadline);
  if (!memory) return memory.error();
  const auto persistence = line.ask(RedisCommand{"INFO", "persistence"}, deadline);
  if (!persistence) return persistence.error();
  const auto text = std::string(memory->view().text()) + std::string(persistence->view().text());
  for (const auto& [name, word] : wanted) {
    const auto begin = text.find("\n" + word);
    if (begin == std::string::npos) continue;
    const auto value = begin + 1 + word.size();
    facts[name] = text.substr(value, text.find_first_of("\r\n", value) - value);
  }
  if (facts["appendonly"] == "1") facts["appendonly"] = "yes";
  if (facts["appendonly"] == "0") facts["appendonly"] = "no";
  return facts;
}

std::vector<std::string> weaknesses_of(Facts facts) {
  std::vector<std::string> found;
  if (facts["appendonly"] != "yes")
    found.push_back("Redis writes no append-only file: a restart of Redis loses the tracked state, and it is made anew");
  else if (facts["appendfsync"].empty())
    found.push_back("Redis may not be asked how often it syncs its append-only file");
  else if (facts["appendfsync"] == "everysec")
    found.push_back("Redis syncs once a second: a loss of power takes the last second back, and it is made anew");
  else if (facts["appendfsync"] != "always")
    found.push_back("Redis leaves syncing to the system (appendfsync no): a loss of power takes back what it will");
  return found;
}

Error not_allowed(const std::string& what, const Error& error) {
  if (error.fault != Fault::unauthorised) return error;
  return fail(Fault::malformed, "the Redis user may not do what is needed to " + what + ": " + error.detail);
}

Rewrite probe_rewrite(Partition partition, Position before) {
  Rewrite rewrite;
  rewrite.partition = partition;
  rewrite.before = before;
  rewrite.entities = {{"probe", "key", "value"}};
  return rewrite;
}

Commit probe_commit(Partition partition) {
  Commit commit;
  commit.partition = partition;
  commit.after.position = {1, 1};
  commit.changes = {{"probe", "one", "value"}, {"gone", "*", std::nullopt}, {"probe", "two", std::nullopt}};
  commit.bodies = {Body{{1, 1}, 0, {1, 1}, "{}"}};
  commit.bodies_gone = {ConversationId{1, 1}};
  commit.outbox = {OutboxEntry{1, 0, Stream::events, {"probe", "probe", "{}"}}};
  commit.outbox_done = 1;
  return commit;
}

// What no partition has leaves with its generations.
Result<void> erase_partition(const RedisTarget& target, Partition partition) {
  const auto keys = target.keys(partition);
  const auto erased = target.line.ask(RedisCommand{"UNLINK", keys.meta(), keys.attempts()}, target.deadline());
  if (!erased) return erased.error();
  const auto swept = target.line.run(RedisScript::sweep, {keys.meta()}, RedisCommand{""}, target.deadline());
  if (!swept) return swept.error();
  return {};
}

// An older users.acl does not allow all of it; commits go by the script alone then.
Result<void> try_transaction(const RedisTarget& target, Partition partition) {
  auto commit = probe_commit(partition);
  commit.before = {1, 1};
  if (const auto done = write_commit(target, commit, CommitForm::transaction); !done) return not_allowed("commit in a transaction", done.error());
  return {};
}

// Everything a router does, on keys of a partition of nobody's.
Result<void> try_writes(const RedisTarget& target, Partition partition) {
  if (const auto made = write_first_meta(target, partition); !made) return not_allowed("begin a state", made.error());
  const auto commit = probe_commit(partition);
  if (const auto done = write_commit(target, commit); !done) return not_allowed("commit", done.error());
  if (const auto done = try_transaction(target, partition); !done) return done;
  auto large = probe_commit(partition);
  large.before = {1, 1};
  if (const auto done = write_commit(target, large, CommitForm::staged); !done) return not_allowed("stage a large commit", done.error());
  const auto rewrite = probe_rewrite(partition, {1, 1});
  if (const auto done = write_rewrite(target, rewrite); !done) return not_allowed("rewrite a state", done.error());
  for (int i = 0; i < 2; ++i)
    if (const auto counted = write_attempt(target, partition, 1); !counted)
      return not_allowed("count attempts", counted.error());
  if (const auto held = read_texts_held(target.line, target.keys(partition), "", 1, target.deadline()); !held)
    return not_allowed("find texts that nobody knows", held.error());
  return {};
}

Result<void> try_reads(const RedisTarget& target, Partition partition) {
  const auto keys = target.keys(partition);
  const auto deadline = target.deadline();
  if (const auto loaded = read_state(target.line, keys, target.answer_within);
      !loaded && loaded.error().fault != Fault::not_found)
    return not_allowed("load a state", loaded.error());
  if (const auto scanned = target.line.ask(RedisCommand{"HSCAN", keys.meta(), "0"}, deadline); !scanned)
    return not_allowed("load a large state", scanned.error());
  if (const auto bodies = read_bodies(target.line, keys, {1, 1}, 1, 1, deadline); !bodies)
    return not_allowed("read texts", bodies.error());
  if (const auto lease = target.line.ask(RedisCommand{"GET", keys.message("probe")}, deadline); !lease)
    return not_allowed("look at leases", lease.error());
  if (const auto body = read_body(target.line, keys, {1, 1}, deadline); !body)
    return not_allowed("read a text", body.error());
  if (const auto entity = read_entity(target.line, keys, "probe", "key", deadline); !entity)
    return not_allowed("read an entity", entity.error());
  return {};
}

}  // namespace

Result<RedisStanding> check_server(const RedisTarget& target, bool may_write) {
  auto facts = ask_config(target.line, target.deadline());
  if (!facts && facts.error().fault == Fault::unauthorised) facts = ask_info(target.line, target.deadline());
  if (!facts) return not_allowed("ask for its settings", facts.error());
  const auto policy = (*facts)["maxmemory-policy"];
  if (policy.empty()) return fail(Fault::malformed, "Redis does not say what it does when its memory is full");
  if (policy != "noeviction")
    return fail(Fault::malformed, "Redis may throw away parts of the state: maxmemory-policy is " + policy +
                                      " and must be noeviction");
  // Negative: no partition of a journal. Random: of this opening only.
  std::random_device source;
  const auto partition = -1 - static_cast<Partition>(source() & 0x3fffffffU);
  Result<void> tried = may_write ? try_writes(target, partition) : Result<void>();
  if (tried) tried = try_reads(target, partition);
  if (may_write)
    if (const auto erased = erase_partition(target, partition); tried && !erased) tried = erased;
  if (!tried) return tried.error();
  auto weak = weaknesses_of(std::move(*facts));
  if (may_write && !target.line.may_transact())
    weak.push_back("the Redis user may not do both WATCH and MSET (deploy/redis/users.acl has them): commits of many messages cost Redis twice as much");
  return RedisStanding{std::move(weak)};
}

}  // namespace usher::state
