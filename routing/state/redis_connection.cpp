// hiredis connects and parses; sending, receiving and waiting are here, for its own waits end per read, not per command,
// and its writes raise SIGPIPE.
#include "routing/state/redis_connection.hpp"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace usher::state {

namespace {

std::string system_text(int code) { return std::generic_category().message(code); }

timeval to_timeval(Milliseconds time) {
  const auto ms = std::max<std::int64_t>(time.count(), 1);
  return {static_cast<time_t>(ms / 1000), static_cast<suseconds_t>(ms % 1000 * 1000)};
}

void head(char kind, std::size_t number, std::string& out) {
  std::array<char, 24> text;
  text[0] = kind;
  char* end = std::to_chars(text.data() + 1, text.data() + text.size() - 2, number).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(text.data(), static_cast<std::size_t>(end - text.data()));
}

void encode(std::string_view argument, std::string& out) {
  head('$', argument.size(), out);
  out += argument;
  out += "\r\n";
}

void encode(const RedisCommand& command, std::string& out) {
  head('*', command.arguments().size(), out);
  for (const auto argument : command.arguments()) encode(argument, out);
}

}  // namespace

std::string RedisEndpoint::text() const {
  return unix_socket.empty() ? host + ":" + std::to_string(port) : "unix://" + unix_socket;
}

Milliseconds RedisDeadline::left() const {
  const auto rest = std::chrono::ceil<Milliseconds>(end - std::chrono::steady_clock::now());
  return std::clamp(rest, Milliseconds{0}, idle);
}

RedisCommand::RedisCommand(std::initializer_list<std::string_view> arguments) {
  for (const auto argument : arguments) keep(std::string(argument));
}

void RedisCommand::add(std::string_view argument) {
  arguments_.push_back(argument);
  bytes_ += argument.size();
}

void RedisCommand::keep(std::string argument) { add(kept_.emplace_back(std::move(argument))); }

void RedisCommand::append(const RedisCommand& other, std::size_t first, std::size_t last) {
  for (auto i = first; i < last; ++i) add(other.arguments_[i]);
}

RedisPipeline& RedisPipeline::command(std::size_t arguments) {
  head('*', arguments, bytes_);
  ++commands_;
  return *this;
}

RedisPipeline& RedisPipeline::add(std::string_view argument) {
  encode(argument, bytes_);
  return *this;
}

RedisPipeline& RedisPipeline::add(const RedisCommand& arguments, std::size_t first, std::size_t last) {
  for (auto i = first; i < last; ++i) encode(arguments.arguments()[i], bytes_);
  return *this;
}

RedisConnection::RedisConnection(Context context) : context_(std::move(context)) {}

void RedisConnection::Close::operator()(redisContext* context) const { redisFree(context); }

Result<RedisConnection> RedisConnection::connect(const RedisEndpoint& endpoint, Milliseconds within) {
  const auto limit = to_timeval(within);
  Context context(endpoint.unix_socket.empty()
                      ? redisConnectWithTimeout(endpoint.host.c_str(), endpoint.port, limit)
                      : redisConnectUnixWithTimeout(endpoint.unix_socket.c_str(), limit));
  if (!context) return fail(Fault::unavailable, "no memory for a connection to Redis");
  if (context->err != 0) return fail(Fault::unavailable, "Redis at " + endpoint.text() + ": " + context->errstr);
  const int flags = ::fcntl(context->fd, F_GETFL);
  if (flags < 0 || ::fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) != 0)
    return fail(Fault::unavailable, "Redis at " + endpoint.text() + ": " + system_text(errno));
  if (endpoint.unix_socket.empty()) {
    redisEnableKeepAlive(context.get());
    if (context->err != 0) return fail(Fault::unavailable, "Redis at " + endpoint.text() + ": " + context->errstr);
  }
  return RedisConnection(std::move(context));
}

Result<std::vector<RedisReply>> RedisConnection::ask_all(const std::vector<RedisCommand>& commands,
                                                                 RedisDeadline deadline) {
  std::string bytes;
  std::size_t size = 0;
  for (const auto& command : commands) size += command.bytes() + 16 * (command.arguments().size() + 1);
  bytes.reserve(size);
  for (const auto& command : commands) encode(command, bytes);
  return exchange(bytes, commands.size(), deadline);
}

Result<std::vector<RedisReply>> RedisConnection::ask_all(const RedisPipeline& pipeline, RedisDeadline deadline) {
  return exchange(pipeline.bytes(), pipeline.commands(), deadline);
}

Result<std::vector<RedisReply>> RedisConnection::exchange(std::string_view bytes, std::size_t answers, RedisDeadline deadline) {
  if (broken_) return fail(Fault::unavailable, "the connection to Redis is lost");
  if (const auto sent = send(bytes, deadline); !sent) return sent.error();
  std::vector<RedisReply> replies;
  replies.reserve(answers);
  while (replies.size() < answers) {
    auto reply = receive(deadline);
    if (!reply) return reply.error();
    replies.push_back(std::move(*reply));
  }
  return replies;
}

Result<RedisReply> RedisConnection::ask(const RedisCommand& command, RedisDeadline deadline) {
  if (broken_) return fail(Fault::unavailable, "the connection to Redis is lost");
  std::string bytes;
  bytes.reserve(command.bytes() + 16 * (command.arguments().size() + 1));
  encode(command, bytes);
  if (const auto sent = send(bytes, deadline); !sent) return sent.error();
  return receive(deadline);
}

bool RedisConnection::sound() const {
  if (broken_) return false;
  pollfd waited{context_->fd, POLLIN, 0};
  return ::poll(&waited, 1, 0) == 0;
}

Result<void> RedisConnection::send(std::string_view bytes, RedisDeadline deadline) {
  while (!bytes.empty()) {
    const auto count = ::send(context_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      if (const auto waited = wait(POLLOUT, deadline); !waited) return waited;
    } else if (errno != EINTR) {
      return broken("sending to Redis: " + system_text(errno));
    }
  }
  return {};
}

Result<RedisReply> RedisConnection::receive(RedisDeadline deadline) {
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    void* reply = nullptr;
    if (redisReaderGetReply(context_->reader, &reply) != REDIS_OK)
      return broken("Redis speaks no protocol of ours: " + std::string(context_->reader->errstr));
    if (reply != nullptr) return RedisReply(static_cast<redisReply*>(reply));
    const auto count = ::recv(context_->fd, buffer.data(), buffer.size(), 0);
    if (count > 0) {
      if (redisReaderFeed(context_->reader, buffer.data(), static_cast<std::size_t>(count)) != REDIS_OK)
        return broken("an answer of Redis does not fit in memory");
    } else if (count == 0) {
      return broken("Redis closed the connection");
    } else if (errno == EAGAIN) {
      if (const auto waited = wait(POLLIN, deadline); !waited) return waited.error();
    } else if (errno != EINTR) {
      return broken("receiving from Redis: " + system_text(errno));
    }
  }
}

Result<void> RedisConnection::wait(short events, RedisDeadline deadline) {
  pollfd waited{context_->fd, events, 0};
  const auto left = deadline.left();
  const int ready = left.count() > 0 ? ::poll(&waited, 1, static_cast<int>(left.count())) : 0;
  if (ready < 0 && errno != EINTR) return broken("waiting for Redis: " + system_text(errno));
  if (ready == 0) return broken("Redis did not answer in time");
  return {};
}

Error RedisConnection::broken(std::string why) {
  broken_ = true;
  return fail(Fault::unavailable, std::move(why));
}

}  // namespace usher::state
