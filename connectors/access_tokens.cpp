// AccessTokens: the grants, and what is remembered of each.
#include "connectors/access_tokens.hpp"

#include <algorithm>
#include <optional>

#include "connectors/token_fetch.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

struct AccessTokens::Kept {
  // Constant after construction.
  email::TokenGrant grant;

  std::mutex mutex{};  // Held while a token is fetched: who comes meanwhile gets what is fetched.
  // Guarded by mutex.
  std::string refresh_token{};  // What the server gave in place of the configured one; empty: nothing.
  std::string token{};
  Milliseconds refresh_at{0}, ends_at{0};
  std::optional<Milliseconds> fetched_at{};
  std::optional<Error> error{};  // Of the last fetch.

  Result<std::string> fetch(Milliseconds now);
};

AccessTokens::AccessTokens(const Clock& clock) : clock_(clock) {}
AccessTokens::~AccessTokens() = default;

TokenSource AccessTokens::source() {
  return [this](const email::TokenGrant& grant, bool fresh) { return token(grant, fresh); };
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

Result<std::string> AccessTokens::token(const email::TokenGrant& grant, bool fresh) {
  const auto kept = kept_for(grant);
  const std::lock_guard lock(kept->mutex);
  const Milliseconds now = clock_.steady();
  const bool good = !kept->token.empty() && now < kept->ends_at;
  if (good && !fresh && now < kept->refresh_at) return kept->token;
  if (kept->fetched_at && now - *kept->fetched_at < limits::token_fetch_floor) {
    // Whoever fetched a moment ago did it for this caller too.
    if (good) return kept->token;
    if (kept->error) return *kept->error;
  }
  auto token = kept->fetch(now);
  // The old one is good for a while yet, and the token server may be back by then.
  if (!token && good && !fresh) return kept->token;
  return token;
}

Result<std::string> AccessTokens::Kept::fetch(Milliseconds now) {
  fetched_at = now;
  auto asked = grant;
  if (!refresh_token.empty()) asked.refresh_token = refresh_token;
  auto got = fetch_token(asked);
  if (!got && got.error().fault == Fault::unauthorised && !refresh_token.empty()) {
    // The successor may have been withdrawn where the operator has since written a new one.
    refresh_token.clear();
    got = fetch_token(grant);
  }
  if (!got) {
    error = got.error();
    return got.error();
  }
  error.reset();
  token = got->token;
  if (!grant.refresh_token.empty() && !got->refresh_token.empty()) refresh_token = got->refresh_token;
  const Milliseconds early = std::min<Milliseconds>(limits::token_early_max, got->lasts / 2);
  ends_at = now + got->lasts;
  refresh_at = ends_at - early;
  return token;
}

}  // namespace usher::connectors
