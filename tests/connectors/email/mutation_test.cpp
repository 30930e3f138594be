// Mails broken in every way that comes easily, from a fixed seed: what fuzzing finds by itself, in seconds and each time.
// The mails of the corpora are broken, too, where they are; USHER_MUTATIONS sets how often each one is.
#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <random>

#include "tests/connectors/email/corpus.hpp"
#include "tests/connectors/email/mail_properties.hpp"

using namespace usher::connectors::email::testing;

namespace {

// Pieces that mean something to a parser of mail.
constexpr std::array<std::string_view, 40> pieces{
    "\r\n", "\n\n", "\r", "\n ", ":", "<", ">", "@", "\"", "\\", "(", ")", ",", ";", "=", "?=", "=?utf-8?Q?", "=?utf-8?B?", "=?x?Q?=FF?=", "--b\n", "--b--\n",
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n", "Content-Type: message/rfc822\n\n", "Content-Type: text/html\n\n<blockquote>", "Content-Transfer-Encoding: base64\n",
    "Content-Transfer-Encoding: quoted-printable\n", "Content-Transfer-Encoding: x-uuencode\n", "boundary=\"\"", "charset=utf-7", "charset=iso-2022-jp", "filename*0*=utf-8''%FF", "a:",
    "\xff\xfe", "\x1b$B", "\xe2\x80\xae", "On 1 Jan 2026, a <a@b.c> wrote:\n> ", "Final-Recipient: rfc822;", "5.1.1", "<!--", "&#x110000;"};

const std::vector<std::string>& own_mails() {
  static const std::vector<std::string> mails{
      "From: Ana <ana@example.org>\nTo: s@example.com\nSubject: =?utf-8?Q?=C3=BC?=\nMessage-ID: <a@b>\nReferences: <c@d> <e@f>\nDate: Sat, 21 Nov 2026 18:57:59 +0000\n\nHello\n",
      "From: a@example.org\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1; format=flowed\n\none \ntwo\xfc\n--b\nContent-Type: "
      "text/html\n\n<p>one<a href='https://x.example'>two</a></p>\n--b--\n",
      "From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: image/png; name*=utf-8''%C3%BC.png\nContent-Transfer-Encoding: base64\n\niVBORw0K\n--b\n"
      "Content-Type: message/rfc822\nContent-Disposition: attachment\n\nSubject: in\n\nin\n--b--\n",
      "From: MAILER-DAEMON@example.org\nReturn-Path: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\n"
      "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; z@example.org\nAction: failed\nStatus: 5.1.1\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <o@x>\n\nx\n--b--\n",
      "From: a@example.org\nContent-Type: text/html; charset=utf-8\n\n<div>new</div><blockquote>old &amp; gone<br></blockquote><!-- c --><style>x</style>\n"};
  return mails;
}

std::string mutated(const std::string& mail, std::mt19937& random) {
  std::string out = mail;
  const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
  for (std::size_t times = 1 + below(4); times > 0; --times) {
    const std::size_t at = below(out.size() + 1);
    switch (below(6)) {
      case 0: out.insert(at, pieces[below(pieces.size())]); break;
      case 1: out.erase(at, below(40)); break;
      case 2: if (at < out.size()) out[at] = static_cast<char>(random()); break;
      case 3: out.insert(at, out.substr(below(out.size()), below(200))); break;
      case 4: out.resize(at); break;
      default: out.insert(at, std::string(below(3) == 0 ? 70'000 : 300, std::string_view("(<:=> \"\n-a")[below(10)])); break;
    }
  }
  return out;
}

std::size_t times(const char* fallback) {
  const char* named = std::getenv("USHER_MUTATIONS");
  return static_cast<std::size_t>(std::strtoul(named != nullptr ? named : fallback, nullptr, 10));
}

}  // namespace

TEST_CASE("broken mails of our own keep every promise", "[mutation]") {
  std::mt19937 random(4411);
  for (const std::string& mail : own_mails()) {
    check_mail(mail);
    for (std::size_t i = times("100"); i > 0; --i) check_mail(mutated(mail, random));
  }
}

TEST_CASE("broken mails of the corpora keep every promise", "[mutation]") {
  std::mt19937 random(4412);
  std::size_t count = 0;
  for (const std::string_view folder : {"email", "bounces"})
    for (const auto& sample : samples(folder)) {
      if (sample.bytes.size() > 64 * 1024) continue;
      check_mail(sample.bytes);
      for (std::size_t i = times("1"); i > 0; --i) check_mail(mutated(sample.bytes, random));
      ++count;
    }
  if (count == 0) WARN("the corpora are not here: only mails of our own ran");
}
