// ImapSession: see the head of imap_session.hpp.
#include "connectors/email/imap/imap_session.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "connectors/email/imap/imap_folders.hpp"
#include "connectors/email/imap/imap_limits.hpp"

namespace usher::connectors::email::imap {

namespace {

std::chrono::steady_clock::duration time_for(std::uint64_t bytes) {
  return limits::step_within + std::chrono::seconds(std::min<std::uint64_t>(bytes, limits::literal_bytes_max) / limits::bytes_a_second_min);
}

bool same_flag(std::string_view left, std::string_view right) { return upper(left) == upper(right); }

// RFC 5530, and LIMIT of RFC 9051: what says of the moment, and nothing of what was asked for.
bool passes(const std::string& code) { return code == "UNAVAILABLE" || code == "INUSE" || code == "SERVERBUG" || code == "LIMIT"; }

Error refused(const std::string& what, const Answer& answer) {
  return fail(passes(answer.code) ? Fault::unavailable : Fault::conflict, "the server refused " + what + ": " + shown(answer.text));
}

}  // namespace

Result<std::unique_ptr<ImapSession>> ImapSession::open(const MailServer& server, const Credentials& credentials, const TokenSource& token,
                                                       const StopSwitch& stop, const Silence& silence) {
  const bool by_token = credentials.login == Login::xoauth2 || credentials.login == Login::oauthbearer;
  std::unique_ptr<ImapSession> session;
  for (const bool fresh : {false, true}) {
    if (!session || !session->alive()) {
      session.reset(new ImapSession(server, stop, silence));
      if (auto connected = session->channel_.connect(); !connected) return connected.error();
    }
    auto in = log_in(session->channel_, credentials, token, fresh);
    // Some servers hang up on a token that has expired instead of refusing it.
    const bool again = by_token && !fresh && !stop.pulled() && !in && (in.error().fault == Fault::unauthorised || !session->alive());
    if (again) continue;
    if (!in) return in.error();
    break;
  }
  if (auto learned = session->channel_.learn_capabilities(); !learned) return learned.error();
  if (session->has("UTF8=ONLY")) {
    auto answer = session->channel_.ask(Command("ENABLE UTF8=ACCEPT"), limits::step_within);
    if (!answer) return answer.error();
    session->utf8_ = answer->ok();
  }
  return session;
}

Result<Answer> ImapSession::ask(const Command& command, std::chrono::steady_clock::duration within, const ImapChannel::Listener& listener) {
  return channel_.ask(command, within, [&](Reply& reply) {
    listen(reply);
    if (listener) listener(reply);
  });
}

// Some servers say EXISTS at every turn. Only more than there were is news; or IDLE would end at once, for ever.
void ImapSession::listen(const Reply& reply) {
  if (std::holds_alternative<ExpungeReply>(reply) && exists_ > 0) --exists_;
  const auto* exists = std::get_if<ExistsReply>(&reply);
  if (exists == nullptr) return;
  news_ = news_ || exists->count > exists_;
  exists_ = exists->count;
}

Result<void> ImapSession::carry_out(const std::string& what, const Command& command) {
  const auto answer = ask(command, limits::step_within);
  if (!answer) return answer.error();
  if (!answer->ok()) return refused(what, *answer);
  return {};
}

Result<std::string> ImapSession::called(const std::string& folder) {
  if (upper(folder) == "INBOX") return std::string("INBOX");
  if (const auto known = names_.find(folder); known != names_.end()) return known->second;
  auto name = find_name(folder);
  if (name) names_[folder] = *name;
  return name;
}

// Cyrus and Courier keep the folders of a user below "INBOX.", which nobody says aloud. A folder that goes by the plain name, such
// as a shared one, is the one that was meant.
Result<std::string> ImapSession::find_name(const std::string& folder) {
  const std::string name = spelled(folder);
  if (!has("NAMESPACE") && !has("IMAP4REV2")) return name;
  NamespaceReply prefixes;
  const auto told = ask(Command("NAMESPACE"), limits::step_within, [&](Reply& reply) {
    if (auto* one = std::get_if<NamespaceReply>(&reply)) prefixes = std::move(*one);
  });
  if (!told) return told.error();
  const std::string below = below_prefix(prefixes, name);
  if (below == name) return name;
  const auto plain = listed(name);
  if (!plain) return plain.error();
  return *plain && (*plain)->usable ? name : below;
}

Result<std::optional<ListReply>> ImapSession::listed(const std::string& name) {
  std::optional<ListReply> found;
  const auto told = ask(Command("LIST \"\" ").add_string(name), limits::search_within, [&](Reply& reply) {
    // A name with a star in it is answered with others, too. The empty one is answered with what divides all names.
    if (auto* one = std::get_if<ListReply>(&reply); one != nullptr && (one->name == name || name.empty() || (upper(name) == "INBOX" && upper(one->name) == "INBOX")))
      found = std::move(*one);
  });
  if (!told) return told.error();
  return found;
}

Result<bool> ImapSession::has_right(const std::string& name, std::string_view letters) {
  if (!has("ACL")) return true;
  std::optional<std::string> rights;
  const auto told = ask(Command("MYRIGHTS ").add_string(name), limits::step_within, [&](Reply& reply) {
    if (const auto* one = std::get_if<RightsReply>(&reply)) rights = one->rights;
  });
  if (!told) return told.error();
  return !rights || rights->find_first_of(letters) != std::string::npos;
}

// Asked of the folder that it would be below; at the top a server tells nothing before somebody tries.
Result<bool> ImapSession::may_make(const std::string& name, const std::string& folder) {
  const auto root = listed("");
  if (!root) return root.error();
  const std::string delimiter = *root ? (*root)->delimiter : "";
  const std::size_t at = delimiter.empty() ? std::string::npos : name.rfind(delimiter);
  if (at == std::string::npos || at == 0) return false;
  const std::string above = name.substr(0, at);
  const auto parent = listed(above);
  if (!parent) return parent.error();
  if (!*parent) return false;
  if (!(*parent)->has_room) return fail(Fault::conflict, "the folder " + folder + " is not there, and the server keeps none below " + above);
  // c: what k was called before RFC 4314.
  const auto allowed = has_right(above, "kc");
  if (!allowed) return allowed.error();
  if (!*allowed) return fail(Fault::conflict, "the folder " + folder + " is not there, and the server does not let this login make it below " + above);
  return false;
}

Result<bool> ImapSession::is_open(const std::string& folder) {
  const auto name = called(folder);
  if (!name) return name.error();
  return *name == selected_;
}

Result<bool> ImapSession::can_take(const std::string& folder) {
  const auto name = called(folder);
  if (!name) return name.error();
  const auto there = listed(*name);
  if (!there) return there.error();
  if (!*there) return may_make(*name, folder);
  if (!(*there)->usable) return fail(Fault::conflict, "the server keeps folders below " + folder + ", but no mails in it");
  const auto looked = ask(Command("STATUS ").add_string(*name).add(" (UIDNEXT)"), limits::search_within);
  if (!looked) return looked.error();
  if (!looked->ok()) return refused("to look into the folder " + folder, *looked);
  const auto allowed = has_right(*name, "i");
  if (!allowed) return allowed.error();
  if (!*allowed) return fail(Fault::conflict, "the server does not let this login put mails into the folder " + folder);
  return true;
}

// Where SELECT does not say it: Courier. Asked last for the number of the last mail, which is none once that mail is gone, and which Courier
// does not tell either; then nothing is known, and taking the folder for an empty one would be wrong.
Result<void> ImapSession::learn_next(const std::string& name, Selected& selected) {
  const auto told = ask(Command("STATUS ").add_string(name).add(" (UIDNEXT)"), limits::search_within, [&](Reply& reply) {
    if (const auto* status = std::get_if<FolderStatusReply>(&reply)) selected.uid_next = status->uid_next.value_or(0);
  });
  if (!told) return told.error();
  selected.next_told = selected.uid_next != 0;
  if (selected.next_told) return {};
  Uid last = 0;
  const auto found = ask(Command("UID SEARCH UID *"), limits::search_within, [&](Reply& reply) {
    if (const auto* search = std::get_if<SearchReply>(&reply))
      for (const Uid uid : search->numbers) last = std::max(last, uid);
  });
  if (!found) return found.error();
  if (last == std::numeric_limits<Uid>::max() || (last == 0 && exists_ > 0))
    return fail(Fault::conflict, "the server does not say what number the next mail will have (UIDNEXT)");
  selected.uid_next = last + 1;
  return {};
}

Result<Selected> ImapSession::select(const std::string& folder) {
  Selected selected;
  std::optional<std::vector<std::string>> permanent;
  const auto name = called(folder);
  if (!name) return name.error();
  const auto command = Command("SELECT ").add_string(*name);
  const auto answer = ask(command, limits::search_within, [&](Reply& reply) {
    if (const auto* exists = std::get_if<ExistsReply>(&reply)) selected.exists = exists->count;
    const auto* status = std::get_if<StatusReply>(&reply);
    if (status == nullptr) return;
    if (status->code == "UIDVALIDITY") selected.uid_validity = parse_number(status->arguments).value_or(0);
    if (status->code == "UIDNEXT") selected.uid_next = parse_number(status->arguments).value_or(0);
    if (status->code == "PERMANENTFLAGS") permanent = split_words(status->arguments);
  });
  if (!answer) return answer.error();
  if (!answer->ok()) return refused("to open the folder " + folder, *answer);
  selected_ = *name;
  if (selected.uid_validity == 0) return fail(Fault::conflict, "the server gives mails no lasting numbers (UIDVALIDITY)");
  selected.read_only = answer->code == "READ-ONLY";
  // RFC 3501 7.1: without that response everything can be changed for good.
  selected.keywords = !permanent || std::any_of(permanent->begin(), permanent->end(), [](const std::string& flag) {
    return flag == "\\*" || same_flag(flag, ingested_keyword);
  });
  selected.next_told = selected.uid_next != 0;
  if (!selected.next_told) {
    if (auto learned = learn_next(*name, selected); !learned) return learned.error();
  }
  return selected;
}

Result<std::vector<Uid>> ImapSession::search(Uid first, Uid last, std::optional<Instant> since) {
  // A search for single mails sees no new ones, so what was said of them is still news.
  if (last == 0) news_ = false;
  Command command("UID SEARCH UID " + std::to_string(first) + ':' + (last == 0 ? "*" : std::to_string(last)));
  if (since) command.add(" SINCE " + search_date(*since));
  auto found = found_by(command);
  // "n:*" means the last mail when there is none from n on: a range may be written either way round.
  if (found) std::erase_if(*found, [&](Uid uid) { return uid < first || (last != 0 && uid > last); });
  return found;
}

Result<std::vector<Uid>> ImapSession::numbers_at(const std::vector<std::uint32_t>& places) { return found_by(Command("UID SEARCH " + number_set(places))); }

Result<std::vector<Uid>> ImapSession::found_by(const Command& command) {
  std::vector<Uid> found;
  bool too_many = false;
  const auto answer = ask(command, limits::search_within, [&](Reply& reply) {
    const auto* search = std::get_if<SearchReply>(&reply);
    if (search == nullptr) return;
    too_many = too_many || found.size() + search->numbers.size() > limits::list_items_max;
    if (!too_many) found.insert(found.end(), search->numbers.begin(), search->numbers.end());
  });
  if (!answer) return answer.error();
  if (!answer->ok()) return refused("a search", *answer);
  if (too_many) return fail(Fault::conflict, "the server finds more mails than there can be");
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

Result<std::vector<Described>> ImapSession::describe(const std::vector<Uid>& uids) {
  std::map<Uid, Described> known;
  const auto answer = ask(Command("UID FETCH " + number_set(uids) + " (UID INTERNALDATE RFC822.SIZE)"), limits::search_within,
                          [&](Reply& reply) {
    const auto* fetched = std::get_if<FetchReply>(&reply);
    if (fetched == nullptr || !std::binary_search(uids.begin(), uids.end(), fetched->uid)) return;
    Described& mail = known[fetched->uid];
    mail.uid = fetched->uid;
    if (fetched->size) mail.size = *fetched->size;
    if (fetched->internal_date) mail.internal_date = fetched->internal_date;
  });
  if (!answer) return answer.error();
  // Some servers say NO when one of several is gone, and tell of the others all the same.
  if (!answer->ok() && known.empty()) return refused("to describe mails", *answer);
  std::vector<Described> out;
  for (auto& [uid, mail] : known) out.push_back(std::move(mail));
  return out;
}

Result<std::optional<std::string>> ImapSession::fetch(Uid uid, std::uint64_t size, std::optional<std::size_t> bytes_max) {
  const std::string part = bytes_max ? "<0." + std::to_string(*bytes_max) + ">" : "";
  std::optional<std::string> body;
  bool there = false;
  const auto answer = ask(Command("UID FETCH " + std::to_string(uid) + " (UID BODY.PEEK[]" + part + ")"), time_for(size), [&](Reply& reply) {
    auto* fetched = std::get_if<FetchReply>(&reply);
    if (fetched == nullptr || fetched->uid != uid) return;
    there = true;
    if (fetched->body) body = std::move(fetched->body);
  });
  if (!answer) return answer.error();
  if (body) return body;
  if (!answer->ok()) return refused("to hand out mail " + std::to_string(uid), *answer);
  if (there) return fail(Fault::conflict, "the server hands out nothing of mail " + std::to_string(uid));
  return std::optional<std::string>();
}

Result<void> ImapSession::add_flag(const std::vector<Uid>& uids, const std::string& flag) {
  return carry_out("to mark mails as " + flag, Command("UID STORE " + number_set(uids) + " +FLAGS.SILENT (" + flag + ")"));
}

// RFC 3501 6.3.11: a folder that is not there is said to be creatable. That it cannot be made may mean that somebody else has just
// done so (RFC 5530: ALREADYEXISTS): only asking again shows.
Result<Answer> ImapSession::ask_making(const std::string& name, const Command& command, std::chrono::steady_clock::duration within) {
  auto answer = ask(command, within);
  if (!answer || answer->ok() || answer->code != "TRYCREATE") return answer;
  const auto made = ask(Command("CREATE ").add_string(name), limits::step_within);
  if (!made) return made;
  answer = ask(command, within);
  const bool not_there = answer && !answer->ok() && answer->code == "TRYCREATE";
  return not_there && !made->ok() ? made : answer;
}

Result<void> ImapSession::move(const std::vector<Uid>& uids, const std::string& folder) {
  const auto name = called(folder);
  if (!name) return name.error();
  // There it would be a new mail, to be moved again, without an end.
  if (*name == selected_) return fail(Fault::conflict, "the folder to move mails to, " + folder + ", is the one that is read");
  if (!has("MOVE")) return copy_and_mark(uids, folder);
  const auto answer = ask_making(*name, Command("UID MOVE " + number_set(uids) + " ").add_string(*name), limits::search_within);
  if (!answer) return answer.error();
  if (!answer->ok()) return refused("to move mails to " + folder, *answer);
  return {};
}

Result<void> ImapSession::copy_and_mark(const std::vector<Uid>& uids, const std::string& folder) {
  const auto name = called(folder);
  if (!name) return name.error();
  const auto answer = ask_making(*name, Command("UID COPY " + number_set(uids) + " ").add_string(*name), limits::search_within);
  if (!answer) return answer.error();
  if (!answer->ok()) return refused("to copy mails to " + folder, *answer);
  return erase(uids);
}

Result<void> ImapSession::erase(const std::vector<Uid>& uids) {
  if (auto marked = add_flag(uids, "\\Deleted"); !marked) return marked;
  // A plain EXPUNGE would remove what people marked, and may want back.
  if (!has("UIDPLUS") && !has("IMAP4REV2")) return {};
  return carry_out("to remove mails", Command("UID EXPUNGE " + number_set(uids)));
}

Result<void> ImapSession::append(const std::string& folder, std::string_view bytes) {
  if (bytes.size() > limits::mail_bytes_max) return fail(Fault::conflict, "the mail is too large to be kept");
  const auto name = called(folder);
  if (!name) return name.error();
  const auto command = Command("APPEND ").add_string(*name).add(" (\\Seen) ").add_literal(bytes);
  if (!command.sendable()) return fail(Fault::conflict, "the mail holds a NUL, which IMAP cannot carry");
  const auto answer = ask_making(*name, command, time_for(bytes.size()));
  if (!answer) return answer.error();
  if (!answer->ok()) return refused("a copy in " + folder, *answer);
  return {};
}

Result<ImapSession::Idled> ImapSession::idle(std::chrono::steady_clock::duration time) {
  if (!has("IDLE")) return Idled::refused;
  if (news_) return Idled::news;
  const auto idled = channel_.idle(time, [&](Reply& reply) {
    listen(reply);
    return news_;
  });
  if (!idled) return idled.error();
  if (!*idled) return Idled::refused;
  return news_ ? Idled::news : Idled::quiet;
}

Result<void> ImapSession::noop() { return carry_out("NOOP", Command("NOOP")); }

void ImapSession::logout() {
  if (!channel_.alive()) return;
  static_cast<void>(ask(Command("LOGOUT"), limits::goodbye_within));
}

}  // namespace usher::connectors::email::imap
