// Which mail is our own on its way round, and to whom a reply goes when a mail's sender is us.
#include <catch2/catch.hpp>

#include "connectors/email/compose_mail.hpp"
#include "connectors/email/email_message.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors::email;

namespace {

const std::vector<std::string> secrets{"a secret"};
const ThreadSecrets ours{TenantId("acme"), secrets};
const std::vector<std::string> aliases{"Help@example.com", "sales@example.net"};
const MailDoor door{TenantId("acme"), ConnectorId("support-mail"), ours, {"Support@example.com", aliases}};
constexpr MessageId reply{1, 2}, thread{3, 4};
constexpr Instant evening{Milliseconds{1795287483120}};

Message read(const std::string& mail) { return to_message(door, mail, evening).messages.front(); }
bool is_own(const Message& message) { return message.extra.find("\"own\":true") != std::string::npos; }

ReplyDraft draft_to(const Message& message) {
  ReplyDraft draft;
  draft.threads = ours;
  draft.mailbox = "Support@example.com";
  draft.aliases = aliases;
  draft.reply = reply;
  draft.thread = thread;
  draft.text = "Hello";
  draft.written_at = draft.now = evening;
  draft.in_reply_to = message;
  return draft;
}

std::string recipient(const std::string& mail) {
  const auto composed = compose_mail(draft_to(read(mail)));
  return composed ? composed->recipient : composed.error().detail;
}

// A reply of ours as it left; `more` is what was added on its way.
std::string sent(const std::string& more = {}) { return more + compose_mail(draft_to(read("From: zoe@example.org\nMessage-ID: <z1@example.org>\n\nhi")))->bytes; }

std::string without(std::string mail, const std::string& field) {
  const std::size_t at = mail.find(field + ":");
  REQUIRE(at != std::string::npos);
  std::size_t end = mail.find("\r\n", at);
  while (mail[end + 2] == ' ') end = mail.find("\r\n", end + 2);
  return mail.erase(at, end + 2 - at);
}

constexpr auto nobody = "the customer's message has no address to answer to but our own";

}  // namespace

TEST_CASE("a mail of ours that comes back is our own whatever a list adds to it", "[roles]") {
  for (const std::string more : {"", "List-Id: <l.example.org>\r\n", "X-Loop: l@example.org\r\n", "Precedence: list\r\n", "Auto-Submitted: auto-generated\r\n", "Return-Path: <>\r\n"}) {
    INFO(more);
    const auto own = read(sent(more));
    CHECK(is_own(own));
    CHECK(own.automated == Automated::auto_reply);
    CHECK(own.thread.token == thread);  // It is kept where it was written.
  }
}

TEST_CASE("a bounce that returns a mail of ours is a bounce", "[roles]") {
  const std::string head = "From: MAILER-DAEMON@example.org\nReturn-Path: <>\nSubject: Delivery failed\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n";
  const std::string body = "\n--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; zoe@example.org\nAction: failed\nStatus: 5.1.1\n"
                           "--b\nContent-Type: message/rfc822\n\n" + without(sent(), "Message-ID") + "\n--b--\n";
  const auto parsed = to_message(door, head + body, evening);
  CHECK(parsed.messages.front().automated == Automated::bounce);
  CHECK_FALSE(is_own(parsed.messages.front()));
  // A relay took our Message-ID away: X-Usher-Id says which reply it is.
  REQUIRE(parsed.reports.size() == 1);
  CHECK(parsed.reports[0].reply == reply);
  // Even where the report goes by the name of what it is about.
  const auto named = read("Message-ID: " + mint_message_id(ours, reply, thread, "example.com") + "\n" + head + body);
  CHECK(named.automated == Automated::bounce);
  CHECK_FALSE(is_own(named));
}

TEST_CASE("a mail of ours is known when a relay has given it another id", "[roles]") {
  const std::string other = "Message-ID: <0100@relay.example>\r\n" + without(sent(), "Message-ID");
  const auto own = read(other);
  CHECK(is_own(own));
  CHECK(own.automated == Automated::auto_reply);
  CHECK(own.thread.token == thread);
  const auto by_list = read("List-Id: <l.example.org>\r\nFrom: Example by list <l@example.org>\r\n" + without(other, "From"));
  CHECK(is_own(by_list));
  CHECK(by_list.thread.token == thread);
}

TEST_CASE("a customer whose program copies our field into an answer is a customer", "[roles]") {
  const std::string id = mint_message_id(ours, reply, thread, "example.com");
  const std::string word = id.substr(1, id.find('@') - 1);
  const auto answer = read("From: zoe@example.org\nX-Usher-Id: " + word + "\nIn-Reply-To: <0100@relay.example>\n\nThanks");
  CHECK_FALSE(answer.automated);
  CHECK_FALSE(is_own(answer));
  CHECK_FALSE(answer.thread.token);
  // Nor does anybody make up such a field.
  for (const std::string& made_up : std::vector<std::string>{"1", "00000000000000010000000000000002", word.substr(0, word.size() - 1) + (word.back() == 'a' ? "b" : "a")}) {
    INFO(made_up);
    CHECK_FALSE(is_own(read("From: l@example.org\nList-Id: <l.example.org>\nX-Usher-Id: " + made_up + "\n\nhi")));
  }
}

TEST_CASE("no reply goes to any address of ours", "[roles]") {
  for (const std::string own : {"support@example.com", "SUPPORT+x@example.com", "help@example.com", "Help+a.b@Example.com", "sales@example.net", "sales+x@example.net"}) {
    INFO(own);
    CHECK(recipient("From: zoe@example.org\nReply-To: " + own + "\n\nhi") == "zoe@example.org");
    CHECK(recipient("From: " + own + "\nReply-To: " + own + "\nTo: support@example.com\n\nhi") == nobody);
  }
  CHECK(recipient("From: helpers@example.com\n\nhi") == "helpers@example.com");
  CHECK(recipient("From: help@example.net\n\nhi") == "help@example.net");
}

TEST_CASE("a form that writes as ourselves is its customer's mail", "[roles]") {
  const std::string form = "From: Our site <support@example.com>\nTo: help@example.com\nReply-To: Zoe <zoe@example.org>\n\nWhere is it?";
  const auto mail = read(form);
  CHECK_FALSE(mail.automated);
  CHECK(mail.from.identities == std::vector<Identity>{{"email", "zoe@example.org", false}});
  CHECK(mail.from.display_name == "Zoe");
  CHECK(recipient(form) == "zoe@example.org");
}

TEST_CASE("a mail from ourselves to somebody is answered to them without our name", "[roles]") {
  const std::string mail = "From: Support <support@example.com>\nTo: help@example.com, zoe@example.org\nCc: max@example.org\n\nYour order.";
  CHECK_FALSE(read(mail).automated);
  CHECK(recipient(mail) == "zoe@example.org");
  const auto answer = compose_mail(draft_to(read(mail)));
  REQUIRE(answer);
  CHECK(answer->bytes.find("To: <zoe@example.org>\r\n") != std::string::npos);
  CHECK(recipient("From: support@example.com\nTo: help@example.com\nCc: max@example.org\n\nx") == "max@example.org");
  // Of anybody else's mail the other recipients are none of ours to write to.
  CHECK(recipient("From: undisclosed:;\nTo: support@example.com, max@example.org\n\nx") == nobody);
}

TEST_CASE("a mail from ourselves to nobody else is automatic", "[roles]") {
  for (const std::string mail : {"From: help@example.com\nTo: support@example.com\n\nhi", "From: support@example.com\nReply-To: support+x@example.com\n\nhi",
                                 "From: support@example.com\nList-Id: <l.example.org>\nTo: sales@example.net\n\nhi"}) {
    INFO(mail);
    CHECK(read(mail).automated == Automated::auto_reply);
    CHECK_FALSE(is_own(read(mail)));  // Anybody can write that.
  }
  CHECK_FALSE(read("From: zoe@example.org\nTo: support@example.com\n\nhi").automated);
}

TEST_CASE("a group that writes as the mailbox is no mail of ours and whoever reads along is not answered", "[roles]") {
  const std::string group = "From: 'Zoe' via Support <support@example.com>\nReply-To: support@example.com\nTo: support@example.com\nCc: bob@other.example\nList-Id: <support.example.com>\nX-Original-From: Zoe <zoe@example.org>\n\nhi";
  CHECK(read(group).automated == Automated::bulk);
  CHECK(recipient(group) == nobody);
  // Nor one of several who read along.
  CHECK(recipient("From: support@example.com\nTo: help@example.com\nCc: max@example.org, bob@other.example\n\nx") == nobody);
}
