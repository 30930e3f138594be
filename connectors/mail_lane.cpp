// MailLane: pace, rest and schedule.
#include "connectors/mail_lane.hpp"

#include <algorithm>

namespace usher::connectors {

namespace {

// 1 min, 2 min, 4 min ... up to an hour: greylisting wants minutes, a server that is down wants hours.
Milliseconds retry_wait(int attempt) {
  const Milliseconds wait = Milliseconds(limits::mail_retry_first) * (std::int64_t{1} << std::clamp(attempt - 1, 0, 16));
  return std::min(wait, Milliseconds(limits::retry_longest));
}

// It says nothing about one mail, so the next one would fare the same. A server that takes texts and is silent holds each
// mail for ten minutes, so it is left alone as well.
bool is_of_the_server(const Verdict& verdict) {
  return verdict.kind == "no_answer" || verdict.kind == "auth" || verdict.kind == "tls" || verdict.kind == "unknown";
}

Verdict paced(std::string detail, int attempt) { return {DeliveryState::deferred, std::move(detail), retry_wait(attempt), "paced"}; }

}  // namespace

MailLane::MailLane(const Clock& clock, MailHooks hooks, Done done)
    : clock_(clock), done_(std::move(done)), copies_(std::move(hooks.after_sent)),
      client_(std::move(hooks.tokens), hooks.times, [this](MailClient::Result result) { finished(std::move(result)); }) {}

bool MailLane::knows(const ConnectorId& connector) const {
  const std::lock_guard lock(mutex_);
  return mailboxes_.contains(connector);
}

void MailLane::meet(const ConnectorId& connector, const email::SmtpAccount& account) {
  const std::lock_guard lock(mutex_);
  set_pace(mailboxes_[connector], account);
}

void MailLane::set_pace(Mailbox& mailbox, const email::SmtpAccount& account) {
  mailbox.server = account.server.host + ":" + std::to_string(account.server.port);
  mailbox.connections = std::max(1, account.connections);
  const int rate = std::max(1, account.mails_per_minute);
  if (mailbox.bucket == nullptr || mailbox.mails_per_minute != rate) mailbox.bucket = std::make_shared<TokenBuckets>(rate, 1);
  mailbox.mails_per_minute = rate;
}

// A server takes one more place only while more are free than it has. So one that hangs ends at half of them, a second one at a
// quarter, and whoever comes then still finds one, whatever hangs and however many mailboxes are there.
bool MailLane::has_room_for(const Mailbox& mailbox) const {
  std::size_t of_server = 0;
  for (const auto& [connector, other] : mailboxes_)
    if (other.server == mailbox.server) of_server += other.in_flight;
  const std::size_t free = limits::mails_in_flight_max - std::min(tickets_.size(), limits::mails_in_flight_max);
  return mailbox.in_flight < static_cast<std::size_t>(mailbox.connections) && of_server < free;
}

MailLane::Turn MailLane::turn(const ConnectorId& connector, int attempt, const Queue& queue) {
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(connector);
  if (found == mailboxes_.end()) return {};
  Mailbox& mailbox = found->second;
  const Milliseconds now = clock_.steady();
  if (now < mailbox.rests_until) {
    // A wrong password that is tried for each mail locks the account, and a dead server would hold up all the others.
    Verdict verdict = *mailbox.why;
    verdict.retry_after = std::max(retry_wait(attempt), mailbox.rests_until - now);
    return {false, std::move(verdict), {}};
  }
  if (queue.of_connector >= limits::mails_waiting_max)
    return {false, paced("more replies are waiting than the mail server takes (" + std::to_string(mailbox.mails_per_minute) + " a minute)", attempt), {}};
  Milliseconds wait{0};
  if (has_room_for(mailbox)) {
    wait = mailbox.bucket->take("", now);
    if (wait == Milliseconds{0}) return {};
  }
  if (queue.in_all >= limits::mails_waiting_in_all_max) return {false, paced("more replies are waiting than the mail servers take", attempt), {}};
  return {false, std::nullopt, wait};
}

void MailLane::start(const ConnectorId& connector, std::uint64_t ticket, int attempt, MailPost post) {
  {
    const std::lock_guard lock(mutex_);
    Mailbox& mailbox = mailboxes_.at(connector);
    const auto before = mailbox.bucket;
    set_pace(mailbox, post.account);
    if (mailbox.bucket != before) static_cast<void>(mailbox.bucket->take("", clock_.steady()));  // This one, at its new pace.
    ++mailbox.in_flight;
    tickets_.emplace(ticket, Ticket{connector, attempt});
  }
  client_.start(ticket, std::move(post));
}

std::string MailLane::trouble() const {
  const std::lock_guard lock(mutex_);
  for (const auto& [connector, mailbox] : mailboxes_)
    if (mailbox.why) return connector.text() + ": " + mailbox.why->detail;
  return {};
}

void MailLane::finished(MailClient::Result result) {
  Verdict verdict = judge(result.outcome);
  const bool cut_off = result.outcome.trouble == SmtpTrouble::stopped && !is_taken(result.outcome);
  {
    const std::lock_guard lock(mutex_);
    const Ticket ticket = tickets_.at(result.ticket);
    tickets_.erase(result.ticket);
    Mailbox& mailbox = mailboxes_.at(ticket.connector);
    --mailbox.in_flight;
    if (verdict.state == DeliveryState::deferred) verdict.retry_after = retry_wait(ticket.attempt);
    if (!cut_off) note(mailbox, verdict);
    if (!cut_off && verdict.kind == "unknown") give_up_the_unknown(result.post.message_id, verdict);
  }
  if (cut_off) return done_(result.ticket, std::nullopt);
  // The report first: a copy is a convenience, and the thread that makes it may be far behind.
  const bool sent = verdict.state == DeliveryState::sent;
  done_(result.ticket, std::move(verdict));
  if (sent) copies_.keep(std::move(result.post));
}

void MailLane::give_up_the_unknown(const std::string& message_id, Verdict& verdict) {
  const auto [found, is_first] = unknown_.try_emplace(message_id, 0);
  if (is_first) unknown_order_.push_back(message_id);
  const int times = ++found->second;
  if (unknown_order_.size() > limits::mails_unknown_remembered) {
    unknown_.erase(unknown_order_.front());
    unknown_order_.pop_front();
  }
  if (times < limits::mail_unknown_max) return;
  verdict.state = DeliveryState::failed;
  verdict.retry_after = {};
  verdict.detail = "it may have arrived: the mail server was given the mail " + std::to_string(times) + " times and never said whether it took it";
}

void MailLane::note(Mailbox& mailbox, const Verdict& verdict) {
  if (!is_of_the_server(verdict)) {
    mailbox.why.reset();
    mailbox.rests_until = {};
    return;
  }
  mailbox.why = verdict;
  // What waits out the rest was never said to the server, so nothing is unknown of it.
  if (verdict.kind == "unknown") mailbox.why = Verdict{DeliveryState::deferred, "the mail server did not say of another mail whether it took it", {}, "no_answer"};
  mailbox.rests_until = clock_.steady() + limits::mail_rest;
}

}  // namespace usher::connectors
