// Transcripts of servers broken in every way that comes easily, from a fixed seed; USHER_MUTATIONS sets how often each one is.
#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <random>

#include "tests/connectors/imap/reply_properties.hpp"

using namespace usher::connectors::email::imap::testing;

namespace {

constexpr std::array<std::string_view, 6> transcripts{
    "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN] Dovecot ready.\r\nu1 OK Logged in\r\n"
    "* FLAGS (\\Answered \\Seen)\r\n* OK [PERMANENTFLAGS (\\Answered \\Seen \\*)] Flags permitted.\r\n* 2 EXISTS\r\n* OK [UIDVALIDITY 17] ok\r\n"
    "* OK [UIDNEXT 3] next\r\nu2 OK [READ-WRITE] Select completed\r\n",
    "* SEARCH 1 2 3 (MODSEQ 5)\r\n* ESEARCH (TAG \"u3\") UID MIN 1 ALL 1:3,9\r\nu3 OK done\r\n",
    "* 1 FETCH (UID 1 INTERNALDATE \"21-Nov-2026 18:57:59 +0100\" RFC822.SIZE 20 FLAGS (\\Seen) BODY[] {20}\r\nSubject: a\r\n\r\nhello\r\n)\r\nu4 OK\r\n",
    "* 2 FETCH (ENVELOPE (\"d\" {1}\r\ns ((\"n\" NIL \"a\" \"b\")) NIL) BODY[HEADER.FIELDS (\"a]\")]<0> NIL X-GM-LABELS (\"\\\\Inbox\") UID 2)\r\n",
    "* NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"#shared.\" \".\"))\r\n* STATUS {5}\r\nINBOX (MESSAGES 2 UIDNEXT 3)\r\n* LIST (\\Sent) NIL \"INBOX.Sent\"\r\n",
    "+ idling\r\n* 3 EXISTS\r\n* 1 EXPUNGE\r\n* BYE [UNAVAILABLE] shutting down\r\n"};

constexpr std::array<std::string_view, 20> pieces{"\r\n", "\n", "{5}\r\n", "{99999}\r\n", "{0}\r\n", "~{1+}\r\n", "(", ")", "\"", "\\", "[", "]",
                                                  "<0>", "NIL", "* ", "+ ", " ", "BODY[]", "4294967296", "* 1 FETCH ("};

std::string mutated(std::string_view transcript, std::mt19937& random) {
  std::string out(transcript);
  const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
  for (std::size_t times = 1 + below(4); times > 0; --times) {
    const std::size_t at = below(out.size() + 1);
    switch (below(5)) {
      case 0: out.insert(at, pieces[below(pieces.size())]); break;
      case 1: out.erase(at, below(20)); break;
      case 2: if (at < out.size()) out[at] = static_cast<char>(random()); break;
      case 3: out.insert(at, out.substr(below(out.size()), below(100))); break;
      default: out.insert(at, std::string(below(300), "(){}\"[] 1"[below(9)])); break;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("broken words of servers keep every promise", "[mutation][imap]") {
  std::mt19937 random(993);
  const char* named = std::getenv("USHER_MUTATIONS");
  const auto times = std::strtoul(named != nullptr ? named : "3000", nullptr, 10);
  for (const std::string_view transcript : transcripts) {
    check_replies(transcript);
    for (auto i = times; i > 0; --i) check_replies(mutated(transcript, random));
  }
}
