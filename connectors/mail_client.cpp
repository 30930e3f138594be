// MailClient: a few threads, each with one mail.
#include "connectors/mail_client.hpp"

#include <csignal>

#include "connectors/curl_handle.hpp"
#include "connectors/email/thread_key.hpp"

namespace usher::connectors {

namespace {

bool takes_token(const email::Credentials& credentials) {
  return credentials.login == email::Login::xoauth2 || credentials.login == email::Login::oauthbearer;
}

// How many mailboxes are remembered whose servers take the plain sender alone. One that is forgotten costs a connection.
constexpr std::size_t plain_senders_max = 256;

// Nothing was taken, and it may be for the sender: Postfix says so only at the recipient, Microsoft after the text.
bool may_be_for_the_sender(const SmtpOutcome& outcome) {
  return outcome.trouble == SmtpTrouble::none && outcome.stage >= SmtpStage::sender && outcome.code / 100 == 5 && !is_login_refused(outcome);
}

// A token is wanted by nobody once a stop is asked for.
SmtpOutcome no_token(std::string words, const std::stop_token& stop) {
  if (stop.stop_requested()) return {SmtpStage::connect, 0, {}, SmtpTrouble::stopped, "cut off"};
  return {SmtpStage::connect, 0, {}, SmtpTrouble::login, std::move(words)};
}

}  // namespace

MailClient::MailClient(TokenSource tokens, SmtpTimes times, Done done)
    : tokens_(std::move(tokens)), times_(times), done_(std::move(done)) {
  start_libcurl();
}

MailClient::~MailClient() {
  no_more_tokens_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = winding_down_ = true;
    for (SmtpWatch* watch : watches_) watch->stop_now = true;
    changed_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
}

void MailClient::start(std::uint64_t ticket, MailPost post) {
  const std::lock_guard lock(mutex_);
  expect(in_flight_ < limits::mails_in_flight_max, "no more mails than threads");
  jobs_.push_back({ticket, std::move(post)});
  ++in_flight_;
  if (in_flight_ > threads_.size()) threads_.emplace_back([this] { work(); });
  changed_.notify_one();
}

std::size_t MailClient::in_flight() const {
  const std::lock_guard lock(mutex_);
  return in_flight_;
}

void MailClient::wind_down() {
  no_more_tokens_.request_stop();
  const std::lock_guard lock(mutex_);
  winding_down_ = true;
  for (SmtpWatch* watch : watches_) watch->stop = true;
}

void MailClient::work() {
  // OpenSSL writes with write(); a peer that is gone must not end the program (it never does where SIGPIPE is ignored).
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    SmtpWatch watch;
    watch.stop = winding_down_;
    watch.stop_now = stopping_;
    watches_.push_back(&watch);
    lock.unlock();
    SmtpOutcome outcome = attempt(job.post, watch);
    lock.lock();
    std::erase(watches_, &watch);
    --in_flight_;
    lock.unlock();
    done_(Result{job.ticket, std::move(job.post), std::move(outcome)});
    lock.lock();
  }
}

// Some providers take the mailbox's plain address as the sender and no other. Bounces are then known by what they return.
SmtpOutcome MailClient::attempt(MailPost& post, SmtpWatch& watch) {
  const std::string plain = email::without_reply_tag(post.envelope_from);
  if (plain == post.envelope_from) return log_in_and_send(post, watch);
  const auto& server = post.account.server;
  const std::string mailbox = plain + " " + server.host + ":" + std::to_string(server.port);
  {
    const std::lock_guard lock(mutex_);
    if (plain_senders_.contains(mailbox)) post.envelope_from = plain;
  }
  auto outcome = log_in_and_send(post, watch);
  // What the server refuses for any other reason it refuses again: its last word counts.
  if (post.envelope_from == plain || !may_be_for_the_sender(outcome)) return outcome;
  post.envelope_from = plain;
  outcome = log_in_and_send(post, watch);
  if (!is_taken(outcome)) return outcome;
  const std::lock_guard lock(mutex_);
  if (plain_senders_.size() >= plain_senders_max) plain_senders_.clear();
  plain_senders_.insert(mailbox);
  return outcome;
}

SmtpOutcome MailClient::log_in_and_send(const MailPost& post, SmtpWatch& watch) const {
  const auto& credentials = post.account.credentials;
  if (!takes_token(credentials)) return send_mail(post, {}, times_, watch);
  const std::stop_token stop = no_more_tokens_.get_token();
  if (!tokens_ || stop.stop_requested()) return no_token("there is nobody to ask for an access token", stop);
  auto token = tokens_(credentials.grant, false, stop);
  if (!token) return no_token(token.error().detail, stop);
  auto outcome = send_mail(post, *token, times_, watch);
  if (!is_login_refused(outcome)) return outcome;
  // Tokens are withdrawn before their time, when a password is changed for example.
  auto fresh = tokens_(credentials.grant, true, stop);
  if (!fresh) return no_token(fresh.error().detail, stop);
  return *fresh == *token ? outcome : send_mail(post, *fresh, times_, watch);
}

}  // namespace usher::connectors
