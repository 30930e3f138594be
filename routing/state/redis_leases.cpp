// RedisLeases: a key with an expiry for each lease, and a set of their names, so that asking who holds what costs as much
// as there are leases, not as there are keys in the database.
#include <algorithm>
#include <atomic>
#include <chrono>

#include "routing/state/redis_line.hpp"

namespace usher::state {

namespace {

// What a lease without an expiry has from when it is seen: the longest that any lease is taken for.
constexpr auto endless_kept_for = Milliseconds(std::max({Milliseconds(limits::router_lease), Milliseconds(limits::gateway_lease), Milliseconds(limits::egress_lease)}));

// "BYTES:HOLDER" and the value behind it; none when it is no lease of ours.
std::optional<Lease> decode_lease(const std::string& name, std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon > 9) return std::nullopt;
  std::size_t size = 0;
  for (const char digit : text.substr(0, colon)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    size = size * 10 + static_cast<std::size_t>(digit - '0');
  }
  if (colon + 1 + size > text.size()) return std::nullopt;
  return Lease{name, std::string(text.substr(colon + 1, size)), std::string(text.substr(colon + 1 + size))};
}

}  // namespace

struct RedisLeases::Parts {
  explicit Parts(RedisOptions options) : dialer(std::move(options)), lines(dialer) {}

  [[nodiscard]] std::string key_prefix() const { return dialer.options().key_prefix + ":lease:"; }
  [[nodiscard]] std::string index() const { return dialer.options().key_prefix + ":leases"; }
  [[nodiscard]] RedisDeadline deadline() const { return RedisDeadline::in(dialer.options().answer_within); }

  Result<bool> run(RedisScript script, const std::vector<std::string>& keys, const RedisCommand& arguments) {
    const auto until = deadline();
    const auto line = lines.borrow(until);
    if (!line) return line.error();
    const auto reply = (*line)->run(script, keys, arguments, until);
    if (!reply) return reply.error();
    return reply->view().integer() == 1;
  }

  // Whether it is time to look for leases without an expiry; true at the first call.
  bool looks_for_endless() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    auto last = looked.load();
    return (last == Since{} || now - last > endless_kept_for) && looked.compare_exchange_strong(last, now);
  }

  using Since = std::chrono::steady_clock::duration;
  RedisDialer dialer;
  RedisPool lines;
  std::atomic<Since> looked{Since{}};
};

RedisLeases::RedisLeases(RedisOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}
RedisLeases::~RedisLeases() = default;

Result<bool> RedisLeases::hold(const Lease& lease, Milliseconds time) {
  const RedisCommand arguments{lease.holder, lease.value, std::to_string(std::max<std::int64_t>(time.count(), 1)),
                               lease.name};
  return parts_->run(RedisScript::hold, {parts_->key_prefix() + lease.name, parts_->index()}, arguments);
}

Result<void> RedisLeases::release(const std::string& name, const std::string& holder) {
  const auto given = parts_->run(RedisScript::release, {parts_->key_prefix() + name, parts_->index()},
                                 RedisCommand{holder, name});
  if (!given) return given.error();
  return {};
}

Result<std::vector<Lease>> RedisLeases::held(const std::string& prefix) {
  const auto until = parts_->deadline();
  const auto line = parts_->lines.borrow(until);
  if (!line) return line.error();
  const auto members = (*line)->ask(RedisCommand{"SMEMBERS", parts_->index()}, until);
  if (!members) return members.error();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < members->view().size(); ++i)
    if (const auto name = members->view().at(i).text(); name.starts_with(prefix)) names.emplace_back(name);
  if (names.empty()) return std::vector<Lease>();
  std::sort(names.begin(), names.end());
  RedisCommand wanted{"MGET"};
  for (const auto& name : names) wanted.keep(parts_->key_prefix() + name);
  const auto values = (*line)->ask(wanted, until);
  if (!values) return values.error();
  std::vector<Lease> found;
  const bool looks = parts_->looks_for_endless();
  RedisCommand untidy{parts_->key_prefix(), std::to_string(endless_kept_for.count())};
  for (std::size_t i = 0; i < names.size() && i < values->view().size(); ++i) {
    const auto lease = decode_lease(names[i], values->view().at(i).text());
    if (lease) found.push_back(*lease);
    if (!lease || looks) untidy.add(names[i]);
  }
  // Names of what ran out leave the set, unless somebody took it again meanwhile. Not worth an error: the next one tries.
  if (found.size() < names.size() || looks)
    static_cast<void>((*line)->run(RedisScript::tidy_leases, {parts_->index()}, untidy, until));
  return found;
}

}  // namespace usher::state
