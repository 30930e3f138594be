// MailboxReader: the loop. What is new is what has a number above the last one dealt with, never what is unseen: people and
// other programs read mail, too.
#include "connectors/email/imap/mailbox_reader.hpp"

#include <algorithm>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "connectors/email/imap/durable_ahead.hpp"
#include "connectors/email/imap/first_visit.hpp"
#include "connectors/email/imap/imap_limits.hpp"
#include "connectors/email/imap/mailbox_dates.hpp"
#include "connectors/email/imap/mailbox_intake.hpp"
#include "connectors/email/imap/mailbox_marks.hpp"

namespace usher::connectors::email::imap {

namespace {

// Numbers that are still to be looked through. `upto` 0: new mail, for ever; otherwise a part that is behind us once it is done:
// an import, or the mails of a new numbering. Of such a part nothing is saved before its end, since its order means nothing.
struct Walk {
  Uid from = 1;
  Uid upto = 0;  // Exclusive.
  std::optional<Instant> since;
  std::optional<Instant> not_before;
};

}  // namespace

Pace Pace::usual() {
  return {limits::idle_max, limits::idle_after_mail, limits::retry_first, limits::retry_longest, limits::login_retry_first, limits::login_retry_longest,
          limits::sink_retry_first, limits::sink_retry_longest, limits::walks_apart, limits::lasts_from, limits::calm_from, limits::place_within, Silence{}};
}

struct MailboxReader::Loop {
  Loop(ImapAccount account_of, Ports ports_of, Pace pace_of);
  void run();
  Result<void> live();
  Result<void> find_place();
  Result<void> begin(ImapSession& session, const Selected& selected);
  [[nodiscard]] bool ends_before_us(const Selected& selected) const;
  void forget_numbers();
  void begin_walk();
  Result<void> await_place();
  Result<void> walk_through(ImapSession& session);
  Result<Uid> search_end(ImapSession& session);
  Result<void> take(ImapSession& session, const std::vector<Uid>& uids);
  Result<void> take_batch(ImapSession& session, std::vector<BatchMail> batch);
  void advance(const std::vector<BatchMail>& batch);
  Result<void> wait_for_news(ImapSession& session);
  Result<void> same_folder(ImapSession& session);
  [[nodiscard]] bool lasted() const { return begun && std::chrono::steady_clock::now() - *begun >= pace.lasts_from; }
  void pause_after(const Error& error);
  void tell(const std::string& trouble);
  template <class Change>
  void change(Change change_status);

  // Constant after construction.
  const ImapAccount account;
  const Ports ports;
  const Pace pace;
  StopSwitch stop{};

  mutable std::mutex mutex{};
  MailboxStatus status{};  // Guarded by mutex.

  // Of the thread.
  MailboxIntake intake;
  MailboxMarks marks{account};
  std::optional<Position> position{};
  bool found_place = false;
  bool place_outlives = false;  // Otherwise a crash would make the next connection the first one.
  Uid numbering = 0;  // UIDVALIDITY of the last connection.
  Uid uid_next = 0;
  std::optional<Walk> walk{};
  std::optional<std::vector<Uid>> windows{};  // Of this connection, where they were needed: the last number of each.
  MailboxDates dates{};
  Deadline last_mail{};  // When the last one was taken; or, before that, when this connection began.
  DurableAhead ahead{};
  bool idles = true;       // Of this connection.
  bool mail_came = true;   // Since the last wait in full; a new connection may come in the midst of it.
  std::optional<Deadline> begun{};  // When this connection had the mailbox open.
  Deadline next_look{};             // Whether the folder is still the one that has the name.
  bool poll_next = false;           // The one before was lost within IDLE, soon.
  bool got_through = false;  // This connection has looked through the mailbox once.
  std::chrono::milliseconds pause{};
  bool paused_for_login = false;
  std::mt19937 random{std::random_device{}()};
  std::thread thread{};
};

MailboxReader::MailboxReader(ImapAccount account, Ports ports, Pace pace) : loop_(new Loop(std::move(account), std::move(ports), pace)) {
  loop_->thread = std::thread([loop = loop_.get()] { loop->run(); });
}

MailboxReader::~MailboxReader() {
  loop_->stop.pull();
  loop_->thread.join();
}

MailboxStatus MailboxReader::status() const {
  const std::lock_guard lock(loop_->mutex);
  return loop_->status;
}

MailboxReader::Loop::Loop(ImapAccount account_of, Ports ports_of, Pace pace_of)
    : account(std::move(account_of)),
      ports(std::move(ports_of)),
      pace(pace_of),
      intake(ports, pace, stop,
             {[this] { change([](MailboxStatus& now) { ++now.taken; }); },
              [this](Uid uid, const std::string& why) {
                const std::string words = "mail " + std::to_string(uid) + " is passed over and stays in the mailbox: " + why;
                change([&](MailboxStatus& now) {
                  ++now.passed_over;
                  now.last_passed_over = words;
                });
                if (ports.report) ports.report(words);
              },
              [this](const std::string& why) { tell(why); }}) {}

template <class Change>
void MailboxReader::Loop::change(Change change_status) {
  const std::lock_guard lock(mutex);
  change_status(status);
}

void MailboxReader::Loop::tell(const std::string& trouble) {
  bool other = false;
  change([&](MailboxStatus& now) {
    other = now.trouble != trouble;
    now.trouble = trouble;
  });
  if (other && ports.report) ports.report(trouble.empty() ? "the mailbox is read again" : trouble);
}

void MailboxReader::Loop::run() {
  while (!stop.pulled()) {
    const auto ended = live();
    change([](MailboxStatus& now) { now.connected = false; });
    if (stop.pulled()) return;
    tell(ended.error().detail);
    pause_after(ended.error());
  }
}

void MailboxReader::Loop::pause_after(const Error& error) {
  const bool login = error.fault == Fault::unauthorised;
  const auto first = login ? pace.login_retry_first : pace.retry_first;
  const auto longest = login ? pace.login_retry_longest : pace.retry_longest;
  const bool begins = (got_through && lasted()) || login != paused_for_login || pause.count() == 0;
  pause = begins ? first : std::min(pause * 2, longest);
  paused_for_login = login;
  // Between half and all of it, so that many mailboxes of one server do not come back in one moment.
  stop.pause(std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(pause.count() / 2, pause.count())(random)));
}

// One connection, until it ends; so always an error.
Result<void> MailboxReader::Loop::live() {
  got_through = false;
  begun.reset();
  if (auto found = find_place(); !found) return found;
  auto session = ImapSession::open(account.server, account.credentials, ports.token, stop, pace.silence);
  if (!session) return session.error();
  const auto selected = (*session)->select(account.folder);
  if (!selected) return selected.error();
  change([](MailboxStatus& now) { now.connected = true; });
  begun = std::chrono::steady_clock::now();
  next_look = in(pace.idle);
  idles = !std::exchange(poll_next, false);
  mail_came = true;
  if (auto known = begin(**session, *selected); !known) return known;
  if (auto kept = await_place(); !kept) return kept;
  for (;;) {
    const Deadline next_walk = in(pace.walks_apart);
    if (auto walked = walk_through(**session); !walked) return walked;
    got_through = true;
    change([&](MailboxStatus& now) { now.last_poll = ports.clock.wall(); });
    tell({});
    if (auto waited = wait_for_news(**session); !waited) return waited;
    if (stop.wait(-1, 0, next_walk) == StopSwitch::Woken::stopped) return fail(Fault::unavailable, "stopped");
  }
}

Result<void> MailboxReader::Loop::find_place() {
  if (found_place) return {};
  auto place = ports.place.load();
  if (!place) return fail(Fault::unavailable, "it is not known where to go on: " + place.error().detail);
  position = *place;
  found_place = true;
  // Known to the journal again before anything else: a Kafka cluster forgets marks that nobody saves for a week, and a server
  // may be away for longer.
  if (position) ports.place.save(*position);
  return {};
}

// Where this connection goes on.
Result<void> MailboxReader::Loop::begin(ImapSession& session, const Selected& selected) {
  uid_next = selected.uid_next;
  if ((numbering != 0 && numbering != selected.uid_validity) || ends_before_us(selected)) forget_numbers();
  numbering = selected.uid_validity;
  marks.begin(selected);
  windows.reset();
  last_mail = std::chrono::steady_clock::now();
  if (!position && !account.import_since) {
    const auto there = newest_there(session, selected, ports.clock.wall());
    if (!there) return there.error();
    if (ports.report) ports.report("no place is known where this mailbox was read to: only new mail is taken");
    dates.begin(*there, ports.clock.wall());
    position = dates.at(numbering, uid_next - 1);
    ports.place.save(*position);
  }
  begin_walk();
  return {};
}

// A mailbox that was put back from a copy while we had it open: under the name of its numbering it gives our numbers to other mails.
bool MailboxReader::Loop::ends_before_us(const Selected& selected) const {
  return walk && selected.next_told && selected.uid_next < (walk->upto != 0 ? walk->upto : walk->from);
}

// None of them names a mail any more.
void MailboxReader::Loop::forget_numbers() {
  marks.forget();
  intake.forget();
  ahead.forget();
  // What was taken of a part that is cut off says nothing about the mails between: only what the place says counts.
  if (walk && walk->upto != 0) dates = {};
  walk.reset();
}

void MailboxReader::Loop::begin_walk() {
  // A server's days are those of its own time zone, so a search goes back one more; what it finds too early is left out by its time.
  const auto since = [](Instant at) { return at - std::chrono::days(1); };
  if (!position) {
    if (walk) return;
    dates.begin_import(*account.import_since);
    walk = Walk{1, uid_next, since(*account.import_since), account.import_since};
    return;
  }
  dates.go_on(*position);
  // A numbering that ends before our place is another one, too, though it has the same name: a mailbox put back from a copy.
  const bool same = same_numbering(position->uid_validity, numbering) && position->last < std::max(uid_next, Uid{1});
  if (same) {
    // Again, since a Kafka cluster forgets marks that nobody saves for a week.
    ports.place.save(*position);
    if (!walk) walk = Walk{position->last + 1, 0, {}, {}};
  } else if (!walk) {
    const Instant from = dates.new_from(ports.clock.wall());
    if (ports.report) ports.report("the mailbox has a new numbering: going on by date, with mail that arrived since " + format_rfc3339(from));
    walk = Walk{1, uid_next, since(from), from};
  }
}

// Who has no place takes no old mail. So nothing is looked at, and nobody is told that it was, before a place would outlive a crash:
// what comes from then on is never old mail. An import needs none, since it begins anew.
Result<void> MailboxReader::Loop::await_place() {
  const Deadline given_up = in(pace.place_within);
  while (position && !place_outlives) {
    const auto kept = ports.place.outlives_a_crash();
    place_outlives = kept && *kept;
    if (place_outlives) break;
    if (std::chrono::steady_clock::now() > given_up)
      return fail(Fault::unavailable, "where this mailbox goes on cannot be written down" + (kept ? std::string() : ": " + kept.error().detail));
    if (stop.pause(limits::place_asked_every)) return fail(Fault::unavailable, "stopped");
  }
  return {};
}

Result<void> MailboxReader::Loop::walk_through(ImapSession& session) {
  const Deadline begun_at = std::chrono::steady_clock::now();
  if (auto settled = marks.settle(session); !settled) return settled;
  for (;;) {
    if (walk->upto != 0 && walk->from >= walk->upto) {
      position = dates.at(numbering, walk->upto - 1);
      ports.place.save(*position);
      walk = Walk{walk->upto, 0, {}, {}};
    }
    const auto end = search_end(session);
    if (!end) return end.error();
    const Uid last = *end;
    auto uids = session.search(walk->from, last, walk->since);
    if (!uids) return uids.error();
    mail_came = mail_came || !uids->empty();
    if (auto taken = take(session, *uids); !taken) return taken;
    if (last == 0) break;
    walk->from = last + 1;
  }
  if (dates.looked_through(ports.clock.wall(), begun_at - last_mail >= pace.calm_from)) {
    position = dates.at(numbering, position->last);
    ports.place.save(*position);
  }
  change([&](MailboxStatus& now) { now.mark_trouble = marks.trouble(); });
  return {};
}

// The last number that a search from here may cover, so that its answer fits into a line; 0: to the end. It goes by how many mails
// there are: numbers that a server makes of the time are far apart, and 1.7 billion of them would be 17,000 searches.
Result<Uid> MailboxReader::Loop::search_end(ImapSession& session) {
  const Uid last = walk->upto != 0 ? walk->upto - 1 : 0;
  const std::uint64_t behind = walk->upto != 0 ? walk->upto : uid_next;
  if (walk->from + std::uint64_t{limits::search_window} >= behind || session.exists() <= limits::search_window) return last;
  if (!windows) {
    std::vector<std::uint32_t> places;
    for (std::uint64_t place = limits::search_window; place <= session.exists(); place += limits::search_window)
      places.push_back(static_cast<std::uint32_t>(place));
    auto numbers = session.numbers_at(places);
    if (!numbers) return numbers.error();
    windows = std::move(*numbers);
  }
  const auto window = std::lower_bound(windows->begin(), windows->end(), walk->from);
  return window == windows->end() || *window + std::uint64_t{1} >= behind ? last : *window;
}

Result<void> MailboxReader::Loop::take(ImapSession& session, const std::vector<Uid>& uids) {
  for (std::size_t i = 0; i < uids.size();) {
    std::vector<BatchMail> batch;
    for (; i < uids.size() && batch.size() < limits::batch_mails; ++i)
      batch.push_back({uids[i], ahead.contains(uids[i]) ? Fate::durable : Fate::untaken, {}});
    if (auto taken = take_batch(session, std::move(batch)); !taken) return taken;
  }
  return {};
}

Result<void> MailboxReader::Loop::take_batch(ImapSession& session, std::vector<BatchMail> batch) {
  for (;;) {
    auto all = intake.take(session, batch, walk->not_before);
    for (const BatchMail& mail : batch)
      if (mail.fate == Fate::durable && ahead.add(mail.uid)) {
        marks.owe(mail.uid, mail.cut);
        if (mail.cut && ports.report)
          ports.report("mail " + std::to_string(mail.uid) + " is over the limit: its beginning is taken, and it stays in the mailbox");
      }
    if (!all) return all.error();
    auto settled = marks.settle(session);
    change([&](MailboxStatus& now) { now.mark_trouble = marks.trouble(); });
    if (!settled) return settled;
    advance(batch);
    if (*all) return {};
    intake.pause();
    if (stop.pulled()) return fail(Fault::unavailable, "stopped");
  }
}

// Over what is dealt with, without a gap.
void MailboxReader::Loop::advance(const std::vector<BatchMail>& batch) {
  const Uid last = ahead.pass(batch);
  if (last == 0) return;
  for (const BatchMail& mail : batch) {
    if (mail.uid > last) break;
    if (mail.fate == Fate::durable && mail.internal_date) dates.took(*mail.internal_date, ports.clock.wall());
    if (mail.fate == Fate::durable) last_mail = std::chrono::steady_clock::now();
  }
  walk->from = last + 1;
  if (walk->upto != 0) return;
  position = dates.at(numbering, last);
  ports.place.save(*position);
}

Result<void> MailboxReader::Loop::wait_for_news(ImapSession& session) {
  if (idles) {
    const auto idled = session.idle(mail_came ? std::min(pace.idle_after_mail, pace.idle) : pace.idle);
    poll_next = !idled && !lasted();
    if (!idled) return idled.error();
    if (*idled == ImapSession::Idled::news) return {};
    mail_came = false;
    if (*idled == ImapSession::Idled::quiet) return same_folder(session);
    idles = false;
  }
  if (stop.pause(account.poll_every)) return fail(Fault::unavailable, "stopped");
  // Some servers tell of new mail only when they are spoken to.
  if (auto spoken = session.noop(); !spoken) return spoken;
  return std::chrono::steady_clock::now() < next_look ? Result<void>() : same_folder(session);
}

// A folder that another client renames stays open here, as Cyrus has it without mails; Courier shows the one that was made anew, under the numbering of
// the old one. None of them says so, and asked with STATUS Dovecot tells of what is open. What SELECT opens is what has the name.
Result<void> MailboxReader::Loop::same_folder(ImapSession& session) {
  const auto selected = session.select(account.folder);
  if (!selected) return selected.error();
  next_look = in(pace.idle);
  if (selected->uid_validity != numbering) return fail(Fault::unavailable, "another folder is called " + account.folder + " now: that one is opened");
  if (ends_before_us(*selected)) return fail(Fault::unavailable, "the folder " + account.folder + " ends before what was read of it: it is opened anew");
  // What it refused to mark may succeed by now: a quota, a lock and the rights to a folder change.
  marks.begin(*selected);
  return {};
}

}  // namespace usher::connectors::email::imap
