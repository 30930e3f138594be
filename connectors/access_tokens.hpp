// AccessTokens: the short-lived tokens with which mailboxes of Google and Microsoft are opened (RFC 6749), fetched by
// HTTPS, kept until shortly before they end, one fetch at a time for each grant. Any thread; token() may block for as long
// as limits::token_within, so it is not for a thread that others wait for.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "connectors/email/mail_account.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

// A token for the grant. `fresh`: the one given last was refused by a server. Once `stop` is asked for, nobody needs it.
using TokenSource = std::function<Result<std::string>(const email::TokenGrant& grant, bool fresh, const std::stop_token& stop)>;

class AccessTokens {
 public:
  // The clock outlives it.
  explicit AccessTokens(const Clock& clock);
  ~AccessTokens();

  // unauthorised: the token server refuses, in words with its code (invalid_grant ...) and never a secret; unavailable: it
  // cannot be asked. What was answered in the last limits::token_fetch_floor is the answer again, so that a refused login
  // in a loop asks nobody to death. A stop ends the wait within a second, whoever fetches.
  [[nodiscard]] Result<std::string> token(const email::TokenGrant& grant, bool fresh, const std::stop_token& stop = {});
  // token() of this one, which outlives it.
  [[nodiscard]] TokenSource source();

 private:
  struct Kept;
  std::shared_ptr<Kept> kept_for(const email::TokenGrant& grant);

  const Clock& clock_;
  std::mutex mutex_;
  // Guarded by mutex_. The one used last is first; the one silent for longest is forgotten.
  std::list<std::shared_ptr<Kept>> kept_;
};

}  // namespace usher::connectors
