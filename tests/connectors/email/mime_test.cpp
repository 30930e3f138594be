// Mails of our own: what parsers disagree on, decided.
#include <catch2/catch.hpp>

#include <ctime>

#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/email_message.hpp"
#include "connectors/email/encoded_words.hpp"
#include "connectors/email/flowed_text.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/html_text.hpp"
#include "connectors/email/mime_reader.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

using namespace usher::connectors::email;

namespace {

Mail mail_with(const std::string& header, const std::string& body = "Hello.\n") {
  return read_mail("From: Ana <ana@example.org>\nTo: support@example.com\n" + header + "\n" + body);
}

// Of the processor, so that a busy machine fails nothing: what takes time by the square of its length takes far longer.
template <class Work>
double seconds_of(const Work& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

std::string times(std::size_t count, const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("of a mail that ended the process before nothing is looked at and nothing is lost", "[mime]") {
  const std::string bytes = "From: ana@example.org\r\nSubject: Order 4411\r\nContent-Type: text/html\r\n\r\n<b>Hello</b>\r\n";
  const Mail mail = read_mail(bytes, {.sender = {}, .recipients = {}, .deadly = true});
  CHECK(mail.unparsed);
  CHECK(mail.headers.fields.empty());
  CHECK(mail.from.empty());
  const auto parsed = to_message({TenantId("acme"), ConnectorId("support-mail"), {}}, bytes, from_unix_ms(1'795'287'483'120), {.sender = {}, .recipients = {}, .deadly = true});
  const auto& message = parsed.messages.front();
  CHECK(message.text.find("Subject: Order 4411") != std::string::npos);
  CHECK(message.extra == R"({"mail":{"unparsed":true}})");
  REQUIRE(message.raw_ref);
  REQUIRE(parsed.files.size() == 1);
  CHECK(parsed.files[0].bytes == bytes);
}

TEST_CASE("a plain mail gives its addresses and text", "[mime]") {
  const Mail mail = read_mail(
      "Return-Path: <ana@example.org>\r\nDelivered-To: Support@example.com\r\nFrom: =?utf-8?Q?Ana_M=C3=BCller?= <Ana@Example.org>\r\n"
      "To: Support <support@example.com>, \"Sales, EU\" <sales@example.com>\r\nCc: team: ben@example.org, eva@example.org;\r\nReply-To: ana@home.example\r\n"
      "Subject: =?iso-8859-1?Q?Gr=FC=DFe?= =?utf-8?B?IPCfjYA=?=\r\nDate: Sat, 21 Nov 2026 19:57:59 +0100\r\nMessage-ID: <a1@example.org>\r\n"
      "In-Reply-To: <u9@desk.example>\r\nReferences: <u7@desk.example>\r\n <u9@desk.example>\r\n\r\nWhere is it?\r\n");
  CHECK(mail.from == std::vector<Mailbox>{{"Ana M\u00fcller", "ana@example.org"}});
  CHECK(mail.to == std::vector<Mailbox>{{"Support", "support@example.com"}, {"Sales, EU", "sales@example.com"}});
  CHECK(mail.cc == std::vector<Mailbox>{{"", "ben@example.org"}, {"", "eva@example.org"}});
  CHECK(mail.reply_to == std::vector<Mailbox>{{"", "ana@home.example"}});
  CHECK(mail.delivered_to == std::vector<std::string>{"support@example.com"});
  CHECK(mail.return_path == "ana@example.org");
  CHECK(mail.subject == "Gr\u00fc\u00dfe \U0001f340");
  CHECK(mail.message_id == "a1@example.org");
  CHECK(mail.in_reply_to == std::vector<std::string>{"u9@desk.example"});
  CHECK(mail.references == std::vector<std::string>{"u7@desk.example", "u9@desk.example"});
  REQUIRE(mail.date);
  CHECK(format_rfc3339(*mail.date) == "2026-11-21T18:57:59.000Z");
  CHECK(mail.text == "Where is it?\n");
  CHECK(mail.parts == std::vector<std::string>{"text/plain"});
  CHECK_FALSE(mail.unparsed);
}

TEST_CASE("an empty Message-ID is none", "[mime]") {
  CHECK(mail_with("Message-ID: <>\n").message_id.empty());
  CHECK(mail_with("Message-ID:\n").message_id.empty());
  CHECK(mail_with("In-Reply-To: <>\nReferences: <> <>\n").in_reply_to.empty());
  CHECK(mail_with("In-Reply-To: <>\nReferences: <> <>\n").references.empty());
  CHECK(mail_with("Message-ID: no-brackets@example.org\n").message_id == "no-brackets@example.org");
}

TEST_CASE("the alternative is one text and one HTML", "[mime]") {
  const Mail mail = mail_with("Content-Type: multipart/alternative; boundary=b\n",
                              "--b\nContent-Type: text/plain; charset=utf-8\n\nplain\n--b\nContent-Type: text/html; charset=utf-8\n\n<p>rich</p>\n--b--\n");
  CHECK(mail.text == "plain");
  CHECK(mail.html == "<p>rich</p>");
  CHECK(mail.parts == std::vector<std::string>{"text/plain", "text/html"});
}

TEST_CASE("HTML alone gives the text", "[mime]") {
  const Mail mail = mail_with("Content-Type: text/html; charset=iso-8859-1\n", "<p>Gr\xfc\xdf\x65</p><p>two</p>");
  CHECK(mail.text == "Gr\u00fc\u00dfe\n\ntwo");
}

TEST_CASE("texts around a picture are one text", "[mime]") {
  const Mail mail = mail_with("Content-Type: multipart/mixed; boundary=b\n",
                              "--b\n\nabove\n--b\nContent-Type: image/png\nContent-ID: <p1>\nContent-Transfer-Encoding: base64\n\niVBORw==\n--b\n\nbelow\n--b--\n");
  CHECK(mail.text == "above\n\nbelow");
  REQUIRE(mail.files.size() == 1);
  CHECK(mail.files[0].type == "image/png");
  CHECK(mail.files[0].bytes == "\x89PNG");
  CHECK(mail.files[0].inline_part);
}

TEST_CASE("files keep their names whatever way they are spelled", "[mime]") {
  const auto named = [](const std::string& field) {
    const Mail mail = mail_with("Content-Type: multipart/mixed; boundary=b\n", "--b\n\nsee file\n--b\nContent-Type: application/pdf\n" + field + "\n\nx\n--b--\n");
    REQUIRE(mail.files.size() == 1);
    return mail.files[0].name;
  };
  CHECK(named("Content-Disposition: attachment; filename=\"bill.pdf\"") == "bill.pdf");
  CHECK(named("Content-Disposition: attachment; filename*=utf-8''Rechnung%20%C3%BC.pdf") == "Rechnung \u00fc.pdf");
  CHECK(named("Content-Disposition: attachment; filename*0*=utf-8''Rech; filename*1=nung.pdf") == "Rechnung.pdf");
  CHECK(named("Content-Disposition: attachment; filename=\"=?utf-8?B?w7wucGRm?=\"") == "\u00fc.pdf");
  CHECK(named("Content-Disposition: attachment; filename") == "");
}

TEST_CASE("a file of text has its own line ends and not those of the mail", "[mime]") {
  const Mail mail = mail_with("Content-Type: multipart/mixed; boundary=b\n",
                              "--b\n\nsee file\n--b\nContent-Type: text/x-ruby; name=a.rb\n\none\r\ntwo\n--b\nContent-Type: text/csv; name=b.csv\nContent-Transfer-Encoding: base64\n\n"
                              "YQ0KYg==\n--b--\n");
  REQUIRE(mail.files.size() == 2);
  CHECK(mail.files[0].bytes == "one\ntwo");
  CHECK(mail.files[1].bytes == "a\r\nb");
}

TEST_CASE("winmail.dat is kept as the file it is", "[mime]") {
  const Mail mail = mail_with("Content-Type: multipart/mixed; boundary=b\n",
                              "--b\n\nhello\n--b\nContent-Type: application/ms-tnef; name=\"winmail.dat\"\nContent-Transfer-Encoding: base64\n\neJ8+Ig==\n--b--\n");
  REQUIRE(mail.files.size() == 1);
  CHECK(mail.files[0].name == "winmail.dat");
  CHECK(mail.files[0].bytes == "\x78\x9f\x3e\x22");
}

TEST_CASE("a forwarded mail is a file", "[mime]") {
  const Mail mail = mail_with("Content-Type: multipart/mixed; boundary=b\n",
                              "--b\n\nsee below\n--b\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename=\"old.eml\"\n\nSubject: old\n\nold text\n--b--\n");
  REQUIRE(mail.files.size() == 1);
  CHECK(mail.files[0].name == "old.eml");
  CHECK(mail.files[0].bytes.find("old text") != std::string::npos);
  CHECK(mail.text == "see below");
}

TEST_CASE("character sets that are wrong or unknown or cut still give UTF-8", "[mime]") {
  CHECK(to_utf8("Gr\xfc\xdf\x65", "iso-8859-1") == "Gr\u00fc\u00dfe");
  CHECK(to_utf8("\x80 5", "iso-8859-1") == "\u20ac 5");  // What says Latin-1 is windows-1252.
  CHECK(to_utf8("\x82\xa0", "Shift_JIS") == "\u3042");
  CHECK(to_utf8("\x1b$B$\"\x1b(B", "ISO-2022-JP") == "\u3042");
  CHECK(to_utf8("\xc4\xe3", "gb2312") == "\u4f60");
  CHECK(to_utf8("caf\xe9", "no-such-set") == "caf\u00e9");
  CHECK(to_utf8("caf\xc3\xa9", "no-such-set") == "caf\u00e9");
  CHECK(to_utf8("caf\xe9!", "utf-8") == "caf\ufffd!");
  CHECK(to_utf8("\xed\xa0\x80", "utf-8") == "\ufffd\ufffd\ufffd");  // A surrogate is no character.
  CHECK(to_utf8(std::string_view("a\0b", 3), "utf-8") == "ab");
  CHECK(to_utf8("x", "../../evil//TRANSLIT") == "x");
  CHECK(is_utf8(to_utf8("\xff\xfe\x00\xd8", "utf-16")));
}

TEST_CASE("flowed lines flow and quoted ones stay", "[mime]") {
  CHECK(unflow("One \ntwo\n> quoted \n> more\n>> deep\nthree \n\n-- \nAna\n", false) == "One two\n> quoted \n> more\n>> deep\nthree \n-- \nAna\n");
  CHECK(unflow("Donau \ndampf\n", true) == "Donaudampf\n");
  CHECK(unflow(" From me\n", false) == "From me\n");
}

TEST_CASE("HTML says what a reader sees", "[mime]") {
  CHECK(html_to_text("<p>One</p><p>Two<br>three</p>") == "One\n\nTwo\nthree");
  CHECK(html_to_text("a &amp; b &lt;c&gt; &eacute; &#8364; &#x20AC; &nosuch; &") == "a & b <c> \u00e9 \u20ac \u20ac &nosuch; &");
  CHECK(html_to_text("<style>p{}</style><script>alert('<p>')</script>text<!-- no -->") == "text");
  CHECK(html_to_text("<div>new</div><blockquote><div>old</div><blockquote>older</blockquote></blockquote>") == "new\n> old\n>> older");
  CHECK(html_to_text("see <a href=\"https://example.org/x\">this</a> and <a href='https://example.org'>example.org</a>") ==
        "see this <https://example.org/x> and example.org");
  CHECK(html_to_text("<ul><li>one<li>two</ul>") == "- one\n- two");
  CHECK(html_to_text("<pre>a\n  b</pre>") == "a\n  b");
  CHECK(html_to_text("1 < 2 <") == "1 < 2 <");
  CHECK(html_to_text("<a href=\"x>y") == "y");
}

TEST_CASE("HTML that nests without end costs no more than its length", "[mime]") {
  std::string html;
  for (int i = 0; i < 200'000; ++i) html += "<b><blockquote><a title=\"";
  CHECK(html_to_text(html).size() < html.size() * 4);
}

TEST_CASE("header lines are fields whatever stands around them", "[mime]") {
  const auto block = read_header_block("\r\n\nFrom mbox Sat Nov 21\nSubject : spaced\nX-Long: one\n\ttwo\n  three\nTo: a@example.org,\n\t\n\tb@example.org\n\nbody");
  CHECK(block.headers.value("subject") == "spaced");
  CHECK(block.headers.value("x-long") == "one two three");
  CHECK(read_mailboxes(std::string(block.headers.value("to"))).size() == 2);
}

TEST_CASE("what is no mail comes back raw and marked", "[mime]") {
  for (const std::string& bytes : {std::string(), std::string("just words, no header"), std::string("\xff\xfe\x00garbage", 10)}) {
    const Mail mail = read_mail(bytes);
    CHECK(mail.unparsed);
    CHECK(is_utf8(mail.text));
  }
  CHECK(read_mail("just words, no header").text == "just words, no header");
}

TEST_CASE("mails over a limit are raw and marked or cut and marked", "[mime]") {
  std::string deep, end;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "b" + std::to_string(i);
    deep += "Content-Type: multipart/mixed; boundary=" + name + "\n\n--" + name + "\n";
    end = "\n--" + name + "--" + end;
  }
  const Mail nested = read_mail("From: a@example.org\n" + deep + "\n\ndeep down\n" + end);
  CHECK(nested.cut);
  CHECK_FALSE(nested.unparsed);

  std::string many = "From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 3'000; ++i) many += "--b\n\nx\n";
  CHECK(read_mail(many).cut);
  CHECK(read_mail(many).parts.size() <= usher::connectors::email::limits::parts_max);

  std::string bomb = "From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n";
  for (std::size_t i = 0; i <= usher::connectors::email::limits::delimiter_lines_max; ++i) bomb += "--b\n\n";
  CHECK(read_mail(bomb).unparsed);
  CHECK(read_mail(bomb).from.size() == 1);

  std::string fields = "From: a@example.org\n";
  for (int i = 0; i < 5'000; ++i) fields += "X-" + std::to_string(i) + ": y\n";
  const Mail wide = read_mail(fields + "\nbody");
  CHECK(wide.cut);
  CHECK(wide.text == "body");
  CHECK(read_mailboxes(std::string(100'000, ':')).empty());
}

TEST_CASE("a multipart without its delimiter still says something", "[mime]") {
  const Mail mail = mail_with("Content-Type: multipart/mixed; boundary=never\n", "All that came through.\n");
  CHECK(mail.text.find("All that came through.") != std::string::npos);
}

TEST_CASE("encoded words are read as programs write them", "[mime]") {
  CHECK(decode_words("=?UTF-8?B?TXlTdXJ2ZXk=?= =?UTF-8?B?LmNvbTog?= =?UTF-8?Q?91?=") == "MySurvey.com: 91");
  CHECK(decode_words("=?utf-8?B?w?= =?utf-8?B?w7w=?= a") == "\u00fc a");
  CHECK(decode_words("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=") == "\u00fc");  // Cut within a character.
  CHECK(decode_words("=?iso-8859-1*de?q?Gr=FC=DFe_an?= =?utf-8?q?_alle?=") == "Gr\u00fc\u00dfe an alle");
  CHECK(decode_words("Re: \"=?utf-8?Q?a?=\" b =?utf-8?Q?c") == "Re: \"a\" b =?utf-8?Q?c");
  CHECK(decode_words("=?utf-8?Q?a=0D=0ABcc:_x?=").find('\n') == std::string::npos);
  CHECK(read_mailboxes("=?UTF-8?B?QW5h?= =?UTF-8?B?IE0=?= <ana@example.org>") == std::vector<Mailbox>{{"Ana M", "ana@example.org"}});
}

TEST_CASE("a header goes on behind a line that lost its blank", "[mime]") {
  const Mail mail = read_mail("From: a@example.org\nX-Long: one\ntwo-without-blank\nSubject: here\nContent-Type: text/plain\n\nbody\n");
  CHECK(mail.subject == "here");
  CHECK(mail.text == "body\n");
}

TEST_CASE("dates are read as programs write them", "[mime]") {
  CHECK(read_date("Sat, 21 Nov 2026 19:57:59 +0100 (CET)") == parse_rfc3339("2026-11-21T18:57:59Z"));
  CHECK(read_date("21 Nov 2026 18:57:59 GMT") == parse_rfc3339("2026-11-21T18:57:59Z"));
  CHECK_FALSE(read_date("yesterday"));
  CHECK_FALSE(read_date(""));
}

TEST_CASE("a mail within a mail is kept as it stands and never parsed", "[mime]") {
  const std::string whole = "Content-Type: multipart/mixed; boundary=b\n";
  for (const std::string type : {"rfc822", "rfc2822", "global", "news"}) {
    INFO(type);
    const std::string before = "--b\n\nsee below\n--b\nContent-Type: message/" + type + "\n\n";
    // Groups within groups: a parser that goes down into each needs a stack without end.
    const std::string groups = "To: " + times(100'000, "a:") + "\n\nold\n";
    const Mail nested = mail_with(whole, before + groups + "--b--\n");
    REQUIRE(nested.files.size() == 1);
    CHECK(nested.files[0].bytes == groups.substr(0, groups.size() - 1));
    CHECK(seconds_of([&] { CHECK(mail_with(whole, before + times(40'000, "To: a@b.c\n") + "\nold\n--b--\n").files.size() == 1); }) < 2.0);
  }
}

TEST_CASE("a line of many links costs no more than its length", "[mime]") {
  std::string html;
  for (int i = 0; i < 60'000; ++i) html += "<a href=\"https://q.example/" + std::to_string(i) + "/\">one</a> ";
  CHECK(seconds_of([&] { CHECK(html_to_text(html).starts_with("one <https://q.example/0/> one <https://q.example/1/>")); }) < 3.0);
  CHECK(html_to_text("<p>a longer line before</p><a href=\"https://example.org\">x<br>example.org</a>") == "a longer line before\n\nx\nexample.org");
}

TEST_CASE("no text of a body is lost to another", "[mime]") {
  const std::string mixed = "Content-Type: multipart/mixed; boundary=b\n";
  const auto alternative = [](const std::string& name, const std::string& plain, const std::string& html) {
    return "--b\nContent-Type: multipart/alternative; boundary=" + name + "\n\n--" + name + "\n\n" + plain + "\n--" + name + "\nContent-Type: text/html\n\n" + html + "\n--" + name + "--\n";
  };
  CHECK(mail_with(mixed, "--b\n\nExternal sender!\n" + alternative("c", "plain", "<p>rich</p>") + "--b--\n").text == "External sender!\n\nplain");
  CHECK(mail_with(mixed, "--b\nContent-Type: text/html\n\n<p>the mail</p>\n--b\n\nthe footer\n--b--\n").text == "the mail\n\nthe footer");
  const Mail both = mail_with(mixed, alternative("c", "first", "<p>First</p>") + alternative("d", "second", "<p>Second</p>") + "--b--\n");
  CHECK(both.text == "first\n\nsecond");
  CHECK(both.html == "<p>First</p><p>Second</p>");
  CHECK(mail_with(mixed, "--b\n\nbanner\n" + alternative("c", "", "<p>only rich</p>") + "--b--\n").text == "banner\n\nonly rich");
}

TEST_CASE("a text that comes in several forms is shown once", "[mime]") {
  CHECK(mail_with("Content-Type: multipart/mixed; boundary=b\n", "--b\n\nThe same.\n--b\nContent-Type: text/html\n\n<p>The same.</p>\n--b--\n").text == "The same.");
  CHECK(mail_with("Content-Type: multipart/alternative; boundary=b\n",
                  "--b\n\nplain\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\nplain again\n--c\nContent-Type: text/html\n\n<p>rich</p>\n--c--\n--b--\n")
            .text == "plain");
}

TEST_CASE("what only looks like no field counts as one", "[mime]") {
  const std::string mixed = "Content-Type: multipart/mixed; boundary=b\n";
  CHECK(mail_with(mixed, "--b\n" + times(usher::connectors::email::limits::field_lines_max + 1, "a :\n") + "\nx\n--b--\n").unparsed);
  // Parameters in one line, in lines that continue it, and in the field of the mail itself.
  CHECK(mail_with(mixed, "--b\nContent-Type: text/plain" + times(1'001, ";a=b") + "\n\nx\n--b--\n").unparsed);
  CHECK(mail_with(mixed, "--b\nContent-Type : text/plain;\n" + times(1'001, " a=b;\n") + "\n\nx\n--b--\n").unparsed);
  CHECK(mail_with("Content-Type: text/plain" + times(1'001, ";a=b") + "\n").unparsed);
  CHECK_FALSE(mail_with(mixed, "--b\nContent-Type: text/plain" + times(500, ";a=b") + "\n\nx\n--b--\n").unparsed);
  // A text of many semicolons is no field.
  CHECK_FALSE(mail_with(mixed, "--b\nContent-Type: text/html\n\n<style>\n.a{color:red;" + times(2'000, "b:c;") + "}\n</style>x\n--b--\n").unparsed);
  const std::string long_field = "Content-Type: multipart/mixed; x=" + std::string(2'000, 'x') + "; boundary=c\n\n";
  CHECK(mail_with(mixed, times(usher::connectors::email::limits::boundary_words_max + 1, "--b\n" + long_field)).unparsed);
}

TEST_CASE("a mail whose text a record spells six times as long is cut and marked and kept whole as a file", "[mime]") {
  namespace wire = usher::message;
  constexpr auto text_max = usher::connectors::email::limits::text_bytes_max;
  const std::string header = "From: Ana <ana@example.org>\nTo: support@example.com\nMessage-ID: <1@example.org>\nContent-Type: text/plain; charset=utf-8\n\n";
  for (const std::string& piece : {std::string("\x01"), std::string("\""), std::string("\\\x1b[")}) {
    const std::string bytes = header + times(text_max / piece.size(), piece) + "\n";
    const auto parsed = to_message({wire::TenantId("acme"), wire::ConnectorId("support-mail"), {}}, bytes, wire::from_unix_ms(1'795'287'483'120));
    const auto& message = parsed.messages.front();
    const auto encoded = wire::encode(wire::MessageReceived{message});
    INFO("a text of " << static_cast<int>(piece.front()));
    CHECK(encoded.size() <= usher::message::limits::record_bytes_max);
    CHECK(wire::decode_record("usher.message.received.v1", encoded).has_value());
    CHECK(message.text.size() > text_max / 8);
    CHECK(message.extra.find("\"cut\":true") != std::string::npos);
    CHECK(message.raw_ref.has_value());
  }
  const std::string plain = header + times(text_max / 80, std::string(78, 'a') + "\n") + "\n";
  const auto parsed = to_message({wire::TenantId("acme"), wire::ConnectorId("support-mail"), {}}, plain, wire::from_unix_ms(1'795'287'483'120));
  CHECK(parsed.messages.front().extra.find("cut") == std::string::npos);
}

// Each of the bytes is six in a record. Such a mail once kept its reader busy for ever.
TEST_CASE("a mail of ours that speaks for more people than a record can name is taken with the first of them", "[mime]") {
  namespace wire = usher::message;
  MailDoor door{wire::TenantId("acme"), wire::ConnectorId("support-mail"), {}};
  door.own = OwnAddresses("support@example.com", {});
  std::string bytes = "From: support@example.com\nTo: support@example.com\nMessage-ID: <1@example.org>\n";
  for (int field = 0; field < 4; ++field) {
    bytes += "Reply-To:";
    for (int i = 0; i < 50; ++i) bytes += " \"a" + std::to_string(field * 50 + i) + std::string(900, '\x01') + "\"@b.example,\n";
    bytes += " z@b.example\n";
  }
  bytes += "\nHello\n";
  const auto parsed = to_message(door, bytes, wire::from_unix_ms(1'795'287'483'120));
  const auto& message = parsed.messages.front();
  const auto encoded = wire::encode(wire::MessageReceived{message});
  CHECK(encoded.size() <= usher::message::limits::record_bytes_max);
  CHECK(wire::decode_record("usher.message.received.v1", encoded).has_value());
  REQUIRE_FALSE(message.from.identities.empty());
  CHECK(message.from.identities.front().value.starts_with("\"a0"));
}

TEST_CASE("an address in a report that its limit would cut within a character is written as what can be read", "[mime]") {
  namespace wire = usher::message;
  for (std::size_t before = 1'000; before < 1'030; ++before) {
    const std::string bytes = "From: mailer@example.org\nTo: support@example.com\nMessage-ID: <1@example.org>\nReturn-Path: <>\n"
                              "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nno\n--b\n"
                              "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; " +
                              times(before / 2, "x ") + (before % 2 == 1 ? " " : "") + "a@\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\nAction: failed\nStatus: 5.1.1\n\n--b--\n";
    const auto parsed = to_message({wire::TenantId("acme"), wire::ConnectorId("support-mail"), {}}, bytes, wire::from_unix_ms(1'795'287'483'120));
    const auto encoded = wire::encode(wire::MessageReceived{parsed.messages.front()});
    INFO(before);
    CHECK(wire::decode_record("usher.message.received.v1", encoded).has_value());
  }
}
