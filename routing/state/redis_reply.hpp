// A Redis server's answer: RedisReply owns it, RedisView looks at a part of it. Values only, no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "routing/message/result.hpp"

struct redisReply;

namespace usher::state {

using namespace usher::message;

class RedisView {
 public:
  explicit RedisView(const redisReply* reply) : reply_(reply) {}
  [[nodiscard]] bool is_nil() const;
  [[nodiscard]] bool is_error() const;
  [[nodiscard]] bool is_array() const;
  [[nodiscard]] bool is_integer() const;
  // Of a string, a status or an error; empty for everything else.
  [[nodiscard]] std::string_view text() const;
  // 0 unless it is an integer.
  [[nodiscard]] std::int64_t integer() const;
  // 0 unless it is an array.
  [[nodiscard]] std::size_t size() const;
  // Requires: index < size().
  [[nodiscard]] RedisView at(std::size_t index) const;

 private:
  const redisReply* reply_;
};

class RedisReply {
 public:
  // Takes it.
  explicit RedisReply(redisReply* reply);
  [[nodiscard]] RedisView view() const { return RedisView(reply_.get()); }
  [[nodiscard]] bool is_error() const { return view().is_error(); }

 private:
  struct Free {
    void operator()(redisReply* reply) const;
  };
  std::unique_ptr<redisReply, Free> reply_;
};

// What a caller can do about an error that a server answered.
[[nodiscard]] Error server_error(std::string_view text);

}  // namespace usher::state
