// One connection to a Redis server: commands out, answers back in order, each call within its deadline. A connection that
// missed one is broken for good, for a late answer would be taken for the next one's. One thread at a time.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/instant.hpp"
#include "routing/state/redis_reply.hpp"

struct redisContext;

namespace usher::state {

struct RedisEndpoint {
  std::string host;
  int port = 0;
  std::string unix_socket;  // When not empty, host and port mean nothing.
  [[nodiscard]] std::string text() const;
};

// How long a call may take: until `end`, and never longer than `idle` without a byte coming or going.
struct RedisDeadline {
  std::chrono::steady_clock::time_point end;
  Milliseconds idle;
  [[nodiscard]] static RedisDeadline in(Milliseconds total) { return {std::chrono::steady_clock::now() + total, total}; }
  [[nodiscard]] static RedisDeadline in(Milliseconds total, Milliseconds idle) {
    return {std::chrono::steady_clock::now() + total, idle};
  }
  [[nodiscard]] Milliseconds left() const;
};

// One command's arguments. What is added as a view must outlive it; what is handed over as a string is kept.
class RedisCommand {
 public:
  RedisCommand() = default;
  RedisCommand(std::initializer_list<std::string_view> arguments);
  void add(std::string_view argument);
  void keep(std::string argument);
  void append(const RedisCommand& other, std::size_t first, std::size_t last);
  [[nodiscard]] const std::vector<std::string_view>& arguments() const { return arguments_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  RedisCommand(const RedisCommand&) = delete;
  RedisCommand& operator=(const RedisCommand&) = delete;
  RedisCommand(RedisCommand&&) = default;
  RedisCommand& operator=(RedisCommand&&) = default;

 private:
  std::vector<std::string_view> arguments_;
  std::deque<std::string> kept_;  // A deque: growing moves none of them.
  std::size_t bytes_ = 0;
};

// Many commands, encoded as they come: what a commit of hundreds of texts would pay for a RedisCommand each.
class RedisPipeline {
 public:
  // So many arguments follow, the name of the command the first of them.
  RedisPipeline& command(std::size_t arguments);
  RedisPipeline& add(std::string_view argument);
  RedisPipeline& add(const RedisCommand& arguments, std::size_t first, std::size_t last);
  [[nodiscard]] std::size_t commands() const { return commands_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::size_t commands_ = 0;
};

class RedisConnection {
 public:
  [[nodiscard]] static Result<RedisConnection> connect(const RedisEndpoint& endpoint, Milliseconds within);

  // Sends all, then reads an answer for each; answers may be errors of the server. unavailable: the connection is broken,
  // and some of the commands may have been carried out.
  [[nodiscard]] Result<std::vector<RedisReply>> ask_all(const std::vector<RedisCommand>& commands, RedisDeadline deadline);
  [[nodiscard]] Result<std::vector<RedisReply>> ask_all(const RedisPipeline& pipeline, RedisDeadline deadline);
  [[nodiscard]] Result<RedisReply> ask(const RedisCommand& command, RedisDeadline deadline);
  // False: the server has closed it, or said something nobody asked for.
  [[nodiscard]] bool sound() const;

 private:
  struct Close {
    void operator()(redisContext* context) const;
  };
  using Context = std::unique_ptr<redisContext, Close>;
  explicit RedisConnection(Context context);
  [[nodiscard]] Result<std::vector<RedisReply>> exchange(std::string_view bytes, std::size_t answers, RedisDeadline deadline);
  [[nodiscard]] Result<void> send(std::string_view bytes, RedisDeadline deadline);
  [[nodiscard]] Result<RedisReply> receive(RedisDeadline deadline);
  [[nodiscard]] Result<void> wait(short events, RedisDeadline deadline);
  Error broken(std::string why);

  Context context_;
  bool broken_ = false;
};

}  // namespace usher::state
