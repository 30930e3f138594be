// See connector_try.hpp.
#include "daemon/connector_try.hpp"

#include <atomic>
#include <condition_variable>
#include <system_error>

#include "connectors/catalog.hpp"
#include "connectors/email/email_account.hpp"
#include "connectors/email/imap/mailbox_reader.hpp"
#include "connectors/email/thread_key.hpp"
#include "connectors/smtp_check.hpp"

namespace usher::daemon {
namespace {

constexpr std::chrono::seconds server_within{45};  // Of each; usherctl waits for both.

// Asks to stop when the time is over, or somebody else does.
class TimeLimit {
 public:
  explicit TimeLimit(const std::stop_token& stop)
      : pass_on_(stop, [this] { ended_.request_stop(); }), timer_([this](const std::stop_token& no_more) { wait(no_more); }) {}

  [[nodiscard]] std::stop_token token() const { return ended_.get_token(); }
  [[nodiscard]] bool over() const { return over_; }

 private:
  void wait(const std::stop_token& no_more) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, no_more, server_within, [] { return false; });
    if (no_more.stop_requested()) return;
    over_ = true;
    ended_.request_stop();
  }

  std::stop_source ended_;
  std::atomic<bool> over_{false};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::stop_callback<std::function<void()>> pass_on_;
  std::jthread timer_;  // Last: it uses what is above.
};

// What replies carry on their envelope; the conversation is nobody's.
std::string sender_of(const connectors::Instance& instance, const connectors::email::EmailAccount& account, Instant now) {
  const auto sender = connectors::email::mint_envelope_sender({instance.tenant, account.secrets}, MessageId{}, account.address, now);
  return sender.empty() ? account.address : sender;
}

// One server after the other, so that each is told of.
class MailTry {
 public:
  MailTry(const connectors::Instance& instance, connectors::AccessTokens& tokens, const std::stop_token& stop)
      : instance_(instance), tokens_(tokens), stop_(stop) {}

  Tried run(Instant now) {
    const auto account = connectors::email::account_of(instance_);
    expect(account.has_value(), "a loaded connector was checked");
    if (account->imap) {
      const auto& imap = *account->imap;
      add("imap", [&](const std::stop_token& stop) {
        const auto token = [&](bool fresh) { return tokens_.token(imap.credentials.grant, fresh, stop); };
        return connectors::email::imap::check_imap(imap, token, account->sent_folder, stop);
      });
    }
    if (account->smtp) {
      const auto sender = sender_of(instance_, *account, now);
      add("smtp", [&](const std::stop_token& stop) { return connectors::check_smtp(*account->smtp, sender, tokens_.source(), stop); });
    } else {
      say("smtp", "no server is named, so no reply can be sent");
    }
    return std::move(tried_);
  }

 private:
  template <class Check>
  void add(const char* server, Check check) {
    const TimeLimit limit(stop_);
    const Result<std::string> found = check(limit.token());
    tried_.good = tried_.good && found.has_value();
    if (found) return say(server, *found);
    say(server, limit.over() ? "was not done within " + std::to_string(server_within.count()) + " s" : found.error().detail);
  }
  void say(const std::string& server, const std::string& words) {
    tried_.detail += (tried_.detail.empty() ? "" : "; ") + server + ": " + words;
  }

  const connectors::Instance& instance_;
  connectors::AccessTokens& tokens_;
  const std::stop_token& stop_;
  Tried tried_{};
};

}  // namespace

Tried try_connector(const connectors::Instance& instance, connectors::AccessTokens& tokens, const Clock& clock, const std::stop_token& stop) {
  if (instance.type != connectors::email_connector.type) return {true, "type " + instance.type};
  return MailTry(instance, tokens, stop).run(clock.wall());
}

namespace {

// The limit of time is a thread, too.
Tried tried_in_time(const connectors::Instance& instance, connectors::AccessTokens& tokens, const Clock& clock, const std::stop_token& stop) {
  try {
    return try_connector(instance, tokens, clock, stop);
  } catch (const std::system_error& error) {
    return {false, std::string("it cannot be tried at the moment: ") + error.what()};
  }
}

}  // namespace

Result<void> ConnectorTries::take(std::shared_ptr<const connectors::Instance> instance, Done done) {
  const std::lock_guard lock(mutex_);
  if (busy_ || stopped_) return fail(Fault::overloaded, "another connector is being tried");
  auto work = [this, instance = std::move(instance), done = std::move(done)](const std::stop_token& stop) {
    auto tried = tried_in_time(*instance, tokens_, clock_, stop);
    {
      // First, or who asks again as soon as he is answered would be refused.
      const std::lock_guard over(mutex_);
      busy_ = false;
    }
    done(std::move(tried));
  };
  // The one before has nothing left to do but to answer.
  try {
    thread_ = std::jthread(std::move(work));
  } catch (const std::system_error& error) {
    return fail(Fault::unavailable, std::string("no thread is to be had to try it: ") + error.what());
  }
  busy_ = true;
  return {};
}

void ConnectorTries::stop() {
  std::jthread last;
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  last.swap(thread_);
  last.request_stop();
}

}  // namespace usher::daemon
