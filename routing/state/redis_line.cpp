// RedisLine and RedisPool.
#include "routing/state/redis_line.hpp"

#include "routing/state/redis_limits.hpp"

namespace usher::state {

Result<void> RedisLine::connect(RedisDeadline deadline) {
  // A server that was restarted has closed its side; better found before a commit than by its lost answer.
  if (connection_ && connection_->sound()) return {};
  connection_.reset();
  auto dialled = dialer_.dial(deadline);
  if (!dialled) return dialled.error();
  connection_.emplace(std::move(*dialled));
  notes_ = {};
  return {};
}

template <class T>
Result<T> RedisLine::judged(Result<T> outcome) {
  if (!outcome) connection_.reset();
  return outcome;
}

Result<RedisReply> RedisLine::ask(const RedisCommand& command, RedisDeadline deadline) {
  if (const auto connected = connect(deadline); !connected) return connected.error();
  auto reply = judged(connection_->ask(command, deadline));
  if (!reply || !reply->is_error()) return reply;
  const auto text = reply->view().text();
  // The primary was demoted under us: whoever dials next finds the new one.
  if (text.starts_with("READONLY")) connection_.reset();
  return server_error(text);
}

Result<std::vector<RedisReply>> RedisLine::ask_all(const std::vector<RedisCommand>& commands, RedisDeadline deadline) {
  if (const auto connected = connect(deadline); !connected) return connected.error();
  return judged(connection_->ask_all(commands, deadline));
}

Result<std::vector<RedisReply>> RedisLine::ask_there(const RedisPipeline& commands, RedisDeadline deadline) {
  if (!connection_) return fail(Fault::unavailable, "the connection to Redis is lost");
  auto replies = judged(connection_->ask_all(commands, deadline));
  if (!replies) return replies;
  for (const auto& reply : *replies)
    if (reply.is_error() && reply.view().text().starts_with("READONLY")) connection_.reset();
  return replies;
}

Result<std::string> RedisLine::hash_of(RedisScript script, RedisDeadline deadline) {
  const auto& hash = hashes_[static_cast<std::size_t>(script)];
  if (hash.empty())
    if (const auto loaded = load(script, deadline); !loaded) return loaded.error();
  if (const auto connected = connect(deadline); !connected) return connected.error();
  return hash;
}

Result<RedisReply> RedisLine::run(RedisScript script, const std::vector<std::string>& keys, const RedisCommand& arguments,
                                  RedisDeadline deadline) {
  const auto& hash = hashes_[static_cast<std::size_t>(script)];
  // Twice at most: a server that was restarted or told SCRIPT FLUSH knows no script, and has then changed nothing.
  for (const bool again : {false, true}) {
    if (hash.empty() || again)
      if (const auto loaded = load(script, deadline); !loaded) return loaded.error();
    if (const auto connected = connect(deadline); !connected) return connected.error();
    RedisCommand command{"EVALSHA", hash, std::to_string(keys.size())};
    for (const auto& key : keys) command.add(key);
    command.append(arguments, 0, arguments.arguments().size());
    auto reply = judged(connection_->ask(command, deadline));
    if (!reply || !reply->is_error()) return reply;
    const auto text = reply->view().text();
    if (text.starts_with("NOSCRIPT") && !again) continue;
    if (text.starts_with("READONLY")) connection_.reset();
    return server_error(text);
  }
  return fail(Fault::unavailable, "Redis forgets its scripts");
}

Result<void> RedisLine::load(RedisScript script, RedisDeadline deadline) {
  const auto reply = ask({"SCRIPT", "LOAD", redis_script_text(script)}, deadline);
  if (!reply) return reply.error();
  hashes_[static_cast<std::size_t>(script)] = reply->view().text();
  return {};
}

RedisPool::Loan::~Loan() {
  if (line_) pool_->give_back(std::move(line_));
}

Result<RedisPool::Loan> RedisPool::borrow(RedisDeadline deadline) {
  std::unique_lock lock(mutex_);
  const auto can_lend = [this] { return !free_.empty() || made_ < redis_limits::read_connections_max; };
  if (!returned_.wait_for(lock, deadline.left(), can_lend))
    return fail(Fault::overloaded, "all connections for reading from Redis are in use");
  if (free_.empty()) {
    ++made_;
    return Loan(*this, std::make_unique<RedisLine>(dialer_));
  }
  auto line = std::move(free_.back());
  free_.pop_back();
  return Loan(*this, std::move(line));
}

void RedisPool::give_back(std::unique_ptr<RedisLine> line) {
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(line));
  }
  returned_.notify_one();
}

}  // namespace usher::state
