// Mails of ours: read back by the parser that reads the customers'.
#include <catch2/catch.hpp>

#include "connectors/email/compose_mail.hpp"
#include "connectors/email/header_text.hpp"
#include "connectors/email/mail_body.hpp"
#include "connectors/email/mail_kind.hpp"
#include "connectors/email/markdown.hpp"
#include "connectors/email/mime_reader.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors::email;
using usher::connectors::Identity;

namespace {

const std::vector<std::string> secrets{"a secret"};

ReplyDraft draft_of(const std::string& text) {
  ReplyDraft draft;
  draft.threads = {TenantId("acme"), secrets};
  draft.mailbox = "support@example.com";
  draft.mailbox_name = "Example Support";
  draft.reply = {1, 2};
  draft.author = "Ben";
  draft.text = text;
  draft.written_at = Instant{Milliseconds{1795287483120}};
  draft.now = draft.written_at;
  draft.thread = {3, 4};
  draft.in_reply_to.id = {5, 6};
  draft.in_reply_to.provider_message_id = "a1@example.org";
  draft.in_reply_to.thread.references = {"first@example.org", "second@example.org"};
  draft.in_reply_to.from = {{{"email", "ana@example.org", false}}, "Ana M\u00fcller"};
  draft.in_reply_to.subject = "Order 4411";
  draft.in_reply_to.text = "Where is it?\n> old\n\nAna";
  draft.in_reply_to.received_at = Instant{Milliseconds{1795287483120}};
  return draft;
}

std::string composed(const ReplyDraft& draft) {
  const auto mail = compose_mail(draft);
  REQUIRE(mail);
  return mail->bytes;
}

bool only_short_lines(const std::string& bytes) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (static_cast<unsigned char>(bytes[i]) >= 0x80 || bytes[i] == '\0') return false;
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return false;
    if (bytes[i] == '\r' && (i + 1 == bytes.size() || bytes[i + 1] != '\n')) return false;
    line = bytes[i] == '\n' ? 0 : line + 1;
    if (line > 998) return false;
  }
  return bytes.ends_with("\r\n");
}

}  // namespace

TEST_CASE("a later attempt has another sender on the envelope and the same bytes", "[compose][rule-E5]") {
  auto draft = draft_of("x");
  const auto first = compose_mail(draft);
  draft.now += std::chrono::hours(4 * 24);
  const auto later = compose_mail(draft);
  REQUIRE((first && later));
  CHECK(first->bytes == later->bytes);
  CHECK(first->envelope_from != later->envelope_from);
  CHECK(verify_envelope_sender(draft.threads, later->envelope_from, draft.now + std::chrono::hours(14 * 24)) == MessageId{3, 4});
}

TEST_CASE("a reply answers the customer in the thread of the mail", "[compose]") {
  const auto sent = compose_mail(draft_of("It is **on its way**.\n\nBye"));
  REQUIRE(sent);
  CHECK(only_short_lines(sent->bytes));
  CHECK(sent->recipient == "ana@example.org");
  CHECK(verify_envelope_sender(draft_of("").threads, sent->envelope_from, draft_of("").now) == MessageId{3, 4});
  CHECK(without_reply_tag(sent->envelope_from) == "support@example.com");
  CHECK(without_reply_tag("support+eu@example.com") == "support+eu@example.com");
  const Mail mail = read_mail(sent->bytes);
  CHECK(mail.from == std::vector<Mailbox>{{"Example Support", "support@example.com"}});
  CHECK(mail.to == std::vector<Mailbox>{{"Ana M\u00fcller", "ana@example.org"}});
  CHECK(mail.subject == "Re: Order 4411");
  CHECK(mail.message_id == sent->message_id);
  CHECK(mail.in_reply_to == std::vector<std::string>{"a1@example.org"});
  CHECK(mail.references == std::vector<std::string>{"first@example.org", "second@example.org", "a1@example.org"});
  CHECK(verify_message_id(draft_of("").threads, mail.message_id) == MessageId{3, 4});
  REQUIRE(mail.reply_to.size() == 1);
  CHECK(verify_reply_address(draft_of("").threads, mail.reply_to[0].address) == MessageId{3, 4});
  CHECK(without_reply_tag(mail.reply_to[0].address) == "support@example.com");
  CHECK(mail.text.starts_with("It is **on its way**.\n\nBye\n\n-- \nBen\n\nOn Sat, 21 Nov 2026 18:58:03 +0000, Ana M\u00fcller wrote:\n> Where is it?\n>> old\n>\n> Ana"));
  CHECK(mail.html.find("<strong>on its way</strong>") != std::string::npos);
  CHECK_FALSE(classify_mail(mail).automated);
}

TEST_CASE("a repeat of a reply is the same mail byte for byte", "[compose][rule-E5]") { CHECK(composed(draft_of("x")) == composed(draft_of("x"))); }

TEST_CASE("no text of anybody becomes a header field", "[compose]") {
  using namespace std::string_view_literals;
  const std::string evil("x\r\nBcc: victim@example.org\r\n\r\nbody\n.\nX: \0y"sv);
  REQUIRE(evil.find('\0') != std::string::npos);
  ReplyDraft draft = draft_of(evil);
  draft.mailbox_name = draft.author = draft.in_reply_to.subject = draft.in_reply_to.from.display_name = evil;
  draft.in_reply_to.provider_message_id = "a>\r\nBcc: victim@example.org";
  draft.in_reply_to.thread.references = {"a\nBcc: v@example.org", "ok@example.org"};
  draft.files.push_back({"text/plain\r\nBcc: v@example.org", "n\r\nBcc: v@example.org", "", "bytes", false});
  const std::string bytes = composed(draft);
  CHECK(only_short_lines(bytes));
  CHECK(bytes.substr(0, bytes.find("\r\n\r\n")).find("\nBcc:") == std::string::npos);
  const Mail mail = read_mail(bytes);
  CHECK_FALSE(mail.headers.has("bcc"));
  CHECK(mail.to.size() == 1);
  CHECK(mail.in_reply_to.empty());
  CHECK(mail.references == std::vector<std::string>{"ok@example.org"});
  REQUIRE(mail.files.size() == 1);
}

TEST_CASE("a mail never ends before its end", "[compose]") {
  const std::string bytes = composed(draft_of("one\n.\n..\n.\r\nMAIL FROM:<x>\r\n\n--=_alternative_\nFrom here\n"));
  CHECK(bytes.find("\r\n.") == std::string::npos);
  CHECK(bytes.find("\nFrom here") == std::string::npos);
  CHECK(read_mail(bytes).text.starts_with("one\n.\n..\n.\nMAIL FROM:<x>\n\n--=_alternative_\nFrom here\n"));
}

TEST_CASE("an address that is none is not written to", "[compose]") {
  for (const std::string address : {"", "ana", "ana@", "@example.org", "a b@example.org", "a\n@example.org", "<ana@example.org>", "a@b@c", "ana@example.org,ben@example.org", "-oX@example.org"}) {
    INFO(address);
    CHECK_FALSE(is_mail_address(address));
    ReplyDraft draft = draft_of("x");
    draft.in_reply_to.from.identities = {{"email", address, false}};
    CHECK_FALSE(compose_mail(draft));
  }
}

TEST_CASE("a reply goes to Reply-To and never to ourselves", "[compose]") {
  ReplyDraft draft = draft_of("x");
  draft.in_reply_to.reply_to = {{"email", "Support@example.com", false}, {"email", "ana@home.example", false}};
  draft.in_reply_to.reply_to[0].value = "support@example.com";
  CHECK(compose_mail(draft)->recipient == "ana@home.example");
}

TEST_CASE("an acknowledgement says that no person wrote it and wants no answer", "[compose]") {
  ReplyDraft draft = draft_of("We have it.");
  draft.automatic = true;
  const auto sent = compose_mail(draft);
  REQUIRE(sent);
  CHECK(sent->envelope_from.empty());
  const Mail mail = read_mail(sent->bytes);
  CHECK(mail.headers.value("auto-submitted") == "auto-replied");
  CHECK(mail.headers.value("x-auto-response-suppress") == "All");
  CHECK(classify_mail(mail).automated == Automated::auto_reply);
}

TEST_CASE("what an agent writes as HTML is shown as it was written", "[compose]") {
  CHECK(markdown_to_html("a <b>bold</b> & <script>alert(1)</script>") == "<p>a &lt;b&gt;bold&lt;/b&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;</p>\n");
  CHECK(markdown_to_html("<div onclick=x>\nhi\n</div>").find("<div") == std::string::npos);
  CHECK(markdown_to_html("[x](javascript:alert(1))") == "<p>x</p>\n");
  CHECK(markdown_to_html("[x](https://example.org/?a=1&b=\"2\")").find("href=\"https://example.org/?a=1&amp;b=%222%22\"") != std::string::npos);
  CHECK(markdown_to_html("![pic](https://example.org/p.png)") == "<p>pic</p>\n");
  CHECK(markdown_to_html("![a ![b](https://example.org/b.png)](https://example.org/a.png)") == "<p>a b</p>\n");
  CHECK(markdown_to_html("- one\n- two").find("<li>one</li>") != std::string::npos);
}

TEST_CASE("files and names of any script come through", "[compose]") {
  ReplyDraft draft = draft_of("see file");
  draft.files.push_back({"application/pdf", "Rechnung \u00fc \"4411\".pdf", "", std::string(1000, '\x00') + "end", false});
  const Mail mail = read_mail(composed(draft));
  REQUIRE(mail.files.size() == 1);
  CHECK(mail.files[0].name == "Rechnung \u00fc \"4411\".pdf");
  CHECK(mail.files[0].bytes == std::string(1000, '\x00') + "end");
}

// RFC 2045 6.4: nothing but 7bit, 8bit and binary is allowed on message/* and multipart/*, and only 7bit is sure to arrive.
TEST_CASE("a mail that is sent along as a file arrives byte for byte", "[compose]") {
  for (const std::string type : {"message/rfc822", "Message/Partial", "multipart/mixed", "MULTIPART/related", "message/global"}) {
    INFO(type);
    ReplyDraft draft = draft_of("see the mail");
    const std::string inner = "From: a@example.org\nSubject: \xc3\xa9\n\n" + std::string(1200, 'x') + "\n.\n--end--\n";
    draft.files.push_back({type, "the mail.eml", "", inner, false});
    const std::string bytes = composed(draft);
    CHECK(only_short_lines(bytes));
    CHECK(bytes.find("Content-Type: " + type + "\r\n") == std::string::npos);
    CHECK(bytes.find("Content-Type: application/octet-stream\r\n") != std::string::npos);
    const Mail mail = read_mail(bytes);
    REQUIRE(mail.files.size() == 1);
    CHECK(mail.files[0].name == "the mail.eml");
    CHECK(mail.files[0].bytes == inner);
  }
}

TEST_CASE("a long thread keeps its first and its newest references", "[compose]") {
  ReplyDraft draft = draft_of("x");
  draft.in_reply_to.thread.references.clear();
  for (int i = 0; i < 60; ++i) draft.in_reply_to.thread.references.push_back(std::to_string(i) + "@example.org");
  const Mail mail = read_mail(composed(draft));
  CHECK(mail.references.size() == 20);
  CHECK(mail.references.front() == "0@example.org");
  CHECK(mail.references.back() == "a1@example.org");
}

TEST_CASE("quoted-printable keeps every byte", "[compose]") {
  std::string all;
  for (int i = 1; i < 256; ++i)
    if (i != '\r') all += static_cast<char>(i);
  all += std::string(500, 'x') + " \n \t\n.=\nF" + std::string(75, '.');
  const Mail mail = read_mail("From: a@example.org\nContent-Type: application/x-test\nContent-Disposition: attachment\nContent-Transfer-Encoding: quoted-printable\n\n" + quoted_printable(all));
  REQUIRE(mail.files.size() == 1);
  std::string expected;
  for (const char c : all) expected += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(mail.files[0].bytes.substr(0, expected.size()) == expected);
}

TEST_CASE("the mailbox never writes to itself whatever its tag", "[compose]") {
  for (const std::string own : {"support@example.com", "Support@Example.com", "support+x@example.com", "support+a+b@example.com"}) {
    INFO(own);
    ReplyDraft draft = draft_of("x");
    draft.in_reply_to.reply_to = {{"email", own, false}};
    const auto mail = compose_mail(draft);
    REQUIRE(mail);
    CHECK(mail->recipient == "ana@example.org");
    draft.in_reply_to.from.identities = {{"email", own, false}};
    CHECK_FALSE(compose_mail(draft));
  }
  ReplyDraft other = draft_of("x");
  other.in_reply_to.reply_to = {{"email", "supporters@example.com", false}};
  CHECK(compose_mail(other)->recipient == "supporters@example.com");
}
