// The check of an account's submission server.
#include "connectors/smtp_check.hpp"

#include "connectors/smtp_session.hpp"

namespace usher::connectors {

namespace {

constexpr SmtpTimes check_times{Milliseconds{30'000}, Milliseconds{1'000}};

}  // namespace

Result<std::string> check_smtp(const email::SmtpAccount& account, const TokenSource& tokens) {
  const auto& credentials = account.credentials;
  const bool takes_token = credentials.login == email::Login::xoauth2 || credentials.login == email::Login::oauthbearer;
  std::string token;
  if (takes_token) {
    if (!tokens) return fail(Fault::unauthorised, "there is nobody to ask for an access token");
    auto got = tokens(credentials.grant, false, {});
    if (!got) return got.error();
    token = std::move(*got);
  }
  SmtpWatch watch;
  const SmtpOutcome outcome = try_login(account, token, check_times, watch);
  const std::string where = account.server.host + ":" + std::to_string(account.server.port);
  if (outcome.trouble == SmtpTrouble::none && outcome.code / 100 == 2)
    return where + (account.server.protection == email::Protection::off ? " takes mail, without TLS" : " takes mail, inside TLS") +
           (credentials.login == email::Login::none ? " and without a login" : " and logged in as " + credentials.user);
  const Verdict verdict = judge(outcome);
  return fail(verdict.kind == "auth" ? Fault::unauthorised : Fault::unavailable, verdict.detail);
}

}  // namespace usher::connectors
