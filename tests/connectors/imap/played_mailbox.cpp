// PlayedMailbox: see played_mailbox.hpp.
#include "tests/connectors/imap/played_mailbox.hpp"

#include <algorithm>
#include <set>

namespace usher::connectors::email::imap::testing {

namespace {

// "3", "1:5", "2:*", joined by commas; of those that are there.
std::set<Uid> numbers(const std::string& set, const std::map<Uid, PlayedMail>& there) {
  std::set<Uid> out;
  std::size_t at = 0;
  const Uid last = there.empty() ? 0 : there.rbegin()->first;
  while (at < set.size()) {
    const std::size_t end = std::min(set.find(',', at), set.size());
    const std::string item = set.substr(at, end - at);
    const auto number = [&](const std::string& text) { return text == "*" ? last : static_cast<Uid>(std::stoul(text)); };
    const std::size_t colon = item.find(':');
    Uid from = number(item.substr(0, colon)), to = colon == std::string::npos ? from : number(item.substr(colon + 1));
    if (from > to) std::swap(from, to);  // RFC 3501: a range may be written either way round.
    for (const auto& [uid, mail] : there)
      if (uid >= from && uid <= to) out.insert(uid);
    at = end + 1;
  }
  return out;
}

std::string internal_date(Instant at) {
  const std::string day = search_date(at);
  return (day.find('-') == 1 ? " " : "") + day + ' ' + format_rfc3339(at).substr(11, 8) + " +0000";
}

std::string word(std::string& text) {
  const std::string first = text.substr(0, text.find(' '));
  text.erase(0, std::min(first.size() + 1, text.size()));
  return first;
}

}  // namespace

PlayedMailbox::PlayedMailbox() : server_(std::make_unique<PlayedServer>([this](Peer& peer) { play(peer); })) {}

PlayedMailbox::~PlayedMailbox() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  server_.reset();
}

ImapAccount PlayedMailbox::account() const {
  ImapAccount account;
  account.server = {"127.0.0.1", server_->port(), Protection::off, ""};
  account.credentials.user = "ana";
  account.credentials.password = "secret";
  account.poll_every = Milliseconds(5);
  return account;
}

Uid PlayedMailbox::add(const std::string& bytes, Instant arrived_at) {
  const std::lock_guard lock(mutex_);
  mails_[next_] = {bytes, "", arrived_at};
  changed_.notify_all();
  return next_++;
}

void PlayedMailbox::renumber(Uid step) {
  const std::lock_guard lock(mutex_);
  ++uid_validity;
  next_ = 1;
  std::map<Uid, PlayedMail> anew;
  for (auto& [uid, mail] : mails_) {
    anew[next_ + step - 1] = std::move(mail);
    next_ += step;
  }
  mails_ = std::move(anew);
}

void PlayedMailbox::put_back(Uid next) {
  const std::lock_guard lock(mutex_);
  next_ = next;
  mails_.erase(mails_.lower_bound(next), mails_.end());
}

std::map<Uid, PlayedMail> PlayedMailbox::mails() const {
  const std::lock_guard lock(mutex_);
  return mails_;
}

std::vector<std::string> PlayedMailbox::heard() const {
  const std::lock_guard lock(mutex_);
  return heard_;
}

bool PlayedMailbox::heard(const std::string& line) const {
  for (const auto& one : heard())
    if (one == line) return true;
  return false;
}

std::size_t PlayedMailbox::times_heard(const std::string& begin) const {
  const auto lines = heard();
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) { return line.starts_with(begin); }));
}

void PlayedMailbox::play(Peer& peer) {
  if (peer.say(greeting + "\r\n")) serve(peer);
}

void PlayedMailbox::serve(Peer& peer) {
  while (auto line = peer.hear()) {
    std::string rest = *line;
    const std::string tag = word(rest);
    {
      const std::lock_guard lock(mutex_);
      heard_.push_back(rest);
    }
    if (!obey(peer, tag, rest)) return;
  }
}

bool PlayedMailbox::obey(Peer& peer, const std::string& tag, const std::string& command) {
  std::string words = command, name = word(words);
  if (name == "UID") name += " " + word(words);
  if (const auto own = answers.find(name); own != answers.end() && own->second(peer, tag, words)) return true;
  if (name == "CAPABILITY") return peer.say("* CAPABILITY " + capabilities + "\r\n" + tag + " OK done\r\n");
  if (name == "SELECT") select(peer, tag);
  else if (name == "UID SEARCH") search(peer, tag, words);
  else if (name == "UID FETCH") fetch(peer, tag, words);
  else if (name == "UID STORE") store(peer, tag, words);
  else if (name == "IDLE") idle(peer, tag);
  else if (name == "UID MOVE" || name == "UID EXPUNGE") {
    return peer.say(remove(word(words)) + tag + " OK done\r\n");
  } else if (name == "LOGOUT") {
    peer.say("* BYE\r\n" + tag + " OK done\r\n");
    return false;
  } else {
    return peer.say(tag + " OK done\r\n");
  }
  return true;
}

void PlayedMailbox::select(Peer& peer, const std::string& tag) {
  const std::lock_guard lock(mutex_);
  peer.say("* " + std::to_string(mails_.size()) + " EXISTS\r\n* OK [UIDVALIDITY " + std::to_string(uid_validity) + "] ok\r\n* OK [UIDNEXT " + std::to_string(next_) + "] ok\r\n" +
           "* OK [PERMANENTFLAGS (" + permanent_flags + ")] ok\r\n" + tag + " OK [" + mode + "] done\r\n");
}

void PlayedMailbox::search(Peer& peer, const std::string& tag, const std::string& words) {
  std::string found = "* SEARCH", rest = words;
  const std::lock_guard lock(mutex_);
  if (const std::string first = word(rest); first != "UID") {  // Places in the folder.
    std::map<Uid, PlayedMail> places;
    std::vector<Uid> uids;
    for (const auto& [uid, mail] : mails_) {
      uids.push_back(uid);
      places[static_cast<Uid>(uids.size())];
    }
    for (const Uid place : numbers(first, places)) found += " " + std::to_string(uids[place - 1]);
    peer.say(found + "\r\n" + tag + " OK done\r\n");
    return;
  }
  searched_ = mails_.size();
  const auto asked = numbers(word(rest), mails_);
  const bool by_day = word(rest) == "SINCE";
  const auto day = by_day ? parse_internal_date((rest.find('-') == 1 ? " " : "") + rest + " 00:00:00 +0000") : std::optional(Instant{});
  for (const Uid uid : asked)
    if (mails_.at(uid).arrived_at >= *day) found += " " + std::to_string(uid);
  peer.say(found + "\r\n" + tag + " OK done\r\n");
}

void PlayedMailbox::fetch(Peer& peer, const std::string& tag, const std::string& words) {
  std::string rest = words, said;
  {
    const std::lock_guard lock(mutex_);
    for (const Uid uid : numbers(word(rest), mails_)) {
      const PlayedMail& mail = mails_.at(uid);
      const std::string number = "* " + std::to_string(std::distance(mails_.begin(), mails_.find(uid)) + 1) + " FETCH (UID " + std::to_string(uid);
      const std::string size = std::to_string(mail.bytes.size());
      if (rest.find("BODY.PEEK[]") != std::string::npos) said += number + " BODY[] {" + size + "}\r\n" + mail.bytes + ")\r\n";
      else said += number + " INTERNALDATE \"" + internal_date(mail.arrived_at) + "\" RFC822.SIZE " + size + " FLAGS (" + mail.flags + "))\r\n";
    }
  }
  peer.say(said + tag + " OK done\r\n");
}

void PlayedMailbox::store(Peer& peer, const std::string& tag, const std::string& words) {
  std::string rest = words;
  const std::lock_guard lock(mutex_);
  const auto uids = numbers(word(rest), mails_);
  const std::string flag = rest.substr(rest.find('(') + 1, rest.find(')') - rest.find('(') - 1);
  for (const Uid uid : uids) mails_[uid].flags += (mails_[uid].flags.empty() ? "" : " ") + flag;
  peer.say(tag + " OK done\r\n");
}

std::string PlayedMailbox::remove(const std::string& set) {
  std::string said;
  const std::lock_guard lock(mutex_);
  for (const Uid uid : numbers(set, mails_)) {
    said += "* " + std::to_string(std::distance(mails_.begin(), mails_.find(uid)) + 1) + " EXPUNGE\r\n";
    mails_.erase(uid);
  }
  searched_ = std::min(searched_, mails_.size());
  return said;
}

void PlayedMailbox::idle(Peer& peer, const std::string& tag) {
  peer.say("+ entering idle mode\r\n");
  std::unique_lock lock(mutex_);
  // A client that ends IDLE by itself, or is gone, is heard only once there is news; tests of that answer IDLE themselves.
  changed_.wait(lock, [&] { return stopping_ || mails_.size() > searched_; });
  const std::string said = "* " + std::to_string(mails_.size()) + " EXISTS\r\n";
  lock.unlock();
  peer.say(said);
  if (peer.hear()) peer.say(tag + " OK done\r\n");
}

}  // namespace usher::connectors::email::imap::testing
