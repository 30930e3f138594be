// write_transaction(): two exchanges over one connection.
#include "routing/state/redis_transaction.hpp"

#include <algorithm>

#include "routing/state/redis_arguments.hpp"

namespace usher::state {

namespace {

using Attempt = Result<std::optional<CommitReceipt>>;

class Transaction {
 public:
  Transaction(const RedisTarget& target, const RedisKeys& keys, const Commit& commit, RedisDeadline deadline)
      : target_(target), keys_(keys), commit_(commit), tables_(by_table(commit.changes)), deadline_(deadline) {}

  Attempt run() {
    if (!target_.line.may_transact() || !usual()) return std::optional<CommitReceipt>();
    if (const auto known = know_generation(); !known) return known.error();
    if (generation_.empty()) return std::optional<CommitReceipt>();
    // All that may dial comes before WATCH: what is written must go over the connection that watches.
    const auto look_hash = target_.line.hash_of(RedisScript::look, deadline_);
    if (!look_hash) return look_hash.error();
    const auto settle_hash = target_.line.hash_of(RedisScript::settle, deadline_);
    if (!settle_hash) return settle_hash.error();
    const auto clear = look(*look_hash);
    if (!clear) return clear.error();
    if (!*clear) return std::optional<CommitReceipt>();
    return write(*settle_hash);
  }

 private:
  // Nothing that the server would have to be asked about text by text: each is new, and is there once.
  [[nodiscard]] bool usual() const {
    std::vector<MessageId> ids;
    for (const auto& body : commit_.bodies) {
      if (body.replaces) return false;
      ids.push_back(body.id);
    }
    std::sort(ids.begin(), ids.end());
    return std::adjacent_find(ids.begin(), ids.end()) == ids.end();
  }

  Result<void> know_generation() {
    auto& noted = target_.line.notes().generations[keys_.meta()];
    if (noted.empty()) {
      const auto found = target_.line.ask(RedisCommand{"HGET", keys_.meta(), "generation"}, deadline_);
      if (!found) return found.error();
      // A new connection has forgotten the note.
      target_.line.notes().generations[keys_.meta()] = found->view().text();
      generation_ = found->view().text();
      return {};
    }
    generation_ = noted;
    return {};
  }

  // True: every check was made, and nothing of it has changed when EXEC says so.
  Result<bool> look(const std::string& hash) {
    RedisPipeline asked;
    add_watch(asked);
    add_look(asked, hash);
    add_exists(asked);
    // Here, since a server that refuses it would carry out what comes behind it one by one.
    asked.command(1).add("MULTI");
    const auto replies = target_.line.ask_there(asked, deadline_);
    if (!replies) return replies.error();
    const auto& watched = replies->front();
    const auto& opened = replies->back();
    for (const auto* reply : {&watched, &opened})
      if (reply->is_error() && not_for_us(reply->view().text())) target_.line.refuse_transactions();
    const auto looked = replies->at(1).view();
    if (looked.is_error() && looked.text().starts_with("NOSCRIPT")) target_.line.forget(RedisScript::look);
    const bool good = !watched.is_error() && !opened.is_error() && looked.size() == 2 && looked.at(0).text() == "OK";
    if (good && looked.at(1).text() != generation_) target_.line.notes().generations.clear();
    const bool fresh = commit_.bodies.empty() || (replies->at(2).view().is_integer() && replies->at(2).view().integer() == 0);
    if (good && looked.at(1).text() == generation_ && fresh) return true;
    return take_back();
  }

  // Ends the transaction without a write, and the watching with it. False, as look().
  Result<bool> take_back() {
    RedisPipeline end;
    end.command(1).add("EXEC");
    const auto ended = target_.line.ask_there(end, deadline_);
    if (!ended) return ended.error();
    if (!ended->front().is_error()) return false;
    // A connection that went on watching would stop some transaction of later.
    if (not_for_us(ended->front().view().text())) target_.line.refuse_transactions();
    target_.line.drop();
    return false;
  }

  // No user of ours, or no server that has it.
  [[nodiscard]] static bool not_for_us(std::string_view error) {
    return error.find("NOPERM") != std::string_view::npos || error.starts_with("ERR unknown command");
  }

  // What the checks look at. Keys of new texts are nobody's.
  void add_watch(RedisPipeline& out) const {
    out.command(5 + tables_.tables.size() + lists_.size()).add("WATCH").add(keys_.meta()).add(keys_.tables(generation_));
    out.add(keys_.outbox(generation_)).add(keys_.outbox_order(generation_));
    for (const auto& [name, table] : tables_.tables) out.add(keys_.table(generation_, std::string(name)));
    for (const auto& conversation : lists_) out.add(keys_.texts(conversation));
  }

  void add_look(RedisPipeline& out, const std::string& hash) const {
    RedisCommand arguments{"EVALSHA", hash, "1", keys_.meta()};
    arguments.keep(std::to_string(commit_.before.epoch));
    arguments.keep(std::to_string(commit_.before.offset));
    add_meta(arguments, commit_.after);
    arguments.keep(commit_.outbox_done ? std::to_string(*commit_.outbox_done) : std::string());
    add_names(arguments);
    arguments.keep(std::to_string(lists_.size()));
    for (const auto& conversation : lists_) arguments.keep(conversation.text());
    out.command(arguments.arguments().size()).add(arguments, 0, arguments.arguments().size());
  }

  void add_names(RedisCommand& arguments) const {
    arguments.keep(std::to_string(tables_.tables.size()));
    for (const auto& [name, table] : tables_.tables) arguments.add(name);
  }

  // The first text of a conversation, whose list is not there before.
  [[nodiscard]] static bool begins(const Body& body) { return body.sequence == 0; }
  [[nodiscard]] static std::vector<ConversationId> lists_of(const std::vector<Body>& bodies) {
    std::vector<ConversationId> lists;
    for (const auto& body : bodies)
      if (!begins(body)) lists.push_back(body.conversation);
    std::sort(lists.begin(), lists.end());
    lists.erase(std::unique(lists.begin(), lists.end()), lists.end());
    return lists;
  }

  void add_exists(RedisPipeline& out) const {
    if (commit_.bodies.empty()) return;
    const auto lists = static_cast<std::size_t>(std::count_if(commit_.bodies.begin(), commit_.bodies.end(), begins));
    out.command(1 + commit_.bodies.size() + lists).add("EXISTS");
    for (const auto& body : commit_.bodies) {
      out.add(keys_.message(body.id.text()));
      if (begins(body)) out.add(keys_.texts(body.conversation));
    }
  }

  // The script is loaded within: a server that was told to forget it must not find that out behind the writes.
  Attempt write(const std::string& hash) {
    RedisPipeline all;
    all.command(3).add("SCRIPT").add("LOAD").add(redis_script_text(RedisScript::settle));
    // Changes nothing: it is of the kind that a server without memory refuses, and with it the whole.
    all.command(4).add("HSET").add(keys_.meta()).add("generation").add(generation_);
    add_tables(all);
    add_bodies(all);
    add_effects(all);
    add_settle(all, hash);
    all.command(1).add("EXEC");
    const auto replies = target_.line.ask_there(all, deadline_);
    if (!replies) return replies.error();
    return outcome(*replies);
  }

  void add_tables(RedisPipeline& out) const {
    for (const auto& [name, table] : tables_.tables) {
      const auto key = keys_.table(generation_, std::string(name));
      if (table.drop) out.command(2).add("UNLINK").add(key);
      const auto set = [](const Change* change) { return change->value.has_value(); };
      const auto sets = static_cast<std::size_t>(std::count_if(table.last.begin(), table.last.end(), set));
      if (const auto erased = table.last.size() - sets; erased > 0 && !table.drop) {
        out.command(2 + erased).add("HDEL").add(key);
        for (const auto* change : table.last)
          if (!change->value) out.add(change->key);
      }
      if (sets == 0) continue;
      out.command(2 + 2 * sets).add("HSET").add(key);
      for (const auto* change : table.last)
        if (change->value) out.add(change->key).add(*change->value);
    }
  }

  void add_bodies(RedisPipeline& out) const {
    if (commit_.bodies.empty()) return;
    out.command(1 + 2 * commit_.bodies.size()).add("MSET");
    for (const auto& body : commit_.bodies) out.add(keys_.message(body.id.text())).add(encode_body(body));
    for (const auto& body : commit_.bodies)
      out.command(4).add("ZADD").add(keys_.texts(body.conversation)).add(std::to_string(body.sequence)).add(body.id.text());
  }

  void add_effects(RedisPipeline& out) const {
    if (commit_.outbox.empty()) return;
    RedisCommand blocks;
    const auto count = state::add_effects(blocks, commit_.outbox, 0, commit_.outbox.size());
    out.command(2 + 2 * count).add("HSET").add(keys_.outbox(generation_)).add(blocks, 1, 1 + 2 * count);
    out.command(2 + 2 * count).add("ZADD").add(keys_.outbox_order(generation_)).add(blocks, 1 + 2 * count, 1 + 4 * count);
  }

  void add_settle(RedisPipeline& out, const std::string& hash) const {
    RedisCommand arguments{"EVALSHA", hash, "1", keys_.meta(), generation_};
    add_meta(arguments, commit_.after);
    arguments.keep(commit_.outbox_done ? std::to_string(*commit_.outbox_done) : std::string());
    add_names(arguments);
    arguments.keep(std::to_string(commit_.bodies_gone.size()));
    for (const auto conversation : commit_.bodies_gone) arguments.keep(conversation.text());
    out.command(arguments.arguments().size()).add(arguments, 0, arguments.arguments().size());
  }

  Attempt outcome(const std::vector<RedisReply>& replies) const {
    const auto executed = replies.back().view();
    if (executed.is_nil()) return std::optional<CommitReceipt>();  // Somebody changed what had been looked at.
    if (executed.is_error()) {
      // The first that was refused names the reason; none of them was carried out.
      const auto refused = std::find_if(replies.begin(), replies.end(), [](const RedisReply& reply) { return reply.is_error(); });
      if (!not_for_us(refused->view().text())) return server_error(refused->view().text());
      target_.line.refuse_transactions();
      return std::optional<CommitReceipt>();
    }
    for (std::size_t i = 0; i < executed.size(); ++i)
      if (executed.at(i).is_error())
        return fail(Fault::malformed, "the state in Redis is damaged: a write of a commit failed: " + std::string(executed.at(i).text()));
    const auto settled = script_outcome(executed.at(executed.size() - 1));
    if (!settled) return settled.error();
    return std::optional(*settled);
  }

  const RedisTarget& target_;
  const RedisKeys& keys_;
  const Commit& commit_;
  const TableChanges tables_;
  const std::vector<ConversationId> lists_ = lists_of(commit_.bodies);  // That texts are added to.
  const RedisDeadline deadline_;
  std::string generation_;
};

}  // namespace

Attempt write_transaction(const RedisTarget& target, const RedisKeys& keys, const Commit& commit, RedisDeadline deadline) {
  return Transaction(target, keys, commit, deadline).run();
}

}  // namespace usher::state
