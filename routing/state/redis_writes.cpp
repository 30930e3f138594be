// Commits: the arguments of the commit script, handed over at once or, when there are many, staged in a list first.
#include "routing/state/redis_writes.hpp"

#include <string_view>

#include "routing/state/redis_arguments.hpp"
#include "routing/state/redis_limits.hpp"
#include "routing/state/redis_transaction.hpp"

namespace usher::state {

namespace {

void add_tables(RedisCommand& arguments, const std::vector<Change>& changes) {
  const auto all = by_table(changes);
  arguments.keep(std::to_string(all.tables.size()));
  for (const auto& [name, table] : all.tables) {
    std::size_t sets = 0;
    for (const auto* change : table.last) sets += change->value ? 1 : 0;
    arguments.add(name);
    arguments.add(table.drop ? "1" : "0");
    arguments.keep(std::to_string(sets));
    for (const auto* change : table.last) {
      if (!change->value) continue;
      arguments.add(change->key);
      arguments.add(*change->value);
    }
    // Of a dropped table nothing is left to erase.
    arguments.keep(table.drop ? "0" : std::to_string(table.last.size() - sets));
    for (const auto* change : table.last)
      if (!change->value && !table.drop) arguments.add(change->key);
  }
}

bool fits_a_transaction(const Commit& commit, std::size_t bytes_min) {
  const auto bytes = bytes_of(commit);
  const auto arguments = 2 * commit.changes.size() + 5 * commit.bodies.size() + 4 * commit.outbox.size();
  return bytes >= bytes_min && bytes <= redis_limits::commit_bytes_max && arguments <= redis_limits::commit_arguments_max;
}

RedisCommand commit_arguments(const Commit& commit) {
  RedisCommand arguments;
  arguments.keep(std::to_string(commit.before.epoch));
  arguments.keep(std::to_string(commit.before.offset));
  add_meta(arguments, commit.after);
  arguments.keep(commit.outbox_done ? std::to_string(*commit.outbox_done) : std::string());
  add_tables(arguments, commit.changes);
  add_bodies(arguments, commit.bodies, 0, commit.bodies.size());
  arguments.keep(std::to_string(commit.bodies_gone.size()));
  for (const auto conversation : commit.bodies_gone) arguments.keep(conversation.text());
  add_effects(arguments, commit.outbox, 0, commit.outbox.size());
  return arguments;
}

// Appends the arguments to a list that nobody reads, piece by piece. A list left behind erases itself.
Result<void> stage_arguments(const RedisTarget& target, const std::string& key, const RedisCommand& arguments) {
  const auto kept = std::to_string(std::chrono::seconds(redis_limits::staged_kept).count());
  const auto& all = arguments.arguments();
  for (std::size_t first = 0; first < all.size();) {
    std::size_t last = first;
    std::size_t bytes = 0;
    while (last < all.size() && last - first < redis_limits::piece_arguments_max && bytes < redis_limits::piece_bytes_max)
      bytes += all[last++].size();
    RedisCommand push{"RPUSH", key};
    push.append(arguments, first, last);
    std::vector<RedisCommand> commands;
    commands.push_back({"MULTI"});
    commands.push_back(std::move(push));
    commands.push_back({"EXPIRE", key, kept});
    commands.push_back({"EXEC"});
    const auto replies = target.line.ask_all(commands, target.deadline());
    if (!replies) return replies.error();
    for (const auto& reply : *replies)
      if (reply.is_error()) return server_error(reply.view().text());
    if (target.stopping) return fail(Fault::unavailable, "the store is being closed");
    first = last;
  }
  return {};
}

Result<CommitReceipt> write_staged(const RedisTarget& target, const RedisKeys& keys, const RedisCommand& arguments) {
  if (arguments.bytes() > redis_limits::staged_bytes_max)
    return fail(Fault::too_large, "a commit of " + std::to_string(arguments.bytes()) + " bytes");
  const auto staged = keys.staged(fresh_token());
  if (const auto done = stage_arguments(target, staged, arguments); !done) return done.error();
  const RedisCommand count{std::to_string(arguments.arguments().size())};
  auto reply = target.line.run(RedisScript::commit, {keys.meta(), staged}, count,
                               RedisDeadline::in(redis_limits::large_answer_within));
  if (!reply) return reply.error();
  return script_outcome(reply->view());
}

}  // namespace

Result<CommitReceipt> write_commit(const RedisTarget& target, const Commit& commit, CommitForm form) {
  const auto keys = target.keys(commit.partition);
  const auto deadline = target.deadline();
  if (form == CommitForm::transaction || (form == CommitForm::by_size && fits_a_transaction(commit, target.transaction_bytes_min))) {
    const auto committed = write_transaction(target, keys, commit, deadline);
    if (!committed) return committed.error();
    if (*committed) return **committed;
  }
  const auto arguments = commit_arguments(commit);
  if (form == CommitForm::staged || arguments.arguments().size() > redis_limits::commit_arguments_max ||
      arguments.bytes() > redis_limits::commit_bytes_max)
    return write_staged(target, keys, arguments);
  auto reply = target.line.run(RedisScript::commit, {keys.meta()}, arguments, deadline);
  if (!reply) return reply.error();
  return script_outcome(reply->view());
}

Result<CommitReceipt> script_outcome(RedisView answer) {
  const auto word = answer.size() > 0 ? answer.at(0).text() : std::string_view();
  const auto part = [&](std::size_t i) { return std::string(i < answer.size() ? answer.at(i).text() : ""); };
  if (word == "OK") return CommitReceipt{};
  if (word == "CONFLICT")
    return fail(Fault::conflict, answer.size() == 3 ? "the stored position is epoch " + part(1) + ", offset " + part(2)
                                                    : "there is no state");
  if (word == "DAMAGED")
    return fail(Fault::malformed, "the state in Redis is damaged: " + part(1) + " is not what was written there");
  return fail(Fault::unavailable, "what was staged in Redis is gone or incomplete");
}

Result<void> write_first_meta(const RedisTarget& target, Partition partition) {
  const auto keys = target.keys(partition);
  const RedisCommand generation{fresh_token()};
  const auto reply = target.line.run(RedisScript::initialise, {keys.meta()}, generation, target.deadline());
  if (!reply) return reply.error();
  const auto outcome = script_outcome(reply->view());
  if (!outcome) return outcome.error().fault == Fault::conflict
                           ? fail(Fault::conflict, "the partition has a state already") : outcome.error();
  // Of a state whose meta somebody erased; what stands there is found no other way.
  const auto swept = target.line.run(RedisScript::sweep, {keys.meta()}, generation, target.deadline());
  if (!swept) return swept.error();
  return {};
}

Result<int> write_attempt(const RedisTarget& target, Partition partition, Offset at) {
  const RedisCommand arguments{std::to_string(at)};
  const auto reply = target.line.run(RedisScript::count_attempt, {target.keys(partition).attempts()}, arguments,
                                     target.deadline());
  if (!reply) return reply.error();
  return static_cast<int>(reply->view().integer());
}

}  // namespace usher::state
