// The check of an account's submission server.
#include "connectors/smtp_check.hpp"

#include "connectors/email/thread_key.hpp"
#include "connectors/smtp_session.hpp"

namespace usher::connectors {

namespace {

constexpr Milliseconds dialogue_within{30'000}, greeting_soon{3'000};

struct Check {
  const email::SmtpAccount& account;
  const TokenSource& tokens;
  const std::stop_token& stop;
  SmtpWatch watch{};

  [[nodiscard]] bool takes_token() const {
    return account.credentials.login == email::Login::xoauth2 || account.credentials.login == email::Login::oauthbearer;
  }
  [[nodiscard]] std::string where() const { return account.server.host + ":" + std::to_string(account.server.port); }
  Result<SmtpOutcome> attempt(const std::string& sender);
  SmtpOutcome dial(const std::string& sender, const std::string& token);
  [[nodiscard]] Error trouble(const std::string& sender, const SmtpOutcome& outcome) const;
};

// A server behind a port for TLS waits for us as we wait for its greeting, which is known sooner than by waiting.
SmtpOutcome Check::dial(const std::string& sender, const std::string& token) {
  const bool tls_first = account.server.protection == email::Protection::tls;
  SmtpTimes times{dialogue_within, Milliseconds{1'000}, tls_first ? dialogue_within : greeting_soon};
  auto outcome = try_sender(account, sender, token, times, watch);
  if (tls_first || outcome.stage != SmtpStage::connect || outcome.trouble != SmtpTrouble::slow) return outcome;
  if (speaks_tls_first(account.server, watch))
    return {SmtpStage::connect, 0, {}, SmtpTrouble::tls,
            where() + " speaks TLS from the first byte, so it waits for no STARTTLS; write smtps:// for it, or name the port for STARTTLS"};
  if (watch.stop_now) return {SmtpStage::connect, 0, {}, SmtpTrouble::stopped, "cut off"};
  times.before_greeting = dialogue_within;
  return try_sender(account, sender, token, times, watch);
}

// Once more with a fresh token where the one at hand was withdrawn, as when mail is sent.
Result<SmtpOutcome> Check::attempt(const std::string& sender) {
  if (!takes_token()) return dial(sender, {});
  if (!tokens) return fail(Fault::unauthorised, "there is nobody to ask for an access token");
  const auto token = tokens(account.credentials.grant, false, stop);
  if (!token) return token.error();
  auto outcome = dial(sender, *token);
  if (!is_login_refused(outcome)) return outcome;
  const auto fresh = tokens(account.credentials.grant, true, stop);
  if (!fresh) return fresh.error();
  return *fresh == *token ? outcome : dial(sender, *fresh);
}

Error Check::trouble(const std::string& sender, const SmtpOutcome& outcome) const {
  const Verdict verdict = judge(outcome);
  if (outcome.trouble == SmtpTrouble::none && outcome.stage == SmtpStage::sender && !is_login_refused(outcome))
    return fail(Fault::unavailable, "the mail server refuses the sender " + sender + ": " + outcome.text);
  if (outcome.stage == SmtpStage::login && is_login_refused(outcome)) {
    const std::string what = takes_token() ? "the access token of " + account.credentials.user : "the user name or the password";
    return fail(Fault::unauthorised, "the mail server refused " + what + (outcome.code / 100 == 5 ? ": " + outcome.text : ""));
  }
  return fail(verdict.kind == "auth" ? Fault::unauthorised : Fault::unavailable, verdict.detail);
}

bool is_good(const SmtpOutcome& outcome) { return outcome.trouble == SmtpTrouble::none && outcome.code / 100 == 2; }

}  // namespace

Result<std::string> check_smtp(const email::SmtpAccount& account, const std::string& sender, const TokenSource& tokens, const std::stop_token& stop) {
  Check check{account, tokens, stop};
  const std::stop_callback cut(stop, [&check] { check.watch.stop_now = true; });
  const std::string plain = email::without_reply_tag(sender);
  auto outcome = check.attempt(sender);
  if (!outcome) return outcome.error();
  const bool for_the_tag = plain != sender && outcome->stage == SmtpStage::sender && outcome->trouble == SmtpTrouble::none &&
                           outcome->code / 100 == 5 && !is_login_refused(*outcome);
  if (for_the_tag) {
    outcome = check.attempt(plain);
    if (!outcome) return outcome.error();
  }
  if (!is_good(*outcome)) return check.trouble(for_the_tag ? plain : sender, *outcome);
  const auto& credentials = account.credentials;
  return check.where() + " takes mail from " + plain + (for_the_tag ? " alone, so bounces are known by what they return" : "") +
         (account.server.protection == email::Protection::off ? ", without TLS" : ", inside TLS") +
         (credentials.login == email::Login::none ? " and without a login" : " and logged in as " + credentials.user);
}

}  // namespace usher::connectors
