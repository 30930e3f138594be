// Folders of servers that keep them below a prefix, and mailboxes of servers that do not say how far their numbers went: Cyrus
// and Courier, as the test plays them.
#include <catch2/catch.hpp>

#include "connectors/email/imap/imap_folders.hpp"
#include "tests/connectors/imap/played_mailbox.hpp"
#include "tests/connectors/imap/reader_fixture.hpp"

using namespace usher::connectors::email::imap::testing;
using namespace usher::connectors::email::imap;
using namespace usher::connectors::email;
using namespace usher::message;
using Subjects = std::vector<std::string>;

namespace {

// Folders below INBOX only, in the manner of Cyrus: one that is elsewhere is neither there nor to be made.
void keep_below_inbox(PlayedMailbox& box, const std::string& shared = "") {
  box.capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS NAMESPACE";
  box.answers["NAMESPACE"] = [](Peer& peer, const std::string& tag, const std::string&) {
    return peer.say("* NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"\" \".\"))\r\n" + tag + " OK done\r\n");
  };
  box.answers["LIST"] = [shared](Peer& peer, const std::string& tag, const std::string& words) {
    const bool there = !shared.empty() && words == "\"\" \"" + shared + "\"";
    return peer.say((there ? "* LIST (\\HasNoChildren) \".\" " + shared + "\r\n" : "* LIST (\\Noselect) \".\" Done\r\n") + tag + " OK done\r\n");
  };
  auto made = std::make_shared<bool>(false);
  box.answers["CREATE"] = [made](Peer& peer, const std::string& tag, const std::string& words) {
    *made = words.starts_with("\"INBOX.");
    return peer.say(tag + (*made ? " OK done\r\n" : " NO Permission denied\r\n"));
  };
  box.answers["UID COPY"] = [made, shared](Peer& peer, const std::string& tag, const std::string& words) {
    if (*made || (!shared.empty() && words.ends_with("\"" + shared + "\""))) return peer.say(tag + " OK done\r\n");
    return peer.say(tag + (words.find("INBOX.") != std::string::npos ? " NO [TRYCREATE] no\r\n" : " NO Mailbox does not exist\r\n"));
  };
}

// SELECT without UIDNEXT, as Courier answers it.
void hide_next(PlayedMailbox& box) {
  box.answers["SELECT"] = [&box](Peer& peer, const std::string& tag, const std::string&) {
    return peer.say("* FLAGS (\\Seen)\r\n* " + std::to_string(box.mails().size()) + " EXISTS\r\n* OK [UIDVALIDITY 17] Ok\r\n" + tag + " OK [READ-WRITE] Ok\r\n");
  };
  box.answers["UID SEARCH"] = [](Peer& peer, const std::string& tag, const std::string& words) {
    return words == "UID *" && peer.say("* SEARCH\r\n" + tag + " OK SEARCH done.\r\n");
  };
}

void tell_next(PlayedMailbox& box, Uid next) {
  box.answers["STATUS"] = [next](Peer& peer, const std::string& tag, const std::string&) {
    return peer.say("* STATUS \"INBOX\" (MESSAGES 2 UIDNEXT " + std::to_string(next) + ")\r\n" + tag + " OK STATUS Completed.\r\n");
  };
}

std::unique_ptr<ImapSession> open(const PlayedMailbox& box) {
  static const StopSwitch never;
  const auto account = box.account();
  auto session = ImapSession::open(account.server, account.credentials, {}, never);
  REQUIRE(session.has_value());
  return std::move(*session);
}

std::size_t times(const PlayedMailbox& box, const std::string& beginning) {
  std::size_t out = 0;
  for (const auto& line : box.heard()) out += line.starts_with(beginning);
  return out;
}

template <class Kind>
std::optional<Kind> parsed(const std::string& response) {
  const auto reply = parse_reply(response + "\r\n");
  REQUIRE(reply.has_value());
  if (!std::holds_alternative<Kind>(*reply)) return std::nullopt;
  return std::get<Kind>(*reply);
}

}  // namespace

TEST_CASE("a folder that people name goes below the prefix of the mailbox and is made there", "[imap]") {
  PlayedMailbox box;
  keep_below_inbox(box);
  auto session = open(box);
  REQUIRE(session->select("INBOX").has_value());
  CHECK_FALSE(box.heard("NAMESPACE"));
  REQUIRE(session->move({1}, "Done").has_value());
  CHECK(box.heard("CREATE \"INBOX.Done\""));
  CHECK(box.heard("UID COPY 1 \"INBOX.Done\""));
  REQUIRE(session->move({2}, "Done").has_value());
  REQUIRE(session->move({3}, "Erledigt \xc3\xbc").has_value());
  CHECK(box.heard("UID COPY 3 \"INBOX.Erledigt &APw-\""));
  // What is known is not asked for again.
  CHECK(times(box, "LIST") == 2);
  REQUIRE(session->select("Sales").has_value());
  CHECK(box.heard("SELECT \"INBOX.Sales\""));
}

TEST_CASE("a folder that is there under its plain name is the one that was meant", "[imap]") {
  PlayedMailbox box;
  keep_below_inbox(box, "Team");
  auto session = open(box);
  REQUIRE(session->move({1}, "Team").has_value());
  CHECK(box.heard("UID COPY 1 \"Team\""));
  CHECK(times(box, "CREATE") == 0);
}

TEST_CASE("a name that the prefix is in already and one of others stay as they are", "[imap]") {
  const NamespaceReply prefixes{{"INBOX."}, {"user.", "", "#shared."}};
  CHECK(below_prefix(prefixes, "Done") == "INBOX.Done");
  CHECK(below_prefix(prefixes, "inbox.Done") == "inbox.Done");
  CHECK(below_prefix(prefixes, "user.zoe.Done") == "user.zoe.Done");
  CHECK(below_prefix(prefixes, "#shared.team") == "#shared.team");
  CHECK(below_prefix({{""}, {}}, "Done") == "Done");
  CHECK(below_prefix({{"mail/"}, {}}, "Mail/Done") == "mail/Mail/Done");
}

TEST_CASE("a server without NAMESPACE is not asked for prefixes", "[imap]") {
  PlayedMailbox box;
  auto session = open(box);
  REQUIRE(session->move({1}, "Done").has_value());
  CHECK(box.heard("UID MOVE 1 \"Done\""));
  CHECK(times(box, "NAMESPACE") + times(box, "LIST") == 0);
}

TEST_CASE("mail that was there before is left on a server that opens a mailbox without UIDNEXT", "[imap]") {
  PlayedMailbox box;
  hide_next(box);
  tell_next(box, 3);
  box.add(mail("old one"));
  box.add(mail("old two"));
  Desk desk;
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return reader.status().last_poll.has_value(); }));
  CHECK(desk.place.kept()->last == 2);
  box.add(mail("new"));
  REQUIRE(desk.wait_for_mails(1));
  CHECK(desk.subjects() == Subjects{"new"});
}

TEST_CASE("the last mail may be gone without a new numbering being seen in that", "[imap]") {
  PlayedMailbox box;
  hide_next(box);
  tell_next(box, 3);
  box.add(mail("old one"));  // Number 2 was taken and then moved away.
  Desk desk;
  desk.place.put({17, 2, *parse_rfc3339("2026-11-21T00:00:00Z")});
  {
    MailboxReader reader(box.account(), desk.ports(), quick());
    REQUIRE(desk.wait([&] { return reader.status().last_poll.has_value(); }));
  }
  CHECK(desk.place.kept()->last == 2);
  for (const auto& report : desk.reports()) CHECK(report.find("new numbering") == std::string::npos);
  CHECK(desk.taken().empty());
}

TEST_CASE("a mailbox with mails whose next number is nowhere told is not taken for an empty one", "[imap]") {
  PlayedMailbox box;
  hide_next(box);
  box.answers["STATUS"] = [](Peer& peer, const std::string& tag, const std::string&) { return peer.say(tag + " BAD what\r\n"); };
  box.add(mail("old"));
  auto session = open(box);
  const auto selected = session->select("INBOX");
  REQUIRE_FALSE(selected.has_value());
  CHECK(selected.error().detail.find("UIDNEXT") != std::string::npos);
  CHECK(session->alive());
}

TEST_CASE("answers about folders are read and those that break the grammar end nothing", "[imap]") {
  const auto prefixes = parsed<NamespaceReply>("* NAMESPACE ((\"INBOX.\" \".\")(\"#mh/\" \"/\" \"X-PARAM\" (\"A\" \"B\"))) NIL ((\"#shared.\" \".\")(\"shared.\" NIL))");
  REQUIRE(prefixes.has_value());
  CHECK(prefixes->personal == std::vector<std::string>{"INBOX.", "#mh/"});
  CHECK(prefixes->others == std::vector<std::string>{"#shared.", "shared."});
  CHECK(parsed<NamespaceReply>("* NAMESPACE NIL NIL NIL")->personal.empty());
  CHECK(parsed<FolderStatusReply>("* STATUS INBOX (MESSAGES 0 X (1 2) UIDNEXT 7)")->uid_next == 7u);
  CHECK_FALSE(parsed<FolderStatusReply>("* STATUS {5}\r\nINBOX (UNSEEN 1)")->uid_next.has_value());
  CHECK(parsed<ListReply>("* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent \\\"Mail\\\"\"")->name == "Sent \"Mail\"");
  CHECK_FALSE(parsed<ListReply>("* LIST (\\NoSelect) NIL Shared")->usable);
  for (const std::string broken : {"* NAMESPACE", "* NAMESPACE ((\"a\"", "* NAMESPACE () ()", "* STATUS INBOX", "* STATUS INBOX (UIDNEXT", "* LIST", "* LIST () \"."})
    CHECK(parsed<OtherReply>(broken).has_value());
}

TEST_CASE("mail is not moved into the folder it is read from, however that is spelled", "[imap]") {
  PlayedMailbox box;
  keep_below_inbox(box);
  const auto session = open(box);
  REQUIRE(session->select("INBOX.Support").has_value());
  const auto moved = session->move({1}, "Support");
  REQUIRE_FALSE(moved.has_value());
  CHECK(moved.error().fault == Fault::conflict);
  CHECK(session->move({1}, "Done").has_value());
}

TEST_CASE("a folder that somebody else makes in the same moment is moved into", "[imap]") {
  PlayedMailbox box;
  bool there = false;
  bool made_by_others = true;
  box.answers["UID MOVE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    return peer.say(tag + (there ? " OK done\r\n" : " NO [TRYCREATE] Mailbox does not exist\r\n"));
  };
  box.answers["CREATE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    there = made_by_others;
    return peer.say(tag + (there ? " NO [ALREADYEXISTS] Mailbox already exists\r\n" : " NO Permission denied\r\n"));
  };
  auto session = open(box);
  CHECK(session->move({1}, "Done").has_value());
  // One that nobody can make is told with the reason for that.
  there = made_by_others = false;
  const auto moved = session->move({2}, "Done");
  REQUIRE_FALSE(moved.has_value());
  CHECK(moved.error().detail.find("Permission denied") != std::string::npos);
}
