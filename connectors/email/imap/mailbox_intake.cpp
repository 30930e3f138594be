// MailboxIntake: see the head of mailbox_intake.hpp.
#include "connectors/email/imap/mailbox_intake.hpp"

#include <algorithm>
#include <mutex>

#include "connectors/email/imap/imap_limits.hpp"

namespace usher::connectors::email::imap {

namespace {

// A mail that breaks the grammar or a limit will do so again; a line that breaks may have been the line.
constexpr int break_of_grammar = 3;
constexpr int break_of_line = 1;
constexpr int breaks_max = break_of_grammar * limits::fetch_attempts_max;
constexpr auto answer_within = std::chrono::minutes(5);

bool passes(Fault fault) { return fault == Fault::unavailable || fault == Fault::overloaded; }

}  // namespace

// Outlives the reader for as long as the sink holds a `done`.
struct MailboxIntake::Answers {
  struct Answer {
    std::uint64_t wave;
    Uid uid;
    Result<void> taken;
  };
  std::mutex mutex;
  std::vector<Answer> come;  // Guarded by mutex.
  Bell bell;                 // One for all waves: descriptors run out.
};

MailboxIntake::MailboxIntake(const MailboxReader::Ports& ports, const Pace& pace, const StopSwitch& stop, Events events)
    : ports_(ports), pace_(pace), stop_(stop), events_(std::move(events)), answers_(std::make_shared<Answers>()),
      pause_(pace.sink_retry_first) {}
MailboxIntake::~MailboxIntake() = default;

void MailboxIntake::forget() {
  breaks_.clear();
  too_large_.clear();
}

Result<bool> MailboxIntake::take(ImapSession& session, std::vector<BatchMail>& batch, std::optional<Instant> not_before) {
  refused_ = false;
  // Answers of a connection that broke count for no mail of this one: they are asked for anew.
  ++wave_;
  in_flight_.clear();
  in_flight_bytes_ = 0;
  if (auto looked = look(session, batch, not_before); !looked) return looked.error();
  auto handed = hand_over(session, batch);
  // Also when the connection broke: what is durable by now need not come again.
  if (auto waited = wait_for_room(batch, 1, limits::in_flight_bytes_max); !waited) return waited.error();
  if (!handed) return handed;
  const bool all = std::none_of(batch.begin(), batch.end(), [](const BatchMail& mail) { return mail.fate == Fate::untaken; });
  if (!refused_) pause_ = pace_.sink_retry_first;
  if (all) events_.waits({});
  return all;
}

void MailboxIntake::pause() {
  // Between half and all of it, so that mailboxes do not come back together.
  const auto part = pause_ / 2 + pause_ / 2 * (ports_.clock.steady().count() % 97) / 97;
  stop_.pause(part);
  pause_ = std::min(pause_ * 2, pace_.sink_retry_longest);
}

Result<void> MailboxIntake::look(ImapSession& session, std::vector<BatchMail>& batch, std::optional<Instant> not_before) {
  std::vector<Uid> wanted;
  for (const BatchMail& mail : batch)
    if (mail.fate == Fate::untaken) wanted.push_back(mail.uid);
  if (wanted.empty()) return {};
  described_.clear();
  if (auto learned = learn(session, wanted); !learned) return learned;
  if (auto looked = look_for_missing(session, batch); !looked) return looked;
  for (BatchMail& mail : batch) {
    if (mail.fate != Fate::untaken) continue;
    const auto found = described_.find(mail.uid);
    // The server tells nothing of a mail that is there; fetching it will show.
    if (found == described_.end()) continue;
    mail.internal_date = found->second.internal_date;
    if (not_before && mail.internal_date && *mail.internal_date < *not_before) mail.fate = Fate::gone;
    // No flag says that a mail was taken: others set \Deleted, and another installation sets the same keyword. What we marked
    // and could not remove before a crash comes once more, as a repeat.
  }
  return {};
}

// What the server tells of these. An error: the connection is over, or no use now; a plain NO leaves them unknown.
Result<void> MailboxIntake::learn(ImapSession& session, const std::vector<Uid>& uids) {
  auto described = session.describe(uids);
  if (!described) return session.alive() && described.error().fault == Fault::conflict ? Result<void>() : described.error();
  for (Described& mail : *described) described_[mail.uid] = std::move(mail);
  return {};
}

// A mail that nothing was told of was moved or deleted by somebody else, or the server left it out: only a search knows, and
// the place is saved behind what is gone. Those that are there are asked for one by one, for one of them may spoil the answer.
Result<void> MailboxIntake::look_for_missing(ImapSession& session, std::vector<BatchMail>& batch) {
  std::vector<BatchMail*> missing;
  for (BatchMail& mail : batch)
    if (mail.fate == Fate::untaken && !described_.contains(mail.uid)) missing.push_back(&mail);
  if (missing.empty()) return {};
  const auto there = session.search(missing.front()->uid, missing.back()->uid);
  if (!there) return there.error();
  for (BatchMail* mail : missing) {
    if (!std::binary_search(there->begin(), there->end(), mail->uid)) mail->fate = Fate::gone;
    else if (auto learned = learn(session, {mail->uid}); !learned) return learned;
  }
  return {};
}

Result<bool> MailboxIntake::hand_over(ImapSession& session, std::vector<BatchMail>& batch) {
  for (BatchMail& mail : batch) {
    if (mail.fate != Fate::untaken) continue;
    const std::uint64_t size = std::min<std::uint64_t>(described_[mail.uid].size, limits::mail_bytes_max);
    if (auto room = wait_for_room(batch, limits::in_flight_max, size); !room) return room.error();
    if (refused_) return false;
    auto fetched = fetch(session, batch, mail);
    if (!fetched) return fetched.error();
    if (!*fetched) {
      refused_ = true;
      return false;
    }
  }
  return true;
}

// True: it is on its way, or its fate is known. False: try again after a pause.
Result<bool> MailboxIntake::fetch(ImapSession& session, const std::vector<BatchMail>& batch, BatchMail& mail) {
  const Described& known = described_[mail.uid];
  if (breaks_.contains(mail.uid) && breaks_[mail.uid] >= breaks_max) {
    mail.fate = Fate::passed_over;
    events_.passed_over(mail.uid, "it broke the connection again and again");
    return true;
  }
  const bool cut = known.size > limits::mail_bytes_max || too_large_.contains(mail.uid);
  auto body = session.fetch(mail.uid, known.size, cut ? std::optional(limits::mail_bytes_max) : std::nullopt);
  if (!body && !session.alive()) {
    if (!stop_.pulled()) broke(mail.uid, body.error());
    return body.error();
  }
  if (!body) return settle_unread(session, batch, mail, body.error());
  if (!*body) return settle_unread(session, batch, mail, fail(Fault::conflict, "the server hands out nothing of mail " + std::to_string(mail.uid)));
  // Some servers answer for what their storage lost as if it had been empty.
  if ((*body)->empty() && known.size > 0)
    return settle_unread(session, batch, mail, fail(Fault::conflict, "the server hands out mail " + std::to_string(mail.uid) + " as if it were empty"));
  breaks_.erase(mail.uid);
  mail.cut = cut;
  const std::uint64_t bytes = (*body)->size();
  in_flight_[mail.uid] = bytes;
  in_flight_bytes_ += bytes;
  ports_.sink(std::move(**body), mail.internal_date.value_or(ports_.clock.wall()), cut,
              [answers = answers_, wave = wave_, uid = mail.uid](Result<void> answer) {
                {
                  const std::lock_guard lock(answers->mutex);
                  answers->come.push_back({wave, uid, std::move(answer)});
                }
                answers->bell.ring();
              });
  return true;
}

// A server's NO to one mail: it may have gone meanwhile, or the server may be unable to read it itself; or to read any: then
// nothing counts against this one, and the connection is given up, so that the next one comes after a longer and longer pause.
Result<bool> MailboxIntake::settle_unread(ImapSession& session, const std::vector<BatchMail>& batch, BatchMail& mail, const Error& why) {
  const auto there = session.search(mail.uid, mail.uid);
  if (!there) return there.error();
  if (there->empty()) {
    mail.fate = Fate::gone;
    return true;
  }
  if (why.fault != Fault::conflict || !hands_out_others(session, batch, mail.uid)) return fail(Fault::unavailable, why.detail);
  if (broke(mail.uid, fail(Fault::malformed, why.detail))) {
    mail.fate = Fate::passed_over;
    events_.passed_over(mail.uid, why.detail);
    return true;
  }
  events_.waits(why.detail);
  return false;
}

// Whether the server can read any of some other mails: a storage that is away fails for all of them. First the neighbours,
// the newest before the others; then older ones of the folder. They are only asked for; nothing of them is taken.
bool MailboxIntake::hands_out_others(ImapSession& session, const std::vector<BatchMail>& batch, Uid but) {
  std::vector<Uid> near, older;
  for (auto mail = batch.rbegin(); mail != batch.rend(); ++mail)
    if (mail->uid != but && mail->fate != Fate::gone && mail->fate != Fate::passed_over && !breaks_.contains(mail->uid)) near.push_back(mail->uid);
  const auto reads_any = [&](std::vector<Uid>& uids) {
    if (uids.size() > limits::others_asked) uids.resize(limits::others_asked);
    return std::any_of(uids.begin(), uids.end(), [&](Uid uid) {
      if (!session.alive()) return false;
      const auto body = session.fetch(uid, 1, 1);
      return body && *body && !(*body)->empty();
    });
  };
  if (reads_any(near)) return true;
  if (!session.alive() || but == 1) return false;
  const auto found = session.search(but - std::min(but - 1, limits::others_within), but - 1);
  if (found) older.assign(found->rbegin(), found->rend());
  return reads_any(older);
}

// True: often enough.
bool MailboxIntake::broke(Uid uid, const Error& error) {
  if (error.fault == Fault::too_large) too_large_.insert(uid);
  return (breaks_[uid] += error.fault == Fault::unavailable ? break_of_line : break_of_grammar) >= breaks_max;
}

// Until fewer than `mails` are in flight, and `bytes` fit beside them.
Result<void> MailboxIntake::wait_for_room(std::vector<BatchMail>& batch, std::size_t mails, std::uint64_t bytes) {
  read_answers(batch);
  const Deadline deadline = in(answer_within);
  while (!in_flight_.empty() && (in_flight_.size() >= mails || in_flight_bytes_ + bytes > limits::in_flight_bytes_max)) {
    const auto woken = stop_.wait(answers_->bell.descriptor(), POLLIN, answers_->bell.look_again(deadline));
    if (woken == StopSwitch::Woken::stopped) return fail(Fault::unavailable, "stopped");
    if (woken == StopSwitch::Woken::silence && std::chrono::steady_clock::now() >= deadline) return fail(Fault::unavailable, "no answer whether mails were written down");
    read_answers(batch);
  }
  return {};
}

void MailboxIntake::read_answers(std::vector<BatchMail>& batch) {
  std::vector<Answers::Answer> come;
  answers_->bell.silence();
  {
    const std::lock_guard lock(answers_->mutex);
    come.swap(answers_->come);
  }
  for (const auto& [wave, uid, answer] : come) {
    if (wave != wave_) continue;
    in_flight_bytes_ -= in_flight_[uid];
    in_flight_.erase(uid);
    const auto mail = std::find_if(batch.begin(), batch.end(), [uid = uid](const BatchMail& one) { return one.uid == uid; });
    expect(mail != batch.end(), "an answer is for a mail of the batch");
    if (answer) {
      mail->fate = Fate::durable;
      events_.took();
    } else if (passes(answer.error().fault)) {
      refused_ = true;
      events_.waits("mails cannot be written down: " + answer.error().detail);
    } else {
      mail->fate = Fate::passed_over;
      events_.passed_over(uid, answer.error().detail);
    }
  }
}

}  // namespace usher::connectors::email::imap
