// What proves that a mail continues a conversation, and what does not.
#include <catch2/catch.hpp>

#include "connectors/email/email_message.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/header_text.hpp"
#include "connectors/email/mime_reader.hpp"
#include "connectors/email/thread_key.hpp"
#include "connectors/signature.hpp"

using namespace usher::connectors::email;
using usher::connectors::base64;
using usher::connectors::Parsed;

namespace {

const std::vector<std::string> secrets{"new secret", "old secret"};
const ThreadSecrets ours{TenantId("acme"), secrets};
constexpr MessageId reply{0x0123456789abcdefULL, 0xfedcba9876543210ULL};
constexpr MessageId message{0xffeeddccbbaa9988ULL, 0x7766554433221100ULL};
constexpr Instant evening{Milliseconds{1795287483120}};
constexpr auto day = std::chrono::hours{24};

std::string bare(const std::string& id) { return id.substr(1, id.size() - 2); }

Parsed read(const std::string& mail) {
  return to_message({TenantId("acme"), ConnectorId("support-mail"), ours}, mail, evening);
}

}  // namespace

TEST_CASE("an id of ours names the customer's message and is the same each time", "[thread][rule-I5][rule-E5]") {
  const std::string id = mint_message_id(ours, reply, message, "example.com");
  CHECK(id == mint_message_id(ours, reply, message, "example.com"));
  CHECK(id.ends_with("@example.com>"));
  CHECK(HeaderText::id(bare(id)));
  CHECK(verify_message_id(ours, bare(id)) == message);
  CHECK(verify_message_id(ours, ascii_lower(bare(id))) == message);
}

TEST_CASE("an address of ours names the customer's message in any case of letters", "[thread][rule-I5]") {
  const std::string address = mint_reply_address(ours, message, "support@example.com");
  CHECK(is_mail_address(address));
  CHECK(address.find('@') <= 64);
  CHECK(verify_reply_address(ours, address) == message);
  std::string upper = address;
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  CHECK(verify_reply_address(ours, upper) == message);
  CHECK(mint_reply_address(ours, message, std::string(40, 'a') + "@example.com").empty());
}

TEST_CASE("an address that an earlier build wrote names its conversation years later", "[thread][rule-I5]") {
  const std::string mail = "From: ana@example.org\nTo: support+77xn3tf3vkmyq53gkvcdgiqraa.u75eve7qpnxlw6y5@example.com\n\nyes";
  const auto parsed = to_message({TenantId("acme"), ConnectorId("support-mail"), ours}, mail, evening + 3000 * day);
  CHECK(parsed.messages[0].thread.token == message);
}

TEST_CASE("every changed byte makes an id nobody's", "[thread][rule-I5]") {
  const std::string id = bare(mint_message_id(ours, reply, message, "example.com"));
  for (std::size_t i = 0; i < id.find('@'); ++i) {
    std::string changed = id;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    INFO(changed);
    CHECK_FALSE(verify_message_id(ours, changed));
    CHECK_FALSE(verify_message_id(ours, id.substr(0, i)));
  }
  const std::string address = mint_reply_address(ours, message, "support@example.com");
  for (std::size_t i = address.find('+') + 1; i < address.find('@'); ++i) {
    std::string changed = address;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    CHECK_FALSE(verify_reply_address(ours, changed));
  }
}

TEST_CASE("an envelope's sender names its conversation for two weeks and a day's slip of a clock", "[thread][rule-I5]") {
  // Through the ends of the count of days, too.
  for (const Instant now : {evening, from_unix_ms(32767LL * 86'400'000), from_unix_ms(32768LL * 86'400'000 + 5), from_unix_ms(0)}) {
    const std::string sender = mint_envelope_sender(ours, message, "support@example.com", now);
    CHECK(is_mail_address(sender));
    CHECK(sender.find('@') == mint_reply_address(ours, message, "support@example.com").find('@'));
    for (const int away : {-1, 0, 1, 13, 14}) CHECK(verify_envelope_sender(ours, sender, now + away * day) == message);
    for (const int away : {-400, -2, 15, 16, 365, 4000}) CHECK_FALSE(verify_envelope_sender(ours, sender, now + away * day));
  }
  CHECK(mint_envelope_sender(ours, message, std::string(40, 'a') + "@example.com", evening).empty());
}

TEST_CASE("every changed byte makes a sender nobody's and it is no address to answer to", "[thread][rule-I5]") {
  const std::string sender = mint_envelope_sender(ours, message, "support@example.com", evening);
  for (std::size_t i = sender.find('+') + 1; i < sender.find('@'); ++i) {
    std::string changed = sender;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    CHECK_FALSE(verify_envelope_sender(ours, changed, evening));
  }
  const std::vector<std::string> others{"third secret"};
  CHECK_FALSE(verify_envelope_sender({TenantId("other"), secrets}, sender, evening));
  CHECK_FALSE(verify_envelope_sender({TenantId("acme"), others}, sender, evening));
  CHECK_FALSE(verify_reply_address(ours, sender));
  CHECK_FALSE(verify_envelope_sender(ours, mint_reply_address(ours, message, "support@example.com"), evening));
}

TEST_CASE("a bounce that returns nothing is found by its envelope for two weeks and by what it returns for ever", "[thread][rule-I5]") {
  const std::string sender = mint_envelope_sender(ours, message, "support@example.com", evening);
  const std::string late = mint_envelope_sender(ours, message, "support@example.com", evening - 15 * day);
  const std::string id = mint_message_id(ours, reply, message, "example.com");
  const std::string from = "From: MAILER-DAEMON@example.org\nReturn-Path: <>\nSubject: Undelivered Mail Returned to Sender\n";
  CHECK(read(from + "To: " + sender + "\n\n550 5.1.1 no such user").messages[0].thread.token == message);
  CHECK(read(from + "Delivered-To: " + sender + "\n\n550 5.1.1 no such user").messages[0].thread.token == message);
  const auto ended = read(from + "To: " + late + "\n\n550 5.1.1 no such user").messages[0];
  CHECK_FALSE(ended.thread.token);
  CHECK(ended.automated == Automated::bounce);
  CHECK(read(from + "To: " + late + "\nIn-Reply-To: " + id + "\n\n550 5.1.1 no such user").messages[0].thread.token == message);
}

TEST_CASE("another tenant's or another installation's id proves nothing", "[thread][rule-I5]") {
  const std::string id = bare(mint_message_id(ours, reply, message, "example.com"));
  const std::vector<std::string> others{"third secret"};
  CHECK_FALSE(verify_message_id({TenantId("other"), secrets}, id));
  CHECK_FALSE(verify_message_id({TenantId("acme"), others}, id));
  CHECK_FALSE(verify_message_id({TenantId("acme"), {}}, id));
}

TEST_CASE("an id signed by the secret before still counts", "[thread]") {
  const std::vector<std::string> old{"old secret"};
  CHECK(verify_message_id(ours, bare(mint_message_id({TenantId("acme"), old}, reply, message, "example.com"))) == message);
}

TEST_CASE("an answer is found by its parent then its references then its address", "[thread][rule-I5]") {
  const std::string id = mint_message_id(ours, reply, message, "example.com");
  const std::string address = mint_reply_address(ours, message, "support@example.com");
  const std::string from = "From: ana@example.org\nSubject: Re: x\n";
  CHECK(read(from + "To: support@example.com\nIn-Reply-To: " + id + "\n\nyes").messages[0].thread.token == message);
  CHECK(read(from + "To: support@example.com\nReferences: <a@b.c> " + id + " <d@e.f>\n\nyes").messages[0].thread.token == message);
  CHECK(read(from + "To: " + address + "\n\nyes").messages[0].thread.token == message);
  CHECK(read(from + "To: support@example.com\nDelivered-To: " + address + "\n\nyes").messages[0].thread.token == message);
}

TEST_CASE("ids that a program wrote as encoded words are ids in their places", "[thread][rule-I5]") {
  using Ids = std::vector<std::string>;
  CHECK(read_ids("=?utf-8?q?=3Cone=40example=2Eorg=3E?=") == Ids{"one@example.org"});
  CHECK(read_ids("=?UTF-8?B?PG9uZUBleGFtcGxlLm9yZz4=?=") == Ids{"one@example.org"});
  CHECK(read_ids("=?utf-8?q?=3Cone=40exam?= =?utf-8?q?ple=2Eorg=3E_=3Ctwo=40?= =?utf-8?b?ZXhhbXBsZS5vcmc+?=") == Ids{"one@example.org", "two@example.org"});
  CHECK(read_ids("<one@example.org> =?utf-8?q?=3Ctwo=40exam?= =?utf-8?q?ple=2Eorg=3E?= <three@example.org>") == Ids{"one@example.org", "two@example.org", "three@example.org"});
  // Proper ids are as they are, and words for people name none.
  CHECK(read_ids("<=?utf-8?q?a=3Cb=3E?=@example.org>") == Ids{"=?utf-8?q?a=3Cb=3E?=@example.org"});
  CHECK(read_ids("=?utf-8?q?Gr=C3=BC=C3=9Fe_von_ana=40example=2Eorg?= <one@example.org>") == Ids{"one@example.org"});
  for (const std::string none : {"=?utf-8?q?=3Cone=40example=2Eorg?=", "=?utf-8?q?=3C=3E?=", "=?utf-8?q?=3Ca_b=40c=3E?=", "=?utf-8?q?=3Ca=00b=0A=3E?=", "=?utf-8?x?=3Ca=40b=3E?=", "=?utf-8?q?=3C=C3=BC=3E?=",
                                 "=?utf-8?q?=3Ca=3Cb?= <", "=?=?=?=?=?", "=?utf-8?b?!!!!?="}) {
    INFO(none);
    CHECK(read_ids(none).empty());
  }
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "=?utf-8?q?=3Cid" + std::to_string(i) + "=40example=2Eorg=3E?= ";
  CHECK(read_ids(many).size() == 100);
}

TEST_CASE("an answer whose program wrote our id in encoded words and folded lines is found by it", "[thread][rule-I5]") {
  const std::string id = mint_message_id(ours, reply, message, "example.com"), head = bare(id).substr(0, 40), tail = bare(id).substr(40, bare(id).find('@') - 40);
  const std::string q = "=?utf-8?q?=3C" + head + "?=\n =?utf-8?q?" + tail + "=40example=2Ecom=3E?=";
  const std::string b = "=?utf-8?b?" + base64("<" + head) + "?=\r\n\t=?utf-8?b?" + base64(tail + "@example.com>") + "?=";
  const std::string from = "From: ana@example.org\nTo: support@example.com\nSubject: Re: x\n";
  for (const auto& written : {q, b}) {
    INFO(written);
    CHECK(read(from + "In-Reply-To: " + written + "\n\nyes").messages[0].thread.token == message);
    CHECK(read(from + "References: " + written + "\n\nyes").messages[0].thread.token == message);
    CHECK(read(from + "References: <first@example.org> " + written + "\n\nyes").messages[0].thread.token == message);
    CHECK(read(from + "Message-ID: " + written + "\n\nyes").messages[0].provider_message_id == bare(id));
  }
  std::string changed = q;
  changed[changed.find("u1.") + 4] = changed[changed.find("u1.") + 4] == 'a' ? 'b' : 'a';
  CHECK_FALSE(read(from + "In-Reply-To: " + changed + "\n\nyes").messages[0].thread.token);
}

TEST_CASE("addresses that a program wrote as encoded words are those it means and a sender is not", "[thread][rule-I5]") {
  const std::string address = mint_reply_address(ours, message, "support@example.com"), encoded = "=?utf-8?b?" + base64("Support <" + address + ">") + "?=";
  CHECK(read("From: ana@example.org\nTo: " + encoded + "\n\nyes").messages[0].thread.token == message);
  const auto parsed = read("From: ana@example.org\nTo: support@example.com\nReply-To: =?utf-8?q?zoe=40example=2Eorg?=\n\nyes");
  REQUIRE(parsed.messages[0].reply_to.size() == 1);
  CHECK(parsed.messages[0].reply_to[0].value == "zoe@example.org");
  CHECK(read_mail("From: =?utf-8?q?zoe=40example=2Eorg?=\nTo: support@example.com\n\nyes").from.empty());
}

TEST_CASE("a subject alone never joins a conversation", "[thread][rule-I5]") {
  const auto parsed = read("From: ana@example.org\nTo: support@example.com\nSubject: Re: Order 4411 [#AB12CD]\nIn-Reply-To: <known@example.org>\n\nyes");
  CHECK_FALSE(parsed.messages[0].thread.token);
  CHECK_FALSE(parsed.messages[0].thread.key);
}

TEST_CASE("a bounce belongs to the conversation of what it returns", "[thread]") {
  const std::string id = mint_message_id(ours, reply, message, "example.com");
  const auto parsed = read("From: MAILER-DAEMON@example.org\nReturn-Path: <>\nSubject: Delivery failed\nContent-Type: multipart/report; boundary=b\n\n"
                           "--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ana@example.org\nAction: failed\nStatus: 5.1.1\n"
                           "--b\nContent-Type: message/rfc822\n\nMessage-ID: " + id + "\nSubject: x\n\ny\n--b--\n");
  CHECK(parsed.messages[0].automated == Automated::bounce);
  CHECK(parsed.messages[0].thread.token == message);
  CHECK(parsed.messages[0].extra.find("\"ana@example.org\"") != std::string::npos);
  REQUIRE(parsed.reports.size() == 1);
  CHECK(parsed.reports[0].reply == reply);
  CHECK(parsed.reports[0].attempt == 0);
  CHECK(parsed.reports[0].state == DeliveryState::failed);
  CHECK(parsed.reports[0].detail.starts_with("5.1.1"));
}

TEST_CASE("what a report says of a reply is what becomes of it", "[thread]") {
  const std::string id = mint_message_id(ours, reply, message, "example.com");
  const auto report = [&](const std::string& action, const std::string& returned) {
    return read("From: MAILER-DAEMON@example.org\nReturn-Path: <>\nTo: " + mint_reply_address(ours, message, "support@example.com") +
                "\nSubject: Delivery\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsee\n--b\nContent-Type: message/delivery-status\n\n"
                "Final-Recipient: rfc822; ana@example.org\nAction: " + action + "\nStatus: 4.4.1\nDiagnostic-Code: smtp; 451 later\n--b\nContent-Type: message/rfc822\n\n" + returned +
                "Subject: x\n\ny\n--b--\n").reports;
  };
  const std::string ours_returned = "Message-ID: " + id + "\n";
  REQUIRE(report("delayed", ours_returned).size() == 1);
  CHECK(report("delayed", ours_returned)[0].state == DeliveryState::deferred);
  CHECK(report("delayed", ours_returned)[0].detail == "4.4.1 451 later");
  CHECK(report("failed", ours_returned)[0].state == DeliveryState::failed);
  CHECK(report("delivered", ours_returned)[0].state == DeliveryState::delivered);
  // What it returns says nothing: the address that it came back to still names the conversation.
  REQUIRE(report("failed", "").size() == 1);
  CHECK(report("failed", "")[0].reply == message);
}

TEST_CASE("a report about somebody else's mail and a person's mail say nothing of our replies", "[thread]") {
  CHECK(read("From: MAILER-DAEMON@example.org\nReturn-Path: <>\nSubject: Delivery failed\nContent-Type: multipart/report; boundary=b\n\n"
             "--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ana@example.org\nAction: failed\nStatus: 5.1.1\n"
             "--b\nContent-Type: message/rfc822\n\nMessage-ID: <other@example.org>\nSubject: x\n\ny\n--b--\n").reports.empty());
  CHECK(read("From: ana@example.org\nSubject: Re: x\nIn-Reply-To: " + mint_message_id(ours, reply, message, "example.com") + "\n\nyes").reports.empty());
}

TEST_CASE("one mail to two of our addresses is one message and another under its id is not", "[thread][rule-I1]") {
  const std::string begin = "From: ana@example.org\nMessage-ID: <m1@example.org>\nDate: Sat, 21 Nov 2026 18:57:59 +0000\nSubject: x\n";
  const auto first = read("Delivered-To: support@example.com\nReceived: by a\n" + begin + "To: support@example.com\n\nhello");
  const auto second = to_message({TenantId("acme"), ConnectorId("sales-mail"), ours}, "Delivered-To: sales@example.com\nReceived: by b\n" + begin + "To: support@example.com\n\nhello",
                                 Instant{Milliseconds{1795287500000}});
  CHECK(first.messages[0].id == second.messages[0].id);
  CHECK(first.messages[0].id != read(begin + "To: support@example.com\n\nother words").messages[0].id);
  CHECK(read("From: ana@example.org\n\none").messages[0].id != read("From: ana@example.org\n\ntwo").messages[0].id);
}

TEST_CASE("a mail of ours that comes back is known by its own id alone and is automated", "[thread]") {
  const auto own = read("From: support@example.com\nMessage-ID: " + mint_message_id(ours, reply, message, "example.com") + "\nSubject: x\n\nhello\n").messages.front();
  CHECK(own.automated);
  CHECK(own.extra.find("\"own\":true") != std::string::npos);
  const auto claimed = read("From: ana@example.org\nMessage-ID: <a1@example.org>\nX-Usher-Id: 1\nSubject: x\n\nhello\n").messages.front();
  CHECK_FALSE(claimed.automated);
  CHECK(claimed.extra.find("own") == std::string::npos);
}

TEST_CASE("a file is what its bytes are and not what the mail calls it", "[thread]") {
  const auto parsed = read("From: ana@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\nContent-Type: image/png; name=a.png\n\n#!/bin/sh\necho\n--b--\n");
  REQUIRE(parsed.messages.front().attachments.size() == 1);
  CHECK(parsed.messages.front().attachments[0].type == "text/x-shellscript");
  REQUIRE_FALSE(parsed.files.empty());
  CHECK(parsed.files[0].type == "text/x-shellscript");
}
