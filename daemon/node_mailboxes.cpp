// See node_mailboxes.hpp. Two processes may read one mailbox for a moment, when one was stopped and its lease ran out: then
// a mail is handed over twice, and its id makes that a repeat.
#include "daemon/node_mailboxes.hpp"

#include <utility>

#include "connectors/catalog.hpp"
#include "connectors/email/email_account.hpp"
#include "connectors/email/imap/reading_note.hpp"
#include "daemon/logging.hpp"
#include "routing/message/limits.hpp"

namespace usher::daemon {

namespace imap = connectors::email::imap;
using connectors::Instance;
using connectors::email::EmailAccount;
using connectors::email::ImapAccount;

namespace {

// None: its mail is posted by a provider, or it is no mailbox at all.
std::optional<ImapAccount> mailbox_of(const Instance& instance) {
  if (instance.type != connectors::email_connector.type) return std::nullopt;
  auto account = connectors::email::account_of(instance);
  expect(account.has_value(), "a configured connector was checked");
  if (account->posted_by) return std::nullopt;
  return std::move(account->imap);
}

bool same_settings(const Instance& one, const Instance& other) {
  return one.type == other.type && one.options.values == other.options.values && one.options.lists == other.options.lists &&
         one.options.maps == other.options.maps;
}

imap::TokenSource token_source(connectors::AccessTokens& tokens, const ImapAccount& account, const std::stop_token& stop = {}) {
  return [&tokens, grant = account.credentials.grant, stop](bool fresh) { return tokens.token(grant, fresh, stop); };
}

}  // namespace

// One mailbox, read while its lease is held.
class MailboxesPost::Mailbox {
 public:
  Mailbox(const Instance& instance, ImapAccount account, Partition partition, const Ports& ports, state::Leases* leases,
          const std::string& holder)
      : instance_(instance), account_(std::move(account)), ports_(ports), place_(ports.journal, partition, instance.id.text()),
        note_(ports.notes / (instance.id.text() + ".reading")) {
    if (!note_.is_kept())
      log_warn("mailbox", "the data folder does not take the note of which mail is being read: one that ends this program would be met again at each start",
               {{"connector", instance_.id.text()}});
    if (leases == nullptr) {
      begin();
      return;
    }
    lease_ = std::make_unique<HeldLease>(*leases, state::Lease{"mailbox/" + instance.id.text(), holder, ""},
                                         Milliseconds(limits::egress_lease), LeaseEvents{[this] { begin(); }, [this] { end(); }});
  }
  ~Mailbox() {
    if (lease_) lease_->give_back();
    end();
  }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  [[nodiscard]] const Instance& instance() const { return instance_; }
  [[nodiscard]] MailboxFigures figures() const {
    const std::lock_guard lock(mutex_);
    MailboxFigures out{instance_.id.text(), reader_ != nullptr, before_};
    if (!reader_) return out;
    out.status = reader_->status();
    out.status.taken += before_.taken;
    out.status.passed_over += before_.passed_over;
    return out;
  }

 private:
  void begin() {
    const std::lock_guard lock(mutex_);
    imap::MailboxReader::Ports ports{[this](std::string bytes, Instant arrived_at, bool cut, imap::TakenDone done) { take(std::move(bytes), arrived_at, cut, std::move(done)); },
                                     place_, ports_.clock, token_source(ports_.tokens, account_),
                                     [name = instance_.id.text()](const std::string& sentence) { log_info("mailbox", sentence, {{"connector", name}}); }};
    reader_ = std::make_unique<imap::MailboxReader>(account_, std::move(ports));
  }

  void end() {
    std::unique_ptr<imap::MailboxReader> ending;
    const std::lock_guard lock(mutex_);
    ending = std::move(reader_);
    if (!ending) return;
    const auto last = ending->status();
    before_.taken += last.taken;
    before_.passed_over += last.passed_over;
    if (!last.last_passed_over.empty()) before_.last_passed_over = last.last_passed_over;
  }

  // A mail arrived when the server got it, however long Usher was away. On the reader's thread, where ingress reads it, too.
  void take(std::string bytes, Instant arrived_at, bool cut, imap::TakenDone done) {
    connectors::Raw raw{"message/rfc822", {}, std::move(bytes), arrived_at};
    raw.cut = cut;
    // Alone, so that the next death is the fault of one mail only.
    std::unique_lock<std::mutex> alone;
    if (note_.suspects(raw.body)) alone = std::unique_lock(suspects_);
    const auto reading = note_.begin(raw.body);
    const auto warn = [&](std::string_view sentence) { log_warn("mailbox", sentence, {{"connector", instance_.id.text()}, {"sha256", note_.hash()}}); };
    if (reading == imap::ReadingNote::Reading::not_at_all) {
      constexpr auto left = "a mail that ended this program also when it was taken as it is stays in the mailbox";
      warn(left);
      return done(fail(Fault::malformed, left));
    }
    raw.deadly = reading == imap::ReadingNote::Reading::as_it_is;
    if (raw.deadly) warn("a mail that ended this program each time it was read is taken as it is");
    ports_.ingress.accept(connectors::email_connector, instance_, std::move(raw), std::nullopt,
                          [done = std::move(done)](Result<connectors::Accepted> accepted) {
                            if (accepted) done({});
                            else done(accepted.error());
                          });
    note_.end();
  }

  const Instance instance_;
  const ImapAccount account_;
  const Ports ports_;
  imap::JournalPlace place_;
  static inline std::mutex suspects_{};  // One process, one cause of death.
  imap::ReadingNote note_;  // Of the reader's thread; one reader follows the other.
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::unique_ptr<imap::MailboxReader> reader_;
  imap::MailboxStatus before_{};  // Counts of the times that are over.
  // Last, so that it ends first: its events use what is above.
  std::unique_ptr<HeldLease> lease_;
};

MailboxesPost::MailboxesPost(Partition partition, Ports ports, const std::vector<Instance>& instances, state::Leases* leases,
                             std::string holder)
    : partition_(partition), ports_(ports), leases_(leases), holder_(std::move(holder)) {
  use(instances);
}

MailboxesPost::~MailboxesPost() { stop(); }

void MailboxesPost::stop() {
  const std::lock_guard changing(changing_);
  Mailboxes ended;
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  ended.swap(mailboxes_);
}

void MailboxesPost::use(const std::vector<Instance>& instances) {
  const std::lock_guard changing(changing_);
  Mailboxes ended;
  std::vector<std::pair<const Instance*, ImapAccount>> fresh;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    ended.swap(mailboxes_);
    for (const Instance& instance : instances) {
      auto account = mailbox_of(instance);
      if (!account) continue;
      const auto at = ended.find(instance.id.text());
      if (at != ended.end() && same_settings(at->second->instance(), instance)) mailboxes_.insert(ended.extract(at));
      else fresh.emplace_back(&instance, std::move(*account));
    }
  }
  // Those that are gone or other end before the new ones begin: a mailbox has one reader.
  ended.clear();
  for (auto& [instance, account] : fresh) {
    auto mailbox = std::make_unique<Mailbox>(*instance, std::move(account), partition_, ports_, leases_, holder_);
    const std::lock_guard lock(mutex_);
    mailboxes_.emplace(instance->id.text(), std::move(mailbox));
  }
}

std::vector<MailboxFigures> MailboxesPost::figures() const {
  const std::lock_guard lock(mutex_);
  std::vector<MailboxFigures> out;
  for (const auto& [name, mailbox] : mailboxes_) out.push_back(mailbox->figures());
  return out;
}

connectors::KeepCopy keep_sent_copies(connectors::AccessTokens& tokens) {
  return [&tokens](const connectors::MailPost& post, const std::stop_token& stop) -> Result<void> {
    if (!post.sent_copy) return {};
    return imap::append_copy(*post.sent_copy, token_source(tokens, *post.sent_copy, stop), post.bytes, stop);
  };
}

}  // namespace usher::daemon
