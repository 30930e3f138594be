// RedisReply over hiredis' own structure, and the faults behind a server's error words.
#include "routing/state/redis_reply.hpp"

#include <hiredis/hiredis.h>

namespace usher::state {

bool RedisView::is_nil() const { return reply_->type == REDIS_REPLY_NIL; }
bool RedisView::is_error() const { return reply_->type == REDIS_REPLY_ERROR; }
bool RedisView::is_array() const { return reply_->type == REDIS_REPLY_ARRAY; }
bool RedisView::is_integer() const { return reply_->type == REDIS_REPLY_INTEGER; }

std::string_view RedisView::text() const {
  const bool textual = reply_->type == REDIS_REPLY_STRING || reply_->type == REDIS_REPLY_STATUS || is_error();
  return textual ? std::string_view(reply_->str, static_cast<std::size_t>(reply_->len)) : std::string_view();
}

std::int64_t RedisView::integer() const { return is_integer() ? reply_->integer : 0; }
std::size_t RedisView::size() const { return is_array() ? reply_->elements : 0; }

RedisView RedisView::at(std::size_t index) const {
  expect(index < size(), "a part of a reply is asked for that is there");
  return RedisView(reply_->element[index]);
}

RedisReply::RedisReply(redisReply* reply) : reply_(reply) {}

void RedisReply::Free::operator()(redisReply* reply) const { freeReplyObject(reply); }

Error server_error(std::string_view text) {
  const auto word = text.substr(0, text.find(' '));
  const auto detail = "Redis: " + std::string(text);
  // Redis 7.0 has no word of its own for what the user may not do inside a script.
  const bool in_script = text.find("The user executing the script can't") != std::string_view::npos;
  const bool in_transaction = word == "EXECABORT" && text.find("NOPERM") != std::string_view::npos;
  if (in_script || in_transaction || word == "NOPERM" || word == "NOAUTH" || word == "WRONGPASS") return fail(Fault::unauthorised, detail);
  // A key holds another type than ours: somebody else wrote there.
  if (word == "WRONGTYPE") return fail(Fault::malformed, detail);
  // LOADING, BUSY, READONLY, MASTERDOWN, MISCONF, NOREPLICAS, OOM: all may pass, and none changed anything.
  return fail(Fault::unavailable, detail);
}

}  // namespace usher::state
