// Replies by mail: from the outbound stream to a submission server and back as what became of them.
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "connectors/email/charset.hpp"
#include "connectors/email/mime_reader.hpp"
#include "routing/message/limits.hpp"
#include "tests/connectors/egress_desk.hpp"
#include "tests/connectors/loopback_server.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

std::string header_of(const std::string& mail, const std::string& name) {
  const std::size_t at = mail.find("\r\n" + name + ": ");
  REQUIRE(at != std::string::npos);
  const std::size_t from = at + 4 + name.size();
  return mail.substr(from, mail.find("\r\n", from) - from);
}

}  // namespace

TEST_CASE("a reply by mail goes out once and what the server said is reported", "[egress]") {
  EgressDesk desk;
  SmtpServer server;
  desk.mail_to(server);
  desk.start();
  desk.write_mail(1);
  CHECK(desk.only() == DeliveryReported{MessageId{7, 1}, 1, DeliveryState::sent, "250 2.0.0 queued as 4711", Milliseconds{0}});
  const auto got = server.wait_for(1)[0];
  REQUIRE(got.texts.size() == 1);
  CHECK(got.command("RCPT") == "RCPT TO:<ana@ex.org>");
  CHECK(header_of(got.texts[0], "In-Reply-To") == "<a1@ex.org>");
  CHECK(got.texts[0].find("answer 1") != std::string::npos);
  desk.egress.reset();
  CHECK(desk.cursor() == 1);
  CHECK(server.connections() == 1);
}

TEST_CASE("a reply's files leave inside its mail byte for byte", "[egress]") {
  EgressDesk desk;
  SmtpServer server;
  desk.mail_to(server);
  desk.start();
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * 7 + i / 256);
  desk.attach("R\xc3\xa9sum\xc3\xa9 \"4411\".pdf", bytes);
  desk.attach("two.pdf", "%PDF-2");
  desk.write_mail(1);
  CHECK(desk.only().state == DeliveryState::sent);
  const auto text = server.wait_for(1)[0].texts.at(0);
  const auto mail = email::read_mail(text);
  REQUIRE(mail.files.size() == 2);
  CHECK(mail.files[0].name == "R\xc3\xa9sum\xc3\xa9 \"4411\".pdf");
  CHECK(mail.files[0].type == "application/pdf");
  CHECK(mail.files[0].bytes == bytes);
  CHECK_FALSE(mail.files[0].inline_part);
  CHECK(mail.files[1].bytes == "%PDF-2");
  CHECK(text.find("filename*=utf-8''R%C3%A9sum%C3%A9%20%224411%22.pdf") != std::string::npos);  // RFC 2231.
  CHECK(text.find("answer 1") != std::string::npos);
}

TEST_CASE("a reply whose file is not there waits for it and never leaves without", "[egress]") {
  EgressDesk desk;
  SmtpServer server;
  desk.mail_to(server);
  desk.attach("plan.pdf", "%PDF-1", false);
  desk.start();
  desk.write_mail(1);
  const auto waits = desk.only();
  CHECK(waits.state == DeliveryState::deferred);
  CHECK(waits.detail == "the file plan.pdf cannot be read at this moment");
  CHECK(server.connections() == 0);
  REQUIRE(desk.blobs.put(TenantId("acme"), sha256_hex("%PDF-1"), "%PDF-1"));
  desk.write_mail(1, 2);
  CHECK(desk.wait_for(2)[1].state == DeliveryState::sent);
}

TEST_CASE("a line cut after the text is sent once more with the same id and the same bytes", "[egress][rule-E5]") {
  EgressDesk desk;
  SmtpServer server({}, [](std::string_view stage, const SmtpGot& got) { return stage == "dot" && got.number == 1 ? std::optional<std::string>("") : std::nullopt; });
  desk.mail_to(server);
  desk.start();
  desk.write_mail(1);
  const auto unknown = desk.wait_for(1)[0];
  CHECK(unknown.state == DeliveryState::deferred);
  CHECK(unknown.retry_after == limits::mail_retry_first);
  CHECK(unknown.detail.starts_with("the mail server did not say whether it took the mail, so it is sent once more: "));
  await([&] { return desk.egress->status().mail_trouble == "support-mail: the mail server did not say of another mail whether it took it"; });
  desk.write_mail(9);
  CHECK(desk.wait_for(2)[1].detail == "the mail server did not say of another mail whether it took it");
  CHECK(server.connections() == 1);  // It rests.
  desk.clock.pass(30'000);
  desk.write_mail(1, 2);  // As the engine asks again.
  CHECK(desk.wait_for(3)[2].state == DeliveryState::sent);
  const auto got = server.wait_for(2);
  REQUIRE(got[0].texts.size() == 1);
  REQUIRE(got[1].texts.size() == 1);
  CHECK(got[0].texts[0] == got[1].texts[0]);
  CHECK(header_of(got[1].texts[0], "Message-ID").starts_with("<u1."));
  CHECK(got[0].command("MAIL") == got[1].command("MAIL"));
  CHECK(server.connections() == 2);
}

TEST_CASE("what a server says at any length becomes a report that can be read", "[egress][rule-E5]") {
  // Two bytes each, so that a cut at any place may fall into one.
  std::string words;
  for (int i = 0; i < 600; ++i) words += "\xc3\xa9";
  for (const char* stage : {"greeting", "RCPT", "dot"}) {
    for (const char* code : {"450 ", "550 ", "552 5.3.4 ", "250 "}) {
      INFO(stage << " " << code);
      EgressDesk desk;
      SmtpServer server({}, [&](std::string_view now, const SmtpGot&) { return now == stage ? std::optional<std::string>(code + words + "\r\n") : std::nullopt; });
      desk.mail_to(server);
      desk.start();
      desk.write_mail(1);
      const auto report = desk.only();  // Decoded as the router does.
      CHECK(report.detail.size() <= limits::short_field_bytes_max);
      CHECK(email::to_utf8(report.detail, "utf-8") == report.detail);
    }
  }
}

TEST_CASE("a mail that must wait waits from a minute to an hour", "[egress]") {
  EgressDesk desk;
  SmtpServer server({}, [](std::string_view stage, const SmtpGot&) { return stage == "RCPT" ? std::optional<std::string>("450 4.2.0 greylisted\r\n") : std::nullopt; });
  desk.mail_to(server);
  desk.start();
  const std::pair<int, int> waits[] = {{1, 60}, {2, 120}, {3, 240}, {6, 1920}, {7, 3600}, {130, 3600}};
  std::size_t count = 0;
  for (const auto& [attempt, seconds] : waits) {
    desk.write_mail(1, attempt);
    const auto report = desk.wait_for(++count).back();
    CHECK(report.state == DeliveryState::deferred);
    CHECK(report.detail == "450 4.2.0 greylisted");
    CHECK(report.retry_after == std::chrono::seconds(seconds));
  }
}

TEST_CASE("a login that was refused is not tried for every mail", "[egress]") {
  EgressDesk desk;
  std::atomic<bool> open{false};
  SmtpServer server({}, [&](std::string_view stage, const SmtpGot&) { return stage == "AUTH" && !open ? std::optional<std::string>("535 5.7.8 wrong\r\n") : std::nullopt; });
  desk.mail_to(server);
  desk.start();
  desk.write_mail(1);
  CHECK(desk.wait_for(1)[0].detail == "the mail server refused the login: 535 5.7.8");
  for (std::uint64_t i = 2; i <= 40; ++i) desk.write_mail(i);
  for (const auto& report : desk.wait_for(40)) {
    CHECK(report.state == DeliveryState::deferred);
    CHECK(report.detail == "the mail server refused the login: 535 5.7.8");
  }
  CHECK(server.connections() == 1);
  await([&] { return desk.egress->status().last_error == "auth"; });
  CHECK(desk.egress->status().mail_trouble == "support-mail: the mail server refused the login: 535 5.7.8");
  open = true;
  desk.clock.pass(30'000);
  desk.write_mail(41);
  CHECK(desk.wait_for(41).back().state == DeliveryState::sent);
  await([&] { return desk.egress->status().mail_trouble.empty(); });
}

TEST_CASE("a provider that takes the plain address alone as the sender gets it in the same attempt and from then on", "[egress]") {
  // Some look at the sender as it is said, Postfix only at the recipient, Microsoft after the text.
  const std::pair<const char*, const char*> refusals[] = {{"MAIL", "550 5.7.60 not your address\r\n"},
                                                          {"RCPT", "553 5.7.1 <x>: Sender address rejected: not owned by user\r\n"},
                                                          {"DATA", "554 5.7.1 not your address\r\n"},
                                                          {"dot", "554 5.2.252 SendAsDenied\r\n"}};
  for (const auto& refusal : refusals) {
    INFO(refusal.first);
    EgressDesk desk;
    SmtpServer server({}, [&](std::string_view stage, const SmtpGot& got) {
      const bool refused = stage == refusal.first && got.command("MAIL").find('+') != std::string::npos;
      return refused ? std::optional<std::string>(refusal.second) : std::nullopt;
    });
    desk.mail_to(server);
    desk.start();
    desk.write_mail(1);
    CHECK(desk.only().state == DeliveryState::sent);
    const auto got = server.wait_for(2);
    CHECK(got[0].command("MAIL").starts_with("MAIL FROM:<support+"));
    CHECK(got[1].command("MAIL").starts_with("MAIL FROM:<support@example.com> "));
    desk.write_mail(2);
    CHECK(desk.wait_for(2)[1].state == DeliveryState::sent);
    CHECK(server.wait_for(3)[2].command("MAIL").starts_with("MAIL FROM:<support@example.com> "));
  }
}

TEST_CASE("a recipient who is refused to the plain sender too is the last word and proves nothing of the sender", "[egress]") {
  EgressDesk desk;
  std::atomic<bool> refuses{true};
  SmtpServer server({}, [&](std::string_view stage, const SmtpGot&) { return stage == "RCPT" && refuses ? std::optional<std::string>("550 5.1.1 no such user\r\n") : std::nullopt; });
  desk.mail_to(server);
  desk.start();
  desk.write_mail(1);
  const auto report = desk.only();
  CHECK(report.state == DeliveryState::failed);
  CHECK(report.detail == "550 5.1.1 no such user");
  CHECK(server.wait_for(2).size() == 2);
  refuses = false;
  desk.write_mail(2);
  CHECK(desk.wait_for(2)[1].state == DeliveryState::sent);
  CHECK(server.wait_for(3)[2].command("MAIL").starts_with("MAIL FROM:<support+"));
}

TEST_CASE("what was sent behind a mail that hangs is not sent again after a crash", "[egress][rule-E5]") {
  EgressDesk desk;
  std::atomic<bool> hangs{true};
  SmtpServer server({}, [&](std::string_view stage, const SmtpGot& got) -> std::optional<std::string> {
    return stage == "DATA" && got.number == 1 && hangs ? std::optional(SmtpServer::hang) : std::nullopt;
  });
  desk.mail_to(server);
  desk.start();
  desk.write_mail(1);
  await([&] { return server.connections() == 1; });
  for (std::uint64_t i = 2; i <= 6; ++i) desk.write_mail(i);
  CHECK(desk.wait_for(5).size() == 5);
  desk.egress.reset();
  CHECK(desk.cursor() == 0);
  hangs = false;
  desk.start();
  CHECK(desk.wait_for(6)[5].reply == MessageId{7, 1});
  desk.write_mail(7);
  CHECK(desk.wait_for(7)[6].reply == MessageId{7, 7});
  CHECK(server.connections() == 8);
}

TEST_CASE("a token that was withdrawn is replaced within the attempt", "[egress]") {
  EgressDesk desk;
  SmtpServer server;
  desk.mail_to(server);
  for (const auto& [key, value] : {std::pair{"login", "xoauth2"}, {"token_url", "https://login.example.com/token"}, {"client_id", "c"}, {"refresh_token", "r"}})
    desk.mailbox.options.values[key] = value;
  std::atomic<int> fresh_ones{0};
  MailHooks hooks;
  hooks.tokens = [&](const email::TokenGrant& grant, bool fresh, const std::stop_token&) -> usher::message::Result<std::string> {
    CHECK(grant.refresh_token == "r");
    if (fresh) ++fresh_ones;
    return std::string(fresh ? "secret" : "withdrawn");
  };
  desk.start(true, std::move(hooks));
  desk.write_mail(1);
  CHECK(desk.only().state == DeliveryState::sent);
  CHECK(fresh_ones == 1);
  CHECK(server.connections() == 2);
}

TEST_CASE("without a token a mail waits and why is said", "[egress]") {
  EgressDesk desk;
  SmtpServer server;
  desk.mail_to(server);
  for (const auto& [key, value] : {std::pair{"login", "oauthbearer"}, {"token_url", "https://login.example.com/token"}, {"client_id", "c"}, {"refresh_token", "r"}})
    desk.mailbox.options.values[key] = value;
  MailHooks hooks;
  hooks.tokens = [](const email::TokenGrant&, bool, const std::stop_token&) -> usher::message::Result<std::string> {
    return usher::message::fail(usher::message::Fault::unauthorised, "the token server refuses: invalid_grant");
  };
  desk.start(true, std::move(hooks));
  desk.write_mail(1);
  const auto report = desk.only();
  CHECK(report.state == DeliveryState::deferred);
  CHECK(report.detail == "the token server refuses: invalid_grant");
  CHECK(server.connections() == 0);
}

TEST_CASE("a stop waits for no token and the mail is sent by the next process", "[egress][rule-E5]") {
  EgressDesk desk;
  SmtpServer server;
  desk.mail_to(server);
  for (const auto& [key, value] : {std::pair{"login", "xoauth2"}, {"token_url", "https://login.example.com/token"}, {"client_id", "c"}, {"refresh_token", "r"}})
    desk.mailbox.options.values[key] = value;
  std::atomic<bool> asked{false};
  MailHooks hooks;
  hooks.tokens = [&](const email::TokenGrant&, bool, const std::stop_token& stop) -> usher::message::Result<std::string> {
    asked = true;
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait(lock, stop, [] { return false; });
    return usher::message::fail(usher::message::Fault::unavailable, "cut off");
  };
  desk.start(true, std::move(hooks));
  desk.write_mail(1);
  await([&] { return asked.load(); });
  desk.egress.reset();
  CHECK(desk.reports().empty());
  CHECK(desk.cursor() == 0);
}

TEST_CASE("a copy of a sent mail is made in its own time and holds up nobody", "[egress]") {
  EgressDesk desk;
  SmtpServer server;
  desk.mail_to(server);
  std::mutex mutex;
  std::condition_variable changed;
  bool go_on = false;
  std::vector<std::string> copied;
  MailHooks hooks;
  hooks.after_sent = [&](const MailPost& post, const std::stop_token&) -> usher::message::Result<void> {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return go_on; });
    copied.push_back(post.message_id);
    if (copied.size() == 2) return usher::message::fail(usher::message::Fault::unavailable, "no such folder");
    return {};
  };
  desk.start(true, std::move(hooks));
  for (std::uint64_t i = 1; i <= 3; ++i) desk.write_mail(i);
  for (const auto& report : desk.wait_for(3)) CHECK(report.state == DeliveryState::sent);
  {
    const std::lock_guard lock(mutex);
    CHECK(copied.empty());
    go_on = true;
    changed.notify_all();
  }
  await([&] {
    desk.egress->use(desk.instances());
    const auto copies = desk.egress->status().copies;
    return copies.kept == 2 && copies.failed == 1 && copies.dropped == 0;
  });
  CHECK(copied.size() == 3);
}

TEST_CASE("a mail that is not as far as its dot is cut off by a stop and sent by the next process", "[egress][rule-E5]") {
  EgressDesk desk;
  std::atomic<bool> reached{false}, hangs{true};
  SmtpServer server({}, [&](std::string_view stage, const SmtpGot&) -> std::optional<std::string> {
    if (stage != "DATA" || !hangs) return std::nullopt;
    reached = true;
    return SmtpServer::hang;
  });
  desk.mail_to(server);
  desk.start();
  desk.write_mail(1);
  await([&] { return reached.load(); });
  desk.egress.reset();
  CHECK(desk.reports().empty());
  CHECK(desk.cursor() == 0);
  hangs = false;
  desk.start();
  CHECK(desk.only().state == DeliveryState::sent);
  CHECK(server.wait_for(2)[1].texts.size() == 1);
}

TEST_CASE("a mail past its dot gets its answer before the process ends", "[egress]") {
  EgressDesk desk;
  std::mutex mutex;
  std::condition_variable changed;
  bool reached = false, go_on = false;
  SmtpServer server({}, [&](std::string_view stage, const SmtpGot&) -> std::optional<std::string> {
    if (stage != "dot") return std::nullopt;
    std::unique_lock lock(mutex);
    reached = true;
    changed.notify_all();
    changed.wait(lock, [&] { return go_on; });
    return std::nullopt;
  });
  desk.mail_to(server);
  desk.start();
  desk.write_mail(1);
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return reached; });
  }
  std::thread stopping([&] { desk.egress.reset(); });
  {
    const std::lock_guard lock(mutex);
    go_on = true;
    changed.notify_all();
  }
  stopping.join();
  CHECK(desk.only().state == DeliveryState::sent);
  CHECK(desk.cursor() == 1);
  CHECK(server.connections() == 1);
}
