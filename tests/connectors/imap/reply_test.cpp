// What servers say, as Dovecot, Cyrus, Courier, Gmail and Exchange spell it, and what no server may say.
#include <catch2/catch.hpp>

#include "connectors/email/imap/imap_reply.hpp"

using namespace usher::connectors::email::imap;
using Word = StatusReply::Word;

namespace {

// All responses in `bytes`, fed in pieces of that size; the test fails on an error or a rest.
std::vector<Reply> read_all(std::string_view bytes, std::size_t piece = 1) {
  ReplyReader reader;
  std::vector<Reply> replies;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.feed(bytes.substr(at, piece));
    for (;;) {
      auto reply = reader.next();
      REQUIRE(reply.has_value());
      if (!*reply) break;
      replies.push_back(std::move(**reply));
    }
  }
  CHECK(reader.empty());
  return replies;
}

template <class Kind>
Kind only(std::string_view bytes) {
  auto replies = read_all(bytes);
  REQUIRE(replies.size() == 1);
  REQUIRE(std::holds_alternative<Kind>(replies.front()));
  return std::get<Kind>(replies.front());
}

usher::message::Fault fault_of(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  for (;;) {
    auto reply = reader.next();
    if (!reply) return reply.error().fault;
    REQUIRE(reply->has_value());
  }
}

}  // namespace

TEST_CASE("a tagged end has its code and its words", "[imap]") {
  const auto ok = only<StatusReply>("u7 OK [READ-WRITE] SELECT completed\r\n");
  CHECK(ok.tag == "u7");
  CHECK(ok.word == Word::ok);
  CHECK(ok.code == "READ-WRITE");
  CHECK(ok.text == "SELECT completed");
  const auto no = only<StatusReply>("u8 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n");
  CHECK(no.word == Word::no);
  CHECK(no.code == "AUTHENTICATIONFAILED");
  CHECK(only<StatusReply>("u9 BAD\r\n").word == Word::bad);
}

TEST_CASE("what opens a mailbox is read whoever says it", "[imap]") {
  const auto validity = only<StatusReply>("* OK [UIDVALIDITY 1795330627] UIDs valid\r\n");
  CHECK(validity.tag.empty());
  CHECK(validity.code == "UIDVALIDITY");
  CHECK(parse_number(validity.arguments) == 1795330627u);
  CHECK(only<StatusReply>("* OK [UIDNEXT 2]\r\n").code == "UIDNEXT");
  CHECK(only<StatusReply>("* Ok [uidnext 2] courier\r\n").arguments == "2");
  const auto flags = only<StatusReply>("* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen $Junk \\*)] Limited\r\n");
  CHECK(split_words(flags.arguments).back() == "\\*");
  CHECK(only<ExistsReply>("* 172 EXISTS\r\n").count == 172);
  CHECK(only<ExpungeReply>("* 44 EXPUNGE\r\n").sequence == 44);
  CHECK(only<OtherReply>("* 0 RECENT\r\n").name == "RECENT");
  CHECK(only<OtherReply>("* FLAGS (\\Answered \\Flagged)\r\n").name == "FLAGS");
  CHECK(only<StatusReply>("* BYE Courier-IMAP server shutting down\r\n").word == Word::bye);
  CHECK(only<StatusReply>("* PREAUTH IMAP4rev1 server logged in as Smith\r\n").word == Word::preauth);
}

TEST_CASE("capabilities are known by name in any case", "[imap]") {
  const auto reply = only<CapabilityReply>("* CAPABILITY IMAP4rev1 UNSELECT IDLE AUTH=XOAUTH2 SASL-IR X-GM-EXT-1 utf8=accept\r\n");
  CHECK(reply.names == std::vector<std::string>{"IMAP4REV1", "UNSELECT", "IDLE", "AUTH=XOAUTH2", "SASL-IR", "X-GM-EXT-1", "UTF8=ACCEPT"});
}

TEST_CASE("a continuation may say anything or nothing", "[imap]") {
  CHECK(only<Continuation>("+ idling\r\n").text == "idling");
  CHECK(only<Continuation>("+ entering idle mode\r\n").text == "entering idle mode");
  CHECK(only<Continuation>("+ \r\n").text.empty());
  CHECK(only<Continuation>("+\r\n").text.empty());
}

TEST_CASE("a mail comes as a literal of its bytes", "[imap]") {
  const std::string mail = "Subject: hi\r\n\r\n* 1 EXISTS\r\nu1 OK {7}\r\n)";
  const std::string size = std::to_string(mail.size());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    const auto replies = read_all("* 12 FETCH (UID 5 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE " + size +
                                      " FLAGS (\\Seen $Label1) BODY[] {" + size + "}\r\n" + mail + ")\r\n* 13 EXISTS\r\n",
                                  piece);
    REQUIRE(replies.size() == 2);
    const auto& fetched = std::get<FetchReply>(replies.front());
    CHECK(fetched.sequence == 12);
    CHECK(fetched.uid == 5);
    CHECK(fetched.size == mail.size());
    CHECK(fetched.body == mail);
    CHECK(fetched.flags == std::vector<std::string>{"\\Seen", "$Label1"});
    CHECK(fetched.internal_date == usher::message::parse_rfc3339("1996-07-17T09:44:25Z"));
  }
}

TEST_CASE("dialects of FETCH are one mail", "[imap]") {
  CHECK(only<FetchReply>("* 1 FETCH (BODY[] {2+}\r\nab UID 9)\r\n").body == "ab");
  CHECK(only<FetchReply>("* 1 FETCH (UID 9 BODY[]<0> \"a\\\"b\\\\\")\r\n").body == "a\"b\\");
  CHECK(only<FetchReply>("* 1 FETCH (UID 9 BODY[] ~{3}\r\nabc)\r\n").body == "abc");
  CHECK_FALSE(only<FetchReply>("* 1 FETCH (UID 9 BODY[] NIL)\r\n").body.has_value());
  CHECK(only<FetchReply>("* 1 FETCH (X-GM-THRID 1278455344230334865 X-GM-LABELS (\"\\\\Inbox\" Foo) UID 9 MODSEQ (65402))\r\n").uid == 9);
  CHECK(only<FetchReply>("* 1 FETCH (BODY[HEADER.FIELDS (DATE \"x]\")] {3}\r\na)b UID 9)\r\n").uid == 9);
  CHECK(only<FetchReply>("* 1 FETCH (ENVELOPE (\"d\" NIL ((\"n\" NIL \"a\" {3}\r\nb c)) NIL) UID 9 FLAGS ())\r\n").uid == 9);
  CHECK(only<FetchReply>("* 1 FETCH (FLAGS (\\Seen))\r\n").uid == 0);
  CHECK(only<FetchReply>("* 1 FETCH ( UID 9  FLAGS (\\Seen) ) \r\n").uid == 9);
  CHECK(only<FetchReply>("* 1 FETCH (INTERNALDATE \" 7-Jul-2026 02:44:25 +0000\" UID 9)\r\n").internal_date ==
        usher::message::parse_rfc3339("2026-07-07T02:44:25Z"));
  CHECK_FALSE(only<FetchReply>("* 1 FETCH (INTERNALDATE \"yesterday\" UID 9)\r\n").internal_date.has_value());
}

TEST_CASE("what a search found is numbers", "[imap]") {
  CHECK(only<SearchReply>("* SEARCH 2 84 882\r\n").numbers == std::vector<Uid>{2, 84, 882});
  CHECK(only<SearchReply>("* SEARCH\r\n").numbers.empty());
  CHECK(only<SearchReply>("* SEARCH \r\n").numbers.empty());
  CHECK(only<SearchReply>("* SEARCH 2 5 (MODSEQ 917162500)\r\n").numbers == std::vector<Uid>{2, 5});
  CHECK(only<SearchReply>("* ESEARCH (TAG \"u5\") UID COUNT 4 MIN 2 ALL 2,10:12\r\n").numbers == std::vector<Uid>{2, 10, 11, 12});
  CHECK(only<SearchReply>("* ESEARCH (TAG \"u5\") UID\r\n").numbers.empty());
}

TEST_CASE("braces at the end of words announce nothing", "[imap]") {
  const auto replies = read_all("* OK still here {5}\r\n* 3 EXISTS\r\nu1 NO {9}\r\n");
  REQUIRE(replies.size() == 3);
  CHECK(std::get<ExistsReply>(replies[1]).count == 3);
}

TEST_CASE("what breaks the grammar is malformed", "[imap]") {
  using usher::message::Fault;
  for (const std::string_view bytes :
       {"nonsense\r\n", "HTTP/1.1 400 Bad Request\r\n", "\r\n", "* \r\n", "* 1 FETCH\r\n", "* 1 FETCH (UID x)\r\n", "* 1 FETCH (UID 1\r\n",
        "* 1 FETCH (BODY[] \"open)\r\n", "* SEARCH 1 two\r\n", "* SEARCH 4294967296\r\n", "* ESEARCH UID ALL 5:x\r\n",
        "* 1 FETCH (FLAGS (\\Seen)\r\n", "* 1 FETCH (X ))\r\n"})
    CHECK(fault_of(bytes) == Fault::malformed);
}

TEST_CASE("what is over a limit is too large before it is taken in", "[imap]") {
  using usher::message::Fault;
  CHECK(fault_of("* 1 FETCH (BODY[] {999999999999}\r\n") == Fault::too_large);
  CHECK(fault_of("* 1 FETCH (BODY[] {" + std::to_string(usher::connectors::email::imap::limits::literal_bytes_max + 1) + "}\r\n") == Fault::too_large);
  CHECK(fault_of("* OK " + std::string(usher::connectors::email::imap::limits::line_bytes_max + 1, 'x')) == Fault::too_large);
  CHECK(fault_of("* 1 FETCH (X " + std::string(usher::connectors::email::imap::limits::depth_max + 1, '(') + "\r\n") == Fault::too_large);
  CHECK(fault_of("* ESEARCH UID ALL 1:4294967295\r\n") == Fault::malformed);
  std::string many = "* 1 FETCH (X (";
  for (std::size_t i = 0; i <= usher::connectors::email::imap::limits::literals_max; ++i) many += "{1}\r\na ";
  CHECK(fault_of(many) == Fault::too_large);
}
