// AccessTokens: the grants, and what is remembered of each.
#include "connectors/access_tokens.hpp"

#include <algorithm>
#include <condition_variable>
#include <optional>

#include "connectors/token_fetch.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

namespace {

constexpr Milliseconds look_for_stop_every{100};

Error not_waited_for() { return fail(Fault::unavailable, "the token was not waited for: this process ends"); }

}  // namespace

struct AccessTokens::Kept {
  // Constant after construction.
  email::TokenGrant grant;

  std::mutex mutex{};
  // Guarded by mutex.
  std::condition_variable fetched{};
  bool fetching = false;  // Who comes meanwhile gets what is fetched.
  std::string token{};
  Milliseconds refresh_at{0}, ends_at{0};
  std::optional<Milliseconds> fetched_at{};  // The end of the last fetch.
  std::optional<Error> error{};              // Of the last fetch.
  // Of whoever is fetching.
  std::string refresh_token{};  // What the server gave in place of the configured one; empty: nothing.

  Result<FetchedToken> ask(const std::stop_token& stop);
  void keep(const Result<FetchedToken>& got, Milliseconds asked_at);
};

AccessTokens::AccessTokens(const Clock& clock) : clock_(clock) {}
AccessTokens::~AccessTokens() = default;

TokenSource AccessTokens::source() {
  return [this](const email::TokenGrant& grant, bool fresh, const std::stop_token& stop) { return token(grant, fresh, stop); };
}

std::shared_ptr<AccessTokens::Kept> AccessTokens::kept_for(const email::TokenGrant& grant) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const auto& kept) { return kept->grant == grant; });
  if (found != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, found);
  } else {
    kept_.push_front(std::shared_ptr<Kept>(new Kept{grant}));
    if (kept_.size() > limits::token_grants_max) kept_.pop_back();
  }
  return kept_.front();
}

Result<std::string> AccessTokens::token(const email::TokenGrant& grant, bool fresh, const std::stop_token& stop) {
  const auto kept = kept_for(grant);
  std::unique_lock lock(kept->mutex);
  while (kept->fetching && !stop.stop_requested()) kept->fetched.wait_for(lock, look_for_stop_every);
  if (stop.stop_requested()) return not_waited_for();
  const Milliseconds now = clock_.steady();
  const bool good = !kept->token.empty() && now < kept->ends_at;
  if (good && !fresh && now < kept->refresh_at) return kept->token;
  if (kept->fetched_at && now - *kept->fetched_at < limits::token_fetch_floor) {
    // Whoever fetched a moment ago did it for this caller too.
    if (good) return kept->token;
    if (kept->error) return *kept->error;
  }
  kept->fetching = true;
  lock.unlock();
  const auto got = kept->ask(stop);
  lock.lock();
  kept->fetching = false;
  kept->fetched.notify_all();
  // Cut off by this caller: that says nothing to the others, the next of whom asks for himself.
  if (!got && stop.stop_requested()) return not_waited_for();
  kept->keep(got, now);
  // After it, since a server that is silent takes longer than the floor, and each who waited would ask anew.
  kept->fetched_at = clock_.steady();
  if (got) return kept->token;
  // The old one is good for a while yet, and the token server may be back by then.
  if (good && !fresh) return kept->token;
  return got.error();
}

Result<FetchedToken> AccessTokens::Kept::ask(const std::stop_token& stop) {
  auto asked = grant;
  if (!refresh_token.empty()) asked.refresh_token = refresh_token;
  auto got = fetch_token(asked, stop);
  if (!got && got.error().fault == Fault::unauthorised && !refresh_token.empty()) {
    // The successor may have been withdrawn where the operator has since written a new one.
    refresh_token.clear();
    got = fetch_token(grant, stop);
  }
  if (got && !grant.refresh_token.empty() && !got->refresh_token.empty()) refresh_token = got->refresh_token;
  return got;
}

void AccessTokens::Kept::keep(const Result<FetchedToken>& got, Milliseconds asked_at) {
  error.reset();
  if (!got) {
    error = got.error();
    return;
  }
  token = got->token;
  const Milliseconds early = std::min<Milliseconds>(limits::token_early_max, got->lasts / 2);
  ends_at = asked_at + got->lasts;
  refresh_at = ends_at - early;
}

}  // namespace usher::connectors
