// RedisDialer: endpoint, sentinels, greeting, and the growing pause between attempts.
#include "routing/state/redis_dialer.hpp"

#include <algorithm>
#include <charconv>

#include "routing/state/redis_limits.hpp"

namespace usher::state {

namespace {

// host:port, where the host may be an IPv6 address in brackets.
Result<RedisEndpoint> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  RedisEndpoint endpoint;
  if (colon != std::string::npos) {
    const auto* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, endpoint.port);
    endpoint.host = text.substr(0, colon);
    if (endpoint.host.starts_with('[') && endpoint.host.ends_with(']'))
      endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
    if (parsed.ec == std::errc() && parsed.ptr == end && !endpoint.host.empty() && endpoint.port > 0) return endpoint;
  }
  return fail(Fault::malformed, "\"" + text + "\" is not host:port");
}

}  // namespace

RedisDialer::RedisDialer(RedisOptions options) : options_(std::move(options)) {}

Result<RedisConnection> RedisDialer::dial(RedisDeadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (std::chrono::steady_clock::now() < not_before_)
      return fail(last_refusal_.fault, last_refusal_.detail + "; it is tried again in a moment");
  }
  auto connection = try_once(deadline);
  const std::lock_guard lock(mutex_);
  if (connection) {
    pause_ = Milliseconds{0};
    return connection;
  }
  pause_ = std::clamp<Milliseconds>(pause_ * 2, redis_limits::redial_first, redis_limits::redial_longest);
  not_before_ = std::chrono::steady_clock::now() + pause_;
  last_refusal_ = connection.error();
  return connection;
}

Result<RedisConnection> RedisDialer::try_once(RedisDeadline deadline) {
  const auto endpoint = find(deadline);
  if (!endpoint) return endpoint.error();
  auto connection = RedisConnection::connect(*endpoint, std::min(options_.connect_within, deadline.left()));
  if (!connection) return connection;
  if (const auto greeted = greet(*connection, deadline); !greeted)
    return fail(greeted.error().fault, greeted.error().detail + " (" + endpoint->text() + ")");
  return connection;
}

Result<RedisEndpoint> RedisDialer::find(RedisDeadline deadline) {
  if (options_.sentinels.empty()) return RedisEndpoint{options_.host, options_.port, options_.unix_socket};
  const auto count = options_.sentinels.size();
  std::size_t first = 0;
  {
    const std::lock_guard lock(mutex_);
    first = good_sentinel_;
  }
  Error last = fail(Fault::unavailable, "no sentinel");
  for (std::size_t tried = 0; tried < count; ++tried) {
    const auto place = (first + tried) % count;
    // Each gets its part of the time, so that a dead one leaves some for the next.
    const auto part = deadline.left() / static_cast<int>(count - tried + 1);
    auto found = ask_sentinel(options_.sentinels[place], RedisDeadline::in(part));
    if (found) {
      const std::lock_guard lock(mutex_);
      good_sentinel_ = place;
      return found;
    }
    last = found.error();
  }
  return last;
}

Result<RedisEndpoint> RedisDialer::ask_sentinel(const std::string& sentinel, RedisDeadline deadline) const {
  const auto address = parse_address(sentinel);
  if (!address) return address.error();
  auto connection = RedisConnection::connect(*address, std::min(options_.connect_within, deadline.left()));
  if (!connection) return connection.error();
  const auto reply = connection->ask({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", options_.sentinel_name}, deadline);
  if (!reply) return reply.error();
  const auto view = reply->view();
  if (view.is_error()) return server_error(view.text());
  if (view.size() != 2)
    return fail(Fault::unavailable, "the sentinel " + sentinel + " knows no " + options_.sentinel_name);
  const auto host = std::string(view.at(0).text());
  return parse_address(host + ":" + std::string(view.at(1).text()));
}

Result<void> RedisDialer::greet(RedisConnection& connection, RedisDeadline deadline) const {
  std::vector<RedisCommand> commands;
  if (!options_.user.empty())
    commands.push_back({"AUTH", options_.user, options_.password});
  else if (!options_.password.empty())
    commands.push_back({"AUTH", options_.password});
  if (options_.database != 0) commands.push_back({"SELECT", std::to_string(options_.database)});
  commands.push_back({"ROLE"});
  const auto replies = connection.ask_all(commands, deadline);
  if (!replies) return replies.error();
  for (const auto& reply : *replies)
    if (reply.is_error()) return server_error(reply.view().text());
  // A sentinel may still name a primary that was just demoted; writes there would be refused or lost.
  const auto role = replies->back().view();
  if (role.size() == 0 || role.at(0).text() != "master")
    return fail(Fault::unavailable, "Redis is no primary but a read-only replica");
  return {};
}

}  // namespace usher::state
